package transport

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/transport/v5/deadline"
)

// inbox is a bounded queue of datagrams between a reader and a slower
// consumer (ICE agent, DTLS). What does not fit is dropped, and so is what
// comes faster than anybody means it: both protocols repeat themselves.
type inbox struct {
	limit    int
	rate     int // datagrams in each inboxWindow; 0 is any number
	mu       sync.Mutex
	began    int64 // the current window
	taken    int   // … in it
	queue    []datagram
	wake     chan struct{}
	closed   chan struct{}
	once     sync.Once
	deadline *deadline.Deadline
}

// inboxWindow is what an inbox's rate is counted in.
const inboxWindow = int64(100 * time.Millisecond)

type datagram struct {
	b    []byte
	from netip.AddrPort
}

func newInbox(limit, rate int) *inbox {
	return &inbox{limit: limit, rate: rate, wake: make(chan struct{}, 1), closed: make(chan struct{}), deadline: deadline.New()}
}

// push copies b; it reports whether there was room. now is of the clock of
// [Now].
func (q *inbox) push(b []byte, from netip.AddrPort, now int64) bool {
	q.mu.Lock()
	if now-q.began >= inboxWindow {
		q.began, q.taken = now, 0
	}
	room := len(q.queue) < q.limit && (q.rate == 0 || q.taken < q.rate)
	if room {
		q.taken++
		q.queue = append(q.queue, datagram{append([]byte(nil), b...), from})
	}
	q.mu.Unlock()
	if room {
		select {
		case q.wake <- struct{}{}:
		default: // it is awake, or about to be
		}
	}
	return room
}

// pop waits for a datagram. There is one consumer.
func (q *inbox) pop(b []byte) (int, netip.AddrPort, error) {
	for {
		select {
		case <-q.closed:
			return 0, netip.AddrPort{}, net.ErrClosed
		default:
		}
		q.mu.Lock()
		if len(q.queue) > 0 {
			d := q.queue[0]
			q.queue[0] = datagram{}
			q.queue = q.queue[1:]
			q.mu.Unlock()
			return copy(b, d.b), d.from, nil
		}
		q.queue = nil // let go of the array that was shifted through
		q.mu.Unlock()
		select {
		case <-q.wake:
		case <-q.closed:
		case <-q.deadline.Done():
			return 0, netip.AddrPort{}, q.deadline.Err()
		}
	}
}

func (q *inbox) setDeadline(t time.Time) { q.deadline.Set(t) }

func (q *inbox) close() { q.once.Do(func() { close(q.closed) }) }
