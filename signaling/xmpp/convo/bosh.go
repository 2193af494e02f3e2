package convo

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
)

const nsBOSH = "http://jabber.org/protocol/httpbind"

// DialBOSH begins a session over HTTP with the first Open.
func DialBOSH(client *http.Client, url string) *BOSH {
	ctx, cancel := context.WithCancel(context.Background())
	return &BOSH{
		client: client, url: url, ctx: ctx, cancel: cancel, rid: rand.Uint64N(1 << 40),
		got: make(chan *Node, 4096), late: map[uint64][]*Node{},
	}
}

// BOSH is a client of XEP-0124 with two requests at most, as strophe's.
type BOSH struct {
	client *http.Client
	url    string
	ctx    context.Context // ends with Cut
	cancel context.CancelFunc
	got    chan *Node

	mu     sync.Mutex
	rid    uint64 // of the next request
	first  uint64 // whose answer was not delivered
	late   map[uint64][]*Node
	sid    string
	queue  []string // elements to send
	attrs  string   // of the next body
	open   int      // requests
	domain string
	err    error
	ended  bool
}

// Open implements Wire.
func (b *BOSH) Open(ctx context.Context, domain string) (*Node, error) {
	b.mu.Lock()
	b.domain = domain
	if b.sid == "" {
		b.first = b.rid
		b.attrs = ` to="` + domain + `" wait="30" hold="1" ver="1.6" xmpp:version="1.0" xmlns:xmpp="urn:xmpp:xbosh"`
	} else {
		b.attrs = ` to="` + domain + `" xmpp:restart="true" xmlns:xmpp="urn:xmpp:xbosh"`
	}
	b.post()
	b.mu.Unlock()
	return b.Receive(ctx)
}

// Send implements Wire.
func (b *BOSH) Send(_ context.Context, text string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	b.queue = append(b.queue, strings.TrimSpace(text))
	b.pump()
	return nil
}

// pump makes requests while it may: for what is to be sent, and one to wait with.
func (b *BOSH) pump() {
	for b.err == nil && b.sid != "" && b.open < 2 && (len(b.queue) > 0 || b.open == 0) {
		b.post()
	}
}

// post sends a request with what there is. Its answer comes later.
func (b *BOSH) post() {
	rid := b.rid
	sid := ""
	if b.sid != "" {
		sid = ` sid="` + b.sid + `"`
	}
	text := fmt.Sprintf(`<body xmlns="%s" rid="%d"%s%s>%s</body>`, nsBOSH, rid, sid, b.attrs, strings.Join(b.queue, ""))
	b.rid, b.queue, b.attrs = b.rid+1, nil, ""
	b.open++
	go func() {
		n, err := b.roundTrip(text)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.open--
		b.answered(rid, n, err)
		b.pump()
	}()
}

func (b *BOSH) roundTrip(text string) (*Node, error) {
	req, err := http.NewRequestWithContext(b.ctx, http.MethodPost, b.url, strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	res, err := b.client.Do(req)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("bosh: %s", res.Status)
	}
	n, err := Parse(string(raw))
	if err != nil {
		return nil, fmt.Errorf("body %q: %w", raw, err)
	}
	if n.Name != (xml.Name{Space: nsBOSH, Local: "body"}) {
		return nil, fmt.Errorf("body %q", raw)
	}
	return n, nil
}

// answered delivers what has come, in the order of the requests.
func (b *BOSH) answered(rid uint64, n *Node, err error) {
	if b.err != nil {
		return
	}
	if err == nil && n.Attrs["type"] == "terminate" {
		b.ended = n.Attrs["condition"] == ""
		err = fmt.Errorf("bosh: session terminated: %s", n.Source)
	}
	if n != nil {
		if sid := n.Attrs["sid"]; sid != "" {
			b.sid = sid
		}
		b.late[rid] = n.Children
	}
	for {
		list, ok := b.late[b.first]
		if !ok {
			break
		}
		delete(b.late, b.first)
		b.first++
		for _, c := range list {
			c.Source = fmt.Sprintf("%v %v %q", c.Name, c.Attrs, c.Text)
			b.got <- c
		}
	}
	if err != nil {
		b.err = err
		close(b.got)
	}
}

// Receive implements Wire.
func (b *BOSH) Receive(ctx context.Context) (*Node, error) {
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case n, ok := <-b.got:
		if !ok {
			b.mu.Lock()
			defer b.mu.Unlock()
			return nil, b.err
		}
		return n, nil
	}
}

// Close implements Wire.
func (b *BOSH) Close(ctx context.Context) error {
	b.mu.Lock()
	b.attrs = ` type="terminate"`
	b.post()
	b.mu.Unlock()
	for {
		if _, err := b.Receive(ctx); err != nil {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.ended {
				return nil
			}
			return err
		}
	}
}

// Cut implements Wire.
func (b *BOSH) Cut() { b.cancel() }
