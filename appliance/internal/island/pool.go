package island

import (
	"bytes"
	"hash/fnv"
	"net/netip"
	"slices"
	"strings"
	"time"

	"meetbox.local/appliance/api"
)

const (
	// offerTime is how long an offered address is kept for its asker.
	offerTime = time.Minute
	// badTime is how long an address is left alone that a device found in
	// use by another one.
	badTime = 10 * time.Minute
	// mostLeases bounds what strangers can make us remember.
	mostLeases = 4096
	// memory is how long the address of a device that left is kept for it.
	memory = 30 * 24 * time.Hour
)

// pool is who has which address. It does no I/O; its times are the caller's.
type pool struct {
	own         netip.Addr
	first, last netip.Addr
	leases      map[netip.Addr]*lease
	bad         map[netip.Addr]time.Time
}

type lease struct {
	mac   string
	name  string
	until time.Time
	bound bool // acknowledged, not only offered
}

// span is what may be lent in the network: what the settings say, else its
// upper half.
func span(p netip.Prefix, s api.Island) (first, last netip.Addr, ok bool) {
	lowest, highest := p.Masked().Addr().Next(), api.Last(p).Prev()
	if p.Bits() > 30 {
		return first, last, false // no room for anybody else
	}
	if s.First.Is4() && s.Last.Is4() && p.Contains(s.First) && p.Contains(s.Last) {
		first, last = s.First, s.Last
	} else {
		b := p.Masked().Addr().As4()
		b[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
		first, last = netip.AddrFrom4(b), highest
	}
	if first.Less(lowest) {
		first = lowest
	}
	if highest.Less(last) {
		last = highest
	}
	return first, last, !last.Less(first)
}

func newPool(own, first, last netip.Addr) *pool {
	return &pool{own: own, first: first, last: last, leases: map[netip.Addr]*lease{}, bad: map[netip.Addr]time.Time{}}
}

func (p *pool) inside(a netip.Addr) bool {
	return a.Is4() && !a.Less(p.first) && !p.last.Less(a) && a != p.own
}

// free says whether the device may have the address.
func (p *pool) free(a netip.Addr, mac string, now time.Time) bool {
	if !p.inside(a) || now.Before(p.bad[a]) {
		return false
	}
	l := p.leases[a]
	return l == nil || l.mac == mac || !now.Before(l.until)
}

// choose finds an address for the device: the one it had, the one it wants,
// one that nobody had, and at last one whose lease is over for longest.
func (p *pool) choose(mac string, wish netip.Addr, now time.Time) (netip.Addr, bool) {
	var own, oldest netip.Addr
	for a, l := range p.leases {
		if l.mac == mac && p.free(a, mac, now) && (!own.IsValid() || a == wish) {
			own = a
		}
		if p.free(a, mac, now) && (!oldest.IsValid() || l.until.Before(p.leases[oldest].until)) {
			oldest = a
		}
	}
	switch {
	case own.IsValid():
		return own, true
	case p.free(wish, mac, now):
		return wish, true
	}
	// A device asks again and again until it is answered: always the same
	// place to begin gives it always the same address.
	h := fnv.New32a()
	_, _ = h.Write([]byte(mac))
	size := number(p.last) - number(p.first) + 1
	start := h.Sum32() % size
	for i := range min(size, mostLeases) {
		a := address(number(p.first) + (start+i)%size)
		if p.leases[a] == nil && p.free(a, mac, now) {
			return a, true
		}
	}
	return oldest, oldest.IsValid()
}

func number(a netip.Addr) uint32 {
	b := a.As4()
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

func address(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

// offer keeps an address for a device for a moment.
func (p *pool) offer(mac string, wish netip.Addr, now time.Time) (netip.Addr, bool) {
	if len(p.leases) >= mostLeases {
		p.forget(now)
	}
	a, ok := p.choose(mac, wish, now)
	if !ok || len(p.leases) >= mostLeases && p.leases[a] == nil {
		return a, false
	}
	if l := p.leases[a]; l == nil || l.mac != mac || !now.Before(l.until) {
		name := ""
		if l != nil && l.mac == mac {
			name = l.name
		}
		p.leases[a] = &lease{mac: mac, name: name, until: now.Add(offerTime)}
	}
	return a, true
}

// bind lends the address; false: the device may not have it.
func (p *pool) bind(mac string, a netip.Addr, name string, life time.Duration, now time.Time) bool {
	if !p.free(a, mac, now) || p.leases[a] == nil && len(p.leases) >= mostLeases {
		return false
	}
	p.leases[a] = &lease{mac: mac, name: clean(name), until: now.Add(life), bound: true}
	for other, l := range p.leases { // one device, one address
		if other != a && l.mac == mac {
			delete(p.leases, other)
		}
	}
	return true
}

func (p *pool) release(mac string, a netip.Addr, now time.Time) {
	if l := p.leases[a]; l != nil && l.mac == mac {
		l.until = now
	}
}

func (p *pool) decline(mac string, a netip.Addr, now time.Time) {
	if l := p.leases[a]; l != nil && l.mac == mac && len(p.bad) < mostLeases {
		delete(p.leases, a)
		p.bad[a] = now.Add(badTime)
	}
}

// forget drops what is over for long, and offers that nobody took.
func (p *pool) forget(now time.Time) {
	for a, l := range p.leases {
		if !l.bound && now.After(l.until) || now.After(l.until.Add(memory)) {
			delete(p.leases, a)
		}
	}
	for a, until := range p.bad {
		if now.After(until) {
			delete(p.bad, a)
		}
	}
}

// list is who has an address now, in order.
func (p *pool) list(now time.Time) []api.IslandLease {
	out := []api.IslandLease{}
	for a, l := range p.leases {
		if l.bound && now.Before(l.until) {
			out = append(out, api.IslandLease{Address: a, MAC: l.mac, Name: l.name, Until: l.until.UTC()})
		}
	}
	slices.SortFunc(out, func(a, b api.IslandLease) int { return a.Address.Compare(b.Address) })
	return out
}

// clean keeps of a device's name what can be shown.
func clean(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return -1
		}
		return r
	}, string(bytes.ToValidUTF8([]byte(name), nil)))
	return name[:min(len(name), 64)]
}
