package c2s

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"meetbox.local/appliance/kit/takeup"
	"meetbox.local/signaling/internal/sm"
	"meetbox.local/signaling/internal/websocket"
	"meetbox.local/signaling/internal/xmlscan"
)

const nsFraming = "urn:ietf:params:xml:ns:xmpp-framing"

// closeFrame is compared byte by byte by Jitsi's strophe: two blanks fewer and
// it would be taken for a stanza.
const closeFrame = `<close xmlns="` + nsFraming + `" />`

// Handler serves XMPP over WebSocket. A plain GET is the client's keep-alive
// of the way through proxies, and is answered with 200. Connections end with
// ctx.
func (s *Server) Handler(ctx context.Context) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		anyOrigin(w.Header())
		switch {
		case r.Method == http.MethodOptions:
			w.WriteHeader(http.StatusNoContent)
		case r.Method != http.MethodGet:
			http.Error(w, "only GET", http.StatusMethodNotAllowed)
		case !websocket.Requested(r):
			fmt.Fprintln(w, "XMPP over WebSocket")
		case !websocket.Offers(r, "xmpp"):
			http.Error(w, "subprotocol xmpp expected", http.StatusBadRequest)
		case s.webUnlogged.Load() >= s.Limits.Unlogged:
			s.Router.Drop("too_many_connections")
			http.Error(w, "too many connections", http.StatusServiceUnavailable)
		case ctx.Err() != nil:
			http.Error(w, "this process ends", http.StatusServiceUnavailable)
		case r.Header.Get(takeup.Process) == s.name:
			http.Error(w, "this process has ended the stream", http.StatusConflict)
		case r.Header.Get(takeup.Token) != "" && !s.Router.Waiting(r.Header.Get(takeup.Token)):
			http.Error(w, "no such session waits", http.StatusGone)
		default:
			s.webSocket(ctx, w, r)
		}
	})
}

// anyOrigin lets clients in that are served from anywhere and are guests: there
// is no cookie or address that another site's page could make use of.
func anyOrigin(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Content-Type, Authorization")
	h.Set("Cache-Control", "no-store")
}

// peerOf is who has made a request, for the log.
func peerOf(r *http.Request) string {
	if via := r.Header.Get("X-Forwarded-For"); via != "" {
		return via
	}
	return r.RemoteAddr
}

func (s *Server) webSocket(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	w.Header().Set(takeup.Process, s.name)
	conn, err := websocket.Upgrade(w, r, "xmpp")
	if err != nil {
		s.Router.Drop("bad_handshake")
		return
	}
	f := &webSocket{conn: conn, patience: s.Limits.Write}
	l := s.newLink(f, s.Limits, &s.webUnlogged)
	conn.Answer = func(payload []byte) {
		pong := websocket.Append(nil, websocket.Pong, payload)
		f.pong.Store(&pong)
		l.Wake()
	}
	st := s.newStream(l, originOf(r))
	token, sent := r.Header.Get(takeup.Token), r.Header.Get(takeup.Sent)
	// Not on the goroutine of the request: that one's stack has grown with
	// HTTP, and would be kept with all that was said in it.
	s.links.Go(func() {
		s.serve(ctx, l, st, func(ctx context.Context) error {
			if err := st.takeUp(token, sent); err != nil {
				return err
			}
			return f.read(ctx, l, st)
		})
	})
}

// webSocket is the framing of RFC 7395: one element a message.
type webSocket struct {
	conn     *websocket.Conn
	patience time.Duration
	pong     atomic.Pointer[[]byte] // a frame to be sent
	mu       sync.Mutex             // of writing
}

func (f *webSocket) open(domain, id string) string {
	return fmt.Sprintf(`<open xmlns="%s" from="%s" id="%s" version="1.0" xml:lang="en"/>`, nsFraming, domain, id)
}

func (f *webSocket) ready() bool { return true }

// full is when frames are written before there are more.
const full = 16 << 10

func (f *webSocket) writeBatch(box *sm.Box, items []sm.Item, w *writer) error {
	w.buf = w.buf[:0]
	for _, it := range items {
		w.buf = websocket.AppendHeader(w.buf, websocket.Text, box.Length(it))
		if w.buf = box.Append(w.buf, it); len(w.buf) < full {
			continue
		}
		if err := f.write(w); err != nil {
			return err
		}
	}
	if pong := f.pong.Swap(nil); pong != nil {
		w.buf = append(w.buf, *pong...)
	}
	return f.write(w)
}

