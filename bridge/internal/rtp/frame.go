package rtp

import "strings"

// Codec is a video codec whose payload descriptor this package reads.
type Codec uint8

// The codecs. Unknown ones are forwarded without looking at the payload.
const (
	Unknown Codec = iota
	VP8
	VP9
	H264
	AV1
)

// CodecNamed is the codec with the encoding name of its payload type.
func CodecNamed(name string) Codec {
	for c, n := range [...]string{VP8: "VP8", VP9: "VP9", H264: "H264", AV1: "AV1"} {
		if n != "" && strings.EqualFold(n, name) {
			return Codec(c)
		}
	}
	return Unknown
}

// Frame is what a video packet says of its frame.
type Frame struct {
	Height      int    // of the smaller side; only on some keyframes, else 0
	PictureID   uint16 // of PictureBits bits
	pictureAt   uint16 // offsets in the payload
	tl0At       uint16
	PictureBits uint8 // 7 or 15; 0 without picture id
	TL0         uint8
	HasTL0      bool
	TID         int8 // temporal layer; -1 when not said
	Start       bool // the frame's first packet, as far as the codec tells
	Keyframe    bool // only together with Start
}

// ParseFrame reads the descriptor of a payload. False means that it is
// malformed. It reads nothing of what end-to-end encryption hides.
func ParseFrame(c Codec, payload []byte) (Frame, bool) {
	if len(payload) == 0 {
		return Frame{TID: -1}, false
	}
	switch c {
	case VP8:
		return parseVP8(payload)
	case VP9:
		return parseVP9(payload)
	case H264:
		return parseH264(payload), true
	case AV1:
		return parseAV1(payload), true
	}
	return Frame{TID: -1}, true
}

// Rewrite puts other numbers into the descriptor of a payload, in place and
// in the width that is there.
func (f *Frame) Rewrite(payload []byte, picture uint16, tl0 uint8) {
	switch f.PictureBits {
	case 7:
		payload[f.pictureAt] = byte(picture) & 0x7f
	case 15:
		payload[f.pictureAt] = byte(picture>>8) | 0x80
		payload[f.pictureAt+1] = byte(picture)
	}
	if f.HasTL0 {
		payload[f.tl0At] = tl0
	}
}

// picture reads a picture id of 7 or 15 bits; -1 when it is cut off.
func (f *Frame) picture(b []byte, at int) int {
	if at >= len(b) {
		return -1
	}
	f.pictureAt = uint16(at)
	if b[at]&0x80 == 0 {
		f.PictureBits, f.PictureID = 7, uint16(b[at])
		return at + 1
	}
	if at+1 >= len(b) {
		return -1
	}
	f.PictureBits, f.PictureID = 15, uint16(b[at]&0x7f)<<8|uint16(b[at+1])
	return at + 2
}

// parseVP8 follows RFC 7741 §4.2.
func parseVP8(b []byte) (Frame, bool) {
	f := Frame{TID: -1, Start: b[0]&0x17 == 0x10}
	at := 1
	if b[0]&0x80 != 0 {
		if len(b) < 2 {
			return f, false
		}
		x := b[1]
		at = 2
		if x&0x80 != 0 {
			if at = f.picture(b, at); at < 0 {
				return Frame{TID: -1}, false
			}
		}
		if x&0x40 != 0 {
			if at >= len(b) {
				return Frame{TID: -1}, false
			}
			f.HasTL0, f.TL0, f.tl0At = true, b[at], uint16(at)
			at++
		}
		if x&0x30 != 0 {
			if at >= len(b) {
				return Frame{TID: -1}, false
			}
			if x&0x20 != 0 {
				f.TID = int8(b[at] >> 6)
			}
			at++
		}
	}
	if at >= len(b) { // a descriptor without payload is no VP8 packet
		return Frame{TID: -1}, false
	}
	f.Keyframe = f.Start && b[at]&1 == 0
	// RFC 6386 §9.1: 3 bytes of frame tag, 3 of start code, width, height.
	if k := b[at:]; f.Keyframe && len(k) >= 10 && k[3] == 0x9d && k[4] == 0x01 && k[5] == 0x2a {
		f.Height = int(min(uint16(k[6])|uint16(k[7])<<8&0x3f00, uint16(k[8])|uint16(k[9])<<8&0x3f00))
	}
	return f, true
}

// parseVP9 follows RFC 9628 §4.2. A keyframe starts with the lowest spatial
// layer of a picture that is predicted from none.
func parseVP9(b []byte) (Frame, bool) {
	f := Frame{TID: -1}
	bad := Frame{TID: -1}
	at, sid := 1, 0
	if b[0]&0x80 != 0 {
		if at = f.picture(b, at); at < 0 {
			return bad, false
		}
	}
	if b[0]&0x20 != 0 {
		if at >= len(b) {
			return bad, false
		}
		f.TID, sid = int8(b[at]>>5), int(b[at]>>1&7)
		at++
		if b[0]&0x10 == 0 {
			if at >= len(b) {
				return bad, false
			}
			f.HasTL0, f.TL0, f.tl0At = true, b[at], uint16(at)
			at++
		}
	}
	if b[0]&0x50 == 0x50 { // flexible mode and predicted: reference differences
		for i := 0; ; i++ {
			if at >= len(b) || i == 3 {
				return bad, false
			}
			more := b[at]&1 != 0
			at++
			if !more {
				break
			}
		}
	}
	f.Start = b[0]&0x08 != 0 && sid == 0
	f.Keyframe = f.Start && b[0]&0x40 == 0
	if b[0]&0x02 != 0 { // scalability structure
		if at >= len(b) {
			return bad, false
		}
		layers, sizes := int(b[at]>>5)+1, b[at]&0x10 != 0
		at++
		if sizes {
			if at+4*layers > len(b) {
				return bad, false
			}
			top := b[at+4*(layers-1):]
			f.Height = min(int(top[0])<<8|int(top[1]), int(top[2])<<8|int(top[3]))
		}
	}
	return f, true
}

// parseH264 follows RFC 6184. A sender starts every keyframe with its
// parameter sets; a slice alone does not tell whether it is the first.
func parseH264(b []byte) Frame {
	f := Frame{TID: -1}
	const idr, sps = 5, 7
	key := func(t byte) bool { return t&0x1f == idr || t&0x1f == sps }
	switch b[0] & 0x1f {
	case idr, sps:
		f.Keyframe = true
	case 24: // STAP-A
		for at := 1; at+2 < len(b); {
			n := int(b[at])<<8 | int(b[at+1])
			if key(b[at+2]) {
				f.Keyframe = true
				break
			}
			at += 2 + n
		}
	case 28, 29: // FU-A, FU-B
		f.Keyframe = len(b) > 1 && b[1]&0x80 != 0 && key(b[1])
	}
	f.Start = f.Keyframe
	return f
}

// parseAV1 reads the aggregation header: its N bit starts a coded video
// sequence, which only a keyframe does.
func parseAV1(b []byte) Frame {
	key := b[0]&0x88 == 0x08
	return Frame{TID: -1, Start: key, Keyframe: key}
}
