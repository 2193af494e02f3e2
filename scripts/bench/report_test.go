package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meetbox.local/scripts/bench/internal/load"
)

func TestFigures(t *testing.T) {
	t.Parallel()
	var b []byte
	for _, r := range []load.Result{
		{Peer: "meetbox", Scenario: "8x8", Rep: 1, UsPerPkt: 5, ForwardedPkts: 1},
		{Peer: "livekit", Scenario: "8x8", Rep: 1, UsPerPkt: 10, ForwardedPkts: 1},
		{Peer: "meetbox", Scenario: "8x8", Rep: 2, UsPerPkt: 50, ForwardedPkts: 1}, // a bad minute for both
		{Peer: "livekit", Scenario: "8x8", Rep: 2, UsPerPkt: 80, ForwardedPkts: 1},
		{Peer: "meetbox", Scenario: "8x8", Rep: 3, UsPerPkt: 4, ForwardedPkts: 1},
		{Peer: "livekit", Scenario: "8x8", Rep: 3, UsPerPkt: 10, ForwardedPkts: 1},
		{Peer: "janus", Scenario: "8x8", Rep: 3}, // failed
		{Peer: "meetbox@rw=1", Scenario: "8x8", Rep: 3, UsPerPkt: 8, ForwardedPkts: 1},
	} {
		line, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		b = append(append(b, line...), '\n')
	}
	file := filepath.Join(t.TempDir(), "x.jsonl")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := report(&out, []string{file}); err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(out.String(), "\n\n")
	if want := "figure: cpu_vs_livekit_8x8 0.50 ratio\nfigure: cpu_classic_vs_rewriting_8x8 0.50 ratio\n"; got != want {
		t.Errorf("figures are\n%swant\n%s", got, want)
	}
	if !strings.Contains(out.String(), "| 8x8 | meetbox | **5.0** (4.0–50.0) |") {
		t.Errorf("no row of the bridge in\n%s", &out)
	}
}
