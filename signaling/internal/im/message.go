package im

import (
	"slices"
	"time"

	"meetbox.local/signaling/internal/archive"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/stanza"
)

const (
	nsCarbons  = "urn:xmpp:carbons:2"
	nsHints    = "urn:xmpp:hints"
	nsReceipts = "urn:xmpp:receipts"
	nsMarkers  = "urn:xmpp:chat-markers:0"
	nsReact    = "urn:xmpp:reactions:0"
	nsRetract  = "urn:xmpp:message-retract:1"
	nsDelay    = "urn:xmpp:delay"
)

// Limits of what waits for somebody who is not there.
const (
	maxOffline      = 200
	maxOfflineBytes = 256 << 10
	keepArchive     = 20_000 // messages of one account
)

// waiting is a message for somebody who is not there.
type waiting struct {
	At   time.Time `json:"at"`
	Head []byte    `json:"head"`
	Body []byte    `json:"body"` // without the end tag
}

// letter is a message on its way.
type letter struct {
	from   *resource
	to     jid.JID // as it was addressed
	u      *user   // who gets it
	kind   string  // type, with "" for normal
	out    *wire.Out
	end    int  // length of the body without the end tag
	body   bool // is text for somebody to read
	keep   bool // is for the archives
	wait   bool // may wait for its reader
	copies bool // is for carbons
	whole  []byte
}

// message goes to an account, or to a guest.
func (sv *Service) message(r *resource, st *wire.Stanza) {
	to := st.To
	if to.IsZero() {
		to = r.u.addr
	}
	switch {
	case st.Type == stanza.Failed:
		if o := sv.full(to); o != nil {
			o.m.Send(wire.Forward(st, r.m.Escaped()))
		}
		return
	case r.u.blocks(to):
		sv.refuse(r, st, blockedError())
		return
	case st.Type == stanza.GroupChat:
		sv.deny(r, st, stanza.ServiceUnavailable)
		return
	case !sv.Known(to):
		if m := sv.env.Stranger(to); m != nil {
			m.Send(wire.Forward(st, r.m.Escaped()))
		} else {
			sv.deny(r, st, stanza.ServiceUnavailable)
		}
		return
	}
	u := sv.user(to.Bare())
	if u.blocks(r.m.Addr()) {
		sv.deny(r, st, stanza.ServiceUnavailable)
		return
	}
	l := sv.letter(r, u, to, st)
	if !sv.deliver(l) {
		sv.deny(r, st, stanza.ServiceUnavailable)
	}
}

// letter reads a message, once.
func (sv *Service) letter(r *resource, u *user, to jid.JID, st *wire.Stanza) *letter {
	l := &letter{from: r, to: to, u: u, kind: st.Type, copies: true}
	if l.kind == stanza.Normal {
		l.kind = ""
	}
	var content []byte
	never := false
	for _, c := range st.Children() {
		ns, local := string(c.NS), string(c.Local)
		switch {
		case ns == nsDelay, ns == archive.NSID && local == "stanza-id":
			continue // only the server says this
		case ns == nsCarbons && local == "private":
			l.copies = false
			continue
		case ns == nsCarbons, ns == nsHints && local == "no-copy":
			l.copies = false
		case ns == nsHints && (local == "no-store" || local == "no-permanent-store"):
			never = true
		case ns == nsHints && local == "store":
			l.keep = true
		case ns == stanza.NS && local == "body":
			l.body, l.keep = true, true
		case ns == nsReceipts && local == "received", ns == nsMarkers && local != "markable", ns == nsReact, ns == nsRetract:
			l.keep = true
		}
		content = append(content, st.Bytes(c)...)
	}
	l.wait = l.keep
	chat := l.kind == stanza.Chat || l.kind == ""
	l.keep = l.keep && !never && chat
	l.copies = l.copies && (l.kind == stanza.Chat || l.kind == "" && l.body)
	head := wire.Head{Kind: wire.Message, From: r.m.Escaped(), ID: st.ID, Type: st.Type, Lang: st.Lang, Decls: st.Decls()}.Bytes()
	l.whole = append(append(append([]byte{}, head...), wire.To(wire.Escape(to.String()))...), content...)
	l.whole = append(l.whole, "</message>"...)
	if l.keep {
		if id := sv.record(u, r.m.Addr(), l.whole); id != "" {
			content = append(content, archive.StanzaID(id, u.escaped)...)
		}
		if u != r.u {
			sv.record(r.u, to, l.whole)
		}
	}
	l.end = len(content)
	l.out = &wire.Out{Head: head, Body: append(content, "</message>"...)}
	return l
}

