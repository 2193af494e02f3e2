// Package firewall says which packets may enter and leave the box: what is not
// named here is dropped, in both directions.
//
// In come browsers (HTTPS, HTTP, console), media, name and address services,
// and answers. Out go answers, what the own networks need (media, mDNS, DHCP,
// neighbours), and, from the appliance only, what the administrator named.
// Participants in other networks of the site are answered once they have sent
// a packet, which browsers always do first.
//
// A Policy is the whole wanted state; Apply puts it into the kernel in one
// transaction, so that at no instant a half of it is in force. Keep follows
// changes of settings, addresses and names.
package firewall

import (
	"fmt"
	"net/netip"
	"strings"
)

// Policy is what the rules depend on.
type Policy struct {
	Own    []netip.Prefix // networks of the box's cards
	TCP    []uint16       // ports open to everybody
	Media  []uint16       // UDP ports of sound and pictures
	Island []string       // cards on which the box is the only server
	Out    []Target       // where the appliance may go
}

// Target is one port of one host.
type Target struct {
	Addr netip.Addr
	UDP  bool
	Port uint16
}

// Numbers of protocols, and of their ports.
const (
	icmp   = 1
	igmp   = 2
	tcp    = 6
	udp    = 17
	icmpv6 = 58

	mDNS = 5353
)

// action is what becomes of a packet.
type action string

const (
	accept  action = "accept"
	drop    action = "drop"
	reject  action = "reject"  // tell the sender, which is one of ours
	notrack action = "notrack" // do not remember the connection
)

// match is what a rule asks of a packet; zero values ask nothing.
type match struct {
	in, out  string // card
	proto    uint8
	from, to netip.Prefix
	src, dst uint16
	kind     []uint8 // of ICMP
	state    string  // of the connection
	root     bool    // sent by a process of the administrator
}

type rule struct {
	match
	do action
}

// chain is a list of rules at one place in a packet's way.
type chain struct {
	name  string
	rules []rule
}

const (
	known   = "established,related"
	invalid = "invalid"
)

var (
	linkLocal = netip.MustParsePrefix("fe80::/10")
	multi4    = netip.MustParsePrefix("224.0.0.0/24")
	multi6    = netip.MustParsePrefix("ff02::/16")
)

// rules are the chains for a policy.
func (p Policy) rules() []chain {
	own := append([]netip.Prefix{linkLocal}, p.Own...)
	before := chain{name: "before"}
	leaving := chain{name: "leaving"}
	in := chain{name: "input", rules: []rule{
		{match{in: "lo"}, accept},
		{match{state: known}, accept},
		{match{state: invalid}, drop},
	}}
	out := chain{name: "output", rules: []rule{
		{match{out: "lo"}, accept},
		{match{state: known}, accept},
	}}
	before.add(notrack, match{in: "lo"})
	leaving.add(notrack, match{out: "lo"})

	// Media in the own networks is a matter of the port alone: no connection
	// has to be looked up for each packet.
	for _, port := range p.Media {
		in.add(accept, match{proto: udp, dst: port})
		for _, n := range own {
			before.add(notrack, match{proto: udp, from: n, dst: port})
			leaving.add(notrack, match{proto: udp, to: n, src: port})
			out.add(accept, match{proto: udp, to: n, src: port})
		}
	}
	for _, port := range p.TCP {
		in.add(accept, match{proto: tcp, dst: port})
	}

	// Questions and troubles: unreachable, echo, time exceeded; in IPv6 with
	// neighbours, routers and listeners too.
	in.add(accept,
		match{proto: icmp, kind: []uint8{3, 8, 11, 12}},
		match{proto: icmpv6, kind: []uint8{1, 2, 3, 4, 128, 130, 131, 132, 133, 134, 135, 136, 143}},
		match{proto: igmp})
	out.add(accept,
		match{proto: icmpv6, kind: []uint8{131, 132, 133, 135, 136, 143}, to: multi6},
		match{proto: igmp})
	for _, n := range own {
		if n.Addr().Is4() {
			out.add(accept, match{proto: icmp, kind: []uint8{3, 8, 11}, to: n})
		} else {
			out.add(accept, match{proto: icmpv6, kind: []uint8{1, 2, 3, 4, 128, 135, 136}, to: n})
		}
	}

	// Our address, and our name.
	in.add(accept,
		match{proto: udp, src: 67, dst: 68},
		match{proto: udp, from: linkLocal, src: 547, dst: 546},
		match{proto: udp, dst: mDNS})
	out.add(accept,
		match{proto: udp, src: 68, dst: 67, root: true},
		match{proto: udp, to: multi6, src: 546, dst: 547, root: true},
		match{proto: udp, to: multi4, src: mDNS, dst: mDNS, root: true},
		match{proto: udp, to: multi6, src: mDNS, dst: mDNS, root: true})
	for _, n := range own {
		out.add(accept, match{proto: udp, to: n, src: mDNS, root: true})
	}
	for _, card := range p.Island {
		in.add(accept,
			match{in: card, proto: udp, dst: 67},
			match{in: card, proto: udp, dst: 53},
			match{in: card, proto: tcp, dst: 53},
			match{in: card, proto: udp, dst: 123})
		out.add(accept, match{out: card, proto: udp, src: 67, dst: 68, root: true})
	}
	for _, t := range p.Out {
		proto := uint8(tcp)
		if t.UDP {
			proto = udp
		}
		out.add(accept, match{proto: proto, to: netip.PrefixFrom(t.Addr, t.Addr.BitLen()), dst: t.Port, root: true})
	}
	out.add(reject, match{})
	return []chain{before, leaving, in, out, {name: "forward"}}
}

func (c *chain) add(do action, m ...match) {
	for _, m := range m {
		c.rules = append(c.rules, rule{m, do})
	}
}

// String is close to nft's notation, for diagnostics.
func (p Policy) String() string {
	var b strings.Builder
	for _, c := range p.rules() {
		fmt.Fprintf(&b, "%s\n", c.name)
		for _, r := range c.rules {
			fmt.Fprintf(&b, "\t%s\n", r)
		}
	}
	return b.String()
}

func (r rule) String() string {
	var out []string
	add := func(on bool, format string, args ...any) {
		if on {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	names := map[uint8]string{icmp: "icmp", igmp: "igmp", tcp: "tcp", udp: "udp", icmpv6: "icmpv6"}
	add(r.in != "", "iif %s", r.in)
	add(r.out != "", "oif %s", r.out)
	add(r.state != "", "ct state %s", r.state)
	add(r.from.IsValid(), "from %s", r.from)
	add(r.to.IsValid(), "to %s", r.to)
	add(r.proto != 0, "%s", names[r.proto])
	add(r.src != 0, "sport %d", r.src)
	add(r.dst != 0, "dport %d", r.dst)
	add(len(r.kind) > 0, "type %v", r.kind)
	add(r.root, "uid 0")
	return strings.Join(append(out, string(r.do)), " ")
}
