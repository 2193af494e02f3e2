package allocation

import (
	"testing"
	"time"
)

func TestBudget(t *testing.T) {
	t.Parallel()
	var b Budget
	at := func(sec float64) int64 { return int64(sec * float64(time.Second)) }
	for _, s := range []struct {
		name     string
		at       float64
		estimate int64
		want     int64
	}{
		{"first", 1, 1000, 1000},
		{"a little less", 2, 900, 1000},
		{"a little more", 3, 1100, 1000},
		{"more", 4, 1200, 1200},
		{"less at once, and the rise was wrong", 5, 800, 800},
		{"not up again at once", 6, 1000, 800},
		{"nor to where it was wrong", 20, 1300, 1020},
		{"unless there is much more", 21, 1600, 1600},
		{"no limit", 22, Unlimited, Unlimited},
		{"still none", 23, Unlimited, Unlimited},
		{"a limit", 24, 5000, 5000},
		{"a rise", 30, 6000, 6000},
		{"the line collapses", 31, 500, 500},
		{"which says nothing of the rise", 34, 6000, 6000},
	} {
		if got, _ := b.Use(s.estimate, at(s.at)); got != s.want {
			t.Errorf("%s: Use(%d) = %d, want %d", s.name, s.estimate, got, s.want)
		}
	}
}
