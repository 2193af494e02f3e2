package accounts

import (
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/state"
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
		s := newSlowness(time.Now)
		attacker, neighbour := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
		for range free + 1 {
			if err := s.wait(t.Context(), attacker, "ada", false); err != nil {
				t.Fatal(err)
			}
			s.failed(attacker, "ada")
		}
		slow, ok := errors.AsType[*SlowDown](s.wait(t.Context(), neighbour, "ada", false))
		if !ok || slow.Wait != time.Second {
			t.Errorf("the same /64: %v", slow)
		}
		time.Sleep(slow.Wait)
		if err := s.wait(t.Context(), attacker, "ada", false); err != nil {
			t.Errorf("after the wait: %v", err)
		}
		for range 100 {
			s.failed(attacker, "ada")
		}
		if slow, ok := errors.AsType[*SlowDown](s.wait(t.Context(), attacker, "ada", false)); !ok || slow.Wait > longest {
			t.Errorf("after a hundred: %v", slow)
		}
		s.good(attacker, "bob")
		if s.wait(t.Context(), attacker, "ada", false) == nil {
			t.Error("signing in as oneself lets one guess at others")
		}
		// The owner, at home, is held back by seconds and no more.
		begin := time.Now()
		if err := s.wait(t.Context(), netip.MustParseAddr("192.0.2.1"), "ada", false); err != nil {
			t.Errorf("the owner is locked out: %v", err)
		}
		if d := time.Since(begin); d == 0 || d > accountLongest {
			t.Errorf("the owner waited %v", d)
		}
		time.Sleep(longest)
		if err := s.wait(t.Context(), attacker, "", false); err != nil {
			t.Errorf("after the longest wait: %v", err)
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
