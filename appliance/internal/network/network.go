// Package network reads which names and addresses this machine has, and says
// when that may have changed.
//
// On a developer's machine it only reads: it never changes the host's
// network.
package network

import (
	"cmp"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Address is one address under which others may reach this machine.
type Address struct {
	Addr     netip.Addr
	Link     string // the interface's name
	Default  bool   // the link carries the default route
	Physical bool   // a card or radio, not a bridge, tunnel or container's cable
}

// BoxName is the name under which every box answers.
const BoxName = "meetbox.local"

// hostLabel is what a certificate and a browser take for a host name.
var hostLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)

// Names are the machine's host names, best first: the box's common name,
// localhost, and the system's name, plain and as mDNS responders announce it.
func Names() []string {
	host, err := os.Hostname()
	if err != nil {
		host = "" // the other names still work
	}
	return names(host)
}

func names(host string) []string {
	out := []string{BoxName, "localhost"}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if len(host) > 253 || !hostLabel.MatchString(host) {
		return out
	}
	add := []string{host}
	if !strings.Contains(host, ".") {
		add = append(add, host+".local")
	}
	for _, n := range add {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// usable says whether an address can stand in a URL or an ICE candidate for
// other devices. Link-local IPv6 cannot: it means nothing without a zone.
func usable(a netip.Addr) bool {
	return a.IsValid() && !a.IsUnspecified() && !a.IsMulticast() && !(a.Is6() && a.IsLinkLocalUnicast())
}

// order sorts the addresses so that the one to show to people comes first:
// on the default route's link, on a real card, IPv4 (short enough to type),
// loopback last.
func order(all []Address) []Address {
	rank := func(yes bool) int {
		if yes {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(all, func(a, b Address) int {
		return cmp.Or(
			cmp.Compare(rank(!a.Addr.IsLoopback()), rank(!b.Addr.IsLoopback())),
			cmp.Compare(rank(a.Default), rank(b.Default)),
			cmp.Compare(rank(a.Physical), rank(b.Physical)),
			cmp.Compare(rank(a.Addr.Is4()), rank(b.Addr.Is4())),
			cmp.Compare(rank(!a.Addr.IsLinkLocalUnicast()), rank(!b.Addr.IsLinkLocalUnicast())),
			a.Addr.Compare(b.Addr),
		)
	})
	return slices.CompactFunc(all, func(a, b Address) bool { return a.Addr == b.Addr })
}

// portable lists the addresses with what every system offers. It knows
// neither routes nor kinds of links.
func portable() ([]Address, error) {
	links, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var out []Address
	for _, l := range links {
		if l.Flags&net.FlagUp == 0 {
			continue
		}
		addrs, err := l.Addrs()
		if err != nil {
			return nil, err
		}
		for _, a := range addrs {
			n, ok := a.(*net.IPNet)
			if !ok {
				continue
			}
			ip, _ := netip.AddrFromSlice(n.IP)
			if ip = ip.Unmap(); usable(ip) {
				out = append(out, Address{Addr: ip, Link: l.Name, Physical: true})
			}
		}
	}
	return order(out), nil
}

// DHCPName is what the box calls itself to DHCP servers.
const DHCPName = "meetbox"

// IsHost says whether the text can be a host name.
func IsHost(text string) bool { return len(text) <= 253 && hostLabel.MatchString(text) }
