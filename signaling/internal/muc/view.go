package muc

import (
	"bytes"
	"iter"
	"slices"

	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/muc"
)

// What follows is how services beside the rooms see them.

// Room finds a room by its address; nil if there is none.
func (sv *Service) Room(addr jid.JID) *Room { return sv.rooms[addr] }

// Current is the occupant of a session in the room that it has entered last;
// nil if it is in none.
func (sv *Service) Current(m Member) *Occupant {
	if at := sv.at[m]; len(at) > 0 {
		return at[len(at)-1]
	}
	return nil
}

// In is the occupant of a session in one room; nil if it is not there.
func (sv *Service) In(m Member, room jid.JID) *Occupant {
	if r := sv.rooms[room]; r != nil {
		return r.of(m)
	}
	return nil
}

// Open tells whether somebody has entered who may open it.
func (r *Room) Open() bool { return r.open }

// Promote makes somebody owner of a room because it has proved who it is.
func (sv *Service) Promote(m Member, room jid.JID) {
	o := sv.In(m, room)
	if o == nil || o.affiliation() == muc.Owner {
		return
	}
	o.room.apply(change{by: o, addr: o.addr.Bare(), affiliation: muc.Owner})
}

// Addr is the room's address.
func (r *Room) Addr() jid.JID { return r.addr }

// Meeting is the room's id in disco#info, statistics and on bridges.
func (r *Room) Meeting() string { return r.meeting }

// Ended tells whether the room is gone.
func (r *Room) Ended() bool { return r.service.rooms[r.addr] != r || r.dormant() }

// Occupants are those who are there, in the order of joining. Who leaves
// while it runs is still named.
func (r *Room) Occupants() iter.Seq[*Occupant] { return slices.Values(slices.Clone(r.occupants)) }

// Occupant finds somebody by nick; nil if nobody has it.
func (r *Room) Occupant(nick string) *Occupant { return r.nicks[nick] }

// Broadcast sends to everybody.
func (r *Room) Broadcast(out *wire.Out) { r.broadcast(out) }

// Destroy ends the room for everybody; elsewhere, if not zero, is where to go.
func (r *Room) Destroy(by *Occupant, elsewhere jid.JID, reason string) {
	r.destroy(by, elsewhere, reason)
}

// Room is where the occupant is.
func (o *Occupant) Room() *Room { return o.room }

// Nick is the endpoint's id.
func (o *Occupant) Nick() string { return o.nick }

// Name is the name that people see; it may be empty.
func (o *Occupant) Name() string { return o.name }

// Renamed tells whether the presence that was told last came with a new name.
func (o *Occupant) Renamed() bool { return o.renamed }

// Address is the occupant's in the room.
func (o *Occupant) Address() string { return o.room.addr.String() + "/" + o.nick }

// Real is the address of the occupant's session.
func (o *Occupant) Real() jid.JID { return o.addr }

// Role is what the occupant may do.
func (o *Occupant) Role() muc.Role { return o.role }

// Moderator tells whether the occupant moderates the room.
func (o *Occupant) Moderator() bool { return o.role == muc.Moderator }

// Guest tells people from the box's own accounts.
func (o *Occupant) Guest() bool { return o.rank() == Guest }

// Says tells whether the occupant's presence contains these bytes: cheap, and
// only good to spare a closer look.
func (o *Occupant) Says(b string) bool { return bytes.Contains(o.before, []byte(b)) }

// Words are the children of the occupant's last presence, and the namespace
// declarations that they rely on.
func (o *Occupant) Words() (children, decls []byte) { return o.before, o.decls }

// Send sends to the occupant; one that lingers misses it.
func (o *Occupant) Send(out *wire.Out) { o.send(out) }
