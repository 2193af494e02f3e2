package c2s

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/xdg-go/scram"
	"meetbox.local/signaling/internal/muc"
	"meetbox.local/signaling/internal/router"
	"meetbox.local/signaling/internal/sasl"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/internal/xmlscan"
	"meetbox.local/signaling/xmpp/stanza"
	"meetbox.local/signaling/xmpp/tenant"
)

const (
	nsSASL    = "urn:ietf:params:xml:ns:xmpp-sasl"
	nsBind    = "urn:ietf:params:xml:ns:xmpp-bind"
	nsSM      = "urn:xmpp:sm:3"
	nsStream  = "http://etherx.jabber.org/streams"
	nsStreams = "urn:ietf:params:xml:ns:xmpp-streams"
)

// phase is how far a stream has come.
type phase uint8

const (
	fresh    phase = iota + 1 // expects a stream header
	login                     // expects SASL
	loggedIn                  // expects a stream header again
	binding                   // expects bind or resume
	ready                     // has a session
)

// streamError ends a stream; its text is the condition of RFC 6120 §4.9.3.
type streamError string

func (e streamError) Error() string { return "stream error " + string(e) }

var (
	// errClosed is the client's orderly end of the stream.
	errClosed = errors.New("stream closed by the client")
	// errPageClosed is a browser's end of the connection, of which its script
	// knows nothing.
	errPageClosed = errors.New("page closed")
)

// stream is the negotiation on one link, and what follows. The reader's
// goroutine owns it.
type stream struct {
	srv  *Server
	link *link
	origin

	phase   phase
	domain  string
	account router.Account
	scram   *sasl.Conversation
	plain   bool // PLAIN has begun without a word
	tries   int
	session *router.Session

	login *time.Timer
	once  sync.Once // of settled
	last  bool      // the writer will end the connection
}

// origin is what is known of a stream before its first word.
type origin struct {
	peer    string     // for the log
	reached netip.Addr // of the box, that it came in at; zero if unknown
	host    string     // under which the client came, without a port
	previd  string     // token of the session that a client will resume
	token   string     // JSON Web Token
	tenant  string     // below whose name the client came
	tcp     bool
	local   bool // TCP from the box itself
	bosh    bool
	bound   *scram.ChannelBinding // of TLS that ends here; nil elsewhere
}

// originOf reads the URL that a client of the web has used. The web process puts
// a tenant into its query, as Jitsi's nginx does.
func originOf(r *http.Request) (origin, error) {
	q := r.URL.Query()
	o := origin{peer: peerOf(r), host: hostOf(r.Host), previd: q.Get("previd"), token: q.Get("token"), tenant: q.Get("prefix")}
	o.reached, _ = netip.ParseAddr(r.Header.Get("X-Local-Address")) // web's word; none without web
	if o.tenant != "" {
		if err := tenant.Check(o.tenant); err != nil {
			return o, err
		}
	}
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && o.token == "" {
		o.token = bearer
	}
	return o, nil
}

// hostOf is a Host header without its port; an IPv6 address keeps its brackets.
func hostOf(header string) string {
	if address, _, ok := strings.Cut(header, "]"); ok {
		return address + "]"
	}
	host, _, _ := strings.Cut(header, ":")
	return host
}

func (s *Server) newStream(l *link, o origin) *stream {
	l.peer, l.reached = o.peer, o.reached
	return &stream{srv: s, link: l, origin: o, phase: fresh}
}

// limit is how long the next element may be.
func (s *stream) limit() int {
	switch {
	case s.phase != ready:
		return s.srv.Limits.Early
	case s.session.Rank() != muc.Guest:
		return s.srv.Limits.TrustedMax
	}
	return s.srv.Limits.Element
}

// settled ends the time to log in.
func (s *stream) settled() {
	s.once.Do(func() {
		s.login.Stop()
		s.login = nil // hundreds of streams do not need it any more
		s.link.unlogged.Add(-1)
	})
}

// finish ends the session, or lets it hibernate, after reading has ended.
func (s *stream) finish(err error) {
	r, condition := s.srv.Router, ""
	if e, ok := errors.AsType[streamError](err); ok {
		condition = string(e)
		s.srv.Log.Info("stream refused", "peer", s.peer, "jid", s.jid(), "condition", condition)
	}
	switch {
	case s.session == nil:
		if condition != "" || errors.Is(err, errClosed) {
			s.last = true
			s.link.Stop(condition)
		}
	case condition != "":
		s.last = true
		r.End(s.session, s.link, condition, condition)
	case errors.Is(err, errClosed):
		s.last = true
		r.End(s.session, s.link, "", "closed")
	case errors.Is(err, errSilent):
		s.last = true
		r.End(s.session, s.link, "", "connection lost")
	case errors.Is(err, errPageClosed):
		r.Detach(s.session, s.link, "page closed", true)
	default:
		r.Detach(s.session, s.link, "connection lost", false)
	}
	if errors.Is(err, router.ErrGone) { // the router has stopped the link with a reason
		s.last = true
	}
}

