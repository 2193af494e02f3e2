package main

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"net"
	"testing"
	"time"

	"mellium.im/sasl"
	"mellium.im/xmlstream"
	"mellium.im/xmpp"
	"mellium.im/xmpp/disco"
	"mellium.im/xmpp/jid"
	"mellium.im/xmpp/muc"
	"mellium.im/xmpp/mux"
	"mellium.im/xmpp/ping"
	"mellium.im/xmpp/stanza"
)

// outsider is a client of another maker: mellium's.
type outsider struct {
	*xmpp.Session
	muc  *muc.Client
	said chan string // bodies of messages
}

func (w *world) outsider(t *testing.T, address string, mechanism sasl.Mechanism) *outsider {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", w.tcp)
	if err != nil {
		t.Fatal(err)
	}
	addr := jid.MustParse(address)
	s, err := xmpp.NewClientSession(ctx, addr, conn,
		xmpp.StartTLS(&tls.Config{RootCAs: w.root, ServerName: addr.Domainpart()}),
		xmpp.SASL("", password, mechanism),
		xmpp.BindResource(),
	)
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	o := &outsider{Session: s, muc: &muc.Client{}, said: make(chan string, 10)}
	done := make(chan error, 1)
	go func() {
		done <- s.Serve(mux.New(stanza.NSClient, muc.HandleClient(o.muc), ping.Handle(),
			mux.MessageFunc(stanza.GroupChatMessage, xml.Name{Local: "body"}, o.message)))
	}()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("%s: close: %v", address, err)
		}
		_ = conn.Close()
		<-done
	})
	return o
}

func (o *outsider) message(_ stanza.Message, r xmlstream.TokenReadEncoder) error {
	var m struct {
		Body string `xml:"body"`
	}
	if err := xml.NewTokenDecoder(r).Decode(&m); err != nil {
		return err
	}
	o.said <- m.Body
	return nil
}

func TestOutsideClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	focus := w.outsider(t, "focus@auth.meet.jitsi/focus", sasl.ScramSha256)
	jvb := w.outsider(t, "jvb@auth.meet.jitsi/b1", sasl.ScramSha1)
	guest := w.outsider(t, "meet.jitsi", sasl.Anonymous)
	if err := ping.Send(ctx, guest.Session, jid.MustParse("meet.jitsi")); err != nil {
		t.Errorf("ping: %v", err)
	}
	info, err := disco.GetInfo(ctx, "", jid.MustParse("meet.jitsi"), guest.Session)
	if err != nil || len(info.Identity) == 0 {
		t.Errorf("disco: %+v, %v", info, err)
	}
	room := jid.MustParse("demo@muc.meet.jitsi")
	in := func(o *outsider, nick string) *muc.Channel {
		t.Helper()
		addr, err := room.WithResource(nick)
		if err != nil {
			t.Fatal(err)
		}
		c, err := o.muc.Join(ctx, addr, o.Session)
		if err != nil {
			t.Fatalf("%s joins: %v", nick, err)
		}
		return c
	}
	if _, err := guest.muc.Join(ctx, jid.MustParse("demo@muc.meet.jitsi/guest"), guest.Session); err == nil {
		t.Error("a guest has made a room")
	}
	owner := in(focus, "focus")
	visit := in(jvb, "b1")
	in(guest, "guest")
	if err := owner.SetAffiliation(ctx, muc.AffiliationMember, jvb.LocalAddr().Bare(), "", "because"); err != nil {
		t.Errorf("set affiliation: %v", err)
	}
	data, err := muc.GetConfig(ctx, room, focus.Session)
	if err != nil {
		t.Fatalf("configuration: %v", err)
	}
	if ok, err := data.Set("muc#roomconfig_roomsecret", "sesame"); !ok || err != nil {
		t.Errorf("no field for the password: %v", err)
	}
	if err := muc.SetConfig(ctx, room, data, focus.Session); err != nil {
		t.Errorf("set configuration: %v", err)
	}
	if _, ok := data.GetString("muc#roomconfig_whois"); !ok {
		t.Error("form without whois")
	}
	err = guest.Send(ctx, stanza.Message{To: room, Type: stanza.GroupChatMessage}.Wrap(
		xmlstream.Wrap(xmlstream.Token(xml.CharData("hello & <welcome>")), xml.StartElement{Name: xml.Name{Local: "body"}})))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []*outsider{focus, jvb, guest} {
		select {
		case got := <-o.said:
			if got != "hello & <welcome>" {
				t.Errorf("%v hears %q", o.LocalAddr(), got)
			}
		case <-ctx.Done():
			t.Fatalf("%v hears nothing", o.LocalAddr())
		}
	}
	if err := visit.Leave(ctx, "bye"); err != nil {
		t.Errorf("leave: %v", err)
	}
}
