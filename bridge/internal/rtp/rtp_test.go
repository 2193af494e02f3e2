package rtp

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	plain   = "806f1234 00010203 0a0b0c0d aabbcc"
	oneByte = "90ef1234 00010203 0a0b0c0d bede0002 10ff 51 0007 00 30 09 aabbcc"
	twoByte = "90ef1234 00010203 0a0b0c0d 10000002 0101ff 0000 1001 09 aabbcc"
	padded  = "a06f1234 00010203 0a0b0c0d aabb 000003"
	csrc    = "816f1234 00010203 0a0b0c0d 11223344 aabbcc"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, in, payload string
		marker            bool
		elements          string
	}{
		{"plain", plain, "aabbcc", false, ""},
		{"one byte", oneByte, "aabbcc", true, "1:ff 5:0007 3:09 "},
		{"two bytes", twoByte, "aabbcc", true, "1:ff 16:09 "},
		{"padded", padded, "aabb", false, ""},
		{"csrc", csrc, "aabbcc", false, ""},
	} {
		b := unhex(t, tc.in)
		h, err := Parse(b)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if h.SequenceNumber != 0x1234 || h.Timestamp != 0x010203 || h.SSRC != 0x0a0b0c0d || h.PayloadType != 111 || h.Marker != tc.marker {
			t.Errorf("%s: %+v", tc.name, h)
		}
		if got := hex.EncodeToString(h.Payload(b)); got != tc.payload {
			t.Errorf("%s: payload %s, want %s", tc.name, got, tc.payload)
		}
		var got strings.Builder
		for w := h.Elements(b); ; {
			e, ok := w.Next()
			if !ok {
				break
			}
			got.WriteString(fmt.Sprintf("%d:%x ", e.ID, e.Data(b)))
		}
		if got.String() != tc.elements {
			t.Errorf("%s: elements %q, want %q", tc.name, got.String(), tc.elements)
		}
	}
	for in, want := range map[string]error{
		"806f1234 00010203 0a0b0c":              ErrShort,
		"406f1234 00010203 0a0b0c0d":            ErrVersion,
		"8f6f1234 00010203 0a0b0c0d":            ErrShort,
		"906f1234 00010203 0a0b0c0d bede0005":   ErrExtension,
		"a06f1234 00010203 0a0b0c0d 0004":       ErrPadding,
		"a06f1234 00010203 0a0b0c0d 0000000000": ErrPadding,
	} {
		if h, err := Parse(unhex(t, in)); err != want {
			t.Errorf("Parse(%s) = %+v, %v, want %v", in, h, err, want)
		}
	}
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, in string
		stamp    Stamp
		want     string
	}{
		{"nothing added", plain, Stamp{PayloadType: 100, Marker: true, SequenceNumber: 7, Timestamp: 8, SSRC: 9}, "80e40007 00000008 00000009"},
		{"retained and added", oneByte, Stamp{PayloadType: 100, SequenceID: 5, TransportSeq: 0x1122}, "90640000 00000000 00000000 bede0002 10ff 3009 511122 00"},
		{"send time", plain, Stamp{SendTimeID: 3, SendTime: AbsoluteSendTime(64*1e9 + 1.5*1e9)}, "90000000 00000000 00000000 bede0001 32060000"},
		{"two-byte form kept", twoByte, Stamp{MidID: 10, Mid: "v1"}, "90000000 00000000 00000000 10000003 0101ff 100109 0a027631 0000"},
		{"mid", plain, Stamp{MidID: 10, Mid: "a0"}, "90000000 00000000 00000000 bede0001 a1613000"},
		{"csrc", csrc, Stamp{}, "81000000 00000000 00000000 11223344"},
	} {
		b := unhex(t, tc.in)
		h, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		var tpl Template
		tpl.Reset(b, &h)
		for w := h.Elements(b); ; {
			e, ok := w.Next()
			if !ok {
				break
			}
			if e.ID != 5 {
				tpl.Retain(e)
			}
		}
		buf := make([]byte, MaxHeader)
		if got := buf[:tpl.Write(buf, &tc.stamp)]; !bytes.Equal(got, unhex(t, tc.want)) {
			t.Errorf("%s: %x, want %s", tc.name, got, tc.want)
		}
	}
}