func (s *stream) jid() string {
	if s.session == nil {
		return ""
	}
	return s.session.Addr().String()
}

// check scans an element and turns what is wrong with it into a stream error.
func (s *stream) check(scanner *xmlscan.Scanner, raw []byte) (*xmlscan.Element, error) {
	el, err := scanner.Scan(raw)
	switch {
	case err == nil:
		return el, nil
	case errors.Is(err, xmlscan.ErrRestricted):
		s.srv.Router.Drop("restricted_xml")
		return nil, streamError("restricted-xml")
	case errors.Is(err, xmlscan.ErrLimit):
		s.srv.Router.Drop("xml_limit")
		return nil, streamError("policy-violation")
	}
	s.srv.Router.Drop("malformed")
	return nil, streamError("not-well-formed")
}

// inward is raw as the servers take it; see router.Session.
func (s *stream) inward(raw []byte) []byte {
	if s.phase != ready {
		return raw
	}
	return s.session.Inward(raw)
}

func (s *stream) tooLong() error {
	s.srv.Router.Drop("too_long")
	return streamError("policy-violation")
}

// header takes in the client's stream header: its "to" and version.
func (s *stream) header(to, version string) error {
	if s.phase != fresh && s.phase != loggedIn {
		return streamError("policy-violation")
	}
	o := s.srv.Router.Options
	known := to == o.Domain || to == o.AuthDomain && s.local || to == o.GuestDomain && !s.tcp
	if !known || s.phase == loggedIn && to != s.domain {
		to = o.Domain // somebody must be speaking
	} else {
		s.domain = to
	}
	s.link.opened.Store(true)
	s.link.say(s.link.framing.open(to, rand.Text()))
	switch {
	case version != "1.0":
		return streamError("unsupported-version")
	case !known || to != s.domain:
		s.srv.Router.Drop("host_unknown")
		return streamError("host-unknown")
	}
	s.features()
	return nil
}

// features says what may come next.
func (s *stream) features() {
	var f strings.Builder
	f.WriteString(`<stream:features xmlns:stream="` + nsStream + `">`)
	if s.phase == fresh {
		s.phase = login
		f.WriteString(`<mechanisms xmlns="` + nsSASL + `">`)
		for _, m := range s.mechanisms() {
			f.WriteString("<mechanism>" + m + "</mechanism>")
		}
		f.WriteString("</mechanisms>")
		if s.binds() {
			f.WriteString(`<sasl-channel-binding xmlns="urn:xmpp:sasl-cb:0"><channel-binding type="tls-exporter"/></sasl-channel-binding>`)
		}
	} else {
		s.phase = binding
		f.WriteString(`<bind xmlns="` + nsBind + `"><required/></bind>`)
		if s.resumable() {
			f.WriteString(`<sm xmlns="` + nsSM + `"><optional/></sm>`)
		}
		if s.account.Pass.User {
			f.WriteString(`<ver xmlns="urn:xmpp:features:rosterver"/><sub xmlns="urn:xmpp:features:pre-approval"/>`)
		}
		f.WriteString(s.srv.caps)
	}
	s.link.say(f.String() + "</stream:features>")
}

// resumable tells whether stream management is for this stream: the box's own
// accounts start afresh instead, which is quicker than finding out what they
// have missed.
func (s *stream) resumable() bool { return s.domain != s.srv.Router.AuthDomain && !s.bosh }

// element takes one checked element. The bytes are the stream's to keep.
func (s *stream) element(ctx context.Context, raw []byte, el *xmlscan.Element) error {
	switch s.phase {
	case login:
		if string(el.NS) != nsSASL {
			return streamError("not-authorized")
		}
		return s.sasl(raw, el)
	case binding:
		return s.bind(raw, el)
	case ready:
		return s.traffic(ctx, raw, el)
	}
	return streamError("not-authorized")
}

func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

type bindRequest struct {
	Resource string `xml:"urn:ietf:params:xml:ns:xmpp-bind resource"`
}

// bind makes a session, or brings one back.
func (s *stream) bind(raw []byte, el *xmlscan.Element) error {
	if string(el.NS) == nsSM {
		if string(el.Local) == "resume" && s.resumable() {
			return s.resume(el)
		}
		s.link.say(smFailed("unexpected-request"))
		return nil
	}
	st, err := wire.Parse(raw, el)
	c, ok := st.Find(nsBind, "bind")
	if err != nil || st.Kind != wire.IQ || st.Type != stanza.Set || !ok {
		return streamError("not-authorized")
	}
	var ask bindRequest
	if err := st.Decode(c, &ask); err != nil {
		return streamError("not-authorized")
	}
	if ask.Resource == "" {
		ask.Resource = rand.Text()[:12]
	}
	box := s.link.current()
	s.session, err = s.srv.Router.Bind(s.account, ask.Resource, s.link, box)
	if err != nil {
		condition := stanza.BadRequest
		if errors.Is(err, router.ErrFull) {
			condition = stanza.ResourceConstraint
		}
		box.SetTo([]byte(">"))
		box.Put(wire.Failure(&st, nil, stanza.NewError(condition, "")))
		return nil
	}
	s.ready()
	box.Put(wire.Result(&st, nil, fmt.Appendf(nil, `<bind xmlns="%s"><jid>%s</jid></bind>`, nsBind, s.session.Escaped())))
	s.srv.Log.Info("session opened", "jid", s.jid(), "peer", s.peer)
	return nil
}

