package api

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Network is the wanted state of the network cards. A card that no port names
// is an uplink with DHCP and the router's IPv6 addresses.
type Network struct {
	Ports []Port `json:"ports,omitempty"`
	// DNS are the servers to ask for names; empty: those of the DHCP server.
	DNS []netip.Addr `json:"dns,omitempty"`
}

// Port is a network card, or a VLAN on one.
type Port struct {
	Card string   `json:"card"`          // its MAC address, or its name, such as "eth0"
	VLAN int      `json:"vlan,omitzero"` // 1 to 4094; 0: the card itself
	Role PortRole `json:"role,omitzero"` // "uplink" when empty
	MTU  int      `json:"mtu,omitzero"`  // 0: the card's own
	IPv4 IPv4     `json:"ipv4,omitzero"`
	IPv6 IPv6     `json:"ipv6,omitzero"`
}

// PortRole is what a port is for.
type PortRole string

// An uplink is a network of somebody else's; on an island port the box is the
// only server (section Island).
const (
	Uplink     PortRole = "uplink"
	IslandPort PortRole = "island"
	PortOff    PortRole = "off"
)

// Values are all roles.
func (PortRole) Values() []string {
	return []string{string(Uplink), string(IslandPort), string(PortOff)}
}

// AddressMode is how a port gets its addresses.
type AddressMode string

// DHCP is IPv4's, SLAAC (from what a router announces) IPv6's default.
const (
	DHCP   AddressMode = "dhcp"
	SLAAC  AddressMode = "slaac"
	Static AddressMode = "static"
	NoIP   AddressMode = "off"
)

// Values are all modes.
func (AddressMode) Values() []string {
	return []string{string(DHCP), string(SLAAC), string(Static), string(NoIP)}
}

// IPv4 is a port's IPv4 part.
type IPv4 struct {
	Mode    AddressMode  `json:"mode,omitzero"` // "dhcp" when empty, on an island port "static"
	Address netip.Prefix `json:"address,omitzero"`
	Gateway netip.Addr   `json:"gateway,omitzero"`
}

// IPv6 is a port's IPv6 part.
type IPv6 struct {
	Mode      AddressMode    `json:"mode,omitzero"` // "slaac" when empty, on an island port "off"
	Addresses []netip.Prefix `json:"addresses,omitempty"`
	Gateway   netip.Addr     `json:"gateway,omitzero"`
}

// linkName is what Linux takes for a card's name.
var linkName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$`)

var macAddress = regexp.MustCompile(`^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$`)

// IsMAC says whether the port names its card by the MAC address.
func (p Port) IsMAC() bool { return macAddress.MatchString(p.Card) }

// Filled is the port with the defaults filled in.
func (p Port) Filled() Port {
	if p.Role == "" {
		p.Role = Uplink
	}
	if p.IPv4.Mode == "" {
		p.IPv4.Mode = DHCP
		if p.Role == IslandPort {
			p.IPv4.Mode = Static
		}
	}
	if p.IPv6.Mode == "" {
		p.IPv6.Mode = SLAAC
		if p.Role == IslandPort {
			p.IPv6.Mode = NoIP
			if len(p.IPv6.Addresses) > 0 {
				p.IPv6.Mode = Static
			}
		}
	}
	return p
}

// Validate says what is wrong with which field.
func (n Network) Validate() error {
	f := FieldErrors{}
	if len(n.Ports) > 64 {
		f.Add("ports", "Give at most 64 ports.")
		return f.Err()
	}
	type key struct {
		card string
		vlan int
	}
	ports := map[key]bool{}
	addrs := map[netip.Addr]string{}
	for i, p := range n.Ports {
		at := fmt.Sprintf("ports.%d", i)
		f.Join(at, p.Validate())
		k := key{strings.ToLower(p.Card), p.VLAN}
		if ports[k] {
			f.Add(at+".card", "This card (with this VLAN) has a port above already: keep one of the two.")
		}
		ports[k] = true
		if p.Role == PortOff {
			continue
		}
		for _, a := range append(slices.Clone(p.IPv6.Addresses), p.IPv4.Address) {
			if first, ok := addrs[a.Addr()]; ok && a.IsValid() {
				f.Add(at+".card", fmt.Sprintf("The address %s is on %s too: each address can be on one port only.", a.Addr(), first))
			}
			addrs[a.Addr()] = at
		}
	}
	f.Join("dns", servers(n.DNS))
	return f.Err()
}

// Validate says what is wrong with which field.
func (p Port) Validate() error {
	f := FieldErrors{}
	if !p.IsMAC() && !linkName.MatchString(p.Card) {
		f.Add("card", `Give the card's MAC address, such as 02:00:5e:10:00:01, or its name, such as eth0.`)
	}
	if p.Card == "lo" {
		f.Add("card", "lo is the box's way to itself and stays as it is.")
	}
	if p.VLAN < 0 || p.VLAN > 4094 {
		f.Add("vlan", "Give a number from 1 to 4094, or 0 for none.")
	}
	if p.MTU != 0 && (p.MTU < 576 || p.MTU > 9216) {
		f.Add("mtu", "Give 576 to 9216, or 0 for the card's own.")
	}
	p = p.Filled()
	if !slices.Contains(p.Role.Values(), string(p.Role)) {
		f.Add("role", `Give "uplink", "island" or "off".`)
	}
	if p.Role != PortOff {
		f.Join("ipv4", p.IPv4.validate(p.Role))
		f.Join("ipv6", p.IPv6.validate(p.Role))
		if p.IPv6.Mode != NoIP && p.MTU != 0 && p.MTU < 1280 {
			f.Add("mtu", "IPv6 needs 1280 at least: give more, or turn IPv6 off here.")
		}
	}
	return f.Err()
}

