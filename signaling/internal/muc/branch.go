package muc

import "meetbox.local/signaling/xmpp/jid"

// A breakout room is a room beside a main one, at another address, for those
// who have been let into the main room: affiliations are the main room's, and
// who goes from one to another needs no password and no leave again. Which
// breakout rooms there are is not known here; see Options.MainOf.

// kindBreakout is the node by which clients ask for the service's features.
const kindBreakout = "breakout_rooms"

// Branch makes the room one that has breakout rooms: it exists without anybody
// in it until Unbranch, and remembers whom it has let in.
func (r *Room) Branch() {
	r.held = true
	if r.guests == nil {
		r.guests = map[jid.JID]string{}
	}
	for _, o := range r.occupants {
		r.remember(o)
	}
}

// Unbranch undoes Branch. The room ends if nobody is in it.
func (r *Room) Unbranch() {
	r.held, r.guests = false, nil
	if len(r.nicks) == 0 && !r.Ended() {
		r.service.close(r)
	}
}

// Main is the room that this one is a breakout room of, or itself.
func (r *Room) Main() *Room { return r.home() }

// known tells whether an address was let into the room before.
func (r *Room) known(addr jid.JID) bool { return r.home().guests[addr.Bare()] != "" }

// remember lets somebody come back, under the same nick.
func (r *Room) remember(o *Occupant) {
	if r.held && o.rank() == Guest {
		r.guests[o.addr.Bare()] = o.nick
	}
}

// taken tells whether a nick is that of somebody else who is in another room
// of the meeting, or on the way.
func (r *Room) taken(nick string, addr jid.JID) bool {
	for g, n := range r.home().guests {
		if n == nick && g != addr.Bare() {
			return true
		}
	}
	return false
}
