package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"meetbox.local/appliance/api"
)

// usualMTU is what a card gets whose port names none: Ethernet's.
const usualMTU = 1500

// firstMetric of a default route; each further port's is one worse, so that
// of two ways out the first one in the settings is taken.
const firstMetric = 100

// card is a network card as the plan needs it.
type card struct {
	index int
	name  string
	mac   string
	cable bool
}

// port is all that one link should be.
type port struct {
	name     string // the kernel's name of the link
	card     string // the kernel's name of the card
	vlan     int
	role     api.PortRole
	named    bool // the settings have it
	mtu      int
	metric   int
	dhcp     bool
	slaac    bool
	ipv6     bool
	addrs    []netip.Prefix
	static   netip.Prefix // the IPv4 one of addrs that a person gave
	gateways []netip.Addr
}

// plan says what each card and VLAN should be, cards first. leases are what
// DHCP servers lent, by link. Ports whose card is not there are in missing.
func plan(n api.Network, cards []card, leases map[string]api.Lease) (ports []port, missing []api.Port) {
	taken := map[string]bool{}
	var vlans []port
	for _, p := range n.Ports {
		p = p.Filled()
		c, ok := find(cards, p)
		if !ok {
			missing = append(missing, p)
			continue
		}
		w := port{name: c.name, card: c.name, vlan: p.VLAN, role: p.Role, named: true, mtu: p.MTU, metric: firstMetric + len(ports) + len(vlans)}
		if w.mtu == 0 {
			w.mtu = usualMTU
		}
		if p.VLAN != 0 {
			w.name = vlanName(c.name, p.VLAN)
		}
		if taken[w.name] {
			continue // named by address and by name; the first counts
		}
		taken[w.name] = true
		if p.Role != api.PortOff {
			w.address(p, leases[w.name])
		}
		if p.VLAN == 0 {
			ports = append(ports, w)
		} else {
			vlans = append(vlans, w)
		}
	}
	for _, c := range cards {
		if !taken[c.name] {
			w := port{name: c.name, card: c.name, role: api.Uplink, mtu: usualMTU, metric: firstMetric + len(ports) + len(vlans)}
			w.address(api.Port{}.Filled(), leases[c.name])
			ports = append(ports, w)
		}
	}
	for _, v := range vlans { // a card carries the largest of its VLANs' packets, and is on when one of them is
		i := slices.IndexFunc(ports, func(p port) bool { return p.name == v.card })
		ports[i].mtu = max(ports[i].mtu, v.mtu)
		if ports[i].role == api.PortOff && v.role != api.PortOff {
			ports[i].role = api.Uplink
		}
	}
	return append(ports, vlans...), missing
}

func vlanName(card string, id int) string {
	suffix := fmt.Sprintf(".%d", id)
	return card[:min(len(card), 15-len(suffix))] + suffix // the kernel takes 15 letters
}

func find(cards []card, p api.Port) (card, bool) {
	for _, c := range cards {
		if p.IsMAC() && strings.EqualFold(c.mac, p.Card) || !p.IsMAC() && c.name == p.Card {
			return c, true
		}
	}
	return card{}, false
}

// address fills in where the addresses come from.
func (w *port) address(p api.Port, l api.Lease) {
	gateway := func(g netip.Addr) {
		if g.IsValid() {
			w.gateways = append(w.gateways, g)
		}
	}
	switch p.IPv4.Mode {
	case api.DHCP:
		w.dhcp = true
		if l.Address.IsValid() {
			w.addrs = append(w.addrs, l.Address)
			gateway(l.Gateway)
		}
	case api.Static:
		w.static = p.IPv4.Address
		w.addrs = append(w.addrs, p.IPv4.Address)
		gateway(p.IPv4.Gateway)
	}
	w.ipv6 = p.IPv6.Mode != api.NoIP
	switch p.IPv6.Mode {
	case api.SLAAC:
		w.slaac = true
	case api.Static:
		w.addrs = append(w.addrs, p.IPv6.Addresses...)
		gateway(p.IPv6.Gateway)
	}
}

// servers are the DNS servers to ask: the administrator's, else those that
// came with the leases, in the ports' order.
func servers(n api.Network, ports []port, leases map[string]api.Lease) []netip.Addr {
	out := slices.Clone(n.DNS)
	if len(out) > 0 {
		return out
	}
	for _, p := range ports {
		for _, a := range leases[p.name].DNS {
			if p.dhcp && !slices.Contains(out, a) && len(out) < 3 {
				out = append(out, a)
			}
		}
	}
	return out
}