// What is written can be read again, and says the same.
func FuzzHeader(f *testing.F) {
	for _, s := range []string{plain, oneByte, twoByte, padded, csrc} {
		f.Add(unhex(f, s), uint8(5), uint8(3), uint8(10))
	}
	f.Fuzz(func(t *testing.T, b []byte, sequence, sendTime, mid uint8) {
		h, err := Parse(b)
		if err != nil {
			return
		}
		if n := len(h.Payload(b)); n > len(b)-12 {
			t.Fatalf("payload of %d bytes in %d", n, len(b))
		}
		var tpl Template
		tpl.Reset(b, &h)
		var want [][2]string
		for w := h.Elements(b); ; {
			e, ok := w.Next()
			if !ok {
				break
			}
			if before := tpl.n; true {
				tpl.Retain(e)
				if tpl.n > before {
					want = append(want, [2]string{fmt.Sprint(e.ID), string(e.Data(b))})
				}
			}
		}
		s := Stamp{SequenceNumber: 1, Timestamp: 2, SSRC: 3, PayloadType: 4, SequenceID: sequence, TransportSeq: 0x0102, SendTimeID: sendTime, SendTime: 0x030405, MidID: mid, Mid: "v0"}
		buf := make([]byte, MaxHeader)
		n := tpl.Write(buf, &s)
		g, err := Parse(buf[:n])
		if err != nil || len(g.Payload(buf[:n])) != 0 {
			t.Fatalf("%x: %+v, %v", buf[:n], g, err)
		}
		if sequence != 0 {
			want = append(want, [2]string{fmt.Sprint(sequence), "\x01\x02"})
		}
		if sendTime != 0 {
			want = append(want, [2]string{fmt.Sprint(sendTime), "\x03\x04\x05"})
		}
		if mid != 0 {
			want = append(want, [2]string{fmt.Sprint(mid), "v0"})
		}
		// A one-byte header cannot say what id 15 is; the two-byte form can.
		for w := g.Elements(buf[:n]); ; {
			e, ok := w.Next()
			if !ok {
				break
			}
			if len(want) == 0 || want[0] != [2]string{fmt.Sprint(e.ID), string(e.Data(buf[:n]))} {
				t.Fatalf("%x: element %d %x, want %q", buf[:n], e.ID, e.Data(buf[:n]), want)
			}
			want = want[1:]
		}
		if len(want) > 0 {
			t.Fatalf("%x: lacks %q", buf[:n], want)
		}
	})
}

func TestRTX(t *testing.T) {
	t.Parallel()
	b := unhex(t, "90e01234 00010203 000000ff bede0001 10ff0000 0007 aabbcc")
	h, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	got, g, ok := UnwrapRTX(b, &h, 0x0a0b0c0d, 100)
	if want := unhex(t, "90e40007 00010203 0a0b0c0d bede0001 10ff0000 aabbcc"); !ok || !bytes.Equal(got, want) {
		t.Fatalf("%x, %v, want %x", got, ok, want)
	}
	again, err := Parse(got)
	if err != nil || again != g {
		t.Errorf("%+v, want %+v, %v", g, again, err)
	}
	b = unhex(t, "80e01234 00010203 000000ff 00")
	h, err = Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, ok := UnwrapRTX(b, &h, 1, 1); ok {
		t.Error("padding was unwrapped")
	}
}

