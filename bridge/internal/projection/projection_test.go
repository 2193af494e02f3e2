package projection

import (
	"math/rand/v2"
	"slices"
	"testing"

	"meetbox.local/bridge/internal/rtp"
)

const ms = int64(1e6)

// packet is what a simulated sender sends.
type packet struct {
	Packet
	first bool
	last  bool
	index int // of its picture
	on    int // that it builds on
}

// sender makes the packets of a simulcast source.
type sender struct {
	rnd  *rand.Rand
	seqs []uint16
	ts   []uint32
	pics []uint16
	tl0s []uint8
	n    int
	tids []int // pattern of temporal layers
}

func newSender(rnd *rand.Rand, encodings int, tids []int) *sender {
	s := &sender{rnd: rnd, tids: tids}
	for range encodings {
		s.seqs = append(s.seqs, uint16(rnd.Uint32()))
		s.ts = append(s.ts, rnd.Uint32())
		s.pics = append(s.pics, uint16(rnd.Uint32())&0x7fff)
		s.tl0s = append(s.tl0s, uint8(rnd.Uint32()))
	}
	return s
}

// picture is one captured picture in all encodings.
func (s *sender) picture(key bool, now int64) []packet {
	tid := s.tids[s.n%len(s.tids)]
	if key {
		s.n, tid = 0, 0
	}
	s.n++
	var out []packet
	for e := range s.seqs {
		s.pics[e] = (s.pics[e] + 1) & 0x7fff
		if tid == 0 {
			s.tl0s[e]++
		}
		n := 1 + s.rnd.IntN(3) + e
		for i := range n {
			out = append(out, packet{
				Packet: Packet{
					Encoding: e, SequenceNumber: s.seqs[e], Timestamp: s.ts[e], Now: now,
					Frame: rtp.Frame{
						PictureBits: 15, PictureID: s.pics[e], HasTL0: true, TL0: s.tl0s[e],
						TID: int8(tid), Start: i == 0, Keyframe: key && i == 0,
					},
				},
				first: i == 0, last: i == n-1,
			})
			s.seqs[e]++
		}
		s.ts[e] += 3000
	}
	return out
}

// screen checks what a decoder would see, in order.
type screen struct {
	t                    *testing.T
	started              bool
	seq                  uint16
	ts                   uint32
	picture              uint16
	tl0                  uint8
	frames, keys, faults int
}

func (s *screen) take(p packet, o Out) {
	s.t.Helper()
	fault := func(format string, args ...any) {
		s.t.Helper()
		s.faults++
		if s.faults < 5 {
			s.t.Errorf(format, args...)
		}
	}
	if !s.started {
		if !p.Frame.Keyframe {
			fault("starts with %+v", p)
		}
	} else {
		if o.SequenceNumber != s.seq+1 {
			fault("sequence number %d after %d", o.SequenceNumber, s.seq)
		}
		if p.first {
			if o.PictureID&0x7fff != (s.picture+1)&0x7fff {
				fault("picture %d after %d", o.PictureID, s.picture)
			}
			if d := int32(o.Timestamp - s.ts); d <= 0 || d > 600*3000 {
				fault("timestamp %d after %d", o.Timestamp, s.ts)
			}
			want := s.tl0
			if p.Frame.TID == 0 {
				want++
			}
			if o.TL0 != want {
				fault("TL0PICIDX %d after %d, layer %d", o.TL0, s.tl0, p.Frame.TID)
			}
		} else if o.PictureID != s.picture || o.Timestamp != s.ts || o.TL0 != s.tl0 {
			fault("%+v within picture %d, timestamp %d", o, s.picture, s.ts)
		}
	}
	if p.first {
		s.frames++
		if p.Frame.Keyframe {
			s.keys++
		}
	}
	s.started = true
	s.seq, s.ts, s.picture, s.tl0 = o.SequenceNumber, o.Timestamp, o.PictureID, o.TL0
}

