// Package unit is the skeleton of every Meetbox process: flags, log, control
// socket, reload signal, exit code.
//
// A main is
//
//	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
//	code := unit.Main(ctx, "bridge", os.Args[1:], unit.Confined(sandbox.Rules{}, run))
//	stop()
//	os.Exit(code)
//
// and run owns everything else. It is called once and returns when ctx ends
// or something failed that only a restart mends. Main exits 0 only when it
// was asked to stop: under gokrazy 0 means "never start me again".
package unit

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"github.com/VictoriaMetrics/metrics"
	"meetbox.local/appliance/kit/ctl"
	"meetbox.local/appliance/kit/sandbox"
)

var errEarly = errors.New("service ended without being asked to")

// Unit is what the skeleton hands to a service.
type Unit struct {
	Name    string
	Log     *slog.Logger
	Metrics *metrics.Set    // served at GET /metrics of the control socket
	Run     string          // folder for sockets, rendered settings and volatile state; absolute
	State   string          // folder for what must outlive a reboot; absolute, or empty where the service has none
	Reload  <-chan struct{} // one element after SIGHUP or POST /reload; settings may have changed

	ctl *ctl.Server
}

// Settings is the file that the appliance renders for this service.
func (u *Unit) Settings() string { return filepath.Join(u.Run, u.Name+".json") }

// Socket is where this service, or another of this machine, listens.
func (u *Unit) Socket(service string) string { return filepath.Join(u.Run, service+".sock") }

// SetHealth changes what the control socket says of this service.
func (u *Unit) SetHealth(ok bool, detail string) { u.ctl.SetHealth(ok, detail) }

// Handle adds a page to the control socket. The pattern is ServeMux's.
func (u *Unit) Handle(pattern string, h http.Handler) { u.ctl.Handle(pattern, h) }

// Confined is run, in a process that has locked itself in: it sees its RUN and
// STATE folders and little else, and may write only to RUN/NAME, to STATE, and
// make sockets. There is no way back, so that only a main may use it.
func Confined(rules sandbox.Rules, run func(context.Context, *Unit) error) func(context.Context, *Unit) error {
	return func(ctx context.Context, u *Unit) error {
		own := filepath.Join(u.Run, u.Name)
		dirs := []string{own, filepath.Join(u.Run, "ctl")}
		if u.State != "" {
			dirs = append(dirs, u.State)
		}
		for _, dir := range dirs { // rules are for what exists
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return fmt.Errorf("own folder: %w", err)
			}
		}
		rules.Read = slices.Concat(rules.Read, sandbox.System(), []string{u.Run})
		rules.Write = append(slices.Clone(rules.Write), own)
		rules.Sockets = append(slices.Clone(rules.Sockets), u.Run, filepath.Join(u.Run, "ctl"))
		if u.State != "" {
			rules.Write = append(rules.Write, u.State)
		}
		u.confined(sandbox.Enter(rules))
		return run(ctx, u)
	}
}

// Restrain is for the service that looks after the whole machine, in place of
// Confined.
func (u *Unit) Restrain() { u.confined(sandbox.Restrain()) }

func (u *Unit) confined(r sandbox.Report) {
	if r.Missing != "" {
		u.Log.Warn("not locked in as it should be", "err", r.Missing)
	}
	u.ctl.SetConfined(r.String())
}

// Main runs a service and returns the process's exit code. A service with
// flags of its own registers them in more; they are parsed when run is called.
func Main(ctx context.Context, name string, args []string, run func(context.Context, *Unit) error, more ...func(*flag.FlagSet)) int {
	return start(ctx, name, args, os.Stderr, run, more...)
}

func start(ctx context.Context, name string, args []string, stderr io.Writer, run func(context.Context, *Unit) error, more ...func(*flag.FlagSet)) int {
	fl := flag.NewFlagSet(name, flag.ContinueOnError)
	fl.SetOutput(stderr)
	for _, add := range more {
		add(fl)
	}
	runDir := fl.String("run", "/run/meetbox", "`folder` for sockets, rendered settings and volatile state")
	stateDir := fl.String("state", "", "`folder` for what must outlive a reboot")
	if err := fl.Parse(args); err != nil {
		return 2
	}
	if fl.NArg() > 0 {
		fmt.Fprintf(stderr, "%s: unexpected argument %q\n", name, fl.Arg(0))
		return 2
	}
	abs, err := filepath.Abs(*runDir)
	if err != nil {
		fmt.Fprintf(stderr, "%s: -run: %v\n", name, err)
		return 2
	}
	if *stateDir != "" {
		if *stateDir, err = filepath.Abs(*stateDir); err != nil {
			fmt.Fprintf(stderr, "%s: -state: %v\n", name, err)
			return 2
		}
	}
	c := ctl.New(name)
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: c.Level})).With("service", name)
	reload := make(chan struct{}, 1)
	u := &Unit{Name: name, Log: log, Metrics: c.Metrics, Run: abs, State: *stateDir, Reload: reload, ctl: c}
	if err := supervise(ctx, u, reload, run); err != nil {
		log.Error("service failed", "err", err)
		return 1
	}
	log.Info("service stopped", "cause", context.Cause(ctx))
	return 0
}

// supervise runs the service beside its control socket and the hang-up
// signal; the first to fail ends the others.
func supervise(parent context.Context, u *Unit, reload chan<- struct{}, run func(context.Context, *Unit) error) error {
	ctx, cancel := context.WithCancelCause(parent)
	u.ctl.Reload = func() {
		select {
		case reload <- struct{}{}:
		default: // one is waiting already; it will read the newest file
		}
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-hup:
				u.ctl.Reload()
			}
		}
	})
	wg.Go(func() {
		if err := u.ctl.Serve(ctx, filepath.Join(u.Run, "ctl", u.Name+".sock")); err != nil {
			cancel(err)
		}
	})
	err := run(ctx, u)
	if err == nil {
		err = errEarly
	}
	cancel(err) // the first cause stays
	wg.Wait()
	if parent.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}
