package rtcp

import "encoding/binary"

// Feedback reads transport-wide feedback; false when the packet is none or
// malformed.
func (p Packet) Feedback() (Feedback, bool) {
	if p.Type() != RTPFB || p.Count() != FormatTWCC || len(p) < 20 {
		return Feedback{}, false
	}
	f := Feedback{
		Number: p[19],
		next:   binary.BigEndian.Uint16(p[12:]),
		left:   int(binary.BigEndian.Uint16(p[14:])),
		time:   int64(uint32(p[16])<<16|uint32(p[17])<<8|uint32(p[18])) * baseUnit,
		chunks: p[20:],
	}
	// The deltas start after as many chunks as the status count needs.
	at := 20
	for left := f.left; left > 0; at += 2 {
		if at+2 > len(p) {
			return Feedback{}, false
		}
		left -= chunkSize(binary.BigEndian.Uint16(p[at:]))
	}
	f.deltas = p[at:]
	return f, true
}

func chunkSize(c uint16) int {
	switch {
	case c&0x8000 == 0:
		return int(c & 0x1fff)
	case c&0x4000 == 0:
		return 14
	}
	return 7
}

// Feedback is a walk through the packets that a receiver reports on.
type Feedback struct {
	Number uint8 // of the feedback packet
	next   uint16
	left   int
	time   int64 // of the last that came, ns on the receiver's clock, wrapping at 2^24 * 64 ms
	chunks []byte
	deltas []byte
	at     int // symbols used of the first chunk
}

// Arrival is the fate of one packet.
type Arrival struct {
	Number uint16
	Came   bool
	At     int64 // ns on the receiver's clock; only differences mean something
}

// Next is the next packet; the last result is false after the last.
func (f *Feedback) Next() (Arrival, bool) {
	for f.left > 0 && len(f.chunks) >= 2 {
		c := binary.BigEndian.Uint16(f.chunks)
		if f.at >= chunkSize(c) {
			f.chunks, f.at = f.chunks[2:], 0
			continue
		}
		var symbol uint16
		switch {
		case c&0x8000 == 0:
			symbol = c >> 13 & 3
		case c&0x4000 == 0:
			symbol = c >> (13 - f.at) & 1
		default:
			symbol = c >> (12 - 2*f.at) & 3
		}
		f.at++
		f.left--
		a := Arrival{Number: f.next}
		f.next++
		switch symbol {
		case symbolSmall:
			if len(f.deltas) < 1 {
				f.left = 0
				return Arrival{}, false
			}
			f.time += int64(f.deltas[0]) * deltaUnit
			f.deltas = f.deltas[1:]
			a.Came, a.At = true, f.time
		case symbolLarge:
			if len(f.deltas) < 2 {
				f.left = 0
				return Arrival{}, false
			}
			f.time += int64(int16(binary.BigEndian.Uint16(f.deltas))) * deltaUnit
			f.deltas = f.deltas[2:]
			a.Came, a.At = true, f.time
		}
		return a, true
	}
	return Arrival{}, false
}