// Whatever is switched when, a decoder sees one continuous stream.
func TestContinuous(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		s := newSender(rnd, 3, [][]int{{0}, {0, 1}, {0, 2, 1, 2}}[seed%3])
		p := New()
		d := &screen{t: t}
		p.SetTarget(Target{Encoding: rnd.IntN(3), TID: AllLayers}, rnd.IntN(3), 0)
		key := true
		for picture := range int64(600) {
			if rnd.IntN(25) == 0 {
				tid := AllLayers
				if rnd.IntN(2) == 0 {
					tid = rnd.IntN(3)
				}
				target := rnd.IntN(4) - 1
				p.SetTarget(Target{Encoding: target, TID: tid}, max(target, rnd.IntN(4)-1), 0)
			}
			if rnd.IntN(60) == 0 { // the slot is given to another source
				s = newSender(rnd, 3, s.tids)
				p.Leave()
			}
			all := s.picture(key, picture*33*ms)
			key = p.NeedsKeyframe() && rnd.IntN(3) == 0
			for _, x := range all {
				switch o, do := p.Push(&x.Packet, true); do {
				case Forward:
					d.take(x, o)
				case Empty:
					t.Fatalf("seed %d: an empty packet without loss", seed)
				}
			}
		}
		if d.faults > 0 || d.frames < 50 {
			t.Fatalf("seed %d: %d faults in %d frames", seed, d.faults, d.frames)
		}
	}
}

// With loss and disorder, everything that goes out keeps the order of what
// came in, no number is used twice, and the only numbers missing are those of
// packets that were lost.
func TestLossy(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		s := newSender(rnd, 1, []int{0, 2, 1, 2})
		p := New()
		p.SetTarget(Target{Encoding: 0, TID: int(seed % 3)}, 0, 0)
		var flight []packet
		for picture := range int64(200) {
			flight = append(flight, s.picture(picture == 0, picture*33*ms)...)
		}
		lost := map[uint16]bool{}
		var order []packet
		for i, x := range flight {
			switch {
			case i > 5 && rnd.IntN(20) == 0:
				lost[x.SequenceNumber] = true
			case i > 5 && rnd.IntN(20) == 0: // asked for again, comes later
				x.Late = true
				order = append(order, x)
			default:
				order = append(order, x)
			}
		}
		// Late ones move back by up to 40 places.
		for i := len(order) - 1; i >= 0; i-- {
			if order[i].Late {
				x := order[i]
				to := min(len(order)-1, i+1+rnd.IntN(40))
				order = slices.Insert(slices.Delete(order, i, i+1), to, x)
			}
		}
		base := flight[0].SequenceNumber
		outOf := map[uint16]uint16{} // in to out, relative to the first
		used := map[uint16]bool{}
		top := uint16(0)
		for _, x := range order {
			in := x.SequenceNumber - base
			x.Late = in < top
			top = max(top, in)
			o, do := p.Push(&x.Packet, true)
			if do == Drop {
				continue
			}
			out := o.SequenceNumber - base // the first one goes out as it is
			if used[out] {
				t.Fatalf("seed %d: number %d twice", seed, out)
			}
			used[out] = true
			outOf[in] = out
		}
		prev, first := uint16(0), true
		var highest uint16
		for in := range uint16(len(flight)) {
			out, ok := outOf[in]
			if !ok {
				continue
			}
			if !first && out <= prev {
				t.Fatalf("seed %d: packet %d goes out as %d, the one before as %d", seed, in, out, prev)
			}
			prev, first, highest = out, false, out
		}
		missing := 0
		for n := range highest {
			if !used[n] {
				missing++
			}
		}
		if missing > len(lost) {
			t.Errorf("seed %d: %d numbers missing, %d packets lost", seed, missing, len(lost))
		}
	}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 1))
	s := newSender(rnd, 3, []int{0})
	p := New()
	now := int64(0)
	push := func(key bool) {
		now += 33 * ms
		for _, x := range s.picture(key, now) {
			p.Push(&x.Packet, true)
		}
	}
	check := func(what string, current int, needs bool) {
		t.Helper()
		if p.Current() != current || p.NeedsKeyframe() != needs {
			t.Errorf("%s: current %d, needs a keyframe %v; want %d, %v", what, p.Current(), p.NeedsKeyframe(), current, needs)
		}
	}
	push(true)
	check("paused", Paused, false)
	p.SetTarget(Target{Encoding: 2, TID: AllLayers}, 2, 0)
	push(false)
	check("before a keyframe", Paused, true)
	push(true)
	check("after it", 2, false)
	p.SetTarget(Target{Encoding: 0, TID: AllLayers}, 0, 0)
	push(false)
	check("going down", 2, true)
	push(true)
	check("down", 0, false)
	p.SetTarget(Target{Encoding: 1, TID: AllLayers}, 1, 0)
	check("going up", 0, true)
	push(true)
	check("up", 1, false)
	p.SetTarget(Target{Encoding: Paused, TID: AllLayers}, Paused, 0)
	check("paused again", Paused, false)
	p.SetTarget(Target{Encoding: 1, TID: AllLayers}, 1, 0)
	check("resumed", Paused, true)
	p.Leave()
	push(true)
	check("another source", 1, false)
	p.SetTarget(Target{Encoding: 0, TID: AllLayers}, 2, 0)
	check("a better one may come", 1, true)
	push(false)
	check("it does not", 1, true)
	push(true)
	check("it does", 2, false)
}

