package ctl_test

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"meetbox.local/appliance/kit/ctl"
)

// shortDir is a folder whose path leaves room for a socket's name.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "mb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// serve runs a control server until the test ends and returns its socket.
func serve(t *testing.T, s *ctl.Server) string {
	t.Helper()
	socket := filepath.Join(shortDir(t), "ctl", "test.sock")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, socket) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if _, err := os.Stat(socket); err == nil {
			t.Error("the socket is still there")
		}
	})
	for { // the listener opens a moment after Serve begins
		if _, err := ctl.Ask(ctx, socket); err == nil {
			return socket
		}
		select {
		case err := <-done:
			t.Fatalf("Serve: %v", err)
		default:
		}
	}
}

func do(t *testing.T, socket, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://ctl"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	resp, err := ctl.Client(socket).Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestHealth(t *testing.T) {
	t.Parallel()
	s := ctl.New("test")
	socket := serve(t, s)
	if code, _ := do(t, socket, "GET", "/health", ""); code != http.StatusServiceUnavailable {
		t.Errorf("before SetHealth: status %d", code)
	}
	before := s.Health().Since
	s.SetHealth(true, "serving")
	h, err := ctl.Ask(t.Context(), socket)
	if err != nil || h.Name != "test" || !h.OK || h.Detail != "serving" || h.PID != os.Getpid() {
		t.Errorf("Ask = %+v, %v", h, err)
	}
	if !h.Since.After(before) {
		t.Errorf("since %v, not after %v", h.Since, before)
	}
	s.SetHealth(true, "still serving")
	if got := s.Health().Since; !got.Equal(h.Since) {
		t.Errorf("since changed from %v to %v although the state did not", h.Since, got)
	}
}

func TestAskNobody(t *testing.T) {
	t.Parallel()
	if _, err := ctl.Ask(t.Context(), filepath.Join(shortDir(t), "none.sock")); err == nil {
		t.Error("Ask: no error")
	}
	if err := ctl.PostReload(t.Context(), filepath.Join(shortDir(t), "none.sock")); err == nil {
		t.Error("PostReload: no error")
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	s := ctl.New("test")
	called := make(chan struct{}, 1)
	s.Reload = func() { called <- struct{}{} }
	socket := serve(t, s)
	if err := ctl.PostReload(t.Context(), socket); err != nil {
		t.Fatal(err)
	}
	<-called
	if code, _ := do(t, socket, "GET", "/reload", ""); code != http.StatusMethodNotAllowed {
		t.Errorf("GET /reload: status %d", code)
	}
}

func TestLogLevel(t *testing.T) {
	t.Parallel()
	s := ctl.New("test")
	socket := serve(t, s)
	if code, body := do(t, socket, "PUT", "/log-level", "DEBUG\n"); code != http.StatusOK {
		t.Errorf("PUT DEBUG: %d %s", code, body)
	}
	if _, body := do(t, socket, "GET", "/log-level", ""); body != "DEBUG\n" {
		t.Errorf("level is %q", body)
	}
	for _, bad := range []string{"", "LOUD", strings.Repeat("x", 1000)} {
		if code, _ := do(t, socket, "PUT", "/log-level", bad); code != http.StatusBadRequest {
			t.Errorf("PUT %.10q: status %d", bad, code)
		}
	}
}

// The flight recorder begins when it is first asked for; then it has the last
// seconds.
func TestTrace(t *testing.T) {
	socket := serve(t, ctl.New("test"))
	if code, body := do(t, socket, "GET", "/trace", ""); code != http.StatusAccepted || !strings.Contains(body, "ask again") {
		t.Errorf("at first: status %d, %q", code, body)
	}
	code, body := do(t, socket, "GET", "/trace", "")
	if code != http.StatusOK || !strings.HasPrefix(body, "go 1.") || !strings.Contains(body[:min(len(body), 16)], "trace") {
		t.Errorf("then: status %d, %d bytes that begin with %.16q", code, len(body), body)
	}
}

// No other test runs meanwhile: the rate is the process's.
func TestAllocationsOnDemand(t *testing.T) {
	rate := runtime.MemProfileRate
	runtime.MemProfileRate = 0
	t.Cleanup(func() { runtime.MemProfileRate = rate })
	socket := serve(t, ctl.New("test"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); waste(ctx) }()
	code, body := do(t, socket, "GET", "/debug/pprof/allocs?seconds=1", "")
	cancel()
	<-done
	zipped, err := gzip.NewReader(strings.NewReader(body))
	if code != http.StatusOK || err != nil {
		t.Fatalf("status %d, %v: %.200s", code, err, body)
	}
	profile, err := io.ReadAll(zipped)
	if err != nil || !strings.Contains(string(profile), "ctl_test.waste") {
		t.Errorf("%d bytes of profile do not say who has allocated: %v", len(profile), err)
	}
	if runtime.MemProfileRate != 0 {
		t.Error("it goes on sampling")
	}
}

var wasted []byte

func waste(ctx context.Context) {
	for ctx.Err() == nil {
		wasted = make([]byte, 1<<10)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s := ctl.New("test")
	socket := serve(t, s)
	s.Metrics.NewCounter("test_things_total").Add(3)
	code, body := do(t, socket, "GET", "/metrics", "")
	if code != http.StatusOK || !strings.Contains(body, "test_things_total 3\n") || !strings.Contains(body, "process_") {
		t.Errorf("metrics: %d\n%s", code, body)
	}
}

func TestListenReplacesLeftover(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(shortDir(t), "a.sock")
	if err := os.WriteFile(socket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := ctl.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	info, err := os.Stat(socket)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("mode %v, %v, want 0660", info.Mode(), err)
	}
}

func TestPathTooLong(t *testing.T) {
	t.Parallel()
	long := filepath.Join(shortDir(t), strings.Repeat("x", 100)+".sock")
	if _, err := ctl.Listen(long); err == nil || !strings.Contains(err.Error(), "shorter") {
		t.Errorf("Listen: %v, want advice", err)
	}
}
