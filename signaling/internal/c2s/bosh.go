package c2s

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/internal/xmlscan"
)

// BOSHPath is where clients connect whose WebSockets fail, as Jitsi's expect it.
const BOSHPath = "/http-bind"

const (
	nsBOSH  = "http://jabber.org/protocol/httpbind"
	nsXBOSH = "urn:xmpp:xbosh"

	maxRID = 1<<53 - 1 // XEP-0124 §14.1

	bodySlack = 4096 // of a body around an element as long as may be
)

// body is one request of a BOSH client, checked.
type body struct {
	rid, ack         uint64
	sid, to, version string
	kind             string // "terminate" or nothing
	key, newKey      string
	wait, pause      time.Duration
	hold             int
	acks, restart    bool
	elements         [][]byte // in memory of their own
}

// bodyError is what is wrong with a body; its text is the condition of
// XEP-0124 §17.2.
type bodyError string

func (e bodyError) Error() string { return "body: " + string(e) }

// terminated renders the end of a session for a client that is not in one.
func terminated(condition string) []byte {
	return fmt.Appendf(nil, `<body xmlns="%s" type="terminate" condition="%s"/>`, nsBOSH, condition)
}

// BOSH serves XMPP over HTTP (XEP-0124, XEP-0206): iPhones refuse WebSockets
// where a certificate was only clicked through. Sessions end with ctx.
func (s *Server) BOSH(ctx context.Context) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		anyOrigin(w.Header())
		switch r.Method {
		case http.MethodOptions:
			w.WriteHeader(http.StatusNoContent)
		case http.MethodGet, http.MethodHead:
			fmt.Fprintln(w, "XMPP over HTTP")
		case http.MethodPost:
			s.post(ctx, w, r)
		default:
			http.Error(w, "only POST", http.StatusMethodNotAllowed)
		}
	})
}

func (s *Server) post(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	rc := http.NewResponseController(w)
	// A body comes at once or not at all; the answer may take its time.
	// A connection without deadlines is one of a test.
	_ = rc.SetReadDeadline(time.Now().Add(10 * time.Second))
	b, f, err := s.readBody(r.Body)
	_ = rc.SetReadDeadline(time.Time{})
	if err == nil && f == nil {
		f, err = s.boshSession(ctx, b, r)
	}
	if err != nil {
		condition, ok := errors.AsType[bodyError](err)
		if !ok {
			return // the client has gone in the middle
		}
		s.Router.Drop("bosh_" + string(condition))
		write(w, terminated(string(condition)))
		return
	}
	answer := f.accept(b)
	select {
	case text := <-answer:
		write(w, text)
	case <-r.Context().Done(): // comes again with the same rid, or not
	case <-f.gone:
		select {
		case text := <-answer:
			write(w, text)
		default:
			http.Error(w, "the server is restarting", http.StatusServiceUnavailable)
		}
	}
}

func write(w http.ResponseWriter, text []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text) // a client that has gone asks again
}

// readBody reads and checks a request, and finds the session that it is of.
// Without a session that has logged in, little is read.
func (s *Server) readBody(r io.Reader) (*body, *bosh, error) {
	raw, err := readUpTo(r, nil, s.Limits.Early)
	if err != nil {
		return nil, nil, err
	}
	var f *bosh
	if len(raw) > s.Limits.Early {
		b, err := scanBody(raw, true)
		if err != nil {
			return nil, nil, err
		}
		if f = s.findBOSH(b.sid); f == nil || !f.link.live.Load() {
			return nil, nil, bodyError("policy-violation")
		}
		limit := s.Limits.Element + bodySlack
		if raw, err = readUpTo(r, raw, limit); err != nil {
			return nil, nil, err
		}
		if len(raw) > limit {
			return nil, nil, bodyError("policy-violation")
		}
	}
	b, err := scanBody(raw, false)
	if err != nil {
		return nil, nil, err
	}
	if f == nil {
		f = s.findBOSH(b.sid)
	}
	return b, f, nil
}

// scanBody checks a body, or only its start tag.
func scanBody(raw []byte, head bool) (*body, error) {
	n, tag, err := xmlscan.Header(raw)
	if err != nil || n == 0 {
		return nil, bodyError("bad-request")
	}
	text := raw[n-len(tag):]
	if head {
		text = append(bytes.Clone(bytes.TrimSuffix(tag[:len(tag)-1], []byte("/"))), "/>"...)
	}
	var scanner xmlscan.Scanner
	el, err := scanner.Scan(text)
	if err != nil || string(el.NS) != nsBOSH || string(el.Local) != "body" {
		return nil, bodyError("bad-request")
	}
	b := &body{}
	for _, a := range el.Attrs {
		if !b.take(string(a.Local), xmlscan.Unescape(a.Raw), a.Prefix != nil) {
			return nil, bodyError("bad-request")
		}
	}
	if b.rid == 0 {
		return nil, bodyError("bad-request")
	}
	for _, c := range el.Children {
		b.elements = append(b.elements, bytes.Clone(text[c.Start:c.End]))
	}
	return b, nil
}

