package main

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/netnstest"
	"meetbox.local/appliance/internal/network"
	"meetbox.local/appliance/internal/render"
	"meetbox.local/appliance/internal/settings"
	"meetbox.local/appliance/internal/state"
	"meetbox.local/appliance/kit/unit"
)

// The box between a site with a DHCP server and an island of its own: it has
// an address in the one, serves the other, and is announced in both.
func TestLAN(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		site, phone := netnstest.NewHost(t), netnstest.NewHost(t)
		netnstest.Cable(t, nil, "site", "", site, "far", "192.0.2.1/24")
		netnstest.Cable(t, nil, "isle", "", phone, "wlan", "")
		netnstest.Capture(t, nil, "192.0.2.0/24", "10.77.0.0/24")
		netnstest.Dnsmasq(t, site, "far", "--dhcp-range=192.0.2.100,192.0.2.120,5m", "--no-ping", "--dhcp-option=option:domain-name,lan")
		dir := t.TempDir()
		store, err := state.Open(dir, false)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		log := slog.New(slog.NewTextHandler(t.Output(), nil))
		set := api.Settings{Network: api.Network{Ports: []api.Port{{Card: "isle", Role: api.IslandPort, IPv4: api.IPv4{Address: netip.MustParsePrefix("10.77.0.1/24")}}}}}
		if _, err := store.PutSection(state.Actor{Name: "owner"}, "network", nil, &set.Network); err != nil {
			t.Fatal(err)
		}
		d := &daemon{log: log, set: settings.Settings{HTTPSPort: 443, HTTPPort: 80}, changed: make(chan struct{}, 1), u: &unit.Unit{Run: dir}}
		l := newLAN(dir, log)
		l.network = network.NewManager(networkStore{store}, "", log)
		l.daemon.Store(d)
		var in render.Input
		l.follows(set, &in)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); l.run(ctx, d) }()
		defer func() { cancel(); <-done }()

		limit, tick := time.After(25*time.Second), time.NewTicker(20*time.Millisecond)
		defer tick.Stop()
		until := func(what string, ok func() bool) {
			t.Helper()
			for !ok() {
				select {
				case <-tick.C:
				case <-limit:
					t.Fatalf("never: %s; notes %q, %+v, %+v", what, l.notes(), l.network.Status(), l.island.Status())
				}
			}
		}
		until("a lease from the site", func() bool {
			return slices.ContainsFunc(l.network.Status().Ports, func(p api.PortStatus) bool { return p.Name == "site" && p.Lease != nil })
		})
		until("addresses lent on the island", func() bool { s := l.island.Status(); return len(s.Ports) == 1 && s.Ports[0].DHCP })
		until("the name announced", func() bool { s := announced{l}.Status(); return s.Announce && s.Name == "meetbox.local" })
		l.follows(set, &in)
		if !in.Captive || in.Names[0] != "meetbox.local" || !slices.Contains(in.Names, "meetbox.lan") || !slices.Contains(in.Names, "localhost") {
			t.Errorf("names %v, captive %v", in.Names, in.Captive)
		}
		script := filepath.Join(dir, "script")
		if err := os.WriteFile(script, []byte("#!/bin/sh\n[ \"$1\" = bound ] && ip addr add $ip/24 dev $interface\nexit 0\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		if out, err := phone.Output(t, "udhcpc", "-i", "wlan", "-n", "-q", "-f", "-T", "1", "-s", script); err != nil {
			t.Fatalf("udhcpc: %v: %s", err, out)
		}
		for _, question := range [][]string{{"@10.77.0.1", "meetbox.local"}, {"-p", "5353", "@10.77.0.1", "meetbox.local"}, {"@10.77.0.1", "captive.apple.com"}} {
			out, err := phone.Output(t, "dig", append([]string{"+short", "+tries=1", "+time=3"}, question...)...)
			if err != nil || strings.TrimSpace(out) != "10.77.0.1" {
				t.Errorf("dig %v: %q, %v", question, out, err)
			}
		}
		if notes := l.notes(); len(notes) > 0 {
			t.Errorf("notes %q", notes)
		}
	})
}
