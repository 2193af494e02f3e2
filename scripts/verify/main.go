// Verify runs every test of the repository: Go's with the race detector, the
// pages' and the browsers', and counts them.
//
// What passes is one line per package; what fails is printed whole. The last
// line, alone, is "N passed, N failed" over all parts. The exit code is 0
// only when nothing failed and every part ran.
//
// A busy machine can starve what waits for a moment: a few packages or browser
// files that fail are run once more, without the others. What passes only then
// is printed, and counted as "again" in the table. Data races and panics are
// never chance.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
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
	// all is what the command is given for everything.
	all []string
	// again finds in the output what failed, packages or files, to be given to
	// the command once more in the place of all. Without it there is one try.
	again func(output string) []string
}

// mostAgain is how many of a part may have failed by chance. More are broken.
const mostAgain = 3

var parts = []part{
	{name: "Go", dir: ".", command: []string{"go", "test", "-race", "-count=1", "-timeout=5m", "-json"}, all: []string{"./..."}, read: readGo, again: failedPackages},
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

// tries runs a part, and the little of it that may be tried again.
func (p part) tries(ctx context.Context, out io.Writer) count {
	if p.again == nil {
		return p.try(ctx, out, p.all)
	}
	var seen strings.Builder
	c := p.try(ctx, io.MultiWriter(out, &seen), p.all)
	failed := p.again(seen.String())
	if c.failed == 0 || len(failed) == 0 || len(failed) > mostAgain {
		return c
	}
	fmt.Fprintf(out, "\n== %s tests, again: %s\n", p.name, strings.Join(failed, " "))
	if second := p.try(ctx, out, failed); second.failed == 0 {
		c.passed, c.failed, c.again = c.passed+c.failed, 0, c.failed
	}
	return c
}

// try runs this of a part, once.
func (p part) try(ctx context.Context, out io.Writer, what []string) count {
	c, err := p.run(ctx, out, what)
	if err != nil {
		fmt.Fprintf(out, "%s tests: %v\n", p.name, err)
		c.failed = max(c.failed, 1) // a part that did not run well never counts as green
	}
	return c
}

func (p part) run(ctx context.Context, out io.Writer, what []string) (count, error) {
	cmd := exec.CommandContext(ctx, p.command[0], slices.Concat(p.command[1:], what)...)
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
