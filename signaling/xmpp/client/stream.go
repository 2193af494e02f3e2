package client

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/xdg-go/scram"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/stanza"
)

const (
	nsStream = "http://etherx.jabber.org/streams"
	nsTLS    = "urn:ietf:params:xml:ns:xmpp-tls"
	nsSASL   = "urn:ietf:params:xml:ns:xmpp-sasl"
	nsBind   = "urn:ietf:params:xml:ns:xmpp-bind"

	loginTimeout = 10 * time.Second
	writeTimeout = 10 * time.Second
)

// stream is a connection that speaks XMPP, first plain and then within TLS.
type stream struct {
	conn net.Conn
	dec  *xml.Decoder
	self jid.JID
}

type features struct {
	XMLName    xml.Name  `xml:"http://etherx.jabber.org/streams features"`
	StartTLS   *struct{} `xml:"urn:ietf:params:xml:ns:xmpp-tls starttls"`
	Mechanisms struct {
		Names []string `xml:"urn:ietf:params:xml:ns:xmpp-sasl mechanism"`
	} `xml:"urn:ietf:params:xml:ns:xmpp-sasl mechanisms"`
	Bind *struct{} `xml:"urn:ietf:params:xml:ns:xmpp-bind bind"`
}

type bind struct {
	XMLName  xml.Name `xml:"urn:ietf:params:xml:ns:xmpp-bind bind"`
	Resource string   `xml:"urn:ietf:params:xml:ns:xmpp-bind resource,omitempty"`
	JID      jid.JID  `xml:"urn:ietf:params:xml:ns:xmpp-bind jid,omitempty"`
}

// dial connects and logs in.
func dial(ctx context.Context, cfg Config) (*stream, error) {
	ctx, cancel := context.WithTimeout(ctx, loginTimeout)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	s := &stream{conn: conn}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	err = s.login(ctx, cfg)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("log in: %w", err), closed(conn.Close()))
	}
	return s, nil
}

// closed drops the error of closing what the context closed already.
func closed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (s *stream) login(ctx context.Context, cfg Config) error {
	f, err := s.open(cfg.Domain)
	if err != nil {
		return err
	}
	if f.StartTLS == nil {
		return errors.New("signaling offers no TLS")
	}
	if err := s.startTLS(ctx, cfg); err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	if f, err = s.open(cfg.Domain); err != nil {
		return err
	}
	if err := s.authenticate(cfg, f.Mechanisms.Names); err != nil {
		return fmt.Errorf("authenticate as %s: %w", cfg.User, err)
	}
	if _, err = s.open(cfg.Domain); err != nil {
		return err
	}
	return s.bind(cfg.Resource)
}

// open starts a stream, or starts it again, and reads the features.
func (s *stream) open(domain string) (features, error) {
	s.dec = xml.NewDecoder(s.conn)
	var f features
	var to bytes.Buffer
	if err := xml.EscapeText(&to, []byte(domain)); err != nil {
		return f, err
	}
	if _, err := fmt.Fprintf(s.conn, `<?xml version="1.0"?><stream:stream xmlns="jabber:client" xmlns:stream="`+nsStream+`" to="%s" version="1.0">`, &to); err != nil {
		return f, err
	}
	start, err := s.start()
	if err != nil {
		return f, err
	}
	if start.Name != (xml.Name{Space: nsStream, Local: "stream"}) {
		return f, fmt.Errorf("%s instead of a stream", start.Name.Local)
	}
	e, err := s.next()
	if err != nil {
		return f, err
	}
	return f, e.Decode(&f)
}

// start reads up to the next start tag.
func (s *stream) start() (xml.StartElement, error) {
	for {
		t, err := s.dec.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			return t, nil
		case xml.EndElement:
			return xml.StartElement{}, io.EOF
		}
	}
}

// next reads one whole element; a stream error is an error.
func (s *stream) next() (stanza.Element, error) {
	var e stanza.Element
	start, err := s.start()
	if err != nil {
		return e, err
	}
	if err := s.dec.DecodeElement(&e, &start); err != nil {
		return e, err
	}
	if e.Is(nsStream, "error") {
		return e, streamError(e)
	}
	return e, nil
}

func streamError(e stanza.Element) error {
	var v struct {
		Children []stanza.Element `xml:",any"`
	}
	if err := e.Decode(&v); err != nil || len(v.Children) == 0 {
		return errors.New("stream error")
	}
	return fmt.Errorf("stream error: %s", v.Children[0].XMLName.Local)
}

