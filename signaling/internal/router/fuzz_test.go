package router

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"testing"

	"meetbox.local/signaling/internal/wire"
)

// FuzzHandle: whatever an occupant sends, everybody is sent well-formed stanzas
// to their own address, nobody but the sender is cut off, and no mistake of the
// server shows.
func FuzzHandle(f *testing.F) {
	for _, s := range []string{
		`<presence to="demo@muc.meet.jitsi/ann"><x xmlns="http://jabber.org/protocol/muc#user"/><x xmlns="vcard-temp:x:update"/><identity/></presence>`,
		`<message xmlns:p="urn:p" to="demo@muc.meet.jitsi" type="groupchat" id='"'><p:body/><reply to="1"/><subject>x</subject></message>`,
		`<message to="demo@muc.meet.jitsi/bob" type="chat"><body>x</body></message>`,
		`<iq to="demo@muc.meet.jitsi" type="set" id="1"><query xmlns="http://jabber.org/protocol/muc#admin"><item affiliation="owner" jid="bob@meet.jitsi"/><item nick="bob" role="none"><reason>x</reason></item></query></iq>`,
		`<iq to="demo@muc.meet.jitsi" type="set" id="1"><query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit"><field var="muc#roomconfig_membersonly"><value>1</value></field></x></query></iq>`,
		`<iq to="demo@muc.meet.jitsi" type="set" id="1"><query xmlns="http://jabber.org/protocol/muc#owner"><destroy jid="a@b"/></query></iq>`,
		`<iq to="demo@muc.meet.jitsi/bob" type="error" id="1"><error/></iq>`, `<iq type="get" id="1" to="focus.meet.jitsi"><conference/></iq>`,
		`<c:iq xmlns:c="jabber:client" type="get" id="1" to="demo@muc.meet.jitsi/focus" xml:lang='a"b'><c:a/></c:iq>`,
		`<message to="demo@muc.meet.jitsi"><x xmlns="http://jabber.org/protocol/muc#user"><invite to="bob@meet.jitsi"/><invite/></x></message>`,
		`<presence to="demo@lobby.meet.jitsi/x"><x xmlns="http://jabber.org/protocol/muc"/><nick xmlns="http://jabber.org/protocol/nick">&#x9;</nick></presence>`,
		`<message to="breakout.meet.jitsi"><breakout_rooms type="features/breakout-rooms/add" subject="&#x9;%22"/></message>`,
		`<message to="breakout.meet.jitsi"><breakout_rooms type="features/breakout-rooms/move-to-room" participantJid="demo@muc.meet.jitsi/bob" roomJid="demo@muc.meet.jitsi"/></message>`,
		`<message to="metadata.meet.jitsi"><room_metadata xmlns="http://jitsi.org/jitmeet" room="demo@muc.meet.jitsi">{"key":"\u0001","data":{"\uffff":"%22\ud800"}}</room_metadata></message>`,
		`<message to="polls.meet.jitsi" type="chat"><json-message xmlns="http://jitsi.org/jitmeet">{"type":"polls","command":"new-poll","pollId":"\u0000","question":"\uffff","answers":[{"name":"&lt;"}]}</json-message></message>`,
		`<message to="polls.meet.jitsi" type="chat"><json-message xmlns="http://jitsi.org/jitmeet">{"type":"polls","command":"answer-poll","pollId":"1","answers":[true]}</json-message></message>`,
		`<message to="avmoderation.meet.jitsi"><av_moderation enable="true" mediaType="audio"/></message>`,
		`<message to="avmoderation.meet.jitsi"><av_moderation mediaType="audio" jidToWhitelist="demo@muc.meet.jitsi/bob"/></message>`,
		`<message to="speakerstats.meet.jitsi"><faceLandmarks xmlns="http://jitsi.org/jitmeet" room="demo@muc.meet.jitsi" faceExpression="&#x9;" timestamp="-1" duration="1"/></message>`,
		`<message to="endconference.meet.jitsi"><end_conference/></message>`,
		`<presence to="demo@muc.meet.jitsi/ann" xmlns:s="http://jitsi.org/jitmeet/start-muted"><s:startmuted audio="true" video="1"/></presence>`,
	} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, in []byte, owner bool) {
		r := open(t, "")
		focus := join(t, r, "focus", "auth.meet.jitsi", "focus", "")
		ann, bob := join(t, r, "ann", "meet.jitsi", "1", ""), join(t, r, "bob", "meet.jitsi", "1", "")
		focus.enter("focus")
		ann.enter("ann")
		bob.enter("bob")
		if owner {
			if err := focus.say(`<iq to="demo@muc.meet.jitsi" type="set" id="g"><query xmlns="http://jabber.org/protocol/muc#admin"><item affiliation="owner" jid="ann@meet.jitsi"/></query></iq>`); err != nil {
				t.Fatal(err)
			}
		}
		el, err := ann.sc.Scan(in)
		if err != nil {
			return
		}
		st, err := wire.Parse(in, el)
		switch {
		case errors.Is(err, wire.ErrNotStanza):
			return
		case err != nil:
			err = r.Refuse(ann.s, ann, &st, err)
		default:
			err = r.Handle(ann.s, ann, &st)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []*peer{focus, ann, bob} {
			if p.stopped != "" {
				t.Fatalf("%s was %s", p.s.addr, p.stopped)
			}
			for _, text := range p.hear() {
				checkStanza(t, text, p.s.addr.String())
			}
		}
	})
}

func checkStanza(t *testing.T, text, to string) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader([]byte(text)))
	depth, roots := 0, 0
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s is sent %q: %v", to, text, err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if depth == 0 {
				roots++
				seen := map[xml.Name]string{}
				for _, a := range tok.Attr {
					if _, twice := seen[a.Name]; twice {
						t.Fatalf("%s twice in %q", a.Name.Local, text)
					}
					seen[a.Name] = a.Value
				}
				if tok.Name.Space != "jabber:client" || seen[xml.Name{Local: "to"}] != to {
					t.Fatalf("%s is sent %q", to, text)
				}
			}
			depth++
		case xml.EndElement:
			depth--
		}
	}
	if roots != 1 {
		t.Fatalf("%d elements in %q", roots, text)
	}
}
