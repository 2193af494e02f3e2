package im

import (
	"strconv"

	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/internal/xmlscan"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/stanza"
)

// Types of presence that change who is told of whose.
const (
	typeSubscribe    = "subscribe"
	typeSubscribed   = "subscribed"
	typeUnsubscribe  = "unsubscribe"
	typeUnsubscribed = "unsubscribed"
	typeProbe        = "probe"
)

// maxRequest is how long the content of a request may be that waits.
const maxRequest = 2048

// maxDirected is how many may be told of a session beside its contacts.
const maxDirected = 200

// presence takes one of any type.
func (sv *Service) presence(r *resource, st *wire.Stanza) {
	to := st.To.Bare()
	own := to.IsZero() || st.To == r.u.addr
	switch st.Type {
	case "":
		if own {
			sv.available(r, st)
		} else {
			sv.direct(r, st)
		}
	case stanza.Unavailable:
		if own {
			sv.unavailable(r, st)
		} else {
			sv.direct(r, st)
		}
	case typeSubscribe, typeSubscribed, typeUnsubscribe, typeUnsubscribed:
		switch {
		case own:
			sv.env.Count("ignored")
		case !sv.Known(to):
			sv.unknown(r, to, st)
		case r.u.blocks(to):
			sv.refuse(r, st, blockedError())
		default:
			sv.subscription(r, to, st)
		}
	case typeProbe:
		if u := sv.users[to]; u != nil && u.shows(r.u.addr) && !u.blocks(r.m.Addr()) {
			sv.tell(u, r)
		}
	default:
		sv.env.Count("ignored")
	}
}

// unknown answers for somebody who is not here: a request is denied, and the
// rest comes to an end on this side.
func (sv *Service) unknown(r *resource, to jid.JID, st *wire.Stanza) {
	if st.Type == typeSubscribe {
		r.m.Send(&wire.Out{
			Head: wire.Head{Kind: wire.Presence, From: wire.Escape(to.String()), Type: typeUnsubscribed}.Bytes(),
			Body: []byte("</presence>"),
		})
		return
	}
	if c := r.u.Contacts[to]; c != nil && (c.To || c.From || c.Ask) {
		c.To, c.From, c.Ask = false, false, false
		sv.push(r.u, to)
	}
}

// available is a session's own presence.
func (sv *Service) available(r *resource, st *wire.Stanza) {
	first, was := !r.available, r.priority
	r.available, r.priority = true, 0
	if c, ok := st.Find(stanza.NS, "priority"); ok {
		if p, err := strconv.Atoi(xmlscan.Text(st.Bytes(c))); err == nil {
			r.priority = min(max(p, -128), 127)
		}
	}
	r.shown = wire.Forward(st, r.m.Escaped())
	sv.spread(r, r.shown)
	if first {
		sv.tell(r.u, r)
		for _, addr := range r.u.sorted() {
			c := r.u.Contacts[addr]
			if u := sv.users[addr]; c.To && u != nil && u.shows(r.u.addr) && !u.blocks(r.m.Addr()) && !r.u.blocks(addr) {
				sv.tell(u, r)
			}
			if c.Asked != nil {
				r.m.Send(request(addr, c.Asked))
			}
		}
		sv.tellItems(r)
	}
	if r.priority >= 0 && (first || was < 0) {
		sv.deliverWaiting(r)
	}
}

func request(from jid.JID, content []byte) *wire.Out {
	return &wire.Out{Head: wire.Head{Kind: wire.Presence, From: wire.Escape(from.String()), Type: typeSubscribe}.Bytes(), Body: content}
}

// spread sends what a session says of itself to its contacts and to the other
// sessions of its account.
func (sv *Service) spread(r *resource, out *wire.Out) {
	for _, o := range sv.of[r.u.addr] {
		if o.available {
			o.m.Send(out)
		}
	}
	for _, addr := range r.u.sorted() {
		if r.u.Contacts[addr].From && !r.u.blocks(addr) {
			sv.show(addr, r.m.Addr(), out)
		}
	}
}

