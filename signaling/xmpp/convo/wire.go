package convo

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/coder/websocket"
)

const nsFraming = "urn:ietf:params:xml:ns:xmpp-framing"

// CloseFrame is what clients compare with.
const CloseFrame = `<close xmlns="` + nsFraming + `" />`

// DialWebSocket connects to a server behind an HTTP client.
func DialWebSocket(ctx context.Context, client *http.Client, url string) (Wire, error) {
	c, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: client, Subprotocols: []string{"xmpp"}})
	if err != nil {
		return nil, err
	}
	c.SetReadLimit(-1)
	w := &webSocket{c: c, got: make(chan string, 4096)}
	go w.pump()
	return w, nil
}

// webSocket reads ahead, as a browser does: a client that only talks must
// still take what it is sent.
type webSocket struct {
	c   *websocket.Conn
	got chan string
	err error // valid once got is closed
}

func (w *webSocket) pump() {
	defer close(w.got)
	for {
		_, b, err := w.c.Read(context.Background())
		if err != nil {
			w.err = err
			return
		}
		w.got <- string(b)
	}
}

func (w *webSocket) Open(ctx context.Context, domain string) (*Node, error) {
	if err := w.Send(ctx, `<open xmlns="`+nsFraming+`" to="`+domain+`" version="1.0"/>`); err != nil {
		return nil, err
	}
	text, err := w.Text(ctx)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(text, "<open ") {
		return nil, fmt.Errorf("frame must begin with <open: %s", text)
	}
	return w.Receive(ctx)
}

func (w *webSocket) Send(ctx context.Context, text string) error {
	return w.c.Write(ctx, websocket.MessageText, []byte(text))
}

// Text returns the next frame.
func (w *webSocket) Text(ctx context.Context) (string, error) {
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case s, ok := <-w.got:
		if !ok {
			return "", w.err
		}
		return s, nil
	}
}

func (w *webSocket) Receive(ctx context.Context) (*Node, error) {
	text, err := w.Text(ctx)
	if err != nil {
		return nil, err
	}
	n, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("frame %q: %w", text, err)
	}
	return n, nil
}

func (w *webSocket) Close(ctx context.Context) error {
	if err := w.Send(ctx, `<close xmlns="`+nsFraming+`"/>`); err != nil {
		return err
	}
	for {
		text, err := w.Text(ctx)
		switch {
		case text == CloseFrame, websocket.CloseStatus(err) == websocket.StatusNormalClosure:
			return nil
		case err != nil:
			return err
		}
	}
}

func (w *webSocket) Cut() { _ = w.c.CloseNow() }

// DialTCP connects and goes over to TLS.
func DialTCP(ctx context.Context, addr string, config *tls.Config) (Wire, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	plain := &stream{conn: conn}
	f, err := plain.Open(ctx, config.ServerName)
	if err != nil {
		return nil, err
	}
	if f.Find("urn:ietf:params:xml:ns:xmpp-tls", "starttls") == nil {
		return nil, errors.New("no STARTTLS offered")
	}
	if err := plain.Send(ctx, `<starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"/>`); err != nil {
		return nil, err
	}
	n, err := plain.receive()
	if err != nil {
		return nil, err
	}
	if n.Name.Local != "proceed" {
		return nil, fmt.Errorf("starttls: %v", n.Name)
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return &stream{conn: secure}, nil
}

type stream struct {
	conn net.Conn
	d    *xml.Decoder
	got  chan *Node
	err  error
}

func (s *stream) Open(ctx context.Context, domain string) (*Node, error) {
	err := s.Send(ctx, `<?xml version="1.0"?><stream:stream xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams" to="`+domain+`" version="1.0">`)
	if err != nil {
		return nil, err
	}
	s.d = xml.NewDecoder(s.conn)
	for {
		tok, err := s.d.Token()
		if err != nil {
			return nil, err
		}
		if t, ok := tok.(xml.StartElement); ok {
			if t.Name.Local != "stream" {
				return nil, fmt.Errorf("stream header: %v", t.Name)
			}
			return s.receive()
		}
	}
}

func (s *stream) Send(_ context.Context, text string) error {
	_, err := io.WriteString(s.conn, text)
	return err
}

var errStreamEnd = errors.New("stream ended by the server")

func (s *stream) receive() (*Node, error) {
	for {
		tok, err := s.d.Token()
		if err != nil {
			return nil, err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			n, err := read(s.d, t)
			if err == nil {
				n.Source = fmt.Sprintf("%v %v %q", n.Name, n.Attrs, n.Text)
			}
			return n, err
		case xml.EndElement:
			return nil, errStreamEnd
		}
	}
}

// Receive returns the next element. The login reads one by one; the first
// call after that starts reading ahead.
func (s *stream) Receive(ctx context.Context) (*Node, error) {
	if s.got == nil {
		return s.receive()
	}
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case n, ok := <-s.got:
		if !ok {
			return nil, s.err
		}
		return n, nil
	}
}

// Ahead starts reading ahead.
func (s *stream) Ahead() {
	s.got = make(chan *Node, 4096)
	go func() {
		defer close(s.got)
		for {
			n, err := s.receive()
			if err != nil {
				s.err = err
				return
			}
			s.got <- n
		}
	}()
}

func (s *stream) Close(ctx context.Context) error {
	if err := s.Send(ctx, "</stream:stream>"); err != nil {
		return err
	}
	for {
		if _, err := s.Receive(ctx); errors.Is(err, errStreamEnd) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func (s *stream) Cut() { _ = s.conn.Close() }
