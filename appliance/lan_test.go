package main

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/certs"
	"meetbox.local/appliance/internal/network"
	"meetbox.local/appliance/internal/state"
)

// What waits to be confirmed is on the disk, and what is confirmed is a
// revision with a name.
func TestNetworkStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() (networkStore, func()) {
		s, err := state.Open(dir, false)
		if err != nil {
			t.Fatal(err)
		}
		return networkStore{s}, func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	s, closeIt := open()
	if _, found, err := s.Pending(); found || err != nil {
		t.Errorf("in a new box: %v, %v", found, err)
	}
	match := uint64(0)
	p := network.Pending{Who: state.Actor{Name: "owner", Role: api.Owner}, Match: &match, PendingNetwork: api.PendingNetwork{
		ID: "id", Until: time.Now().Add(time.Minute).UTC(),
		Network: api.Network{Ports: []api.Port{{Card: "eth0", IPv4: api.IPv4{Mode: api.Static, Address: netip.MustParsePrefix("192.0.2.7/24")}}}},
	}}
	if err := s.SetPending(p); err != nil {
		t.Fatal(err)
	}
	closeIt()
	s, closeIt = open()
	defer func() { closeIt() }()
	got, found, err := s.Pending()
	if err != nil || !found || got.ID != "id" || got.Who != p.Who || got.Network.Ports[0].IPv4.Address != p.Network.Ports[0].IPv4.Address {
		t.Fatalf("after a restart: %+v, %v, %v", got, found, err)
	}
	if n, err := s.Network(); err != nil || len(n.Ports) != 0 {
		t.Errorf("before it is confirmed: %+v, %v", n, err)
	}
	if err := s.Keep(got); err != nil {
		t.Fatal(err)
	}
	if _, found, err := s.Pending(); found || err != nil {
		t.Errorf("afterwards: %v, %v", found, err)
	}
	n, err := s.Network()
	revisions, _, rerr := s.store.Revisions("network", 0, 10)
	if err != nil || rerr != nil || len(n.Ports) != 1 || len(revisions) != 1 || revisions[0].Who != "owner" {
		t.Errorf("%+v, %+v, %v, %v", n, revisions, err, rerr)
	}
	if err := s.SetPending(p); err != nil { // made from a revision that is not the last any more
		t.Fatal(err)
	}
	if err := s.Keep(p); err == nil {
		t.Error("overwrote a change that nobody saw")
	}
	if err := s.DropPending(); err != nil {
		t.Error(err)
	}
}

func TestServed(t *testing.T) {
	t.Parallel()
	prefix := netip.MustParsePrefix
	ports := []api.PortStatus{
		{Name: "eth0", Role: api.Uplink, Addresses: []netip.Prefix{prefix("192.0.2.7/24")}},
		{Name: "eth1", Role: api.IslandPort, Addresses: []netip.Prefix{prefix("fe80::1/64"), prefix("10.77.0.1/24"), prefix("fd00::1/64")}},
		{Name: "eth2", Role: api.IslandPort}, // not up yet
	}
	w := served(api.Settings{}, ports, []string{"meetbox.local", "meet.example.org"})
	if len(w.Ports) != 1 || w.Ports[0].Link != "eth1" || w.Ports[0].Address != prefix("10.77.0.1/24") || !slices.Equal(w.Ports[0].More, []netip.Addr{netip.MustParseAddr("fd00::1")}) {
		t.Errorf("%+v", w)
	}
	if w.Captive != "https://meetbox.local"+api.CaptivePath {
		t.Errorf("captive portal API at %s", w.Captive)
	}
}

// The clock jumps: a certificate that is not valid at the new time is made
// anew, and is valid then.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)
	pair, err := certs.NewAuthority(begin)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := certs.Load(pair)
	if err != nil {
		t.Fatal(err)
	}
	names, addrs := []string{"meetbox.local"}, []netip.Addr{netip.MustParseAddr("192.0.2.7")}
	old, err := ca.Issue(begin, names, addrs)
	if err != nil {
		t.Fatal(err)
	}
	for _, now := range []time.Time{begin.AddDate(-5, 0, 0), begin.AddDate(2, 0, 0), begin.AddDate(9, 0, 0)} {
		if ca.Current(now, old, names, addrs) == nil {
			t.Errorf("at %v the certificate of %v is taken for good", now, begin)
		}
		fresh, err := ca.Issue(now, names, addrs)
		if err != nil {
			t.Errorf("at %v: %v", now, err)
			continue
		}
		if why := ca.Current(now, fresh, names, addrs); why != nil && now.After(begin) {
			t.Errorf("at %v a new one is no good: %v", now, why)
		}
	}
}
