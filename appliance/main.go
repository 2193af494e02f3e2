// Appliance looks after the box: its certificates, secrets and settings, and
// what the administrator asks.
//
// It owns STATE/appliance.db and renders from it, into the RUN folder, one
// settings file per service (signaling.json, focus.json, bridge.json,
// web.json) and the certificates under tls/. When something changes (an
// address, a certificate that is due) it renders again and tells the services
// concerned. It answers the admin API on RUN/appliance.sock. None of the
// other services needs it once its settings are there.
//
// "appliance check" with the same flags only says what would keep Meetbox
// from starting: bad settings, a busy port, a damaged state file.
// "appliance openapi" prints the description of the admin API.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"meetbox.local/appliance/internal/admin"
	"meetbox.local/appliance/internal/settings"
	"meetbox.local/appliance/internal/state"
	"meetbox.local/appliance/kit/ctl"
	"meetbox.local/appliance/kit/unit"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "check" {
		os.Exit(check(os.Args[2:], os.Stderr))
	}
	if len(os.Args) > 1 && os.Args[1] == "openapi" {
		os.Stdout.Write(admin.OpenAPI(admin.Routes(&admin.Parts{}), "1"))
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	var raw *settings.Raw
	var onBox *bool
	code := unit.Main(ctx, "appliance", os.Args[1:],
		func(ctx context.Context, u *unit.Unit) error {
			if *onBox {
				u.Restrain()
			}
			return run(ctx, u, raw, *onBox)
		},
		func(fl *flag.FlagSet) {
			raw = settings.Register(fl, os.Getenv)
			onBox = fl.Bool("box", false, "this machine is the box: look after its network, disk and screen too")
		})
	stop()
	os.Exit(code)
}

// check returns 0 when Meetbox could start now, else 1 after saying why not.
func check(args []string, stderr io.Writer) int {
	fl := flag.NewFlagSet("appliance check", flag.ContinueOnError)
	fl.SetOutput(stderr)
	runDir := fl.String("run", "/run/meetbox", "`folder` for sockets")
	stateDir := fl.String("state", "", "`folder` of the state")
	raw := settings.Register(fl, os.Getenv)
	if err := fl.Parse(args); err != nil {
		return 2
	}
	if err := startable(*runDir, *stateDir, raw); err != nil {
		fmt.Fprintf(stderr, "Meetbox cannot start:\n%v\n", err)
		return 1
	}
	return 0
}

func startable(runDir, stateDir string, raw *settings.Raw) error {
	s, err := raw.Settings()
	if err != nil {
		return err
	}
	if err := ctl.CheckPath(filepath.Join(runDir, "ctl", "appliance.sock")); err != nil {
		return fmt.Errorf("%w (MEETBOX_STATE)", err)
	}
	// The state first: when the same copy runs already its ports are taken too,
	// and that would be the less helpful message.
	store, err := state.Open(stateDir, false)
	if err != nil {
		return err
	}
	if err := store.Close(); err != nil {
		return err
	}
	return s.PortsFree()
}
