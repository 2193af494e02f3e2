// Verify runs every test of the repository: Go's with the race detector, the
// pages' and the browsers', and counts them.
//
// What passes is one line per package; what fails is printed whole. The last
// line, alone, is "N passed, N failed" over all parts. The exit code is 0
// only when nothing failed and every part ran.
//
// A browser has clocks and fake devices of its own, which a busy machine can
// starve: a few of its files that fail are run once more, and what passes only
// then is printed, and counted as "again" in the table.
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
type count struct{ passed, failed, skipped, again int }

func (c *count) add(o count) {
	c.passed += o.passed
	c.failed += o.failed
	c.skipped += o.skipped
	c.again += o.again
}

// part is one test program; read counts from its output and passes on what a
// person wants to see.
type part struct {
	name    string
	dir     string
	command []string
	read    func(io.Reader, io.Writer) (count, error)
	// again finds the files that failed in the output, to be given to the
	// command once more. Without it there is one try.
	again func(output string) []string
}

// mostAgain is how many files may have failed by chance. More are broken.
const mostAgain = 3

var parts = []part{
	{name: "Go", dir: ".", command: []string{"go", "test", "-race", "-count=1", "-timeout=5m", "-json", "./..."}, read: readGo},
	{name: "pages", dir: "web/ui", command: []string{"npm", "test", "--silent"}, read: readVitest},
	{name: "browsers", dir: "web/ui", command: []string{"npm", "run", "e2e", "--silent", "--"}, read: readVitest, again: failedFiles},
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
		c := p.tries(ctx, out)
		total.add(c)
		fmt.Fprintf(&table, "%-10s %5d passed %4d failed %4d skipped %4d again %8s\n", p.name, c.passed, c.failed, c.skipped, c.again, time.Since(begin).Round(time.Second))
	}
	fmt.Fprintf(out, "\n%s\n%d passed, %d failed\n", table.String(), total.passed, total.failed)
	return total
}

// tries runs a part, and the few files of it that may be tried again.
func (p part) tries(ctx context.Context, out io.Writer) count {
	if p.again == nil {
		return p.try(ctx, out)
	}
	var seen strings.Builder
	c := p.try(ctx, io.MultiWriter(out, &seen))
	files := p.again(seen.String())
	if c.failed == 0 || len(files) == 0 || len(files) > mostAgain {
		return c
	}
	fmt.Fprintf(out, "\n== %s tests, again: %s\n", p.name, strings.Join(files, " "))
	if second := p.try(ctx, out, files...); second.failed == 0 {
		c.passed, c.failed, c.again = c.passed+c.failed, 0, c.failed
	}
	return c
}

// try runs a part once.
func (p part) try(ctx context.Context, out io.Writer, files ...string) count {
	c, err := p.run(ctx, out, files)
	if err != nil {
		fmt.Fprintf(out, "%s tests: %v\n", p.name, err)
		c.failed = max(c.failed, 1) // a part that did not run well never counts as green
	}
	return c
}

func (p part) run(ctx context.Context, out io.Writer, files []string) (count, error) {
	cmd := exec.CommandContext(ctx, p.command[0], append(p.command[1:len(p.command):len(p.command)], files...)...)
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
