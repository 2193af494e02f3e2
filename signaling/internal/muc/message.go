package muc

import (
	"bytes"
	"fmt"

	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

// broadcast sends to every occupant, o too if it is not nil.
func (r *Room) broadcast(out *wire.Out) {
	for _, p := range r.occupants {
		p.send(out)
	}
}

// message is a message to the room itself.
func (r *Room) message(o *Occupant, st *wire.Stanza) {
	switch {
	case st.Type == stanza.Failed:
		r.service.env.Count("ignored")
		return
	case st.Type != stanza.GroupChat:
		// Invitations are the only other messages to a room; see Handle.
		r.service.refuse(o.member, st, stanza.NewError(stanza.BadRequest, "groupchat expected"))
		return
	case o.role == muc.Visitor:
		r.service.refuse(o.member, st, stanza.NewError(stanza.Forbidden, ""))
		return
	}
	_, hasSubject := st.Find(stanza.NS, "subject")
	_, hasBody := st.Find(stanza.NS, "body")
	isSubject := hasSubject && !hasBody
	if isSubject && o.role != muc.Moderator && !r.config.AnySubject {
		r.service.refuse(o.member, st, stanza.NewError(stanza.Forbidden, ""))
		return
	}
	head := wire.Head{Kind: wire.Message, From: o.from, ID: st.ID, Type: stanza.GroupChat, Lang: st.Lang, Decls: st.Decls()}.Bytes()
	content, kept := words(st, false), worth(st) && !r.service.Waiting
	if kept {
		content = r.identify(o, st, head, content)
	}
	out := &wire.Out{Head: head, Body: append(content, "</message>"...)}
	if isSubject {
		r.subject = out
		r.save()
	}
	if kept {
		r.remind(o, out)
	}
	for _, p := range r.occupants {
		if p.hears(o) {
			p.send(out)
		}
	}
}

// invitation tells a message that invites from others.
func invitation(st *wire.Stanza) bool {
	if st.Type != "" && st.Type != "normal" {
		return false
	}
	_, ok := st.Find(muc.NSUser, "x")
	return ok
}

// words is the content of a message, without its end tag and without what only the server may say.
// Names come from presence, delays and archive ids from the server; a room's
// notice (muc#user) in a message to everybody would be forged.
func words(st *wire.Stanza, private bool) []byte {
	var b []byte
	marked := false
	for _, c := range st.Children() {
		part := st.Bytes(c)
		switch ns := string(c.NS); {
		case ns == nsNick, ns == nsDisplayName, ns == nsDelay, ns == nsSID && string(c.Local) == "stanza-id":
			continue
		case ns == muc.NSUser:
			if !private {
				continue
			}
			marked = true
		case ns == stanza.NS && string(c.Local) == "reply":
			part = named(part)
		}
		b = append(b, part...)
	}
	if private && !marked {
		b = append(b, `<x xmlns="http://jabber.org/protocol/muc#user"/>`...)
	}
	return b
}

// named gives a reply marker its namespace: senders leave it out, receivers
// ask for it. COMPAT(lib-jitsi-meet 2026-08): remove when it writes what it reads.
func named(reply []byte) []byte {
	const tag = "<reply"
	if !bytes.HasPrefix(reply, []byte(tag)) || bytes.Contains(reply, []byte("xmlns")) {
		return reply
	}
	return fmt.Appendf(nil, `%s xmlns="urn:xmpp:reply:0"%s`, tag, reply[len(tag):])
}

// whisper is a message to one occupant.
func (r *Room) whisper(o *Occupant, st *wire.Stanza) {
	to := r.nicks[st.To.Resource()]
	switch {
	case st.Type == stanza.Failed:
		if to != nil && to.hears(o) {
			to.sendOrHold(wire.Forward(st, o.from))
		}
		return
	case st.Type == stanza.GroupChat:
		r.service.refuse(o.member, st, stanza.NewError(stanza.BadRequest, ""))
		return
	case to == nil || !to.hears(o):
		r.service.refuse(o.member, st, stanza.NewError(stanza.ItemNotFound, ""))
		return
	}
	ok := to.sendOrHold(&wire.Out{
		Head: wire.Head{Kind: wire.Message, From: o.from, ID: st.ID, Type: st.Type, Lang: st.Lang, Decls: st.Decls()}.Bytes(),
		Body: append(words(st, true), "</message>"...),
	})
	if !ok {
		r.service.refuse(o.member, st, stanza.NewError(stanza.RecipientUnavailable, ""))
	}
}

// relay is an iq to another occupant, or its answer: the id stays, so the
// answer finds its way by itself.
func (r *Room) relay(o *Occupant, st *wire.Stanza) {
	to := r.nicks[st.To.Resource()]
	switch {
	case to == nil || !to.hears(o):
		if st.Answerable() {
			r.service.refuse(o.member, st, stanza.NewError(stanza.ItemNotFound, ""))
		}
		return
	case to == o && st.Type == stanza.Get && st.Is(nsPing, "ping"):
		o.send(wire.Result(st, o.from)) // XEP-0410: it is still in the room
		return
	}
	if !to.sendOrHold(wire.Forward(st, o.from)) {
		r.service.refuse(o.member, st, stanza.NewError(stanza.RecipientUnavailable, ""))
	}
}

// notice says a status code to everybody.
func (r *Room) notice(code int) {
	r.broadcast(&wire.Out{
		Head: wire.Head{Kind: wire.Message, From: r.escaped, Type: stanza.GroupChat}.Bytes(),
		Body: fmt.Appendf(nil, `<x xmlns="http://jabber.org/protocol/muc#user"><status code="%d"/></x></message>`, code),
	})
}
