// Package guesses slows down who tries passwords: of meetings, and of people's
// accounts.
//
// An address has a few wrong ones that cost nothing; then it waits twice as long
// after each. What many addresses guess at is tried once by each of them for
// nothing. An address from which nothing wrong came never waits, whatever others
// do: nobody is locked out of a meeting, or an account, whose password they know.
package guesses

import (
	"fmt"
	"net/netip"
	"time"

	"meetbox.local/appliance/kit/tally"
)

// Book is what has been guessed. The zero value is empty. Its methods are safe
// for concurrent use.
type Book struct{ tally tally.Book }

// Try begins to look at a password for a thing, from a peer: an address, with or
// without a port. It counts as a wrong one until it is found to be right. With a
// wait, it must not be looked at, and does not count.
func (b *Book) Try(peer, thing string, now time.Time) (tally.Guess, time.Duration) {
	return b.tally.Try(Addr(peer), thing, now, func(here, there tally.Count) time.Duration {
		free := tally.Free
		if there.N > tally.Crowd {
			free = 0
		}
		return here.Wait(free, tally.Longest, now)
	})
}

// Addr is a peer's address, without a zone; the zero one if it has none.
func Addr(peer string) netip.Addr {
	a, err := netip.ParseAddr(peer)
	if err != nil {
		p, err := netip.ParseAddrPort(peer)
		if err != nil {
			return netip.Addr{}
		}
		a = p.Addr()
	}
	return a.Unmap().WithZone("")
}

// Text is what a person is told who has to wait.
func Text(wait time.Duration) string {
	return fmt.Sprintf("There were too many wrong passwords from your address. Try again in %d s.", Seconds(wait))
}

// Seconds are rounded up.
func Seconds(wait time.Duration) int { return int(tally.Round(wait) / time.Second) }
