package names

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	hostTTL    = 120  // RFC 6762, 10: of records with a host's name or address
	serviceTTL = 4500 // of all others
	unique     = dnsmessage.Class(1<<15) | dnsmessage.ClassINET
	typeNSEC   = dnsmessage.Type(47)
	services   = "_services._dns-sd._udp.local."
)

// record is a resource record of ours, ready to be compared and packed.
type record struct {
	name   string
	kind   dnsmessage.Type
	class  dnsmessage.Class
	ttl    uint32
	data   []byte // as on the wire, names not compressed
	shared bool   // others may have records of this name and type too
}

func (r record) resource(ttl uint32) dnsmessage.Resource {
	return dnsmessage.Resource{
		Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(r.name), Type: r.kind, Class: r.class, TTL: ttl},
		Body:   &dnsmessage.UnknownResource{Type: r.kind, Data: r.data},
	}
}

// wire is a name as on the wire.
func wire(name string) []byte {
	var b []byte
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		b = append(append(b, byte(len(label))), label...)
	}
	return append(b, 0)
}

// records are all that we announce on a link under the host's name.
func records(host string, l Link, w Wanted) []record {
	name := host + ".local."
	var out []record
	var has4, has6 bool
	for _, p := range l.Addrs {
		a := p.Addr()
		kind := dnsmessage.TypeAAAA
		if a.Is4() {
			kind, has4 = dnsmessage.TypeA, true
		} else {
			has6 = true
		}
		out = append(out, record{name: name, kind: kind, class: unique, ttl: hostTTL, data: a.AsSlice()})
	}
	// NSEC says that there are no other types, so that nobody waits for them.
	window := []byte{0, 1, 0} // RFC 4034, 4.1.2: no zeros at the end
	if has6 {
		window = []byte{0, 4, 0, 0, 0, 0x08} // type 28
	}
	if has4 {
		window[2] |= 0x40 // type 1
	}
	out = append(out, record{name: name, kind: typeNSEC, class: unique, ttl: hostTTL, data: append(wire(name), window...)})
	for _, s := range []struct {
		kind string
		port int
	}{{"_https._tcp.local.", w.HTTPSPort}, {"_http._tcp.local.", w.HTTPPort}} {
		if s.port == 0 {
			continue
		}
		instance := host + "." + s.kind
		srv := binary.BigEndian.AppendUint16([]byte{0, 0, 0, 0}, uint16(s.port))
		out = append(out,
			record{name: services, kind: dnsmessage.TypePTR, class: dnsmessage.ClassINET, ttl: serviceTTL, data: wire(s.kind), shared: true},
			record{name: s.kind, kind: dnsmessage.TypePTR, class: dnsmessage.ClassINET, ttl: serviceTTL, data: wire(instance), shared: true},
			record{name: instance, kind: dnsmessage.TypeSRV, class: unique, ttl: hostTTL, data: append(srv, wire(name)...)},
			record{name: instance, kind: dnsmessage.TypeTXT, class: unique, ttl: serviceTTL, data: append([]byte{6}, "path=/"...)},
		)
	}
	return out
}

// answers are the records that a question asks for, and those that its asker
// will want next.
func answers(q dnsmessage.Question, own []record) (wanted, more []record) {
	if c := q.Class &^ (1 << 15); c != dnsmessage.ClassINET && c != dnsmessage.ClassANY {
		return nil, nil
	}
	for _, r := range own {
		if strings.EqualFold(r.name, q.Name.String()) && (r.kind == q.Type || q.Type == dnsmessage.TypeALL && r.kind != typeNSEC) {
			wanted = append(wanted, r)
		}
	}
	if len(wanted) == 0 { // the name is ours, but has nothing of this type: say so
		for _, r := range own {
			if r.kind == typeNSEC && strings.EqualFold(r.name, q.Name.String()) {
				return []record{r}, nil
			}
		}
		return nil, nil
	}
	for _, r := range own {
		if !slices.ContainsFunc(wanted, func(w record) bool { return w.name == r.name && w.kind == r.kind }) && follows(wanted, r) {
			more = append(more, r)
		}
	}
	return wanted, more
}

// follows says whether the record completes what was asked for: a service's
// place, and a host's addresses.
func follows(wanted []record, r record) bool {
	for _, w := range wanted {
		switch {
		case r.shared:
		case w.kind == dnsmessage.TypePTR && w.name != services:
			return true
		case r.name != w.name && w.kind == dnsmessage.TypeSRV:
			return r.kind == dnsmessage.TypeA || r.kind == dnsmessage.TypeAAAA
		case r.name == w.name && (w.kind == dnsmessage.TypeA || w.kind == dnsmessage.TypeAAAA):
			return true
		}
	}
	return false
}

