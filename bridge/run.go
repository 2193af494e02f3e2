package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"

	"meetbox.local/appliance/kit/conf"
	"meetbox.local/appliance/kit/ctl"
	"meetbox.local/appliance/kit/unit"
	"meetbox.local/bridge/internal/channel"
	"meetbox.local/bridge/internal/colibri"
	"meetbox.local/bridge/internal/conference"
	"meetbox.local/bridge/internal/transport"
	"meetbox.local/bridge/internal/turnserver"
	"meetbox.local/signaling/xmpp/client"
	"meetbox.local/signaling/xmpp/jid"
)

// settings is RUN/bridge.json.
type settings struct {
	ID      string        `json:"id"`
	XMPP    client.Config `json:"xmpp"`
	Brewery jid.JID       `json:"brewery"`
	Media   struct {
		Port      int          `json:"port"`
		Addresses []netip.Addr `json:"addresses"`
		// TCPPort is for clients whose networks let no UDP through; 0 for none.
		TCPPort int `json:"tcp_port,omitempty"`
		// IgnoreBandwidth gives each receiver all it wants, whatever its line
		// seems to take.
		IgnoreBandwidth bool `json:"ignore_bandwidth,omitempty"`
		// LoudestVoices is how many are heard at a time, in meetings that begin
		// from now on; 0 means all.
		LoudestVoices int `json:"loudest_voices,omitempty"`
	} `json:"media"`
	WebSocket struct {
		Domains []string `json:"domains"`
	} `json:"websocket"`
	// TURN serves clients without UDP; without a secret it does not.
	TURN struct {
		Secret string `json:"secret"`
	} `json:"turn,omitzero"`
	Region string `json:"region,omitempty"` // where the bridge is, for meetings of people near it
}

func (s settings) check() error {
	switch {
	case s.ID == "":
		return errors.New("settings: no id")
	case s.Media.Port < 0 || s.Media.Port > 65535:
		return fmt.Errorf("settings: media.port %d is not a port", s.Media.Port)
	case s.Media.TCPPort < 0 || s.Media.TCPPort > 65535:
		return fmt.Errorf("settings: media.tcp_port %d is not a port", s.Media.TCPPort)
	case s.Media.LoudestVoices < 0:
		return fmt.Errorf("settings: media.loudest_voices %d is less than none", s.Media.LoudestVoices)
	case len(s.Media.Addresses) == 0:
		return errors.New("settings: no media.addresses")
	}
	return nil
}

// bridge is what outlives a change of the settings.
type bridge struct {
	unit     *unit.Unit
	port     *transport.Port
	meetings *conference.Bridge
	handler  *colibri.Handler
	vitals   *colibri.Vitals
}

func run(parent context.Context, u *unit.Unit) error {
	s, err := conf.Wait[settings](parent, u.Settings())
	if err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	port, err := transport.Open(transport.Config{Port: s.Media.Port, TCPPort: s.Media.TCPPort, Addresses: s.Media.Addresses, Log: u.Log, Metrics: u.Metrics})
	if err != nil {
		return fmt.Errorf("media: %w", err)
	}
	conferences := conference.New(port, conference.Options{
		IgnoreBandwidth: s.Media.IgnoreBandwidth, LoudestVoices: s.Media.LoudestVoices,
	}, u.Log, u.Metrics)
	sockets := channel.NewServer(s.ID, func(hexID, endpoint string) (channel.Endpoint, bool) {
		c := conferences.ByHexID(hexID)
		if c == nil {
			return nil, false
		}
		e := c.Endpoint(endpoint)
		return e, e != nil
	}, u.Log, u.Metrics)
	b := &bridge{
		unit:     u,
		port:     port,
		meetings: conferences,
		handler:  colibri.NewHandler(conferences, s.ID, u.Log, u.Metrics),
		vitals:   colibri.NewVitals(conferences, port, sockets.Messages, u.Log, u.Metrics),
	}
	b.handler.SetWebSocketDomains(s.WebSocket.Domains)
	b.handler.RefuseNew(b.vitals.Leaving)
	b.vitals.SetRegion(s.Region)
	for pattern, page := range b.vitals.Pages() {
		u.Handle(pattern, page)
	}

	ctx, cancel := context.WithCancelCause(parent)
	var wg sync.WaitGroup
	start := func(what string, f func(context.Context) error) {
		wg.Go(func() {
			err := f(ctx)
			if ctx.Err() == nil {
				err = fmt.Errorf("%s: %w", what, errors.Join(err, errEnded))
			}
			cancel(err) // the first cause stays
		})
	}
	start("media", port.Serve)
	start("conferences", conferences.Run)
	start("vitals", b.vitals.Run)
	start("colibri-ws", func(ctx context.Context) error {
		l, err := ctl.Listen(u.Socket("bridge"))
		if err != nil {
			return err
		}
		return sockets.Serve(ctx, l)
	})
	if secret := s.TURN.Secret; secret != "" {
		server := turnserver.New(secret, port, u.Log, u.Metrics)
		start("TURN", func(ctx context.Context) error {
			l, err := ctl.Listen(u.Socket("turn"))
			if err != nil {
				return err
			}
			return server.Serve(ctx, l, port.Relayed())
		})
	}
	start("control", func(ctx context.Context) error { return b.follow(ctx, s) })
	wg.Wait()
	return context.Cause(ctx)
}

