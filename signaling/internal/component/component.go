// Package component is what a meeting has beside its room: services with
// addresses of their own, to which clients send messages and from which they
// are pushed JSON. Clients find the addresses in the domain's disco#info and
// believe a push only if it comes from exactly the address listed there.
//
//	endconference  ends the meeting for all
//	metadata       a map of settings, which everybody has before being in
//	speakerstats   who has spoken for how long
//	polls          questions and votes; the voter is who has sent the vote
//	avmoderation   who may unmute
//	filesharing    what files there are; their bytes go elsewhere
//	breakout       rooms beside the main one, and who is in which
//
// Who a sender is, and what it may do, is looked up in the room that it is in
// at that moment, never taken from what it sends. A sender who is in no room
// is refused, and so is one who is no moderator where that is asked for.
//
// A Set is all of them for one domain. Like the rooms it is told of stanzas
// (Handle) and of what happens in rooms (it is their Watcher), and answers at
// once: no goroutine, no clock, no randomness of its own, so that the router's
// replay makes the same state again. It is not safe for concurrent use.
//
// Events for the administrator: "moderation changed" (room, endpoint, medium,
// enabled), "poll created" (room, endpoint), "file shared" (room, endpoint,
// bytes).
package component

import (
	"encoding/json"
	"errors"
	"time"

	"meetbox.local/signaling/internal/muc"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/disco"
	"meetbox.local/signaling/xmpp/jid"
	mucx "meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

const (
	nsJitmeet = "http://jitsi.org/jitmeet"
	nsPing    = "urn:xmpp:ping"
)

// Env is what the components need of the world around them.
type Env interface {
	Now() time.Time
	NewID() string
	Event(msg string, args ...any)
	Count(what string)
	// Discard deletes a file that was taken off a meeting's list.
	Discard(file string)
}

// Set is the components of one domain.
type Set struct {
	env      Env
	rooms    *muc.Service
	branches *muc.Service // the breakout rooms
	list     []service
	from     map[string][]byte // addresses, escaped, by kind
	at       map[*muc.Room]*meeting
	mainOf   map[string]*muc.Room // by the id of a breakout room
	next     time.Time            // see NextExpiry
}

// service is one address.
type service struct {
	kind   string // of its identity
	domain string
	handle func(*Set, muc.Member, *wire.Stanza) *stanza.Error
}

// Kinds of identities, as clients look for them.
const (
	kindEnd        = "end_conference"
	kindMetadata   = "room_metadata"
	kindStats      = "speakerstats"
	kindPolls      = "polls"
	kindModeration = "av_moderation"
	kindBreakout   = "breakout_rooms"
	kindFiles      = "file-sharing"
)

// meeting is what is kept of one room, as long as the room exists.
type meeting struct {
	Metadata   map[string]json.RawMessage `json:"metadata,omitempty"`
	Stats      stats                      `json:"stats,omitzero"`
	Polls      []*poll                    `json:"polls,omitempty"`
	Files      map[string]*file           `json:"files,omitempty"`      // by id
	Moderation map[string]*moderation     `json:"moderation,omitempty"` // by medium; only what is on
	Breakouts  breakouts                  `json:"breakouts,omitzero"`
}

// New returns the components of a domain. Watch tells it of its rooms.
func New(domain string, env Env) *Set {
	s := &Set{env: env, from: map[string][]byte{}, at: map[*muc.Room]*meeting{}, mainOf: map[string]*muc.Room{}}
	s.list = []service{
		{kindEnd, "endconference." + domain, (*Set).end},
		{kindMetadata, "metadata." + domain, (*Set).setMetadata},
		{kindStats, "speakerstats." + domain, (*Set).spoke},
		{kindPolls, "polls." + domain, (*Set).poll},
		{kindModeration, "avmoderation." + domain, (*Set).moderate},
		{kindFiles, "filesharing." + domain, (*Set).share},
		{kindBreakout, "breakout." + domain, (*Set).breakOut},
	}
	for _, v := range s.list {
		s.from[v.kind] = wire.Escape(v.domain)
	}
	return s
}

// Watch names the rooms whose watcher the set is.
func (s *Set) Watch(rooms *muc.Service) { s.rooms = rooms }

// Identities are the lines of the domain's disco#info.
func (s *Set) Identities() (out []disco.Identity) {
	for _, v := range s.list {
		out = append(out, disco.Identity{Category: "component", Type: v.kind, Name: v.domain})
	}
	return out
}

// Handle takes a stanza to one of the components, and tells whether it was.
func (s *Set) Handle(m muc.Member, st *wire.Stanza) bool {
	for _, v := range s.list {
		if v.domain != st.To.Domain() {
			continue
		}
		if v.kind == kindBreakout && (st.To.Local() != "" || st.Kind != wire.Message) {
			s.branches.Handle(m, st) // the rooms are at the same address
		} else {
			s.serve(v, m, st)
		}
		return true
	}
	return false
}

func (s *Set) serve(v service, m muc.Member, st *wire.Stanza) {
	var e *stanza.Error
	from := s.from[v.kind]
	switch {
	case st.Kind == wire.Presence || !st.Answerable():
		s.env.Count("ignored")
		return
	case st.To.Local() != "" || !st.To.IsBare():
		e = stanza.NewError(stanza.ItemNotFound, "")
	case st.Kind == wire.Message:
		e = v.handle(s, m, st)
	case st.Type == stanza.Get && st.Is(disco.NSInfo, "query"):
		m.Send(wire.Answer(st, from, disco.Info{
			Identities: []disco.Identity{{Category: "component", Type: v.kind, Name: v.domain}},
			Features:   disco.Features(disco.NSInfo),
		}))
	case st.Type == stanza.Get && st.Is(nsPing, "ping"):
		m.Send(wire.Result(st, from))
	default:
		e = stanza.NewError(stanza.ServiceUnavailable, "")
	}
	if e != nil {
		s.env.Count("refused")
		m.Send(wire.Failure(st, wire.Escape(st.To.String()), e))
	}
}

var (
	errOutside = stanza.NewError(stanza.NotAcceptable, "only occupants of a meeting may do this")
	errNoRight = stanza.NewError(stanza.Forbidden, "only moderators may do this")
	errBad     = stanza.NewError(stanza.BadRequest, "")
)

// here is the sender in the room that it is in.
func (s *Set) here(m muc.Member) *muc.Occupant {
	if o := s.branches.Current(m); o != nil {
		return o
	}
	return s.rooms.Current(m)
}

// room finds a main room or a breakout room.
func (s *Set) room(addr jid.JID) *muc.Room {
	if addr.Domain() == s.branches.Domain {
		return s.branches.Room(addr)
	}
	return s.rooms.Room(addr)
}

// in is the sender in the room that it names.
func (s *Set) in(m muc.Member, room string) *muc.Occupant {
	addr, err := jid.Parse(room)
	if err != nil {
		return nil
	}
	if addr.Domain() == s.branches.Domain {
		return s.branches.In(m, addr)
	}
	return s.rooms.In(m, addr)
}

// meeting of a room that exists.
func (s *Set) meeting(r *muc.Room) *meeting {
	mt := s.at[r]
	if mt == nil {
		mt = &meeting{}
		s.at[r] = mt
	}
	return mt
}

// push is a message with JSON.
func (s *Set) push(kind string, room *muc.Room, v any) *wire.Out {
	b, err := json.Marshal(v)
	if err != nil {
		s.env.Count("push_failed") // only text, numbers and checked JSON: cannot happen
		return nil
	}
	body := []byte(`<json-message xmlns="` + nsJitmeet + `" room="`)
	body = append(body, wire.Escape(room.Addr().String())...)
	body = append(body, `">`...)
	body = append(body, wire.Escape(wire.JSON(b))...)
	body = append(body, "</json-message></message>"...)
	return &wire.Out{Head: wire.Head{Kind: wire.Message, From: s.from[kind]}.Bytes(), Body: body}
}

// payload is the JSON in a message's only element of that name.
func payload(st *wire.Stanza, local string) (text string, err error) {
	c, ok := st.Find(nsJitmeet, local)
	if !ok {
		return "", errors.New("no " + local)
	}
	return textOf(st.Bytes(c)), nil
}

// end ends the meeting for all.
func (s *Set) end(m muc.Member, st *wire.Stanza) *stanza.Error {
	o := s.rooms.Current(m) // a breakout room is not the meeting
	_, ok := st.Find(stanza.NS, "end_conference")
	switch {
	case !ok:
		return errBad
	case o == nil:
		return errOutside
	case !o.Moderator():
		return errNoRight
	}
	o.Room().Destroy(o, jid.JID{}, "The meeting has been terminated")
	return nil
}

// Entering implements muc.Watcher.
func (s *Set) Entering(o *muc.Occupant) {
	s.tellMetadata(o)
	s.tellModeration(o)
}

// Entered implements muc.Watcher.
func (s *Set) Entered(o *muc.Occupant) {
	s.readStartMuted(o)
	s.tellStats(o)
	s.tellPolls(o)
	s.tellFiles(o)
	s.moved(o.Room())
}

// Changed implements muc.Watcher.
func (s *Set) Changed(o *muc.Occupant, was mucx.Role) {
	s.readStartMuted(o)
	if o.Renamed() || o.Role() != was {
		s.listChanged(o.Room().Main())
	}
	if o.Role() != was && o.Moderator() {
		s.tellWhitelists(o)
	}
}

// Closed implements muc.Watcher.
func (s *Set) Closed(r *muc.Room, closed bool) {
	b := []byte("false")
	if closed {
		b = []byte("true")
	}
	s.store(r, "lobbyEnabled", b)
}

// Left implements muc.Watcher.
func (s *Set) Left(o *muc.Occupant) {
	if r := o.Room(); r.Ended() {
		if r.Main() == r {
			s.close(r)
		}
		delete(s.at, r)
		if r.Main() != r {
			s.moved(r)
		}
		return
	}
	s.silenced(o)
	s.disallow(o)
	s.moved(o.Room())
}

// State is what is kept over a restart.
type State map[string]*meeting

// State returns everything.
func (s *Set) State() State {
	st := State{}
	for r, mt := range s.at {
		st[r.Addr().String()] = mt
	}
	return st
}

// Restore fills a new set, after its rooms.
func (s *Set) Restore(st State) error {
	for name, mt := range st {
		addr, err := jid.Parse(name)
		if err != nil {
			return err
		}
		r := s.room(addr)
		if r == nil || mt == nil {
			continue
		}
		s.at[r] = mt
		for _, b := range mt.Breakouts.Rooms {
			s.mainOf[b.ID] = r
		}
		for _, at := range []time.Time{mt.Breakouts.Update, mt.Breakouts.Empty} {
			if !at.IsZero() {
				s.wake(at)
			}
		}
	}
	return nil
}