// heard is a message of another responder, as far as it matters here.
type heard struct {
	header    dnsmessage.Header
	questions []dnsmessage.Question
	records   []record // answers and additionals; in a question, known answers
	proposed  []record // the authority section: what a prober wants
}

// read parses a message.
func read(b []byte) (h heard, err error) {
	var p dnsmessage.Parser
	if h.header, err = p.Start(b); err != nil {
		return h, err
	}
	if h.questions, err = p.AllQuestions(); err != nil {
		return h, err
	}
	for section, next := range []func() (dnsmessage.ResourceHeader, error){p.AnswerHeader, p.AuthorityHeader, p.AdditionalHeader} {
		skip := []func() error{p.SkipAnswer, p.SkipAuthority, p.SkipAdditional}[section]
		for {
			rh, err := next()
			if err == dnsmessage.ErrSectionDone {
				break
			}
			if err != nil {
				return h, err
			}
			r, ok := body(&p, rh)
			if !ok {
				if err := skip(); err != nil {
					return h, err
				}
				continue
			}
			if section == 1 {
				h.proposed = append(h.proposed, r)
			} else {
				h.records = append(h.records, r)
			}
		}
	}
	return h, nil
}

// body reads the types that we announce ourselves.
func body(p *dnsmessage.Parser, h dnsmessage.ResourceHeader) (record, bool) {
	r := record{name: h.Name.String(), kind: h.Type, class: h.Class, ttl: h.TTL}
	switch h.Type {
	case dnsmessage.TypeA:
		x, err := p.AResource()
		r.data = x.A[:]
		return r, err == nil
	case dnsmessage.TypeAAAA:
		x, err := p.AAAAResource()
		r.data = x.AAAA[:]
		return r, err == nil
	case dnsmessage.TypePTR:
		x, err := p.PTRResource()
		r.data = wire(x.PTR.String())
		return r, err == nil
	case dnsmessage.TypeSRV:
		x, err := p.SRVResource()
		r.data = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, x.Priority), x.Weight), x.Port)
		r.data = append(r.data, wire(x.Target.String())...)
		return r, err == nil
	case dnsmessage.TypeTXT:
		x, err := p.UnknownResource()
		r.data = x.Data
		return r, err == nil
	}
	return r, false
}

// contradicts says whether another's record claims what is ours alone.
func contradicts(their record, own []record) bool {
	if their.ttl == 0 {
		return false
	}
	same := false
	for _, r := range own {
		if !r.shared && strings.EqualFold(r.name, their.name) && r.kind != typeNSEC {
			if r.kind == their.kind && bytes.Equal(r.data, their.data) {
				return false
			}
			same = true
		}
	}
	return same
}

// later says whether our records win over another's who asks for the same
// name at the same time (RFC 6762, 8.2).
func later(own, theirs []record, name string) int {
	pick := func(list []record) []record {
		out := slices.DeleteFunc(slices.Clone(list), func(r record) bool { return !strings.EqualFold(r.name, name) || r.kind == typeNSEC })
		slices.SortFunc(out, compare)
		return out
	}
	return slices.CompareFunc(pick(own), pick(theirs), compare)
}

func compare(a, b record) int {
	if c := int(a.class&^(1<<15)) - int(b.class&^(1<<15)); c != 0 {
		return c
	}
	if c := int(a.kind) - int(b.kind); c != 0 {
		return c
	}
	return bytes.Compare(a.data, b.data)
}

// pack makes a message; ttl gives each record its time.
func pack(m dnsmessage.Message) []byte {
	b, err := m.Pack()
	if err != nil {
		return nil // a name that does not fit was refused before
	}
	return b
}

func resources(list []record, ttl func(record) uint32) []dnsmessage.Resource {
	var out []dnsmessage.Resource
	for _, r := range list {
		out = append(out, r.resource(ttl(r)))
	}
	return out
}

func full(r record) uint32  { return r.ttl }
func ended(record) uint32   { return 0 }
func brief(r record) uint32 { return min(r.ttl, 10) } // RFC 6762, 6.7: for old resolvers

// usable are the addresses to announce on a link.
func usable(l Link) Link {
	l.Addrs = slices.DeleteFunc(slices.Clone(l.Addrs), func(p netip.Prefix) bool {
		a := p.Addr()
		return a.IsLoopback() || a.IsMulticast() || a.IsUnspecified() || a.Is6() && a.IsLinkLocalUnicast()
	})
	return l
}
