package c2s

import (
	"context"
	"errors"
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
	// writeBatch writes items, one element each.
	writeBatch(box *sm.Box, items []sm.Item) error
	// finish writes the stream's end, after an error if there is one, and
	// begins to close the connection.
	finish(condition string, opened bool) error
	// drain reads and forgets until the peer has closed.
	drain()
	// kill closes the connection at once. Safe for concurrent use.
	kill()
}

// link is one connection. It implements router.Link.
type link struct {
	framing framing
	wake    chan struct{}
	limits  Limits

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

// newLink makes a link, which counts as one without a login until serve ends
// it or it has one.
func newLink(f framing, limits Limits, queue int, unlogged *atomic.Int64) *link {
	l := &link{framing: f, wake: make(chan struct{}, 1), limits: limits, unlogged: unlogged}
	unlogged.Add(1)
	l.box = sm.New(queue, l)
	l.stanzas = rate.NewLimiter(rate.Limit(limits.Rate), limits.Burst)
	l.bytes = rate.NewLimiter(rate.Limit(limits.ByteRate), limits.ByteBurst)
	return l
}

// Wake implements sm.Waker.
func (l *link) Wake() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

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

// write drains the box until the link is stopped, or the connection fails.
func (l *link) write(ctx context.Context) error {
	var batch []sm.Item
	guard := time.AfterFunc(time.Hour, l.framing.kill) // a peer that stops reading in the middle
	defer guard.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-l.wake:
		}
		ready := l.framing.ready()
		l.mu.Lock()
		if !ready && !l.stopped {
			l.mu.Unlock()
			continue
		}
		stopped, condition, before, box := l.stopped, l.condition, l.before, l.box
		l.before = nil
		l.mu.Unlock()
		guard.Reset(l.limits.Write)
		for _, b := range []*sm.Box{before, box} {
			if b == nil {
				continue
			}
			var mine bool
			if batch, mine = b.Take(l, batch); !mine || len(batch) == 0 {
				continue
			}
			if err := l.framing.writeBatch(b, batch); err != nil {
				return err
			}
			if clear(batch); cap(batch) > 16 {
				batch = nil // of a join
			}
		}
		if stopped {
			err := l.framing.finish(condition, l.opened.Load())
			return errors.Join(errStopped, err)
		}
		guard.Reset(time.Hour)
	}
}

var (
	errStopped = errors.New("stopped by the server")
)

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
		case <-t.C:
		}
		d = 0
	}
	return nil
}

// serve runs a link until it has ended: read, which gets every element, here,
// and the writer beside it.
func (s *Server) serve(ctx context.Context, l *link, st *stream, read func(context.Context) error) {
	s.links.Add(1)
	defer s.links.Done()
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(ctx, l.framing.kill)
	defer stop()
	if l.limits.Idle > 0 {
		l.idle = time.AfterFunc(l.limits.Idle, func() { l.watch(st) })
		defer l.idle.Stop()
	}
	st.login = time.AfterFunc(s.Limits.Login, func() {
		s.Router.Drop("login_timeout")
		l.Stop("connection-timeout")
	})
	defer st.settled()
	var wg sync.WaitGroup
	wg.Go(func() {
		err := l.write(ctx)
		if !errors.Is(err, errStopped) {
			cancel(err)
			return
		}
		// Closing with bytes unread would reset the connection, and the peer
		// would not see the last words. It gets a moment to close its side.
		time.AfterFunc(partingTime, func() { cancel(err) })
	})
	err := read(ctx)
	st.finish(err)
	if !st.last {
		cancel(err)
	}
	wg.Wait()
	if st.last {
		l.framing.drain()
	}
	cancel(err)
}

const partingTime = time.Second

var _ router.Link = (*link)(nil)
