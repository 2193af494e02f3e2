package main

import (
	"fmt"
	"strings"
	"testing"

	"meetbox.local/signaling/xmpp/convo"
)

// lock is how a room is closed.
type lock struct {
	name            string
	password, lobby bool
}

// joiner is what somebody was to a room before it was closed.
type joiner struct {
	name        string
	affiliation string
	kicked      bool
	admitted    bool // from the lobby
	account     bool // logs in by a password, which is no reason to be let in
}

// verdict is what the rules say: "" lets in.
func (j joiner) verdict(l lock, right bool) string {
	switch {
	case j.affiliation == "outcast":
		return "forbidden"
	case j.affiliation == "owner":
		return ""
	case l.lobby && (j.affiliation == "member" || j.admitted):
		return ""
	case l.password && right:
		return ""
	case l.lobby:
		return "registration-required"
	case l.password:
		return "not-authorized"
	}
	return ""
}

// TestLobbyMatrix: whoever somebody was, and whatever is said, the lock of a
// room opens for those for whom it is meant, and for nobody else. (Others had
// it open for early arrivals, by spelling, or closed to owners.)
func TestLobbyMatrix(t *testing.T) {
	t.Parallel()
	joiners := []joiner{
		{name: "stranger"}, {name: "member", affiliation: "member"}, {name: "other", affiliation: "owner"}, {name: "banned", affiliation: "outcast"},
		{name: "kicked", kicked: true}, {name: "admitted", admitted: true}, {name: "oslo", account: true},
	}
	for _, l := range []lock{{"open", false, false}, {"password", true, false}, {"lobby", false, true}, {"both", true, true}} {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			convo.PlayText(t, newWorld(t), l.name, l.play(joiners))
		})
	}
}

const lobbyRoom = "demo@muc.meet.jitsi"

// play writes the conversation of a lock with all joiners.
func (l lock) play(joiners []joiner) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	admin := func(id, item string) {
		say(`ann> <iq type="set" to="%s" id="%s"><query xmlns="http://jabber.org/protocol/muc#admin">%s</query></iq>`, lobbyRoom, id, item)
		say(`ann<~ <iq type="result" id="%s"/>`, id)
	}
	enter := func(who, room, x string) {
		say(`%[1]s> <presence to="%[2]s/%[1]s"><x xmlns="http://jabber.org/protocol/muc">%[3]s</x><nick xmlns="http://jabber.org/protocol/nick">Somebody</nick></presence>`, who, room, x)
	}
	in := func(who, room string) {
		say(`%[1]s<~ <presence from="%[2]s/%[1]s"><x xmlns="http://jabber.org/protocol/muc#user"><status code="110"/></x></presence>`, who, room)
	}
	leave := func(who, room string) {
		say(`%[1]s> <presence type="unavailable" to="%[2]s/%[1]s"/>`, who, room)
		say(`%[1]s<~ <presence type="unavailable" from="%[2]s/%[1]s"/>`, who, room)
	}
	say("focus: tcp focus\nann: websocket")
	say(`focus> <presence to="%s/focus"><x xmlns="http://jabber.org/protocol/muc"/></presence>`, lobbyRoom)
	say(`focus<~ <presence from="%s/focus"/>`, lobbyRoom)
	enter("ann", lobbyRoom, "")
	in("ann", lobbyRoom)
	say(`focus> <iq type="set" to="%s" id="own"><query xmlns="http://jabber.org/protocol/muc#admin"><item affiliation="owner" jid="${ann.bare}"/></query></iq>`, lobbyRoom)
	say(`ann<~ <presence from="%s/ann"><x xmlns="http://jabber.org/protocol/muc#user"><item affiliation="owner"/></x></presence>`, lobbyRoom)

	// All were there early, while the room was open, and then what makes them different.
	for _, j := range joiners {
		if j.account {
			say("%s: login %[1]s desk", j.name)
		} else {
			say("%s: websocket", j.name)
		}
		enter(j.name, lobbyRoom, "")
		in(j.name, lobbyRoom)
		switch {
		case j.affiliation != "":
			admin(j.name, fmt.Sprintf(`<item affiliation="%s" jid="${%s.bare}"/>`, j.affiliation, j.name))
		case j.kicked:
			admin(j.name, fmt.Sprintf(`<item nick="%s" role="none"/>`, j.name))
		}
		if j.affiliation != "outcast" && !j.kicked {
			leave(j.name, lobbyRoom)
		}
	}
	say(`ann> <iq type="set" to="%s" id="lock"><query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit">`, lobbyRoom)
	say(`  <field var="FORM_TYPE"><value>http://jabber.org/protocol/muc#roomconfig</value></field>`)
	if l.password {
		say(`  <field var="muc#roomconfig_roomsecret"><value>sesame</value></field>`)
	}
	say(`  <field var="muc#roomconfig_membersonly"><value>%t</value></field></x></query></iq>`, l.lobby)
	say(`ann<~ <iq type="result" id="lock"/>`)
	for _, j := range joiners {
		if j.admitted && l.lobby {
			enter(j.name, "demo@lobby.meet.jitsi", "")
			in(j.name, "demo@lobby.meet.jitsi")
			say(`ann> <message to="%s"><x xmlns="http://jabber.org/protocol/muc#user"><invite to="${%s.jid}"/></x></message>`, lobbyRoom, j.name)
			say(`%s<~ <message from="%s"><x xmlns="http://jabber.org/protocol/muc#user"><invite/></x></message>`, j.name, lobbyRoom)
			leave(j.name, "demo@lobby.meet.jitsi")
		}
		j.admitted = j.admitted && l.lobby
		for _, password := range []string{"", "<password/>", "<password>guess</password>", "<password>SESAME</password>", "<password>sesame</password>"} {
			enter(j.name, lobbyRoom, password)
			condition := j.verdict(l, strings.Contains(password, "sesame"))
			if condition != "" {
				say(`%[1]s<~ <presence type="error" from="%[2]s/%[1]s"><error><%[3]s xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></presence>`, j.name, lobbyRoom, condition)
				continue
			}
			in(j.name, lobbyRoom)
			leave(j.name, lobbyRoom)
		}
	}
	return b.String()
}
