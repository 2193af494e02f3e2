// Package uplink gives the box its address: it brings up the wired network
// cards, and asks for an IPv4 address by DHCP on the first whose cable is
// plugged in. IPv6 addresses the kernel makes by itself from what a router
// announces.
//
// Run is a loop around three questions: which card, what lease, and what to
// do when it is due. A lease whose server has gone is kept past its end:
// meetings on a network without a DHCP server are better than none. The
// address goes only when another one comes, or the card.
//
// Only the box runs this; elsewhere the network belongs to someone else.
package uplink

import (
	"errors"
	"net/netip"
	"time"
)

var errLease = errors.New("the server's offer has no usable address")

// Lease is what a DHCP server lent.
type Lease struct {
	Address netip.Prefix
	Router  netip.Addr // none: the network has no way out
	Server  netip.Addr
	Begun   time.Time
	Life    time.Duration
}

const (
	shortestLife = time.Minute // a server that lends for seconds is asked no more often
	longestPause = time.Hour   // an ask now and then finds a network that was changed
)

// renewAt is how long after its beginning a lease should be renewed
// (RFC 2131, 4.4.5: after half of it).
func (l Lease) renewAt() time.Duration {
	return min(max(l.Life, shortestLife)/2, longestPause)
}

// card is a network card as the choice needs it.
type card struct {
	index int
	name  string
	wired bool
	cable bool
}

// choose returns the first wired card with a cable, in the order in which the
// kernel found them; the one in use stays while it has its cable.
func choose(cards []card, inUse int) (card, bool) {
	var best card
	for _, c := range cards {
		if !c.wired || !c.cable {
			continue
		}
		if c.index == inUse {
			return c, true
		}
		if best.index == 0 || c.index < best.index {
			best = c
		}
	}
	return best, best.index != 0
}
