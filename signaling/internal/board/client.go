package board

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"
)

// client is one connection. Its board belongs to the relay's lock.
type client struct {
	relay *Relay
	conn  *websocket.Conn
	id    string
	from  netip.Addr

	at     place
	joined bool

	events, bytes *rate.Limiter

	mu      sync.Mutex // of what waits to be sent
	queue   []frame
	waiting int // bytes of it
	slow    bool
	news    chan struct{} // there is something, or it is slow
}

type frame struct {
	kind websocket.MessageType
	data []byte
}

// What ends a connection.
var (
	errSlow     = errors.New("does not take what it is sent")
	errStranger = errors.New("no board of that name, or nobody from that address in its meeting")
	errOrder    = errors.New("a packet out of order")
	errLeft     = errors.New("has said goodbye")
)

func newClient(r *Relay, conn *websocket.Conn, from netip.Addr) *client {
	return &client{
		relay: r, conn: conn, id: newID(), from: from, news: make(chan struct{}, 1),
		events: rate.NewLimiter(rate.Limit(r.limits.Events), r.limits.Burst),
		bytes:  rate.NewLimiter(rate.Limit(r.limits.ByteRate), r.limits.ByteBurst),
	}
}

// serve reads and writes until one of them fails or ctx ends. The client is
// not told why: whoever is just cut off tries again after a moment, which is
// right for all that can happen but a stranger, who is slowed down by it.
func (c *client) serve(parent context.Context) {
	ctx, cancel := context.WithCancelCause(parent)
	var wg sync.WaitGroup
	wg.Go(func() { cancel(c.write(ctx)) })
	wg.Go(func() { cancel(c.watch(ctx)) })
	cancel(c.read(ctx))
	c.relay.leave(c)
	_ = c.conn.CloseNow() // lets a write that waits go on
	wg.Wait()
	c.forget()
	why := context.Cause(ctx)
	if errors.Is(why, errStranger) {
		c.relay.refused.Inc()
	}
	c.relay.log.Debug("whiteboard left", "peer", c.from.String(), "err", why)
}

// watch looks whether the client may still be there.
func (c *client) watch(ctx context.Context) error {
	l := c.relay.limits
	ping, look := time.NewTicker(l.Ping), time.NewTicker(l.Look)
	defer ping.Stop()
	defer look.Stop()
	join := time.After(l.Join)
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ping.C:
			c.send([]byte{enginePing})
		case <-join:
			if _, ok := c.board(); !ok {
				return fmt.Errorf("no board: %w", errOrder)
			}
		case <-look.C:
			if at, ok := c.board(); ok {
				if meeting, ok := c.relay.door.Board(at.id, c.from); !ok || meeting != at.meeting {
					return errStranger
				}
			}
		}
	}
}

func (c *client) board() (place, bool) {
	c.relay.mu.Lock()
	defer c.relay.mu.Unlock()
	return c.at, c.joined
}

// read takes packets until something is wrong with one.
func (c *client) read(ctx context.Context) error {
	c.open()
	connected := false
	for {
		kind, b, err := c.receive(ctx)
		switch {
		case err != nil:
			return err
		case kind != websocket.MessageText || len(b) == 0:
			return errOrder
		case b[0] == enginePong:
			continue
		case b[0] != engineMessage:
			return errPacket
		}
		p, err := parse(b[1:])
		switch {
		case err != nil:
			return err
		case p.kind == socketDisconnect:
			return errLeft
		case (p.kind == socketConnect) == connected:
			return errOrder
		case p.kind == socketConnect:
			connected = true
			c.sendJSON(string(engineMessage)+string(socketConnect), map[string]string{"sid": c.id})
			c.send(event("init-room"))
			continue
		}
		if err := c.handle(ctx, p); err != nil {
			return err
		}
	}
}

