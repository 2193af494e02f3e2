package rtcp

import (
	"sync/atomic"
	"time"
)

// departureRing is 1.7 s of what a receiver of twenty videos gets: longer
// than a round trip and a feedback interval.
const departureRing = 4096

// Departures numbers the packets to one receiver across all streams and
// remembers when they left, for its feedback. Unlike the rest of this package
// it is used by several goroutines at once: packets of several senders go to
// one receiver.
type Departures struct {
	last atomic.Uint32
	ring [departureRing]atomic.Uint64 // 16 bits number, 12 bits size, 36 bits time in µs
}

const departureTime = 1<<36 - 1

// Tag is the number of a packet that leaves now.
func (d *Departures) Tag(size int, now int64) uint16 {
	n := uint16(d.last.Add(1))
	at := uint64(now/int64(time.Microsecond)) & departureTime
	d.ring[n%departureRing].Store(uint64(n)<<48 | uint64(min(size, 0xfff))<<36 | at)
	return n
}

// Last is the number that was given last.
func (d *Departures) Last() uint16 { return uint16(d.last.Load()) }

// Departed is how long before now a packet left, and its size; false when it
// is forgotten.
func (d *Departures) Departed(number uint16, now int64) (ago time.Duration, size int, ok bool) {
	v := d.ring[number%departureRing].Load()
	if v == 0 || uint16(v>>48) != number {
		return 0, 0, false
	}
	us := (uint64(now/int64(time.Microsecond)) - v) & departureTime
	return time.Duration(us) * time.Microsecond, int(v >> 36 & 0xfff), true
}
