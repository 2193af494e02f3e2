package im

import (
	"slices"

	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/jid"
)

// State is what is kept over a restart: the accounts, which the store has too,
// but perhaps as they were some seconds ago, and their sessions.
type State struct {
	Names     []string          `json:"names,omitempty"`
	Users     map[jid.JID]*user `json:"users,omitempty"`
	Resources []ResourceState   `json:"resources,omitempty"`
}

// ResourceState is one session, which State's caller names by a number.
type ResourceState struct {
	Session    uint32    `json:"session"`
	Available  bool      `json:"available,omitempty"`
	Interested bool      `json:"interested,omitempty"`
	Blocklist  bool      `json:"blocklist,omitempty"`
	Carbons    bool      `json:"carbons,omitempty"`
	Priority   int       `json:"priority,omitempty"`
	Head       []byte    `json:"head,omitempty"`
	Body       []byte    `json:"body,omitempty"`
	Directed   []jid.JID `json:"directed,omitempty"`
}

// State returns everything; session names members by number.
func (sv *Service) State(session func(Member) uint32) State {
	st := State{Users: sv.users}
	for n := range sv.names {
		st.Names = append(st.Names, n)
	}
	slices.Sort(st.Names)
	for _, list := range sv.of {
		for _, r := range list {
			rs := ResourceState{
				Session: session(r.m), Available: r.available, Interested: r.interested, Blocklist: r.blocklist,
				Carbons: r.carbons, Priority: r.priority, Directed: sortedSet(r.directed),
			}
			if r.shown != nil {
				rs.Head, rs.Body = r.shown.Head, r.shown.Body
			}
			st.Resources = append(st.Resources, rs)
		}
	}
	slices.SortFunc(st.Resources, func(a, b ResourceState) int { return int(a.Session) - int(b.Session) })
	return st
}

// Restore fills a new service.
func (sv *Service) Restore(st State, member func(session uint32) Member) {
	sv.SetNames(st.Names)
	for addr, u := range st.Users {
		if u != nil {
			u.addr, u.escaped = addr, wire.Escape(addr.String())
			sv.users[addr] = u
		}
	}
	for _, rs := range st.Resources {
		m := member(rs.Session)
		if m == nil {
			continue
		}
		sv.Bound(m)
		r := sv.at[m]
		r.available, r.interested, r.blocklist = rs.Available, rs.Interested, rs.Blocklist
		r.carbons, r.priority = rs.Carbons, rs.Priority
		if rs.Head != nil {
			r.shown = &wire.Out{Head: rs.Head, Body: rs.Body}
		}
		for _, d := range rs.Directed {
			r.directed[d] = true
		}
	}
}
