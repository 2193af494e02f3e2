package srtp

import (
	"encoding/binary"
	"sync/atomic"
)

// Sender protects what goes out on one session. All methods may be called by
// many goroutines at once.
type Sender struct {
	rtp, rtcp transform
	gcm       bool
	index     atomic.Uint32 // of the next SRTCP packet; one count for all SSRCs is allowed and simpler
}

// NewSender derives the session keys.
func NewSender(k Keys) (*Sender, error) {
	rtp, err := k.transform(0)
	if err != nil {
		return nil, err
	}
	rtcp, err := k.transform(labelSpan)
	if err != nil {
		return nil, err
	}
	return &Sender{rtp: rtp, rtcp: rtcp, gcm: k.Profile == GCM128}, nil
}

// Counter is the packet index (rollover counter and sequence number) of one
// outgoing SSRC. The zero value has sent nothing.
type Counter struct {
	next atomic.Uint64 // highest index sent, plus one
}

// Index says under which index seq goes out, and remembers the highest. It
// takes the index nearest to the highest so far, as the receiver will; an
// older number does not move anything, so it may be sealed again. It fails for
// a number older than the first ever sent, whose rollover counter the receiver
// could not guess, and when the keys are used up.
func (c *Counter) Index(seq uint16) (uint64, bool) {
	for {
		next := c.next.Load()
		index := uint64(seq)
		if next != 0 {
			highest := int64(next - 1)
			i := highest + int64(int16(seq-uint16(highest)))
			if i < 0 || i > maxPackets {
				return 0, false
			}
			index = uint64(i)
		}
		if index < next || c.next.CompareAndSwap(next, index+1) {
			return index, true
		}
	}
}

// SealRTP appends header and payload, protected, to dst, which must not
// overlap them. header is everything up to the payload. It returns dst
// unchanged and false when the packet must not be sent (see [Counter.Index]).
//
// The same sequence number may be sealed again only with the same header and
// payload: GCM gives away its authentication key when two different packets
// share a nonce.
func (s *Sender) SealRTP(sc *Scratch, dst []byte, c *Counter, header, payload []byte) ([]byte, bool) {
	if len(header) < minRTP {
		return dst, false
	}
	index, ok := c.Index(binary.BigEndian.Uint16(header[2:]))
	if !ok {
		return dst, false
	}
	start := len(dst)
	dst = append(dst, header...)
	return s.rtp.seal(sc, dst, start, payload, binary.BigEndian.Uint32(header[8:]), index, nil), true
}

// SealRTCP appends the compound, protected, to dst, which must not overlap it.
func (s *Sender) SealRTCP(sc *Scratch, dst, compound []byte) ([]byte, bool) {
	if len(compound) < minRTCP {
		return dst, false
	}
	index := s.index.Add(1) - 1
	if index > maxIndex {
		s.index.Store(maxIndex + 1) // stay there: a wrapped index would repeat nonces
		return dst, false
	}
	var word [indexSize]byte
	binary.BigEndian.PutUint32(word[:], index|encrypted)
	sc.roc = word
	ssrc := binary.BigEndian.Uint32(compound[4:])
	start := len(dst)
	dst = append(dst, compound[:minRTCP]...)
	dst = s.rtcp.seal(sc, dst, start, compound[minRTCP:], ssrc, uint64(index), sc.roc[:])
	if s.gcm {
		return append(dst, word[:]...), true
	}
	// RFC 3711 puts the index before the tag, RFC 7714 after it.
	tag := len(dst) - CM80.tag()
	dst = append(dst, word[:]...)
	copy(dst[tag+indexSize:], dst[tag:len(dst)-indexSize])
	copy(dst[tag:], word[:])
	return dst, true
}
