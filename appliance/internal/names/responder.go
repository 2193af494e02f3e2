package names

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	probes     = 3
	probeEvery = 250 * time.Millisecond // RFC 6762, 8.1
	announces  = 2
	pauseEvery = time.Second
	// conflictPause after many conflicts in a row, so that two broken boxes
	// do not shout at each other (RFC 6762, 8.1: fifteen within ten seconds).
	conflictPause = 5 * time.Second
	manyConflicts = 15
	// sharedDelay spreads the answers that many machines give at once.
	sharedDelay = 100 * time.Millisecond
)

// phase is where a responder is.
type phase int

const (
	quiet phase = iota + 1
	probing
	announcing
	settled
)

// Responder announces the box's name.
type Responder struct {
	log     *slog.Logger
	changed func() // the name is another one
	conns   []conn
	packets chan packet
	sets    chan Wanted

	wanted    Wanted
	links     []Link // usable ones, joined
	number    int    // of the name being tried
	phase     phase
	count     int // probes or announcements sent
	conflicts int
	timer     *time.Timer
	sent      map[string]time.Time // record and link: last multicast

	mu       sync.Mutex
	name     string
	conflict string
	active   bool
}

// Open opens the sockets; Run uses them until it ends.
func Open(changed func(), log *slog.Logger) (*Responder, error) {
	r := &Responder{
		log: log, changed: changed, packets: make(chan packet, 64), sets: make(chan Wanted),
		phase: quiet, timer: time.NewTimer(time.Hour), sent: map[string]time.Time{}, name: DefaultHost,
	}
	r.timer.Stop()
	var errs []error
	for _, open := range []func() (conn, error){open4, open6} {
		c, err := open()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		r.conns = append(r.conns, c)
	}
	if len(r.conns) == 0 {
		return nil, fmt.Errorf("announce names: %w", errors.Join(errs...))
	}
	return r, nil
}

// Name is the name in use, such as "meetbox.local", and who has the wanted
// one, if it is another.
func (r *Responder) Name() (name, conflict string, active bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.name + ".local", r.conflict, r.active
}

// Set says what there is to announce from now on.
func (r *Responder) Set(ctx context.Context, w Wanted) {
	if w.Host == "" {
		w.Host = DefaultHost
	}
	select {
	case r.sets <- w:
	case <-ctx.Done():
	}
}

// Run answers and announces until ctx ends; then it says goodbye.
func (r *Responder) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for _, c := range r.conns {
		wg.Go(func() { cancel(r.receive(ctx, c)) })
	}
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case w := <-r.sets:
			r.follow(w)
		case p := <-r.packets:
			r.hear(p)
		case <-r.timer.C:
			r.step()
		}
	}
	r.goodbye(r.own)
	for _, c := range r.conns {
		c.Close()
	}
	wg.Wait()
	return context.Cause(ctx)
}

