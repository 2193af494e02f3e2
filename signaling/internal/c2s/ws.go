package c2s

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/coder/websocket"
	"meetbox.local/signaling/internal/sm"
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
		case !strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
			fmt.Fprintln(w, "XMPP over WebSocket")
		case !offersXMPP(r):
			http.Error(w, "subprotocol xmpp expected", http.StatusBadRequest)
		case s.webUnlogged.Load() >= s.Limits.Unlogged:
			s.Router.Drop("too_many_connections")
			http.Error(w, "too many connections", http.StatusServiceUnavailable)
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

func offersXMPP(r *http.Request) bool {
	for _, v := range r.Header.Values("Sec-WebSocket-Protocol") {
		for p := range strings.SplitSeq(v, ",") {
			if strings.TrimSpace(p) == "xmpp" {
				return true
			}
		}
	}
	return false
}

func (s *Server) webSocket(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(lean{w}, r, &websocket.AcceptOptions{
		Subprotocols:       []string{"xmpp"},
		InsecureSkipVerify: true, // any origin, see Handler
		CompressionMode:    websocket.CompressionDisabled,
	})
	if err != nil {
		s.Router.Drop("bad_handshake")
		return
	}
	conn.SetReadLimit(-1) // counted here, to answer in XMPP's words
	f := &webSocket{conn: conn, ctx: ctx, buffers: &s.buffers}
	f.cork, _ = r.Context().Value(connKey{}).(*corkConn)
	l := newLink(f, s.Limits, s.Router.QueueBytes, &s.webUnlogged)
	st := s.newStream(l, originOf(r))
	// Not on the goroutine of the request: that one's stack has grown with
	// HTTP, and would be kept with all that was said in it.
	s.links.Go(func() {
		s.serve(ctx, l, st, func(ctx context.Context) error { return f.read(ctx, l, st) })
	})
}

// webSocket is the framing of RFC 7395: one element a message.
type webSocket struct {
	conn    *websocket.Conn
	ctx     context.Context // of the server; the connection's life is bounded by kill
	cork    *corkConn       // below conn; nil in a server that is not ServeWeb's
	buffers *sync.Pool
}

func (f *webSocket) open(domain, id string) string {
	return fmt.Sprintf(`<open xmlns="%s" from="%s" id="%s" version="1.0" xml:lang="en"/>`, nsFraming, domain, id)
}

func (f *webSocket) ready() bool { return true }

func (f *webSocket) writeBatch(box *sm.Box, items []sm.Item) error {
	if f.cork == nil {
		return f.writeEach(box, items)
	}
	f.cork.cork()
	return errors.Join(f.writeEach(box, items), f.cork.uncork())
}

func (f *webSocket) writeEach(box *sm.Box, items []sm.Item) error {
	scratch := f.buffers.Get().(*[]byte)
	defer f.buffers.Put(scratch)
	for _, it := range items {
		*scratch = box.Append((*scratch)[:0], it)
		if err := f.conn.Write(f.ctx, websocket.MessageText, *scratch); err != nil {
			return err
		}
	}
	return nil
}

func (f *webSocket) finish(condition string, opened bool) error {
	var last []string
	if condition != "" {
		if !opened { // RFC 7395 §3.4: an error needs a stream
			last = append(last, f.open("", ""))
		}
		last = append(last, streamErrorText(condition))
	}
	for _, text := range append(last, closeFrame) {
		if err := f.conn.Write(f.ctx, websocket.MessageText, []byte(text)); err != nil {
			return err
		}
	}
	return f.conn.Close(websocket.StatusNormalClosure, "")
}

func streamErrorText(condition string) string {
	return `<stream:error xmlns:stream="` + nsStream + `"><` + condition + ` xmlns="` + nsStreams + `"/></stream:error>`
}

func (f *webSocket) drain() {} // Close has waited for the peer

func (f *webSocket) kill() {
	// The peer has gone or is to go; whether it hears of it does not matter.
	_ = f.conn.CloseNow()
}

// read takes message after message.
func (f *webSocket) read(ctx context.Context, l *link, st *stream) error {
	var buf []byte
	for {
		typ, r, err := f.conn.Reader(ctx)
		if websocket.CloseStatus(err) == websocket.StatusGoingAway {
			return errPageClosed
		}
		if err != nil {
			return err
		}
		limit := st.limit()
		if buf, err = readUpTo(r, buf[:0], limit); err != nil {
			return err
		}
		l.heard()
		switch {
		case len(buf) > limit:
			return st.tooLong()
		case typ != websocket.MessageText:
			st.srv.Router.Drop("malformed")
			return streamError("not-well-formed")
		}
		text := bytes.TrimSpace(buf)
		if len(text) == 0 {
			continue // a keep-alive
		}
		if string(text) == "</stream:stream>" { // COMPAT(mellium 0.23): its client closes a WebSocket like TCP
			return errClosed
		}
		raw := text
		if st.phase == ready {
			raw = bytes.Clone(text) // recipients share it
		}
		if err := f.element(ctx, st, raw); err != nil {
			return err
		}
		if cap(buf) > 64<<10 {
			buf = nil
		}
	}
}

func (f *webSocket) element(ctx context.Context, st *stream, raw []byte) error {
	el, err := st.check(raw)
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
