// Bridge is Meetbox's media server: a selective forwarding unit that a focus
// steers over XMPP (Colibri2), in place of Jitsi's videobridge.
//
// It reads RUN/bridge.json, binds one UDP port for all media, serves
// colibri-ws on RUN/bridge.sock, and stands in the brewery room of signaling.
// Media goes on whatever happens to that XMPP session. A changed settings
// file is followed live, but for the bridge's id and its media port.
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
	code := unit.Main(ctx, "bridge", os.Args[1:], unit.Confined(sandbox.Rules{}, run))
	stop()
	os.Exit(code)
}
