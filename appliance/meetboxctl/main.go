// Meetboxctl administers a Meetbox without a browser. It speaks the box's API
// as it is: what the console can do, it can do.
//
//	meetboxctl claim -url https://meetbox.local:8443 -ca ca.crt -code 1234-5678 -name Ada < password
//	meetboxctl sign-in -url … -ca ca.crt -name Ada < password
//	meetboxctl get settings/clock
//	meetboxctl set settings/clock ntp='["192.0.2.1"]'
//	meetboxctl set-clock
//	meetboxctl post selfcall
//	meetboxctl upload update meetbox.update
//	meetboxctl download audit.jsonl audit.jsonl
//	meetboxctl routes
//
// "meetboxctl setup" does all that the setup wizard does, "meetboxctl trust"
// fetches a box's authority for the first time. claim and sign-in keep the
// box's address and a token in the user's settings folder (or where -config
// says); MEETBOX_URL, MEETBOX_CA and MEETBOX_TOKEN go before it. What only a
// person may do is done with -as NAME. Answers are JSON on the standard
// output; what was refused is JSON on the standard error. The exit code is 0
// for done, 1 for refused or failed, 2 for misused, 3 when the box does not
// answer or is not trusted, 4 when one is not signed in or not allowed, and 5
// when somebody else was faster. "meetboxctl completion" prints what bash, zsh
// or fish needs to complete commands and paths.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"meetbox.local/appliance/api"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Getenv)
	stop()
	os.Exit(code(err, slices.Contains(os.Args, "-json"), os.Stderr))
}

// The exit codes.
const (
	exitFailed = iota + 1
	exitUsage
	exitAway
	exitNotAllowed
	exitConflict
)

// code says what went wrong, and is the exit code.
func code(err error, asJSON bool, stderr io.Writer) int {
	if err == nil {
		return 0
	}
	exit, name := exitFailed, "failed"
	p, refused := errors.AsType[api.Problem](err)
	_, away := errors.AsType[*url.Error](err)
	switch {
	case refused && (p.Status == http.StatusUnauthorized || p.Status == http.StatusForbidden):
		exit = exitNotAllowed
	case refused && p.Status == http.StatusPreconditionFailed:
		exit = exitConflict
	case refused && p.Code == "restarting":
		exit = exitAway
	case refused:
	case errors.Is(err, errUsage):
		exit, name = exitUsage, "usage"
	case away:
		exit, name = exitAway, "away"
	}
	if !refused && !asJSON {
		fmt.Fprintln(stderr, "meetboxctl:", err)
		return exit
	}
	if !refused {
		p = api.Problem{Title: name, Code: name, Detail: err.Error()}
	}
	e := json.NewEncoder(stderr)
	e.SetIndent("", "  ")
	if e.Encode(p) != nil {
		fmt.Fprintln(stderr, "meetboxctl:", err)
	}
	return exit
}
