// Verify runs every test of the repository: Go's with the race detector, the
// pages' and the browsers', and counts them.
//
// What passes is one line per package; what fails is printed whole. The last
// line, alone, is "N passed, N failed" over all parts. The exit code is 0
// only when nothing failed and every part ran.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// count is what a part, or all of them, came to.
type count struct{ passed, failed, skipped int }

func (c *count) add(o count) {
	c.passed += o.passed
	c.failed += o.failed
	c.skipped += o.skipped
}

// part is one test program; read counts from its output and passes on what a
// person wants to see.
type part struct {
	name    string
	dir     string
	command []string
	read    func(io.Reader, io.Writer) (count, error)
}

var parts = []part{
	{"Go", ".", []string{"go", "test", "-race", "-count=1", "-timeout=5m", "-json", "./..."}, readGo},
	{"pages", "web/ui", []string{"npm", "test", "--silent"}, readVitest},
	{"browsers", "web/ui", []string{"npm", "run", "e2e", "--silent"}, readVitest},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if total := all(ctx, parts, os.Stdout); total.failed > 0 {
		stop()
		os.Exit(1)
	}
}

// all runs the parts one after the other: each of them wants the machine.
func all(ctx context.Context, parts []part, out io.Writer) count {
	var total count
	var table strings.Builder
	for _, p := range parts {
		fmt.Fprintf(out, "\n== %s tests\n", p.name)
		begin := time.Now()
		c, err := p.run(ctx, out)
		if err != nil {
			fmt.Fprintf(out, "%s tests: %v\n", p.name, err)
			c.failed = max(c.failed, 1) // a part that did not run well never counts as green
		}
		total.add(c)
		fmt.Fprintf(&table, "%-10s %5d passed %4d failed %4d skipped %8s\n", p.name, c.passed, c.failed, c.skipped, time.Since(begin).Round(time.Second))
	}
	fmt.Fprintf(out, "\n%s\n%d passed, %d failed\n", table.String(), total.passed, total.failed)
	return total
}

func (p part) run(ctx context.Context, out io.Writer) (count, error) {
	cmd := exec.CommandContext(ctx, p.command[0], p.command[1:]...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "NO_COLOR=1", "FORCE_COLOR=0")
	cmd.Stderr = out
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second // for the services that a browser test has to stop
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return count{}, err
	}
	if err := cmd.Start(); err != nil {
		return count{}, err
	}
	c, err := p.read(pipe, out)
	if err != nil {
		_, _ = io.Copy(io.Discard, pipe) // let it finish; what it says cannot be read anyway
	}
	if werr := cmd.Wait(); werr != nil {
		return c, werr
	}
	if err == nil && c.passed+c.failed == 0 {
		err = fmt.Errorf("%v ran no test", p.command)
	}
	return c, err
}
