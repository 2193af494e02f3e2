// Package client is the XMPP session with which the focus and the bridges are
// logged in to signaling: TCP, STARTTLS verified against our own authority,
// SCRAM, a fixed resource.
//
// Run holds one session at a time and makes a new one when it is lost, for as
// long as its context lives. Stanzas arrive at the Handler on one goroutine,
// in the order in which they came; its functions must not block. Nothing is
// resumed: after each login Handler.Session tells the user to enter its rooms
// again, and what was asked before the loss is answered with ErrOffline.
package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"meetbox.local/signaling/xmpp/disco"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/ping"
	"meetbox.local/signaling/xmpp/stanza"
)

var (
	// ErrOffline says that there is no session, or not any more.
	ErrOffline = errors.New("not connected to signaling")
	// ErrTimeout says that an iq was not answered in time.
	ErrTimeout = errors.New("no answer in time")

	errStopped = errors.New("session ended by this side")
	errSilent  = errors.New("signaling does not answer pings")
	errSlow    = errors.New("signaling does not take what is sent")
)

// AnswerTimeout is how long an iq may stay unanswered: what JVBs and clients
// are known to need at most, and what Jicofo waits.
const AnswerTimeout = 15 * time.Second

const (
	retryMin   = 500 * time.Millisecond // a killed signaling is back in about this time
	retryMax   = time.Second
	pingEvery  = 10 * time.Second
	queueLimit = 8192 // stanzas not written yet; a room of 500 makes 500 at once
)

// Config says where and as whom to log in. It is the xmpp member of the
// settings of focus and bridge.
type Config struct {
	Address  string `json:"address"` // host:port
	Domain   string `json:"domain"`  // of the account, and the name in the certificate
	User     string `json:"user"`
	Password string `json:"password"`
	Resource string `json:"resource"`
	CA       string `json:"ca"` // file with the authority's certificate; empty: the system's
}

// LogValue implements slog.LogValuer and hides the password.
func (c Config) LogValue() slog.Value {
	return slog.StringValue(c.User + "@" + c.Domain + "/" + c.Resource + " at " + c.Address)
}

// Handler gets what arrives. All but Session are called on the reading
// goroutine and must not block; nil functions are left out.
type Handler struct {
	// Session runs on its own goroutine after each login; its context ends
	// with the session.
	Session func(ctx context.Context)
	// Lost is called after the last stanza of a session.
	Lost func(err error)
	// IQ gets gets and sets other than those the client answers itself: ping,
	// and disco#info without node. Each must be answered once, now or later.
	IQ       func(*Request)
	Presence func(stanza.Presence)
	Message  func(stanza.Message)
	// Info is what disco#info is answered with.
	Info disco.Info
}

// Client is one account's session. Its methods are safe for concurrent use.
type Client struct {
	cfg Config
	h   Handler
	log *slog.Logger

	mu      sync.Mutex
	out     *outbox // nil while offline
	self    jid.JID
	pending map[string]pending
	seq     uint64
}

type pending struct {
	to    jid.JID
	timer *time.Timer
	done  func(stanza.IQ, error)
}

// New returns a client that Run brings to life.
func New(cfg Config, h Handler, log *slog.Logger) *Client {
	return &Client{cfg: cfg, h: h, log: log, pending: make(map[string]pending)}
}

// Run keeps a session until ctx ends, and returns the context's cause.
func (c *Client) Run(ctx context.Context) error {
	for {
		err := c.session(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		c.log.WarnContext(ctx, "no session with signaling", "err", err)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(retryMin + rand.N(retryMax-retryMin)):
		}
	}
}

// JID is the full address of the current or last session.
func (c *Client) JID() jid.JID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.self
}

// Send sends a stanza: stanza.Message, stanza.Presence, or any struct that
// marshals as one. It does not wait; ErrOffline says that nothing was sent.
func (c *Client) Send(v any) error {
	b, err := encode(v)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.send(b)
}

func (c *Client) send(b []byte) error {
	if c.out == nil {
		return ErrOffline
	}
	return c.out.add(b)
}

// Ask sends an iq and calls done once with the result; with an error when it
// was answered with one (*stanza.Error), not in time, or not at all. Requests
// leave in the order of the calls. done runs on the reading goroutine or a
// timer's, or right here when there is no session, and must not block.
func (c *Client) Ask(to jid.JID, typ string, payload any, done func(stanza.IQ, error)) {
	children, err := stanza.Encode(payload)
	if err != nil {
		done(stanza.IQ{}, err)
		return
	}
	c.mu.Lock()
	c.seq++
	id := "q" + strconv.FormatUint(c.seq, 36)
	b, err := encode(stanza.IQ{To: to, ID: id, Type: typ, Children: children})
	if err == nil {
		err = c.send(b)
	}
	if err == nil {
		c.pending[id] = pending{to: to, done: done, timer: time.AfterFunc(AnswerTimeout, func() {
			if p, ok := c.take(id); ok {
				p.done(stanza.IQ{}, ErrTimeout)
			}
		})}
	}
	c.mu.Unlock()
	if err != nil {
		done(stanza.IQ{}, err)
	}
}

