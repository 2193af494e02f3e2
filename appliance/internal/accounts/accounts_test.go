package accounts

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/directory"
	"meetbox.local/appliance/internal/state"
	"meetbox.local/appliance/kit/tally"
)

// TestOneTimeVectors: RFC 6238, appendix B, the last six of eight digits.
func TestOneTimeVectors(t *testing.T) {
	t.Parallel()
	key := []byte("12345678901234567890")
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037"} {
		if got := oneTime(key, at/stepTime); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
	text := keyText.EncodeToString(key)
	step, ok := codeStep(text, "081 804", time.Unix(1111111109+stepTime, 0), 0)
	if !ok {
		t.Error("a code from half a minute ago is refused")
	}
	if _, ok := codeStep(text, "081804", time.Unix(1111111109, 0), step); ok {
		t.Error("a code counts twice")
	}
	if _, ok := codeStep(text, "081804", time.Unix(1111111109+3*stepTime, 0), 0); ok {
		t.Error("an old code counts")
	}
}

func TestSlowness(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slowness{now: time.Now}
		attacker, neighbour := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
		slow := func(from netip.Addr, account string) time.Duration {
			t.Helper()
			guess, err := s.try(t.Context(), from, account, false)
			if err == nil {
				guess.None()
				return 0
			}
			slow, ok := errors.AsType[*SlowDown](err)
			if !ok {
				t.Fatal(err)
			}
			return slow.Wait
		}
		for range tally.Free + 1 {
			if _, err := s.try(t.Context(), attacker, "ada", false); err != nil {
				t.Fatal(err)
			}
		}
		if d := slow(neighbour, "ada"); d != time.Second {
			t.Errorf("the same /64: %v", d)
		}
		time.Sleep(time.Second)
		for range 3 { // a password that was right without the six digits costs nothing
			if d := slow(attacker, "ada"); d != 0 {
				t.Errorf("after the wait: %v", d)
			}
		}
		for range 100 {
			time.Sleep(slow(attacker, "ada"))
			if _, err := s.try(t.Context(), attacker, "ada", false); err != nil {
				t.Fatal(err)
			}
		}
		if d := slow(attacker, "ada"); d == 0 || d > tally.Longest {
			t.Errorf("after a hundred: %v", d)
		}
		if s.refused(attacker) == nil {
			t.Error("a token can be tried")
		}
		time.Sleep(tally.Longest)
		guess, err := s.try(t.Context(), attacker, "bob", false)
		if err != nil {
			t.Fatalf("after the longest wait: %v", err)
		}
		guess.Settle()
		if _, err := s.try(t.Context(), attacker, "ada", false); err != nil {
			t.Fatal(err)
		}
		if slow(attacker, "ada") == 0 {
			t.Error("signing in as oneself lets one guess at others")
		}
		// The owner, at home, is held back by seconds and no more.
		begin := time.Now()
		if d := slow(netip.MustParseAddr("192.0.2.1"), "ada"); d != 0 {
			t.Errorf("the owner is locked out for %v", d)
		}
		if d := time.Since(begin); d == 0 || d > accountLongest {
			t.Errorf("the owner waited %v", d)
		}
	})
}

