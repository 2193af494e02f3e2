// Package dhcp asks a DHCP server for an IPv4 address and keeps it
// (RFC 2131, the client's side).
//
// A Client has one link. Run talks to the servers until it is told to stop
// and reports what it has; putting the address on the link is the caller's
// work. It keeps the lease of a server that has gone past its end: meetings
// on a network without a DHCP server are better than none. An address goes
// when a server says so, when another device turns out to have it, or when
// another server lends another one.
//
// All is sent and heard on a packet socket with a filter, so that neither a
// firewall nor missing addresses stand in the way, and other traffic costs
// nothing.
package dhcp

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"meetbox.local/appliance/api"
)

// State is what a client has and what is wrong.
type State struct {
	Lease   api.Lease // its zero value: none
	Problem string    // a sentence for a person, or nothing
}

const (
	shortestLife = time.Minute // a server that lends for seconds is asked no more often
	longestPause = time.Hour   // an ask now and then finds a network that was changed
	// declined is how long an address that somebody else has is left alone
	// (RFC 2131, 3.1.5).
	declined = 10 * time.Second
)

var errLease = errors.New("the DHCP server's answer has no usable address")

// timing is how long things take; tests use less.
type timing struct {
	shortest     time.Duration // life of a lease
	answer, last time.Duration // waiting for an answer: at first, at most
	declined     time.Duration
}

func usual() timing {
	return timing{shortest: shortestLife, answer: time.Second, last: 30 * time.Second, declined: declined}
}

// Times of a lease after its beginning (RFC 2131, 4.4.5): when to ask its
// server for more, when to ask anybody.
func (t timing) times(life, t1, t2 time.Duration) (renew, rebind, end time.Duration) {
	end = max(life, t.shortest)
	renew, rebind = end/2, end/8*7
	if t1 > 0 && t1 < t2 && t2 < end {
		renew, rebind = t1, t2
	}
	return min(renew, longestPause), rebind, end
}

// read takes what matters out of an acknowledgement.
func read(ack *dhcpv4.DHCPv4, now time.Time) (api.Lease, error) {
	var l api.Lease
	addr, _ := netip.AddrFromSlice(ack.YourIPAddr.To4())
	mask := ack.SubnetMask()
	if mask == nil {
		mask = ack.YourIPAddr.DefaultMask()
	}
	ones, bits := mask.Size()
	if !addr.IsValid() || addr.IsUnspecified() || addr.IsLoopback() || addr.IsMulticast() || bits != 32 || ones == 0 {
		return l, errLease
	}
	l.Address = netip.PrefixFrom(addr, ones)
	for _, r := range ack.Router() {
		if a, ok := netip.AddrFromSlice(r.To4()); ok && l.Address.Contains(a) && a != addr && !a.IsUnspecified() {
			l.Gateway = a
			break
		}
	}
	l.DNS = unicast(ack.DNS())
	l.NTP = unicast(ack.NTPServers())
	l.Domain = ack.DomainName()
	l.Server = serverOf(ack)
	l.Begun = now
	l.Until = now.Add(ack.IPAddressLeaseTime(2 * shortestLife))
	return l, nil
}

// unicast keeps what can be asked, three at most.
func unicast[IP ~[]byte](list []IP) []netip.Addr {
	var out []netip.Addr
	for _, ip := range list {
		a, ok := netip.AddrFromSlice(ip)
		a = a.Unmap()
		if ok && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLoopback() && !slices.Contains(out, a) && len(out) < 3 {
			out = append(out, a)
		}
	}
	return out
}

func serverOf(m *dhcpv4.DHCPv4) netip.Addr {
	a, _ := netip.AddrFromSlice(m.ServerIdentifier().To4())
	return a
}

// Two says that more than one server answers.
func two(used netip.Addr, others map[netip.Addr]bool) string {
	var more []string
	for a := range others {
		if a != used && a.IsValid() {
			more = append(more, a.String())
		}
	}
	if len(more) == 0 {
		return ""
	}
	slices.Sort(more)
	return fmt.Sprintf("More than one DHCP server answers on this network: %s (used) and %v. They may lend one address twice: turn off all but one.", used, more)
}
