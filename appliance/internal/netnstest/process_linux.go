package netnstest

import (
	"bytes"
	"os/exec"
	"strings"
	"sync"
)

func fields(s string) []string { return strings.Fields(s) }

// Process is a program that runs beside the test.
type Process struct {
	cmd *exec.Cmd
	out output
	env []string
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
