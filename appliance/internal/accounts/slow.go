package accounts

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"meetbox.local/appliance/kit/tally"
)

// accountLongest is how much later an account answers that many addresses guess
// at. More would let them lock its person out.
const accountLongest = 3 * time.Second

// SlowDown means that the address has guessed too often.
type SlowDown struct{ Wait time.Duration }

func (s *SlowDown) Error() string {
	return fmt.Sprintf("There were too many wrong attempts from your address. Try again in %s.", tally.Round(s.Wait))
}

// slowness counts wrong guesses by address and by account.
type slowness struct {
	now   func() time.Time
	tally tally.Book
}

// try begins an attempt. It refuses an address that guessed too often, and
// holds back a request on an account that is being guessed at. strict refuses
// where others are held back: for what has few possible values.
func (s *slowness) try(ctx context.Context, from netip.Addr, account string, strict bool) (tally.Guess, error) {
	now, hold := s.now(), time.Duration(0)
	guess, wait := s.tally.Try(from, account, now, func(here, there tally.Count) time.Duration {
		wait := here.Wait(tally.Free, tally.Longest, now)
		switch {
		case wait > 0:
		case strict:
			wait = there.Wait(tally.Crowd, accountLongest, now)
		default:
			hold = there.Delay(tally.Crowd, accountLongest)
		}
		return wait
	})
	switch {
	case wait > 0:
		return guess, &SlowDown{wait}
	case hold == 0:
		return guess, nil
	}
	select {
	case <-time.After(hold):
		return guess, nil
	case <-ctx.Done():
		guess.None()
		return guess, context.Cause(ctx)
	}
}

// refused says whether the address guessed too often. It goes with failed, for
// secrets that are too long to be guessed, however many are tried at a time.
func (s *slowness) refused(from netip.Addr) error {
	now := s.now()
	here, _ := s.tally.Look(from, "", now)
	if wait := here.Wait(tally.Free, tally.Longest, now); wait > 0 {
		return &SlowDown{wait}
	}
	return nil
}

func (s *slowness) failed(from netip.Addr) { s.tally.Wrong(from, s.now()) }
