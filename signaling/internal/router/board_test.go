package router

import (
	"net/netip"
	"testing"
)

func TestNear(t *testing.T) {
	for _, tc := range []struct {
		peer, addr string
		want       bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1:5000", "192.0.2.1", true},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"::ffff:192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "2001:db8::1", false},
		{"2001:db8:0:1::1", "192.0.2.1", false},
		{"2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true},
		{"[2001:db8:0:1::1]:443", "2001:db8:0:1::2", true},
		{"2001:db8:0:1::1", "2001:db8:0:2::1", false},
		{"fe80::1%eth0", "fe80::1%eth0", true},
		{"127.0.0.1", "::1", true},
		{"127.0.0.1", "192.0.2.1", false},
		{"", "192.0.2.1", false},
		{"@", "192.0.2.1", false},
		{"unknown, 192.0.2.1", "192.0.2.1", false},
	} {
		if got := near(tc.peer, netip.MustParseAddr(tc.addr)); got != tc.want {
			t.Errorf("%q, %s: %v", tc.peer, tc.addr, got)
		}
	}
}
