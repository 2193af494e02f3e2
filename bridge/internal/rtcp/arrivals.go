package rtcp

import (
	"encoding/binary"
	"time"

	"meetbox.local/bridge/internal/rtp"
)

// Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01),
// receiving side: when a sender's packets came.

const (
	// Feedback is sent every 100 ms, or already after 20 ms at the end of a
	// frame: a sender's estimate reacts to frames.
	feedbackMax = int64(100 * time.Millisecond)
	feedbackMin = int64(20 * time.Millisecond)

	arrivalRing = 2048 // packets in 100 ms at 20,000 a second
	deltaUnit   = int64(250 * time.Microsecond)
	baseUnit    = int64(64 * time.Millisecond)
	// maxFeedback keeps a packet well below the path's MTU.
	maxFeedback = 1000
)

// Arrivals records when packets came and makes the feedback.
type Arrivals struct {
	at      [arrivalRing]int64 // by extended number; 0 is not (yet)
	started bool
	next    int64 // the first number not yet reported
	highest int64
	sent    int64 // when feedback was last made
	count   uint8 // of feedback packets
}

// Packet notes a packet and says whether it is time for feedback.
func (a *Arrivals) Packet(number uint16, marker bool, now int64) bool {
	if !a.started {
		a.started = true
		a.highest = 1<<16 + int64(number)
		a.next, a.sent = a.highest, now
		a.at[a.highest%arrivalRing] = max(now, 1)
		return false
	}
	n := rtp.Extend(a.highest, number, 16)
	switch {
	case n <= a.highest-arrivalRing:
		return false // nobody waits for that any more
	case n-a.highest >= arrivalRing:
		a.at = [arrivalRing]int64{}
		a.next, a.highest = n, n
	case n > a.highest:
		for i := a.highest + 1; i < n; i++ {
			a.at[i%arrivalRing] = 0
		}
		a.highest = n
		a.next = max(a.next, n-arrivalRing+1)
	default:
		a.next = min(a.next, n) // report it again, with what followed
	}
	a.at[n%arrivalRing] = max(now, 1)
	since := now - a.sent
	return since >= feedbackMax || marker && since >= feedbackMin
}

// Append appends one feedback packet about what came since the last one; it
// returns b unchanged when there is nothing left to report. Call it until
// then.
func (a *Arrivals) Append(b []byte, sender, media uint32, now int64) []byte {
	first := a.next
	for first <= a.highest && a.at[first%arrivalRing] == 0 {
		first++
	}
	if !a.started || first > a.highest {
		return b
	}
	start := len(b)
	base := a.at[first%arrivalRing] / baseUnit
	b = append(b, 0x80|FormatTWCC, RTPFB, 0, 0)
	b = binary.BigEndian.AppendUint32(b, sender)
	b = binary.BigEndian.AppendUint32(b, media)
	b = binary.BigEndian.AppendUint16(b, uint16(a.next))
	b = append(b, 0, 0, byte(base>>16), byte(base>>8), byte(base), a.count)
	a.count++
	a.sent = now

	end := a.extent(base)
	b = a.chunks(b, a.next, end, base)
	b = a.deltas(b, a.next, end, base)
	binary.BigEndian.PutUint16(b[start+14:], uint16(end-a.next))
	if pad := (4 - (len(b)-start)%4) % 4; pad > 0 {
		for range pad - 1 {
			b = append(b, 0)
		}
		b = append(b, byte(pad))
		b[start] |= 0x20
	}
	binary.BigEndian.PutUint16(b[start+2:], uint16((len(b)-start)/4-1))
	a.next = end
	return b
}

// delta is the time of packet n after prev in units, and whether it came.
func (a *Arrivals) delta(n, prev int64) (d int64, came bool) {
	at := a.at[n%arrivalRing]
	if at == 0 {
		return 0, false
	}
	// Rounded against the sum of what was sent before, so that errors do not
	// add up.
	return (at - prev) / deltaUnit, true
}

// extent is how far one packet reaches: all, unless a time does not fit into
// its delta or the packet would get too long.
func (a *Arrivals) extent(base int64) (end int64) {
	prev := base * baseUnit
	size := 20
	for n := a.next; n <= a.highest; n++ {
		d, came := a.delta(n, prev)
		if came {
			if d > 0x7fff || d < -0x8000 {
				return n
			}
			prev += d * deltaUnit
			size += 2
		}
		size++ // a chunk of 2 bytes holds at least 7 packets: enough
		if size > maxFeedback {
			return n + 1
		}
	}
	return a.highest + 1
}

const (
	symbolLost  = 0
	symbolSmall = 1
	symbolLarge = 2
)

func (a *Arrivals) symbol(n int64, prev *int64) uint16 {
	d, came := a.delta(n, *prev)
	if !came {
		return symbolLost
	}
	*prev += d * deltaUnit
	if d < 0 || d > 0xff {
		return symbolLarge
	}
	return symbolSmall
}

// chunks appends the status of the packets: a run where at least seven are
// alike, otherwise seven of them one by one.
func (a *Arrivals) chunks(b []byte, from, end, base int64) []byte {
	prev := base * baseUnit
	for n := from; n < end; {
		at := prev
		first := a.symbol(n, &at)
		run := int64(1)
		for n+run < end && run < 0x1fff {
			try := at
			if a.symbol(n+run, &try) != first {
				break
			}
			at = try
			run++
		}
		if run >= 7 || n+run == end {
			b = binary.BigEndian.AppendUint16(b, first<<13|uint16(run))
			n, prev = n+run, at
			continue
		}
		chunk := uint16(0xc000)
		for i := range int64(7) {
			if n+i < end {
				chunk |= a.symbol(n+i, &prev) << (12 - 2*i)
			}
		}
		b = binary.BigEndian.AppendUint16(b, chunk)
		n += 7
	}
	return b
}

func (a *Arrivals) deltas(b []byte, from, end, base int64) []byte {
	prev := base * baseUnit
	for n := from; n < end; n++ {
		d, came := a.delta(n, prev)
		if !came {
			continue
		}
		prev += d * deltaUnit
		if d < 0 || d > 0xff {
			b = binary.BigEndian.AppendUint16(b, uint16(int16(d)))
		} else {
			b = append(b, byte(d))
		}
	}
	return b
}
