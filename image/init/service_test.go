package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// counter tells, line by line, how often a service was started.
type counter struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	lines chan struct{}
}

func (c *counter) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buf.Write(b)
	for range bytes.Count(b, []byte("\n")) {
		c.lines <- struct{}{}
	}
	return len(b), nil
}

func shell(t *testing.T, script string) (*service, *counter) {
	t.Helper()
	path, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	out := &counter{lines: make(chan struct{}, 1000)}
	me := account{os.Getuid(), os.Getgid()}
	return &service{name: "test", path: path, args: []string{"-c", script}, user: me, output: out}, out
}

// A service whose settings are still being made is started when they are there.
func TestWaitsForSettings(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "test.json")
	s, out := shell(t, "[ -e "+file+" ] && echo with || echo without; sleep 60")
	s.settings = file
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.keep(ctx) }()
	select {
	case <-out.lines:
		t.Error("started before its settings were there")
	case <-time.After(3 * settingsEvery):
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	<-out.lines
	cancel()
	<-done
	out.mu.Lock()
	defer out.mu.Unlock()
	if got := strings.TrimSpace(out.buf.String()); got != "with" {
		t.Errorf("it was started %s its settings", got)
	}
}

// Whatever a service dies of, it comes back: also of having ended well, which
// is what it does after a signal that nobody here sent.
func TestComesBack(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"success": "echo up; exit 0",
		"failure": "echo up; exit 1",
		"125":     "echo up; exit 125", // gokrazy takes that for "never again"
		"signal":  "echo up; kill -KILL $$",
		"missing": "echo up; exec /no/such/program",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, out := shell(t, script)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { defer close(done); s.keep(ctx) }()
			for range 3 {
				<-out.lines
			}
			cancel()
			<-done
		})
	}
}

// What ran well is back at once; what does not stay leaves the others some
// processor, more and more of it.
func TestPauses(t *testing.T) {
	t.Parallel()
	var pause, sum time.Duration
	for range 10 {
		pause = pauseAfter(pause, time.Millisecond)
		sum += pause
	}
	if first := pauseAfter(0, 0); first != firstPause || pause != lastPause || sum < 30*time.Second {
		t.Errorf("the first pause is %v, the tenth %v, all are %v", first, pause, sum)
	}
	if again := pauseAfter(lastPause, steady); again != 0 {
		t.Errorf("after a good run it waits %v", again)
	}
}

// A program that cannot be started at all is tried again too, and stopping
// does not wait for its pause to pass.
func TestCannotStart(t *testing.T) {
	t.Parallel()
	s := &service{name: "test", path: filepath.Join(t.TempDir(), "none"), output: &counter{}}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	s.keep(ctx)
}

// At the end a service is asked to stop, and waited for.
func TestStops(t *testing.T) {
	t.Parallel()
	s, out := shell(t, "trap 'echo bye; exit 0' TERM; echo up; while :; do read x <&3; done 3<>"+fifo(t))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.keep(ctx) }()
	<-out.lines
	cancel()
	<-done
	if got, want := out.buf.String(), "up\nbye\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

// fifo is a file that nobody writes to, for reading until a signal comes.
func fifo(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "fifo")
	if out, err := exec.Command("mkfifo", name).CombinedOutput(); err != nil {
		t.Fatalf("mkfifo: %v: %s", err, out)
	}
	return name
}

// A log never takes more than two files of its size.
func TestLog(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "x.log")
	l := newLog(name)
	line := []byte(strings.Repeat("x", 999) + "\n")
	for range 3 * logSize / len(line) {
		if n, err := l.Write(line); n != len(line) || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	for _, name := range []string{name, name + ".old"} {
		if i, err := os.Stat(name); err != nil || i.Size() == 0 || i.Size() > logSize+int64(len(line)) {
			t.Errorf("%s: %v, %v", name, i, err)
		}
	}
	if m, _ := filepath.Glob(name + "*"); len(m) != 2 {
		t.Errorf("files %v, want two", m)
	}
}
