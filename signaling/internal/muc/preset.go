package muc

import (
	"meetbox.local/signaling/xmpp/muc"
)

// Preset is what the administrator has decided for a room before its meeting
// begins. Its moderators may decide otherwise later.
type Preset struct {
	Password string
	Lobby    bool // from the first moderator on: before, nobody could let anybody in
	Max      int  // occupants; 0: as many as the rules allow
}

// begin gives a new meeting what was decided for its room.
func (r *Room) begin() {
	sv := r.service
	if sv.Rules.Preset == nil || sv.Internal || sv.Waiting || sv.MainOf != nil {
		return
	}
	p := sv.Rules.Preset(r.addr)
	if p.Password != "" {
		r.config.Password = p.Password
	}
	if p.Max > 0 {
		r.config.Max = p.Max
	}
	r.encloses = p.Lobby && sv.Lobby != nil && !r.config.MembersOnly
}

// enclose opens the lobby that was decided on, when somebody is there who can
// let people in. Who is in the room already stays.
func (r *Room) enclose(by *Occupant) {
	if !r.encloses || by.role != muc.Moderator || by.rank() != Guest {
		return
	}
	r.encloses = false
	if r.config.MembersOnly {
		return
	}
	r.config.MembersOnly = true
	for _, p := range append([]*Occupant(nil), r.occupants...) {
		if p.rank() == Guest && p.affiliation() == muc.NoAffiliation {
			r.apply(change{by: by, addr: p.addr.Bare(), affiliation: muc.Member})
		}
	}
	r.openLobby()
	r.save()
	r.service.env.Event("lobby opened", "room", r.addr.String(), "meeting", r.meeting, "endpoint", by.nick)
	r.notice(muc.StatusConfigChanged)
	r.announce(by.member, "LOBBY-ENABLED", true, "")
	if w := r.service.Watcher; w != nil {
		w.Closed(r, true)
	}
}
