package main

import (
	"encoding/xml"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"meetbox.local/signaling/xmpp/form"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jingle"
	"meetbox.local/signaling/xmpp/jitsimeet"
	mucx "meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

// roleOf is the role that a presence shows its sender in, or "".
func roleOf(e stanza.Element) (who jid.JID, role mucx.Role) {
	var s stanza.Presence
	if e.XMLName.Local != "presence" || e.Decode(&s) != nil {
		return who, ""
	}
	x, err := stanza.Child[mucx.User](s.Children)
	if err != nil || x == nil || len(x.Items) == 0 {
		return who, ""
	}
	return s.From, x.Items[0].Role
}

// roles are what a peer was last told of everybody in its room.
func (p *peer) roles() map[string]mucx.Role {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make(map[string]mucx.Role)
	for _, e := range p.seen {
		if who, role := roleOf(e); who.Bare() == p.room {
			out[who.Resource()] = role
			if e.Attribute("type") == stanza.Unavailable {
				delete(out, who.Resource())
			}
		}
	}
	return out
}

// chat says something and waits until all have heard it.
func chat(text string, from *peer, all ...*peer) {
	from.t.Helper()
	from.send(stanza.Message{To: from.room, Type: stanza.GroupChat, Body: &text})
	for _, p := range all {
		p.await(text, func(e stanza.Element) bool {
			return e.XMLName.Local == "message" && strings.Contains(string(e.Inner), text)
		})
	}
}

func (p *peer) connection() *websocket.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conn
}

// resumes waits until the peer has another connection than the old one.
func (p *peer) resumes(old *websocket.Conn) {
	p.t.Helper()
	late := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for p.connection() == old {
		select {
		case <-tick.C:
		case <-late:
			p.t.Fatalf("%s is not back", p.nick())
		}
	}
}

