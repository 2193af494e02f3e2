// Package names announces what the box is called, by multicast DNS (RFC 6762)
// and DNS-SD (RFC 6763): NAME.local with the addresses of each link, and the
// services _https._tcp and _http._tcp.
//
// A Responder asks on every link whether somebody else has the name before it
// uses it; then it is NAME-2, and so on. It answers questions, says when
// addresses change, and says goodbye. One goroutine, that of Run, owns it;
// Set tells it what there is to announce. Records is the same as a text, for
// a site that has a DNS server of its own.
package names

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// DefaultHost is what a box is called that nobody gave a name.
const DefaultHost = "meetbox"

// Link is one network that the box is on.
type Link struct {
	Index int
	Name  string
	Addrs []netip.Prefix
}

// Wanted is what is to be announced.
type Wanted struct {
	Host      string // one label; "": [DefaultHost]
	Quiet     bool   // nothing is
	Links     []Link
	HTTPSPort int
	HTTPPort  int
}

func (w Wanted) equal(o Wanted) bool {
	return w.Host == o.Host && w.Quiet == o.Quiet && w.HTTPSPort == o.HTTPSPort && w.HTTPPort == o.HTTPPort &&
		slices.EqualFunc(w.Links, o.Links, func(a, b Link) bool {
			return a.Index == b.Index && a.Name == b.Name && slices.Equal(a.Addrs, b.Addrs)
		})
}

// numbered is the n-th name to try: meetbox, meetbox-2, meetbox-3.
func numbered(host string, n int) string {
	if n < 2 {
		return host
	}
	suffix := fmt.Sprintf("-%d", n)
	return host[:min(len(host), 63-len(suffix))] + suffix
}

// Records are the lines that a site's own DNS server needs, in the forms of
// the usual ones. names are the names it should have; without one a stand-in
// is written.
func Records(names []string, addrs []netip.Addr) string {
	if len(names) == 0 {
		names = []string{"meetbox.example.org"}
	}
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(a netip.Addr) bool { return a.IsLoopback() || a.IsLinkLocalUnicast() })
	var b strings.Builder
	section := func(title string, line func(name string, a netip.Addr) string) {
		fmt.Fprintf(&b, "# %s\n", title)
		for _, n := range names {
			for _, a := range addrs {
				b.WriteString(line(n, a) + "\n")
			}
		}
		b.WriteString("\n")
	}
	kind := func(a netip.Addr) string {
		if a.Is4() {
			return "A"
		}
		return "AAAA"
	}
	section("Zone file (BIND, NSD, Knot)", func(n string, a netip.Addr) string {
		return fmt.Sprintf("%s. 300 IN %s %s", n, kind(a), a)
	})
	section("dnsmasq, Pi-hole, OpenWrt", func(n string, a netip.Addr) string { return fmt.Sprintf("host-record=%s,%s", n, a) })
	section("Unbound, OPNsense, pfSense", func(n string, a netip.Addr) string {
		return fmt.Sprintf(`local-data: "%s. 300 IN %s %s"`, n, kind(a), a)
	})
	section("Windows DNS (PowerShell)", func(n string, a netip.Addr) string {
		host, zone, _ := strings.Cut(n, ".")
		option := "-A -IPv4Address"
		if a.Is6() {
			option = "-AAAA -IPv6Address"
		}
		return fmt.Sprintf("Add-DnsServerResourceRecord -ZoneName %s -Name %s %s %s", zone, host, option, a)
	})
	return b.String()
}
