// Command focus is the conference focus: it is an occupant of every meeting's
// room, invites the participants by Jingle, and tells a bridge what to do for
// them. It sees no media and talks to nobody but signaling; the web front
// hands it conference requests on a socket.
//
// A focus that is killed reads its snapshots when it is back and goes on with
// the meetings; nobody in them notices.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"sync"
	"syscall"
	"time"

	"meetbox.local/appliance/kit/conf"
	"meetbox.local/appliance/kit/ctl"
	"meetbox.local/appliance/kit/sandbox"
	"meetbox.local/appliance/kit/unit"
	"meetbox.local/focus/internal/brewery"
	"meetbox.local/focus/internal/conference"
	"meetbox.local/focus/internal/request"
	"meetbox.local/signaling/xmpp/client"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/stanza"
)

// settings is the file that the appliance renders.
type settings struct {
	XMPP        client.Config `json:"xmpp"`
	Domain      string        `json:"domain"`
	MUCDomain   string        `json:"muc_domain"`
	FocusDomain string        `json:"focus_domain"`
	Brewery     jid.JID       `json:"brewery"`

	Rules conference.Rules `json:"rules,omitzero"` // of all meetings
}

// rooms are the domains of rooms that have conferences: the main ones first,
// then the breakout rooms beside them.
func (s settings) rooms() []string { return []string{s.MUCDomain, "breakout." + s.Domain} }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	code := unit.Main(ctx, "focus", os.Args[1:], unit.Confined(sandbox.Rules{}, run))
	stop()
	os.Exit(code)
}

// run serves until ctx ends. Its settings are for its whole life: when the
// appliance changes them, the process ends and is started again, which no
// meeting notices.
func run(parent context.Context, u *unit.Unit) error {
	s, err := conf.Wait[settings](parent, u.Settings())
	if err != nil {
		return err
	}
	account, err := jid.New(s.XMPP.User, s.XMPP.Domain, "")
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	if err := s.Rules.Validate(); err != nil {
		return fmt.Errorf("settings: rules.%w", err)
	}
	dir, err := snapshots(u.Run)
	if err != nil {
		return err
	}
	defer dir.Close()
	l, err := ctl.Listen(u.Socket("focus"))
	if err != nil {
		return err
	}

	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	p := &parts{u: u, s: s}
	c := client.New(s.XMPP, p.handler(), u.Log)
	p.focus = conference.New(c, dir, u.Log, u.Metrics)
	p.bridges, err = brewery.New(s.Brewery, c, brewery.Events{
		Lost: p.focus.BridgeLost, Back: p.focus.BridgeBack, Up: p.focus.BridgeUp,
	}, u.Log, u.Metrics)
	if err != nil {
		return err
	}
	p.focus.Use(p.bridges)
	p.focus.Rule(s.Rules)
	p.focus.Seek(s.rooms())
	p.focus.Breakout(s.rooms()[1])
	office, err := jid.New("", s.FocusDomain, "")
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	judge := func(room jid.JID, done func(error)) {
		c.Ask(office, stanza.Set, jitsimeet.Conference{Room: room.String()}, func(_ stanza.IQ, err error) { done(err) })
	}
	p.door = request.New(p.focus, judge, account, s.rooms(), u.Log, u.Metrics)
	srv := &http.Server{Handler: p.door, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(u.Log.Handler(), slog.LevelDebug)}
	for pattern, page := range p.focus.Pages() {
		u.Handle(pattern, page)
	}
	u.SetHealth(false, "connecting to signaling")

	// Snapshots are read before the first login, which tells all of them to
	// enter their rooms.
	if err := p.focus.Load(); err != nil {
		return err
	}
	var wg sync.WaitGroup
	wg.Go(func() { p.focus.Run(ctx) })
	wg.Go(func() { p.bridges.Run(ctx) })
	wg.Go(func() { cancel(c.Run(ctx)) })
	wg.Go(func() { cancel(reload(ctx, u, s)) })
	wg.Go(func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			cancel(fmt.Errorf("conference requests: %w", err))
		}
	})
	<-ctx.Done()
	err = context.Cause(ctx)
	if cerr := srv.Close(); cerr != nil {
		err = errors.Join(err, cerr)
	}
	wg.Wait()
	return err
}

var errSettings = errors.New("settings changed")

// reload ends the process when its settings are others than those it runs
// with. Settings that cannot be read change nothing.
func reload(ctx context.Context, u *unit.Unit, s settings) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-u.Reload:
		}
		next, err := conf.Load[settings](u.Settings())
		switch {
		case err != nil:
			u.Log.Error("new settings refused", "err", err)
		case !reflect.DeepEqual(next, s):
			return errSettings
		}
	}
}

// snapshots opens the folder in which conferences survive a crash.
func snapshots(run string) (*os.Root, error) {
	name := run + "/focus"
	if err := os.MkdirAll(name, 0o750); err != nil {
		return nil, fmt.Errorf("snapshots: %w", err)
	}
	dir, err := os.OpenRoot(name)
	if err != nil {
		return nil, fmt.Errorf("snapshots: %w", err)
	}
	return dir, nil
}

// parts hands what comes from signaling to who deals with it.
type parts struct {
	u       *unit.Unit
	s       settings
	focus   *conference.Focus
	bridges *brewery.Brewery
	door    *request.Door
}

func (p *parts) handler() client.Handler {
	return client.Handler{
		Session: func(ctx context.Context) {
			if err := p.bridges.Join(); err != nil {
				p.u.Log.Warn("brewery not entered", "err", err)
			}
			p.focus.Online()
			p.u.SetHealth(true, "serving")
		},
		Lost: func(error) {
			p.u.SetHealth(false, "connecting to signaling")
			p.bridges.Offline()
			p.focus.Offline()
		},
		IQ: func(r *client.Request) {
			switch r.From.Domain() {
			case p.s.FocusDomain:
				p.door.IQ(r)
			default:
				if slices.Contains(p.s.rooms(), r.From.Domain()) {
					p.focus.IQ(r)
					return
				}
				r.Fail(stanza.NewError(stanza.ServiceUnavailable, ""))
			}
		},
		Presence: func(s stanza.Presence) {
			if s.From.Bare() == p.s.Brewery {
				p.bridges.Presence(s)
				return
			}
			p.focus.Presence(s)
		},
		Message: func(m stanza.Message) {
			switch m.From.String() {
			case "avmoderation." + p.s.Domain, "metadata." + p.s.Domain:
				p.focus.Message(m)
			}
		},
		Info: conference.Info(),
	}
}
