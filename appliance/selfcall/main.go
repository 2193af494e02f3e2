// Command selfcall is a call that Meetbox makes to itself: two participants
// meet in a room that nobody else knows, over the same page, signaling, focus
// and bridge as everybody, and count the sound and the pictures that they get
// from each other. They need no camera: they send noise that looks like it.
//
//	selfcall -url https://localhost:8443 -certificate .meetbox/run/tls/web.crt
//
// The report (api.SelfCall) is JSON on the standard output, with each step and
// the first thing that did not work in words. It exits with 0 when all of it
// worked, with 1 when not. An update is kept only if it does.
//
// MEETBOX_SELFCALL_TOKEN may hold a JSON Web Token, for where guests may not
// begin a meeting.
//
// It is a process of its own, with a user of its own on the box: it holds a
// whole WebRTC client, which none of the services wants to be linked with.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	fl := flag.NewFlagSet("selfcall", flag.ContinueOnError)
	fl.SetOutput(stderr)
	url := fl.String("url", "https://localhost", "`address` of the start page")
	certificate := fl.String("certificate", "", "`file` with the only certificate to accept, - for the standard input; without it, one that this machine trusts")
	timeout := fl.Duration("timeout", time.Minute, "how long all of it may take")
	if err := fl.Parse(args); err != nil {
		return 2
	}
	pem, err := read(*certificate, stdin)
	if err != nil {
		fmt.Fprintln(stderr, "selfcall:", err)
		return 2
	}
	d, err := newDoor(*url, pem)
	if err != nil {
		fmt.Fprintln(stderr, "selfcall:", err)
		return 2
	}
	d.token = os.Getenv("MEETBOX_SELFCALL_TOKEN")
	ctx, cancel := context.WithTimeoutCause(ctx, *timeout, fmt.Errorf("not within %v", *timeout))
	defer cancel()
	report := call(ctx, d)
	if err := json.NewEncoder(stdout).Encode(report); err != nil {
		fmt.Fprintln(stderr, "selfcall:", err)
		return 1
	}
	if !report.OK {
		return 1
	}
	return 0
}

func read(name string, stdin io.Reader) ([]byte, error) {
	switch name {
	case "":
		return nil, nil
	case "-":
		return io.ReadAll(io.LimitReader(stdin, 1<<20))
	}
	return os.ReadFile(name)
}
