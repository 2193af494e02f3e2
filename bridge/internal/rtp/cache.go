package rtp

import (
	"math/bits"
	"time"
)

const (
	cacheSlots = 1024 // packets; JVB keeps 500
	cacheMin   = 16 << 10
	// cacheMax is a second of 8 Mbit/s: more than a browser sends, and what
	// bounds the memory that one encoding can take.
	cacheMax = 1 << 20
	cacheFor = int64(time.Second)
)

// Cache keeps the latest packets of a stream for retransmission. Its buffer
// grows until it holds about a second; only growing allocates.
type Cache struct {
	slots  [cacheSlots]cached
	buf    []byte
	total  uint64 // bytes ever written, wasted ends included
	since  int64  // when the current second started
	volume uint64 // total then
}

type cached struct {
	at  uint64 // total before it
	seq uint16
	n   uint16
}

// Put keeps a copy of a packet.
func (c *Cache) Put(seq uint16, packet []byte, now int64) {
	if len(packet) == 0 || len(packet) > cacheMin {
		return
	}
	if len(c.buf) == 0 || now-c.since >= cacheFor {
		c.resize(c.total - c.volume)
		c.since, c.volume = now, c.total
	}
	size := uint64(len(c.buf))
	if rest := size - c.total%size; rest < uint64(len(packet)) {
		c.total += rest
	}
	copy(c.buf[c.total%size:], packet)
	c.slots[seq%cacheSlots] = cached{at: c.total, seq: seq, n: uint16(len(packet))}
	c.total += uint64(len(packet))
}

// resize makes room for as much as the last second brought. What is kept is
// lost when it grows, which happens a few times in a stream's life.
func (c *Cache) resize(second uint64) {
	want := max(cacheMin, min(cacheMax, 1<<bits.Len64(second)))
	if want <= len(c.buf) {
		return
	}
	c.buf = make([]byte, want)
	c.slots = [cacheSlots]cached{}
	c.total = 0
}

// Get copies a packet into buf; nil when it is not there any more.
func (c *Cache) Get(seq uint16, buf []byte) []byte {
	s := c.slots[seq%cacheSlots]
	if s.n == 0 || s.seq != seq || c.total-s.at > uint64(len(c.buf)) || int(s.n) > len(buf) {
		return nil
	}
	at := s.at % uint64(len(c.buf))
	return buf[:copy(buf, c.buf[at:at+uint64(s.n)])]
}

// Free gives the memory back.
func (c *Cache) Free() { *c = Cache{} }
