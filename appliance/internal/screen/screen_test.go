package screen

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"meetbox.local/appliance/api"
)

func page(ok bool) Page {
	p := Page{
		Status: api.Status{
			Names:     []string{"meetbox.local", "localhost"},
			Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("127.0.0.1")},
			URLs:      []string{"https://192.0.2.7", "https://localhost"},
			Scan:      "https://192.0.2.7",
			Authority: "http://192.0.2.7/ca.crt",
			Version:   "v1",
		},
		Disk: 1 << 30,
	}
	for _, name := range []string{"appliance", "signaling", "focus", "bridge", "web"} {
		p.Health.Services = append(p.Health.Services, api.Service{Name: name, OK: ok || name != "web", Detail: "starting"})
	}
	return p
}

func TestText(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		page      Page
		want, not []string
	}{
		{"well", page(true), []string{
			"      https://192.0.2.7\n", "name       meetbox.local\n", "addresses  192.0.2.7\n",
			"appliance ok, signaling ok, focus ok, bridge ok, web ok\n", "http://192.0.2.7/ca.crt", "disk       1024 MiB\n", "▀",
		}, []string{"localhost", "127.0.0.1", "NOT WELL", "\x1b"}},
		{"one is not well", page(false), []string{"web NOT WELL\n", "             web: starting\n"}, nil},
		{"no network", Page{Status: api.Status{Names: []string{"meetbox.local"}}}, []string{
			"plug in a cable", "addresses  none yet\n", "state      starting\n",
		}, []string{"▀", "disk  "}},
		{"work under way", Page{
			Clock: time.Date(2026, 11, 22, 14, 5, 0, 0, time.UTC), Keyboard: true,
			Update:  &api.Update{Phase: api.UpdateWriting, Done: 57, Total: 100},
			Install: &api.Install{Phase: api.InstallDone, Disk: "nvme0n1"},
		}, []string{"clock      2026-11-22 14:05 UTC\n", "update     writing, 50 %\n", "install    done on nvme0n1: take out the stick", "M for network rescue"}, nil},
		{"from a stick", Page{Install: &api.Install{Phase: api.InstallIdle, Stick: true, Disks: []api.InstallDisk{{Name: "nvme0n1"}}}}, []string{"to install it to a disk"}, nil},
		{"from a stick, alone", Page{Install: &api.Install{Phase: api.InstallIdle, Stick: true, Disks: []api.InstallDisk{{Name: "sdb", Refused: "too small"}}}}, nil, []string{"stick"}},
		{"nothing under way", Page{Update: &api.Update{Phase: api.UpdateIdle}, Install: &api.Install{Phase: api.InstallIdle}}, nil, []string{"update", "install", "clock"}},
		{"cannot serve", Page{Notes: []string{"the file is damaged"}}, []string{
			"cannot serve", "note       the file is damaged\n",
		}, []string{"plug in"}},
	}
	for _, tc := range tests {
		got := Text(tc.page, false)
		for _, want := range tc.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in\n%s", tc.name, want, got)
			}
		}
		for _, not := range tc.not {
			if strings.Contains(got, not) {
				t.Errorf("%s: %q in\n%s", tc.name, not, got)
			}
		}
	}
}

// The page fits on the smallest screen that firmware gives: 80 columns, and
// the 37 lines of 800 by 600 points.
func TestFits(t *testing.T) {
	t.Parallel()
	p := page(false)
	p.Status.SetupCode, p.Clock, p.Keyboard = "4821-9930", time.Now(), true
	lines := strings.Split(Text(p, false), "\n")
	if len(lines) > 37 {
		t.Errorf("%d lines, want 37 at most", len(lines))
	}
	for _, l := range lines {
		if n := len([]rune(l)); n > 80 {
			t.Errorf("%d columns in %q", n, l)
		}
	}
}
