package convo

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/xdg-go/scram"
)

// Wire is one connection, element by element.
type Wire interface {
	// Open sends a stream header for the domain and returns the features.
	Open(ctx context.Context, domain string) (*Node, error)
	Send(ctx context.Context, text string) error
	Receive(ctx context.Context) (*Node, error)
	// Close ends the stream in order, and reports whether the server did too.
	Close(ctx context.Context) error
	Cut()
}

const nsSM = "urn:xmpp:sm:3"

// Client is one client, over several connections.
type Client struct {
	JID     string
	wire    Wire
	token   string
	handled uint32
	sent    []string // since enabling, not acknowledged
	base    uint32   // acknowledged by the server
	on      bool
	pings   int
	kept    []*Node // came before what was looked for
	user    string  // of who has logged in by a password
	door    Door
}

// Guest logs in over WebSocket; the query is that of the URL.
func Guest(ctx context.Context, w World, query string) (*Client, error) {
	wire, err := w.WebSocket(ctx, query)
	if err != nil {
		return nil, err
	}
	c := &Client{wire: wire}
	return c, c.guest(ctx, true)
}

// GuestBOSH logs in over HTTP.
func GuestBOSH(ctx context.Context, w World, query string) (*Client, error) {
	c := &Client{wire: w.BOSH(query)}
	return c, c.guest(ctx, true)
}

func (c *Client) guest(ctx context.Context, bind bool) error {
	return c.guestAt(ctx, "meet.jitsi", bind)
}

func (c *Client) guestAt(ctx context.Context, domain string, bind bool) error {
	if _, err := c.wire.Open(ctx, domain); err != nil {
		return err
	}
	if err := c.ask(ctx, `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="ANONYMOUS"/>`, "success"); err != nil {
		return err
	}
	if _, err := c.wire.Open(ctx, domain); err != nil || !bind {
		return err
	}
	return c.bind(ctx, "")
}

// Account logs in over TCP.
func Account(ctx context.Context, w Door, user string) (*Client, error) {
	c := &Client{}
	var err error
	if c.wire, err = w.TCP(ctx); err != nil {
		return nil, err
	}
	if err := c.login(ctx, w, "auth.meet.jitsi", user); err != nil {
		return nil, err
	}
	if err := c.bind(ctx, user); err != nil {
		return nil, err
	}
	if a, ok := c.wire.(interface{ Ahead() }); ok {
		a.Ahead()
	}
	return c, nil
}

// login proves who the client is, by SCRAM-SHA-256.
func (c *Client) login(ctx context.Context, w Door, domain, user string) error {
	if _, err := c.wire.Open(ctx, domain); err != nil {
		return err
	}
	login, err := scram.SHA256.NewClient(user, w.Password(user), "")
	if err != nil {
		return err
	}
	conv := login.NewConversation()
	out, err := conv.Step("")
	if err != nil {
		return err
	}
	encode := base64.StdEncoding.EncodeToString
	text := `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="SCRAM-SHA-256">` + encode([]byte(out)) + `</auth>`
	for !conv.Done() {
		if err := c.wire.Send(ctx, text); err != nil {
			return err
		}
		n, err := c.wire.Receive(ctx)
		if err != nil {
			return err
		}
		if n.Name.Local != "challenge" && n.Name.Local != "success" {
			return fmt.Errorf("login: %s", n.Source)
		}
		in, err := base64.StdEncoding.DecodeString(n.Text)
		if err != nil {
			return err
		}
		if out, err = conv.Step(string(in)); err != nil {
			return err
		}
		text = `<response xmlns="urn:ietf:params:xml:ns:xmpp-sasl">` + encode([]byte(out)) + `</response>`
	}
	_, err = c.wire.Open(ctx, domain)
	return err
}

func (c *Client) ask(ctx context.Context, text, answer string) error {
	if err := c.wire.Send(ctx, text); err != nil {
		return err
	}
	n, err := c.wire.Receive(ctx)
	if err != nil {
		return err
	}
	if n.Name.Local != answer {
		return fmt.Errorf("%s was answered by %s", text, n.Source)
	}
	return nil
}

func (c *Client) bind(ctx context.Context, resource string) error {
	if resource != "" {
		resource = "<resource>" + resource + "</resource>"
	}
	err := c.wire.Send(ctx, `<iq xmlns="jabber:client" type="set" id="b1"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind">`+resource+`</bind></iq>`)
	if err != nil {
		return err
	}
	n, err := c.wire.Receive(ctx)
	if err != nil {
		return err
	}
	if b := n.Find("urn:ietf:params:xml:ns:xmpp-bind", "bind"); b != nil {
		c.JID = b.Children[0].Text
		return nil
	}
	return fmt.Errorf("bind: %s", n.Source)
}

func stanza(n *Node) bool { return n.Name.Space == "jabber:client" }

// bareStanza is the start of a stanza that relies on the stream for its
// namespace.
var bareStanza = regexp.MustCompile(`^<(?:presence|message|iq)\b`)

// Send sends a stanza, or something else.
func (c *Client) Send(ctx context.Context, text string) error {
	tag, _, _ := strings.Cut(text, ">")
	if m := bareStanza.FindStringIndex(text); m != nil && !strings.Contains(tag, " xmlns=") { // RFC 7395 §3.3: its frame has no stream around it
		text = text[:m[1]] + ` xmlns="jabber:client"` + text[m[1]:]
	}
	if n, err := Parse(`<w xmlns="jabber:client">` + text + `</w>`); c.on && err == nil && len(n.Children) == 1 && stanza(n.Children[0]) {
		c.sent = append(c.sent, text)
	}
	return c.wire.Send(ctx, text)
}

