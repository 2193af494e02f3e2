package speech

import (
	"math"
	"testing"
	"time"
)

// talk lets voices speak packet by packet, and decides as often as a
// conference does.
type talk struct {
	voices   []*Voice
	dominant int
	now      int64
}

func newTalk(n int) *talk {
	t := &talk{dominant: -1, now: int64(time.Hour)}
	for range n {
		t.voices = append(t.voices, new(Voice))
	}
	return t
}

// run speaks for a time; level gives each voice's level at each packet.
func (t *talk) run(d time.Duration, level func(voice, packet int) int) (changes []int) {
	for i := range int(d / (20 * time.Millisecond)) {
		t.now += int64(20 * time.Millisecond)
		for v, voice := range t.voices {
			if l := level(v, i); l >= 0 {
				voice.Level(uint8(l), t.now)
			}
		}
		if t.now/int64(20*time.Millisecond)%15 == 0 {
			var s []Scores
			for _, v := range t.voices {
				s = append(s, v.Scores(t.now))
			}
			if n := Dominant(s, t.dominant); n != t.dominant {
				t.dominant = n
				changes = append(changes, n)
			}
		}
	}
	return changes
}

// Speech is loud two thirds of the time, and never quite steady.
func speech(i int) int {
	if i/8%3 == 2 {
		return 70
	}
	return 15 + i%7
}

const quiet = 75

func TestTakeOver(t *testing.T) {
	t.Parallel()
	s := newTalk(3)
	room := func(v, i int) int { return quiet + i%3 }
	s.run(3*time.Second, room)
	s.run(5*time.Second, func(v, i int) int {
		if v == 1 {
			return speech(i)
		}
		return room(v, i)
	})
	if s.dominant != 1 {
		t.Fatalf("dominant is %d, want 1", s.dominant)
	}
	// A cough, while the other pauses.
	if c := s.run(200*time.Millisecond, func(v, i int) int {
		if v == 2 {
			return 5
		}
		return room(v, i)
	}); len(c) > 0 {
		t.Errorf("a cough made %v dominant", c)
	}
	// A pause does not cost the floor either.
	if c := s.run(5*time.Second, room); len(c) > 0 {
		t.Errorf("silence made %v dominant", c)
	}
	if c := s.run(3*time.Second, func(v, i int) int {
		if v == 0 {
			return speech(i)
		}
		return room(v, i)
	}); len(c) != 1 || c[0] != 0 {
		t.Errorf("changes %v, want [0]", c)
	}
}

// Steady noise, however loud, is background.
func TestNoise(t *testing.T) {
	t.Parallel()
	s := newTalk(2)
	s.run(20*time.Second, func(v, i int) int {
		if v == 1 {
			return 40
		}
		return speech(i)
	})
	if s.dominant != 0 {
		t.Errorf("dominant is %d, want the one who speaks", s.dominant)
	}
}

// Clients stop sending in silence; a voice then falls silent by itself.
func TestSilence(t *testing.T) {
	t.Parallel()
	s := newTalk(2)
	s.run(4*time.Second, func(v, i int) int {
		if v == 0 {
			return speech(i)
		}
		return -1
	})
	s.run(3*time.Second, func(v, i int) int {
		if v == 1 {
			return speech(i)
		}
		return -1
	})
	if s.dominant != 1 {
		t.Errorf("dominant is %d, want 1", s.dominant)
	}
}

func TestDominant(t *testing.T) {
	t.Parallel()
	low, high := Scores{floor, floor, floor}, Scores{1, 1, 1}
	for _, tc := range []struct {
		name     string
		speakers []Scores
		current  int
		want     int
	}{
		{"nobody", nil, -1, -1},
		{"the first", []Scores{low}, -1, 0},
		{"better", []Scores{low, high}, 0, 1},
		{"not better", []Scores{high, high}, 0, 0},
		{"the best", []Scores{low, high, {1, 2, 1}}, 0, 2},
		{"only now", []Scores{low, {1, floor, floor}}, 0, 0},
	} {
		if got := Dominant(tc.speakers, tc.current); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
	}
}

func TestScore(t *testing.T) {
	t.Parallel()
	s := scale{5, 24}
	// ln C(5,3) + 5 ln ½ - ln 24 + 24*3
	want := math.Log(10) + 5*math.Log(0.5) - math.Log(24) + 72
	if got := s.score(3); math.Abs(got-want) > 1e-9 {
		t.Errorf("score(3) = %v, want %v", got, want)
	}
	if got := s.score(0); got != floor {
		t.Errorf("score(0) = %v", got)
	}
}
