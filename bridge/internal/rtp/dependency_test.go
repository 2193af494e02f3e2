package rtp

import (
	"encoding/hex"
	"strings"
	"testing"
)

// bitWriter is the other side of bitReader.
type bitWriter struct {
	b []byte
	n int
}

func (w *bitWriter) put(v uint32, bits int) {
	for i := bits - 1; i >= 0; i-- {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(v>>i&1) << (7 - w.n%8)
		w.n++
	}
}

// descriptor writes a dependency descriptor for frame number 0x1234.
func descriptor(start, end bool, template, offset uint32, more func(w *bitWriter)) []byte {
	w := new(bitWriter)
	for _, f := range []bool{start, end} {
		w.put(map[bool]uint32{true: 1}[f], 1)
	}
	w.put((template+offset)%64, 6)
	w.put(0x1234, 16)
	if more != nil {
		more(w)
	}
	return w.b
}

// Two spatial layers with one temporal layer each, independent after the
// keyframe (L2T1_KEY): templates 0 and 2 are of layer 0, 1 and 3 of layer 1;
// the first two of keyframes.
var l2t1Key = []string{"S S", "- S", "S -", "- R"}

func (w *bitWriter) structure(offset uint32) {
	w.put(offset, 6)
	w.put(2-1, 5) // decode targets
	// Templates must be ordered by layer: 0, 2 | 1, 3.
	order := []int{0, 2, 1, 3}
	for _, next := range []uint32{0, 2, 0, 3} {
		w.put(next, 2)
	}
	for _, i := range order {
		for s := range strings.FieldsSeq(l2t1Key[i]) {
			w.put(uint32(strings.Index("-DSR", s)), 2)
		}
	}
	for _, diffs := range [][]uint32{{}, {2}, {1}, {2}} {
		for _, d := range diffs {
			w.put(1, 1)
			w.put(d-1, 4)
		}
		w.put(0, 1)
	}
	// Two chains among 0 to 2: 3 values, so that 2 takes two bits.
	w.put(0b11, 2)
	for target := range uint32(2) {
		w.put(target, 1) // protected by
	}
	for range 4 * 2 {
		w.put(1, 4)
	}
	w.put(1, 1) // resolutions
	for _, size := range [][2]uint32{{320, 180}, {640, 360}} {
		w.put(size[0]-1, 16)
		w.put(size[1]-1, 16)
	}
}

func TestDependencies(t *testing.T) {
	t.Parallel()
	const offset = 61 // so that template numbers wrap
	flags := func(w *bitWriter, bits uint32) { w.put(bits, 5) }
	first := descriptor(true, true, 0, offset, func(w *bitWriter) { flags(w, 0b10000); w.structure(offset) })
	var d Dependencies
	for _, step := range []struct {
		name string
		in   []byte
		ts   uint32
		want Frame // without Layered and Number, which all have
		bad  bool
	}{
		{"before any structure", descriptor(true, true, 0, offset, nil), 1, Frame{}, true},
		{"cut off", first[:2], 1, Frame{}, true},
		{"a structure cut off", first[:9], 1, Frame{}, true},
		{"keyframe", first, 3000, Frame{Layers: 2, Start: true, End: true, Keyframe: true, Needed: true, Heights: [4]uint16{180, 360}}, false},
		{"the layer above it", descriptor(true, false, 2, offset, nil), 3000, Frame{Layers: 2, SID: 1, Stacked: true}, false},
		{"its end", descriptor(false, true, 2, offset, nil), 3000, Frame{Layers: 2, SID: 1, Stacked: true, End: true}, false},
		{"next picture", descriptor(true, true, 1, offset, nil), 6000, Frame{Layers: 2, Start: true, End: true, Predicted: true}, false},
		{"the layer above it", descriptor(true, true, 3, offset, nil), 6000, Frame{Layers: 2, SID: 1, End: true, Predicted: true}, false},
		{"no such template", descriptor(true, true, 4, offset, nil), 6000, Frame{}, true},
		{"for other targets than its template", descriptor(true, true, 1, offset, func(w *bitWriter) { flags(w, 0b00100); w.put(2, 2); w.put(3, 2) }), 9000,
			Frame{Layers: 2, Start: true, End: true, Predicted: true, Needed: true}, false},
		{"only the lower layer from now on", descriptor(true, true, 1, offset, func(w *bitWriter) { flags(w, 0b01000); w.put(0b01, 2) }), 12000,
			Frame{Layers: 1, Start: true, End: true, Predicted: true}, false},
		{"still", descriptor(true, true, 1, offset, nil), 15000, Frame{Layers: 1, Start: true, End: true, Predicted: true}, false},
		{"an old structure comes late", first, 1000, Frame{}, true},
	} {
		got := Frame{TID: -1}
		ok := d.Read(step.in, step.ts, false, &got)
		want := step.want
		want.Layered, want.HasNumber, want.Number = true, true, 0x1234
		if ok == step.bad || ok && got != want {
			t.Errorf("%s: %+v, %v; want %+v, %v", step.name, got, ok, want, !step.bad)
		}
	}
}

// Whatever comes, a layer is one that the structure has, and what is said
// twice in a row means the same.
func FuzzDependencies(f *testing.F) {
	f.Add(descriptor(true, true, 0, 0, func(w *bitWriter) { w.put(0b10000, 5); w.structure(0) }), descriptor(true, true, 3, 0, nil), uint32(3000))
	f.Fuzz(func(t *testing.T, first, second []byte, ts uint32) {
		var d Dependencies
		d.Read(first, ts, false, new(Frame))
		var a, b Frame
		okA := d.Read(second, ts+3000, false, &a)
		okB := d.Read(second, ts+3000, false, &b)
		if okA != okB || okA && a != b {
			t.Fatalf("%s: %+v, %v, then %+v, %v", hex.EncodeToString(second), a, okA, b, okB)
		}
		if okA && (a.Layers < 1 || a.Layers > MaxSpatial || a.SID < 0 || a.Keyframe && !a.Start || a.Predicted && a.Stacked) {
			t.Fatalf("%s: %+v", hex.EncodeToString(second), a)
		}
	})
}

// Each receiver's copy has a frame number of its own.
func TestFrameNumber(t *testing.T) {
	t.Parallel()
	packet := unhex(t, "90 29 0001 00000000 00000001 bede 0002 32 c0 1234 10 00 0000 aa")
	h, err := Parse(packet)
	if err != nil {
		t.Fatal(err)
	}
	var tmpl Template
	tmpl.Reset(packet, &h)
	for w := h.Elements(packet); ; {
		e, ok := w.Next()
		if !ok {
			break
		}
		if e.ID == 3 {
			tmpl.RetainDependency(e)
		} else {
			tmpl.Retain(e)
		}
	}
	buf := make([]byte, MaxHeader)
	n := tmpl.Write(buf, &Stamp{Numbered: true, Number: 0x5678})
	if got, want := hex.EncodeToString(buf[12:n]), "bede000232c0567810000000"; got != want {
		t.Errorf("elements %s, want %s", got, want)
	}
}
