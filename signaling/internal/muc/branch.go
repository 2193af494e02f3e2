package muc

import (
	"slices"

	"meetbox.local/signaling/xmpp/jid"
)

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
		r.guests = map[jid.JID]bool{}
	}
	for _, o := range r.occupants {
		r.guests[o.addr.Bare()] = true
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
func (r *Room) known(addr jid.JID) bool { return r.home().guests[addr.Bare()] }

// remember lets somebody come back.
func (r *Room) remember(addr jid.JID) {
	if r.held && r.guests != nil {
		r.guests[addr.Bare()] = true
	}
}

func (r *Room) guestList() []jid.JID {
	list := make([]jid.JID, 0, len(r.guests))
	for g := range r.guests {
		list = append(list, g)
	}
	slices.SortFunc(list, func(a, b jid.JID) int { return slices.Compare([]byte(a.String()), []byte(b.String())) })
	return list
}