// Next returns the next element, of those that wait first.
func (c *Client) Next(ctx context.Context) (*Node, error) {
	if len(c.kept) > 0 {
		n := c.kept[0]
		c.kept = c.kept[1:]
		return n, nil
	}
	return c.receive(ctx)
}

// receive returns the next element of the connection; requests for
// acknowledgement are answered on the way.
func (c *Client) receive(ctx context.Context) (*Node, error) {
	for {
		n, err := c.wire.Receive(ctx)
		if err != nil {
			return nil, err
		}
		switch {
		case n.Name.Space == nsSM && n.Name.Local == "r":
			if err := c.wire.Send(ctx, fmt.Sprintf(`<a xmlns="%s" h="%d"/>`, nsSM, c.handled)); err != nil {
				return nil, err
			}
			continue
		case n.Name.Space == nsSM && n.Name.Local == "a":
			if err := c.acked(n.Attrs["h"]); err != nil {
				return nil, err
			}
		case n.Name.Space == nsSM && n.Name.Local == "enabled":
			c.enabled(n.Attrs["id"])
		case n.Name.Space == nsSM && n.Name.Local == "resumed":
			c.on = true
			if err := c.acked(n.Attrs["h"]); err != nil {
				return nil, err
			}
		case stanza(n) && c.on:
			c.handled++
		}
		return n, nil
	}
}

func (c *Client) acked(text string) error {
	h, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return err
	}
	n := int(uint32(h) - c.base)
	if n > len(c.sent) {
		return fmt.Errorf("h=%d, but only %d were sent", h, int(c.base)+len(c.sent))
	}
	c.sent, c.base = c.sent[n:], uint32(h)
	return nil
}

// Enable turns on stream management with resumption.
func (c *Client) Enable(ctx context.Context) error {
	if err := c.wire.Send(ctx, `<enable xmlns="urn:xmpp:sm:3" resume="true"/>`); err != nil {
		return err
	}
	n, err := c.wire.Receive(ctx)
	if err != nil {
		return err
	}
	if n.Name.Local != "enabled" || n.Attrs["id"] == "" {
		return fmt.Errorf("enable: %s", n.Source)
	}
	c.enabled(n.Attrs["id"])
	return nil
}

// enabled begins to count.
func (c *Client) enabled(token string) {
	c.on, c.token, c.handled, c.sent, c.base = true, token, 0, nil, 0
}

// Cut cuts the connection.
func (c *Client) Cut() {
	if c.wire != nil {
		c.wire.Cut()
	}
}

// Resume connects again and resumes, sending again what was not acknowledged.
func (c *Client) Resume(ctx context.Context, w World) error {
	c.Cut()
	var err error
	if c.wire, err = w.WebSocket(ctx, "previd="+c.token); err != nil {
		return err
	}
	if err := c.again(ctx); err != nil {
		return err
	}
	err = c.wire.Send(ctx, fmt.Sprintf(`<resume xmlns="%s" h="%d" previd="%s"/>`, nsSM, c.handled, c.token))
	if err != nil {
		return err
	}
	n, err := c.wire.Receive(ctx)
	if err != nil {
		return err
	}
	if n.Name.Local != "resumed" {
		return fmt.Errorf("resume: %s", n.Source)
	}
	if err := c.acked(n.Attrs["h"]); err != nil {
		return err
	}
	for _, text := range c.sent {
		if err := c.wire.Send(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// again proves on a new connection who the client is.
func (c *Client) again(ctx context.Context) error {
	if c.user != "" {
		return c.login(ctx, c.door, "meet.jitsi", c.user)
	}
	return c.guest(ctx, false)
}

// Reopen connects again and logs in, up to where a stream is bound or resumed.
func (c *Client) Reopen(ctx context.Context, w World) (err error) {
	c.Cut()
	c.on, c.handled, c.sent, c.base = false, 0, nil, 0
	if c.wire, err = w.WebSocket(ctx, ""); err != nil {
		return err
	}
	return c.again(ctx)
}

// Close ends the stream in order.
func (c *Client) Close(ctx context.Context) error { return c.wire.Close(ctx) }

var errNotSilent = errors.New("something came")

// Silent pings the server and expects the answer next.
func (c *Client) Silent(ctx context.Context) error {
	answers, err := c.ping(ctx)
	if err != nil {
		return err
	}
	n, err := c.Next(ctx)
	if err != nil {
		return err
	}
	if !answers(n) {
		return fmt.Errorf("%w: %s", errNotSilent, n.Source)
	}
	return nil
}

// ping asks the server for a sign of life; answers tells whether an element
// is that.
func (c *Client) ping(ctx context.Context) (answers func(*Node) bool, err error) {
	c.pings++
	id := fmt.Sprintf("silent%d", c.pings)
	err = c.Send(ctx, `<iq xmlns="jabber:client" type="get" to="meet.jitsi" id="`+id+`"><ping xmlns="urn:xmpp:ping"/></iq>`)
	return func(n *Node) bool { return n.Attrs["id"] == id }, err
}
