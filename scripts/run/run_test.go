package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/kit/porttest"
)

// limit is what anything here may take at most; it is far beyond the usual
// second, for machines that do much else.
const limit = 90 * time.Second

// build makes the real programs, once for all tests.
var build = sync.OnceValues(func() (string, error) {
	bin, err := os.MkdirTemp("", "mb")
	if err != nil {
		return "", err
	}
	args := []string{"build", "-o", bin + "/", "./scripts/run", "github.com/f1bonacc1/process-compose"}
	for _, s := range []string{"appliance", "signaling", "focus", "bridge", "web"} {
		args = append(args, "./"+s)
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		return bin, fmt.Errorf("%w\n%s", err, out)
	}
	return bin, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if bin, err := build(); err == nil {
		os.RemoveAll(bin)
	}
	os.Exit(code)
}

// output gathers what a copy prints.
type output struct {
	mu sync.Mutex
	b  strings.Builder
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

// running is one copy of Meetbox with ports and a folder of its own.
type running struct {
	state  string
	cmd    *exec.Cmd
	out    *output
	client *http.Client
}

func launch(t *testing.T) *running {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	state, err := os.MkdirTemp("", "mb")
	if err != nil {
		t.Fatal(err)
	}
	r := &running{state: state, out: new(output)}
	r.cmd = exec.Command(filepath.Join(bin, "run"), "../../process-compose.yaml")
	r.cmd.Env = append(os.Environ(), "MEETBOX_STATE="+state, "MEETBOX_MEDIA_ADDRS=127.0.0.1",
		"MEETBOX_HTTPS_PORT="+porttest.Free(t), "MEETBOX_HTTP_PORT="+porttest.Free(t), "MEETBOX_ADMIN_PORT="+porttest.Free(t), "MEETBOX_MEDIA_PORT="+porttest.Free(t))
	r.cmd.Stdout, r.cmd.Stderr = r.out, r.out
	r.client = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(state, "run", "appliance.sock"))
	}}}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.client.CloseIdleConnections()
		if r.cmd.ProcessState == nil {
			r.cmd.Process.Signal(syscall.SIGTERM)
			r.cmd.Wait()
		}
		if t.Failed() {
			t.Logf("output of the copy in %s:\n%s", state, r.out)
		}
		os.RemoveAll(state)
	})
	return r
}

// until asks again and again, at a person's patience, until yes.
func (r *running) until(t *testing.T, what string, yes func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); !yes(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain: %s", limit, what)
		}
	}
}

func (r *running) ready(t *testing.T) {
	t.Helper()
	r.until(t, "ready", func() bool { return strings.Contains(r.out.String(), "Meetbox is ready") })
}

// pids are the processes of the services, and whether all are well.
func (r *running) pids() (map[string]int, bool) {
	h, err := ask[api.Health](context.Background(), r.client, "health")
	if err != nil {
		return nil, false
	}
	out := map[string]int{}
	for _, s := range h.Services {
		if s.PID != 0 {
			out[s.Name] = s.PID
		}
	}
	return out, h.OK
}

func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// stop ends the copy as Ctrl-C does and looks for anything left.
func (r *running) stop(t *testing.T) {
	t.Helper()
	pids, _ := r.pids()
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v, want exit code 0", err)
	}
	allGone(t, pids)
	err := filepath.WalkDir(r.state, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type() == fs.ModeSocket {
			t.Errorf("socket %s is left", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func allGone(t *testing.T, pids map[string]int) {
	t.Helper()
	for name, pid := range pids {
		if alive(pid) {
			t.Errorf("%s (process %d) still runs", name, pid)
		}
	}
}

// Two copies start at the same moment; in one of them every service dies and
// comes back; both stop without a trace.
func TestTwoCopies(t *testing.T) {
	t.Parallel()
	a, b := launch(t), launch(t)
	a.ready(t)
	b.ready(t)
	before, _ := a.pids()
	for _, name := range []string{"bridge", "focus", "signaling", "web", "appliance"} {
		begin := time.Now()
		if err := syscall.Kill(before[name], syscall.SIGKILL); err != nil {
			t.Fatalf("kill %s: %v", name, err)
		}
		a.until(t, name+" back", func() bool {
			now, ok := a.pids()
			return ok && now[name] != 0 && now[name] != before[name]
		})
		t.Logf("%s and all others well %v after the kill", name, time.Since(begin).Round(10*time.Millisecond))
	}
	after, _ := a.pids()
	for name, pid := range after {
		if pid == before[name] {
			t.Errorf("%s is still process %d", name, pid)
		}
	}
	a.stop(t)
	if _, ok := b.pids(); !ok {
		t.Error("the other copy is not well any more")
	}
	b.stop(t)
}

// The runner itself is killed: the services go too. (They may leave sockets:
// whoever logs to a runner that is gone is killed by that.)
func TestRunnerKilled(t *testing.T) {
	t.Parallel()
	r := launch(t)
	r.ready(t)
	pids, _ := r.pids()
	runner := parent(t, pids["web"])
	if err := syscall.Kill(runner, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Wait(); err == nil {
		t.Error("exit code 0 although nobody asked it to stop")
	}
	allGone(t, pids)
}

func parent(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var ppid int
		if _, err := fmt.Sscanf(line, "PPid: %d", &ppid); err == nil {
			return ppid
		}
	}
	t.Fatalf("no parent in %s", b)
	return 0
}

// What keeps Meetbox from starting is said once, and nothing starts.
func TestRefuses(t *testing.T) {
	t.Parallel()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, taken, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	damaged := t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged, "appliance.db"), []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		env  []string
		text string
	}{
		{"port", []string{"MEETBOX_STATE=" + t.TempDir(), "MEETBOX_HTTPS_PORT=" + taken}, "TCP port " + taken + " is in use"},
		{"setting", []string{"MEETBOX_STATE=" + t.TempDir(), "MEETBOX_MEDIA_ADDRS=everything"}, "MEETBOX_MEDIA_ADDRS"},
		{"state", []string{"MEETBOX_STATE=" + damaged}, "damaged"},
		{"root folder", []string{"MEETBOX_STATE=/"}, "folder of its own"},
	}
	for _, tc := range tests {
		cmd := exec.Command(filepath.Join(bin, "run"), "../../process-compose.yaml")
		cmd.Env = append(os.Environ(), tc.env...)
		out, err := cmd.CombinedOutput()
		if _, exited := errors.AsType[*exec.ExitError](err); !exited || !strings.Contains(string(out), tc.text) {
			t.Errorf("%s: %v, %s, want a failure with %q", tc.name, err, out, tc.text)
		}
	}
}

// Only what belongs to a run is swept away.
func TestSweep(t *testing.T) {
	t.Parallel()
	p := place{state: t.TempDir()}
	p.run = filepath.Join(p.state, "run")
	for _, name := range []string{"run/web.json", "run/tls/web.key", "run/signaling/journal", "run/ctl/web.sock", "run/notes.txt", "appliance.db"} {
		name = filepath.Join(p.state, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.sweep(); err != nil {
		t.Fatal(err)
	}
	var left []string
	err := filepath.WalkDir(p.state, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			left = append(left, strings.TrimPrefix(path, p.state))
		}
		return err
	})
	if got := strings.Join(left, " "); err != nil || got != "/appliance.db /run/notes.txt" {
		t.Errorf("left: %s, %v", got, err)
	}
}

// A copy that announces while the appliance is away waits in silence.
func TestAnnounceEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 3*askEvery)
	defer cancel()
	announce(ctx, place{run: t.TempDir()}, io.Discard)
}
