package rtp

import "encoding/binary"

// MaxHeader is the most that [Template.Write] writes: the fixed header,
// fifteen CSRCs, retained elements, and what the bridge adds.
const MaxHeader = fixedSize + 15*4 + 4 + maxRetained + (2 + 2) + (2 + 3) + (2 + 16) + 3

// maxRetained bounds what is kept of a packet's own elements. The longest in
// use is a dependency descriptor with its structure, some 100 bytes.
const maxRetained = 300

// Template is what the headers of a packet's copies have in common: the CSRCs
// and the retained extension elements. It is filled once for a packet.
type Template struct {
	packet   []byte
	csrcs    uint8
	two      bool // needs the two-byte form
	n        uint8
	size     uint16 // of the elements in the wider form
	numbered uint8  // the element that begins with a frame number, counted from 1
	elements [4]Element
}

// Reset starts a template for a packet.
func (t *Template) Reset(packet []byte, h *Header) {
	t.packet, t.csrcs = packet, h.csrcs
	t.two, t.n, t.size, t.numbered = false, 0, 0, 0
}

// Retain passes one element of the packet on. What does not fit is left out.
func (t *Template) Retain(e Element) {
	size := t.size + 2 + uint16(e.Len)
	if int(t.n) == len(t.elements) || size > maxRetained {
		return
	}
	t.elements[t.n] = e
	t.n++
	t.size = size
	if e.ID > 14 || e.Len == 0 || e.Len > 16 {
		t.two = true
	}
}

// RetainDependency passes a dependency descriptor on, which carries a frame
// number after its first byte.
func (t *Template) RetainDependency(e Element) {
	if before := t.n; e.Len >= descriptorLeast {
		if t.Retain(e); t.n > before {
			t.numbered = t.n
		}
	}
}

// Stamp is what is different in each copy. Ids of 0 leave an element out.
type Stamp struct {
	SSRC, Timestamp uint32
	SequenceNumber  uint16
	PayloadType     uint8
	Marker          bool
	SequenceID      uint8 // of the transport-wide sequence number
	TransportSeq    uint16
	SendTimeID      uint8  // of the absolute send time
	SendTime        uint32 // [AbsoluteSendTime]
	Numbered        bool   // with a frame number
	Number          uint16
	MidID           uint8
	Mid             string // 1 to 16 bytes
}

// Write writes the header of a copy into buf, which has room for MaxHeader
// bytes, and returns its length.
func (t *Template) Write(buf []byte, s *Stamp) int {
	_ = buf[MaxHeader-1]
	buf[0] = 0x80 | t.csrcs
	buf[1] = s.PayloadType & 0x7f
	if s.Marker {
		buf[1] |= 0x80
	}
	binary.BigEndian.PutUint16(buf[2:], s.SequenceNumber)
	binary.BigEndian.PutUint32(buf[4:], s.Timestamp)
	binary.BigEndian.PutUint32(buf[8:], s.SSRC)
	at := fixedSize
	if t.csrcs > 0 {
		at += copy(buf[at:], t.packet[at:at+4*int(t.csrcs)])
	}
	mid := s.MidID != 0 && len(s.Mid) >= 1 && len(s.Mid) <= 16
	if t.n == 0 && s.SequenceID == 0 && s.SendTimeID == 0 && !mid {
		return at
	}
	buf[0] |= 0x10
	start := at
	at += 4
	two := t.two || s.SequenceID > 14 || s.SendTimeID > 14 || mid && s.MidID > 14
	for i, e := range t.elements[:t.n] {
		at = elementHead(buf, at, e.ID, e.Len, two)
		n := copy(buf[at:], e.Data(t.packet))
		if s.Numbered && i+1 == int(t.numbered) {
			binary.BigEndian.PutUint16(buf[at+1:], s.Number)
		}
		at += n
	}
	if s.SequenceID != 0 {
		at = elementHead(buf, at, s.SequenceID, 2, two)
		binary.BigEndian.PutUint16(buf[at:], s.TransportSeq)
		at += 2
	}
	if s.SendTimeID != 0 {
		at = elementHead(buf, at, s.SendTimeID, 3, two)
		buf[at], buf[at+1], buf[at+2] = byte(s.SendTime>>16), byte(s.SendTime>>8), byte(s.SendTime)
		at += 3
	}
	if mid {
		at = elementHead(buf, at, s.MidID, uint8(len(s.Mid)), two)
		at += copy(buf[at:], s.Mid)
	}
	for (at-start)%4 != 0 {
		buf[at] = 0
		at++
	}
	profile := uint16(profileOneByte)
	if two {
		profile = profileTwoByte
	}
	binary.BigEndian.PutUint16(buf[start:], profile)
	binary.BigEndian.PutUint16(buf[start+2:], uint16((at-start)/4-1))
	return at
}

// AbsoluteSendTime is a time in nanoseconds as the element of that name has it:
// seconds modulo 64 in 24 bits, 18 of them after the point.
func AbsoluteSendTime(now int64) uint32 {
	const wrap = 64 * 1_000_000_000
	return uint32(uint64(now) % wrap << 18 / 1_000_000_000)
}

func elementHead(buf []byte, at int, id, n uint8, two bool) int {
	if two {
		buf[at], buf[at+1] = id, n
		return at + 2
	}
	buf[at] = id<<4 | (n - 1)
	return at + 1
}

// Rebase makes the template refer to the packet after UnwrapRTX.
func (t *Template) Rebase(packet []byte) { t.packet = packet }
