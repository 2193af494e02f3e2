package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func TestPatience(t *testing.T) {
	t.Parallel()
	type step struct {
		at time.Duration
		a  answer
	}
	tests := []struct {
		name  string
		steps []step
		at    time.Duration
		want  bool
	}{
		{"starting", nil, startTime, false},
		{"never started", nil, startTime + time.Second, true},
		{"well", []step{{0, well}, {time.Hour, well}}, time.Hour, false},
		{"restarting", []step{{time.Hour, well}, {time.Hour + time.Minute, silent}}, time.Hour + 2*time.Minute, false},
		{"gone", []step{{time.Hour, well}, {time.Hour + time.Minute, silent}}, time.Hour + silentTime + time.Second, true},
		{"never well: no network", []step{{0, unwell}, {100 * time.Hour, unwell}}, 100 * time.Hour, false},
		{"was well, is not for a while", []step{{0, well}, {10 * time.Minute, unwell}}, 10 * time.Minute, false},
		{"was well, is not any more", []step{{0, well}, {20 * time.Minute, unwell}}, 20 * time.Minute, true},
		{"is well again", []step{{0, well}, {10 * time.Minute, unwell}, {14 * time.Minute, well}, {20 * time.Minute, unwell}}, 20 * time.Minute, false},
	}
	begun := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tc := range tests {
		var p patient
		for _, s := range tc.steps {
			p.look(begun.Add(s.at), s.a)
		}
		if got := p.hopeless(begun, begun.Add(tc.at)); got != tc.want {
			t.Errorf("%s: hopeless = %v, want %v", tc.name, got, tc.want)
		}
	}
}

// A service that falls silent ends the guard after its patience, not before,
// and not for a restart.
func TestGuard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		w := &watchdog{ask: func(_ context.Context, name string) answer {
			at := time.Since(begun)
			if name == "bridge" && (at > time.Hour || at > 10*time.Minute && at < 11*time.Minute) {
				return silent
			}
			return well
		}}
		if got := w.guard(t.Context(), []string{"web", "bridge"}); got != "bridge" {
			t.Errorf("guard = %q, want bridge", got)
		}
		if at := time.Since(begun); at < time.Hour+silentTime || at > time.Hour+silentTime+2*feedEvery {
			t.Errorf("gave up after %s", at)
		}
	})
}

func TestAsk(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "mb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for body, want := range map[string]answer{
		`{"ok":true}`: well, `{"ok":false,"detail":"starting"}`: unwell, `nonsense`: silent,
	} {
		socket := filepath.Join(dir, "s.sock")
		l, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })}
		done := make(chan struct{})
		go func() { defer close(done); srv.Serve(l) }()
		if got := askSocket(t.Context(), socket); got != want {
			t.Errorf("%s: %v, want %v", body, got, want)
		}
		srv.Close()
		<-done
		if got := askSocket(t.Context(), socket); got != silent {
			t.Errorf("nobody there: %v, want silent", got)
		}
	}
}