// Request is Ask that waits. The payload of the result is decoded into
// result, unless that is nil. It must not be called from a Handler's function
// other than Session.
func (c *Client) Request(ctx context.Context, to jid.JID, typ string, payload, result any) error {
	type answer struct {
		iq  stanza.IQ
		err error
	}
	ch := make(chan answer, 1)
	c.Ask(to, typ, payload, func(iq stanza.IQ, err error) { ch <- answer{iq, err} })
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case a := <-ch:
		if a.err != nil || result == nil {
			return a.err
		}
		return a.iq.Payload().Decode(result)
	}
}

func (c *Client) take(id string) (pending, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.pending[id]
	if ok {
		delete(c.pending, id)
		p.timer.Stop()
	}
	return p, ok
}

// session is one connection from dial to loss.
func (c *Client) session(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(errStopped)
	s, err := dial(ctx, c.cfg)
	if err != nil {
		return err
	}
	out := newOutbox()
	c.mu.Lock()
	c.out, c.self = out, s.self
	c.mu.Unlock()
	c.log.InfoContext(ctx, "logged in", "jid", s.self.String())

	var wg sync.WaitGroup
	wg.Go(func() { cancel(out.drain(ctx, s.conn)) })
	wg.Go(func() { cancel(c.keepAlive(ctx)) })
	if c.h.Session != nil {
		wg.Go(func() { c.h.Session(ctx) })
	}
	stop := context.AfterFunc(ctx, func() { s.conn.Close() })
	cancel(c.read(s))
	stop()
	s.conn.Close()

	c.mu.Lock()
	c.out = nil
	lost := c.pending
	c.pending = make(map[string]pending)
	c.mu.Unlock()
	for _, p := range lost {
		p.timer.Stop()
		p.done(stanza.IQ{}, ErrOffline)
	}
	wg.Wait()
	err = context.Cause(ctx)
	if c.h.Lost != nil {
		c.h.Lost(err)
	}
	return err
}

// keepAlive finds out that signaling hangs; that it is gone, the kernel says.
func (c *Client) keepAlive(ctx context.Context) error {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	host, err := jid.New("", c.cfg.Domain, "")
	if err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		err := c.Request(ctx, host, stanza.Get, ping.Ping{}, nil)
		if errors.Is(err, ErrTimeout) {
			return errSilent
		}
	}
}

// read hands out stanzas until the stream ends.
func (c *Client) read(s *stream) error {
	for {
		e, err := s.next()
		if err != nil {
			return err
		}
		if err := c.dispatch(e); err != nil {
			// One stanza of somebody else's making; the stream is in order.
			c.log.Debug("stanza dropped", "err", err)
		}
	}
}

func (c *Client) dispatch(e stanza.Element) error {
	if e.XMLName.Space != stanza.NS {
		return fmt.Errorf("unexpected element %s in %q", e.XMLName.Local, e.XMLName.Space)
	}
	switch e.XMLName.Local {
	case "presence":
		var p stanza.Presence
		if err := e.Decode(&p); err != nil {
			return err
		}
		if c.h.Presence != nil {
			c.h.Presence(p)
		}
	case "message":
		var m stanza.Message
		if err := e.Decode(&m); err != nil {
			return err
		}
		if c.h.Message != nil {
			c.h.Message(m)
		}
	case "iq":
		var q stanza.IQ
		if err := e.Decode(&q); err != nil {
			return err
		}
		c.iq(q)
	default:
		return fmt.Errorf("unknown stanza %s", e.XMLName.Local)
	}
	return nil
}

func (c *Client) iq(q stanza.IQ) {
	switch q.Type {
	case stanza.Result, stanza.Failed:
		c.answered(q)
		return
	case stanza.Get, stanza.Set:
	default:
		return
	}
	r := &Request{IQ: q, c: c}
	switch p := q.Payload(); {
	case p.Is(ping.NS, "ping"):
		r.Reply(nil)
	case p.Is(disco.NSInfo, "query") && q.Type == stanza.Get && p.Attribute("node") == "":
		r.Reply(c.h.Info)
	case c.h.IQ != nil:
		c.h.IQ(r)
	default:
		r.Fail(stanza.NewError(stanza.ServiceUnavailable, ""))
	}
}

// answered ends the request that q answers, if q comes from whom was asked.
func (c *Client) answered(q stanza.IQ) {
	c.mu.Lock()
	p, ok := c.pending[q.ID]
	ok = ok && (q.From == p.to || p.to.IsZero() || q.From.IsZero())
	if ok {
		delete(c.pending, q.ID)
		p.timer.Stop()
	}
	c.mu.Unlock()
	if !ok {
		return
	}
	if q.Type == stanza.Failed {
		if q.Error == nil {
			q.Error = stanza.NewError(stanza.UndefinedCondition, "")
		}
		p.done(q, q.Error)
		return
	}
	p.done(q, nil)
}
