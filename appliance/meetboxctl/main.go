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
// claim and sign-in keep the box's address and a token in the user's settings
// folder (or where -config says); MEETBOX_URL, MEETBOX_CA and MEETBOX_TOKEN go
// before it. Answers are JSON on the standard output; what was refused is JSON
// on the standard error, with exit code 1. "meetboxctl completion" prints what
// bash needs to complete commands and paths.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"meetbox.local/appliance/api"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Getenv)
	stop()
	os.Exit(code(err, os.Stderr))
}

// code says what went wrong, and is the exit code.
func code(err error, stderr io.Writer) int {
	if err == nil {
		return 0
	}
	if p, ok := errors.AsType[api.Problem](err); ok {
		e := json.NewEncoder(stderr)
		e.SetIndent("", "  ")
		if e.Encode(p) == nil {
			return 1
		}
	}
	fmt.Fprintln(stderr, "meetboxctl:", err)
	if errors.Is(err, errUsage) {
		return 2
	}
	return 1
}
