package muc

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"meetbox.local/signaling/internal/store"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/disco"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

// Rank is what a session may do beyond its affiliations.
type Rank uint8

// The ranks.
const (
	Guest    Rank = iota + 1
	Trusted       // an account of the box itself, such as a bridge: no password asked
	FocusBot      // the account that makes rooms and owns them
)

// Member is a session as rooms see it. Members are compared by identity.
type Member interface {
	Addr() jid.JID
	Escaped() []byte // Addr, as it may stand in an attribute
	Rank() Rank
	Reached() netip.Addr // of the box, that its connection came in at; zero if unknown
	Send(*wire.Out)
}

// Env is what a service needs of the world around it.
type Env interface {
	Now() time.Time
	NewID() string // a UUID
	Stamp() uint32 // another one at each call
	Event(msg string, args ...any)
	Write(...store.Op)
	// Ask reads the store, later, and sends what f returns.
	Ask(m wire.Recipient, f func(store.Reader) []*wire.Out)
	Count(what string) // a metric of things dropped or refused
}

// Watcher is told what happens in rooms, at the moment it happens.
type Watcher interface {
	// Entering comes after a joiner was told of the others and before it is
	// told that it is in; Entered after that. Both come again for an occupant
	// that joins once more.
	Entering(*Occupant)
	Entered(*Occupant)
	// Changed comes after a presence was told to all; was is the role before.
	Changed(o *Occupant, was muc.Role)
	// Closed comes when a room gets a lobby, or loses it.
	Closed(r *Room, closed bool)
	// Left comes last of all; the room may have ended with it.
	Left(*Occupant)
}

// Door decides what affiliations do not.
type Door interface {
	// Admit says why somebody may not enter a room, which is open if somebody
	// is in it, or was, who may open it.
	Admit(m Member, room jid.JID, open bool) *stanza.Error
	// Owns tells whether somebody owns a room because of who it is.
	Owns(m Member, room jid.JID) bool
	// Introduce renders who somebody is known to be, for everybody, and what
	// it may do, for itself; nil for nothing.
	Introduce(m Member) (identity, permissions []byte)
	// Lasting tells whether an address is an account's, not a guest's.
	Lasting(addr jid.JID) bool
	// Appoints tells whether the focus may make somebody owner.
	Appoints(m Member, room jid.JID) bool
}

// Rules are the administrator's for all rooms of a service.
type Rules struct {
	MaxOccupants int  // of one room; 0: what the machine stands
	History      int  // messages that who joins is told
	Archive      bool // rooms may keep what is said
	Persistent   bool // rooms may last without anybody in them
	// Preset is what a room begins with; nil: nothing.
	Preset func(room jid.JID) Preset
}

// Options say what a service is for.
type Options struct {
	Domain       string
	Internal     bool          // for accounts of the box only; each of them may make rooms
	MaxOccupants int           // of one room, accounts of the box not counted
	Linger       time.Duration // how long the focus' occupant outlives its session
	Watcher      Watcher       // nil for none

	Door Door // nil: everybody may come in

	Lobby   *Service // where people wait for these rooms; nil if they cannot
	Main    *Service // the rooms that people wait for here
	Waiting bool     // the service is a lobby: see lobby.go

	// MainOf finds the main room of a breakout room that there may be, or nil;
	// nil for a service of other rooms. See branch.go.
	MainOf func(jid.JID) *Room
}

// Service is one address and its rooms.
type Service struct {
	Options
	Rules   Rules
	env     Env
	escaped []byte
	rooms   map[jid.JID]*Room
	at      map[Member][]*Occupant // in the order of joining
	joins   uint32
}

// New returns a service without rooms.
func New(o Options, env Env) *Service {
	return &Service{
		Options: o, env: env, escaped: wire.Escape(o.Domain),
		rooms: map[jid.JID]*Room{}, at: map[Member][]*Occupant{},
	}
}

// Rooms and Occupants are for metrics.
func (sv *Service) Rooms() (n int) {
	for _, r := range sv.rooms {
		if !r.dormant() {
			n++
		}
	}
	return n
}

// Occupants counts those of all rooms.
func (sv *Service) Occupants() (n int) {
	for _, r := range sv.rooms {
		n += len(r.occupants)
	}
	return n
}

