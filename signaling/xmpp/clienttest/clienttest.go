// Package clienttest is a signaling server for one test: real sockets, TLS
// and SCRAM, and behind them whatever the test wants to hear and say.
package clienttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/xdg-go/scram"
	"meetbox.local/signaling/xmpp/client"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/stanza"
)

// Password is everybody's.
const Password = "open sesame"

// Server takes logins of any user and hands their stanzas to the test.
type Server struct {
	domain  string
	addr    string
	ca      string
	cert    tls.Certificate
	stanzas func(from jid.JID, e stanza.Element)

	mu       sync.Mutex
	sessions map[jid.JID]net.Conn
	changed  chan struct{} // closed and replaced at each login and loss
	wg       sync.WaitGroup
}

// New starts a server that ends with the test. stanzas is called on one
// goroutine for each session and may call Send.
func New(t testing.TB, domain string, stanzas func(from jid.JID, e stanza.Element)) *Server {
	t.Helper()
	s := &Server{domain: domain, stanzas: stanzas, sessions: make(map[jid.JID]net.Conn), changed: make(chan struct{})}
	s.certify(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	s.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.wg.Go(func() {
				if err := s.serve(c); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
					t.Logf("server: session ended: %v", err)
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		s.DropAll()
		s.wg.Wait()
	})
	return s
}

// Config is how to log in.
func (s *Server) Config(user, resource string) client.Config {
	return client.Config{Address: s.addr, Domain: s.domain, User: user, Password: Password, Resource: resource, CA: s.ca}
}

// Send writes a stanza to a session, if it is there.
func (s *Server) Send(to jid.JID, v any) {
	b, err := xml.Marshal(v)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.sessions[to]; c != nil {
		c.Write(b) // a session that just ended is as good as none
	}
}

// DropAll cuts all connections, as a killed server would.
func (s *Server) DropAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.sessions {
		c.Close()
	}
}

// Await returns once that session is logged in, or once it is not.
func (s *Server) Await(t testing.TB, j jid.JID, online bool) {
	t.Helper()
	for {
		s.mu.Lock()
		_, ok := s.sessions[j]
		changed := s.changed
		s.mu.Unlock()
		if ok == online {
			return
		}
		select {
		case <-changed:
		case <-t.Context().Done():
			t.Fatalf("%s did not become online=%v", j, online)
		}
	}
}

func (s *Server) change(j jid.JID, c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c == nil {
		delete(s.sessions, j)
	} else {
		s.sessions[j] = c
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// serve is one connection.
func (s *Server) serve(c net.Conn) error {
	defer func() { c.Close() }()
	dec := xml.NewDecoder(c)
	if err := s.open(c, dec, `<starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"><required/></starttls>`); err != nil {
		return err
	}
	if _, err := next(dec); err != nil {
		return err
	}
	if _, err := io.WriteString(c, `<proceed xmlns="urn:ietf:params:xml:ns:xmpp-tls"/>`); err != nil {
		return err
	}
	c = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{s.cert}, MinVersion: tls.VersionTLS12})
	dec = xml.NewDecoder(c)
	if err := s.open(c, dec, `<mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><mechanism>SCRAM-SHA-256</mechanism></mechanisms>`); err != nil {
		return err
	}
	user, err := s.authenticate(c, dec)
	if err != nil {
		return err
	}
	dec = xml.NewDecoder(c)
	if err := s.open(c, dec, `<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/>`); err != nil {
		return err
	}
	e, err := next(dec)
	if err != nil {
		return err
	}
	var q stanza.IQ
	var b struct {
		XMLName  xml.Name `xml:"urn:ietf:params:xml:ns:xmpp-bind bind"`
		Resource string   `xml:"urn:ietf:params:xml:ns:xmpp-bind resource"`
	}
	if err := errors.Join(e.Decode(&q), q.Payload().Decode(&b)); err != nil {
		return err
	}
	self, err := jid.New(user, s.domain, b.Resource)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(c, `<iq type="result" id="`+q.ID+`"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><jid>`+self.String()+`</jid></bind></iq>`); err != nil {
		return err
	}
	s.change(self, c)
	defer s.change(self, nil)
	for {
		e, err := next(dec)
		if err != nil {
			return err
		}
		s.stanzas(self, e)
	}
}

func (s *Server) open(c net.Conn, dec *xml.Decoder, features string) error {
	for {
		t, err := dec.Token()
		if err != nil {
			return err
		}
		if _, ok := t.(xml.StartElement); ok {
			break
		}
	}
	_, err := io.WriteString(c, `<?xml version="1.0"?><stream:stream xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams" id="x" from="`+
		s.domain+`" version="1.0"><stream:features>`+features+`</stream:features>`)
	return err
}

func next(dec *xml.Decoder) (stanza.Element, error) {
	var e stanza.Element
	err := dec.Decode(&e)
	return e, err
}

func (s *Server) authenticate(c net.Conn, dec *xml.Decoder) (string, error) {
	user, err := scram.SHA256.NewClient("x", Password, "")
	if err != nil {
		return "", err
	}
	stored, err := user.GetStoredCredentialsWithError(scram.KeyFactors{Salt: "salt", Iters: 4096})
	if err != nil {
		return "", err
	}
	server, err := scram.SHA256.NewServer(func(string) (scram.StoredCredentials, error) { return stored, nil })
	if err != nil {
		return "", err
	}
	conv := server.NewConversation()
	for {
		e, err := next(dec)
		if err != nil {
			return "", err
		}
		in, err := base64.StdEncoding.DecodeString(e.Text())
		if err != nil {
			return "", err
		}
		out, err := conv.Step(string(in))
		tag := "challenge"
		if err != nil {
			_, werr := io.WriteString(c, `<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><not-authorized/></failure>`)
			return "", errors.Join(err, werr)
		}
		if conv.Done() {
			tag = "success"
		}
		if _, err := io.WriteString(c, `<`+tag+` xmlns="urn:ietf:params:xml:ns:xmpp-sasl">`+base64.StdEncoding.EncodeToString([]byte(out))+`</`+tag+`>`); err != nil {
			return "", err
		}
		if conv.Done() {
			return conv.Username(), nil
		}
	}
}

// certify makes a certificate that is its own authority.
func (s *Server) certify(t testing.TB) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: s.domain}, DNSNames: []string{s.domain},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	s.cert = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	s.ca = filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(s.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}
