package router

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// TestEvents: numbers go up by one, old ones make room, and who asks gets
// what it has not seen.
func TestEvents(t *testing.T) {
	t.Parallel()
	var e events
	for i := range maxEvents + 10 {
		e.add(time.Unix(int64(i), 0), "participant joined", []any{"room", fmt.Sprint("room", i), "odd"})
	}
	var last struct {
		Number uint64
		Event  string
		Room   string
		At     time.Time
	}
	all := e.after(0)
	if err := json.Unmarshal(all[len(all)-1], &last); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprint("room", maxEvents+9); last.Number != maxEvents+10 || last.Room != want || last.Event != "participant joined" {
		t.Errorf("the last is %+v", last)
	}
	for _, tc := range []struct {
		after uint64
		want  int
	}{{last.Number, 0}, {last.Number - 3, 3}, {last.Number + 5, 0}, {0, len(all)}} {
		if got := e.after(tc.after); len(got) != tc.want {
			t.Errorf("after %d: %d events, want %d", tc.after, len(got), tc.want)
		}
	}
	if len(all) > maxEvents {
		t.Errorf("%d are kept", len(all))
	}
}
