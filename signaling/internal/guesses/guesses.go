// Package guesses slows down who tries passwords: of meetings, and of people's
// accounts.
//
// Wrong ones count by address, and by what they are for. An address has a few
// that cost nothing; then it waits twice as long after each. What many
// addresses guess at is tried once by each of them for nothing. An address from
// which nothing wrong came never waits, whatever others do: nobody is locked out
// of a meeting, or an account, whose password they know.
package guesses

import (
	"fmt"
	"maps"
	"net/netip"
	"sync"
	"time"
)

const (
	// free wrong ones cost nothing: people mistype.
	free = 5
	// crowd is more than people mistype.
	crowd = 20
	// longest is how long an address waits at most.
	longest = 15 * time.Minute
	// forget is how long a wrong one counts.
	forget = time.Hour
	// known bounds what is remembered of each kind.
	known = 10_000
)

type count struct {
	n    int
	last time.Time
}

// Book is what has been guessed. The zero value is empty. Its methods are safe
// for concurrent use.
type Book struct {
	mu        sync.Mutex
	addresses map[netip.Prefix]count
	things    map[string]count
}

// Guess is a password that is being looked at.
type Guess struct {
	book  *Book
	from  netip.Prefix
	thing string
	at    time.Time
	// The wrong ones before it, by address and thing.
	lastHere, lastThere time.Time
}

// Try begins to look at a password for a thing, from a peer: an address, with or
// without a port. It counts as a wrong one until it is found to be right: of many
// at a time, each is slowed by those before it. With a wait, it must not be looked
// at, and does not count.
func (b *Book) Try(peer, thing string, now time.Time) (g Guess, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.addresses == nil {
		b.addresses, b.things = map[netip.Prefix]count{}, map[string]count{}
	}
	g = Guess{book: b, from: home(peer), thing: thing, at: now}
	here, there := at(b.addresses, g.from, now), at(b.things, thing, now)
	over := here.n - free
	if there.n > crowd {
		over = here.n
	}
	if wait := delay(over) - now.Sub(here.last); wait > 0 {
		return g, wait
	}
	g.lastHere, g.lastThere = here.last, there.last
	put(b.addresses, g.from, count{here.n + 1, now}, now)
	put(b.things, thing, count{there.n + 1, now}, now)
	return g, 0
}

// Right says that it was the right one: it does not count, and a person's wrong
// ones are forgotten. Who guessed more keeps them: the password of one's own
// meeting does not help to guess others'.
func (g Guess) Right() {
	b := g.book
	b.mu.Lock()
	defer b.mu.Unlock()
	if takeBack(b.addresses, g.from, g.at, g.lastHere) <= free {
		delete(b.addresses, g.from)
	}
	takeBack(b.things, g.thing, g.at, g.lastThere)
}

func takeBack[K comparable](m map[K]count, k K, at, last time.Time) int {
	c := m[k]
	if c.n--; c.n < 1 {
		delete(m, k)
		return 0
	}
	if c.last.Equal(at) {
		c.last = last
	}
	m[k] = c
	return c.n
}

// home is what counts as one address: of IPv6 a /64, which is one person's.
func home(peer string) netip.Prefix {
	a, err := netip.ParseAddr(peer)
	if err != nil {
		p, err := netip.ParseAddrPort(peer)
		if err != nil {
			return netip.Prefix{} // from nowhere: they count as one
		}
		a = p.Addr()
	}
	a = a.Unmap().WithZone("")
	bits := 64
	if a.Is4() {
		bits = 32
	}
	return netip.PrefixFrom(a, bits).Masked()
}

// delay doubles from one second on.
func delay(over int) time.Duration {
	if over < 1 {
		return 0
	}
	return min(longest, time.Second<<min(over-1, 20))
}

func at[K comparable](m map[K]count, k K, now time.Time) count {
	c := m[k]
	if now.Sub(c.last) > forget {
		return count{}
	}
	return c
}

func put[K comparable](m map[K]count, k K, c count, now time.Time) {
	if len(m) >= known {
		maps.DeleteFunc(m, func(_ K, c count) bool { return now.Sub(c.last) > time.Minute })
		for other := range m { // any, and a tenth at once: this is not for each guess
			if len(m) < known-known/10 {
				break
			}
			delete(m, other)
		}
	}
	m[k] = c
}

// Text is what a person is told who has to wait.
func Text(wait time.Duration) string {
	return fmt.Sprintf("There were too many wrong passwords from your address. Try again in %d s.", Seconds(wait))
}

// Seconds are rounded up: never too early.
func Seconds(wait time.Duration) int { return int((wait + time.Second - 1) / time.Second) }
