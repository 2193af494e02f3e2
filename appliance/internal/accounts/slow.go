package accounts

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"sync"
	"time"
)

const (
	// free wrong guesses cost nothing: people mistype.
	free = 5
	// An address that goes on guessing waits twice as long after each, up to
	// this.
	longest = 15 * time.Minute
	// An account that many addresses guess at answers this much later. More
	// would let them lock its person out.
	accountLongest = 3 * time.Second
	// accountFree is more than one person mistypes.
	accountFree = 20
	// forget is how long a wrong guess counts.
	forget = time.Hour
	// known bounds the addresses and accounts remembered.
	known = 10_000
)

// SlowDown means that the address has guessed too often.
type SlowDown struct{ Wait time.Duration }

func (s *SlowDown) Error() string {
	// Rounded up: not "0s", and never too early.
	return fmt.Sprintf("There were too many wrong attempts from your address. Try again in %s.", (s.Wait + time.Second - 1).Truncate(time.Second))
}

type guesses struct {
	n    int
	last time.Time
}

// slowness counts wrong guesses by address and by account.
type slowness struct {
	now func() time.Time

	mu        sync.Mutex
	addresses map[netip.Prefix]guesses
	accounts  map[string]guesses
}

func newSlowness(now func() time.Time) *slowness {
	return &slowness{now: now, addresses: map[netip.Prefix]guesses{}, accounts: map[string]guesses{}}
}

// home is what counts as one address: of IPv6 a /64, which is one person's.
func home(a netip.Addr) netip.Prefix {
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // a program on the box
	}
	return p
}

// wait refuses an address that guessed too often, and holds back a request
// on an account that is being guessed at. strict refuses in both cases: for
// what has few possible values.
func (s *slowness) wait(ctx context.Context, from netip.Addr, account string, strict bool) error {
	s.mu.Lock()
	now := s.now()
	a := s.addresses[home(from)]
	g := s.accounts[account]
	s.mu.Unlock()
	if left := delay(a.n-free, longest) - now.Sub(a.last); a.n > free && left > 0 {
		return &SlowDown{left}
	}
	if g.n <= accountFree {
		return nil
	}
	d := delay(g.n-accountFree, accountLongest)
	if strict {
		if left := d - now.Sub(g.last); left > 0 {
			return &SlowDown{left}
		}
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// delay doubles from one second on.
func delay(over int, most time.Duration) time.Duration {
	if over < 1 {
		return 0
	}
	return min(most, time.Second<<min(over-1, 20))
}

func (s *slowness) failed(from netip.Addr, account string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	count(s.addresses, home(from), now)
	if account != "" {
		count(s.accounts, account, now)
	}
}

func count[K comparable](m map[K]guesses, k K, now time.Time) {
	g := m[k]
	if now.Sub(g.last) > forget {
		g.n = 0
	}
	if len(m) >= known {
		maps.DeleteFunc(m, func(_ K, g guesses) bool { return now.Sub(g.last) > time.Minute })
		for k := range m {
			if len(m) < known {
				break
			}
			delete(m, k)
		}
	}
	m[k] = guesses{g.n + 1, now}
}

// good forgets the wrong guesses of a person who mistyped. Whoever guessed
// more keeps them: signing in with an account of one's own does not help to
// guess at others.
func (s *slowness) good(from netip.Addr, account string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.addresses[home(from)].n <= free {
		delete(s.addresses, home(from))
	}
	delete(s.accounts, account)
}
