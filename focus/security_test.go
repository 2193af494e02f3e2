package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jingle"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/stanza"
)

// crafted is what one participant sends to bring the focus down, as Jicofo
// was more than once: ROOM and NICK stand for the sender's own. Signaling
// passes some of it on; what it does not must cost the sender only.
func crafted() map[string]string {
	const iq = `<iq xmlns="jabber:client" type="set" id="x" to="ROOM/focus">%s</iq>`
	const presence = `<presence xmlns="jabber:client" to="ROOM/NICK">%s</presence>`
	in := func(envelope, s string) string { return fmt.Sprintf(envelope, s) }
	jingleOf := func(s string) string {
		return in(iq, `<jingle xmlns="urn:xmpp:jingle:1" action="session-accept" sid="s">`+s+`</jingle>`)
	}
	return map[string]string{
		"deep presence":           in(presence, strings.Repeat("<a>", 30)+strings.Repeat("</a>", 30)),
		"too deep presence":       in(presence, strings.Repeat("<a>", 5000)+strings.Repeat("</a>", 5000)),
		"huge attribute":          in(presence, `<x y="`+strings.Repeat("z", 40<<10)+`"/>`),
		"huge name":               in(presence, `<`+strings.Repeat("z", 20<<10)+`/>`),
		"many attributes":         in(presence, `<x`+manyAttributes(200)+`/>`),
		"many children":           in(presence, strings.Repeat(`<x/>`, 2000)),
		"bad UTF-8":               in(presence, "<x>\xff\xfe</x>"),
		"surrogate":               in(presence, "<x>\xed\xa0\x80</x>"),
		"control character":       in(presence, "<x>\x01</x>"),
		"reference to NUL":        in(presence, `<x>&#0;</x>`),
		"reference to U+FFFF":     in(presence, `<x>&#xFFFF;</x>`),
		"unknown entity":          in(presence, `<x>&nbsp;</x>`),
		"document type":           `<!DOCTYPE x [<!ENTITY a "b">]>` + in(presence, `<x>&a;</x>`),
		"instruction":             in(presence, `<?xml version="1.1"?>`),
		"comment":                 in(presence, `<!-- -- -->`),
		"CDATA":                   in(presence, `<x><![CDATA[</presence><stream:error/>]]></x>`),
		"end of CDATA":            in(presence, `<x>]]></x>`),
		"undeclared prefix":       in(presence, `<p:x/>`),
		"prefix of the stream":    in(presence, `<stream:error/>`),
		"declared prefix":         `<presence xmlns="jabber:client" xmlns:p="urn:p" to="ROOM/NICK"><p:x p:y="1"/></presence>`,
		"xml prefix elsewhere":    in(presence, `<x xmlns:xml="urn:x"/>`),
		"empty namespace":         in(presence, `<x xmlns=""/>`),
		"attribute twice":         in(presence, `<x y="1" y="2"/>`),
		"attribute twice by name": in(presence, `<x xmlns:a="u" xmlns:b="u" a:y="1" b:y="2"/>`),
		"name with colons":        in(presence, `<a:b:c xmlns:a="u"/>`),
		"own room extension":      in(presence, `<x xmlns="http://jabber.org/protocol/muc#user"><item role="moderator" affiliation="owner" jid="@@@"/><status code="none"/></x>`),
		"caps of nobody":          in(presence, `<c xmlns="http://jabber.org/protocol/caps" hash="" node="" ver="`+strings.Repeat("v", 1000)+`"/>`),
		"caps twice":              in(presence, `<c xmlns="http://jabber.org/protocol/caps" ver="a"/><c xmlns="http://jabber.org/protocol/caps" ver="b"><c/></c>`),
		"start muted":             in(presence, `<startmuted xmlns="http://jitsi.org/jitmeet/start-muted" audio="perhaps" video="&lt;"/>`),
		"source info":             in(presence, `<SourceInfo>{"NICK-a0":{"muted":"no"},"":null,"x":[[[[]]]]}</SourceInfo>`),
		"statistics":              in(presence, `<stats xmlns="http://jitsi.org/protocol/colibri"><stat name="stress_level" value="NaN"/></stats>`),
		"no jingle":               in(iq, ``),
		"empty jingle":            in(iq, `<jingle xmlns="urn:xmpp:jingle:1"/>`),
		"two payloads":            in(iq, `<jingle xmlns="urn:xmpp:jingle:1" action="session-info"/><jingle xmlns="urn:xmpp:jingle:1"/>`),
		"sources of no number":    jingleOf(`<content name="video"><description media="video"><source ssrc="-1"/><source ssrc="99999999999"/><ssrc-group semantics="SIM"><source ssrc="x"/></ssrc-group></description></content>`),
		"candidates of no port":   jingleOf(`<content name="audio"><transport xmlns="urn:xmpp:jingle:transports:ice-udp:1" ufrag="a" pwd="b"><candidate port="70000" priority="-5" ip="::gggg"/></transport></content>`),
		"nested jingle":           jingleOf(strings.Repeat(`<jingle xmlns="urn:xmpp:jingle:1">`, 20) + strings.Repeat(`</jingle>`, 20)),
		"reason within reason":    jingleOf(`<reason><reason><text>x</text></reason><text/><text/></reason>`),
		"json of sources":         jingleOf(`<json-message xmlns="http://jitsi.org/jitmeet">{"sources":{"a":[null,[[]],{}]}}</json-message>`),
		"mute of nobody":          in(iq, `<mute xmlns="http://jitsi.org/jitmeet/audio" jid="///">true</mute>`),
		"answer to no question":   `<iq xmlns="jabber:client" type="result" id="1" to="ROOM/focus"><query xmlns="http://jabber.org/protocol/disco#info"><x xmlns="jabber:x:data"/></query></iq>`,
		"error of errors":         `<iq xmlns="jabber:client" type="error" id="1" to="ROOM/focus"><error type=""><error/><text/></error></iq>`,
		"iq of no type":           `<iq xmlns="jabber:client" type="&lt;" id="" to="ROOM/focus"><a/></iq>`,
		"conference":              `<iq xmlns="jabber:client" type="set" id="x" to="focus.meet.jitsi"><conference xmlns="http://jitsi.org/protocol/focus" room="///@@" ready="maybe" focusjid="@"><property/></conference></iq>`,
		"message from metadata":   `<message xmlns="jabber:client" to="ROOM/focus" type="chat"><json-message xmlns="http://jitsi.org/jitmeet">{"type":"room_metadata","metadata":{"startMuted":7}}</json-message></message>`,
		"metadata":                `<message xmlns="jabber:client" to="metadata.meet.jitsi"><room_metadata xmlns="http://jitsi.org/jitmeet" room="ROOM">{"key":"conference","data":{"codecs":7}}</room_metadata></message>`,
	}
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` a%d="%d"`, i, i)
	}
	return b.String()
}

