package projection

import (
	"math/rand/v2"
	"testing"

	"meetbox.local/bridge/internal/rtp"
)

// svc makes the packets of a source with spatial layers in one encoding.
type svc struct {
	rnd     *rand.Rand
	seq     uint16
	ts      uint32
	picture uint16
	number  uint16
	layers  int
	full    bool // layers build on each other in every picture, not only at keyframes
	n       int
	index   int // of the picture, unlike that of any other source
}

func newSVC(rnd *rand.Rand, layers int, full bool) *svc {
	return &svc{rnd: rnd, seq: uint16(rnd.Uint32()), ts: rnd.Uint32(), picture: uint16(rnd.Uint32()) & 0x7fff, number: uint16(rnd.Uint32()), layers: layers, full: full, index: int(rnd.Uint32()) << 16}
}

// next is one picture of up to so many layers.
func (s *svc) next(key bool, now int64) []packet {
	if key {
		s.n = 0
	}
	// The first half of the second layer builds on the lowest, the other on the
	// one between them.
	tid, back := [...]int8{0, 2, 1, 2}[s.n%4], [...]int{4, 1, 2, 1}[s.n%4]
	s.n++
	s.index++
	s.picture = (s.picture + 1) & 0x7fff
	var out []packet
	for sid := range s.layers {
		s.number++
		n := 1 + s.rnd.IntN(3)
		for i := range n {
			x := packet{first: i == 0, last: i == n-1, index: s.index, on: s.index - back, Packet: Packet{
				SequenceNumber: s.seq, Timestamp: s.ts, Now: now, Layers: s.layers, Marker: sid == s.layers-1 && i == n-1,
				Frame: rtp.Frame{
					PictureBits: 15, PictureID: s.picture, HasNumber: true, Number: s.number,
					Layered: true, SID: int8(sid), TID: tid, Start: sid == 0 && i == 0, Keyframe: key && sid == 0 && i == 0,
					End: i == n-1, Predicted: !key, Stacked: sid > 0 && (key || s.full), Needed: sid < s.layers-1 && (key || s.full),
				},
			}}
			out = append(out, x)
			s.seq++
		}
	}
	s.ts += 3000
	return out
}

// viewer is a decoder: of each layer it has a reference picture or not.
type viewer struct {
	t       *testing.T
	seed    uint64
	have    [rtp.MaxSpatial]bool
	came    map[[2]int]bool // pictures by spatial layer and index
	ts      uint32
	below   bool // the layer below is there in this picture
	ended   bool
	any     bool
	seq     uint16
	number  uint16
	top     int8 // highest layer in the last complete picture
	current int8
	shown   int
}

func (v *viewer) take(x packet, o Out) {
	v.t.Helper()
	f := &x.Frame
	if v.any && o.SequenceNumber != v.seq+1 {
		v.t.Fatalf("seed %d: sequence number %d after %d", v.seed, o.SequenceNumber, v.seq)
	}
	if !v.any || o.Timestamp != v.ts {
		if v.any && !v.ended {
			v.t.Fatalf("seed %d: a picture without an end", v.seed)
		}
		v.ended, v.below, v.current = false, false, 0
	} else if v.ended {
		v.t.Fatalf("seed %d: layer %d after the end of the picture", v.seed, f.SID)
	}
	v.any, v.seq, v.ts = true, o.SequenceNumber, o.Timestamp
	if x.first {
		if f.Predicted && !v.have[f.SID] {
			v.t.Fatalf("seed %d: layer %d builds on a picture that never came", v.seed, f.SID)
		}
		if f.Predicted && !v.came[[2]int{int(f.SID), x.on}] {
			v.t.Fatalf("seed %d: temporal layer %d of layer %d builds on a picture that was left out", v.seed, f.TID, f.SID)
		}
		if f.Stacked && !v.below {
			v.t.Fatalf("seed %d: layer %d without the one below", v.seed, f.SID)
		}
		if f.Keyframe {
			v.have = [rtp.MaxSpatial]bool{}
		}
		if v.shown > 0 && int16(o.Number-v.number) <= 0 {
			v.t.Fatalf("seed %d: frame number %d after %d", v.seed, o.Number, v.number)
		}
		v.number = o.Number
	}
	if x.last {
		v.have[f.SID], v.below, v.current = true, true, f.SID
		v.came[[2]int{int(f.SID), x.index}] = true
	}
	if o.Marker {
		v.ended, v.top = true, v.current
		v.shown++
	}
}