func (v IPv4) validate(role PortRole) error {
	f := FieldErrors{}
	switch v.Mode {
	case DHCP, NoIP:
		if v.Address.IsValid() || v.Gateway.IsValid() {
			f.Add("mode", `An address or a gateway goes with "static" only: choose that, or take them out.`)
		}
		if v.Mode == DHCP && role == IslandPort {
			f.Add("mode", `On an island the box is the DHCP server: choose "static" and give its address there, such as 10.77.0.1/24.`)
		}
	case Static:
		if why := host(v.Address); why != "" || !v.Address.Addr().Is4() {
			if why == "" || !v.Address.Addr().Is4() {
				why = "Give an IPv4 address with its prefix, such as 192.168.1.23/24."
			}
			f.Add("address", why)
		} else if v.Gateway.IsValid() {
			f.Join("gateway", gateway(v.Gateway, []netip.Prefix{v.Address}))
		}
		if role == IslandPort && v.Gateway.IsValid() {
			f.Add("gateway", "An island has no gateway: leave it empty.")
		}
	default:
		f.Add("mode", `Give "dhcp", "static" or "off".`)
	}
	return f.Err()
}

func (v IPv6) validate(role PortRole) error {
	f := FieldErrors{}
	switch v.Mode {
	case SLAAC, NoIP:
		if len(v.Addresses) > 0 || v.Gateway.IsValid() {
			f.Add("mode", `Addresses and a gateway go with "static" only: choose that, or take them out.`)
		}
		if v.Mode == SLAAC && role == IslandPort {
			f.Add("mode", `An island has no router to take addresses from: choose "static" or "off".`)
		}
	case Static:
		if len(v.Addresses) == 0 || len(v.Addresses) > 8 {
			f.Add("addresses", "Give one to eight IPv6 addresses, each with its prefix, such as fd00:1::23/64.")
		}
		for i, a := range v.Addresses {
			why := host(a)
			if why == "" && (!a.Addr().Is6() || a.Addr().Is4In6()) {
				why = "Give an IPv6 address with its prefix, such as fd00:1::23/64."
			}
			if why != "" {
				f.Add(fmt.Sprintf("addresses.%d", i), why)
			}
		}
		if v.Gateway.IsValid() && len(f) == 0 && !(v.Gateway.Is6() && v.Gateway.IsLinkLocalUnicast() && v.Gateway.Zone() == "") {
			f.Join("gateway", gateway(v.Gateway, v.Addresses))
		}
		if role == IslandPort && v.Gateway.IsValid() {
			f.Add("gateway", "An island has no gateway: leave it empty.")
		}
	default:
		f.Add("mode", `Give "slaac", "static" or "off".`)
	}
	return f.Err()
}

