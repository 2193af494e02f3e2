package rtp

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func TestFrame(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		codec Codec
		in    string
		want  Frame
	}{
		{"VP8 plain keyframe", VP8, "10 10 00 00 9d012a 8002 6801 00", Frame{TID: -1, Start: true, Keyframe: true, Heights: [4]uint16{360}}},
		{"VP8 portrait keyframe", VP8, "10 10 00 00 9d012a 6801 8002 00", Frame{TID: -1, Start: true, Keyframe: true, Heights: [4]uint16{360}}},
		{"VP8 all fields", VP8, "90 f0 9234 56 a5 01", Frame{TID: 2, Start: true, PictureBits: 15, PictureID: 0x1234, pictureAt: 2, HasTL0: true, TL0: 0x56, tl0At: 4}},
		{"VP8 short picture id", VP8, "80 80 12 01", Frame{TID: -1, PictureBits: 7, PictureID: 0x12, pictureAt: 2}},
		{"VP8 other partition", VP8, "11 00", Frame{TID: -1}},
		{"VP9 keyframe with sizes", VP9, "aa 8001 00 07 30 0280 0168 0500 02d0", Frame{TID: 0, Start: true, Keyframe: true, PictureBits: 15, PictureID: 1, pictureAt: 1, HasTL0: true, TL0: 7, tl0At: 4, Layers: 2, Heights: [4]uint16{360, 720}, Layered: true, Needed: true}},
		{"VP9 delta", VP9, "ec 8001 20 07 00", Frame{TID: 1, Layered: true, End: true, Predicted: true, Needed: true, Start: true, PictureBits: 15, PictureID: 1, pictureAt: 1, HasTL0: true, TL0: 7, tl0At: 4}},
		{"VP9 upper layer", VP9, "a9 8001 03 07 00", Frame{SID: 1, TID: 0, Layered: true, Stacked: true, PictureBits: 15, PictureID: 1, pictureAt: 1, HasTL0: true, TL0: 7, tl0At: 4}},
		{"VP9 flexible", VP9, "f8 05 40 03 02 00", Frame{TID: 2, Layered: true, Predicted: true, Needed: true, Flexible: true, Start: true, PictureBits: 7, PictureID: 5, pictureAt: 1}},
		{"H264 IDR", H264, "65 88", Frame{TID: -1, Start: true, Keyframe: true}},
		{"H264 slice", H264, "61 88", Frame{TID: -1}},
		{"H264 STAP-A", H264, "78 0002 67aa 0001 68", Frame{TID: -1, Start: true, Keyframe: true}},
		{"H264 FU-A start", H264, "7c 85 00", Frame{TID: -1, Start: true, Keyframe: true}},
		{"H264 FU-A middle", H264, "7c 05 00", Frame{TID: -1}},
		{"AV1 new sequence", AV1, "18 0a", Frame{TID: -1, Start: true, Keyframe: true}},
		{"AV1 continued", AV1, "98 0a", Frame{TID: -1}},
		{"AV1 delta", AV1, "10 32", Frame{TID: -1}},
	} {
		got, ok := ParseFrame(tc.codec, unhex(t, tc.in))
		if !ok || got != tc.want {
			t.Errorf("%s: ParseFrame(%s) = %+v, %v, want %+v", tc.name, tc.in, got, ok, tc.want)
		}
	}
	for _, in := range []string{"", "90", "90 80", "90 80 80", "90 40", "90 20", "90 f0 9234 56 a5"} {
		if got, ok := ParseFrame(VP8, unhex(t, in)); ok {
			t.Errorf("ParseFrame(VP8, %q) = %+v", in, got)
		}
	}
	for _, in := range []string{"80", "80 80", "20", "20 00", "50", "50 01 01 01 01", "02", "02 10 00"} {
		if got, ok := ParseFrame(VP9, unhex(t, in)); ok {
			t.Errorf("ParseFrame(VP9, %q) = %+v", in, got)
		}
	}
}

// A descriptor that is rewritten has the new numbers, and nothing else has
// changed.
func FuzzFrame(f *testing.F) {
	for _, s := range []string{"90f0923456a501", "aa8001000730028001680500 02d0", "780002 67aa 0001 68"} {
		for c := range AV1 + 1 {
			f.Add(uint8(c), unhex(f, s), uint16(0x4321), uint8(9))
		}
	}
	f.Fuzz(func(t *testing.T, c uint8, b []byte, picture uint16, tl0 uint8) {
		before, ok := ParseFrame(Codec(c), b)
		if !ok {
			return
		}
		was := bytes.Clone(b)
		before.Rewrite(b, picture, tl0)
		after, ok := ParseFrame(Codec(c), b)
		want := before
		if want.PictureBits != 0 {
			want.PictureID = picture & (1<<want.PictureBits - 1)
		}
		if want.HasTL0 {
			want.TL0 = tl0
		}
		if !ok || after != want {
			t.Fatalf("%s: %+v, %v, want %+v", hex.EncodeToString(b), after, ok, want)
		}
		after.Rewrite(b, before.PictureID, before.TL0)
		if !bytes.Equal(b, was) {
			t.Fatalf("%x, was %x", b, was)
		}
	})
}
