package rtcp

import "encoding/binary"

// Packet types.
const (
	SR    = 200
	RR    = 201
	SDES  = 202
	BYE   = 203
	RTPFB = 205
	PSFB  = 206
)

// Formats of RTPFB and PSFB.
const (
	FormatNACK = 1
	FormatTWCC = 15
	FormatPLI  = 1
	FormatFIR  = 4
	FormatREMB = 15
)

// Packet is one packet of a compound, its common header included, padding
// not.
type Packet []byte

// Next takes the first packet off a compound. It is nil at the end and at
// what is malformed.
func Next(b []byte) (p Packet, rest []byte) {
	if len(b) < 8 || b[0]>>6 != 2 {
		return nil, nil
	}
	n := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1)
	if n < 8 || n > len(b) {
		return nil, nil
	}
	p, rest = b[:n:n], b[n:]
	if b[0]&0x20 != 0 {
		pad := int(p[n-1])
		if pad == 0 || n-pad < 8 {
			return nil, nil
		}
		p = p[:n-pad]
	}
	return p, rest
}

// Type is the packet type.
func (p Packet) Type() uint8 { return p[1] }

// Count is the report count or feedback format.
func (p Packet) Count() uint8 { return p[0] & 0x1f }

// Sender is the SSRC of who sent the packet.
func (p Packet) Sender() uint32 { return binary.BigEndian.Uint32(p[4:]) }

// Media is the SSRC a feedback packet is about; 0 when it names none.
func (p Packet) Media() uint32 {
	if len(p) < 12 {
		return 0
	}
	return binary.BigEndian.Uint32(p[8:])
}

// SenderInfo is what a sender report says of its stream.
type SenderInfo struct {
	SSRC            uint32
	NTP             uint64
	RTP             uint32
	Packets, Octets uint32
}

// SenderInfo reads a sender report.
func (p Packet) SenderInfo() (SenderInfo, bool) {
	if p.Type() != SR || len(p) < 28 {
		return SenderInfo{}, false
	}
	return SenderInfo{
		SSRC:    p.Sender(),
		NTP:     binary.BigEndian.Uint64(p[8:]),
		RTP:     binary.BigEndian.Uint32(p[16:]),
		Packets: binary.BigEndian.Uint32(p[20:]),
		Octets:  binary.BigEndian.Uint32(p[24:]),
	}, true
}

// Report is one report block.
type Report struct {
	SSRC         uint32
	FractionLost uint8
	Lost         int32 // cumulative
	Highest      uint32
	Jitter       uint32 // in units of the stream's clock
	LastSR       uint32 // middle bits of the NTP time of the last sender report
	Delay        uint32 // since then, 1/65536 s
}

// Reports walks the report blocks of a sender or receiver report.
func (p Packet) Reports() Reports {
	at := 8
	if p.Type() == SR {
		at = 28
	} else if p.Type() != RR {
		return Reports{}
	}
	if at > len(p) {
		return Reports{}
	}
	return Reports{b: p[at:], n: int(p.Count())}
}

// Reports is a walk through report blocks.
type Reports struct {
	b []byte
	n int
}

// Next is the next block; the last result is false after the last.
func (r *Reports) Next() (Report, bool) {
	if r.n == 0 || len(r.b) < 24 {
		return Report{}, false
	}
	b := r.b
	r.b, r.n = b[24:], r.n-1
	return Report{
		SSRC:         binary.BigEndian.Uint32(b),
		FractionLost: b[4],
		Lost:         int32(binary.BigEndian.Uint32(b[4:])<<8) >> 8,
		Highest:      binary.BigEndian.Uint32(b[8:]),
		Jitter:       binary.BigEndian.Uint32(b[12:]),
		LastSR:       binary.BigEndian.Uint32(b[16:]),
		Delay:        binary.BigEndian.Uint32(b[20:]),
	}, true
}

// Lost walks the sequence numbers of a NACK.
func (p Packet) Lost() Lost {
	if p.Type() != RTPFB || p.Count() != FormatNACK || len(p) < 12 {
		return Lost{}
	}
	return Lost{b: p[12:], bit: -1}
}

// Lost is a walk through the sequence numbers of a NACK.
type Lost struct {
	b   []byte
	bit int
}

// Next is the next number; the last result is false after the last.
func (l *Lost) Next() (uint16, bool) {
	for len(l.b) >= 4 {
		first, mask := binary.BigEndian.Uint16(l.b), binary.BigEndian.Uint16(l.b[2:])
		if l.bit < 0 {
			l.bit = 0
			return first, true
		}
		for l.bit < 16 {
			l.bit++
			if mask&(1<<(l.bit-1)) != 0 {
				return first + uint16(l.bit), true
			}
		}
		l.b, l.bit = l.b[4:], -1
	}
	return 0, false
}

// KeyframeFor walks the SSRCs that a PLI or FIR asks a keyframe of; none for
// other packets.
func (p Packet) KeyframeFor() Requests {
	switch {
	case p.Type() != PSFB || len(p) < 12:
		return Requests{}
	case p.Count() == FormatPLI:
		return Requests{b: p[8:12], step: 4}
	case p.Count() == FormatFIR: // the media SSRC is unused: RFC 5104 §4.3.1.2
		return Requests{b: p[12:], step: 8}
	}
	return Requests{}
}

// Requests is a walk through keyframe requests.
type Requests struct {
	b    []byte
	step int
}

// Next is the next SSRC; the last result is false after the last.
func (r *Requests) Next() (uint32, bool) {
	if r.step == 0 || len(r.b) < r.step {
		return 0, false
	}
	ssrc := binary.BigEndian.Uint32(r.b)
	r.b = r.b[r.step:]
	return ssrc, true
}

// REMB reads a receiver's estimate in bit/s.
func (p Packet) REMB() (uint64, bool) {
	if p.Type() != PSFB || p.Count() != FormatREMB || len(p) < 20 || string(p[12:16]) != "REMB" {
		return 0, false
	}
	exp := p[17] >> 2
	mantissa := uint64(p[17]&3)<<16 | uint64(p[18])<<8 | uint64(p[19])
	if exp > 46 { // would not fit; nobody's line is that fast
		return 1<<63 - 1, true
	}
	return mantissa << exp, true
}
