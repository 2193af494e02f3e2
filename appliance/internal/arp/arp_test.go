package arp

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
)

// What is read as a message and written again says the same.
func FuzzParse(f *testing.F) {
	f.Add(message{op: request, sender: net.HardwareAddr{2, 0, 0, 0, 0, 1}, targetAddr: netip.MustParseAddr("192.0.2.1")}.bytes())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parse(b)
		if err != nil {
			return
		}
		again := m.bytes()
		if !bytes.Equal(again[:18], b[:18]) || !bytes.Equal(again[24:28], b[24:28]) {
			t.Errorf("%x became %x", b[:size], again)
		}
	})
}

func TestClaims(t *testing.T) {
	t.Parallel()
	own, other := net.HardwareAddr{2, 0, 0, 0, 0, 1}, net.HardwareAddr{2, 0, 0, 0, 0, 2}
	addr, none, third := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("192.0.2.9")
	tests := []struct {
		name                    string
		m                       message
		whenWanting, whenHaving bool
	}{
		{"somebody answers", message{reply, other, addr, third}, true, true},
		{"somebody asks for another", message{request, other, addr, third}, true, true},
		{"somebody announces it", message{request, other, addr, addr}, true, true},
		{"somebody else wants it", message{request, other, none, addr}, true, false},
		{"somebody asks for it", message{request, other, third, addr}, false, false},
		{"ourselves", message{request, own, addr, addr}, false, false},
		{"another address", message{reply, other, third, addr}, false, false},
	}
	for _, tc := range tests {
		if got := tc.m.claims(addr, own, true); got != tc.whenWanting {
			t.Errorf("%s: while wanting %v, want %v", tc.name, got, tc.whenWanting)
		}
		if got := tc.m.claims(addr, own, false); got != tc.whenHaving {
			t.Errorf("%s: while having %v, want %v", tc.name, got, tc.whenHaving)
		}
	}
}
