package c2s

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xdg-go/scram"
	"meetbox.local/signaling/internal/router"
	"meetbox.local/signaling/internal/sm"
	"meetbox.local/signaling/internal/xmlscan"
)

const nsTLS = "urn:ietf:params:xml:ns:xmpp-tls"

// ServeTCP accepts connections until ctx ends, and waits for them.
func (s *Server) ServeTCP(ctx context.Context, l net.Listener, config *tls.Config) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	stop := context.AfterFunc(ctx, func() {
		if err := l.Close(); err != nil {
			s.Log.Error("listener not closed", "err", err)
		}
	})
	defer stop()
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("accept: %w", err)
		}
		local := loopback(conn)
		unlogged := &s.lanUnlogged
		if local {
			unlogged = &s.tcpUnlogged
		}
		if unlogged.Load() >= s.Limits.Unlogged {
			s.Router.Drop("too_many_connections")
			_ = conn.Close() // nothing was said yet
			continue
		}
		unlogged.Add(1)
		wg.Go(func() { s.tcp(ctx, conn, config, local, unlogged) })
	}
}

// tcp serves one connection, which unlogged counts already.
func (s *Server) tcp(ctx context.Context, conn net.Conn, config *tls.Config, local bool, unlogged *atomic.Int64) {
	secure, err := s.startTLS(ctx, conn, config)
	unlogged.Add(-1) // from here on the link counts
	if err != nil {
		s.Log.Info("connection refused", "peer", conn.RemoteAddr().String(), "err", err)
		_ = conn.Close()
		return
	}
	f := &tcp{conn: secure, patience: s.Limits.Write}
	l := s.newLink(f, s.Limits, unlogged)
	st := s.newStream(l, origin{tcp: true, local: local, peer: conn.RemoteAddr().String(), reached: reachedBy(conn), bound: bindingOf(secure)})
	s.serve(ctx, l, st, func(ctx context.Context) error { return f.read(ctx, l, st) })
}

// startTLS speaks the first, plain part of a stream, which allows for nothing
// but the step to TLS. It runs before there is a link, for until then every
// word has its answer.
func (s *Server) startTLS(ctx context.Context, conn net.Conn, config *tls.Config) (net.Conn, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := conn.SetDeadline(time.Now().Add(s.Limits.Login)); err != nil {
		return nil, err
	}
	f := &tcp{conn: conn}
	r := &reader{conn: conn, max: s.Limits.Early}
	refuse := func(condition string, opened bool) error {
		s.Router.Drop("no_tls")
		return errors.Join(streamError(condition), f.end(condition, opened))
	}
	tag, err := r.header()
	if err != nil {
		return nil, errors.Join(err, refuse("not-well-formed", false))
	}
	el, err := router.NewScanner().Scan(tag)
	if err != nil || string(el.NS) != nsStream || string(el.Local) != "stream" {
		return nil, refuse("invalid-namespace", false)
	}
	domain := attribute(el, "to")
	if domain != s.Router.AuthDomain {
		domain = s.Router.Domain // another one is refused inside of TLS
	}
	features := `<stream:features><starttls xmlns="` + nsTLS + `"><required/></starttls></stream:features>`
	if _, err := io.WriteString(conn, f.open(domain, rand.Text())+features); err != nil {
		return nil, err
	}
	raw, err := r.next()
	if err != nil {
		return nil, err
	}
	el, err = router.NewScanner().Scan(raw)
	if err != nil || string(el.NS) != nsTLS || string(el.Local) != "starttls" {
		return nil, refuse("policy-violation", true)
	}
	if len(r.rest()) > 0 { // would be taken for words said inside of TLS
		return nil, refuse("policy-violation", true)
	}
	if _, err := io.WriteString(conn, `<proceed xmlns="`+nsTLS+`"/>`); err != nil {
		return nil, err
	}
	secure := tls.Server(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("handshake: %w", err)
	}
	return secure, secure.SetDeadline(time.Time{})
}

// loopback tells whether the peer is on this machine.
func loopback(conn net.Conn) bool {
	a, ok := conn.RemoteAddr().(*net.TCPAddr)
	return ok && a.IP.IsLoopback()
}

// reachedBy is our address that the peer connected to.
func reachedBy(conn net.Conn) netip.Addr {
	a, ok := conn.LocalAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return a.AddrPort().Addr().Unmap()
}

// bindingOf is what logins may be bound to: RFC 9266, which needs TLS 1.3.
func bindingOf(conn net.Conn) *scram.ChannelBinding {
	secure, ok := conn.(*tls.Conn)
	if !ok {
		return nil
	}
	state := secure.ConnectionState()
	if state.Version < tls.VersionTLS13 {
		return nil
	}
	b, err := scram.NewTLSExporterBinding(&state)
	if err != nil {
		return nil
	}
	return &b
}

// tcp is the framing of RFC 6120: one document, elements one after another.
type tcp struct {
	conn     net.Conn
	patience time.Duration // of one write
}

func (f *tcp) open(domain, id string) string {
	return fmt.Sprintf(`<?xml version="1.0"?><stream:stream xmlns="jabber:client" xmlns:stream="%s" from="%s" id="%s" version="1.0" xml:lang="en">`, nsStream, domain, id)
}

func (f *tcp) ready() bool { return true }