// write writes w's buffer, and waits for a peer that does not take it at once.
func (f *webSocket) write(w *writer) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.conn.TryWrite(w.buf)
	if err == nil && n < len(w.buf) {
		w.wait()
		err = f.conn.Write(w.buf[n:], f.patience)
	}
	w.buf = w.buf[:0]
	return err
}

func (f *webSocket) finish(condition string, opened bool, w *writer) error {
	var last []string
	if condition != "" {
		if !opened { // RFC 7395 §3.4: an error needs a stream
			last = append(last, f.open("", ""))
		}
		last = append(last, streamErrorText(condition))
	}
	w.buf = w.buf[:0]
	for _, text := range append(last, closeFrame) {
		w.buf = websocket.Append(w.buf, websocket.Text, []byte(text))
	}
	w.buf = websocket.AppendClose(w.buf, websocket.Normal)
	return f.write(w)
}

func streamErrorText(condition string) string {
	return `<stream:error xmlns:stream="` + nsStream + `"><` + condition + ` xmlns="` + nsStreams + `"/></stream:error>`
}

func (f *webSocket) drain() { f.conn.Discard() }

func (f *webSocket) kill() {
	// The peer has gone or is to go; whether it hears of it does not matter.
	_ = f.conn.Kill()
}

// read takes message after message. Hundreds of these wait at a time, so what
// a message takes, its stack too, is a desk's.
func (f *webSocket) read(ctx context.Context, l *link, st *stream) error {
	for {
		if err := f.conn.Wait(); err != nil {
			return f.unreadable(err)
		}
		if err := st.srv.desks.do(visit{ctx, f, l, st}); err != nil {
			return err
		}
	}
}

// unreadable says why there is no further message.
func (f *webSocket) unreadable(err error) error {
	_, closed := errors.AsType[websocket.CloseError](err)
	switch {
	case errors.Is(err, websocket.ErrProtocol):
		f.part(websocket.ProtocolError)
	case closed:
		f.part(websocket.Normal)
	}
	if errors.Is(err, websocket.CloseError(websocket.GoingAway)) {
		return errPageClosed
	}
	return err
}

// part answers the peer's end of the connection, unless something is being
// written: nobody waits for it.
func (f *webSocket) part(code uint16) {
	if f.mu.TryLock() {
		defer f.mu.Unlock()
		_, _ = f.conn.TryWrite(websocket.AppendClose(nil, code))
	}
}

// message reads one and does what it says.
func (f *webSocket) message(ctx context.Context, l *link, st *stream, d *desk) error {
	limit := st.limit()
	buf, op, err := f.conn.Read(d.buf[:0], limit)
	if cap(buf) <= 64<<10 {
		d.buf = buf
	}
	if err != nil {
		return f.unreadable(err)
	}
	l.heard()
	switch {
	case len(buf) > limit:
		return st.tooLong()
	case op != websocket.Text:
		st.srv.Router.Drop("malformed")
		return streamError("not-well-formed")
	}
	text := bytes.TrimSpace(buf)
	if len(text) == 0 {
		return nil // a keep-alive
	}
	if string(text) == "</stream:stream>" { // COMPAT(mellium 0.23): its client closes a WebSocket like TCP
		return errClosed
	}
	raw := text
	if st.phase == ready {
		raw = bytes.Clone(text) // recipients share it
	}
	return f.element(ctx, st, raw, d.scanner)
}

func (f *webSocket) element(ctx context.Context, st *stream, raw []byte, scanner *xmlscan.Scanner) error {
	el, err := st.check(scanner, raw)
	switch {
	case err != nil:
		return err
	case string(el.NS) != nsFraming:
		return st.element(ctx, raw, el)
	case string(el.Local) == "open":
		return st.header(attribute(el, "to"), attribute(el, "version"))
	case string(el.Local) == "close":
		return errClosed
	}
	return streamError("unsupported-stanza-type")
}

// readUpTo reads r into buf, one byte more than limit at most.
func readUpTo(r io.Reader, buf []byte, limit int) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):min(cap(buf), limit+1)])
		buf = buf[:len(buf)+n]
		if errors.Is(err, io.EOF) || len(buf) > limit {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}
