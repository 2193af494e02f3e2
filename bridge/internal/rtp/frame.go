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

// MaxSpatial is how many spatial layers are told apart. No browser sends more
// than three.
const MaxSpatial = 4

// Frame is what a video packet says of its frame. With spatial layers, a
// picture is several frames of one timestamp.
type Frame struct {
	Heights     [MaxSpatial]uint16 // of the smaller side, by spatial layer; only on some keyframes, else 0
	PictureID   uint16             // of PictureBits bits
	Number      uint16             // of the frame, where HasNumber
	pictureAt   uint16             // offsets in the payload
	tl0At       uint16
	PictureBits uint8 // 7 or 15; 0 without picture id
	TL0         uint8
	Layers      uint8 // spatial layers that there are; 0 when not said
	SID         int8  // spatial layer; 0 when not said
	TID         int8  // temporal layer; -1 when not said
	HasTL0      bool
	HasNumber   bool
	Start       bool // the picture's first packet, as far as the codec tells
	Keyframe    bool // only together with Start
	// Of frames in spatial layers:
	Layered   bool
	End       bool // the frame's last packet
	Predicted bool // builds on earlier pictures
	Stacked   bool // builds on the layer below
	Needed    bool // layers above build on it
	Flexible  bool // says by picture id on which pictures it builds
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
		f.Heights[0] = min(uint16(k[6])|uint16(k[7])<<8&0x3f00, uint16(k[8])|uint16(k[9])<<8&0x3f00)
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
// sequence, which only a keyframe does. All else is in the dependency
// descriptor, see [Dependencies].
func parseAV1(b []byte) Frame {
	key := b[0]&0x88 == 0x08
	return Frame{TID: -1, Start: key, Keyframe: key}
}
