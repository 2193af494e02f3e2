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

// attempt is a guess that is being made. It counts as a wrong one from before
// it is made until it is known to be none: of many at a time, each one is
// slowed by those before it.
type attempt struct {
	slow             *slowness
	from             netip.Prefix
	account          string
	at               time.Time
	lastHere, lastOf time.Time // the guesses before it, by address and account
}

// try begins an attempt. It refuses an address that guessed too often, and
// holds back a request on an account that is being guessed at.
func (s *slowness) try(ctx context.Context, from netip.Addr, account string, strict bool) (*attempt, error) {
	s.mu.Lock()
	hold, err := s.due(from, account, strict)
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	a := &attempt{slow: s, from: home(from), account: account, at: s.now()}
	a.lastHere, a.lastOf = s.addresses[a.from].last, s.accounts[account].last
	count(s.addresses, a.from, a.at)
	count(s.accounts, account, a.at)
	s.mu.Unlock()
	if hold == 0 {
		return a, nil
	}
	select {
	case <-time.After(hold):
		return a, nil
	case <-ctx.Done():
		a.none()
		return nil, context.Cause(ctx)
	}
}

// due says how long a guess is held back, or refuses it. strict refuses where
// others are held back: for what has few possible values. The lock is held.
func (s *slowness) due(from netip.Addr, account string, strict bool) (time.Duration, error) {
	now := s.now()
	a, g := s.addresses[home(from)], s.accounts[account]
	if left := delay(a.n-free, longest) - now.Sub(a.last); left > 0 {
		return 0, &SlowDown{left}
	}
	hold := delay(g.n-accountFree, accountLongest)
	if !strict {
		return hold, nil
	}
	if left := hold - now.Sub(g.last); left > 0 {
		return 0, &SlowDown{left}
	}
	return 0, nil
}

// delay doubles from one second on.
func delay(over int, most time.Duration) time.Duration {
	if over < 1 {
		return 0
	}
	return min(most, time.Second<<min(over-1, 20))
}

// refused says whether the address guessed too often. It goes with failed, for
// secrets that are too long to be guessed, however many are tried at a time.
func (s *slowness) refused(from netip.Addr) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.due(from, "", false)
	return err
}

func (s *slowness) failed(from netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	count(s.addresses, home(from), s.now())
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

// none says that nothing was guessed: the count is as if there had been no
// attempt.
func (a *attempt) none() {
	a.slow.mu.Lock()
	defer a.slow.mu.Unlock()
	a.takeBack()
}

func (a *attempt) takeBack() {
	takeBack(a.slow.addresses, a.from, a.at, a.lastHere)
	takeBack(a.slow.accounts, a.account, a.at, a.lastOf)
}

func takeBack[K comparable](m map[K]guesses, k K, at, last time.Time) {
	g := m[k]
	if g.n--; g.n < 1 {
		delete(m, k)
		return
	}
	if g.last.Equal(at) {
		g.last = last
	}
	m[k] = g
}

// known says that the account's person asked, in vain. That counts for the
// address only.
func (a *attempt) known() {
	a.slow.mu.Lock()
	defer a.slow.mu.Unlock()
	takeBack(a.slow.accounts, a.account, a.at, a.lastOf)
}

// good forgets the wrong guesses of a person who mistyped. Whoever guessed
// more keeps them: signing in with an account of one's own does not help to
// guess at others.
func (a *attempt) good() {
	a.slow.mu.Lock()
	defer a.slow.mu.Unlock()
	a.takeBack()
	if a.slow.addresses[a.from].n <= free {
		delete(a.slow.addresses, a.from)
	}
	delete(a.slow.accounts, a.account)
}
