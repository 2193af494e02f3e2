package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/firewall"
)

func TestFiltered(t *testing.T) {
	t.Parallel()
	ntp := netip.MustParseAddr("192.0.2.3")
	net := api.NetworkStatus{
		DNS: []netip.Addr{netip.MustParseAddr("192.0.2.1")},
		Ports: []api.PortStatus{
			{Name: "eth0", Role: api.Uplink, Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/24"), netip.MustParsePrefix("192.0.2.8/24")}, Lease: &api.Lease{NTP: []netip.Addr{ntp}}},
			{Name: "eth1", Role: api.IslandPort, Addresses: []netip.Prefix{netip.MustParsePrefix("10.77.0.1/24")}},
		},
	}
	w := filtered(api.Settings{}, net)
	if want := []netip.Prefix{netip.MustParsePrefix("10.77.0.0/24"), netip.MustParsePrefix("192.0.2.0/24")}; !slices.Equal(w.Own, want) {
		t.Errorf("own %v, want %v", w.Own, want)
	}
	if !slices.Equal(w.Island, []string{"eth1"}) || !slices.Equal(w.DNS, net.DNS) {
		t.Errorf("island %v, DNS %v", w.Island, w.DNS)
	}
	if want := []firewall.Host{{Name: "192.0.2.3", UDP: true, Port: 123}}; !slices.Equal(w.Hosts, want) {
		t.Errorf("a new box speaks to %v, want %v", w.Hosts, want)
	}
	set := api.Settings{
		Clock: api.Clock{NTP: []string{"ntp.example.org"}},
		Egress: api.Egress{Hosts: []api.EgressHost{
			{Use: api.EgressLDAP, Host: "ldap.example.org"},
			{Use: api.EgressSyslog, Host: "192.0.2.9", Port: 1514},
		}},
	}
	want := []firewall.Host{{Name: "ldap.example.org", Port: 636}, {Name: "192.0.2.9", Port: 1514}, {Name: "ntp.example.org", UDP: true, Port: 123}}
	if w := filtered(set, net); !slices.Equal(w.Hosts, want) {
		t.Errorf("hosts %v, want %v", w.Hosts, want)
	}
	set.Directory = api.Directory{LDAP: api.LDAP{URL: "ldap://dc.example.org"}, OIDC: api.OIDC{Issuer: "https://login.example.org:8443/realm"}}
	want = append(want, firewall.Host{Name: "dc.example.org", Port: 389}, firewall.Host{Name: "login.example.org", Port: 8443})
	if w := filtered(set, net); !slices.Equal(w.Hosts, want) {
		t.Errorf("with a directory: hosts %v, want %v", w.Hosts, want)
	}
	set.Directory = api.Directory{}
	set.Clock.Off = true
	if w := filtered(set, net); len(w.Hosts) != 2 {
		t.Errorf("with the clock off: %v", w.Hosts)
	}
}

func TestMarkReset(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := markReset(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, resetMark)); err != nil {
		t.Error(err)
	}
}
