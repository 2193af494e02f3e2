// Package sm is what a session has still to send: the bounded queue between
// the server and one client, and stream management's memory of what the client
// has not acknowledged (XEP-0198).
//
// A Box belongs to a session and outlives its connections. At any time at most
// one link drains it; Resume hands it to another, which sends again what the
// client did not get. Put never blocks. The package does no I/O and starts
// nothing; a Box is safe for concurrent use.
package sm

import (
	"fmt"
	"slices"
	"sync"

	"meetbox.local/signaling/internal/wire"
)

// requestAfter is how many stanzas may be unacknowledged before the client is
// asked. Docker's Jitsi has the same 5.
const requestAfter = 5

// request is the element that asks.
const request = `<r xmlns="urn:xmpp:sm:3"/>`

// Waker is a link, woken when there is something to take.
type Waker interface{ Wake() }

// Item is one element to write.
type Item struct {
	out     *wire.Out
	counted bool
}

// Box is the outbound side of a session.
type Box struct {
	max int // bytes

	mu      sync.Mutex
	to      []byte // wire.To of the session
	link    Waker
	mute    bool // nobody will ever read this; nothing is kept
	pending []Item
	waiting int // bytes in pending

	enabled bool
	sent    uint32 // counted stanzas put, modulo 2³²
	unacked []*wire.Out
	unread  int // bytes in unacked
	asked   bool
}

// New makes a box that holds about max bytes, drained by link.
func New(max int, link Waker) *Box { return &Box{max: max, link: link} }

// SetTo gives the box the session's address, once it has one.
func (b *Box) SetTo(to []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.to = to
}

// Put queues a stanza. It reports false when the box holds too much: its
// session must be ended.
func (b *Box) Put(out *wire.Out) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mute {
		return true
	}
	if b.enabled {
		b.sent++
	}
	b.put(Item{out, b.enabled})
	return b.waiting+b.unread <= b.max
}

// PutNonza queues an element that is not a stanza and is not counted.
func (b *Box) PutNonza(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.mute {
		b.put(Item{out: wire.Whole([]byte(text))})
	}
}

func (b *Box) put(it Item) {
	b.pending = append(b.pending, it)
	b.waiting += it.out.Len()
	if b.link != nil {
		b.link.Wake()
	}
}

// Take moves everything that waits into buf, for link to write. It reports
// false when the box is not link's any more.
func (b *Box) Take(link Waker, buf []Item) ([]Item, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.link != link {
		return buf[:0], false
	}
	buf = append(buf[:0], b.pending...)
	clear(b.pending)
	b.pending = b.pending[:0]
	b.waiting = 0
	if cap(b.pending) > 16 {
		b.pending = nil // one big join must not keep its memory for ever
	}
	for _, it := range buf {
		if it.counted {
			b.unacked = append(b.unacked, it.out)
			b.unread += it.out.Len()
		}
	}
	if len(b.unacked) >= requestAfter && !b.asked {
		b.asked = true
		buf = append(buf, Item{out: wire.Whole([]byte(request))})
	}
	return buf, true
}

// Length is how many bytes Append will append.
func (b *Box) Length(it Item) int {
	if it.out.Whole {
		return len(it.out.Body)
	}
	return it.out.Len() + len(b.to)
}

// Append renders it for the wire.
func (b *Box) Append(dst []byte, it Item) []byte {
	if it.out.Whole {
		return append(dst, it.out.Body...)
	}
	return append(append(append(dst, it.out.Head...), b.to...), it.out.Body...)
}

// Waiting is how many bytes nobody has taken yet.
func (b *Box) Waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waiting
}

// Enable starts counting. The answer to the client goes out before anything
// that is counted.
func (b *Box) Enable(answer string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if answer != "" {
		b.put(Item{out: wire.Whole([]byte(answer))})
	}
	b.enabled = true
}

// Ack takes in that the client has handled h stanzas.
func (b *Box) Ack(h uint32) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ack(h)
}

func (b *Box) ack(h uint32) error {
	taken := b.sent - b.uncounted()
	n := h - (taken - uint32(len(b.unacked))) // modulo 2³², XEP-0198 §4
	if n > uint32(len(b.unacked)) {
		return fmt.Errorf("ack %d: only %d sent", h, taken)
	}
	for _, out := range b.unacked[:n] {
		b.unread -= out.Len()
	}
	b.unacked = slices.Delete(b.unacked, 0, int(n))
	b.asked = false
	return nil
}

