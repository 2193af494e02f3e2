package meetings

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"meetbox.local/appliance/kit/ctl"
)

func TestNow(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "mb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	control := func(service string) string { return filepath.Join(dir, service+".sock") }
	if _, err := Now(t.Context(), control); err == nil {
		t.Error("without a focus nobody is in a meeting")
	}
	s := ctl.New("focus")
	s.Handle("GET /conferences", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `[{"room":"standup@muc.meet.jitsi","participants":3,"sessions":3,"since":"2026-11-01T10:00:00Z"},
			{"room":"empty@muc.meet.jitsi","participants":0},{"room":"part@breakout.meet.jitsi","participants":1},
			{"room":"selfcall-x@muc.meet.jitsi","participants":2}]`)
	}))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, control("focus")) }()
	t.Cleanup(func() { cancel(); <-done })
	for {
		if _, err := ctl.Ask(ctx, control("focus")); err == nil {
			break
		}
	}
	got, err := Now(t.Context(), control)
	if err != nil || got.People != 4 || len(got.Meetings) != 2 || got.Meetings[0].Room != "standup" || !got.Meetings[1].Breakout {
		t.Errorf("Now = %+v, %v", got, err)
	}
	m, err := Metrics(t.Context(), control, "focus")
	if err != nil || m["process_resident_memory_bytes"] == 0 {
		t.Errorf("Metrics = %d numbers, %v", len(m), err)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	got := parse([]byte("# HELP x\nplain 1\nwith{a=\"b c\"} 2.5e3\nnonsense\nnot a number x\n"))
	if len(got) != 2 || got["plain"] != 1 || got[`with{a="b c"}`] != 2500 {
		t.Errorf("parse = %v", got)
	}
}