// Handle takes a stanza that is addressed to the service or something in it.
func (sv *Service) Handle(m Member, st *wire.Stanza) {
	if sv.Internal && m.Rank() == Guest {
		sv.refuse(m, st, stanza.NewError(stanza.Forbidden, ""))
		return
	}
	if st.To.Local() == "" {
		sv.service(m, st)
		return
	}
	room := sv.rooms[st.To.Bare()]
	if st.Kind == wire.Presence {
		sv.presence(m, room, st)
		return
	}
	if room == nil || room.dormant() {
		sv.refuse(m, st, stanza.NewError(stanza.ItemNotFound, "no such room"))
		return
	}
	switch o := room.of(m); {
	case st.Kind == wire.Message && st.To.IsBare() && invitation(st) && !sv.Waiting:
		if e := room.invite(m, st); e != nil {
			sv.refuse(m, st, e)
		}
	case st.Kind == wire.IQ && st.To.IsBare():
		room.query(m, o, st)
	case o == nil:
		sv.refuse(m, st, stanza.NewError(stanza.NotAcceptable, "only occupants may send here"))
	case st.Kind == wire.IQ:
		room.relay(o, st)
	case st.To.IsBare():
		room.message(o, st)
	default:
		room.whisper(o, st)
	}
}

// refuse answers with an error, which comes from where the stanza went to.
func (sv *Service) refuse(m Member, st *wire.Stanza, e *stanza.Error, echo ...[]byte) {
	sv.env.Count("refused")
	if st.Answerable() {
		m.Send(wire.Failure(st, wire.Escape(st.To.String()), e, echo...))
	}
}

// service answers for the address itself.
func (sv *Service) service(m Member, st *wire.Stanza) {
	switch {
	case st.Type == stanza.Get && st.Is(disco.NSInfo, "query"):
		sv.discoInfo(m, st)
	case st.Type == stanza.Get && st.Is(disco.NSItems, "query"):
		m.Send(wire.Answer(st, sv.escaped, sv.items(m)))
	case st.Type == stanza.Get && st.Is(nsPing, "ping"):
		m.Send(wire.Result(st, sv.escaped))
	default:
		sv.refuse(m, st, stanza.NewError(stanza.ServiceUnavailable, ""))
	}
}

// items are the rooms, for the focus, which may have forgotten them; anybody
// else who does not know a room's name does not learn it here.
func (sv *Service) items(m Member) disco.Items {
	var out disco.Items
	if m.Rank() == FocusBot {
		for _, r := range sv.sorted() {
			out.Items = append(out.Items, disco.Item{JID: r.addr})
		}
	}
	return out
}

func (sv *Service) discoInfo(m Member, st *wire.Stanza) {
	var ask disco.Info
	if st.Decode(st.Children()[0], &ask) != nil {
		sv.refuse(m, st, stanza.NewError(stanza.BadRequest, ""))
		return
	}
	info := disco.Info{
		Node:       ask.Node,
		Identities: []disco.Identity{{Category: "conference", Type: "text", Name: "Meetings"}},
		Features:   disco.Features(muc.NS, disco.NSInfo, disco.NSItems),
	}
	kind := ""
	if sv.MainOf != nil {
		kind = kindBreakout
		info.Identities = []disco.Identity{{Category: "component", Type: kind, Name: sv.Domain}}
		info.Features = append(info.Features, disco.Features("http://jitsi.org/protocol/breakout_rooms", "http://jitsi.org/protocol/breakout_rooms#rename")...)
	}
	if sv.Waiting {
		kind = kindLobby
		info.Identities = []disco.Identity{{Category: "component", Type: kind, Name: sv.Domain}}
		info.Features = append(info.Features, disco.Features(
			"http://jitsi.org/protocol/lobbyrooms", "http://jitsi.org/protocol/lobbyrooms#displayname_required")...)
	}
	if ask.Node != "" && ask.Node != kind {
		sv.refuse(m, st, stanza.NewError(stanza.ItemNotFound, ""))
		return
	}
	m.Send(wire.Answer(st, sv.escaped, info))
}

// Identity is a lobby's line in the domain's disco#info.
func (sv *Service) Identity() disco.Identity {
	return disco.Identity{Category: "component", Type: kindLobby, Name: sv.Domain}
}

