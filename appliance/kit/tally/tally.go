// Package tally counts wrong guesses at secrets: by the address that they come
// from, and by the thing that they are for, which may be an account or a meeting.
// How long somebody has to wait after them is for its users to say.
package tally

import (
	"maps"
	"net/netip"
	"sync"
	"time"
)

const (
	// Free wrong ones of an address cost nothing: people mistype.
	Free = 5
	// Crowd is more of one thing than a person mistypes.
	Crowd = 20
	// Longest is how long an address waits at most.
	Longest = 15 * time.Minute
	// Forget is how long a wrong one counts.
	Forget = time.Hour
	// known bounds what is remembered of each kind.
	known = 10_000
)

// Count is how many were wrong, and when the last one was.
type Count struct {
	N    int
	Last time.Time
}

// Delay doubles with each one after those that are free, from one second on.
func (c Count) Delay(free int, most time.Duration) time.Duration {
	if c.N <= free {
		return 0
	}
	return min(most, time.Second<<min(c.N-free-1, 20))
}

// Wait is what is left of the delay, if more than zero.
func (c Count) Wait(free int, most time.Duration, now time.Time) time.Duration {
	return c.Delay(free, most) - now.Sub(c.Last)
}

// Book is what has been guessed. The zero value is empty. Its methods are safe
// for concurrent use.
type Book struct {
	mu        sync.Mutex
	addresses counts[netip.Prefix]
	things    counts[string]
}

// Guess is a secret that is being looked at.
type Guess struct {
	book  *Book
	from  netip.Prefix
	thing string
	at    time.Time
	// The wrong ones before it, by address and thing.
	lastHere, lastThere time.Time
}

// Try begins to look at a secret. It counts as a wrong one until it is found to
// be none: of many at a time, each is slowed by those before it. The rule says by
// the counts of its address and its thing how long it has to wait; then it must
// not be looked at, and does not count.
func (b *Book) Try(from netip.Addr, thing string, now time.Time, rule func(here, there Count) time.Duration) (g Guess, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	g = Guess{book: b, from: Home(from), thing: thing, at: now}
	if wait := rule(b.addresses.at(g.from, now), b.things.at(thing, now)); wait > 0 {
		return g, wait
	}
	g.lastHere, g.lastThere = b.addresses.add(g.from, now), b.things.add(thing, now)
	return g, 0
}

// Look returns the counts of an address and a thing.
func (b *Book) Look(from netip.Addr, thing string, now time.Time) (here, there Count) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.addresses.at(Home(from), now), b.things.at(thing, now)
}

// Wrong counts a wrong one for the address only.
func (b *Book) Wrong(from netip.Addr, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.addresses.add(Home(from), now)
}

// None says that nothing was guessed: the counts are as if it had not begun.
func (g Guess) None() {
	g.book.mu.Lock()
	defer g.book.mu.Unlock()
	g.book.addresses.takeBack(g.from, g.at, g.lastHere)
	g.book.things.takeBack(g.thing, g.at, g.lastThere)
}

// Known says that the thing's own person asked, in vain. That counts for the
// address only.
func (g Guess) Known() {
	g.book.mu.Lock()
	defer g.book.mu.Unlock()
	g.book.things.takeBack(g.thing, g.at, g.lastThere)
}

// Right says that it was the right one: it does not count, and a person's wrong
// ones are forgotten. An address that guessed more keeps them: a secret of one's
// own does not help to guess others'.
func (g Guess) Right() {
	g.book.mu.Lock()
	defer g.book.mu.Unlock()
	g.right()
}

func (g Guess) right() {
	if g.book.addresses.takeBack(g.from, g.at, g.lastHere) <= Free {
		delete(g.book.addresses, g.from)
	}
	g.book.things.takeBack(g.thing, g.at, g.lastThere)
}

// Settle is Right where the thing is one person's: what others guessed at it is
// forgotten too.
func (g Guess) Settle() {
	g.book.mu.Lock()
	defer g.book.mu.Unlock()
	g.right()
	delete(g.book.things, g.thing)
}

// Home is what counts as one address: of IPv6 a /64, which is one person's.
// All that have none count as one.
func Home(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	bits := 64
	if a.Is4() {
		bits = 32
	}
	return netip.PrefixFrom(a, bits).Masked()
}

// Round rounds up to seconds: not to none, and never too early.
func Round(wait time.Duration) time.Duration {
	return (wait + time.Second - 1).Truncate(time.Second)
}

type counts[K comparable] map[K]Count

func (m counts[K]) at(k K, now time.Time) Count {
	c := m[k]
	if now.Sub(c.Last) > Forget {
		return Count{}
	}
	return c
}

// add counts one, and returns when the last one before it was.
func (m *counts[K]) add(k K, now time.Time) time.Time {
	if *m == nil {
		*m = counts[K]{}
	}
	c := m.at(k, now)
	if len(*m) >= known {
		maps.DeleteFunc(*m, func(_ K, c Count) bool { return now.Sub(c.Last) > time.Minute })
		for other := range *m { // any, and a tenth at once: this is not for each guess
			if len(*m) < known-known/10 {
				break
			}
			delete(*m, other)
		}
	}
	(*m)[k] = Count{c.N + 1, now}
	return c.Last
}

// takeBack returns how many are left.
func (m counts[K]) takeBack(k K, at, last time.Time) int {
	c := m[k]
	if c.N--; c.N < 1 {
		delete(m, k)
		return 0
	}
	if c.Last.Equal(at) {
		c.Last = last
	}
	m[k] = c
	return c.N
}