// take takes in one attribute. It reports false if it makes no sense.
func (b *body) take(name, value string, prefixed bool) bool {
	seconds := func(into *time.Duration) bool {
		n, err := strconv.ParseUint(value, 10, 16)
		*into = time.Duration(n) * time.Second
		return err == nil
	}
	number := func(into *uint64) bool {
		n, err := strconv.ParseUint(value, 10, 64)
		*into = n
		return err == nil && n <= maxRID
	}
	switch {
	case prefixed && name == "restart":
		b.restart = value == "true" || value == "1"
	case prefixed && name == "version":
		b.version = value
	case prefixed:
	case name == "rid":
		return number(&b.rid)
	case name == "ack":
		b.acks = true
		return number(&b.ack)
	case name == "wait":
		return seconds(&b.wait)
	case name == "pause":
		return seconds(&b.pause)
	case name == "hold":
		n, err := strconv.ParseUint(value, 10, 8)
		b.hold = int(n)
		return err == nil
	case name == "sid":
		b.sid = value
	case name == "to":
		b.to = value
	case name == "type":
		b.kind = value
	case name == "key":
		b.key = value
	case name == "newkey":
		b.newKey = value
	}
	return true
}

func (s *Server) findBOSH(sid string) *bosh {
	s.boshMu.Lock()
	defer s.boshMu.Unlock()
	return s.boshes[sid]
}

// boshSession begins a session.
func (s *Server) boshSession(ctx context.Context, b *body, r *http.Request) (*bosh, error) {
	switch {
	case b.sid != "":
		return nil, bodyError("item-not-found")
	case ctx.Err() != nil:
		return nil, bodyError("system-shutdown")
	case s.webUnlogged.Load() >= s.Limits.Unlogged:
		s.Router.Drop("too_many_connections")
		return nil, bodyError("policy-violation")
	case !s.admit():
		return nil, bodyError("system-shutdown")
	}
	defer s.links.Done()
	o, err := originOf(r)
	if err != nil {
		return nil, bodyError("bad-request")
	}
	f := &bosh{
		srv: s, sid: rand.Text(), wait: min(b.wait, s.Limits.Wait), hold: min(b.hold, 1), acks: b.acks,
		next: b.rid, early: map[uint64]*request{},
		more: make(chan struct{}, 1), done: make(chan struct{}), gone: make(chan struct{}),
	}
	limits := s.Limits
	limits.Idle = 0 // inactive watches
	f.link = s.newLink(f, limits, &s.webUnlogged)
	s.boshMu.Lock()
	s.boshes[f.sid] = f
	s.boshMu.Unlock()
	f.inactive = time.AfterFunc(f.wait+s.Limits.Inactivity, func() { f.fail(errSilent) })
	o.bosh, o.previd = true, ""
	st := s.newStream(f.link, o)
	s.links.Go(func() {
		s.serve(ctx, f.link, st, func(ctx context.Context) error { return f.read(ctx, st) })
	})
	return f, nil
}

// keyed checks a request's key: the hash of each is the one before
// (XEP-0124 §15), which somebody else does not know.
func (f *bosh) keyed(b *body) bool {
	if f.key == "" {
		f.key = b.newKey
		return true
	}
	sum := sha1.Sum([]byte(b.key))
	if hex.EncodeToString(sum[:]) != f.key {
		return false
	}
	f.key = cmp.Or(b.newKey, b.key)
	return true
}

// head renders the start tag of the answer to a request.
func (f *bosh) head(rid uint64) []byte {
	b := fmt.Appendf(nil, `<body xmlns="%s"`, nsBOSH)
	first := !f.created
	if first {
		f.created = true
		b = fmt.Appendf(b, ` xmlns:xmpp="%s" xmpp:restartlogic="true" xmpp:version="1.0" sid="%s" ver="1.6" from="%s" wait="%d" hold="%d" requests="%d" inactivity="%d" maxpause="%d" polling="2"`,
			nsXBOSH, f.sid, wire.Escape(f.srv.Router.Domain), int(f.wait.Seconds()), f.hold, f.requests(),
			int(f.srv.Limits.Inactivity.Seconds()), int(f.srv.Limits.MaxPause.Seconds()))
	}
	if f.acks && (first || f.next-1 != rid) {
		b = fmt.Appendf(b, ` ack="%d"`, f.next-1)
	}
	return b
}

// boshCondition tells conditions that have a name of their own in BOSH from other
// errors of the stream.
func boshCondition(condition string) string {
	switch condition {
	case "bad-request", "host-gone", "host-unknown", "improper-addressing", "internal-server-error", "item-not-found",
		"policy-violation", "system-shutdown", "undefined-condition":
		return condition
	}
	return "remote-stream-error"
}
