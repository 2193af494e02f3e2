// Signaling is Meetbox's XMPP server: browsers meet in its rooms, the focus
// and the bridges are its clients, and nothing else of the box knows who is
// talking to whom.
//
// It listens on RUN/signaling.sock (WebSocket, BOSH and files, behind the web
// process) and on a TCP port for the accounts of the box and of people
// (STARTTLS), reads RUN/signaling.json, keeps its state in RUN/signaling/, so
// that meetings outlive it, and what people have beyond a meeting in
// STATE/im.db and STATE/files/.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"meetbox.local/appliance/kit/sandbox"
	"meetbox.local/appliance/kit/unit"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	code := unit.Main(ctx, "signaling", os.Args[1:], unit.Confined(sandbox.Rules{}, run))
	stop()
	os.Exit(code)
}
