package netnstest

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func fields(s string) []string { return strings.Fields(s) }

// Process is a program that runs beside the test.
type Process struct {
	cmd  *exec.Cmd
	out  output
	stop func()
}

// Stop ends it.
func (p *Process) Stop() { p.stop() }

// Answers waits until the program has said the words.
func Answers(t *testing.T, p *Process, words string) {
	t.Helper()
	limit, tick := time.After(10*time.Second), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(p.Output(), words) {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("never said %q, but:\n%s", words, p.Output())
		}
	}
}

// Output is what it said so far.
func (p *Process) Output() string { return p.out.String() }

type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// Dnsmasq starts Debian's DHCP and DNS server on a link of the machine.
func Dnsmasq(t *testing.T, h *Host, link string, more ...string) *Process {
	t.Helper()
	dir := t.TempDir()
	return h.Start(t, "dnsmasq", append([]string{"--no-daemon", "--conf-file=/dev/null", "--port=0", "--interface=" + link, "--bind-interfaces",
		"--dhcp-authoritative", "--log-dhcp", "--log-facility=-",
		"--pid-file=" + filepath.Join(dir, "pid"), "--dhcp-leasefile=" + filepath.Join(dir, "leases")}, more...)...)
}