// receive is the next frame, at the pace that a client may have.
func (c *client) receive(ctx context.Context) (websocket.MessageType, []byte, error) {
	l := c.relay.limits
	ctx, cancel := context.WithTimeout(ctx, l.Ping+l.Answer)
	defer cancel()
	kind, b, err := c.conn.Read(ctx)
	if err != nil {
		return kind, nil, fmt.Errorf("read: %w", err)
	}
	if err := c.bytes.WaitN(ctx, len(b)); err != nil {
		return kind, nil, fmt.Errorf("pace: %w", err)
	}
	return kind, b, nil
}

// handle does what an event asks for. Those that it does not know are others'
// affair, with as many attachments as they say.
func (c *client) handle(ctx context.Context, p packet) error {
	if err := c.events.Wait(ctx); err != nil {
		return err
	}
	attached := make([][]byte, p.attachments)
	for i := range attached {
		kind, b, err := c.receive(ctx)
		if err != nil {
			return err
		}
		if kind != websocket.MessageBinary {
			return errOrder
		}
		attached[i] = b
	}
	at, joined := c.board()
	switch p.event {
	case "join-room":
		if joined {
			return errOrder
		}
		if !c.relay.join(c, p.text(0)) {
			return errStranger
		}
	case "server-broadcast", "server-volatile-broadcast":
		if !joined || p.text(0) != at.id || len(attached) != 2 || !p.attached(1) {
			return nil // of before it joined, or for another board
		}
		c.relay.relay(c, attached[0], attached[1], p.event == "server-volatile-broadcast")
	}
	return nil
}

// open says how the connection is held, in Engine.IO's words.
func (c *client) open() {
	l := c.relay.limits
	c.sendJSON("0", map[string]any{
		"sid": newID(), "upgrades": []string{}, "maxPayload": l.Frame,
		"pingInterval": l.Ping.Milliseconds(), "pingTimeout": l.Answer.Milliseconds(),
	})
}

func (c *client) sendJSON(prefix string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts and numbers
	}
	c.send(append([]byte(prefix), b...))
}

func (c *client) send(text []byte) { c.put(false, frame{websocket.MessageText, text}) }

// sendDrawn sends what another has drawn. A pointer that finds others before it
// is not worth the wait: there will be a newer one.
func (c *client) sendDrawn(data, iv []byte, volatile bool) {
	c.put(volatile, frame{websocket.MessageText, []byte(drawn)}, frame{websocket.MessageBinary, data}, frame{websocket.MessageBinary, iv})
}

// put queues frames that belong together. It never waits.
func (c *client) put(volatile bool, frames ...frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.slow, volatile && c.waiting > c.relay.limits.Volatile:
		return
	case c.waiting > c.relay.limits.Queue, c.waiting > 0 && c.relay.waiting.Load() > c.relay.limits.Total:
		c.slow = true
	default:
		for _, f := range frames {
			c.count(len(f.data))
		}
		c.queue = append(c.queue, frames...)
	}
	select {
	case c.news <- struct{}{}:
	default:
	}
}

// count adds to what waits. The lock is held.
func (c *client) count(n int) {
	c.waiting += n
	c.relay.waiting.Add(int64(n))
}

// forget drops what waits, after the last word.
func (c *client) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue, c.slow = nil, true
	c.count(-c.waiting)
}

func (c *client) take() (frames []frame, slow bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	frames, c.queue = c.queue, nil
	return frames, c.slow
}

// write sends what is queued.
func (c *client) write(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.news:
		}
		frames, slow := c.take()
		if slow {
			return errSlow
		}
		for _, f := range frames {
			if err := c.writeFrame(ctx, f); err != nil {
				return err
			}
			c.mu.Lock()
			c.count(-len(f.data))
			c.mu.Unlock()
		}
	}
}

func (c *client) writeFrame(ctx context.Context, f frame) error {
	ctx, cancel := context.WithTimeout(ctx, c.relay.limits.Answer)
	defer cancel()
	if err := c.conn.Write(ctx, f.kind, f.data); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
