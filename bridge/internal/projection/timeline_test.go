package projection

import (
	"math/rand/v2"
	"testing"

	"meetbox.local/bridge/internal/rtp"
)

// Whatever the encoding and however late a keyframe is: frames go out with the
// distances at which they were captured, and time never stands still.
func TestTimeline(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var clocks, seqs [3]uint32
		for e := range clocks {
			clocks[e], seqs[e] = rnd.Uint32(), rnd.Uint32()
		}
		p := New()
		p.SetTarget(Target{Encoding: 0, TID: AllLayers}, 0, 0)
		var zero uint32 // what the first capture became
		last := uint32(0)
		exact, sent, target := 0, 0, 0
		for i := range 2000 {
			captured := int64(i) * 66 * ms
			if i%15 == 14 {
				target = rnd.IntN(3)
				p.SetTarget(Target{Encoding: target, TID: AllLayers}, target, 0)
			}
			key := i%15 == 0
			for e := range clocks {
				late := rnd.Int64N(5 * ms)
				if key {
					late = rnd.Int64N(60 * ms)
				}
				seqs[e]++
				in := Packet{
					Encoding: e, SequenceNumber: uint16(seqs[e]), Timestamp: clocks[e] + uint32(i*66*90),
					Frame:  rtp.Frame{Start: true, Keyframe: key, TID: 0},
					Marker: true, Now: captured + late, Clock: clocks[e], Clocked: i > 30,
				}
				o, a := p.Push(&in, true)
				if a != Forward {
					continue
				}
				if sent > 0 && int32(o.Timestamp-last) <= 0 {
					t.Fatalf("seed %d: %d after %d", seed, o.Timestamp, last)
				}
				last = o.Timestamp
				sent++
				if i == 31 {
					zero = o.Timestamp - uint32(i*66*90)
				}
				if i > 31 {
					off := int32(o.Timestamp - uint32(i*66*90) - zero)
					if off == 0 {
						exact++
					}
					if off > 2*minStep || off < 0 {
						t.Fatalf("seed %d, frame %d: %d ticks off", seed, i, off)
					}
				}
			}
		}
		if sent < 1900 || exact < sent*8/10 {
			t.Errorf("seed %d: %d of %d frames exact", seed, exact, sent)
		}
	}
}

// A sender whose reports say what cannot be is not believed.
func TestTimelineNonsense(t *testing.T) {
	t.Parallel()
	p := New()
	p.SetTarget(Target{Encoding: 0, TID: AllLayers}, 0, 0)
	push := func(e, i int, clock uint32) Out {
		in := Packet{
			Encoding: e, SequenceNumber: uint16(i), Timestamp: uint32(i * 3000), Now: int64(i) * 33 * ms, Marker: true,
			Frame: rtp.Frame{Start: true, Keyframe: i%10 == 0}, Clock: clock, Clocked: true,
		}
		o, _ := p.Push(&in, true)
		return o
	}
	var last Out
	for i := range 20 {
		last = push(0, i, 77)
	}
	p.SetTarget(Target{Encoding: 1, TID: AllLayers}, 1, 0)
	o := push(1, 20, 3_000_077)
	if d := o.Timestamp - last.Timestamp; d < 2000 || d > 4000 {
		t.Errorf("%d after %d", o.Timestamp, last.Timestamp)
	}
	next := push(1, 21, 77+1_000_000_000)
	if d := next.Timestamp - o.Timestamp; d != 3000 {
		t.Errorf("a clock that jumps: %d after %d", next.Timestamp, o.Timestamp)
	}
}