// host says why a machine cannot have the address, or nothing.
func host(p netip.Prefix) string {
	a := p.Addr()
	switch {
	case !p.IsValid():
		return "Give an address with its prefix, such as 192.168.1.23/24."
	case a.IsUnspecified() || a.IsLoopback() || a.IsMulticast() || a.Zone() != "" || a.Is6() && a.IsLinkLocalUnicast():
		return fmt.Sprintf("%s cannot be the address of a card.", a)
	case p.Bits() == 0 || a.Is4() && p.Bits() < 8:
		return fmt.Sprintf("A prefix of /%d is too wide for one network.", p.Bits())
	case a.Is4() && p.Bits() <= 30 && a == p.Masked().Addr():
		return fmt.Sprintf("%s is the network itself: give the box's own address in it.", a)
	case a.Is4() && p.Bits() <= 30 && a == Last(p):
		return fmt.Sprintf("%s is the network's broadcast address: give the box's own address in it.", a)
	case a.Is4() && a.As4()[0] >= 240:
		return fmt.Sprintf("%s cannot be the address of a card.", a)
	}
	return ""
}

// Last is the last address of a prefix, with IPv4 its broadcast address.
func Last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func gateway(g netip.Addr, own []netip.Prefix) error {
	for _, p := range own {
		if p.Addr() == g {
			return FieldErrors{"": "This is the box's own address: give the router's."}
		}
	}
	if !slices.ContainsFunc(own, func(p netip.Prefix) bool { return p.Contains(g) }) {
		return FieldErrors{"": fmt.Sprintf("%s is not in the port's own network %s: the box could not reach it.", g, own[0].Masked())}
	}
	return nil
}

func servers(list []netip.Addr) error {
	f := FieldErrors{}
	if len(list) > 3 {
		f.Add("", "Give at most three servers.")
	}
	for i, a := range list {
		if !a.IsValid() || a.IsUnspecified() || a.IsMulticast() || a.Zone() != "" {
			f.Add(fmt.Sprint(i), "Give an IP address.")
		}
	}
	return f.Err()
}

// PendingNetwork is a change of the network that is in force, but taken back
// when nobody confirms it from where the box is now.
type PendingNetwork struct {
	ID      string     `json:"id"`
	Network Network    `json:"network"`
	Until   time.Time  `json:"until"` // the box's clock
	Seconds int        `json:"seconds"`
	From    netip.Addr `json:"from,omitzero"` // the box's address that the change was asked for at
}

// NetworkStatus is what the network is like now.
type NetworkStatus struct {
	Ports    []PortStatus    `json:"ports"`
	DNS      []netip.Addr    `json:"dns"`
	Pending  *PendingNetwork `json:"pending,omitempty"`
	Problems []string        `json:"problems,omitempty"` // sentences for a person
}

// PortStatus is one port as it is.
type PortStatus struct {
	Name      string         `json:"name"` // the kernel's, or what the settings call it
	Card      string         `json:"card"` // MAC address; empty: there is no such card
	VLAN      int            `json:"vlan,omitzero"`
	Role      PortRole       `json:"role"`
	Named     bool           `json:"named"` // the settings have a port for it
	Cable     bool           `json:"cable"`
	Mbits     int            `json:"mbits,omitzero"` // 0: not known
	MTU       int            `json:"mtu"`
	Addresses []netip.Prefix `json:"addresses"`
	Gateways  []netip.Addr   `json:"gateways"`
	Lease     *Lease         `json:"lease,omitempty"`
	Received  uint64         `json:"received"` // bytes
	Sent      uint64         `json:"sent"`
	Errors    uint64         `json:"errors"`
	Problems  []string       `json:"problems,omitempty"`
}

// Lease is what a DHCP server lent.
type Lease struct {
	Address netip.Prefix `json:"address"`
	Gateway netip.Addr   `json:"gateway,omitzero"`
	DNS     []netip.Addr `json:"dns,omitempty"`
	NTP     []netip.Addr `json:"ntp,omitempty"`
	Domain  string       `json:"domain,omitempty"`
	Server  netip.Addr   `json:"server"`
	Begun   time.Time    `json:"begun"`
	Until   time.Time    `json:"until"`
}

// PendingID names the change that waits.
type PendingID struct {
	ID string `json:"id"`
}