// uncounted is how many counted stanzas are still pending.
func (b *Box) uncounted() (n uint32) {
	for _, it := range b.pending {
		if it.counted {
			n++
		}
	}
	return n
}

// Ask asks the client for what it has handled, if stream management is on.
func (b *Box) Ask() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.enabled {
		b.asked = true
		b.put(Item{out: wire.Whole([]byte(request))})
	}
	return b.enabled
}

// Detach lets go of link; what is queued stays. What was taken for writing but
// not acknowledged will be sent again.
func (b *Box) Detach(link Waker) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.link == link {
		b.link = nil
	}
}

// Resume gives the box to link: first the answer, then everything after the
// h stanzas that the client has.
func (b *Box) Resume(link Waker, h uint32, answer string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rewind()
	if err := b.skip(h); err != nil {
		return err
	}
	b.give(link, answer)
	return nil
}

// TakeUp gives the box to link, whose client has been sent the first stanzas,
// as many as sent, and may not have got all of them: first the answer, then
// everything after these.
func (b *Box) TakeUp(link Waker, sent uint32, answer string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rewind()
	n, err := b.upTo(sent)
	if err != nil {
		return err
	}
	for _, it := range b.pending[:n] {
		b.unacked = append(b.unacked, it.out)
		b.unread += it.out.Len()
		b.waiting -= it.out.Len()
	}
	b.pending = slices.Delete(b.pending, 0, n)
	b.give(link, answer)
	return nil
}

// give makes link the one that drains the box, answer first.
func (b *Box) give(link Waker, answer string) {
	b.pending = slices.Insert(b.pending, 0, Item{out: wire.Whole([]byte(answer))})
	b.waiting += len(answer)
	b.link, b.asked = link, false
	link.Wake()
}

// rewind makes everything unacknowledged pending again, and drops what
// belonged to the old connection only.
func (b *Box) rewind() {
	again := make([]Item, 0, len(b.unacked)+len(b.pending))
	for _, out := range b.unacked {
		again = append(again, Item{out, true})
	}
	for _, it := range b.pending {
		if it.counted {
			again = append(again, it)
		} else {
			b.waiting -= it.out.Len()
		}
	}
	b.waiting += b.unread
	b.pending, b.unacked, b.unread = again, nil, 0
}

// skip is ack for a box that has been rewound.
func (b *Box) skip(h uint32) error {
	n, err := b.upTo(h)
	if err != nil {
		return err
	}
	for _, it := range b.pending[:n] {
		b.waiting -= it.out.Len()
	}
	b.pending = slices.Delete(b.pending, 0, n)
	return nil
}

// upTo is how many of what is pending are among the first h stanzas, in a box
// that has been rewound.
func (b *Box) upTo(h uint32) (int, error) {
	n := h - (b.sent - uint32(len(b.pending))) // modulo 2³²
	if n > uint32(len(b.pending)) {
		return 0, fmt.Errorf("resume at %d: only %d sent", h, b.sent)
	}
	return int(n), nil
}

// Drop forgets everything queued: its session has ended.
func (b *Box) Drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pending, b.unacked, b.waiting, b.unread = nil, nil, 0, 0
}

// Mute makes the box forget what is put, or no longer: a session that is only
// replayed and that nobody can resume.
func (b *Box) Mute(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mute = on
}

// State is what a restart must not lose.
type State struct {
	Enabled bool     `json:"enabled,omitempty"`
	Sent    uint32   `json:"sent,omitempty"`
	Unacked [][]byte `json:"unacked,omitempty"`
}

// State returns what must be kept, everything unacknowledged rendered.
func (b *Box) State() State {
	b.mu.Lock()
	defer b.mu.Unlock()
	st := State{Enabled: b.enabled, Sent: b.sent}
	for _, out := range b.unacked {
		st.Unacked = append(st.Unacked, b.Append(nil, Item{out: out}))
	}
	for _, it := range b.pending {
		if it.counted {
			st.Unacked = append(st.Unacked, b.Append(nil, it))
		}
	}
	return st
}

// Restore fills a new box from st.
func (b *Box) Restore(st State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.enabled, b.sent = st.Enabled, st.Sent
	for _, text := range st.Unacked {
		b.put(Item{wire.Whole(text), true})
	}
}

// Replayed acknowledges h while a journal is replayed: what was acknowledged
// had been sent, which the replay did not do.
func (b *Box) Replayed(h uint32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rewind()
	// An acknowledgement of more than was sent was refused when it came.
	_ = b.skip(h)
}