// show sends a presence to every session of an account that wants it.
func (sv *Service) show(to, from jid.JID, out *wire.Out) {
	for _, o := range sv.of[to] {
		if o.available && !o.u.blocks(from) {
			o.m.Send(out)
		}
	}
}

// tell sends the presences of an account's sessions to one.
func (sv *Service) tell(u *user, to *resource) {
	for _, o := range sv.of[u.addr] {
		if o.available && o != to {
			to.m.Send(o.shown)
		}
	}
}

// gone is an unavailable presence that the server says for a session.
func gone(r *resource) *wire.Out {
	return &wire.Out{
		Head: wire.Head{Kind: wire.Presence, From: r.m.Escaped(), Type: stanza.Unavailable}.Bytes(),
		Body: []byte("</presence>"),
	}
}

// unavailable is the end of a session's presence; st is nil when it has ended
// without a word.
func (sv *Service) unavailable(r *resource, st *wire.Stanza) {
	var out *wire.Out
	if st != nil {
		out = wire.Forward(st, r.m.Escaped())
	} else {
		out = gone(r)
	}
	if r.available {
		sv.spread(r, out)
	}
	r.available, r.shown = false, nil
	for _, addr := range sortedSet(r.directed) {
		sv.show(addr.Bare(), r.m.Addr(), out)
	}
	clear(r.directed)
}

func sortedSet(set map[jid.JID]bool) []jid.JID {
	u := user{Contacts: map[jid.JID]*contact{}}
	for a := range set {
		u.Contacts[a] = nil
	}
	return u.sorted()
}

// direct is presence for somebody in particular.
func (sv *Service) direct(r *resource, st *wire.Stanza) {
	if r.u.blocks(st.To) {
		sv.refuse(r, st, blockedError())
		return
	}
	out := wire.Forward(st, r.m.Escaped())
	bare := st.To.Bare()
	switch {
	case st.To.IsBare():
		sv.show(bare, r.m.Addr(), out)
	default:
		if o := sv.full(st.To); o != nil && !o.u.blocks(r.m.Addr()) {
			o.m.Send(out)
		} else if m := sv.env.Stranger(st.To); m != nil {
			m.Send(out)
		}
	}
	switch {
	case st.Type != "":
		delete(r.directed, bare)
	case len(r.directed) < maxDirected && sv.Known(bare):
		if c := r.u.Contacts[bare]; c == nil || !c.From {
			r.directed[bare] = true
		}
	}
}

// subscription takes one of the four orders, addressed to an account.
func (sv *Service) subscription(r *resource, to jid.JID, st *wire.Stanza) {
	switch st.Type {
	case typeSubscribe:
		sv.subscribe(r, to, st)
	case typeSubscribed:
		sv.subscribed(r.u, to, st)
	case typeUnsubscribe:
		sv.unsubscribe(r.u, to, st)
	case typeUnsubscribed:
		sv.unsubscribed(r.u, to, st)
	}
}

// order renders a stanza of subscription from one account to another's sessions.
func (sv *Service) order(from *user, to jid.JID, typ string, st *wire.Stanza) {
	out := &wire.Out{
		Head: wire.Head{Kind: wire.Presence, From: from.escaped, Type: typ}.Bytes(),
		Body: []byte("</presence>"),
	}
	if st != nil {
		out = wire.Forward(st, from.escaped)
	}
	for _, o := range sv.of[to] {
		if o.available || o.interested {
			o.m.Send(out)
		}
	}
}

