package main

import (
	"net/netip"
	"slices"
	"testing"

	"meetbox.local/appliance/api"
)

// One lost answer does not show, many do, and a bad answer does at once.
func TestCalm(t *testing.T) {
	t.Parallel()
	well, bad, silent := api.Service{Name: "web", OK: true, PID: 7}, api.Service{Name: "web", PID: 7}, api.Service{Name: "web"}
	c := calm{}
	look := func(s api.Service) bool { return c.look(api.Health{Services: []api.Service{s}}).OK }
	if look(silent) {
		t.Error("well before it ever answered")
	}
	if !look(well) || look(bad) || !look(well) {
		t.Error("an answer does not show at once")
	}
	for i := range patience {
		if !look(silent) {
			t.Errorf("not well after %d lost answers", i+1)
		}
	}
	for range 2 {
		if look(silent) {
			t.Error("well though silent for long")
		}
	}
	if !look(well) {
		t.Error("not well though it answers again")
	}
}

func TestOffered(t *testing.T) {
	t.Parallel()
	addrs := func(texts ...string) (out []netip.Addr) {
		for _, s := range texts {
			out = append(out, netip.MustParseAddr(s))
		}
		return out
	}
	tests := []struct {
		name                 string
		own, forwarded, want []netip.Addr
	}{
		{"no network yet", addrs("127.0.0.1", "::1"), nil, addrs("127.0.0.1", "::1")},
		{"a network", addrs("192.0.2.7", "127.0.0.1"), nil, addrs("192.0.2.7")},
		{"behind a forward", addrs("192.0.2.7", "127.0.0.1"), addrs("203.0.113.1"), addrs("192.0.2.7", "203.0.113.1")},
		{"a forward on the same machine", addrs("10.0.2.15", "127.0.0.1"), addrs("127.0.0.1"), addrs("10.0.2.15", "127.0.0.1")},
		{"an own address given", addrs("192.0.2.7"), addrs("192.0.2.7"), addrs("192.0.2.7")},
	}
	for _, tc := range tests {
		if got := offered(tc.own, tc.forwarded); !slices.Equal(got, tc.want) {
			t.Errorf("%s: offered(%v, %v) = %v, want %v", tc.name, tc.own, tc.forwarded, got, tc.want)
		}
	}
}
