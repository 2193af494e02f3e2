package router

import (
	"context"
	"errors"
	"testing"

	"meetbox.local/signaling/internal/sm"
	"meetbox.local/signaling/internal/store"
	"meetbox.local/signaling/internal/wire"
)

func person(t testing.TB, r *Router, user, resource string) *peer {
	t.Helper()
	p := &peer{t: t, r: r, sc: NewScanner()}
	var err error
	a := Account{User: user, Domain: r.Domain, Pass: Pass{User: true}}
	if p.s, err = r.Bind(a, resource, p, sm.New(r.QueueBytes, p)); err != nil {
		t.Fatal(err)
	}
	return p
}

// FuzzPeople: whatever somebody with an account sends, all are sent well-formed
// stanzas to their own address, those that come out of the store too, and
// nobody is cut off.
func FuzzPeople(f *testing.F) {
	for _, s := range []string{
		`<presence to="rome@meet.jitsi" type="subscribe"><status>x</status></presence>`,
		`<c:presence xmlns:c="jabber:client" to="rome@meet.jitsi" type="unsubscribe"/>`,
		`<presence type="unavailable"/>`, `<presence to="rome@meet.jitsi/1"/>`, `<presence><priority>-200</priority></presence>`,
		`<message to="rome@meet.jitsi" type="chat" id='"' xmlns:p="urn:p"><p:x/><body>&#x9;</body><request xmlns="urn:xmpp:receipts"/></message>`,
		`<message to="oslo@meet.jitsi"><body>self</body></message>`, `<message type="headline" to="rome@meet.jitsi/none"/>`,
		`<iq type="set" id="1"><query xmlns="jabber:iq:roster"><item jid="rome@meet.jitsi" name="&lt;"><group>&amp;</group></item></query></iq>`,
		`<iq type="set" id="1"><query xmlns="jabber:iq:roster"><item jid="rome@meet.jitsi" subscription="remove"/></query></iq>`,
		`<iq type="get" id="1"><query xmlns="jabber:iq:roster" ver="1"/></iq>`,
		`<iq type="set" id="1"><query xmlns="urn:xmpp:mam:2" queryid="&quot;"><x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>urn:xmpp:mam:2</value></field><field var="start"><value>2020-01-01T00:00:00Z</value></field></x><set xmlns="http://jabber.org/protocol/rsm"><before/><max>3</max></set></query></iq>`,
		`<iq type="set" id="1"><prefs xmlns="urn:xmpp:mam:2" default="roster"/></iq>`,
		`<iq type="set" id="1"><block xmlns="urn:xmpp:blocking"><item jid="rome@meet.jitsi"/><item jid="meet.jitsi"/></block></iq>`,
		`<iq type="set" id="1"><vCard xmlns="vcard-temp" xmlns:p="urn:p"><p:FN>x</p:FN></vCard></iq>`,
		`<iq type="get" id="1" to="rome@meet.jitsi"><vCard xmlns="vcard-temp"/></iq>`,
		`<iq type="set" id="1" xmlns:p="urn:p"><p:vCard xmlns:p="vcard-temp"/></iq>`,
		`<iq type="set" id="1"><query xmlns="jabber:iq:private"><a xmlns="urn:a">&amp;</a></query></iq>`,
		`<iq type="set" id="1"><pubsub xmlns="http://jabber.org/protocol/pubsub"><publish node="&lt;"><item id="&amp;"><a xmlns="urn:a"/></item></publish></pubsub></iq>`,
		`<iq type="set" id="1"><pubsub xmlns="http://jabber.org/protocol/pubsub"><publish node="n"><item><a/></item></publish></pubsub></iq>`,
		`<iq type="get" id="1"><pubsub xmlns="http://jabber.org/protocol/pubsub"><items node="n"/></pubsub></iq>`,
		`<iq type="get" id="1"><pubsub xmlns="http://jabber.org/protocol/pubsub#owner"><configure node="n"/></pubsub></iq>`,
		`<iq type="set" id="1" to="focus.meet.jitsi"><conference xmlns="http://jitsi.org/protocol/focus" room="demo@muc.meet.jitsi" machine-uid="x" session-id="y"/></iq>`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := open(t, "")
		kept, err := store.Open(t.TempDir(), r.log)
		if err != nil {
			t.Fatal(err)
		}
		r.Store = kept
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = kept.Run(ctx) // ctx's end
		}()
		defer func() {
			cancel()
			<-ended
			if err := kept.Close(); err != nil {
				t.Error(err)
			}
		}()
		if err := r.Configure(Config{Users: []string{"oslo", "rome"}, Rooms: Rooms{Create: CreateUsers}}); err != nil {
			t.Fatal(err)
		}
		oslo, phone, rome := person(t, r, "oslo", "1"), person(t, r, "oslo", "2"), person(t, r, "rome", "1")
		for _, p := range []*peer{oslo, phone, rome} {
			for _, text := range []string{
				`<presence/>`, `<iq type="get" id="r"><query xmlns="jabber:iq:roster"/></iq>`, `<iq type="set" id="c"><enable xmlns="urn:xmpp:carbons:2"/></iq>`,
				`<iq type="get" id="b"><blocklist xmlns="urn:xmpp:blocking"/></iq>`,
			} {
				if err := p.say("%s", text); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, text := range []string{`<presence to="rome@meet.jitsi" type="subscribe"/>`, `<message to="rome@meet.jitsi" type="chat"><body>x</body></message>`} {
			if err := oslo.say("%s", text); err != nil {
				t.Fatal(err)
			}
		}
		if err := rome.say(`<presence to="oslo@meet.jitsi" type="subscribed"/>`); err != nil {
			t.Fatal(err)
		}
		el, err := oslo.sc.Scan(in)
		if err != nil {
			return
		}
		st, err := wire.Parse(in, el)
		switch {
		case errors.Is(err, wire.ErrNotStanza):
			return
		case err != nil:
			err = r.Refuse(oslo.s, oslo, &st, err)
		default:
			err = r.Handle(oslo.s, oslo, &st)
		}
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		kept.Read(func(store.Reader) { close(done) })
		<-done // and with it all that was asked before
		for _, p := range []*peer{oslo, phone, rome} {
			if p.stopped != "" {
				t.Fatalf("%s was %s", p.s.addr, p.stopped)
			}
			for _, text := range p.hear() {
				checkStanza(t, text, p.s.addr.String())
			}
		}
	})
}