func (r *Responder) receive(ctx context.Context, c conn) error {
	b := make([]byte, 9000)
	for {
		n, from, index, err := c.read(b)
		if err != nil {
			return fmt.Errorf("announce names: %w", err)
		}
		select {
		case r.packets <- packet{append([]byte(nil), b[:n]...), from, index, c}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (r *Responder) host() string { return numbered(r.wanted.Host, r.number) }

// own are our records on a link.
func (r *Responder) own(l Link) []record { return records(r.host(), l, r.wanted) }

// follow takes over what there is to announce.
func (r *Responder) follow(w Wanted) {
	var links []Link
	for _, l := range w.Links {
		if l = usable(l); len(l.Addrs) > 0 {
			links = append(links, l)
		}
	}
	if w.Quiet {
		links = nil
	}
	w.Links = nil
	before := r.wanted
	before.Links, w.Links = r.links, links
	if before.equal(w) {
		return
	}
	// What is gone is taken back; what stays is not, so that nobody loses it.
	fresh := map[int][]record{}
	for _, l := range links {
		fresh[l.Index] = records(numbered(w.Host, 1), l, w)
		if w.Host == before.Host {
			fresh[l.Index] = records(r.host(), l, w)
		}
	}
	r.goodbye(func(l Link) []record {
		return slices.DeleteFunc(r.own(l), func(o record) bool {
			return slices.ContainsFunc(fresh[l.Index], func(f record) bool { return f.name == o.name && f.kind == o.kind && string(f.data) == string(o.data) })
		})
	})
	for _, c := range r.conns {
		for _, l := range r.links {
			if !slices.ContainsFunc(links, func(x Link) bool { return x.Index == l.Index }) {
				c.leave(l)
			}
		}
		for _, l := range links {
			if err := c.join(l); err != nil {
				r.log.Debug("link not joined", "link", l.Name, "err", err)
			}
		}
	}
	if w.Host != before.Host {
		r.number = 1
		r.setConflict("")
	}
	r.wanted, r.links = w, links
	clear(r.sent)
	if len(links) == 0 {
		r.phase = quiet
		r.timer.Stop()
		r.publish(false)
		return
	}
	r.probe(rand.N(probeEvery))
}

func (r *Responder) probe(after time.Duration) {
	r.phase, r.count = probing, 0
	r.timer.Reset(after)
}

// step is the timer's.
func (r *Responder) step() {
	switch r.phase {
	case probing:
		if r.count == probes {
			r.phase, r.count, r.conflicts = announcing, 0, 0
			r.publish(true)
			r.step()
			return
		}
		r.count++
		r.each(r.ask)
		r.timer.Reset(probeEvery)
	case announcing:
		r.each(func(c conn, l Link) {
			c.send(l, r.response(r.own(l), nil, full))
		})
		if r.count++; r.count < announces {
			r.timer.Reset(pauseEvery)
		} else {
			r.phase = settled
		}
	case quiet, settled:
	}
}

func (r *Responder) each(f func(conn, Link)) {
	for _, c := range r.conns {
		for _, l := range r.links {
			f(c, l)
		}
	}
}

// ask sends one probe: who has these names? We want to say this of them.
func (r *Responder) ask(c conn, l Link) {
	own := slices.DeleteFunc(r.own(l), func(o record) bool { return o.shared || o.kind == typeNSEC })
	var m dnsmessage.Message
	for _, o := range own {
		n := dnsmessage.MustNewName(o.name)
		if !slices.ContainsFunc(m.Questions, func(q dnsmessage.Question) bool { return q.Name == n }) {
			m.Questions = append(m.Questions, dnsmessage.Question{Name: n, Type: dnsmessage.TypeALL, Class: unique})
		}
	}
	for i := range own {
		own[i].class = dnsmessage.ClassINET // RFC 6762, 10.2: never with the bit in a probe
	}
	m.Authorities = resources(own, full)
	c.send(l, pack(m))
}

func (r *Responder) response(answers, more []record, ttl func(record) uint32) []byte {
	return pack(dnsmessage.Message{
		Header:  dnsmessage.Header{Response: true, Authoritative: true},
		Answers: resources(answers, ttl), Additionals: resources(more, ttl),
	})
}

// goodbye takes records back.
func (r *Responder) goodbye(of func(Link) []record) {
	if r.phase != announcing && r.phase != settled {
		return
	}
	r.each(func(c conn, l Link) {
		gone := slices.DeleteFunc(of(l), func(o record) bool { return o.name == services })
		if len(gone) > 0 {
			c.send(l, r.response(gone, nil, ended))
		}
	})
}

// hear handles one message of somebody else.
func (r *Responder) hear(p packet) {
	i := slices.IndexFunc(r.links, func(l Link) bool { return l.Index == p.index })
	if i < 0 || r.phase == quiet {
		return
	}
	l, from := r.links[i], p.from.Addr().Unmap().WithZone("")
	ours := slices.ContainsFunc(r.links, func(l Link) bool {
		return slices.ContainsFunc(l.Addrs, func(a netip.Prefix) bool { return a.Addr() == from })
	})
	near := from.IsLinkLocalUnicast() || slices.ContainsFunc(l.Addrs, func(a netip.Prefix) bool { return a.Contains(from) })
	if ours || !near { // RFC 6762, 11: nobody from elsewhere
		return
	}
	h, err := read(p.data)
	if err != nil || h.header.OpCode != 0 || h.header.RCode != 0 {
		return
	}
	if h.header.Response {
		if p.from.Port() != port {
			return
		}
		r.compare(h, l, from)
		return
	}
	r.contest(h, l)
	if r.phase == announcing || r.phase == settled {
		r.reply(h, l, p)
	}
}

// compare looks for answers that contradict ours.
func (r *Responder) compare(h heard, l Link, from netip.Addr) {
	own := r.own(l)
	if !slices.ContainsFunc(h.records, func(their record) bool { return contradicts(their, own) }) {
		return
	}
	r.conflicts++
	if r.phase != probing { // ask again: whoever has more right to it will say so
		r.log.Info("another device uses our name too", "name", r.host(), "from", from)
		r.probe(rand.N(probeEvery))
		return
	}
	r.setConflict(fmt.Sprintf("The device %s has the name %s.local.", from, r.host()))
	r.log.Warn("name taken", "name", r.host(), "from", from)
	r.number = max(r.number, 1) + 1
	pause := rand.N(probeEvery)
	if r.conflicts > manyConflicts {
		pause += conflictPause
	}
	r.probe(pause)
}

// contest handles another's probe for our name while we probe for it.
func (r *Responder) contest(h heard, l Link) {
	if r.phase != probing || len(h.proposed) == 0 {
		return
	}
	own := r.own(l)
	for _, q := range h.questions {
		name := q.Name.String()
		if !slices.ContainsFunc(own, func(o record) bool { return !o.shared && strings.EqualFold(o.name, name) }) {
			continue
		}
		if later(own, h.proposed, name) < 0 { // they win; by then they have it
			r.probe(pauseEvery + rand.N(probeEvery))
			return
		}
	}
}

// reply answers questions.
func (r *Responder) reply(h heard, l Link, p packet) {
	var wanted, more []record
	direct, shared := true, false
	own := r.own(l)
	for _, q := range h.questions {
		a, m := answers(q, own)
		if len(a) > 0 && q.Class&(1<<15) == 0 {
			direct = false
		}
		wanted, more = append(wanted, a...), append(more, m...)
	}
	wanted = slices.DeleteFunc(wanted, func(w record) bool { // the asker knows it (RFC 6762, 7.1)
		shared = shared || w.shared
		return slices.ContainsFunc(h.records, func(k record) bool {
			return k.kind == w.kind && strings.EqualFold(k.name, w.name) && string(k.data) == string(w.data) && k.ttl >= w.ttl/2
		})
	})
	if len(wanted) == 0 {
		return
	}
	if p.from.Port() != port { // an old resolver: as plain DNS would (RFC 6762, 6.7)
		m := dnsmessage.Message{
			Header: dnsmessage.Header{ID: h.header.ID, Response: true, Authoritative: true}, Questions: h.questions,
			Answers: resources(plain(wanted), brief), Additionals: resources(plain(more), brief),
		}
		p.conn.sendTo(l, p.from, pack(m))
		return
	}
	if direct {
		p.conn.sendTo(l, p.from, r.response(wanted, more, full))
		return
	}
	if len(h.proposed) == 0 { // no more than once a second, but always against a prober
		now := time.Now()
		wanted = slices.DeleteFunc(wanted, func(w record) bool {
			key := fmt.Sprint(l.Index, w.name, w.kind, string(w.data))
			if now.Sub(r.sent[key]) < pauseEvery {
				return true
			}
			r.sent[key] = now
			return false
		})
	}
	if len(wanted) == 0 {
		return
	}
	b := r.response(wanted, more, full)
	if !shared {
		r.each(func(c conn, x Link) {
			if x.Index == l.Index {
				c.send(l, b)
			}
		})
		return
	}
	time.AfterFunc(20*time.Millisecond+rand.N(sharedDelay), func() { // RFC 6762, 6: others answer too
		p.conn.send(l, b)
	})
}

// plain are records without the bit that old resolvers do not know.
func plain(list []record) []record {
	out := slices.Clone(list)
	for i := range out {
		out[i].class = dnsmessage.ClassINET
	}
	return out
}

func (r *Responder) setConflict(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conflict = text
}

// publish makes the name visible.
func (r *Responder) publish(active bool) {
	host := r.host()
	r.mu.Lock()
	changed := r.name != host || r.active != active
	r.name, r.active = host, active
	if r.number < 2 {
		r.conflict = ""
	}
	r.mu.Unlock()
	if changed {
		r.log.Info("name announced", "name", host+".local", "active", active)
		r.changed()
	}
}

// packet is a message as it came in.
type packet struct {
	data  []byte
	from  netip.AddrPort
	index int // of the link
	conn  conn
}

var group4, group6 = netip.MustParseAddr("224.0.0.251"), netip.MustParseAddr("ff02::fb")

const port = 5353

func udp(a netip.Addr) *net.UDPAddr { return net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, port)) }
