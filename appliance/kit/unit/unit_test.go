package unit

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"meetbox.local/appliance/kit/ctl"
)

func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "mb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// output is a log that two goroutines may write.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	tests := []struct {
		name string
		args []string
		run  func(context.Context, *Unit) error
		code int
		log  string
	}{
		{"fails", nil, func(context.Context, *Unit) error { return boom }, 1, "boom"},
		{"ends early", nil, func(context.Context, *Unit) error { return nil }, 1, "without being asked"},
		{"unknown flag", []string{"-walk"}, nil, 2, "walk"},
		{"stray argument", []string{"fast"}, nil, 2, "fast"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var out output
			args := append([]string{"-run", shortDir(t)}, tc.args...)
			if code := start(t.Context(), "test", args, &out, tc.run); code != tc.code || !strings.Contains(out.String(), tc.log) {
				t.Errorf("start = %d, log %q; want %d and %q", code, out.String(), tc.code, tc.log)
			}
		})
	}
}

func TestAskedToStop(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	var out output
	code := start(ctx, "test", []string{"-run", shortDir(t)}, &out, func(ctx context.Context, _ *Unit) error {
		cancel(errors.New("the operator went home"))
		<-ctx.Done()
		return ctx.Err()
	})
	if code != 0 || !strings.Contains(out.String(), "went home") {
		t.Errorf("start = %d, log %q", code, out.String())
	}
}

func TestControlSocketTaken(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	// A folder with something in it stands where the socket should be.
	if err := os.MkdirAll(filepath.Join(dir, "ctl", "test.sock", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	var out output
	code := start(t.Context(), "test", []string{"-run", dir}, &out, func(ctx context.Context, _ *Unit) error {
		<-ctx.Done()
		return nil
	})
	if code != 1 || !strings.Contains(out.String(), "test.sock") {
		t.Errorf("start = %d, log %q", code, out.String())
	}
}

func TestUnit(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	ctx, cancel := context.WithCancel(t.Context())
	var out output
	var speed *int
	code := start(ctx, "test", []string{"-run", dir, "-state", "perm", "-speed", "7"}, &out, func(ctx context.Context, u *Unit) error {
		defer cancel()
		if u.Settings() != filepath.Join(dir, "test.json") || u.Socket("web") != filepath.Join(dir, "web.sock") {
			t.Errorf("paths %s, %s", u.Settings(), u.Socket("web"))
		}
		if !filepath.IsAbs(u.State) || *speed != 7 {
			t.Errorf("state %q, speed %d", u.State, *speed)
		}
		u.SetHealth(true, "well")
		socket := filepath.Join(dir, "ctl", "test.sock")
		for { // the control socket opens beside run
			if h, err := ctl.Ask(ctx, socket); err == nil {
				if !h.OK || h.Detail != "well" {
					t.Errorf("health %+v", h)
				}
				break
			}
		}
		if err := ctl.PostReload(ctx, socket); err != nil {
			t.Errorf("reload: %v", err)
		}
		<-u.Reload
		return nil
	}, func(fl *flag.FlagSet) { speed = fl.Int("speed", 1, "") })
	if code != 0 {
		t.Errorf("start = %d, log %q", code, out.String())
	}
}

// Not parallel: the signal reaches every unit of this process.
func TestHangUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var out output
	start(ctx, "test", []string{"-run", shortDir(t)}, &out, func(ctx context.Context, u *Unit) error {
		defer cancel()
		// start has asked for the signal before it called this.
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Error(err)
		}
		<-u.Reload
		return nil
	})
}
