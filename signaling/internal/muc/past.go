package muc

import (
	"encoding/json"
	"fmt"
	"time"

	"meetbox.local/signaling/internal/archive"
	"meetbox.local/signaling/internal/store"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

// What of a room outlives a message: history for who joins later, if there
// shall be one; an archive, if owners want it; and the room itself, if it is
// persistent.

const (
	bucketRooms   = "rooms"
	bucketArchive = "room archives"
	keepArchive   = 50_000 // messages of one room
)

// PastState is a message as history keeps it.
type PastState struct {
	At  time.Time `json:"at"`
	Out OutState  `json:"out"`
}

type pastMessage struct {
	at  time.Time
	out *wire.Out
}

// worth tells whether a message is more than a sign of the moment.
func worth(st *wire.Stanza) bool {
	for _, c := range st.Children() {
		switch ns, local := string(c.NS), string(c.Local); {
		case ns == stanza.NS && local == "body", ns == "urn:xmpp:reactions:0", ns == "urn:xmpp:message-retract:1":
			return true
		}
	}
	return false
}

// identify gives a message its id in the room (XEP-0359), and keeps it.
func (r *Room) identify(o *Occupant, st *wire.Stanza, head, content []byte) []byte {
	env := r.service.env
	id := archive.ID(env.Now(), env.Stamp())
	if r.config.Archive && r.service.Rules.Archive {
		whole := append(append([]byte{}, head...), wire.To(r.escaped)...)
		whole = append(append(whole, content...), "</message>"...)
		from, err := jid.Parse(r.addr.String() + "/" + o.nick)
		if err == nil {
			env.Write(archive.Record(bucketArchive, r.addr.Local(), id, from, whole, keepArchive))
		}
	}
	return append(content, archive.StanzaID(id, r.escaped)...)
}

// remind keeps a message for who joins later, with the name of its sender, who
// may have left by then.
func (r *Room) remind(o *Occupant, out *wire.Out) {
	n := r.past()
	if n == 0 {
		r.history = nil
		return
	}
	if o.name != "" {
		const end = "</message>"
		body := fmt.Appendf(nil, `%s<display-name xmlns="%s">%s</display-name>%s`, out.Body[:len(out.Body)-len(end)], nsDisplayName, wire.Escape(o.name), end)
		out = &wire.Out{Head: out.Head, Body: body}
	}
	r.history = append(r.history, pastMessage{r.service.env.Now(), out})
	if len(r.history) > n {
		r.history = append([]pastMessage(nil), r.history[len(r.history)-n:]...)
	}
}

// tellPast sends a joiner as much of the history as it wants.
func (r *Room) tellPast(o *Occupant, want *muc.History) {
	list := r.history
	n, chars, since := len(list), -1, time.Time{}
	if want != nil {
		if want.MaxStanzas != nil {
			n = min(n, max(*want.MaxStanzas, 0))
		}
		if want.MaxChars != nil {
			chars = max(*want.MaxChars, 0)
		}
		if want.Seconds != nil {
			since = r.service.env.Now().Add(-time.Duration(max(*want.Seconds, 0)) * time.Second)
		}
		if at, err := time.Parse(time.RFC3339, want.Since); err == nil && at.After(since) {
			since = at
		}
	}
	list = list[len(list)-n:]
	for len(list) > 0 && list[0].at.Before(since) {
		list = list[1:]
	}
	if chars >= 0 { // the newest that fit
		size := 0
		for i := len(list) - 1; i >= 0; i-- {
			if size += list[i].out.Len(); size > chars {
				list = list[i+1:]
				break
			}
		}
	}
	const end = "</message>"
	for _, p := range list {
		body := append([]byte{}, p.out.Body[:len(p.out.Body)-len(end)]...)
		body = append(append(body, archive.Delay(p.at, r.escaped)...), end...)
		o.send(&wire.Out{Head: p.out.Head, Body: body})
	}
}

// records answers from the archive, to who is in the room.
func (r *Room) records(o *Occupant, st *wire.Stanza) *stanza.Error {
	if !r.config.Archive || !r.service.Rules.Archive {
		return stanza.NewError(stanza.ServiceUnavailable, "nothing is kept here")
	}
	if st.Type == stanza.Get {
		o.send(archive.Form(st, r.escaped))
		return nil
	}
	q, e := archive.Parse(st)
	if e != nil {
		return e
	}
	asker, owner := archive.NewAsker(st, r.escaped), r.addr.Local()
	r.service.env.Ask(o.member, func(rd store.Reader) []*wire.Out { return q.Run(rd, bucketArchive, owner, asker) })
	return nil
}

// dormant tells whether a persistent room waits for its next meeting.
func (r *Room) dormant() bool { return r.config.Persistent && len(r.nicks) == 0 && !r.held }

// wake begins the next meeting of a persistent room.
func (r *Room) wake() {
	r.meeting, r.created, r.started, r.open = r.service.env.NewID(), r.service.env.Now(), time.Time{}, false
	r.begin()
	if r.config.MembersOnly {
		r.openLobby()
	}
	r.service.env.Event("room created", "room", r.addr.String(), "meeting", r.meeting)
}

// sleep ends a meeting whose room stays. What guests were given ends with it:
// nobody comes back under a guest's address.
func (r *Room) sleep() {
	for addr := range r.affiliations {
		if !r.lasting(addr) {
			delete(r.affiliations, addr)
		}
	}
	r.history = nil
	r.closeLobby(false)
	r.save()
}

// lasting tells whether an address is somebody's for good.
func (r *Room) lasting(addr jid.JID) bool {
	d := r.service.Door
	return d != nil && d.Lasting(addr)
}

// save writes a persistent room down, or takes it off the list.
func (r *Room) save() {
	if r.service.Door == nil || r.main != nil {
		return
	}
	op := store.Op{Bucket: bucketRooms, Owner: r.addr.Local(), Key: []byte("state")}
	if !r.config.Persistent {
		if r.saved {
			r.service.env.Write(op)
		}
		r.saved = false
		return
	}
	r.saved = true
	rs := RoomState{Addr: r.addr, Config: r.config, Affiliations: map[jid.JID]muc.Affiliation{}}
	for addr, a := range r.affiliations {
		if r.lasting(addr) {
			rs.Affiliations[addr] = a
		}
	}
	if r.subject != nil {
		rs.Subject = new(StateOf(r.subject))
	}
	b, err := json.Marshal(rs)
	if err != nil {
		return // text: cannot happen
	}
	op.Value = b
	r.service.env.Write(op)
}

// Load reads the persistent rooms from the store.
func (sv *Service) Load(rd store.Reader) (n int) {
	rd.Owners(bucketRooms, func(owner string) bool {
		var rs RoomState
		addr, err := jid.New(owner, sv.Domain, "")
		if err != nil || json.Unmarshal(rd.Get(bucketRooms, owner, []byte("state")), &rs) != nil || sv.rooms[addr] != nil {
			return true
		}
		r := &Room{
			service: sv, addr: addr, escaped: wire.Escape(addr.String()), config: rs.Config, saved: true,
			affiliations: rs.Affiliations, nicks: map[string]*Occupant{}, number: uint32(len(sv.rooms)) + 1,
		}
		if r.affiliations == nil {
			r.affiliations = map[jid.JID]muc.Affiliation{}
		}
		if rs.Subject != nil {
			r.subject = rs.Subject.Out()
		}
		sv.rooms[addr] = r
		n++
		return true
	})
	return n
}

// erase forgets what was kept of a room that has ended.
func (r *Room) erase() {
	if r.config.Archive {
		r.service.env.Write(store.Op{Bucket: bucketArchive, Owner: r.addr.Local()})
	}
}
