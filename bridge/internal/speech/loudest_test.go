package speech

import (
	"fmt"
	"testing"
	"time"
)

func TestLoudest(t *testing.T) {
	t.Parallel()
	l := NewLoudest(2)
	var voices [4]Voice
	now := int64(time.Hour)
	// round lets all speak once, 127 being silence, and says who was admitted.
	round := func(floor int, levels ...uint8) string {
		now += int64(20 * time.Millisecond)
		var in []int
		for i, level := range levels {
			voices[i].Level(level, now)
			if l.Admit(&voices[i], i == floor, now) {
				in = append(in, i)
			}
		}
		return fmt.Sprint(in)
	}
	settle := func(levels ...uint8) string {
		var last string
		for range 10 {
			last = round(-1, levels...)
		}
		return last
	}
	for _, step := range []struct{ what, got, want string }{
		{"two loud ones", settle(20, 30, 60, 70), "[0 1]"},
		{"another gets louder", settle(20, 60, 30, 70), "[0 2]"},
		{"a short noise is not enough", round(-1, 20, 60, 30, 65), "[0 2]"},
		{"who has the floor is always heard", round(3, 20, 60, 30, 70), "[0 2 3]"},
	} {
		if step.got != step.want {
			t.Errorf("%s: %s, want %s", step.what, step.got, step.want)
		}
	}
	now += 2 * keeps
	voices[3].Level(70, now)
	if !l.Admit(&voices[3], false, now) {
		t.Error("after a pause, a quiet voice finds no place")
	}
	everyone := NewLoudest(0)
	for i := range voices {
		if !everyone.Admit(&voices[i], false, now) {
			t.Errorf("without a limit, voice %d is not admitted", i)
		}
	}
}
