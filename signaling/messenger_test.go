package main

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"net"
	"path/filepath"
	"testing"
	"time"

	"mellium.im/sasl"
	"mellium.im/xmlstream"
	"mellium.im/xmpp"
	"mellium.im/xmpp/history"
	"mellium.im/xmpp/jid"
	"mellium.im/xmpp/mux"
	"mellium.im/xmpp/roster"
	"mellium.im/xmpp/stanza"
	"mellium.im/xmpp/websocket"
)

// messenger is an ordinary client with an account of the box.
type messenger struct {
	*xmpp.Session
	conn     net.Conn
	done     chan error
	pushes   chan roster.Item
	presence chan stanza.Presence
	said     chan string
	archive  chan string
}

// messenger logs in over TCP, or over WebSocket.
func (w *world) messenger(t *testing.T, address string, overWebSocket bool, mechanism sasl.Mechanism) *messenger {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	addr := jid.MustParse(address)
	login := []xmpp.StreamFeature{xmpp.SASL("", password, mechanism), xmpp.BindResource()}
	m := &messenger{
		done: make(chan error, 1), pushes: make(chan roster.Item, 20), presence: make(chan stanza.Presence, 20), said: make(chan string, 20),
		archive: make(chan string, 20),
	}
	var d net.Dialer
	var err error
	if overWebSocket {
		if m.conn, err = d.DialContext(ctx, "unix", filepath.Join(w.dir, "signaling.sock")); err == nil {
			// Its own address is how it knows that the way is secure.
			m.Session, err = websocket.NewClient(ctx, "wss://meet.jitsi", "wss://meet.jitsi/xmpp-websocket", addr, m.conn, login...)
		}
	} else if m.conn, err = d.DialContext(ctx, "tcp", w.tcp); err == nil {
		secure := xmpp.StartTLS(&tls.Config{RootCAs: w.root, ServerName: addr.Domainpart()})
		m.Session, err = xmpp.NewClientSession(ctx, addr, m.conn, append([]xmpp.StreamFeature{secure}, login...)...)
	}
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	chat := mux.MessageHandlerFunc(func(_ stanza.Message, r xmlstream.TokenReadEncoder) error {
		var v struct {
			Body string `xml:"body"`
		}
		if err := xml.NewTokenDecoder(r).Decode(&v); err != nil {
			return err
		}
		m.said <- v.Body
		return nil
	})
	past := mux.MessageHandlerFunc(func(_ stanza.Message, r xmlstream.TokenReadEncoder) error {
		var v struct {
			Body string `xml:"result>forwarded>message>body"`
		}
		if err := xml.NewTokenDecoder(r).Decode(&v); err != nil {
			return err
		}
		m.archive <- v.Body
		return nil
	})
	heard := mux.PresenceHandlerFunc(func(p stanza.Presence, _ xmlstream.TokenReadEncoder) error {
		m.presence <- p
		return nil
	})
	all := []mux.Option{
		roster.Handle(roster.Handler{Push: func(_ string, i roster.Item) error {
			m.pushes <- i
			return nil
		}}),
		mux.Message(stanza.NormalMessage, xml.Name{Space: history.NS, Local: "result"}, past), mux.Message(stanza.ChatMessage, xml.Name{Local: "body"}, chat),
	}
	for _, typ := range []stanza.PresenceType{stanza.AvailablePresence, stanza.UnavailablePresence, stanza.SubscribePresence, stanza.SubscribedPresence} {
		all = append(all, mux.Presence(typ, xml.Name{}, heard))
	}
	go func() { m.done <- m.Serve(mux.New(stanza.NSClient, all...)) }()
	return m
}

func (m *messenger) leave() {
	_ = m.Close() // and whatever becomes of it, the connection ends
	_ = m.conn.Close()
	<-m.done
}

func body(text string) xml.TokenReader {
	return xmlstream.Wrap(xmlstream.Token(xml.CharData(text)), xml.StartElement{Name: xml.Name{Local: "body"}})
}

func wait[T any](ctx context.Context, t *testing.T, what string, c <-chan T, good func(T) bool) {
	t.Helper()
	for {
		select {
		case v := <-c:
			if good(v) {
				return
			}
		case <-ctx.Done():
			t.Fatalf("nothing came of: %s", what)
		}
	}
}