var errEnded = errors.New("ended by itself")

// follow runs the XMPP adapter with the newest settings. Conferences know
// nothing of its coming and going.
func (b *bridge) follow(ctx context.Context, s settings) error {
	for {
		next, err := b.control(ctx, s)
		if err != nil {
			return err
		}
		s = next
	}
}

// control runs one XMPP adapter until ctx ends, or until new settings need
// another one.
func (b *bridge) control(parent context.Context, s settings) (settings, error) {
	a, err := colibri.NewAdapter(colibri.Config{XMPP: s.XMPP, Brewery: s.Brewery, Nick: s.ID, Joined: b.tellHealth}, b.handler, b.vitals, b.unit.Log, b.unit.Metrics)
	if err != nil {
		return s, err
	}
	b.tellHealth(false)
	ctx, cancel := context.WithCancel(parent)
	var wg sync.WaitGroup
	wg.Go(func() { a.Run(ctx) }) // ends with ctx only
	defer wg.Wait()
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return s, context.Cause(ctx)
		case <-b.unit.Reload:
			next, err := b.reload(s)
			if err != nil {
				b.unit.Log.Error("new settings not taken", "err", err)
				continue
			}
			renew := next.XMPP != s.XMPP || next.Brewery != s.Brewery
			if s = next; renew {
				return s, nil
			}
		}
	}
}

func (b *bridge) tellHealth(joined bool) {
	if joined {
		b.unit.SetHealth(true, fmt.Sprintf("media on UDP port %d", b.port.LocalPort()))
		return
	}
	// A restart would cost the meetings that go on, and mend nothing.
	b.unit.SetHealth(true, fmt.Sprintf("media on UDP port %d; no focus can see this bridge: not in the brewery", b.port.LocalPort()))
}

// reload reads the settings and applies what can change while media flows.
// The returned settings are those in force.
func (b *bridge) reload(old settings) (settings, error) {
	s, err := conf.Load[settings](b.unit.Settings())
	if err != nil {
		return old, err
	}
	if err := s.check(); err != nil {
		return old, err
	}
	if s.ID != old.ID || s.Media.Port != old.Media.Port || s.Media.TCPPort != old.Media.TCPPort {
		b.unit.Log.Warn("a new id or media port needs a restart", "err", errNeedsRestart)
		s.ID, s.Media.Port, s.Media.TCPPort = old.ID, old.Media.Port, old.Media.TCPPort
	}
	if !slices.Equal(s.Media.Addresses, old.Media.Addresses) {
		if err := b.port.SetAddresses(s.Media.Addresses); err != nil {
			return old, fmt.Errorf("media addresses: %w", err)
		}
		b.unit.Log.Info("media addresses changed", slog.Any("addresses", s.Media.Addresses))
	}
	b.handler.SetWebSocketDomains(s.WebSocket.Domains)
	b.vitals.SetRegion(s.Region)
	b.meetings.SetLoudestVoices(s.Media.LoudestVoices)
	return s, nil
}

var errNeedsRestart = errors.New("takes effect at the next start")
