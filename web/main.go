// Command web is the box's door for browsers: HTTPS, the pages, and the
// ways to the other services. See package front for the routes.
//
// Reads RUN/web.json and the certificates it names, at start and at each
// reload; a bad reload changes nothing. Connects to RUN/signaling.sock,
// RUN/focus.sock, RUN/bridge.sock and RUN/appliance.sock. Writes nothing.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"meetbox.local/appliance/kit/conf"
	"meetbox.local/appliance/kit/sandbox"
	"meetbox.local/appliance/kit/unit"
	"meetbox.local/web/internal/front"
	"meetbox.local/web/ui"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	code := unit.Main(ctx, "web", os.Args[1:], unit.Confined(sandbox.Rules{NoConnect: true}, run))
	stop()
	os.Exit(code)
}

var errMoved = errors.New("listen addresses changed; starting again")

func run(ctx context.Context, u *unit.Unit) error {
	set, err := conf.Wait[front.Settings](ctx, u.Settings())
	if err != nil {
		return err
	}
	pages, err := ui.Files()
	if err != nil {
		return err
	}
	srv, err := front.New(front.Options{Settings: set, Pages: pages, Socket: u.Socket, Metrics: u.Metrics, Log: u.Log})
	if err != nil {
		return err
	}
	secure, err := net.Listen("tcp", set.HTTPS)
	if err != nil {
		return fmt.Errorf("https: %w", err)
	}
	plain, err := net.Listen("tcp", set.HTTP)
	if err != nil {
		return errors.Join(fmt.Errorf("http: %w", err), secure.Close())
	}
	var admin net.Listener
	if set.Admin != "" {
		if admin, err = net.Listen("tcp", set.Admin); err != nil {
			return errors.Join(fmt.Errorf("console: %w", err), secure.Close(), plain.Close())
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx, secure, plain, admin) }()
	u.Log.Info("serving", "https", secure.Addr().String(), "http", plain.Addr().String())
	u.SetHealth(true, "serving on "+set.HTTPS)
	for {
		select {
		case err := <-served:
			cancel(err)
			return err
		case <-u.Reload:
			if err := reload(u, srv, set); err != nil {
				cancel(err)
				return errors.Join(err, <-served)
			}
		}
	}
}

// reload applies what is in the settings file now. The error is one that
// only a restart mends.
func reload(u *unit.Unit, srv *front.Server, running front.Settings) error {
	set, err := conf.Load[front.Settings](u.Settings())
	if err == nil {
		if set.HTTPS != running.HTTPS || set.HTTP != running.HTTP || set.Admin != running.Admin {
			return errMoved
		}
		err = srv.Apply(set)
	}
	if err != nil {
		u.Log.Error("new settings refused; the old ones stay", "err", err)
		return nil
	}
	u.Log.Info("settings read")
	return nil
}