// TestMessenger: another maker's client, over TCP and over WebSocket, with a
// contact, messages to somebody who is there and who is not, and the archive.
func TestMessenger(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		oslo, rome bool // over WebSocket
	}{{"TCP", false, false}, {"WebSocket", true, true}, {"TCP and WebSocket", false, true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			converse(t, newWorld(t), c.oslo, c.rome)
		})
	}
}

func converse(t *testing.T, w *world, osloByWeb, romeByWeb bool) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	bound := sasl.ScramSha256Plus
	if osloByWeb { // TLS ends before signaling there
		bound = sasl.ScramSha256
	}
	oslo := w.messenger(t, "oslo@meet.jitsi", osloByWeb, bound)
	rome := w.messenger(t, "rome@meet.jitsi", romeByWeb, sasl.ScramSha256)
	atRome, atOslo := jid.MustParse("rome@meet.jitsi"), jid.MustParse("oslo@meet.jitsi")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range []*messenger{oslo, rome} {
		iter := roster.Fetch(ctx, m.Session)
		for iter.Next() {
			t.Errorf("contact of nobody: %+v", iter.Item())
		}
		must(iter.Err())
		must(iter.Close())
		must(m.Send(ctx, stanza.Presence{}.Wrap(nil)))
	}
	must(roster.Set(ctx, oslo.Session, roster.Item{JID: atRome, Name: "Rome", Group: []string{"South"}}))
	must(oslo.Send(ctx, stanza.Presence{To: atRome, Type: stanza.SubscribePresence}.Wrap(nil)))
	wait(ctx, t, "subscribe", rome.presence, func(p stanza.Presence) bool { return p.Type == stanza.SubscribePresence && p.From.Equal(atOslo) })
	must(rome.Send(ctx, stanza.Presence{To: atOslo, Type: stanza.SubscribedPresence}.Wrap(nil)))
	wait(ctx, t, "roster push", oslo.pushes, func(i roster.Item) bool { return i.Subscription == "to" && i.Name == "Rome" })
	wait(ctx, t, "presence", oslo.presence, func(p stanza.Presence) bool { return p.From.Equal(rome.LocalAddr()) })

	say := func(from *messenger, to jid.JID, text string) {
		t.Helper()
		must(from.Send(ctx, stanza.Message{To: to, Type: stanza.ChatMessage}.Wrap(body(text))))
	}
	say(oslo, atRome, "online")
	wait(ctx, t, "message", rome.said, func(s string) bool { return s == "online" })
	say(rome, oslo.LocalAddr(), "answer")
	wait(ctx, t, "answer", oslo.said, func(s string) bool { return s == "answer" })
	rome.leave()
	wait(ctx, t, "absence", oslo.presence, func(p stanza.Presence) bool { return p.Type == stanza.UnavailablePresence })
	say(oslo, atRome, "offline")
	texts := []string{"online", "answer", "offline"}
	oslo.reads(ctx, t, atRome, texts...)
	oslo.leave()
	rome = w.messenger(t, "rome@meet.jitsi", romeByWeb, sasl.ScramSha1)
	defer rome.leave()
	must(rome.Send(ctx, stanza.Presence{}.Wrap(nil)))
	wait(ctx, t, "what has waited", rome.said, func(s string) bool { return s == "offline" })

	rome.reads(ctx, t, atOslo, texts...)
}

// reads compares the archive of what was said with somebody.
func (m *messenger) reads(ctx context.Context, t *testing.T, with jid.JID, texts ...string) {
	t.Helper()
	result, err := history.Fetch(ctx, history.Query{With: with, Limit: 10}, m.LocalAddr().Bare(), m.Session)
	if err != nil {
		t.Fatal(err)
	}
	if !result.Complete {
		t.Errorf("the archive's page is not whole: %+v", result)
	}
	for _, text := range texts {
		wait(ctx, t, "archive", m.archive, func(s string) bool {
			if s != text {
				t.Errorf("the archive has %q, want %q", s, text)
			}
			return true
		})
	}
}
