package client_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"meetbox.local/signaling/xmpp/client"
	"meetbox.local/signaling/xmpp/clienttest"
	"meetbox.local/signaling/xmpp/disco"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/ping"
	"meetbox.local/signaling/xmpp/stanza"
)

var (
	self = jid.MustParse("jvb@auth.meet.jitsi/b1")
	peer = jid.MustParse("brewery@muc.meet.jitsi/focus")
)

type received struct {
	e stanza.Element
	q stanza.IQ
}

// start runs a client against a server of the test.
func start(t *testing.T, h client.Handler) (*client.Client, *clienttest.Server, <-chan received) {
	t.Helper()
	in := make(chan received, 16)
	s := clienttest.New(t, "auth.meet.jitsi", func(_ jid.JID, e stanza.Element) {
		r := received{e: e}
		if e.XMLName.Local == "iq" {
			if err := e.Decode(&r.q); err != nil {
				t.Error(err)
			}
		}
		in <- r
	})
	c := client.New(s.Config("jvb", "b1"), h, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v", err)
		}
	})
	s.Await(t, self, true)
	return c, s, in
}

func TestRequests(t *testing.T) {
	t.Parallel()
	online := make(chan struct{}, 1)
	c, s, in := start(t, client.Handler{Session: func(context.Context) { online <- struct{}{} }})
	<-online
	if c.JID() != self {
		t.Errorf("JID = %s, want %s", c.JID(), self)
	}
	answer := func(f func(q stanza.IQ) stanza.IQ) {
		go func() {
			q := (<-in).q
			a := f(q)
			a.ID = q.ID
			stray := a
			stray.From = jid.MustParse("mallory@x/y") // not whom we asked
			s.Send(self, stray)
			a.From = q.To
			s.Send(self, a)
		}()
	}

	answer(func(stanza.IQ) stanza.IQ {
		children, err := stanza.Encode(jitsimeet.Version{Name: "focus"})
		if err != nil {
			t.Error(err)
		}
		return stanza.IQ{Type: stanza.Result, Children: children}
	})
	var v jitsimeet.Version
	if err := c.Request(t.Context(), peer, stanza.Get, jitsimeet.Version{}, &v); err != nil || v.Name != "focus" {
		t.Errorf("Request = %+v, %v", v, err)
	}

	answer(func(stanza.IQ) stanza.IQ {
		return stanza.IQ{Type: stanza.Failed, Error: stanza.NewError(stanza.Forbidden, "no")}
	})
	if err := c.Request(t.Context(), peer, stanza.Get, jitsimeet.Version{}, nil); !errors.Is(err, stanza.NewError(stanza.Forbidden, "")) {
		t.Errorf("Request = %v, want forbidden", err)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	_, s, in := start(t, client.Handler{
		Info: disco.Info{Features: disco.Features("urn:x")},
		IQ: client.InOrder(t.Context(), func(_ context.Context, q stanza.IQ) (any, error) {
			switch q.ID {
			case "1":
				return nil, stanza.NewError(stanza.Conflict, "")
			case "2":
				return nil, errors.New("odd")
			}
			return ping.Ping{}, nil
		}),
	})
	ask := func(id, typ string, payload any) {
		children, err := stanza.Encode(payload)
		if err != nil {
			t.Fatal(err)
		}
		s.Send(self, stanza.IQ{From: peer, To: self, ID: id, Type: typ, Children: children})
	}
	for _, id := range []string{"1", "2", "3"} {
		ask(id, stanza.Set, jitsimeet.Version{})
	}
	for i, want := range []string{"conflict", "internal-server-error", ""} {
		r := <-in
		if r.q.To != peer || r.q.ID != string(rune('1'+i)) {
			t.Errorf("answer %d: %+v", i, r.q)
		}
		got := ""
		if r.q.Error != nil {
			got = string(r.q.Error.Condition)
		}
		if got != want {
			t.Errorf("answer %d: condition %q, want %q", i, got, want)
		}
	}
	ask("p", stanza.Get, ping.Ping{})
	if r := <-in; r.q.Type != stanza.Result || r.q.ID != "p" {
		t.Errorf("answer to a ping: %+v", r.q)
	}
	ask("d", stanza.Get, disco.Info{})
	if r := <-in; !strings.Contains(string(r.e.Inner), "urn:x") {
		t.Errorf("answer to disco#info: %s", r.e.Inner)
	}
}

// A lost session fails what was asked, and is replaced.
func TestReconnect(t *testing.T) {
	t.Parallel()
	lost := make(chan error, 4)
	online := make(chan struct{}, 4)
	c, s, in := start(t, client.Handler{
		Session: func(context.Context) { online <- struct{}{} },
		Lost:    func(err error) { lost <- err },
	})
	<-online
	asked := make(chan error, 1)
	go func() { asked <- c.Request(t.Context(), peer, stanza.Get, ping.Ping{}, nil) }()
	<-in
	s.DropAll()
	if err := <-asked; !errors.Is(err, client.ErrOffline) {
		t.Errorf("Request over a loss = %v, want ErrOffline", err)
	}
	if err := <-lost; err == nil {
		t.Error("lost without a reason")
	}
	if err := c.Send(stanza.Presence{}); err != nil && !errors.Is(err, client.ErrOffline) {
		t.Errorf("Send while offline = %v", err)
	}
	select {
	case <-online:
	case <-time.After(5 * time.Second):
		t.Fatal("no new session")
	}
	if err := c.Send(stanza.Presence{Type: stanza.Unavailable}); err != nil {
		t.Errorf("Send = %v", err)
	}
	if r := <-in; r.e.Attribute("type") != stanza.Unavailable {
		t.Errorf("received %+v", r.e)
	}
}

// Wrong certificates and passwords never get a session.
func TestRefused(t *testing.T) {
	t.Parallel()
	s := clienttest.New(t, "auth.meet.jitsi", func(jid.JID, stanza.Element) {})
	good := s.Config("jvb", "b1")
	other := clienttest.New(t, "auth.meet.jitsi", func(jid.JID, stanza.Element) {}).Config("jvb", "b1")
	for _, tc := range []struct {
		name, want string
		change     func(*client.Config)
	}{
		{"authority", "certificate", func(c *client.Config) { c.CA = other.CA }},
		{"name", "certificate", func(c *client.Config) { c.Domain = "meet.jitsi" }},
		{"password", "refused", func(c *client.Config) { c.Password = "x" }},
		{"address", "connect", func(c *client.Config) { c.Address = "127.0.0.1:1" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cfg := good
			tc.change(&cfg)
			ctx, cancel := context.WithCancelCause(t.Context())
			log := slog.New(cancelOnWarning{slog.DiscardHandler, cancel, tc.want})
			if err := client.New(cfg, client.Handler{}, log).Run(ctx); !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Run = %v, want %q in it", err, tc.want)
			}
		})
	}
}

// cancelOnWarning ends the test's context with what the client complains of.
type cancelOnWarning struct {
	slog.Handler
	cancel context.CancelCauseFunc
	want   string
}

func (h cancelOnWarning) Enabled(context.Context, slog.Level) bool { return true }

func (h cancelOnWarning) Handle(_ context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		r.Attrs(func(a slog.Attr) bool {
			if err, ok := a.Value.Any().(error); ok {
				h.cancel(err)
			}
			return true
		})
	}
	return nil
}