// record keeps a message in an account's archive and returns its id there.
func (sv *Service) record(u *user, with jid.JID, whole []byte) string {
	switch {
	case u.Keep == "never", u.Keep == "roster" && (u.Contacts[with.Bare()] == nil || !u.Contacts[with.Bare()].Listed):
		return ""
	}
	id := archive.ID(sv.env.Now(), sv.env.Stamp())
	sv.env.Write(archive.Record(bucketArchive, u.addr.Local(), id, with, whole, keepArchive))
	return id
}

// deliver finds who gets a message (RFC 6121 §8.5), and reports whether
// anybody does, or will.
func (sv *Service) deliver(l *letter) bool {
	var got []*resource
	if o := sv.full(l.to); o != nil && !l.to.IsBare() {
		got = []*resource{o}
	} else if !l.to.IsBare() && l.kind == "headline" {
		return true // nobody of this address; news does not wait
	} else {
		for _, o := range sv.of[l.u.addr] {
			if o.available && o.priority >= 0 {
				got = append(got, o)
			}
		}
	}
	for _, o := range got {
		o.m.Send(l.out)
	}
	sv.carbons(l, got)
	if len(got) > 0 || !l.wait || l.kind == "headline" {
		return true // that somebody is typing needs no answer
	}
	return sv.wait(l)
}

// carbons tells the other sessions of both accounts.
func (sv *Service) carbons(l *letter, got []*resource) {
	if !l.copies {
		return
	}
	has := func(o *resource) bool {
		return slices.Contains(got, o)
	}
	copyTo := func(u *user, local string, skip func(*resource) bool) {
		var out *wire.Out
		for _, o := range sv.of[u.addr] {
			if !o.carbons || skip(o) {
				continue
			}
			if out == nil {
				body := []byte(`<` + local + ` xmlns="` + nsCarbons + `">`)
				body = append(body, archive.Forwarded(l.whole, nil)...)
				out = &wire.Out{
					Head: wire.Head{Kind: wire.Message, From: u.escaped, Type: l.kind}.Bytes(),
					Body: append(body, "</"+local+"></message>"...),
				}
			}
			o.m.Send(out)
		}
	}
	copyTo(l.u, "received", func(o *resource) bool { return o == l.from || has(o) })
	if l.u != l.from.u {
		copyTo(l.from.u, "sent", func(o *resource) bool { return o == l.from })
	}
}

// wait keeps a message until its reader comes.
func (sv *Service) wait(l *letter) bool {
	size := 0
	for _, w := range l.u.Offline {
		size += len(w.Body)
	}
	if len(l.u.Offline) >= maxOffline || size+l.end > maxOfflineBytes {
		return false
	}
	l.u.Offline = append(l.u.Offline, waiting{sv.env.Now(), l.out.Head, l.out.Body[:l.end:l.end]})
	sv.save(l.u)
	return true
}

// deliverWaiting hands over what has waited.
func (sv *Service) deliverWaiting(r *resource) {
	if len(r.u.Offline) == 0 {
		return
	}
	by := wire.Escape(sv.domain)
	for _, w := range r.u.Offline {
		body := append(append([]byte{}, w.Body...), archive.Delay(w.At, by)...)
		r.m.Send(&wire.Out{Head: w.Head, Body: append(body, "</message>"...)})
	}
	r.u.Offline = nil
	sv.save(r.u)
}