func (s *stream) ready() {
	s.phase = ready
	s.settled()
	s.link.live.Store(true)
	s.link.heard()
	if s.session.Rank() != muc.Guest {
		s.link.stanzas, s.link.bytes = nil, nil
	}
}

func smFailed(condition string) string {
	return `<failed xmlns="` + nsSM + `"><` + condition + ` xmlns="` + stanza.NSErrors + `"/></failed>`
}

func attribute(el *xmlscan.Element, name string) string {
	for _, a := range el.Attrs {
		if a.Prefix == nil && string(a.Local) == name {
			return xmlscan.Unescape(a.Raw)
		}
	}
	return ""
}

func (s *stream) resume(el *xmlscan.Element) error {
	token := attribute(el, "previd")
	h, err := strconv.ParseUint(attribute(el, "h"), 10, 32)
	if err != nil || token == "" {
		s.link.say(smFailed("bad-request"))
		return nil
	}
	session, err := s.srv.Router.Resume(s.account, token, uint32(h), s.link, resumed(token))
	if err != nil {
		s.srv.Router.Drop("resume_failed")
		s.link.say(smFailed("item-not-found"))
		return nil
	}
	s.goOn(session)
	return nil
}

// resumed answers with how many of the client's stanzas were handled.
func resumed(token string) func(in uint32) string {
	return func(in uint32) string {
		return fmt.Sprintf(`<resumed xmlns="%s" h="%d" previd="%s"/>`, nsSM, in, wire.Escape(token))
	}
}

func (s *stream) goOn(session *router.Session) {
	s.session = session
	s.link.adopt(session.Box)
	s.ready()
}

// takeUp goes on with a stream that its client began with a former process
// (appliance/kit/takeup); without a token it is a new one.
func (s *stream) takeUp(token, sent string) error {
	if token == "" {
		return nil
	}
	n, err := strconv.ParseUint(sent, 10, 32)
	if err != nil {
		return fmt.Errorf("take up a stream: %w", err)
	}
	session, err := s.srv.Router.TakeUp(token, uint32(n), s.link, resumed(token))
	if err != nil {
		s.srv.Router.Drop("resume_failed")
		return fmt.Errorf("take up a stream: %w", err)
	}
	s.domain = session.Addr().Domain()
	s.link.opened.Store(true)
	s.goOn(session)
	return nil
}

// traffic takes an element of a stream with a session.
func (s *stream) traffic(ctx context.Context, raw []byte, el *xmlscan.Element) error {
	if string(el.NS) == nsSM {
		return s.management(el)
	}
	st, err := wire.Parse(raw, el)
	if errors.Is(err, wire.ErrNotStanza) {
		s.srv.Router.Drop("unknown_element")
		return streamError("unsupported-stanza-type")
	}
	if err := s.link.pace(ctx, len(raw), s.srv.Router.Drop); err != nil {
		return err
	}
	if err != nil {
		return s.srv.Router.Refuse(s.session, s.link, &st, err)
	}
	return s.srv.Router.Handle(s.session, s.link, &st)
}

func (s *stream) management(el *xmlscan.Element) error {
	r := s.srv.Router
	switch string(el.Local) {
	case "r":
		s.link.say(fmt.Sprintf(`<a xmlns="%s" h="%d"/>`, nsSM, r.Handled(s.session)))
		return nil
	case "a":
		h, err := strconv.ParseUint(attribute(el, "h"), 10, 32)
		if err == nil {
			err = r.Ack(s.session, uint32(h))
		}
		if err != nil {
			r.Drop("bad_ack")
			return streamError("undefined-condition")
		}
		return nil
	case "enable":
		if !s.resumable() {
			break
		}
		token, answer := "", `<enabled xmlns="`+nsSM+`"/>`
		if v := attribute(el, "resume"); v == "true" || v == "1" {
			token = rand.Text() // 130 random bits
			answer = fmt.Sprintf(`<enabled xmlns="%s" id="%s" resume="true" max="%d"/>`, nsSM, token, int(r.Hibernate.Seconds()))
		}
		err := r.Enable(s.session, s.link, token, answer)
		if !errors.Is(err, router.ErrEnabled) {
			return err
		}
	}
	r.Drop("unexpected_request")
	s.link.say(smFailed("unexpected-request"))
	return nil
}

// askAlive makes a client that is there say something. It runs beside the
// reader, so it uses only what never changes.
func (s *stream) askAlive() {
	box := s.link.current()
	if !box.Ask() {
		box.PutNonza(`<iq xmlns="jabber:client" type="get" from="` + s.srv.Router.Domain + `" id="alive"><ping xmlns="urn:xmpp:ping"/></iq>`)
	}
}
