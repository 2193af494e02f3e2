package island

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"meetbox.local/appliance/api"
)

const (
	// dnsTTL is short: a phone takes what it learns here to other networks.
	dnsTTL = 30
	// idle ends a TCP connection that nothing is asked on.
	idle = 10 * time.Second
	// mostTCP connections at once; questions as short as ours need none.
	mostTCP = 32
)

// ncsi is what Windows expects to be the address of dns.msftncsi.com. Nothing
// is ever sent there.
var ncsi = netip.AddrFrom4([4]byte{131, 107, 255, 255})

// zone is what the island's DNS server knows.
type zone struct {
	addrs []netip.Addr // the box's on this island
	names []string     // lower case, no dot at the end
	hosts map[string]netip.Addr
}

func newZone(addrs []netip.Addr, names []string, captive bool) zone {
	z := zone{addrs: addrs, hosts: map[string]netip.Addr{}}
	for _, n := range names {
		if n != "localhost" {
			z.names = append(z.names, strings.ToLower(strings.TrimSuffix(n, ".")))
		}
	}
	if captive {
		for _, p := range api.Probes() {
			z.names = append(z.names, p.Host)
		}
		z.hosts["dns.msftncsi.com"] = ncsi
	}
	return z
}

// answer answers one question; nil: it deserves none.
func (z zone) answer(b []byte) []byte {
	var p dnsmessage.Parser
	h, err := p.Start(b)
	if err != nil || h.Response {
		return nil
	}
	q, err := p.AllQuestions()
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: h.ID, Response: true, OpCode: h.OpCode, RecursionDesired: h.RecursionDesired, RecursionAvailable: true}}
	switch {
	case err != nil || len(q) != 1:
		m.RCode = dnsmessage.RCodeFormatError
	case h.OpCode != 0:
		m.RCode = dnsmessage.RCodeNotImplemented
	case q[0].Class != dnsmessage.ClassINET:
		m.RCode = dnsmessage.RCodeRefused
	default:
		m.Questions, m.Authoritative = q, true
		z.fill(&m, q[0])
	}
	out, err := m.Pack()
	if err != nil {
		return nil
	}
	return out
}

func (z zone) fill(m *dnsmessage.Message, q dnsmessage.Question) {
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	addrs, known := z.addrs, slices.Contains(z.names, name)
	if a, ok := z.hosts[name]; ok {
		addrs, known = []netip.Addr{a}, true
	}
	head := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: dnsTTL}
	if q.Type == dnsmessage.TypePTR {
		for _, a := range z.addrs {
			if name == reverse(a) && len(z.names) > 0 {
				if to, err := dnsmessage.NewName(z.names[0] + "."); err == nil {
					m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.PTRResource{PTR: to}})
					return
				}
			}
		}
	}
	for _, a := range addrs {
		switch {
		case !known:
		case a.Is4() && (q.Type == dnsmessage.TypeA || q.Type == dnsmessage.TypeALL):
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: a.As4()}})
		case a.Is6() && (q.Type == dnsmessage.TypeAAAA || q.Type == dnsmessage.TypeALL):
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
		}
	}
	if len(m.Answers) > 0 {
		return
	}
	if !known {
		m.RCode = dnsmessage.RCodeNameError
	}
	root := dnsmessage.MustNewName(".")
	m.Authorities = []dnsmessage.Resource{{ // how long "there is none" may be remembered (RFC 2308)
		Header: dnsmessage.ResourceHeader{Name: root, Class: dnsmessage.ClassINET, TTL: dnsTTL},
		Body:   &dnsmessage.SOAResource{NS: root, MBox: root, Serial: 1, Refresh: 3600, Retry: 600, Expire: 86400, MinTTL: dnsTTL},
	}}
}

// reverse is the name under which an address is looked up.
func reverse(a netip.Addr) string {
	var labels []string
	if a.Is4() {
		for _, b := range a.As4() {
			labels = append([]string{decimal(b)}, labels...)
		}
		return strings.Join(labels, ".") + ".in-addr.arpa"
	}
	for _, b := range a.As16() {
		labels = append([]string{hex(b & 15), hex(b >> 4)}, labels...)
	}
	return strings.Join(labels, ".") + ".ip6.arpa"
}

func decimal(b byte) string {
	if b < 10 {
		return string('0' + rune(b))
	}
	return decimal(b/10) + string('0'+rune(b%10))
}

func hex(b byte) string { return string("0123456789abcdef"[b]) }

// serveUDP answers until the socket is closed.
func (z zone) serveUDP(c net.PacketConn) {
	b := make([]byte, 4096)
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return
		}
		if a := z.answer(b[:n]); a != nil {
			_, _ = c.WriteTo(a, from) // who did not get it asks again
		}
	}
}

// serveTCP answers until the listener is closed.
func (z zone) serveTCP(ctx context.Context, l net.Listener) {
	slots := make(chan struct{}, mostTCP)
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		select {
		case slots <- struct{}{}:
			go func() {
				defer func() { <-slots }()
				z.talk(ctx, c)
			}()
		default:
			c.Close()
		}
	}
}

func (z zone) talk(ctx context.Context, c net.Conn) {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	b := make([]byte, 65535)
	for {
		if err := c.SetDeadline(time.Now().Add(idle)); err != nil {
			return
		}
		if _, err := io.ReadFull(c, b[:2]); err != nil {
			return
		}
		n := int(binary.BigEndian.Uint16(b))
		if _, err := io.ReadFull(c, b[:n]); err != nil {
			return
		}
		a := z.answer(b[:n])
		if a == nil {
			return
		}
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(a))), a...)); err != nil {
			return
		}
	}
}
