package network

import (
	"net/netip"
	"slices"
	"testing"
)

func TestNames(t *testing.T) {
	t.Parallel()
	tests := []struct {
		host string
		more []string // beyond the two that are always there
	}{
		{"vm", []string{"vm", "vm.local"}},
		{"Big-Laptop", []string{"big-laptop", "big-laptop.local"}},
		{"box.example.org.", []string{"box.example.org"}},
		{"meetbox.local", nil},
		{"localhost", []string{"localhost.local"}},
		{"", nil},
		{"under_score", nil},
		{"-dash", nil},
		{"bücher", nil},
		{"a..b", nil},
	}
	for _, tc := range tests {
		want := append([]string{"meetbox.local", "localhost"}, tc.more...)
		if got := names(tc.host); !slices.Equal(got, want) {
			t.Errorf("names(%q) = %v, want %v", tc.host, got, want)
		}
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	a := func(ip string, def, physical bool) Address {
		return Address{Addr: netip.MustParseAddr(ip), Default: def, Physical: physical}
	}
	got := order([]Address{
		a("::1", false, true),
		a("127.0.0.1", false, true),
		a("172.17.0.1", false, false), // a container bridge
		a("169.254.7.7", false, true), // a cable without a DHCP server
		a("10.0.0.5", false, true),
		a("2001:db8::5", true, true),
		a("192.168.1.23", true, true),
		a("192.168.1.23", true, true), // the same on a second card
	})
	want := []string{"192.168.1.23", "2001:db8::5", "10.0.0.5", "169.254.7.7", "172.17.0.1", "127.0.0.1", "::1"}
	if len(got) != len(want) {
		t.Fatalf("order = %v, want %v", got, want)
	}
	for i := range want {
		if got[i].Addr.String() != want[i] {
			t.Errorf("place %d: %v, want %v", i, got[i].Addr, want[i])
		}
	}
}

func TestUsable(t *testing.T) {
	t.Parallel()
	for ip, want := range map[string]bool{
		"192.168.1.23": true, "169.254.1.1": true, "127.0.0.1": true, "fd00::1": true, "::1": true,
		"fe80::1": false, "0.0.0.0": false, "::": false, "224.0.0.251": false, "ff02::fb": false,
	} {
		if got := usable(netip.MustParseAddr(ip)); got != want {
			t.Errorf("usable(%s) = %v, want %v", ip, got, want)
		}
	}
}

// This machine, whatever it is, has a loopback; both ways to ask agree on it.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for name, list := range map[string]func() ([]Address, error){"Addresses": Addresses, "portable": portable} {
		got, err := list()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !slices.ContainsFunc(got, func(a Address) bool { return a.Addr == netip.MustParseAddr("127.0.0.1") }) {
			t.Errorf("%s = %v, want 127.0.0.1 among them", name, got)
		}
		for _, a := range got {
			if !usable(a.Addr) || a.Link == "" {
				t.Errorf("%s lists %+v", name, a)
			}
		}
	}
}