// TestManyAtOnce: guesses that are made at the same time are slowed like
// those made one after the other.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slowness{now: time.Now}
		home := netip.MustParseAddr("192.0.2.1")
		refused := 0
		for range 20 {
			if _, err := s.try(t.Context(), home, "ada", false); err != nil {
				refused++
			}
		}
		if refused != 20-tally.Free-1 {
			t.Errorf("%d of 20 from one address were refused", refused)
		}
		if _, err := s.try(t.Context(), home.Next(), "setup code", true); err != nil {
			t.Fatal(err)
		}
		// A crowd's, each from an address of its own.
		begin := time.Now()
		var all sync.WaitGroup
		var held atomic.Int32
		for range 2 * tally.Crowd {
			home = home.Next()
			here := home
			all.Go(func() {
				if _, err := s.try(t.Context(), here, "bob", false); err != nil {
					t.Error(err)
				}
				if time.Since(begin) > 0 {
					held.Add(1)
				}
			})
		}
		all.Wait()
		if n := held.Load(); n != tally.Crowd-1 {
			t.Errorf("%d of %d were held back", n, 2*tally.Crowd)
		}
		// Whoever does not wait for the end of it has not guessed.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, before := s.tally.Look(home, "bob", time.Now())
		if _, err := s.try(ctx, home.Next(), "bob", false); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if _, after := s.tally.Look(home, "bob", time.Now()); after != before {
			t.Errorf("%+v, want %+v", after, before)
		}
	})
}

// outside is a directory in which everybody's password is "right".
type outside struct{}

func (o outside) SignIn(ctx context.Context, name, password string) (directory.Person, error) {
	return o.Host(ctx, name, password)
}

func (outside) Host(_ context.Context, name, password string) (directory.Person, error) {
	if password != "right" {
		return directory.Person{}, directory.ErrWrong
	}
	return directory.Person{Name: name, Source: directory.LDAP}, nil
}

// TestGuessesKeepNobodyWaiting: whose account nobody guesses at does not wait
// for those who guess at another one.
func TestGuessesKeepNobodyWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, err := state.Open(t.TempDir(), false)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		b := New(store, time.Now)
		b.Outside = outside{}
		from := netip.MustParseAddr("192.0.2.1")
		var all sync.WaitGroup
		for range tally.Crowd + 5*hostQuestions {
			from = from.Next()
			here := from
			all.Go(func() {
				if _, err := b.Host(t.Context(), here, api.HostSignIn{Room: "board", Name: "ada", Password: "a guess"}); err == nil {
					t.Error("a guess is right")
				}
			})
		}
		synctest.Wait() // they are held back now
		begin := time.Now()
		if _, err := b.Host(t.Context(), from.Next(), api.HostSignIn{Room: "board", Name: "ben", Password: "right"}); err != nil {
			t.Error(err)
		}
		if d := time.Since(begin); d > 0 {
			t.Errorf("Ben waited %v", d)
		}
		all.Wait()
		if d := time.Since(begin); d == 0 {
			t.Error("nobody was held back")
		}
	})
}

// TestSurvivesRestart: sessions, tokens and people are in the state.
func TestSurvivesRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store, err := state.Open(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	b := New(store, func() time.Time { return now })
	code, err := b.SetupCode()
	if err != nil {
		t.Fatal(err)
	}
	from := netip.MustParseAddr("192.0.2.1")
	_, secret, err := b.Claim(t.Context(), from, "browser", api.Claim{Code: code, Name: "ada", Password: "correct horse battery"})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if store, err = state.Open(dir, false); err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	b = New(store, func() time.Time { return now })
	if who, err := b.Session(secret); err != nil || who.Account != "ada" || who.Role != api.Owner {
		t.Errorf("Session = %+v, %v", who, err)
	}
	now = now.Add(sessionIdle - time.Minute)
	if _, err := b.Session(secret); err != nil {
		t.Errorf("a session in use ended: %v", err)
	}
	now = now.Add(sessionIdle + time.Minute)
	if _, err := b.Session(secret); !errors.Is(err, state.ErrNone) {
		t.Errorf("an idle session goes on: %v", err)
	}
	now = now.Add(-sessionIdle)
	if _, err := b.Session(secret); !errors.Is(err, state.ErrNone) {
		t.Errorf("an ended session came back: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE")
	f.Fuzz(func(t *testing.T, hash string) {
		_, passes, lanes, _, sum, err := parse(hash)
		if err == nil && (passes == 0 || lanes == 0 || len(sum) < 16) {
			t.Errorf("parse(%q) gives what argon2 panics on", hash)
		}
	})
}
