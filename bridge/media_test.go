package main

import (
	"encoding/binary"
	"fmt"
)

// A test's media says of itself where it comes from, so that a receiver knows
// what it is shown: behind the codec's header stands a tag.
type tag struct {
	source uint32 // SSRC it was sent with
	frame  uint32
	part   uint8 // of the frame
}

const tagSize = 9

func (g tag) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, g.source)
	b = binary.BigEndian.AppendUint32(b, g.frame)
	return append(b, g.part)
}

func parseTag(b []byte) (tag, error) {
	if len(b) < tagSize {
		return tag{}, fmt.Errorf("payload of %d bytes", len(b))
	}
	return tag{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]), b[8]}, nil
}

// vp8 is RFC 7741's descriptor with everything Chrome sends.
type vp8 struct {
	start   bool // of the frame's first partition
	picture uint16
	tl0     uint8
	tid     uint8
	key     bool // only known when start
}

// append writes the descriptor and, at the start of a frame, VP8's own header:
// for a keyframe with the start code and the size.
func (v vp8) append(b []byte, width, height uint16) []byte {
	first := byte(0x80) // extended
	if v.start {
		first |= 0x10
	}
	b = append(b, first, 0xe0) // picture id, TL0PICIDX, TID
	b = append(b, byte(v.picture>>8)|0x80, byte(v.picture), v.tl0, v.tid<<6)
	if !v.start {
		return b
	}
	if !v.key {
		return append(b, 0x11, 0, 0)
	}
	b = append(b, 0x10, 0, 0, 0x9d, 0x01, 0x2a)
	b = binary.LittleEndian.AppendUint16(b, width)
	return binary.LittleEndian.AppendUint16(b, height)
}

// parseVP8 returns the descriptor and what follows the frame's own header.
func parseVP8(b []byte) (vp8, []byte, error) {
	if len(b) < 6 || b[0]&0x80 == 0 || b[1]&0xe0 != 0xe0 || b[2]&0x80 == 0 {
		return vp8{}, nil, fmt.Errorf("not the descriptor that was sent: %x", b[:min(len(b), 8)])
	}
	v := vp8{start: b[0]&0x10 != 0, picture: binary.BigEndian.Uint16(b[2:]) & 0x7fff, tl0: b[4], tid: b[5] >> 6}
	b = b[6:]
	if !v.start {
		return v, b, nil
	}
	if len(b) < 3 {
		return v, nil, fmt.Errorf("frame header is missing")
	}
	if v.key = b[0]&1 == 0; !v.key {
		return v, b[3:], nil
	}
	if len(b) < 10 {
		return v, nil, fmt.Errorf("keyframe header is cut")
	}
	return v, b[10:], nil
}
