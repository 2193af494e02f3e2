package rtcp

import "time"

// Reception is the statistics of one received stream, RFC 3550 appendix A.
type Reception struct {
	started             bool
	first, highest      int64 // extended sequence numbers
	received            int64
	priorWant, priorGot int64
	transit             int64 // of the last packet, in clock units
	jitter              int64 // times 16
	lastSR              uint32
	lastSRAt            int64
	reported            int64 // received when the last report was made
}

// Packet notes a packet by its extended number. clock is the RTP clock rate.
func (r *Reception) Packet(seq int64, timestamp uint32, clock int, now int64) {
	r.received++
	// Whole milliseconds would lose the jitter of audio; 64 bits of
	// nanoseconds times the clock rate would overflow.
	arrival := now / int64(time.Microsecond) * int64(clock) / int64(time.Second/time.Microsecond)
	transit := int64(uint32(arrival) - timestamp)
	if !r.started {
		r.started, r.first, r.highest, r.transit = true, seq, seq, transit
		return
	}
	if seq <= r.highest {
		return // late: its transit says nothing of the line's jitter
	}
	r.highest = seq
	d := int64(int32(transit - r.transit))
	r.transit = transit
	r.jitter += max(d, -d) - (r.jitter+8)>>4
}

// SenderReport notes the sender's last report.
func (r *Reception) SenderReport(ntp uint64, now int64) {
	r.lastSR, r.lastSRAt = uint32(ntp>>16), now
}

// Report makes the report block for what came since the last one; false when
// nothing did.
func (r *Reception) Report(ssrc uint32, now int64) (Report, bool) {
	if r.received == r.reported {
		return Report{}, false
	}
	r.reported = r.received
	want := r.highest - r.first + 1
	lost := want - r.received
	b := Report{
		SSRC:    ssrc,
		Lost:    int32(max(-1<<23, min(1<<23-1, lost))),
		Highest: uint32(r.highest),
		Jitter:  uint32(r.jitter >> 4),
		LastSR:  r.lastSR,
	}
	if r.lastSR != 0 {
		b.Delay = uint32((now - r.lastSRAt) / int64(time.Microsecond) * 65536 / int64(time.Second/time.Microsecond))
	}
	interval := want - r.priorWant
	missed := interval - (r.received - r.priorGot)
	if interval > 0 && missed > 0 {
		b.FractionLost = uint8(min(255, missed*256/interval))
	}
	r.priorWant, r.priorGot = want, r.received
	return b, true
}

// Totals are the packets that came and those that did not, so far.
func (r *Reception) Totals() (received, lost int64) {
	if !r.started {
		return 0, 0
	}
	return r.received, max(0, r.highest-r.first+1-r.received)
}

// RoundTrip is the time between sending a report and hearing of it in a
// block, without the delay in between. False when the block answers another
// report or is nonsense.
func (b Report) RoundTrip(ntp uint64, sent, now int64) (time.Duration, bool) {
	if b.LastSR == 0 || b.LastSR != uint32(ntp>>16) {
		return 0, false
	}
	delay := int64(b.Delay) * int64(time.Second/time.Microsecond) / 65536 * int64(time.Microsecond)
	rtt := time.Duration(now - sent - delay)
	// JVB's limits: more is a clock that jumped, not a line.
	if rtt < 0 || rtt > 7*time.Second {
		return 0, false
	}
	return rtt, true
}
