package router

import (
	"errors"
	"fmt"

	"meetbox.local/signaling/internal/im"
	"meetbox.local/signaling/internal/muc"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/disco"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/ping"
	"meetbox.local/signaling/xmpp/stanza"
)

// route sends a stanza on, or answers it.
func (r *Router) route(s *Session, st *wire.Stanza) {
	switch st.To.Domain() {
	case "":
		if s.pass.User {
			r.im.Handle(s, st)
		} else {
			r.account(s, st)
		}
	case r.MUC, r.lobby.Domain:
		switch {
		case s.strange(st.To):
			r.refuseWith(s, st, errTenant)
		case st.To.Domain() == r.MUC:
			r.rooms.Handle(s, st)
		default:
			r.lobby.Handle(s, st)
		}
	case r.InternalMUC:
		r.internal.Handle(s, st)
	case r.Focus:
		r.toFocus(s, st)
	case r.uploadDomain():
		r.toUpload(s, st)
	case r.Domain, r.AuthDomain, r.GuestDomain:
		switch {
		case st.To.Local() == "" && st.To.IsBare():
			r.domain(s, st)
		case s.pass.User && st.To.Domain() != r.AuthDomain:
			r.im.Handle(s, st)
		case st.To == s.addr.Bare():
			r.account(s, st)
		default:
			r.toUser(s, st)
		}
	default:
		if !r.parts.Handle(s, st) {
			r.refuse(s, st, stanza.RemoteServerNotFound)
		}
	}
}

// refuse answers with an error, unless it would answer an error. What is
// addressed to nobody is the account's affair (RFC 6120 §10.3.3): Smack takes
// an answer of another domain for a forgery.
func (r *Router) refuse(s *Session, st *wire.Stanza, c stanza.Condition) {
	r.refuseWith(s, st, stanza.NewError(c, ""))
}

func (r *Router) refuseWith(s *Session, st *wire.Stanza, e *stanza.Error) {
	r.meter.drop("refused")
	if !st.Answerable() {
		return
	}
	from := s.escapedBare()
	if !st.To.IsZero() {
		from = wire.Escape(st.To.String())
	}
	s.Send(wire.Failure(st, from, e))
}

// Refuse answers a stanza that is none by what Parse has found wrong.
func (r *Router) Refuse(s *Session, link Link, st *wire.Stanza, why error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.ended || s.link != link {
		return ErrGone
	}
	r.begin(record{Kind: evStanza, Session: s.num, Payload: st.Raw()})
	r.refuseBad(s, st, why)
	r.settle()
	return nil
}

func (r *Router) refuseBad(s *Session, st *wire.Stanza, why error) {
	if s.counting {
		s.in++
	}
	r.meter.in[st.Kind].Inc()
	c := stanza.BadRequest
	if errors.Is(why, wire.ErrAddress) {
		c = stanza.JIDMalformed
		st.To = jid.JID{}
	}
	r.refuse(s, st, c)
}

// account handles what is addressed to the session's own account, or nobody.
func (r *Router) account(s *Session, st *wire.Stanza) {
	from := s.escapedBare()
	switch {
	case st.Kind == wire.Presence:
		// Subscriptions come with accounts for people; until then presence
		// only says which sessions take messages to the bare address.
		if st.Type == "" || st.Type == stanza.Unavailable {
			s.available = st.Type == ""
		}
	case st.Kind == wire.Message:
		r.refuse(s, st, stanza.ServiceUnavailable)
	case st.Type == stanza.Get && st.Is(ping.NS, "ping"):
		s.Send(wire.Result(st, from))
	case st.Type == stanza.Get && st.Is(im.NSRoster, "query") && s.rank != muc.Guest:
		// Smack, in Jicofo and JVB, asks after each login.
		s.Send(wire.Result(st, from, []byte(`<query xmlns="`+im.NSRoster+`"/>`)))
	case st.Type == stanza.Get && st.Is(disco.NSInfo, "query"):
		s.Send(wire.Answer(st, from, disco.Info{
			Identities: []disco.Identity{{Category: "account", Type: kindOf(s.rank)}},
			Features:   disco.Features(disco.NSInfo),
		}))
	default:
		r.refuse(s, st, stanza.ServiceUnavailable)
	}
}

