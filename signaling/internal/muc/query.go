package muc

import (
	"fmt"
	"strconv"

	"meetbox.local/signaling/internal/archive"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/disco"
	"meetbox.local/signaling/xmpp/form"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
	"meetbox.local/signaling/xmpp/tenant"
)

// query is an iq to the room itself; o is nil for somebody outside.
func (r *Room) query(m Member, o *Occupant, st *wire.Stanza) {
	if !st.Request() {
		r.service.env.Count("ignored")
		return
	}
	get := st.Type == stanza.Get
	var e *stanza.Error
	switch {
	case o == nil && m.Rank() == Guest:
		e = stanza.NewError(stanza.Forbidden, "only occupants may ask") // a room is nobody else's business
	case get && st.Is(disco.NSInfo, "query"):
		e = r.discoInfo(m, st)
	case get && st.Is(disco.NSItems, "query"):
		m.Send(wire.Answer(st, r.escaped, disco.Items{}))
	case get && st.Is(nsPing, "ping"):
		m.Send(wire.Result(st, r.escaped))
	case o != nil && st.Is(archive.NS, "query"):
		e = r.records(o, st)
	case o != nil && st.Is(muc.NSAdmin, "query"):
		e = r.admin(o, st)
	case o != nil && st.Is(muc.NSOwner, "query") && (r.main == nil || o.rank() == FocusBot):
		e = r.owner(o, st)
	default:
		e = stanza.NewError(stanza.ServiceUnavailable, "")
	}
	if e != nil {
		r.service.refuse(m, st, e)
	}
}

func (r *Room) discoInfo(m Member, st *wire.Stanza) *stanza.Error {
	var ask disco.Info
	if err := st.Decode(st.Children()[0], &ask); err != nil {
		return stanza.NewError(stanza.BadRequest, "")
	}
	if ask.Node != "" {
		return stanza.NewError(stanza.ItemNotFound, "")
	}
	features := []string{muc.NS, "muc_unsecured", "muc_open", "muc_nonanonymous", "muc_temporary", "muc_hidden",
		"muc_unmoderated", archive.NSID, muc.NS + "#stable_id", muc.NS + "#self-ping-optimization"}
	if r.config.Password != "" {
		features[1] = "muc_passwordprotected"
	}
	if r.config.MembersOnly {
		features[2] = "muc_membersonly"
	}
	if r.config.Persistent {
		features[4] = "muc_persistent"
	}
	if r.config.Moderated {
		features[6] = "muc_moderated"
	}
	if r.config.Archive && r.service.Rules.Archive {
		features = append(features, archive.NS)
	}
	fields := append([]form.Field{{Var: "FORM_TYPE", Type: "hidden", Values: []string{muc.NS + "#roominfo"}}}, r.facts()...)
	if r.config.Desc != "" {
		fields = append(fields, form.Field{Var: "muc#roominfo_description", Values: []string{r.config.Desc}})
	}
	if !r.service.Waiting {
		fields = append(fields, form.Field{Var: "muc#roominfo_occupants", Values: []string{strconv.Itoa(len(r.occupants))}})
	}
	if r.lobby != nil {
		fields = append(fields, form.Field{Var: "muc#roominfo_lobbyroom", Values: []string{r.lobby.addr.String()}})
	}
	if !r.started.IsZero() {
		fields = append(fields, form.Field{Var: "muc#roominfo_created_timestamp", Values: []string{strconv.FormatInt(r.started.UnixMilli(), 10)}})
	}
	name := r.config.Name
	if name == "" {
		_, name = tenant.Split(r.addr.Local())
	}
	m.Send(wire.Answer(st, r.escaped, disco.Info{
		Identities: []disco.Identity{{Category: "conference", Type: "text", Name: name}},
		Features:   disco.Features(features...),
		Forms:      []form.Data{{Type: form.Result, Fields: fields}},
	}))
	return nil
}

// facts are what a conductor must know of a room. Ours asks for them with
// disco#info, Jicofo reads them from the configuration form.
func (r *Room) facts() []form.Field {
	fields := []form.Field{{Var: "muc#roominfo_meetingId", Type: "text-single", Label: "Id of the meeting", Values: []string{r.meeting}}}
	if r.service.MainOf != nil {
		fields = append(fields,
			form.Field{Var: "muc#roominfo_isbreakout", Type: "boolean", Label: "A breakout room", Values: []string{"1"}},
			form.Field{Var: "muc#roominfo_breakout_main_room", Type: "text-single", Label: "Its main room", Values: []string{r.main.addr.String()}})
	}
	return fields
}

// owner reads and changes the room's configuration, or ends the room.
func (r *Room) owner(o *Occupant, st *wire.Stanza) *stanza.Error {
	if o.affiliation() != muc.Owner {
		return stanza.NewError(stanza.Forbidden, "only owners may configure the room")
	}
	var q muc.OwnerQuery
	if err := st.Decode(st.Children()[0], &q); err != nil {
		return stanza.NewError(stanza.BadRequest, "")
	}
	switch {
	case st.Type == stanza.Get:
		o.send(wire.Answer(st, r.escaped, muc.OwnerQuery{Form: r.form()}))
		return nil
	case q.Destroy != nil && r.main != nil:
		return stanza.NewError(stanza.NotAllowed, "its main room ends it")
	case q.Destroy != nil:
		o.send(wire.Result(st, r.escaped))
		r.destroy(o, q.Destroy.JID, q.Destroy.Reason)
		return nil
	case q.Form == nil:
		return stanza.NewError(stanza.BadRequest, "")
	case q.Form.Type == form.Cancel:
		o.send(wire.Result(st, r.escaped))
		return nil
	}
	return r.configure(o, st, q.Form)
}

// removeStrangers empties a room that is for members only from now on.
func (r *Room) removeStrangers(actor *Occupant) {
	var out []*Occupant
	for _, p := range r.occupants {
		if p.affiliation() == muc.NoAffiliation && p.rank() == Guest {
			out = append(out, p)
		}
	}
	for _, p := range out {
		delete(r.guests, p.addr.Bare())
		r.drop(p, exit{reason: "members only", note: note{codes: []int{muc.StatusMembersOnly}, actor: actor.nick}})
	}
}

// destroy ends the room for everybody.
func (r *Room) destroy(by *Occupant, elsewhere jid.JID, reason string) {
	b := []byte("<destroy")
	if !elsewhere.IsZero() {
		b = fmt.Appendf(b, ` jid="%s"`, wire.Escape(elsewhere.String()))
	}
	b = append(b, '>')
	if reason != "" {
		b = fmt.Appendf(b, "<reason>%s</reason>", wire.Escape(reason))
	}
	extra := string(b) + "</destroy>"
	actor := ""
	if by != nil {
		actor = by.nick
	}
	r.service.env.Event("room destroyed", "room", r.addr.String(), "endpoint", actor, "reason", reason)
	r.held, r.config.Persistent = false, false
	r.save()
	occupants := r.occupants
	r.occupants = nil // nobody is told of the others
	for _, p := range occupants {
		r.drop(p, exit{reason: "room destroyed", ended: true, note: note{extra: extra}})
	}
}
