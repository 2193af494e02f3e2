package c2s

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
	"meetbox.local/signaling/internal/router"
	"meetbox.local/signaling/internal/sm"
)

// framing is how a transport writes.
type framing interface {
	// open renders the server's stream header.
	open(domain, id string) string
	// ready tells whether the peer can be written to now. Who is not wakes the
	// link when it is.
	ready() bool
	// writeBatch writes items, one element each. It says so to w before it
	// waits for the peer.
	writeBatch(box *sm.Box, items []sm.Item, w *writer) error
	// finish writes the stream's end, after an error if there is one, and
	// begins to close the connection.
	finish(condition string, opened bool, w *writer) error
	// drain reads and forgets until the peer has closed.
	drain()
	// kill closes the connection at once. Safe for concurrent use.
	kill()
}

// link is one connection. It implements router.Link.
type link struct {
	framing framing
	writers *writers
	limits  Limits
	peer    string
	reached netip.Addr
	cancel  context.CancelCauseFunc // ends the connection
	state   atomic.Uint32           // of writing
	over    chan struct{}           // closed after the last word, or when none is possible

	unlogged *atomic.Int64 // counts the link until it has a session

	mu        sync.Mutex
	box       *sm.Box
	before    *sm.Box // of the stream, before it resumed a session
	stopped   bool
	condition string

	opened atomic.Bool // the stream header is out, or in the box
	live   atomic.Bool // it has a session
	asked  atomic.Bool // the client was asked whether it is there
	idle   *time.Timer // nil: the transport knows by itself

	stanzas, bytes *rate.Limiter // nil: no limit
}

// States of a link's writing.
const (
	idle    uint32 = iota
	writing        // a writer has it, or it waits for one
	again          // and something has come since
	over           // nothing is written any more
)

// newLink makes a link, which counts as one without a login until serve ends
// it or it has one.
func (s *Server) newLink(f framing, limits Limits, unlogged *atomic.Int64) *link {
	l := &link{framing: f, writers: &s.writers, limits: limits, unlogged: unlogged, over: make(chan struct{})}
	unlogged.Add(1)
	l.box = sm.New(s.Router.QueueBytes, l)
	l.stanzas = rate.NewLimiter(rate.Limit(limits.Rate), limits.Burst)
	l.bytes = rate.NewLimiter(rate.Limit(limits.ByteRate), limits.ByteBurst)
	return l
}

// Wake implements sm.Waker.
func (l *link) Wake() {
	for {
		switch {
		case l.state.CompareAndSwap(idle, writing):
			l.writers.add(l)
			return
		case l.state.CompareAndSwap(writing, again), l.state.Load() >= again:
			return
		}
	}
}

// Peer implements router.Link.
func (l *link) Peer() string { return l.peer }

// Reached implements router.Link.
func (l *link) Reached() netip.Addr { return l.reached }

// Stop implements router.Link.
func (l *link) Stop(condition string) {
	l.mu.Lock()
	if !l.stopped {
		l.stopped, l.condition = true, condition
	}
	l.mu.Unlock()
	l.Wake()
}

// say queues an element that is no stanza.
func (l *link) say(text string) { l.current().PutNonza(text) }

func (l *link) current() *sm.Box {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.box
}

// adopt makes the link drain another box, after what is left in its own.
func (l *link) adopt(box *sm.Box) {
	l.mu.Lock()
	l.before, l.box = l.box, box
	l.mu.Unlock()
	l.Wake()
}

// flush writes what there is. It is called by one writer at a time.
func (l *link) flush(w *writer) {
	l.state.Store(writing)
	stopped, err := l.write(w)
	switch {
	case err != nil:
		l.state.Store(over)
		l.cancel(err)
		close(l.over)
	case stopped:
		l.state.Store(over)
		close(l.over)
		// Closing with bytes unread would reset the connection, and the peer
		// would not see the last words. It gets a moment to close its side.
		time.AfterFunc(partingTime, func() { l.cancel(errStopped) })
	case !l.state.CompareAndSwap(writing, idle):
		l.writers.add(l) // after others
	}
}

// write drains the box once. It reports true after the last word.
func (l *link) write(w *writer) (stopped bool, err error) {
	ready := l.framing.ready()
	l.mu.Lock()
	if !ready && !l.stopped {
		l.mu.Unlock()
		return false, nil
	}
	stopped, condition, before, box := l.stopped, l.condition, l.before, l.box
	l.before = nil
	l.mu.Unlock()
	for _, b := range [...]*sm.Box{before, box} {
		if b == nil {
			continue
		}
		var mine bool
		if w.batch, mine = b.Take(l, w.batch); !mine {
			continue
		}
		err = l.framing.writeBatch(b, w.batch, w)
		clear(w.batch)
		if err != nil {
			return false, err
		}
	}
	if stopped {
		err = l.framing.finish(condition, l.opened.Load(), w)
	}
	return stopped, err
}

var errStopped = errors.New("stopped by the server")

// heard notes that the client is there.
func (l *link) heard() {
	if l.idle != nil {
		l.asked.Store(false)
		l.idle.Reset(l.limits.Idle)
	}
}

// watch asks a client that has been quiet whether it is there, and ends the
// connection of one that does not answer: a lid that was closed, a phone that
// left the network.
func (l *link) watch(s *stream) {
	if !l.live.Load() {
		return // the login has a time of its own
	}
	if l.asked.Swap(true) {
		l.framing.kill()
		return
	}
	s.askAlive()
	l.idle.Reset(l.limits.Answer)
}

// pace holds a client back that sends too much, and one that does not read.
func (l *link) pace(ctx context.Context, n int, drop func(string)) error {
	if l.stanzas == nil {
		return nil
	}
	d := max(l.stanzas.Reserve().Delay(), l.bytes.ReserveN(time.Now(), min(n, l.limits.ByteBurst)).Delay())
	if d > 0 {
		drop("throttled")
	}
	for d > 0 || l.current().Waiting() > l.limits.Pause {
		t := time.NewTimer(max(d, 5*time.Millisecond))
		select {
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		case <-l.over: // nobody takes what waits any more
			t.Stop()
			return errStopped
		case <-t.C:
		}
		d = 0
	}
	return nil
}

// serve runs a link until it has ended: read gets every element, here, and
// writers send what there is.
func (s *Server) serve(ctx context.Context, l *link, st *stream, read func(context.Context) error) {
	s.links.Add(1)
	defer s.links.Done()
	ctx, l.cancel = context.WithCancelCause(ctx)
	stop := context.AfterFunc(ctx, l.framing.kill)
	defer stop()
	s.begin(l, st)
	err := read(ctx)
	s.end(ctx, l, st, err)
	l.cancel(err)
}

// begin sets up what watches over a link.
func (s *Server) begin(l *link, st *stream) {
	if l.limits.Idle > 0 {
		l.idle = time.AfterFunc(l.limits.Idle, func() { l.watch(st) })
	}
	st.login = time.AfterFunc(s.Limits.Login, func() {
		s.Router.Drop("login_timeout")
		l.Stop("connection-timeout")
	})
}

// end takes it down and says the last words, when nothing is read any more.
func (s *Server) end(ctx context.Context, l *link, st *stream, err error) {
	st.finish(err)
	if st.last {
		select {
		case <-l.over:
			l.framing.drain()
		case <-ctx.Done():
		}
	}
	st.settled()
	if l.idle != nil {
		l.idle.Stop()
	}
}

const partingTime = time.Second

var _ router.Link = (*link)(nil)