func TestExtend(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		last int64
		v    uint16
		bits uint
		want int64
	}{
		{65536, 0, 16, 65536}, {65536, 65535, 16, 65535}, {65535, 1, 16, 65537}, {70000, 4465, 16, 70001},
		{0x8000, 0x7fff, 15, 0x7fff}, {0x7fff, 0, 15, 0x8000}, {127, 0, 7, 128}, {128, 127, 7, 127},
	} {
		if got := Extend(tc.last, tc.v, tc.bits); got != tc.want {
			t.Errorf("Extend(%d, %d, %d) = %d, want %d", tc.last, tc.v, tc.bits, got, tc.want)
		}
	}
}

// Whatever is kept and skipped: order is kept, no number is used twice, and
// without loss there is no gap.
func TestMapper(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		var m Mapper
		m.Restart(1000, 5)
		last := int64(4)
		for in := int64(1000); in < 3000; in++ {
			if rnd.IntN(3) == 0 && in > 1000 {
				if !m.Skip(in, rnd.IntN(2) == 0) {
					t.Fatalf("seed %d: skipping %d left a gap", seed, in)
				}
				continue
			}
			out, ok := m.Keep(in)
			if !ok || out != last+1 {
				t.Fatalf("seed %d: Keep(%d) = %d, %v, want %d", seed, in, out, ok, last+1)
			}
			last = out
			if late := in - rnd.Int64N(30); late >= 1000 {
				if again, ok := m.Keep(late); ok && (again > out || late == in && again != out) {
					t.Fatalf("seed %d: Keep(%d) again = %d, newest %d", seed, late, again, out)
				}
			}
		}
	}
}

func TestWindow(t *testing.T) {
	t.Parallel()
	var w Window
	for _, tc := range []struct {
		seq   uint16
		ext   int64
		first bool
	}{
		{65534, 131070, true}, {65534, 131070, false}, {0, 131072, true}, {65535, 131071, true},
		{65535, 131071, false}, {3000, 134072, true}, {900, 131972, false}, {2999, 134071, true}, {2999, 134071, false},
	} {
		if ext, first := w.First(tc.seq); ext != tc.ext || first != tc.first {
			t.Errorf("First(%d) = %d, %v, want %d, %v", tc.seq, ext, first, tc.ext, tc.first)
		}
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	var m Missing
	ask := func(now int64) string { return fmt.Sprint(m.Ask(nil, now)) }
	m.Came(10, 0)
	if m.Came(11, 0) || !m.Came(14, 1) {
		t.Error("a gap was not noticed, or one that is none was")
	}
	if got := ask(1); got != "[12 13]" {
		t.Errorf("asks for %s", got)
	}
	m.Came(12, 2)
	if m.Due(nackRepeat) {
		t.Error("due too early")
	}
	for i := range int64(nackTries - 1) {
		now := 1 + (i+1)*nackRepeat
		if got := ask(now); !m.Due(now+nackRepeat) || got != "[13]" {
			t.Errorf("try %d asks for %s", i, got)
		}
	}
	if got := ask(100 * nackRepeat); got != "[]" || m.Due(200*nackRepeat) {
		t.Errorf("does not give up: %s", got)
	}
	if m.Came(300, 0) {
		t.Error("a jump is asked for")
	}
}

func TestCache(t *testing.T) {
	t.Parallel()
	var c Cache
	buf := make([]byte, 2000)
	packet := make([]byte, 1200)
	now := int64(0)
	for n := range 20_000 {
		now += int64(1e6) // 1,000 packets a second
		for i := range packet {
			packet[i] = byte(n)
		}
		c.Put(uint16(n), packet[:200+n%1000], now)
		if n > 5000 {
			old := uint16(n - n%500) // half a second
			got := c.Get(old, buf)
			if len(got) != 200+int(old)%1000 || got[0] != byte(old) || got[len(got)-1] != byte(old) {
				t.Fatalf("packet %d: %d bytes", old, len(got))
			}
		}
	}
	if len(c.buf) > cacheMax || c.Get(5, buf) != nil {
		t.Errorf("%d bytes kept", len(c.buf))
	}
}