// A meeting of five with a guest who waits in the lobby outlives both its
// servers: nobody is put out, roles are as before, and the guest still waits.
func TestKilledUnderFive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.bridge("b1")
	var five []*peer
	for i := range 5 {
		p := w.guest(uint32(1000*(i+1)), classicJSON())
		p.join("demo")
		if five = append(five, p); i == 0 {
			p.awaitModerator(p.occupant())
		}
	}
	for _, p := range five {
		p.accept(p.jingle(jingle.SessionInitiate))
	}
	ann, bob, cy := five[0], five[1], five[2]
	ann.refused("", ann.room, mucx.AdminQuery{Items: []mucx.AdminItem{{Affiliation: mucx.Owner, JID: bob.jid.Bare()}}})
	ann.awaitModerator(bob.occupant())

	// The lobby, as clients make it.
	members := mucx.AdminQuery{}
	for _, p := range five[2:] {
		members.Items = append(members.Items, mucx.AdminItem{Affiliation: "member", JID: p.jid.Bare()})
	}
	ann.refused("", ann.room, members)
	ann.refused("", ann.room, mucx.OwnerQuery{Form: &form.Data{Type: form.Submit, Fields: []form.Field{
		{Var: "FORM_TYPE", Values: []string{"http://jabber.org/protocol/muc#roomconfig"}},
		{Var: "muc#roomconfig_membersonly", Values: []string{"true"}},
	}}})
	lobby := jid.MustParse("demo@lobby.meet.jitsi")
	knocks := func(p *peer, nick string) {
		type name struct {
			XMLName xml.Name `xml:"http://jabber.org/protocol/nick nick"`
			Text    string   `xml:",chardata"`
		}
		p.send(stanza.Presence{To: jid.MustParse(lobby.String() + "/" + nick), Children: p.encode(mucx.Join{}, name{Text: "Gus"})})
		p.await("the lobby", func(e stanza.Element) bool {
			return e.XMLName.Local == "presence" && e.Attribute("from") == lobby.String()+"/"+nick && e.Attribute("type") == ""
		})
	}
	knocks(ann, "0a0a0a0a")
	gus := w.guest(9000, classicJSON())
	gus.room = ann.room
	knocks(gus, "9b9b9b9b")
	ann.await("a knock", func(e stanza.Element) bool { return e.Attribute("from") == lobby.String()+"/9b9b9b9b" })
	b.await("all five", func() bool {
		return len(b.endpoints()) == 5 && !slices.ContainsFunc(five, func(p *peer) bool { return len(names(b.endpoints()[p.nick()])) != 2 })
	})
	chat("before", ann, five...)
	before := ann.roles()
	if before[ann.nick()] != mucx.Moderator || before[bob.nick()] != mucx.Moderator || before[cy.nick()] != mucx.Participant || len(before) != 6 {
		t.Fatalf("roles are %v", before)
	}

	var old []*websocket.Conn
	for _, p := range five {
		old = append(old, p.connection())
	}
	w.signaling.kill()
	killed := time.Now()
	w.signaling.start()
	for i, p := range five {
		p.resumes(old[i])
	}
	for _, p := range five {
		chat("signaling is back, says "+p.nick(), p, five...)
	}
	if took := time.Since(killed); took > 3*time.Second {
		t.Errorf("all are back after %v", took)
	}

	w.focus.kill()
	killed = time.Now()
	w.focus.start()
	bob.refused("", bob.focus(), jitsimeet.Mute{XMLName: xmlName(jitsimeet.NSMuteAudio, "mute"), JID: cy.occupant(), Value: "true"})
	cy.await("the order to mute", func(e stanza.Element) bool { return muteOf(e) != nil })
	if took := time.Since(killed); took > 3*time.Second {
		t.Errorf("the focus obeys after %v", took)
	}

	if after := ann.roles(); len(after) != len(before) {
		t.Errorf("roles are %v, were %v", after, before)
	} else {
		for nick, role := range before {
			if after[nick] != role {
				t.Errorf("%s is %s, was %s", nick, after[nick], role)
			}
		}
	}
	ann.never("the guest's leave", func(e stanza.Element) bool {
		return e.Attribute("from") == lobby.String()+"/9b9b9b9b" && e.Attribute("type") == stanza.Unavailable
	})
	for _, p := range five {
		p.never("the focus's leave", leaves("focus"))
		p.never("the end of a session", func(e stanza.Element) bool { return actionOf(e) == jingle.SessionTerminate })
	}

	// And then the guest is let in.
	ann.send(stanza.Message{To: ann.room, Children: ann.encode(mucx.User{Invites: []mucx.Invite{{To: gus.jid}}})})
	gus.await("the invitation", func(e stanza.Element) bool {
		return e.XMLName.Local == "message" && e.Attribute("from") == ann.room.String()
	})
	gus.join("demo")
	gus.accept(gus.jingle(jingle.SessionInitiate))
	b.await("the guest", func() bool { return len(names(b.endpoints()[gus.nick()])) == 2 })
}

// A focus whose snapshots are gone finds its rooms with signaling, and invites
// who is there; nobody sees it leave.
func TestSnapshotsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.bridge("b1")
	ann, bob := w.guest(1000, classicJSON()), w.guest(2000, classicJSON())
	offers := meet(ann, bob, "demo")
	b.await("both", func() bool {
		return len(names(b.endpoints()[ann.nick()])) == 2 && len(names(b.endpoints()[bob.nick()])) == 2
	})
	w.focus.kill()
	if err := os.RemoveAll(w.path("focus")); err != nil {
		t.Fatal(err)
	}
	w.focus.start()
	for i, p := range []*peer{ann, bob} {
		offer := p.jingle(jingle.SessionInitiate)
		if offer.SID == offers[i].SID {
			t.Errorf("%s is invited to its old session", p.nick())
		}
		p.accept(offer)
	}
	b.await("both again", func() bool {
		return len(names(b.endpoints()[ann.nick()])) == 2 && len(names(b.endpoints()[bob.nick()])) == 2
	})
	ann.never("the focus's leave", leaves("focus"))
	// A stranger learns nothing of rooms.
	if a := bob.ask(jid.MustParse(mucDomain), stanza.Get, stanza.Element{XMLName: xmlName("http://jabber.org/protocol/disco#items", "query")}); a.Error != nil || strings.Contains(string(a.Payload().Inner), "demo") {
		t.Errorf("bob is told of rooms: %+v", a)
	}
}
