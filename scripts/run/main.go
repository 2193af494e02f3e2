// Run starts the five services for "make run" and stops them again.
//
// It checks that Meetbox can start here, hands the services to
// process-compose (which restarts what dies), waits until all of them are
// well, prints where to go, and on Ctrl-C waits until every process is gone.
// Binaries are looked for beside its own, the process file is the argument.
//
// Exit code 0: stopped as asked. 1: something else ended it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// stopTime is more than process-compose waits before it kills what does not
// stop by itself (shutdown.timeout_seconds in its file).
const stopTime = 15 * time.Second

// errNotWell has been explained by the command that failed.
var errNotWell = errors.New("cannot start")

func main() {
	// The kernel ties a child's parent-death signal to the thread that made it.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, errNotWell):
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, "run:", err)
		os.Exit(1)
	}
}

// place is where one copy of Meetbox lives.
type place struct{ bin, state, run string }

func findPlace() (place, error) {
	exe, err := os.Executable()
	if err != nil {
		return place{}, err
	}
	state := os.Getenv("MEETBOX_STATE")
	if state == "" {
		state = ".meetbox"
	}
	state, err = filepath.Abs(state)
	if err != nil {
		return place{}, err
	}
	if state == "/" {
		return place{}, errors.New("MEETBOX_STATE is the root folder: choose a folder of its own")
	}
	return place{bin: filepath.Dir(exe), state: state, run: filepath.Join(state, "run")}, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) != 1 {
		return errors.New("usage: run process-compose.yaml")
	}
	p, err := findPlace()
	if err != nil {
		return err
	}
	check := exec.CommandContext(ctx, filepath.Join(p.bin, "appliance"), "check", "-run", p.run, "-state", p.state)
	check.Stdout, check.Stderr = stdout, stderr
	if err := check.Run(); err != nil {
		if _, ok := errors.AsType[*exec.ExitError](err); ok {
			return errNotWell
		}
		return err
	}
	if err := p.sweep(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(p.state, "log"), 0o700); err != nil {
		return err
	}
	return p.supervise(ctx, args[0], stdout, stderr)
}

// sweep removes what a copy that ran before left in the run folder. On the
// box that folder is in RAM and empty after each start; services rely on it.
// It is safe: "appliance check" has just seen that no copy runs here.
func (p place) sweep() error {
	var errs []error
	for _, name := range []string{"appliance", "signaling", "focus", "bridge", "web"} {
		for _, old := range []string{name + ".json", name + ".sock", "ctl/" + name + ".sock", name} {
			errs = append(errs, os.RemoveAll(filepath.Join(p.run, old)))
		}
	}
	return errors.Join(append(errs, os.RemoveAll(filepath.Join(p.run, "tls")))...)
}

// supervise runs process-compose until ctx ends, then until all is gone.
func (p place) supervise(ctx context.Context, file string, stdout, stderr io.Writer) error {
	// Should process-compose itself be killed, its children become ours, and
	// can be stopped.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("adopt orphans: %w", err)
	}
	pc := exec.Command(filepath.Join(p.bin, "process-compose"), "up",
		"--config", file, "--tui=false", "--no-server", "--disable-dotenv",
		"--log-file", filepath.Join(p.state, "log", "process-compose.log"))
	pc.Env = append(os.Environ(),
		"MEETBOX_BIN="+p.bin, "MEETBOX_STATE="+p.state, "MEETBOX_RUN="+p.run,
		"PROC_COMP_CONFIG="+p.state) // else it looks for settings of its own in the home folder
	pc.Stdout, pc.Stderr = stdout, stderr
	// A group of its own: Ctrl-C goes to this program only, which then stops
	// process-compose once, instead of everyone at the same time.
	pc.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := pc.Start(); err != nil {
		return err
	}
	inner, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { announce(inner, p, stdout) })
	ended := make(chan error, 1)
	wg.Go(func() { ended <- pc.Wait() })
	var err error
	select {
	case err = <-ended:
		err = fmt.Errorf("process-compose ended by itself: %v; see %s", err, filepath.Join(p.state, "log"))
	case <-ctx.Done():
		fmt.Fprintln(stdout, "\nStopping …")
		err = errors.Join(pc.Process.Signal(syscall.SIGTERM), p.awaitEnd(pc, ended))
	}
	cancel()
	wg.Wait()
	return errors.Join(err, endOrphans())
}

// awaitEnd waits for process-compose, which has been told to stop.
func (p place) awaitEnd(pc *exec.Cmd, ended <-chan error) error {
	select {
	case <-ended: // its exit code says nothing new: it was asked to go
		return nil
	case <-time.After(stopTime):
		return errors.Join(errors.New("process-compose did not stop, killed it"), pc.Process.Kill(), <-ended)
	}
}
