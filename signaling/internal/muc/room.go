package muc

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

// maxHeld bounds what waits for an occupant that lingers.
const maxHeld = 256

// Room is one room. It exists while somebody is in it.
type Room struct {
	service *Service
	number  uint32 // order of creation
	addr    jid.JID
	escaped []byte
	created time.Time
	started time.Time // first occupant beside the focus; zero until then
	meeting string    // a UUID, the meeting's name in statistics and on bridges

	config   config
	saved    bool               // is in the store
	history  []pastMessage      // for who joins
	lobby    *Room              // where people wait for this one; nil without
	main     *Room              // whose lobby or breakout room this is; nil if it is neither
	branches []*Room            // breakout rooms with somebody in them
	open     bool               // somebody has entered who may open it
	encloses bool               // a lobby opens with the first moderator
	held     bool               // exists without occupants: it has breakout rooms
	guests   map[jid.JID]string // nicks, by bare address, of who was let in since it has them
	subject  *wire.Out          // as it was sent to the occupants

	affiliations map[jid.JID]muc.Affiliation // of bare addresses; the focus has its own rule
	occupants    []*Occupant                 // in the order of joining
	nicks        map[string]*Occupant
}

// Occupant is one participant of a room.
type Occupant struct {
	room    *Room
	number  uint32 // order of joining, over all rooms
	nick    string
	from    []byte // room/nick, escaped
	member  Member // nil while lingering
	addr    jid.JID
	escaped []byte // addr
	role    muc.Role
	name    string // that people see, by its own presence
	renamed bool   // by its last one

	// The last presence: children before and after the room's own, which must
	// be the first <x/> of all and come after any <status/>.
	before, after []byte
	lang, decls   []byte
	identity      []byte    // what the server knows of it, in elements
	permissions   []byte    // what it is told about itself
	shown         *wire.Out // as everybody else was told

	until time.Time   // end of lingering
	held  []*wire.Out // for the session that takes over
}

// of finds the occupant of a session.
func (r *Room) of(m Member) *Occupant {
	for _, o := range r.service.at[m] {
		if o.room == r {
			return o
		}
	}
	return nil
}

// affiliation of a bare address. The focus owns every room, and so do the
// box's own accounts in an internal one.
func (r *Room) affiliation(addr jid.JID, rank Rank) muc.Affiliation {
	if rank == FocusBot || r.service.Internal {
		return muc.Owner
	}
	if a, ok := r.home().affiliations[addr.Bare()]; ok {
		return a
	}
	return muc.NoAffiliation
}

func (o *Occupant) affiliation() muc.Affiliation {
	return o.room.affiliation(o.addr, o.rank())
}

// rank of an occupant; only the focus lingers.
func (o *Occupant) rank() Rank {
	if o.member == nil {
		return FocusBot
	}
	return o.member.Rank()
}

// defaultRole is what an affiliation brings along.
func defaultRole(a muc.Affiliation) muc.Role {
	switch a {
	case muc.Owner, muc.Admin:
		return muc.Moderator
	case muc.Outcast:
		return muc.NoRole
	}
	return muc.Participant
}

func (o *Occupant) send(out *wire.Out) {
	if o.member != nil {
		o.member.Send(out)
	}
}

// sendOrHold is for what nobody repeats: iqs and private messages.
func (o *Occupant) sendOrHold(out *wire.Out) bool {
	switch {
	case o.member != nil:
		o.member.Send(out)
	case len(o.held) < maxHeld:
		// The head alone is taken: the new session has the same address.
		o.held = append(o.held, out)
	default:
		o.room.service.env.Count("held_overflow")
		return false
	}
	return true
}

// note is what the room says about an occupant, beside its item.
type note struct {
	codes  []int
	actor  string
	reason string
	extra  string // raw XML in the x, after the item
}

// mark renders the room's part of a presence of o.
func (o *Occupant) mark(a muc.Affiliation, role muc.Role, n note) []byte {
	b := fmt.Appendf(make([]byte, 0, 256), `<x xmlns="http://jabber.org/protocol/muc#user"><item affiliation="%s" role="%s" jid="%s"`, a, role, o.escaped)
	if n.actor == "" && n.reason == "" {
		b = append(b, "/>"...)
	} else {
		b = append(b, '>')
		if n.actor != "" {
			b = fmt.Appendf(b, `<actor nick="%s"/>`, wire.Escape(n.actor))
		}
		if n.reason != "" {
			b = fmt.Appendf(b, `<reason>%s</reason>`, wire.Escape(n.reason))
		}
		b = append(b, "</item>"...)
	}
	b = append(b, n.extra...)
	for _, c := range n.codes {
		b = append(append(append(b, `<status code="`...), strconv.Itoa(c)...), `"/>`...)
	}
	return append(b, "</x>"...)
}