func (sv *Service) subscribe(r *resource, to jid.JID, st *wire.Stanza) {
	from := r.u
	if from.Contacts[to] == nil && len(from.Contacts) >= maxContacts {
		sv.deny(r, st, stanza.ResourceConstraint)
		return
	}
	mine := from.contact(to)
	peer := sv.user(to)
	if !mine.Listed || !mine.To && !mine.Ask {
		mine.Listed = true
		mine.Ask = !mine.To
		sv.push(from, to)
	}
	theirs := peer.Contacts[from.addr]
	switch {
	case peer.blocks(from.addr):
	case theirs != nil && (theirs.From || theirs.Approved):
		theirs.From, theirs.Approved = true, false
		sv.push(peer, from.addr)
		sv.granted(peer, from, nil)
	case theirs == nil && len(peer.Contacts) >= maxContacts:
	default:
		content := st.Content()
		if len(content) > maxRequest || len(st.Decls()) > 0 {
			content = []byte("</presence>")
		}
		peer.contact(from.addr).Asked = append([]byte{}, content...)
		sv.save(peer)
		for _, o := range sv.of[to] {
			if o.available {
				o.m.Send(request(from.addr, content))
			}
		}
	}
}

// granted completes a subscription of asker to u, which u has agreed to.
func (sv *Service) granted(u, asker *user, st *wire.Stanza) {
	if c := asker.Contacts[u.addr]; c != nil && c.Ask {
		c.To, c.Ask = true, false
		sv.push(asker, u.addr)
		sv.order(u, asker.addr, typeSubscribed, st)
	}
	for _, o := range sv.of[u.addr] {
		if o.available {
			sv.show(asker.addr, o.m.Addr(), o.shown)
		}
	}
}

func (sv *Service) subscribed(from *user, to jid.JID, st *wire.Stanza) {
	c := from.Contacts[to]
	switch {
	case c != nil && c.Asked != nil:
		c.Asked, c.From, c.Listed, c.Approved = nil, true, true, false
		sv.push(from, to)
		sv.granted(from, sv.user(to), st)
	case c != nil && c.From:
	case c == nil && len(from.Contacts) >= maxContacts:
	default: // before it was asked for
		c = from.contact(to)
		c.Approved, c.Listed = true, true
		sv.push(from, to)
	}
}

// unsubscribe ends that from is told of to's presence.
func (sv *Service) unsubscribe(from *user, to jid.JID, st *wire.Stanza) {
	if c := from.Contacts[to]; c != nil && (c.To || c.Ask) {
		c.To, c.Ask = false, false
		sv.push(from, to)
	}
	peer := sv.users[to]
	if peer == nil {
		return
	}
	c := peer.Contacts[from.addr]
	if c == nil || !c.From && c.Asked == nil {
		return
	}
	c.From, c.Asked = false, nil
	if !c.Listed {
		delete(peer.Contacts, from.addr)
	}
	sv.push(peer, from.addr)
	if !peer.blocks(from.addr) {
		sv.order(from, to, typeUnsubscribe, st)
	}
	for _, o := range sv.of[to] {
		if o.available {
			sv.show(from.addr, o.m.Addr(), gone(o))
		}
	}
}

// unsubscribed ends that to is told of from's presence, or denies it.
func (sv *Service) unsubscribed(from *user, to jid.JID, st *wire.Stanza) {
	c := from.Contacts[to]
	if c == nil || !c.From && c.Asked == nil && !c.Approved {
		return
	}
	was := c.From
	c.From, c.Approved = false, false
	if c.Asked != nil {
		c.Asked = nil
		if !c.Listed {
			delete(from.Contacts, to)
			sv.save(from)
		}
	}
	if c.Listed {
		sv.push(from, to)
	}
	if was {
		for _, o := range sv.of[from.addr] {
			if o.available {
				sv.show(to, o.m.Addr(), gone(o))
			}
		}
	}
	peer := sv.users[to]
	if peer == nil {
		return
	}
	if p := peer.Contacts[from.addr]; p != nil && (p.To || p.Ask) {
		p.To, p.Ask = false, false
		sv.push(peer, from.addr)
		sv.order(from, to, typeUnsubscribed, st)
	}
}
