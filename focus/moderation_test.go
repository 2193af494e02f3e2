package main

import (
	"encoding/xml"
	"regexp"
	"strings"
	"testing"

	"meetbox.local/signaling/xmpp/colibri2"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jingle"
	"meetbox.local/signaling/xmpp/jitsimeet"
	mucx "meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

type avModeration struct {
	XMLName xml.Name `xml:"jabber:client av_moderation"`
	Enable  string   `xml:"enable,attr,omitempty"`
	Medium  string   `xml:"mediaType,attr"`
	Allow   jid.JID  `xml:"jidToWhitelist,attr"`
}

func (p *peer) orders(v avModeration) {
	p.send(stanza.Message{To: jid.MustParse("avmoderation.meet.jitsi"), Children: p.encode(v)})
}

// awaitModerator waits until the peer knows that somebody is a moderator.
func (p *peer) awaitModerator(who jid.JID) {
	p.t.Helper()
	p.await("news of a moderator", func(e stanza.Element) bool {
		var s stanza.Presence
		if e.XMLName.Local != "presence" || e.Decode(&s) != nil || s.From != who {
			return false
		}
		x, err := stanza.Child[mucx.User](s.Children)
		return err == nil && x != nil && len(x.Items) > 0 && x.Items[0].Role == mucx.Moderator
	})
}

func muteOf(e stanza.Element) *jitsimeet.Mute {
	var q stanza.IQ
	var m jitsimeet.Mute
	if e.XMLName.Local != "iq" || e.Decode(&q) != nil || !jitsimeet.IsMute(q.Payload().XMLName) || q.Payload().Decode(&m) != nil {
		return nil
	}
	return &m
}

func forced(e *colibri2.Endpoint) (audio, video bool) {
	if e == nil || e.ForceMute == nil {
		return false, false
	}
	return e.ForceMute.Audio, e.ForceMute.Video
}

// Moderation mutes everybody but who ordered it, keeps the muted so at the
// bridge unless they are moderators or on the list, and tells those who come
// later; a focus that comes back mutes nobody again.
func TestModeration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.bridge("b1")
	ann, bob, cy := w.guest(1000, classicJSON()), w.guest(2000, classicJSON()), w.guest(3000, classicJSON())
	ann.join("demo")
	ann.awaitModerator(ann.occupant())
	bob.join("demo")
	ann.accept(ann.jingle(jingle.SessionInitiate))
	bob.accept(bob.jingle(jingle.SessionInitiate))

	ann.orders(avModeration{Enable: "true", Medium: "audio"})
	e := bob.await("the order to mute", func(e stanza.Element) bool { return muteOf(e) != nil })
	if m := muteOf(e); m.XMLName.Space != jitsimeet.NSMuteAudio || !m.On() || !m.Actor.IsZero() || e.Attribute("from") != bob.focus().String() {
		t.Errorf("bob was ordered %+v by %s", m, e.Attribute("from"))
	}
	b.await("bob's forced silence", func() bool { a, v := forced(b.endpoints()[bob.nick()]); return a && !v })
	ann.never("an order to mute for who gave it", func(e stanza.Element) bool { return muteOf(e) != nil })

	// Video is kept back once neither camera nor screen is allowed.
	ann.orders(avModeration{Enable: "true", Medium: "video"})
	ann.orders(avModeration{Enable: "true", Medium: "desktop"})
	bob.await("the order for the screen", func(e stanza.Element) bool {
		m := muteOf(e)
		return m != nil && m.XMLName.Space == jitsimeet.NSMuteScreen
	})
	b.await("bob's forced stillness", func() bool { a, v := forced(b.endpoints()[bob.nick()]); return a && v })

	// Who comes later starts muted.
	cy.join("demo")
	offer := cy.jingle(jingle.SessionInitiate)
	if offer.StartMuted == nil || !offer.StartMuted.Audio || !offer.StartMuted.Video {
		t.Errorf("cy starts with %+v", offer.StartMuted)
	}
	b.await("cy's from the start", func() bool { a, v := forced(b.endpoints()[cy.nick()]); return a && v })

	// The focus dies; meanwhile Bob is allowed to speak.
	w.focus.kill()
	ann.orders(avModeration{Medium: "audio", Allow: bob.occupant()})
	w.focus.start()
	b.await("bob's voice", func() bool { a, v := forced(b.endpoints()[bob.nick()]); return !a && v })
	orders := 0
	bob.never("an order that was given", func(e stanza.Element) bool {
		if muteOf(e) != nil {
			orders++
		}
		return orders > 3
	})

	// A new moderator may do anything; and in the end everybody may.
	ann.refused("", ann.room, mucx.AdminQuery{Items: []mucx.AdminItem{{Affiliation: mucx.Owner, JID: bob.jid.Bare()}}})
	b.await("bob's picture", func() bool { a, v := forced(b.endpoints()[bob.nick()]); return !a && !v })
	for _, medium := range []string{"audio", "video", "desktop"} {
		ann.orders(avModeration{Enable: "false", Medium: medium})
	}
	b.await("cy's voice and picture", func() bool { a, v := forced(b.endpoints()[cy.nick()]); return !a && !v })
}