// presence renders an available presence of o.
func (o *Occupant) presence(id []byte, n note) *wire.Out {
	mark := o.mark(o.affiliation(), o.role, n)
	self := slices.Contains(n.codes, muc.StatusSelf)
	size := len(o.before) + len(o.identity) + len(mark) + len(o.after) + len(endPresence)
	if self {
		size += len(o.permissions)
	}
	body := append(append(make([]byte, 0, size), o.before...), o.identity...)
	if self {
		body = append(body, o.permissions...)
	}
	body = append(append(append(body, mark...), o.after...), endPresence...)
	return &wire.Out{
		Head: wire.Head{Kind: wire.Presence, From: o.from, ID: id, Lang: o.lang, Decls: o.decls}.Bytes(),
		Body: body,
	}
}

// show renders what others are told, which then is the only copy of what the
// occupant has said.
func (o *Occupant) show() {
	o.shown = o.presence(nil, note{})
	body := o.shown.Body
	o.before = body[:len(o.before):len(o.before)]
	end := len(body) - len(endPresence)
	o.after = body[end-len(o.after) : end : end]
}

const endPresence = "</presence>"

// publish tells everybody the presence of o, itself last.
func (o *Occupant) publish(id []byte, n note) {
	o.show()
	out := o.shown
	if n.actor != "" || n.reason != "" { // news, nothing for who joins later
		out = o.presence(nil, note{actor: n.actor, reason: n.reason})
	}
	for _, p := range o.room.occupants {
		switch {
		case p == o || !p.sees(o):
		case p.rank() == FocusBot:
			p.send(o.forFocus(out, n))
		default:
			p.send(out)
		}
	}
	n.codes = append(slices.Clone(n.codes), muc.StatusSelf)
	o.send(o.presence(id, n))
}

// forFocus renders what the focus is told of an occupant: what everybody is,
// and at which of the box's addresses its connection came in, so that its
// media is tried there first.
func (o *Occupant) forFocus(out *wire.Out, n note) *wire.Out {
	if o.member == nil || !o.member.Reached().IsValid() {
		return out
	}
	return o.presence(nil, note{actor: n.actor, reason: n.reason, extra: `<reached xmlns="https://meetbox.local/focus">` + o.member.Reached().String() + `</reached>`})
}

// exit is why and how an occupant goes.
type exit struct {
	note
	reason  string // for the log
	ended   bool   // the room is gone, and its affiliations with it
	id      []byte
	content []byte // children of the occupant's own last presence
	decls   []byte
}

// drop takes o out of its room and tells everybody, o itself last.
func (r *Room) drop(o *Occupant, e exit) {
	a := o.affiliation()
	if e.ended {
		a = muc.NoAffiliation
	}
	r.forget(o)
	out := func(id []byte, n note) *wire.Out {
		mark := o.mark(a, muc.NoRole, n)
		body := append(append(append(make([]byte, 0, len(e.content)+len(mark)+16), e.content...), mark...), "</presence>"...)
		return &wire.Out{
			Head: wire.Head{Kind: wire.Presence, From: o.from, ID: id, Type: stanza.Unavailable, Decls: e.decls}.Bytes(),
			Body: body,
		}
	}
	others := out(nil, e.note)
	for _, p := range r.occupants {
		if p.sees(o) {
			p.send(others)
		}
	}
	self := e.note
	self.codes = append(slices.Clone(self.codes), muc.StatusSelf)
	o.send(out(e.id, self))
	args := []any{"room", r.addr.String(), "meeting", r.meeting, "endpoint", o.nick, "jid", o.addr.String(), "name", o.name, "reason", e.reason}
	if e.actor != "" {
		args = append(args, "actor", e.actor)
	}
	r.service.env.Event("participant left", args...)
	if len(r.nicks) == 0 && !r.kept() {
		r.service.close(r)
	}
	if w := r.service.Watcher; w != nil {
		w.Left(o)
	}
}

// forget removes o from the tables.
func (r *Room) forget(o *Occupant) {
	delete(r.nicks, o.nick)
	r.occupants = slices.DeleteFunc(r.occupants, func(p *Occupant) bool { return p == o })
	o.unbind()
}

func (o *Occupant) unbind() {
	if o.member == nil {
		return
	}
	at := o.room.service.at
	rest := slices.DeleteFunc(at[o.member], func(p *Occupant) bool { return p == o })
	if len(rest) == 0 {
		delete(at, o.member)
	} else {
		at[o.member] = rest
	}
}

// linger keeps o without a session.
func (o *Occupant) linger(until time.Time) {
	o.unbind()
	o.member, o.until = nil, until
	o.room.service.env.Event("focus lost, its place is kept", "room", o.room.addr.String(), "jid", o.addr.String())
}

// leave is o's own wish.
func (r *Room) leave(o *Occupant, st *wire.Stanza) {
	before, after := split(st)
	content := append(slices.Clone(before), after...)
	r.drop(o, exit{reason: "left", id: st.ID, content: content, decls: st.Decls()})
}