func (s *stream) startTLS(ctx context.Context, cfg Config) error {
	tc := &tls.Config{ServerName: cfg.Domain, MinVersion: tls.VersionTLS12}
	if cfg.CA != "" {
		pem, err := os.ReadFile(cfg.CA)
		if err != nil {
			return err
		}
		tc.RootCAs = x509.NewCertPool()
		if !tc.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("no certificate in %s", cfg.CA)
		}
	}
	if _, err := io.WriteString(s.conn, `<starttls xmlns="`+nsTLS+`"/>`); err != nil {
		return err
	}
	e, err := s.next()
	if err != nil {
		return err
	}
	if !e.Is(nsTLS, "proceed") {
		return fmt.Errorf("refused: %s", e.XMLName.Local)
	}
	t := tls.Client(s.conn, tc)
	if err := t.HandshakeContext(ctx); err != nil {
		return err
	}
	s.conn = t
	return nil
}

type saslText struct {
	XMLName   xml.Name
	Mechanism string `xml:"mechanism,attr,omitempty"`
	Text      string `xml:",chardata"`
}

func (s *stream) authenticate(cfg Config, offered []string) error {
	name, hash := "SCRAM-SHA-256", scram.SHA256
	if !slices.Contains(offered, name) {
		name, hash = "SCRAM-SHA-1", scram.SHA1
		if !slices.Contains(offered, name) {
			return fmt.Errorf("no common mechanism among %q", offered)
		}
	}
	user, err := hash.NewClient(cfg.User, cfg.Password, "")
	if err != nil {
		return err
	}
	conv := user.NewConversation()
	text, err := conv.Step("")
	if err != nil {
		return err
	}
	out := saslText{XMLName: xml.Name{Space: nsSASL, Local: "auth"}, Mechanism: name}
	for {
		out.Text = base64.StdEncoding.EncodeToString([]byte(text))
		b, err := xml.Marshal(out)
		if err != nil {
			return err
		}
		if _, err := s.conn.Write(b); err != nil {
			return err
		}
		e, err := s.next()
		if err != nil {
			return err
		}
		in, err := base64.StdEncoding.DecodeString(e.Text())
		switch {
		case e.Is(nsSASL, "failure"):
			return fmt.Errorf("refused: %s", e.Inner)
		case err != nil:
			return err
		case e.Is(nsSASL, "success") && len(in) == 0 && conv.Done():
		default:
			if text, err = conv.Step(string(in)); err != nil {
				return err
			}
		}
		if e.Is(nsSASL, "success") {
			if !conv.Valid() {
				return errors.New("signaling did not prove that it knows the password")
			}
			return nil
		}
		out = saslText{XMLName: xml.Name{Space: nsSASL, Local: "response"}}
	}
}

func (s *stream) bind(resource string) error {
	children, err := stanza.Encode(bind{Resource: resource})
	if err != nil {
		return err
	}
	b, err := encode(stanza.IQ{ID: "bind", Type: stanza.Set, Children: children})
	if err != nil {
		return err
	}
	if _, err := s.conn.Write(b); err != nil {
		return err
	}
	e, err := s.next()
	if err != nil {
		return err
	}
	var q stanza.IQ
	if err := e.Decode(&q); err != nil {
		return err
	}
	if q.Type != stanza.Result {
		return fmt.Errorf("bind %s: %w", resource, q.Error)
	}
	var v bind
	if err := q.Payload().Decode(&v); err != nil {
		return err
	}
	s.self = v.JID
	return nil
}

// encode writes a stanza. On this stream jabber:client is the default
// namespace, but saying so costs little and makes each stanza whole.
func encode(v any) ([]byte, error) {
	b, err := xml.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return b, nil
}

// outbox holds what is not written yet, so that nobody waits for a socket.
type outbox struct {
	mu    sync.Mutex
	queue [][]byte
	more  chan struct{} // one element when the queue is not empty
}

func newOutbox() *outbox { return &outbox{more: make(chan struct{}, 1)} }

func (o *outbox) add(b []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) >= queueLimit {
		return errSlow
	}
	o.queue = append(o.queue, b)
	select {
	case o.more <- struct{}{}:
	default:
	}
	return nil
}

// drain writes until the connection or the context ends.
func (o *outbox) drain(ctx context.Context, conn net.Conn) error {
	w := bufio.NewWriterSize(conn, 16<<10)
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-o.more:
		}
		o.mu.Lock()
		batch := o.queue
		o.queue = nil
		o.mu.Unlock()
		if err := conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return err
		}
		for _, b := range batch {
			if _, err := w.Write(b); err != nil {
				return fmt.Errorf("send: %w", err)
			}
		}
		if err := w.Flush(); err != nil {
			return fmt.Errorf("send: %w", err)
		}
	}
}
