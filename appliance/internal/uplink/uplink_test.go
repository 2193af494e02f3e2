package uplink

import (
	"testing"
	"time"
)

func TestChoose(t *testing.T) {
	t.Parallel()
	loop := card{1, "lo", false, true}
	dead, live, other, tunnel := card{2, "eth0", true, false}, card{3, "eth1", true, true}, card{4, "eth2", true, true}, card{5, "wg0", false, true}
	tests := []struct {
		name  string
		cards []card
		inUse int
		want  string
	}{
		{"none", nil, 0, ""},
		{"only what is no card", []card{loop, tunnel}, 0, ""},
		{"no cable", []card{loop, dead}, 0, ""},
		{"the first with a cable", []card{loop, other, dead, live}, 0, "eth1"},
		{"the one in use stays", []card{live, other}, 4, "eth2"},
		{"the one in use lost its cable", []card{dead, other}, 2, "eth2"},
		{"the one in use has gone", []card{live}, 9, "eth1"},
	}
	for _, tc := range tests {
		got, ok := choose(tc.cards, tc.inUse)
		if got.name != tc.want || ok != (tc.want != "") {
			t.Errorf("%s: choose = %q, %v, want %q", tc.name, got.name, ok, tc.want)
		}
	}
}

func TestRenewAt(t *testing.T) {
	t.Parallel()
	for life, want := range map[time.Duration]time.Duration{
		0:                    30 * time.Second,
		time.Second:          30 * time.Second,
		10 * time.Minute:     5 * time.Minute,
		365 * 24 * time.Hour: time.Hour,
	} {
		if got := (Lease{Life: life}).renewAt(); got != want {
			t.Errorf("lent for %s: renewed after %s, want %s", life, got, want)
		}
	}
}
