package main

import (
	"context"
	"errors"

	"meetbox.local/appliance/internal/settings"
	"meetbox.local/appliance/kit/ctl"
)

// chooseXMPPPort is the port that the person set, else the one kept, else 5222,
// else a free one. The kept one stays while it is free or signaling has it.
func (d *daemon) chooseXMPPPort(ctx context.Context) (int, error) {
	if d.set.XMPPPort != 0 {
		return d.set.XMPPPort, nil
	}
	port, ok, err := d.store.XMPPPort()
	if err != nil {
		return 0, err
	}
	if !ok {
		port = settings.DefaultXMPPPort
	}
	if d.xmppPort == port && d.silent < 2 {
		return port, nil // rendered before, and nothing speaks against it
	}
	d.silent = 0
	if settings.Loopback(port) != nil && !d.signalingAnswers(ctx) {
		old := port
		if port, err = settings.FreeLoopback(); err != nil {
			return 0, err
		}
		d.log.Info("XMPP port taken by another program, chose another", "taken", old, "port", port)
		ok = false
	}
	if !ok {
		err = d.store.PutXMPPPort(port)
	}
	return port, err
}

// signalingAnswers says whether it may be our signaling that has the port.
func (d *daemon) signalingAnswers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, nudgeEvery)
	defer cancel()
	h, err := ctl.Ask(ctx, d.control("signaling"))
	if errors.Is(err, context.DeadlineExceeded) {
		return true // it is there; the machine is busy
	}
	return err == nil && (h.OK || d.now().Sub(h.Since) < startTime)
}

// portLost says whether another program took signaling's port meanwhile, as
// when two copies start at the same moment: the port cannot be opened, and
// twice in a row no signaling of ours answered. (Once may be a restart.)
func (d *daemon) portLost(ctx context.Context) bool {
	if d.set.XMPPPort != 0 || d.signalingAnswers(ctx) || settings.Loopback(d.xmppPort) == nil {
		d.silent = 0
		return false
	}
	d.silent++
	return d.silent >= 2
}
