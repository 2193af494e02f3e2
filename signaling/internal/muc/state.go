package muc

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/muc"
)

// State is a service's rooms as they are kept over a restart.
type State struct {
	Joins uint32      `json:"joins,omitempty"`
	Rooms []RoomState `json:"rooms,omitempty"`
}

// RoomState is one room.
type RoomState struct {
	Number       uint32                      `json:"number"`
	Addr         jid.JID                     `json:"addr"`
	Created      time.Time                   `json:"created"`
	Started      time.Time                   `json:"started,omitzero"`
	Meeting      string                      `json:"meeting"`
	Config       config                      `json:"config,omitzero"`
	Saved        bool                        `json:"saved,omitempty"`
	History      []PastState                 `json:"history,omitempty"`
	Subject      *OutState                   `json:"subject,omitempty"`
	Main         jid.JID                     `json:"main,omitzero"`
	Held         bool                        `json:"held,omitempty"`
	Open         bool                        `json:"open,omitempty"`
	Encloses     bool                        `json:"encloses,omitempty"`
	Guests       map[jid.JID]string          `json:"guests,omitempty"`
	Affiliations map[jid.JID]muc.Affiliation `json:"affiliations,omitempty"`
	Occupants    []OccupantState             `json:"occupants"`
}

// OccupantState is one occupant. Session is what State's caller calls its
// member; 0 while lingering.
type OccupantState struct {
	Nick    string    `json:"nick"`
	Number  uint32    `json:"number"`
	Session uint32    `json:"session,omitempty"`
	Addr    jid.JID   `json:"addr"`
	Role    muc.Role  `json:"role"`
	Name    string    `json:"name,omitempty"`
	Before  []byte    `json:"before,omitempty"`
	After   []byte    `json:"after,omitempty"`
	Lang    []byte    `json:"lang,omitempty"`
	Decls   []byte    `json:"decls,omitempty"`
	Until   time.Time `json:"until,omitzero"`

	Identity    []byte `json:"identity,omitempty"`
	Permissions []byte `json:"permissions,omitempty"`

	Held []OutState `json:"held,omitempty"`
}

// OutState is a stanza that waits.
type OutState struct {
	Head []byte `json:"head"`
	Body []byte `json:"body"`
}

// StateOf is how a stanza is kept.
func StateOf(o *wire.Out) OutState { return OutState{o.Head, o.Body} }

// Out is the stanza again.
func (o OutState) Out() *wire.Out { return &wire.Out{Head: o.Head, Body: o.Body} }

// State returns everything; session names members by number.
func (sv *Service) State(session func(Member) uint32) State {
	st := State{Joins: sv.joins}
	for _, r := range sv.sorted() {
		rs := RoomState{
			Number: r.number, Addr: r.addr, Created: r.created, Started: r.started, Meeting: r.meeting,
			Config: r.config, Saved: r.saved, Affiliations: r.affiliations,
		}
		for _, p := range r.history {
			rs.History = append(rs.History, PastState{p.at, StateOf(p.out)})
		}
		rs.Held, rs.Guests, rs.Open, rs.Encloses = r.held, r.guests, r.open, r.encloses
		if r.main != nil {
			rs.Main = r.main.addr
		}
		if r.subject != nil {
			rs.Subject = new(StateOf(r.subject))
		}
		for _, o := range r.occupants {
			os := OccupantState{
				Nick: o.nick, Number: o.number, Addr: o.addr, Role: o.role, Name: o.name, Before: o.before, After: o.after,
				Lang: o.lang, Decls: o.decls, Identity: o.identity, Permissions: o.permissions,
			}
			if o.member != nil {
				os.Session = session(o.member)
			} else {
				os.Until = o.until
			}
			for _, out := range o.held {
				os.Held = append(os.Held, StateOf(out))
			}
			rs.Occupants = append(rs.Occupants, os)
		}
		st.Rooms = append(st.Rooms, rs)
	}
	return st
}

// Restore fills a new service.
func (sv *Service) Restore(st State, member func(session uint32) Member) error {
	sv.joins = st.Joins
	var all []*Occupant
	for _, rs := range st.Rooms {
		r := &Room{
			service: sv, number: rs.Number, addr: rs.Addr, escaped: wire.Escape(rs.Addr.String()),
			created: rs.Created, started: rs.Started, meeting: rs.Meeting,
			config: rs.Config, saved: rs.Saved,
			affiliations: rs.Affiliations, nicks: map[string]*Occupant{},
		}
		if r.affiliations == nil {
			r.affiliations = map[jid.JID]muc.Affiliation{}
		}
		r.open, r.encloses = rs.Open, rs.Encloses
		for _, p := range rs.History {
			r.history = append(r.history, pastMessage{p.At, p.Out.Out()})
		}
		if rs.Held {
			r.held, r.guests = true, rs.Guests
			if r.guests == nil {
				r.guests = map[jid.JID]string{}
			}
		}
		if !rs.Main.IsZero() {
			if r.main = sv.Main.Room(rs.Main); r.main == nil {
				return fmt.Errorf("room %s: no room %s", rs.Addr, rs.Main)
			}
			if sv.Waiting {
				r.main.lobby = r
			} else {
				r.main.branches = append(r.main.branches, r)
			}
		}
		if rs.Subject != nil {
			r.subject = rs.Subject.Out()
		}
		for _, os := range rs.Occupants {
			o := &Occupant{
				room: r, number: os.Number, nick: os.Nick, from: wire.Escape(rs.Addr.String() + "/" + os.Nick),
				addr: os.Addr, escaped: wire.Escape(os.Addr.String()), role: os.Role, name: os.Name,
				before: os.Before, after: os.After, lang: os.Lang, decls: os.Decls, until: os.Until,
				identity: os.Identity, permissions: os.Permissions,
			}
			for _, h := range os.Held {
				o.held = append(o.held, h.Out())
			}
			if os.Session != 0 {
				if o.member = member(os.Session); o.member == nil {
					return fmt.Errorf("room %s: no session %d", rs.Addr, os.Session)
				}
			}
			r.occupants = append(r.occupants, o)
			r.nicks[o.nick] = o
			all = append(all, o)
		}
		for _, o := range r.occupants {
			o.show()
		}
		sv.rooms[r.addr] = r
	}
	slices.SortFunc(all, func(a, b *Occupant) int { return cmp.Compare(a.number, b.number) })
	for _, o := range all {
		if o.member != nil {
			sv.at[o.member] = append(sv.at[o.member], o)
		}
	}
	return nil
}
