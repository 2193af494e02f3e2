package slots

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestWant(t *testing.T) {
	t.Parallel()
	s := New[string](2)
	for _, step := range []struct {
		want []string
		got  string
	}{
		{[]string{"a"}, "[{a 0 true}]"},
		{[]string{"a", "b"}, "[{b 1 true}]"},
		{[]string{"b"}, "[]"},
		{[]string{"c"}, "[{c 0 false}]"}, // a was wanted longest ago
		{[]string{"b", "d"}, "[{d 0 false}]"},
		{[]string{"x", "y", "z"}, "[{x 1 false} {y 0 false}]"},
	} {
		if got := fmt.Sprint(s.Want(step.want)); got != step.got {
			t.Errorf("Want(%v) = %s, want %s", step.want, got, step.got)
		}
	}
	if slot, ok := s.Abandon("x"); !ok || slot != 1 || s.Room() != 1 {
		t.Errorf("Abandon = %d, %v", slot, ok)
	}
	if got := fmt.Sprint(s.Want([]string{"n"})); got != "[{n 2 true}]" {
		t.Errorf("an abandoned slot was used again: %s", got)
	}
}

// Everything wanted has a slot of its own, and what had one keeps it.
func TestProperties(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	s := New[int](5)
	has := map[int]int{}
	for range 10_000 {
		keys := rnd.Perm(12)[:rnd.IntN(6)]
		for _, c := range s.Want(keys) {
			for k, slot := range has {
				if slot == c.Slot {
					if slices.Contains(keys, k) {
						t.Fatalf("%d lost its slot to %d, though wanted", k, c.Key)
					}
					delete(has, k)
				}
			}
			has[c.Key] = c.Slot
		}
		used := map[int]bool{}
		s.All(func(k, slot int) bool {
			if has[k] != slot || used[slot] {
				t.Fatalf("%d has slot %d, want %v", k, slot, has)
			}
			used[slot] = true
			return true
		})
		for _, k := range keys {
			if _, ok := s.Slot(k); !ok {
				t.Fatalf("%d is wanted and has no slot", k)
			}
		}
	}
}