func kindOf(rank muc.Rank) string {
	if rank == muc.Guest {
		return "anonymous"
	}
	return "registered"
}

func (s *Session) escapedBare() []byte { return wire.Escape(s.addr.Bare().String()) }

// domain handles what is addressed to the server itself.
func (r *Router) domain(s *Session, st *wire.Stanza) {
	if st.Kind == wire.Presence || !st.Answerable() {
		return // the answer to a ping of ours, for one
	}
	from := wire.Escape(st.To.String())
	switch {
	case st.Type != stanza.Get:
		r.refuse(s, st, stanza.ServiceUnavailable)
	case st.Is(ping.NS, "ping"):
		s.Send(wire.Result(st, from))
	case st.Is(disco.NSInfo, "query"):
		r.discoInfo(s, st, from)
	case st.Is(disco.NSItems, "query"):
		s.Send(wire.Answer(st, from, r.items()))
	case st.Is(nsVersion, "query"):
		s.Send(wire.Result(st, from, []byte(`<query xmlns="`+nsVersion+`"><name>Meetbox</name></query>`)))
	case st.Is(nsTime, "time"):
		s.Send(wire.Result(st, from, fmt.Appendf(nil, `<time xmlns="%s"><tzo>+00:00</tzo><utc>%s</utc></time>`, nsTime, r.now.UTC().Format("2006-01-02T15:04:05Z"))))
	case st.Is(nsExtdisco, "services"):
		s.Send(wire.Result(st, from, r.services(s)))
	case st.Is(nsExtdisco, "credentials"):
		if e := r.credentials(s, st, from); e != nil {
			r.meter.drop("refused")
			s.Send(wire.Failure(st, from, e))
		}
	default:
		r.refuse(s, st, stanza.ServiceUnavailable)
	}
}

const (
	nsExtdisco = "urn:xmpp:extdisco:2"
	nsVersion  = "jabber:iq:version"
	nsTime     = "urn:xmpp:time"
)

// CapsNode is the node under which stream features name the server's abilities.
const CapsNode = "https://meetbox.local/signaling"

// Info is what the domain is and can do: only what works is listed, for each
// line switches something on in clients.
func (r *Router) Info() disco.Info {
	return disco.Info{
		Identities: append([]disco.Identity{{Category: "server", Type: "im", Name: "Meetbox"}, r.lobby.Identity()}, r.parts.Identities()...),
		Features:   disco.Features(append(im.Features(), disco.NSCaps, disco.NSInfo, disco.NSItems, nsExtdisco, nsVersion, nsTime, ping.NS)...),
	}
}

func (r *Router) discoInfo(s *Session, st *wire.Stanza, from []byte) {
	var ask disco.Info
	if err := st.Decode(st.Children()[0], &ask); err != nil {
		r.refuse(s, st, stanza.BadRequest)
		return
	}
	info := r.Info()
	if ask.Node != "" {
		if ask.Node != CapsNode+"#"+info.Ver() {
			r.refuse(s, st, stanza.ItemNotFound)
			return
		}
		info.Node = ask.Node
	}
	s.Send(wire.Answer(st, from, info))
}

// toUser delivers to the sessions of an account. The box's own accounts take
// nothing from guests but through a room or the focus' address: a bridge obeys
// whoever can talk to it. Nor do those of people: guests are nobody's contacts.
func (r *Router) toUser(s *Session, st *wire.Stanza) {
	to := r.sessions[st.To]
	if st.To.IsBare() {
		to = r.bareTarget(st)
	}
	switch {
	case st.Kind == wire.Presence:
		r.meter.drop("ignored") // no subscriptions yet
	case to == nil, s.rank == muc.Guest && (to.rank != muc.Guest || to.pass.User):
		r.refuse(s, st, stanza.ServiceUnavailable)
	default:
		to.Send(wire.Forward(st, s.escaped))
	}
}

// bareTarget is who gets a message to an account: its newest session that is
// available. An iq to somebody else's account has nobody to answer it.
func (r *Router) bareTarget(st *wire.Stanza) *Session {
	if st.Kind != wire.Message {
		return nil
	}
	var best *Session
	for _, o := range r.byUser[st.To] {
		if o.available {
			best = o
		}
	}
	return best
}
