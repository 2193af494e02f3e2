package muc

import (
	"maps"
	"slices"

	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

// admin reads and changes roles and affiliations (XEP-0045 §8, §9, §10).
func (r *Room) admin(o *Occupant, st *wire.Stanza) *stanza.Error {
	var q muc.AdminQuery
	if err := st.Decode(st.Children()[0], &q); err != nil || len(q.Items) == 0 {
		return stanza.NewError(stanza.BadRequest, "")
	}
	if st.Type == stanza.Get {
		return r.list(o, st, q.Items[0])
	}
	// All or nothing: first every item is judged, then every one is done.
	changes := make([]change, len(q.Items))
	for i, item := range q.Items {
		c, e := r.judge(o, item)
		if e != nil {
			return e
		}
		changes[i] = c
	}
	o.send(wire.Result(st, r.escaped))
	for _, c := range changes {
		c.by = o
		r.apply(c)
	}
	return nil
}

// change is one item, understood and allowed.
type change struct {
	by          *Occupant
	target      *Occupant       // for a role
	role        muc.Role        // "" for a change of affiliation
	addr        jid.JID         // bare, for an affiliation
	affiliation muc.Affiliation // "" for a change of role
	reason      string
}

func power(a muc.Affiliation) int {
	return slices.Index([]muc.Affiliation{muc.Outcast, muc.NoAffiliation, muc.Member, muc.Admin, muc.Owner}, a)
}

func (r *Room) judge(o *Occupant, item muc.AdminItem) (change, *stanza.Error) {
	target := r.nicks[item.Nick]
	if item.Nick != "" && target == nil {
		return change{}, stanza.NewError(stanza.ItemNotFound, "")
	}
	switch {
	case item.Affiliation != "":
		return r.judgeAffiliation(o, target, item)
	case item.Role != "" && target != nil:
		return r.judgeRole(o, target, item)
	}
	return change{}, stanza.NewError(stanza.BadRequest, "")
}

func (r *Room) judgeRole(o, target *Occupant, item muc.AdminItem) (change, *stanza.Error) {
	mine, theirs := o.affiliation(), target.affiliation()
	switch item.Role {
	case muc.NoRole, muc.Visitor, muc.Participant, muc.Moderator:
	default:
		return change{}, stanza.NewError(stanza.BadRequest, "")
	}
	switch {
	case o.role != muc.Moderator:
		return change{}, stanza.NewError(stanza.Forbidden, "only moderators may do this")
	case target.rank() == FocusBot || power(theirs) > power(mine):
		return change{}, stanza.NewError(stanza.NotAllowed, "")
	case (item.Role == muc.Moderator || target.role == muc.Moderator) && power(mine) < power(muc.Admin) && item.Role != muc.NoRole:
		return change{}, stanza.NewError(stanza.Forbidden, "only owners and admins make moderators")
	case item.Role != muc.NoRole && item.Role != muc.Moderator && power(theirs) >= power(muc.Admin):
		return change{}, stanza.NewError(stanza.NotAllowed, "owners and admins are moderators")
	}
	return change{target: target, role: item.Role, reason: item.Reason}, nil
}

func (r *Room) judgeAffiliation(o, target *Occupant, item muc.AdminItem) (change, *stanza.Error) {
	addr := item.JID.Bare()
	if target != nil {
		addr = target.addr.Bare()
	}
	mine := o.affiliation()
	switch {
	case addr.IsZero() || addr.Local() == "" || power(item.Affiliation) < 0:
		return change{}, stanza.NewError(stanza.BadRequest, "")
	case power(mine) < power(muc.Admin):
		return change{}, stanza.NewError(stanza.Forbidden, "only owners and admins may do this")
	}
	theirs := r.home().affiliations[addr]
	if theirs == "" {
		theirs = muc.NoAffiliation
	}
	for _, p := range r.occupants {
		if p.addr.Bare() == addr && p.rank() == FocusBot {
			return change{}, stanza.NewError(stanza.NotAllowed, "")
		}
	}
	if d := r.service.Door; d != nil && o.rank() == FocusBot && item.Affiliation == muc.Owner {
		if p := r.waiting(addr); p != nil && p.member != nil && !d.Appoints(p.member, r.addr) {
			return change{}, stanza.NewError(stanza.NotAllowed, "moderators are those who log in")
		}
	}
	switch {
	case mine == muc.Admin && (power(theirs) >= power(muc.Admin) || power(item.Affiliation) >= power(muc.Admin)):
		return change{}, stanza.NewError(stanza.Forbidden, "only owners may do this")
	case item.Affiliation == muc.Outcast && addr == o.addr.Bare():
		return change{}, stanza.NewError(stanza.Conflict, "")
	case theirs == muc.Owner && item.Affiliation != muc.Owner && r.lastOwner(addr):
		return change{}, stanza.NewError(stanza.Conflict, "a room needs an owner")
	}
	return change{addr: addr, affiliation: item.Affiliation, reason: item.Reason}, nil
}

// lastOwner tells whether the room would have no owner without addr.
func (r *Room) lastOwner(addr jid.JID) bool {
	for other, a := range r.home().affiliations {
		if a == muc.Owner && other != addr {
			return false
		}
	}
	return !slices.ContainsFunc(r.occupants, func(p *Occupant) bool {
		return p.affiliation() == muc.Owner && p.addr.Bare() != addr
	})
}

func (r *Room) apply(c change) {
	if c.role != "" {
		r.applyRole(c)
		return
	}
	if c.affiliation == muc.NoAffiliation {
		delete(r.home().affiliations, c.addr)
		delete(r.home().guests, c.addr)
	} else {
		r.home().affiliations[c.addr] = c.affiliation
	}
	r.service.env.Event("affiliation changed", "room", r.addr.String(), "jid", c.addr.String(),
		"affiliation", string(c.affiliation), "actor", c.by.nick)
	r.home().save()
	for _, room := range r.family() {
		room.affect(c)
	}
}

// affect does to a room's occupants what a change of affiliation brings.
func (r *Room) affect(c change) {
	for _, p := range slices.Clone(r.occupants) {
		if p.addr.Bare() != c.addr {
			continue
		}
		n := note{actor: c.by.nick, reason: c.reason}
		switch {
		case c.affiliation == muc.Outcast:
			n.codes = []int{muc.StatusBanned}
			r.drop(p, exit{reason: "banned", note: n})
		case c.affiliation == muc.NoAffiliation && r.config.MembersOnly && p.rank() == Guest:
			n.codes = []int{muc.StatusAffiliation}
			r.drop(p, exit{reason: "no member any more", note: n})
		default:
			p.appoint(r.roleOf(c.affiliation), n)
		}
	}
}

func (r *Room) applyRole(c change) {
	if r.nicks[c.target.nick] != c.target {
		return // an item before this one has removed it
	}
	n := note{actor: c.by.nick, reason: c.reason}
	if c.role != muc.NoRole {
		c.target.appoint(c.role, n)
		return
	}
	// Who is kicked must ask again: a membership given by the lobby, or
	// moderation, does not outlive it.
	if !r.service.Waiting || power(c.target.affiliation()) < power(muc.Admin) {
		delete(r.home().affiliations, c.target.addr.Bare())
	}
	delete(r.home().guests, c.target.addr.Bare())
	n.codes = []int{muc.StatusKicked}
	r.drop(c.target, exit{reason: "kicked", note: n})
	if r.service.Waiting {
		r.main.announce(c.by.member, "LOBBY-ACCESS-DENIED", r.addr.String()+"/"+c.target.nick, c.target.name)
	}
}

// appoint gives an occupant a role and tells everybody.
func (o *Occupant) appoint(role muc.Role, n note) {
	was := o.role
	o.role, o.renamed = role, false
	o.publish(nil, n)
	o.changed(was)
	o.room.enclose(o)
}

func (o *Occupant) changed(was muc.Role) {
	if w := o.room.service.Watcher; w != nil {
		w.Changed(o, was)
	}
}

// list answers who has an affiliation or a role.
func (r *Room) list(o *Occupant, st *wire.Stanza, item muc.AdminItem) *stanza.Error {
	if o.role != muc.Moderator {
		return stanza.NewError(stanza.Forbidden, "")
	}
	var q muc.AdminQuery
	switch {
	case item.Role != "":
		for _, p := range r.occupants {
			if p.role == item.Role {
				q.Items = append(q.Items, muc.AdminItem{Affiliation: p.affiliation(), Role: p.role, JID: p.addr, Nick: p.nick})
			}
		}
	case item.Affiliation != "":
		byText := func(a, b jid.JID) int { return slices.Compare([]byte(a.String()), []byte(b.String())) }
		for _, addr := range slices.SortedFunc(maps.Keys(r.home().affiliations), byText) {
			if r.home().affiliations[addr] == item.Affiliation {
				q.Items = append(q.Items, muc.AdminItem{Affiliation: item.Affiliation, JID: addr})
			}
		}
	default:
		return stanza.NewError(stanza.BadRequest, "")
	}
	o.send(wire.Answer(st, r.escaped, q))
	return nil
}