const nsPing = "urn:xmpp:ping"

func (sv *Service) presence(m Member, room *Room, st *wire.Stanza) {
	var o *Occupant
	if room != nil {
		o = room.of(m)
	}
	switch st.Type {
	case "":
		sv.available(m, room, o, st)
	case stanza.Unavailable:
		if o != nil {
			room.leave(o, st)
		}
	default:
		// Errors and subscriptions mean nothing to a room.
		sv.env.Count("ignored")
	}
}

// Gone takes a session's occupants out of its rooms, or lets them linger.
func (sv *Service) Gone(m Member, reason string) {
	for _, o := range slices.Clone(sv.at[m]) {
		if m.Rank() == FocusBot && !sv.Internal && sv.Linger > 0 {
			o.linger(sv.env.Now().Add(sv.Linger))
			continue
		}
		o.room.drop(o, exit{reason: reason})
	}
	delete(sv.at, m)
}

// Seat is where somebody is.
type Seat struct {
	Room    jid.JID
	Meeting string
	Nick    string
}

// Seats are somebody's places in rooms.
func (sv *Service) Seats(m Member) (out []Seat) {
	for _, o := range sv.at[m] {
		out = append(out, Seat{o.room.addr, o.room.meeting, o.nick})
	}
	return out
}

// Expire ends the lingering of occupants whose time is over.
func (sv *Service) Expire() {
	now := sv.env.Now()
	for _, r := range sv.sorted() {
		for _, o := range slices.Clone(r.occupants) {
			if o.member == nil && !o.until.After(now) {
				r.drop(o, exit{reason: "did not come back"})
			}
		}
	}
}

// NextExpiry is when Expire has something to do; zero if nothing lingers.
func (sv *Service) NextExpiry() (next time.Time) {
	for _, r := range sv.rooms {
		for _, o := range r.occupants {
			if o.member == nil && (next.IsZero() || o.until.Before(next)) {
				next = o.until
			}
		}
	}
	return next
}

// Prolong moves every lingering occupant's end to the given time: after a
// restart of the server all of its clients need longer to come back.
func (sv *Service) Prolong(until time.Time) {
	for _, r := range sv.rooms {
		for _, o := range r.occupants {
			if o.member == nil {
				o.until = until
			}
		}
	}
}

// sorted are the rooms in an order that a replay finds again.
func (sv *Service) sorted() []*Room {
	rooms := make([]*Room, 0, len(sv.rooms))
	for _, r := range sv.rooms {
		rooms = append(rooms, r)
	}
	slices.SortFunc(rooms, func(a, b *Room) int { return int(a.number) - int(b.number) })
	return rooms
}

// create makes a room for its first occupant.
func (sv *Service) create(addr jid.JID) *Room {
	r := &Room{
		service: sv, addr: addr, escaped: wire.Escape(addr.String()),
		created: sv.env.Now(), meeting: sv.env.NewID(),
		affiliations: map[jid.JID]muc.Affiliation{}, nicks: map[string]*Occupant{},
	}
	for _, other := range sv.rooms {
		r.number = max(r.number, other.number+1)
	}
	if sv.MainOf != nil {
		r.main = sv.MainOf(addr)
		r.main.branches = append(r.main.branches, r)
	}
	r.begin()
	sv.rooms[addr] = r
	sv.env.Event("room created", "room", addr.String(), "meeting", r.meeting)
	return r
}

// close forgets a room without occupants, or lets it sleep.
func (sv *Service) close(r *Room) {
	r.closeLobby(false)
	if r.config.Persistent && sv.Rules.Persistent {
		r.sleep()
	} else {
		r.erase()
		delete(sv.rooms, r.addr)
	}
	if r.main != nil {
		r.main.branches = slices.DeleteFunc(r.main.branches, func(b *Room) bool { return b == r })
	}
	sv.env.Event("room ended", "room", r.addr.String(), "meeting", r.meeting,
		"lasted", fmt.Sprint(sv.env.Now().Sub(r.created).Round(time.Second)))
}

// Addr is the service's own address.
func (sv *Service) Addr() jid.JID {
	a, err := jid.New("", sv.Domain, "")
	if err != nil {
		return jid.JID{} // New was given a domain that is none; nothing routes to it
	}
	return a
}
