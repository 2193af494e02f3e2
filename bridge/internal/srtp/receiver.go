package srtp

import (
	"encoding/binary"
	"math"
)

// maxStreams bounds the SSRCs a Receiver remembers in each of SRTP and SRTCP.
// A camera with simulcast and RTX has six, and a client makes new ones when it
// adds a source again; who has more loses the one unused for longest.
const maxStreams = 1024

// words is the size of a replay window, window how many packets behind the
// newest it reaches: one word less, because the newest word is rarely full.
// Wide enough for a retransmission of video without RTX at 4 Mbit/s and 2 s of
// delay.
const (
	words  = 16
	window = (words - 1) * 64
)

// Receiver opens what comes in on one session. It belongs to one goroutine at
// a time.
type Receiver struct {
	rtp, rtcp transform
	tag       int
	gcm       bool
	scratch   Scratch
	word      [indexSize]byte
	clock     uint64
	streams   map[uint32]*history
	compounds map[uint32]*history
	fresh     *history // what an SSRC without history starts with
}

// NewReceiver derives the session keys.
func NewReceiver(k Keys) (*Receiver, error) {
	rtp, err := k.transform(0)
	if err != nil {
		return nil, err
	}
	rtcp, err := k.transform(labelSpan)
	if err != nil {
		return nil, err
	}
	return &Receiver{
		rtp: rtp, rtcp: rtcp, tag: k.Profile.tag(), gcm: k.Profile == GCM128,
		streams: map[uint32]*history{}, compounds: map[uint32]*history{}, fresh: &history{},
	}, nil
}

// OpenRTP checks and decrypts a packet in place and returns it without its
// tag. The packet's memory is spoilt when it fails.
func (r *Receiver) OpenRTP(packet []byte) ([]byte, error) {
	header, ok := headerSize(packet)
	if !ok || len(packet) < header+r.tag {
		return nil, ErrMalformed
	}
	seq, ssrc := binary.BigEndian.Uint16(packet[2:]), binary.BigEndian.Uint32(packet[8:])
	h, known := r.streams[ssrc]
	if !known {
		h = r.fresh
	}
	index, ok := h.nearest(seq)
	if !ok || h.seen(index) {
		return nil, ErrReplayed
	}
	plain, err := r.rtp.open(&r.scratch, packet[:header], packet[header:], ssrc, index, nil)
	if err != nil {
		return nil, err
	}
	r.accept(r.streams, known, h, ssrc, index)
	return packet[:header+len(plain)], nil
}

// OpenRTCP does the same for a compound.
func (r *Receiver) OpenRTCP(packet []byte) ([]byte, error) {
	n := len(packet)
	if n < minRTCP+r.tag+indexSize {
		return nil, ErrMalformed
	}
	at := n - indexSize // GCM: index last
	if !r.gcm {         // CM: index, then tag
		at -= r.tag
	}
	copy(r.word[:], packet[at:])
	if !r.gcm {
		copy(packet[at:], packet[at+indexSize:]) // close the gap, so that the body ends with its tag
	}
	word := binary.BigEndian.Uint32(r.word[:])
	if word&encrypted == 0 {
		return nil, ErrMalformed // nobody who negotiated encryption leaves it out
	}
	index, ssrc := uint64(word&^encrypted), binary.BigEndian.Uint32(packet[4:])
	h, known := r.compounds[ssrc]
	if !known {
		h = r.fresh
	}
	if h.seen(index) {
		return nil, ErrReplayed
	}
	plain, err := r.rtcp.open(&r.scratch, packet[:minRTCP], packet[minRTCP:n-indexSize], ssrc, index, r.word[:])
	if err != nil {
		return nil, err
	}
	r.accept(r.compounds, known, h, ssrc, index)
	return packet[:minRTCP+len(plain)], nil
}

// accept records an authentic packet; only these may create history.
func (r *Receiver) accept(m map[uint32]*history, known bool, h *history, ssrc uint32, index uint64) {
	if !known {
		if len(m) >= maxStreams {
			forgetOldest(m)
		}
		h = &history{}
		m[ssrc] = h
	}
	r.clock++
	h.used = r.clock
	h.add(index)
}

func forgetOldest(m map[uint32]*history) {
	oldest, at := uint32(0), uint64(math.MaxUint64)
	for ssrc, h := range m {
		if h.used < at {
			oldest, at = ssrc, h.used
		}
	}
	delete(m, oldest)
}

// headerSize is the length of the RTP header with CSRCs and extension.
func headerSize(p []byte) (int, bool) {
	if len(p) < minRTP || p[0]>>6 != 2 {
		return 0, false
	}
	n := minRTP + 4*int(p[0]&0x0f)
	if p[0]&0x10 != 0 {
		if len(p) < n+4 {
			return 0, false
		}
		n += 4 + 4*int(binary.BigEndian.Uint16(p[n+2:]))
	}
	return n, len(p) >= n
}

// history is the rollover counter and replay window of one incoming SSRC.
type history struct {
	next uint64 // highest index accepted, plus one; 0 is none yet
	used uint64 // by the receiver's packet count, to find the one to forget
	bits [words]uint64
}

// nearest is RFC 3711 §3.3.1: the index of seq next to the highest so far.
func (h *history) nearest(seq uint16) (uint64, bool) {
	if h.next == 0 {
		return uint64(seq), true
	}
	highest := int64(h.next - 1)
	i := highest + int64(int16(seq-uint16(highest)))
	return uint64(i), i >= 0 && i <= maxPackets
}

func (h *history) seen(index uint64) bool {
	if index >= h.next {
		return false
	}
	if h.next-index > window {
		return true
	}
	return h.bits[index/64%words]&(1<<(index%64)) != 0
}

func (h *history) add(index uint64) {
	if index >= h.next {
		// The words between the old and the new highest now stand for newer
		// packets; none of these was seen.
		from, to := h.next/64, index/64
		if h.next%64 == 0 { // the word of next itself is not in use yet
			h.bits[from%words] = 0
		}
		for w := from + 1; w <= to && w <= from+words; w++ {
			h.bits[w%words] = 0
		}
		h.next = index + 1
	}
	h.bits[index/64%words] |= 1 << (index % 64)
}