// say sends text as it is. The server may end the stream for it.
func (p *peer) say(text string) {
	p.mu.Lock()
	p.ending = true // and then this peer does not come back
	conn := p.conn
	p.mu.Unlock()
	text = strings.ReplaceAll(strings.ReplaceAll(text, "ROOM", p.room.String()), "NICK", p.nick())
	conn.Write(context.Background(), websocket.MessageText, []byte(text)) // may be closed already
}

// JSA-2022-0002, JSA-2023-0002, JSA-2025-0001: one crafted stanza ends the
// focus's connection, and all conferences begin anew. Here it is the sender's
// own affair, whatever it is; errors reach nobody else.
func TestCraftedStanzaBreaksNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.bridge("b1")
	ann, bob := w.guest(1000, classicJSON()), w.guest(2000, rewriting())
	meet(ann, bob, "demo")
	// The first one moderates, so that Mallory is nobody's moderator.
	before := w.health()
	var guests []*peer
	for name, text := range crafted() {
		mallory := w.guest(9000, classicJSON())
		mallory.join("demo")
		offer := mallory.jingle(jingle.SessionInitiate)
		mallory.say(strings.ReplaceAll(text, `sid="s"`, `sid="`+offer.SID+`"`))
		t.Log(name)
		guests = append(guests, mallory)
	}
	for _, m := range guests {
		m.quit()
	}

	// All is as it was: the same process, the same connection, who obeys.
	bob.refused(stanza.NotAllowed, bob.focus(), jitsimeet.Mute{XMLName: xmlName(jitsimeet.NSMuteAudio, "mute"), JID: ann.occupant(), Value: "true"})
	ann.refused("", ann.focus(), jitsimeet.Mute{XMLName: xmlName(jitsimeet.NSMuteAudio, "mute"), JID: bob.occupant(), Value: "true"})
	bob.await("the order to mute", func(e stanza.Element) bool { return muteOf(e) != nil })
	if after := w.health(); after != before {
		t.Errorf("the focus was %+v and is %+v", before, after)
	}
	b.await("ann and bob", func() bool {
		return len(names(b.endpoints()[ann.nick()])) == 2 && len(names(b.endpoints()[bob.nick()])) == 2
	})
	cy := w.guest(3000, classicJSON())
	cy.join("demo")
	cy.accept(cy.jingle(jingle.SessionInitiate))
	for _, p := range []*peer{ann, bob} {
		p.never("the end of a session", func(e stanza.Element) bool { return actionOf(e) == jingle.SessionTerminate })
		p.never("the focus's leave", leaves("focus"))
	}
	ann.never("an error that is another's", func(e stanza.Element) bool {
		return e.Attribute("type") == stanza.Failed && e.Attribute("from") != "focus.meet.jitsi" // that is until the focus runs
	})
}

type health struct {
	OK    bool
	Since string
	PID   int
}

// health is what the focus says of itself; it changes with the process and
// with its connection.
func (w *world) health() health {
	w.t.Helper()
	code, b := w.control(http.MethodGet, "ctl/focus.sock", "/health")
	var h health
	if err := json.Unmarshal(b, &h); err != nil || code != http.StatusOK {
		w.t.Fatalf("health: %d %s %v", code, b, err)
	}
	return h
}

// Rooms come from who may make them: nobody is given one under an address
// that is not ours, or not a room.
func TestForeignRooms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.guest(1000, classicJSON())
	ann.join("demo")
	for _, room := range []string{
		"", "demo", "muc.meet.jitsi", "@muc.meet.jitsi", "demo@muc.meet.jitsi/focus", "demo@internal-muc.meet.jitsi", "jvbbrewery@internal-muc.meet.jitsi",
		"demo@lobby.meet.jitsi", "demo@auth.meet.jitsi", "focus@auth.meet.jitsi", "demo@muc.meet.jitsi.evil.example", "demo@MUC.MEET.JITSI\x00", strings.Repeat("x", 1100) + "@muc.meet.jitsi",
	} {
		a := ann.ask(jid.MustParse("focus.meet.jitsi"), stanza.Set, jitsimeet.Conference{Room: strings.ReplaceAll(room, "\x00", "&#0;")})
		if a.Error == nil || a.Error.Condition != stanza.BadRequest {
			t.Errorf("room %.40q: %+v", room, a)
		}
	}
}
