package adapter

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"

	"github.com/xdg-go/scram"
)

// element is any XML element.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []element  `xml:",any"`
	Text     string     `xml:",chardata"`
}

func (e *element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

// all is every descendant of that name, in the order of the document.
func (e *element) all(name string) []*element {
	var out []*element
	for i := range e.Children {
		c := &e.Children[i]
		if c.XMLName.Local == name {
			out = append(out, c)
		}
		out = append(out, c.all(name)...)
	}
	return out
}

// first is the first descendant of that name, an empty one if there is none.
func (e *element) first(name string) *element {
	if all := e.all(name); len(all) > 0 {
		return all[0]
	}
	return &element{}
}

// xmppConn is as much of an XMPP client as a focus needs to steer a bridge.
type xmppConn struct {
	conn net.Conn
	dec  *xml.Decoder

	mu      sync.Mutex
	next    int
	waiting map[string]chan element
	present map[string]chan struct{} // closed when an occupant was seen
}

// dialXMPP logs in with STARTTLS and SCRAM-SHA-256. The certificate is one of
// this run's own and is not verified.
func dialXMPP(ctx context.Context, addr, domain, user, password, resource string) (*xmppConn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	x := &xmppConn{conn: conn, waiting: map[string]chan element{}, present: map[string]chan struct{}{}}
	if err := x.login(domain, user, password, resource); err != nil {
		conn.Close()
		return nil, fmt.Errorf("logging in as %s: %w", user, err)
	}
	go x.read()
	return x, nil
}

func (x *xmppConn) login(domain, user, password, resource string) error {
	if err := x.open(domain); err != nil {
		return err
	}
	if _, err := x.talk("proceed", `<starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"/>`); err != nil {
		return err
	}
	x.conn = tls.Client(x.conn, &tls.Config{InsecureSkipVerify: true})
	if err := x.open(domain); err != nil {
		return err
	}
	client, err := scram.SHA256.NewClient(user, password, "")
	if err != nil {
		return err
	}
	c := client.NewConversation()
	const nsSASL = "urn:ietf:params:xml:ns:xmpp-sasl"
	tag, said := `auth mechanism="SCRAM-SHA-256"`, ""
	for {
		reply, err := c.Step(said)
		if err != nil {
			return err
		}
		if c.Done() {
			break
		}
		name, _, _ := strings.Cut(tag, " ")
		e, err := x.talk("", fmt.Sprintf(`<%s xmlns="%s">%s</%s>`, tag, nsSASL, base64.StdEncoding.EncodeToString([]byte(reply)), name))
		if err != nil {
			return err
		}
		if n := e.XMLName.Local; n != "challenge" && n != "success" {
			return fmt.Errorf("%s %s", n, e.Children)
		}
		b, err := base64.StdEncoding.DecodeString(e.Text)
		if err != nil {
			return err
		}
		tag, said = "response", string(b)
	}
	if err := x.open(domain); err != nil {
		return err
	}
	_, err = x.talk("iq", fmt.Sprintf(`<iq id="bind" type="set"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>%s</resource></bind></iq>`, resource))
	return err
}

// open starts the stream (again) and reads its features.
func (x *xmppConn) open(domain string) error {
	x.dec = xml.NewDecoder(x.conn)
	if _, err := fmt.Fprintf(x.conn, `<?xml version="1.0"?><stream:stream xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams" to="%s" version="1.0">`, domain); err != nil {
		return err
	}
	for {
		t, err := x.dec.Token()
		if err != nil {
			return err
		}
		if s, ok := t.(xml.StartElement); ok && s.Name.Local == "stream" {
			break
		}
	}
	_, err := x.element()
	return err
}

func (x *xmppConn) element() (element, error) {
	for {
		t, err := x.dec.Token()
		if err != nil {
			return element{}, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			var e element
			return e, x.dec.DecodeElement(&e, &t)
		case xml.EndElement:
			return element{}, io.EOF
		}
	}
}

// talk sends one element during the login and reads the answer.
func (x *xmppConn) talk(want, text string) (element, error) {
	if _, err := io.WriteString(x.conn, text); err != nil {
		return element{}, err
	}
	e, err := x.element()
	if err == nil && want != "" && e.XMLName.Local != want {
		err = fmt.Errorf("%s instead of %s", e.XMLName.Local, want)
	}
	return e, err
}

// read sorts what comes: answers, pings, presence.
func (x *xmppConn) read() {
	for {
		e, err := x.element()
		if err != nil {
			return
		}
		switch e.XMLName.Local {
		case "iq":
			if t := e.attr("type"); t == "get" || t == "set" {
				_ = x.write(fmt.Sprintf(`<iq type="result" id="%s" to="%s"/>`, e.attr("id"), e.attr("from")))
				continue
			}
			x.mu.Lock()
			ch := x.waiting[e.attr("id")]
			delete(x.waiting, e.attr("id"))
			x.mu.Unlock()
			if ch != nil {
				ch <- e
			}
		case "presence":
			if e.attr("type") == "" {
				ch := x.seen(e.attr("from"))
				x.mu.Lock()
				select {
				case <-ch:
				default:
					close(ch)
				}
				x.mu.Unlock()
			}
		}
	}
}

// seen is closed once the occupant has been there.
func (x *xmppConn) seen(occupant string) chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	ch := x.present[occupant]
	if ch == nil {
		ch = make(chan struct{})
		x.present[occupant] = ch
	}
	return ch
}

func (x *xmppConn) write(text string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, err := io.WriteString(x.conn, text)
	return err
}

// ask sends an iq of type get and waits for its result.
func (x *xmppConn) ask(ctx context.Context, to, payload string) (element, error) {
	ch := make(chan element, 1)
	x.mu.Lock()
	x.next++
	id := fmt.Sprintf("q%d", x.next)
	x.waiting[id] = ch
	x.mu.Unlock()
	if err := x.write(fmt.Sprintf(`<iq type="get" id="%s" to="%s">%s</iq>`, id, to, payload)); err != nil {
		return element{}, err
	}
	select {
	case e := <-ch:
		if e.attr("type") != "result" {
			return e, fmt.Errorf("the bridge refuses: %v", e.first("error").Children)
		}
		return e, nil
	case <-ctx.Done():
		return element{}, errors.Join(errors.New("no answer of the bridge"), ctx.Err())
	}
}
