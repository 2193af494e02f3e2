package muc

import (
	"encoding/json"
	"encoding/xml"

	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

// A room for members only has a lobby: a room of the same name at another
// address, where those wait who want to be let in. Affiliations are the main
// room's, so its owners moderate the lobby: they see who waits and may write to
// them. Those who wait see nobody and hear only owners. An owner lets somebody
// in by an invitation through the main room, which makes them a member, and
// sends them away by a kick.

// kindLobby is the type of the identity, and the node, by which clients find it.
const kindLobby = "lobbyrooms"

// home is the room whose affiliations count.
func (r *Room) home() *Room {
	if r.main != nil {
		return r.main
	}
	return r
}

// family are the rooms that share affiliations with r, the main one first.
func (r *Room) family() []*Room {
	h := r.home()
	all := []*Room{h}
	if h.lobby != nil {
		all = append(all, h.lobby)
	}
	return append(all, h.branches...)
}

// hears tells whether o is told what somebody says.
func (o *Occupant) hears(by *Occupant) bool {
	return !o.room.service.Waiting || o == by || o.role == muc.Moderator || by.role == muc.Moderator
}

// sees tells whether o is told of p's presence: owners need not see each other in
// the lobby, they do in the main room.
func (o *Occupant) sees(p *Occupant) bool {
	return !o.room.service.Waiting || o.role == muc.Moderator && p.role != muc.Moderator
}

// openLobby makes the lobby of a room that is for members only from now on.
func (r *Room) openLobby() {
	sv := r.service.Lobby
	if sv == nil || r.lobby != nil {
		return
	}
	addr, err := jid.New(r.addr.Local(), sv.Domain, "")
	if err != nil {
		return // the main room has this name, so it is one
	}
	r.lobby = sv.create(addr)
	r.lobby.main = r
}

// closeLobby sends everybody who waits to the main room, which is open, or
// away with it.
func (r *Room) closeLobby(open bool) {
	l := r.lobby
	if l == nil {
		return
	}
	r.lobby = nil
	elsewhere := jid.JID{}
	if open {
		elsewhere = r.addr
	}
	if len(l.occupants) == 0 {
		l.service.close(l)
		return
	}
	l.destroy(nil, elsewhere, "Lobby room closed.")
}

// kept tells whether the room exists without anybody in it.
func (r *Room) kept() bool { return r.held || r.main != nil && r.main.lobby == r }

// knock refuses a stranger, who is told where to wait.
func (r *Room) knock(name string) *stanza.Error {
	if r.lobby != nil && name == "" {
		return nameless()
	}
	e := stanza.NewError(stanza.RegistrationRequired, "")
	e.Code = "407"
	if r.lobby != nil {
		where := stanza.Element{Inner: wire.Escape(r.lobby.addr.String())}
		where.XMLName.Space, where.XMLName.Local = nsJitmeet, "lobbyroom"
		e.Specific = append(e.Specific, where)
	}
	return e
}

func nameless() *stanza.Error {
	e := stanza.NewError(stanza.NotAcceptable, "")
	e.Code = "406"
	required := stanza.Element{Attr: []xml.Attr{{Name: xml.Name{Local: "lobby"}, Value: "true"}}}
	required.XMLName.Space, required.XMLName.Local = nsJitmeet, "displayname-required"
	e.Specific = append(e.Specific, required)
	return e
}

// invite lets people in who wait in the lobby. Nobody else can be invited: a
// server that passes on invitations to anybody passes on spam.
func (r *Room) invite(m Member, st *wire.Stanza) *stanza.Error {
	c, _ := st.Find(muc.NSUser, "x")
	var x muc.User
	if err := st.Decode(c, &x); err != nil || len(x.Invites) == 0 {
		return stanza.NewError(stanza.BadRequest, "")
	}
	if power(r.affiliation(m.Addr(), m.Rank())) < power(muc.Admin) {
		return stanza.NewError(stanza.Forbidden, "only moderators let people in")
	}
	if r.lobby == nil {
		return stanza.NewError(stanza.ItemNotFound, "nobody waits")
	}
	by := r.of(m)
	if by == nil {
		by = r.lobby.of(m) // from a breakout room
	}
	if by == nil {
		return stanza.NewError(stanza.NotAcceptable, "only occupants may send here")
	}
	var e *stanza.Error
	for _, i := range x.Invites {
		guest := r.lobby.waiting(i.To)
		if guest == nil {
			e = stanza.NewError(stanza.ItemNotFound, "nobody of this address waits")
			continue
		}
		if guest.affiliation() == muc.NoAffiliation {
			r.apply(change{by: by, addr: guest.addr.Bare(), affiliation: muc.Member})
		}
		invitation := `<x xmlns="http://jabber.org/protocol/muc#user"><invite from="` + string(wire.Escape(m.Addr().Bare().String())) + `"><reason/></invite></x></message>`
		guest.send(&wire.Out{Head: wire.Head{Kind: wire.Message, From: r.escaped}.Bytes(), Body: []byte(invitation)})
		r.announce(m, "LOBBY-ACCESS-GRANTED", guest.room.addr.String()+"/"+guest.nick, guest.name)
	}
	return e
}

// waiting finds somebody by the address of its session.
func (r *Room) waiting(addr jid.JID) *Occupant {
	for _, o := range r.occupants {
		if !addr.IsZero() && (o.addr == addr || o.addr.Bare() == addr) {
			return o
		}
	}
	return nil
}

// announce tells the main room what has been decided about its lobby.
func (r *Room) announce(by Member, event string, value any, name string) {
	b, err := json.Marshal(struct {
		Type  string `json:"type"`
		Event string `json:"event"`
		Value any    `json:"value"`
		Name  string `json:"name,omitempty"`
	}{"lobby-notify", event, value, name})
	if err != nil {
		return // text and booleans
	}
	from := r.escaped
	if o := r.of(by); o != nil {
		from = o.from
	}
	body := append([]byte(`<json-message xmlns="`+nsJitmeet+`">`), wire.Escape(wire.JSON(b))...)
	r.broadcast(&wire.Out{
		Head: wire.Head{Kind: wire.Message, From: from, Type: stanza.GroupChat}.Bytes(),
		Body: append(body, "</json-message></message>"...),
	})
}
