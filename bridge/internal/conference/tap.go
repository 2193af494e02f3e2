package conference

import (
	"errors"
	"sync"
	"sync/atomic"

	"meetbox.local/bridge/internal/rtp"
)

// A Tap hears a conference: it is handed every packet that the conference
// forwards, once, as its sender sent it (decrypted, under the sender's SSRC),
// whatever is made of it for each receiver. A recorder is one.
//
// The packet path only copies packets into the tap's ring and never waits. Who
// reads too slowly loses packets, which Lost counts, and slows down nobody.
// There is one tap at a time; without one the packet path has a nil pointer to
// look at.
type Tap struct {
	conf *Conference
	lost atomic.Uint64
	wake chan struct{}

	mu     sync.Mutex
	ring   []byte
	head   int // where the oldest packet starts
	used   int // bytes
	closed bool
}

// TapPacket is one packet of a tap.
type TapPacket struct {
	Endpoint string // whose it is
	Source   string // "ab12cd34-a0", "ab12cd34-v0"
	Media    Media
	Encoding int    // of simulcast, the lowest is 0; every one that comes is heard, not only those that somebody is sent
	Arrived  int64  // on the clock of transport.Now, ns
	RTP      []byte // header and payload, without padding; retransmissions are put back under their first number
}

const (
	// tapRing is what waits for a tap's reader: 40 Mbit/s, which is more than
	// a meeting of thirty, for 1.6 s, about what a disk takes to wake up.
	tapRing = 8 << 20
	// tapHeader of a packet in the ring: its length, 4 bytes, when it came, 8,
	// media, encoding, and the lengths of the two names.
	tapHeader = 16
)

// Errors of taps.
var (
	ErrTapped    = errors.New("the conference has a tap")
	ErrTapClosed = errors.New("the tap is closed")
)

// Tap begins to hear the conference. ErrTapped, ErrExpired. The tap ends with
// Close, or with the conference.
func (c *Conference) Tap() (t *Tap, err error) {
	dead := c.call(func() {
		if c.tap.Load() != nil {
			err = ErrTapped
			return
		}
		t = &Tap{conf: c, wake: make(chan struct{}, 1), ring: make([]byte, tapRing)}
		c.tap.Store(t)
		// A recording begins with pictures, not with half a minute without.
		for _, e := range c.order {
			for _, s := range e.videoSources {
				s.refresh()
			}
		}
	})
	return t, errors.Join(dead, err)
}

// Lost is how many packets found the ring full.
func (t *Tap) Lost() uint64 { return t.lost.Load() }

// Close ends the tap. It may be called twice.
func (t *Tap) Close() {
	t.conf.tap.CompareAndSwap(t, nil)
	t.end()
}

// end wakes the reader, who finds that nothing follows.
func (t *Tap) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.closed = true
		close(t.wake)
	}
}

// Ready has an element, or is closed, when Next may have something.
func (t *Tap) Ready() <-chan struct{} { return t.wake }

// Next takes the oldest packet. buf holds its content afterwards and is made
// larger where it has to be; ok is false when there is none now. After the
// last packet of a closed tap err is ErrTapClosed. One goroutine reads.
func (t *Tap) Next(buf []byte) (p TapPacket, rest []byte, ok bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.used == 0 {
		if t.closed {
			err = ErrTapClosed
		}
		return p, buf, false, err
	}
	var h [tapHeader]byte
	t.take(h[:])
	size := int(h[0])<<24 | int(h[1])<<16 | int(h[2])<<8 | int(h[3])
	for _, b := range h[4:12] {
		p.Arrived = p.Arrived<<8 | int64(b)
	}
	p.Media, p.Encoding = Media(h[12]), int(h[13])
	endpoint, source := int(h[14]), int(h[15])
	if cap(buf) < size {
		buf = make([]byte, size)
	}
	buf = buf[:size]
	t.take(buf)
	p.Endpoint, p.Source = string(buf[:endpoint]), string(buf[endpoint:endpoint+source])
	p.RTP = buf[endpoint+source:]
	return p, buf, true, nil
}

func (t *Tap) take(b []byte) {
	n := copy(b, t.ring[t.head:])
	copy(b[n:], t.ring)
	t.head = (t.head + len(b)) % len(t.ring)
	t.used -= len(b)
}

func (t *Tap) put(b []byte) {
	at := (t.head + t.used) % len(t.ring)
	n := copy(t.ring[at:], b)
	copy(t.ring, b[n:])
	t.used += len(b)
}

// hear is the packet path's side: it copies or drops.
func (t *Tap) hear(media Media, encoding int, endpoint, source string, packet []byte, h *rtp.Header, now int64) {
	if len(endpoint) > 255 || len(source) > 255 {
		t.lost.Add(1)
		return
	}
	rtp := packet[:h.Size()]
	size := len(endpoint) + len(source) + len(rtp)
	head := [tapHeader]byte{byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size), 12: byte(media), byte(encoding), byte(len(endpoint)), byte(len(source))}
	for i := range 8 {
		head[4+i] = byte(now >> (56 - 8*i))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	if t.used+tapHeader+size > len(t.ring) {
		t.lost.Add(1)
		return
	}
	first := t.used == 0
	t.put(head[:])
	t.putString(endpoint)
	t.putString(source)
	at := (t.head + t.used) % len(t.ring)
	t.put(rtp)
	t.ring[at] &^= 0x20 // its padding is left out
	if first {
		select {
		case t.wake <- struct{}{}:
		default:
		}
	}
}

func (t *Tap) putString(s string) {
	at := (t.head + t.used) % len(t.ring)
	n := copy(t.ring[at:], s)
	copy(t.ring, s[n:])
	t.used += len(s)
}