// A late packet of a frame that was left out fills its number.
func TestEmpty(t *testing.T) {
	t.Parallel()
	in := func(seq uint16, ts uint32, tid int8, key bool) *Packet {
		return &Packet{SequenceNumber: seq, Timestamp: ts, Frame: rtp.Frame{TID: tid, Start: true, Keyframe: key}}
	}
	p := New()
	p.SetTarget(Target{Encoding: 0, TID: 0}, 0, 0)
	for _, step := range []struct {
		in   *Packet
		want Action
		seq  uint16
	}{
		{in(10, 0, 0, true), Forward, 10},
		{in(11, 1, 1, false), Drop, 0},
		{in(12, 2, 0, false), Forward, 11},
		{in(14, 4, 0, false), Forward, 13}, // 13 is missing
		{in(13, 3, 1, false), Empty, 12},   // and was not wanted
		{in(15, 5, 0, false), Forward, 14},
		{in(9, 0, 0, false), Drop, 0}, // before the start
	} {
		o, do := p.Push(step.in, true)
		if do != step.want || do != Drop && o.SequenceNumber != step.seq {
			t.Errorf("Push(%+v) = %+v, %v, want %v as %d", step.in, o, do, step.want, step.seq)
		}
	}
	if o, do := p.Padding(0, 16, 5); do != Drop {
		t.Errorf("Padding = %+v, %v, want it dropped", o, do)
	}
	if o, do := p.Padding(0, 20_000, 5); do != Drop {
		t.Errorf("padding far ahead = %+v, %v, want it dropped", o, do)
	}
	if o, do := p.Push(in(17, 6, 0, false), true); do != Forward || o.SequenceNumber != 15 {
		t.Errorf("after padding: %+v, %v", o, do)
	}
}

func TestUnknownCodec(t *testing.T) {
	t.Parallel()
	p := New()
	p.SetTarget(Target{Encoding: 0, TID: AllLayers}, 0, 0)
	if o, do := p.Push(&Packet{SequenceNumber: 5, Frame: rtp.Frame{TID: -1}}, false); do != Forward || o.SequenceNumber != 5 {
		t.Errorf("%+v, %v: a codec without keyframes starts at once", o, do)
	}
}

func BenchmarkPush(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 1))
	s := newSender(rnd, 1, []int{0})
	p := New()
	p.SetTarget(Target{Encoding: 0, TID: AllLayers}, 0, 0)
	x := s.picture(true, 0)[0]
	for b.Loop() {
		x.SequenceNumber++
		x.Timestamp += 3000
		x.Frame.PictureID = (x.Frame.PictureID + 1) & 0x7fff
		p.Push(&x.Packet, true)
	}
}

// On the way down all temporal layers go out, unless the line has to be
// spared: a picture of the lowest alone jerks.
func TestSpare(t *testing.T) {
	t.Parallel()
	for _, spare := range []bool{false, true} {
		s := newSender(rand.New(rand.NewPCG(1, 2)), 2, []int{0, 2, 1, 2})
		p := New()
		p.SetTarget(Target{Encoding: 1, TID: AllLayers}, 1, 0)
		out := 0
		for i := range 41 {
			if i == 1 {
				p.SetTarget(Target{Encoding: 0, TID: AllLayers, Spare: spare}, 0, 0)
			}
			for _, x := range s.picture(i == 0, int64(i)*40*ms) {
				if _, a := p.Push(&x.Packet, true); a == Forward && x.first && x.Encoding == 1 && i > 0 {
					out++
				}
			}
		}
		if want := map[bool]int{false: 40, true: 10}[spare]; out != want {
			t.Errorf("spare %v: %d of 40 frames, want %d", spare, out, want)
		}
	}
}