func (f *tcp) writeBatch(box *sm.Box, items []sm.Item, w *writer) error {
	if len(items) == 0 {
		return nil
	}
	w.wait() // TLS cannot be asked to try
	w.buf = w.buf[:0]
	for i, it := range items {
		w.buf = box.Append(w.buf, it)
		if len(w.buf) < full && i < len(items)-1 {
			continue
		}
		if err := f.conn.SetWriteDeadline(time.Now().Add(f.patience)); err != nil {
			return err
		}
		if _, err := f.conn.Write(w.buf); err != nil {
			return err
		}
		w.buf = w.buf[:0]
	}
	return nil
}

func (f *tcp) finish(condition string, opened bool, w *writer) error {
	w.wait()
	if err := f.conn.SetWriteDeadline(time.Now().Add(f.patience)); err != nil {
		return err
	}
	return f.end(condition, opened)
}

func (f *tcp) end(condition string, opened bool) error {
	text := ""
	if !opened {
		text = f.open("", "")
	}
	if condition != "" {
		text += streamErrorText(condition)
	}
	_, err := io.WriteString(f.conn, text+"</stream:stream>")
	if c, ok := f.conn.(interface{ CloseWrite() error }); ok {
		err = errors.Join(err, c.CloseWrite())
	}
	return err
}

func (f *tcp) drain() {
	// Until the peer closes, or kill does.
	_, _ = io.Copy(io.Discard, f.conn)
}

func (f *tcp) kill() { _ = f.conn.Close() }

// read takes element after element.
func (f *tcp) read(ctx context.Context, l *link, st *stream) error {
	r, scanner := &reader{conn: f.conn}, router.NewScanner()
	for {
		r.max = st.limit()
		if st.phase == fresh || st.phase == loggedIn {
			tag, err := r.header()
			if err != nil {
				return st.unreadable(err)
			}
			l.heard()
			el, err := st.check(scanner, tag)
			if err != nil {
				return err
			}
			if string(el.NS) != nsStream || string(el.Local) != "stream" {
				return streamError("invalid-namespace")
			}
			if err := st.header(attribute(el, "to"), attribute(el, "version")); err != nil {
				return err
			}
			continue
		}
		raw, err := r.next()
		if err != nil {
			return st.unreadable(err)
		}
		l.heard()
		raw = st.inward(raw)
		el, err := st.check(scanner, raw)
		if err != nil {
			return err
		}
		if err := st.element(ctx, raw, el); err != nil {
			return err
		}
	}
}

// unreadable tells a client's fault from the network's.
func (s *stream) unreadable(err error) error {
	switch {
	case errors.Is(err, xmlscan.ErrTooLong):
		return s.tooLong()
	case errors.Is(err, xmlscan.ErrRestricted):
		s.srv.Router.Drop("restricted_xml")
		return streamError("restricted-xml")
	case errors.Is(err, xmlscan.ErrMalformed):
		s.srv.Router.Drop("malformed")
		return streamError("not-well-formed")
	}
	return err
}

// reader cuts a byte stream into elements.
type reader struct {
	conn       net.Conn
	max        int
	buf        []byte
	start, end int // of what is read and not returned
	seen       int // of that, known to the splitter
	split      xmlscan.Splitter
}

func (r *reader) rest() []byte { return bytes.TrimSpace(r.buf[r.start:r.end]) }

// more reads what there is, at least a byte.
func (r *reader) more() error {
	if r.end-r.start > r.max {
		return xmlscan.ErrTooLong
	}
	if r.start > 0 && (r.start == r.end || r.end == len(r.buf)) {
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	}
	if r.end == len(r.buf) {
		r.buf = append(r.buf, make([]byte, max(4096, len(r.buf)))...)
	}
	n, err := r.conn.Read(r.buf[r.end:])
	r.end += n
	if n > 0 {
		return nil
	}
	return err
}

// next returns the next element, in memory of its own.
func (r *reader) next() ([]byte, error) {
	for {
		kind, n, err := r.split.Next(r.buf[r.start:r.end], r.seen, r.max)
		switch {
		case err != nil:
			return nil, err
		case kind == xmlscan.More:
			r.seen = r.end - r.start
			if len(r.rest()) == 0 { // white space between elements keeps connections alive
				r.start, r.seen = r.end, 0
			}
			if err := r.more(); err != nil {
				return nil, err
			}
			continue
		}
		raw := bytes.Clone(r.buf[r.start : r.start+n])
		r.start, r.seen = r.start+n, 0
		r.split = xmlscan.Splitter{}
		if kind == xmlscan.StreamEnd {
			return nil, errClosed
		}
		return bytes.TrimSpace(raw), nil
	}
}

// header returns the stream's start tag as an empty element.
func (r *reader) header() ([]byte, error) {
	for {
		n, tag, err := xmlscan.Header(r.buf[r.start:r.end])
		switch {
		case err != nil:
			return nil, err
		case n == 0:
			if err := r.more(); err != nil {
				return nil, err
			}
			continue
		}
		r.start, r.seen = r.start+n, 0
		if len(tag) > 1 && tag[len(tag)-2] == '/' {
			return nil, xmlscan.ErrMalformed
		}
		return append(bytes.Clone(tag[:len(tag)-1]), "/>"...), nil
	}
}