// lose forgets references that did not come with a picture.
func (v *viewer) lose(picture []packet, came map[int8]bool) {
	for i := range picture {
		if f := &picture[i].Frame; f.TID == 0 && !came[f.SID] {
			v.have[f.SID] = false
		}
	}
}

// Whatever layer is wanted when, everything that goes out can be decoded, and
// each picture has an end.
func TestSpatialLayers(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		s := newSVC(rnd, 1+int(seed%3), seed%2 == 0)
		p := New()
		target := rnd.IntN(3)
		p.SetTarget(Target{SID: target, TID: AllLayers}, 0, target)
		v := &viewer{t: t, seed: seed, came: map[[2]int]bool{}}
		key := true
		for i := range int64(400) {
			if i < 380 && rnd.IntN(25) == 0 {
				target = rnd.IntN(3)
				p.SetTarget(Target{SID: target, TID: rnd.IntN(3)}, 0, target)
			}
			if i < 380 && key && rnd.IntN(3) == 0 { // the sender changes its layers
				s.layers = 1 + rnd.IntN(3)
			}
			if i < 380 && rnd.IntN(80) == 0 { // another source
				s = newSVC(rnd, 1+rnd.IntN(3), s.full)
				p.Leave()
			}
			picture := s.next(key, i*33*ms)
			came := map[int8]bool{}
			for _, x := range picture {
				switch o, do := p.Push(&x.Packet, true); do {
				case Forward:
					came[x.Frame.SID] = true
					v.take(x, o)
				case Empty:
					t.Fatalf("seed %d: an empty packet without loss", seed)
				}
			}
			v.lose(picture, came)
			key = p.NeedsKeyframe() && (rnd.IntN(3) == 0 || i > 390)
		}
		if want := int8(min(target, s.layers-1)); v.top != want {
			t.Fatalf("seed %d: layer %d goes out at the end, %d is wanted", seed, v.top, want)
		}
		if v.shown < 20 {
			t.Fatalf("seed %d: %d pictures", seed, v.shown)
		}
	}
}

// A layer that its sender gives up without a word is noticed.
func TestLayerGone(t *testing.T) {
	t.Parallel()
	s := newSVC(rand.New(rand.NewPCG(1, 1)), 3, false)
	p := New()
	p.SetTarget(Target{SID: 2, TID: AllLayers}, 0, 2)
	push := func(key bool, layers int) (out int) {
		known := s.layers
		s.layers = layers
		for _, x := range s.next(key, 0) {
			x.Layers = known
			if _, do := p.Push(&x.Packet, true); do == Forward {
				out++
			}
		}
		s.layers = known
		return out
	}
	push(true, 3)
	if push(false, 3) == 0 || p.NeedsKeyframe() {
		t.Fatal("three layers: nothing goes out, or a keyframe is missing")
	}
	for i := range shortMost {
		if p.NeedsKeyframe() {
			t.Errorf("after %d pictures without the top layer a keyframe is asked for", i)
		}
		push(false, 2)
	}
	if !p.NeedsKeyframe() {
		t.Error("the top layer is gone, and nobody asks for a keyframe")
	}
	s.layers = 2
	if push(true, 2) == 0 || push(false, 2) == 0 || p.NeedsKeyframe() {
		t.Error("two layers: nothing goes out, or a keyframe is missing")
	}
}
