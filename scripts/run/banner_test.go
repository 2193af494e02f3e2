package main

import (
	"strings"
	"testing"

	"meetbox.local/appliance/api"
	"rsc.io/qr"
)

func TestBanner(t *testing.T) {
	t.Parallel()
	s := api.Status{
		URLs:      []string{"https://192.168.1.23:8443", "https://localhost:8443"},
		Scan:      "https://192.168.1.23:8443",
		Authority: "http://192.168.1.23:8080/ca.crt",
	}
	got := banner(s, place{state: "/home/u/.meetbox"})
	for _, part := range append(s.URLs, s.Authority, "scan for "+s.Scan, code(s.Scan), "/home/u/.meetbox") {
		if !strings.Contains(got, part) {
			t.Errorf("banner lacks %q:\n%s", part, got)
		}
	}
	lonely := banner(api.Status{URLs: []string{"https://localhost:8443"}}, place{})
	if strings.Contains(lonely, "\x1b") || !strings.Contains(lonely, "no network address") {
		t.Errorf("banner without a network:\n%s", lonely)
	}
}

// The drawing, read back, is the code with its light border.
func TestCode(t *testing.T) {
	t.Parallel()
	const text = "https://192.168.1.23:8443"
	want, err := qr.Encode(text, qr.L)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(code(text), "\n"), "\n")
	halves := map[rune][2]bool{'█': {true, true}, '▀': {true, false}, '▄': {false, true}, ' ': {}}
	for i, line := range lines {
		line = strings.TrimSuffix(strings.TrimPrefix(line, "    \x1b[30;107m"), "\x1b[0m")
		for x, r := range []rune(line) {
			for half, black := range halves[r] {
				mx, my := x-quiet, 2*i+half-quiet
				if black != want.Black(mx, my) {
					t.Fatalf("module %d,%d is black %v, want %v", mx, my, black, !black)
				}
			}
		}
		if n := len([]rune(line)); n != want.Size+2*quiet {
			t.Errorf("line %d has %d characters, want %d", i, n, want.Size+2*quiet)
		}
	}
	if 2*len(lines) < want.Size+2*quiet-1 {
		t.Errorf("%d lines for a code of %d modules", len(lines), want.Size)
	}
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	got := waiting(api.Health{Services: []api.Service{{Name: "web", OK: true}, {Name: "focus", Detail: "logging in"}}}, nil)
	if !strings.Contains(got, "focus") || !strings.Contains(got, "logging in") || strings.Contains(got, "web") {
		t.Errorf("waiting = %q", got)
	}
}
