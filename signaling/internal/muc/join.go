package muc

import (
	"regexp"

	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/internal/xmlscan"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

const (
	nsJitmeet = "http://jitsi.org/jitmeet"
	nsDelay   = "urn:xmpp:delay"
	nsNick    = "http://jabber.org/protocol/nick"
	// Jitsi's clients read from it how the sender of a message is called.
	nsDisplayName = "http://jitsi.org/protocol/display-name"
	nsSID         = "urn:xmpp:sid:0"
)

// nickRule is what may be an endpoint's id: it becomes part of source names,
// URLs and statistics.
var nickRule = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_]{0,63}$`)

// reserved nicks mean something to every client: the focus, and the owner of
// the bridge's own sources.
func reserved(nick string) bool { return nick == "focus" || nick == "jvb" }

// split takes what a client may say about itself out of a presence: the
// children that go before the room's own <x/>, and other <x/> after it. What
// only the room or the server may say is left out.
func split(st *wire.Stanza) (before, after []byte) {
	for _, c := range st.Children() {
		b := st.Bytes(c)
		switch string(c.Local) {
		case "x":
			if ns := string(c.NS); ns != muc.NS && ns != muc.NSUser {
				after = append(after, b...)
			}
		case "identity", "permissions":
			if ns := string(c.NS); ns != stanza.NS && ns != nsJitmeet {
				before = append(before, b...)
			}
		default:
			before = append(before, b...)
		}
	}
	return before, after
}

// available is a join, or an update of an occupant's presence.
func (sv *Service) available(m Member, room *Room, o *Occupant, st *wire.Stanza) {
	c, joining := st.Find(muc.NS, "x")
	nick := st.To.Resource()
	switch {
	case o != nil && nick != o.nick:
		sv.refuse(m, st, stanza.NewError(stanza.NotAllowed, "Nickname cannot be changed"), echoX)
	case o != nil && !joining:
		o.take(st)
		if o.renamed {
			sv.env.Event("participant renamed", "room", room.addr.String(), "meeting", room.meeting, "endpoint", nick, "name", o.name)
		}
		o.publish(st.ID, note{})
		o.changed(o.role)
	case o != nil: // joined already, and has lost track
		o.take(st)
		room.welcome(o, st.ID, false, nil)
	case !joining:
		sv.refuse(m, st, stanza.NewError(stanza.ItemNotFound, "not in the room"))
	default:
		var x muc.Join
		if err := st.Decode(c, &x); err != nil {
			sv.refuse(m, st, stanza.NewError(stanza.BadRequest, ""), echoX)
			return
		}
		sv.join(m, room, st, x)
	}
}

var echoX = []byte(`<x xmlns="http://jabber.org/protocol/muc"/>`)

// join lets m in, or answers why not.
func (sv *Service) join(m Member, room *Room, st *wire.Stanza, x muc.Join) {
	nick := st.To.Resource()
	if room != nil {
		if o := room.nicks[nick]; o != nil && o.member == nil && o.addr == m.Addr() {
			if x.Continue != nil {
				room.takeOver(o, m, st)
				return
			}
			// It knows nothing of its meeting: everybody sees it leave, and come.
			room.drop(o, exit{reason: "has forgotten the meeting"})
			room = sv.rooms[room.addr]
		}
	}
	name := ""
	if c, ok := st.Find(nsNick, "nick"); ok {
		name = xmlscan.Text(st.Bytes(c))
	}
	if e := sv.admit(m, st.To.Bare(), room, nick, name, x); e != nil {
		sv.env.Event("join refused", "room", st.To.Bare().String(), "jid", m.Addr().String(), "endpoint", nick,
			"condition", string(e.Condition), "reason", e.Text)
		sv.refuse(m, st, e, echoX)
		return
	}
	created := room == nil
	if created {
		room = sv.create(st.To.Bare())
		if !sv.Internal && m.Rank() != FocusBot {
			room.affiliations[m.Addr().Bare()] = muc.Owner
		}
	}
	if room.dormant() {
		room.wake()
	}
	sv.joins++
	o := &Occupant{
		room: room, number: sv.joins, nick: nick, from: wire.Escape(st.To.String()),
		member: m, addr: m.Addr(), escaped: m.Escaped(),
	}
	if d := sv.Door; d != nil && m.Rank() == Guest {
		room.open = true
		o.identity, o.permissions = d.Introduce(m)
		if d.Owns(m, room.addr) && room.affiliations[o.addr.Bare()] != muc.Outcast {
			room.affiliations[o.addr.Bare()] = muc.Owner
		}
	}
	if room.config.MembersOnly && m.Rank() == Guest && o.affiliation() == muc.NoAffiliation {
		room.affiliations[o.addr.Bare()] = muc.Member // it knew the password
	}
	o.role = room.roleOf(o.affiliation())
	o.take(st)
	if room.started.IsZero() && m.Rank() != FocusBot {
		room.started = sv.env.Now()
	}
	room.remember(o)
	room.occupants = append(room.occupants, o)
	room.nicks[nick] = o
	sv.at[m] = append(sv.at[m], o)
	room.welcome(o, st.ID, created, x.History)
	sv.env.Event("participant joined", "room", room.addr.String(), "meeting", room.meeting, "endpoint", nick, "jid", o.addr.String(), "name", o.name)
	room.enclose(o)
}

// admit says why m may not join, in the order of XEP-0045 §7.2.
func (sv *Service) admit(m Member, addr jid.JID, room *Room, nick, name string, x muc.Join) *stanza.Error {
	if nick == "" {
		return stanza.NewError(stanza.JIDMalformed, "a nickname is needed")
	}
	if !sv.Internal && m.Rank() != FocusBot && (reserved(nick) || !nickRule.MatchString(nick)) {
		return stanza.NewError(stanza.NotAllowed, "Nickname is not allowed")
	}
	if room == nil || room.dormant() {
		if sv.Internal || m.Rank() == FocusBot && sv.mayOpen(addr) {
			return nil
		}
		return withChild(stanza.NewError(stanza.NotAllowed, "Room creation is restricted"), "room-does-not-exist")
	}
	if d := sv.Door; d != nil {
		if e := d.Admit(m, addr, room.open); e != nil {
			return e
		}
	}
	a := room.affiliation(m.Addr(), m.Rank())
	if d := sv.Door; d != nil && a != muc.Outcast && d.Owns(m, addr) {
		a = muc.Owner
	}
	trusted := m.Rank() != Guest || room.known(m.Addr()) && !sv.Waiting
	switch {
	case a == muc.Outcast:
		return stanza.NewError(stanza.Forbidden, "")
	case sv.MainOf != nil && !trusted && a == muc.NoAffiliation:
		return stanza.NewError(stanza.NotAllowed, "this room is for those who were in the main room")
	case room.config.MembersOnly && a == muc.NoAffiliation && !trusted && (room.config.Password == "" || x.Password != room.config.Password):
		return room.knock(name)
	case sv.Waiting && name == "" && power(a) < power(muc.Admin):
		return nameless()
	case room.config.Password != "" && x.Password != room.config.Password && !trusted && a != muc.Owner && (a != muc.Member || !room.config.MembersOnly):
		return stanza.NewError(stanza.NotAuthorized, "")
	case room.nicks[nick] != nil, !sv.Waiting && room.taken(nick, m.Addr()):
		return stanza.NewError(stanza.Conflict, "")
	case m.Rank() == Guest && a != muc.Owner && room.people() >= room.limit():
		return stanza.NewError(stanza.ServiceUnavailable, "the room is full")
	}
	return nil
}

// Guess tells whether a stanza is a join that hangs on its password, and whether
// that is the right one. Nothing changes.
func (sv *Service) Guess(m Member, st *wire.Stanza) (right, hangs bool) {
	if st.Kind != wire.Presence || st.Type != "" {
		return false, false
	}
	room := sv.rooms[st.To.Bare()]
	if room == nil || room.dormant() || room.config.Password == "" || room.of(m) != nil {
		return false, false
	}
	c, ok := st.Find(muc.NS, "x")
	var x muc.Join
	if !ok || st.Decode(c, &x) != nil || x.Password == "" {
		return false, false
	}
	// Whom it is not asked of, or who would not be let in with it, guesses nothing.
	with := func(password string) bool {
		return sv.admit(m, room.addr, room, st.To.Resource(), "a name", muc.Join{Password: password}) == nil
	}
	return x.Password == room.config.Password, !with("") && with(room.config.Password)
}

// people are the occupants without the box's own accounts.
func (r *Room) people() (n int) {
	for _, o := range r.occupants {
		if o.rank() == Guest {
			n++
		}
	}
	return n
}

// mayOpen tells whether the focus may make a room of this address. A lobby
// opens with its main room's consent only, and a breakout room must be known.
func (sv *Service) mayOpen(addr jid.JID) bool {
	return !sv.Waiting && (sv.MainOf == nil || sv.MainOf(addr) != nil)
}

func withChild(e *stanza.Error, name string) *stanza.Error {
	var c stanza.Element
	c.XMLName.Space, c.XMLName.Local = nsJitmeet, name
	e.Specific = append(e.Specific, c)
	return e
}

// take keeps a presence.
func (o *Occupant) take(st *wire.Stanza) {
	o.before, o.after = split(st)
	o.lang, o.decls = clone(st.Lang), st.Decls()
	before := o.name
	defer func() { o.renamed = o.name != before }()
	o.name = ""
	if c, ok := st.Find(nsNick, "nick"); ok {
		o.name = xmlscan.Text(st.Bytes(c))
	}
}

func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}

// welcome tells a joiner who is there, the others of the joiner, and the
// joiner that it is in: in this order, which clients rely on.
func (r *Room) welcome(o *Occupant, id []byte, created bool, past *muc.History) {
	for _, p := range r.occupants {
		switch {
		case p == o || !o.sees(p):
		case o.rank() == FocusBot:
			o.send(p.forFocus(p.shown, note{}))
		default:
			o.send(p.shown)
		}
	}
	n := note{codes: []int{muc.StatusNonAnonymous}}
	if created {
		n.codes = append(n.codes, muc.StatusCreated)
	}
	w := r.service.Watcher
	if w != nil {
		w.Entering(o)
	}
	o.publish(id, n)
	r.tellPast(o, past)
	if r.subject != nil {
		o.send(r.subject)
	} else {
		o.send(&wire.Out{
			Head: wire.Head{Kind: wire.Message, From: r.escaped, Type: stanza.GroupChat}.Bytes(),
			Body: []byte("<subject/></message>"),
		})
	}
	if w != nil {
		w.Entered(o)
	}
}

// takeOver gives a lingering occupant to a new session, which says that it
// continues.
func (r *Room) takeOver(o *Occupant, m Member, st *wire.Stanza) {
	held := o.held
	o.member, o.held, o.until = m, nil, r.created // any past time; it does not linger
	o.escaped = m.Escaped()
	r.service.joins++
	o.number = r.service.joins
	r.service.at[m] = append(r.service.at[m], o)
	o.take(st)
	r.welcome(o, st.ID, false, nil)
	for _, out := range held {
		o.send(out)
	}
	r.service.env.Event("focus is back", "room", r.addr.String(), "jid", o.addr.String(), "held", len(held))
}
