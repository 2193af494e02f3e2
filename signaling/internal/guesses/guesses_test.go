package guesses

import (
	"fmt"
	"testing"
	"time"

	"meetbox.local/appliance/kit/tally"
)

var begin = time.Date(2026, 8, 20, 10, 0, 0, 0, time.UTC)

// try looks at one password and returns how long to wait.
func try(b *Book, peer, thing string, right bool, now time.Time) time.Duration {
	g, wait := b.Try(peer, thing, now)
	if wait == 0 && right {
		g.Right()
	}
	return wait
}

// wrong makes n guesses at one thing and returns how many were looked at.
func wrong(b *Book, n int, peer func(int) string, thing func(int) string, now time.Time) (tried int) {
	for i := range n {
		if try(b, peer(i), thing(i), false, now) == 0 {
			tried++
		}
	}
	return tried
}

func same(s string) func(int) string { return func(int) string { return s } }

// TestAttacks: however the guesses are spread, few are looked at, and who knows
// a password is let in at once from an address of their own.
func TestAttacks(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		peer, thing func(int) string
		most        int // of 1000 at one moment
	}{
		{"one address, one room", same("192.0.2.66:4711"), same("board"), tally.Free + 1},
		{"one address, other ports", func(i int) string { return fmt.Sprintf("192.0.2.66:%d", 1024+i) }, same("board"), tally.Free + 1},
		{"one address, many rooms", same("192.0.2.66"), func(i int) string { return fmt.Sprint("room", i) }, tally.Free + 1},
		{"one address in two spellings", func(i int) string { return []string{"192.0.2.66", "::ffff:192.0.2.66"}[i%2] }, same("board"), tally.Free + 1},
		{"one /64", func(i int) string { return fmt.Sprintf("2001:db8::%x", i+1) }, same("board"), tally.Free + 1},
		{"from nowhere", same("@"), same("board"), tally.Free + 1},
		{"ten addresses, one room", func(i int) string { return fmt.Sprintf("192.0.2.%d", 100+i%10) }, same("board"), tally.Crowd + 10},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var b Book
			if got := wrong(&b, 1000, tc.peer, tc.thing, begin); got > tc.most || got < tally.Free {
				t.Errorf("%d of 1000 guesses were looked at, want at most %d", got, tc.most)
			}
			if wait := try(&b, tc.peer(0), tc.thing(0), true, begin); wait <= 0 || wait > time.Minute {
				t.Errorf("the right one, among guesses: waits %v", wait)
			}
			for range 3 {
				if wait := try(&b, "198.51.100.1", tc.thing(0), true, begin); wait != 0 {
					t.Errorf("who knows it waits %v", wait)
				}
			}
			if wait := try(&b, "198.51.100.1", tc.thing(0), false, begin); wait != 0 {
				t.Errorf("who mistypes once waits %v", wait)
			}
		})
	}
}

// TestPersistent: patience gets an address no further, and an hour later all
// is forgotten.
func TestPersistent(t *testing.T) {
	t.Parallel()
	var b Book
	now, tried := begin, 0
	for now.Before(begin.Add(time.Hour)) {
		wait := try(&b, "192.0.2.66", "board", false, now)
		if wait == 0 {
			tried++
		}
		if wait > tally.Longest {
			t.Fatalf("waits %v", wait)
		}
		now = now.Add(max(wait, time.Millisecond))
	}
	if tried > 20 {
		t.Errorf("%d guesses in an hour", tried)
	}
	if wait := try(&b, "192.0.2.66", "board", true, now.Add(tally.Longest)); wait != 0 {
		t.Errorf("after the longest wait: %v", wait)
	}
	if wait := try(&b, "192.0.2.66", "board", false, now.Add(tally.Longest)); wait != 0 {
		t.Errorf("the first after it: %v", wait)
	}
	if wait := try(&b, "192.0.2.66", "board", true, now.Add(tally.Longest)); wait == 0 {
		t.Error("a right password lets one guess on")
	}
	if got := wrong(&b, 100, same("192.0.2.66"), same("board"), now.Add(tally.Longest+tally.Forget+time.Second)); got != tally.Free+1 {
		t.Errorf("an hour later: %d guesses, want %d", got, tally.Free+1)
	}
}