// What a moderator ordered for those who come later is known to the focus,
// whichever way the client says it.
func TestStartMutedOrdered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bridge("b1")
	ann, bob := w.guest(1000, classicJSON()), w.guest(2000, classicJSON())
	ann.join("demo")
	ann.awaitModerator(ann.occupant())
	type metadata struct {
		XMLName xml.Name `xml:"http://jitsi.org/jitmeet room_metadata"`
		Room    string   `xml:"room,attr"`
		Text    string   `xml:",chardata"`
	}
	ann.send(stanza.Message{To: jid.MustParse("metadata.meet.jitsi"), Children: ann.encode(metadata{
		Room: ann.room.String(), Text: `{"key":"startMuted","data":{"audio":true}}`,
	})})
	ann.await("the new settings", func(e stanza.Element) bool {
		return e.XMLName.Local == "message" && e.Attribute("from") == "metadata.meet.jitsi"
	})
	bob.join("demo")
	if o := bob.jingle(jingle.SessionInitiate); o.StartMuted == nil || !o.StartMuted.Audio || o.StartMuted.Video {
		t.Errorf("bob starts with %+v", o.StartMuted)
	}
}

// A breakout room has a conference like any other, in which the focus makes
// nobody a moderator; one that nobody has made has none.
func TestBreakoutRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bridge("b1")
	ann, bob, cy := w.guest(1000, classicJSON()), w.guest(2000, classicJSON()), w.guest(3000, classicJSON())
	ann.join("demo")
	ann.awaitModerator(ann.occupant())
	bob.join("demo")
	cy.join("demo")
	type breakout struct {
		XMLName xml.Name `xml:"jabber:client breakout_rooms"`
		Type    string   `xml:"type,attr"`
		Subject string   `xml:"subject,attr"`
	}
	ann.send(stanza.Message{To: jid.MustParse("breakout.meet.jitsi"), Children: ann.encode(breakout{Type: "features/breakout-rooms/add", Subject: "One"})})
	id := regexp.MustCompile(`[0-9a-f-]{36}@breakout\.meet\.jitsi`)
	room := string(id.Find(bob.await("the list of rooms", func(e stanza.Element) bool {
		return e.XMLName.Local == "message" && e.Attribute("from") == "breakout.meet.jitsi"
	}).Inner))
	for _, p := range []*peer{bob, cy} {
		p.leave()
		p.enter(room)
	}
	for _, p := range []*peer{bob, cy} {
		if o := p.jingle(jingle.SessionInitiate); o.SID == "" {
			t.Errorf("%s was offered %+v", p.nick(), o)
		}
		p.never("moderation in the breakout room", func(e stanza.Element) bool {
			return e.XMLName.Local == "presence" && e.Attribute("from") == p.occupant().String() && strings.Contains(string(e.Inner), `role="moderator"`)
		})
	}
	a := ann.ask(jid.MustParse("focus.meet.jitsi"), stanza.Set, jitsimeet.Conference{Room: "room@elsewhere.meet.jitsi"})
	if a.Error == nil || a.Error.Condition != stanza.BadRequest {
		t.Errorf("a room of another domain was answered %+v", a)
	}
}
