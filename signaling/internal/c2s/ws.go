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
	context.AfterFunc(ctx, s.room.clear)
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
		case !s.admit():
			http.Error(w, "this process ends", http.StatusServiceUnavailable)
		default:
			defer s.links.Done()
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
	from, err := originOf(r)
	if err != nil {
		s.Router.Drop("bad_handshake")
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set(takeup.Process, s.name)
	conn, err := websocket.Upgrade(w, r, "xmpp")
	if err != nil {
		s.Router.Drop("bad_handshake")
		return
	}
	f := &webSocket{conn: conn, ctx: ctx, patience: s.Limits.Write}
	l := s.newLink(f, s.Limits, &s.webUnlogged)
	l.cancel = func(error) { f.kill() }
	conn.Answer = func(payload []byte) {
		pong := websocket.Append(nil, websocket.Pong, payload)
		f.pong.Store(&pong)
		l.Wake()
	}
	f.stream = s.newStream(l, from)
	s.links.Add(1) // until end
	s.room.enter(f)
	s.begin(l, f.stream)
	f.begin(r.Header.Get(takeup.Token), r.Header.Get(takeup.Sent))
}

// webSocket is the framing of RFC 7395: one element a message.
type webSocket struct {
	conn     *websocket.Conn
	stream   *stream
	ctx      context.Context // of the server
	patience time.Duration
	number   int32                  // in the waiting room
	watched  bool                   // by its poll
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
	_ = f.conn.Kill() // the peer has gone, or is to go; whether it hears of it does not matter
}

// begin lets the client speak. What it has said with its request waits nowhere.
func (f *webSocket) begin(token, sent string) {
	s := f.stream.srv
	if err := f.stream.takeUp(token, sent); err != nil {
		f.end(err)
		return
	}
	if f.ctx.Err() != nil { // the room may have been cleared before it was entered
		f.kill()
	}
	if f.conn.Pending() || !f.wait() {
		s.desks.seat(f)
	}
}

// visit deals with what has come. A client that cannot wait in the room is
// waited for here.
func (f *webSocket) visit(d *desk) {
	for {
		if err := f.message(d); err != nil {
			f.end(err)
			return
		}
		if !f.conn.Pending() && f.wait() {
			return
		}
	}
}

// wait tells whether the waiting room has the client seated when it says
// something.
func (f *webSocket) wait() bool {
	srv := f.stream.srv
	err := srv.room.wait(f)
	if err != nil {
		srv.Log.Debug("a client keeps a goroutine", "err", err)
	}
	return err == nil
}

// end says the last words and closes the connection, which may take its time.
func (f *webSocket) end(err error) {
	s := f.stream.srv
	s.links.Go(func() {
		defer s.links.Done() // of webSocket
		s.end(f.ctx, f.stream.link, f.stream, err)
		s.room.leave(f)
		_ = f.conn.Close() // the peer knows, or has gone
	})
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

// message reads one, or a control frame, and does what it says.
func (f *webSocket) message(d *desk) error {
	begun, err := f.conn.Begin()
	switch {
	case err != nil:
		return f.unreadable(err)
	case !begun:
		return nil
	}
	st := f.stream
	limit := st.limit()
	buf, op, err := f.conn.Read(d.buf[:0], limit)
	if cap(buf) <= 64<<10 {
		d.buf = buf
	}
	if err != nil {
		return f.unreadable(err)
	}
	st.link.heard()
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
	return f.element(raw, d.scanner)
}

func (f *webSocket) element(raw []byte, scanner *xmlscan.Scanner) error {
	st := f.stream
	raw = st.inward(raw)
	el, err := st.check(scanner, raw)
	switch {
	case err != nil:
		return err
	case string(el.NS) != nsFraming:
		return st.element(f.ctx, raw, el)
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
