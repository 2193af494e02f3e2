package rtcp

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	pion "github.com/pion/rtcp"
)

const ms = int64(time.Millisecond)

func marshal(t testing.TB, p ...pion.Packet) []byte {
	t.Helper()
	b, err := pion.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRead(t *testing.T) {
	t.Parallel()
	b := marshal(t,
		&pion.SenderReport{SSRC: 1, NTPTime: 0x0102030405060708, RTPTime: 9, PacketCount: 10, OctetCount: 11,
			Reports: []pion.ReceptionReport{{SSRC: 2, FractionLost: 3, TotalLost: 0xfffffe, LastSequenceNumber: 5, Jitter: 6, LastSenderReport: 7, Delay: 8}}},
		&pion.TransportLayerNack{SenderSSRC: 1, MediaSSRC: 2, Nacks: pion.NackPairsFromSequenceNumbers([]uint16{65534, 65535, 3, 40})},
		&pion.PictureLossIndication{SenderSSRC: 1, MediaSSRC: 77},
		&pion.FullIntraRequest{SenderSSRC: 1, FIR: []pion.FIREntry{{SSRC: 78, SequenceNumber: 1}, {SSRC: 79}}},
		&pion.ReceiverEstimatedMaximumBitrate{SenderSSRC: 1, Bitrate: 1_000_000, SSRCs: []uint32{2}},
		&pion.ReceiverReport{SSRC: 1, Reports: []pion.ReceptionReport{{SSRC: 5}, {SSRC: 6}}},
	)
	var got []string
	for p, rest := Next(b); p != nil; p, rest = Next(rest) {
		if s, ok := p.SenderInfo(); ok {
			got = append(got, fmt.Sprintf("SR %+v", s))
		}
		for w := p.Reports(); ; {
			r, ok := w.Next()
			if !ok {
				break
			}
			got = append(got, fmt.Sprintf("report %+v", r))
		}
		for w := p.Lost(); ; {
			n, ok := w.Next()
			if !ok {
				break
			}
			got = append(got, fmt.Sprintf("lost %d of %d", n, p.Media()))
		}
		for w := p.KeyframeFor(); ; {
			ssrc, ok := w.Next()
			if !ok {
				break
			}
			got = append(got, fmt.Sprintf("keyframe %d", ssrc))
		}
		if bps, ok := p.REMB(); ok {
			got = append(got, fmt.Sprintf("REMB %d", bps))
		}
	}
	want := []string{
		"SR {SSRC:1 NTP:72623859790382856 RTP:9 Packets:10 Octets:11}",
		"report {SSRC:2 FractionLost:3 Lost:-2 Highest:5 Jitter:6 LastSR:7 Delay:8}",
		"lost 65534 of 2", "lost 65535 of 2", "lost 3 of 2", "lost 40 of 2",
		"keyframe 77", "keyframe 78", "keyframe 79", "REMB 1000000",
		"report {SSRC:5 FractionLost:0 Lost:0 Highest:0 Jitter:0 LastSR:0 Delay:0}",
		"report {SSRC:6 FractionLost:0 Lost:0 Highest:0 Jitter:0 LastSR:0 Delay:0}",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// What is written, another implementation reads.
func TestWrite(t *testing.T) {
	t.Parallel()
	b := AppendSenderReport(nil, SenderInfo{SSRC: 1, NTP: 2, RTP: 3, Packets: 4, Octets: 5})
	b = AppendReceiverReport(b, 1, []Report{{SSRC: 2, FractionLost: 3, Lost: -1, Highest: 5, Jitter: 6, LastSR: 7, Delay: 8}})
	b = AppendNACK(b, 1, 2, []uint16{65534, 65535, 14, 15, 100})
	b = AppendPLI(b, 1, 2)
	b = AppendFIR(b, 1, 2, 3)
	packets, err := pion.Unmarshal(b)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	got.WriteString(fmt.Sprintf("%+v", packets[0].(*pion.SenderReport).OctetCount))
	got.WriteString(fmt.Sprintf(" %+v", packets[1].(*pion.ReceiverReport).Reports))
	for _, n := range packets[2].(*pion.TransportLayerNack).Nacks {
		got.WriteString(fmt.Sprint(" ", n.PacketList()))
	}
	got.WriteString(fmt.Sprint(" ", packets[3].(*pion.PictureLossIndication).MediaSSRC))
	got.WriteString(fmt.Sprintf(" %+v", packets[4].(*pion.FullIntraRequest).FIR))
	want := "5 [{SSRC:2 FractionLost:3 TotalLost:16777215 LastSequenceNumber:5 Jitter:6 LastSenderReport:7 Delay:8}]" +
		" [65534 65535 14] [15] [100] 2 [{SSRC:2 SequenceNumber:3}]"
	if got.String() != want {
		t.Errorf("got  %s\nwant %s", got.String(), want)
	}
}

func TestReception(t *testing.T) {
	t.Parallel()
	var r Reception
	for i := range int64(100) {
		if i%10 == 5 {
			continue
		}
		r.Packet(1000+i, uint32(i*960), 48_000, i*20*ms+(i%2)*5*ms)
	}
	r.SenderReport(0x0001_0002_0003_0004, 2000*ms)
	b, ok := r.Report(7, 2500*ms)
	want := Report{SSRC: 7, FractionLost: 25, Lost: 10, Highest: 1099, Jitter: b.Jitter, LastSR: 0x0002_0003, Delay: 32768}
	// A jitter of 5 ms every other packet tends towards 240 units.
	if !ok || b != want || b.Jitter < 150 || b.Jitter > 260 {
		t.Errorf("%+v, %v, want %+v", b, ok, want)
	}
	if _, ok := r.Report(7, 3000*ms); ok {
		t.Error("a report on nothing")
	}
	if rtt, ok := b.RoundTrip(0x0001_0002_0003_0004, 1900*ms, 2430*ms); !ok || rtt != 30*time.Millisecond {
		t.Errorf("round trip %v, %v", rtt, ok)
	}
	if _, ok := b.RoundTrip(0x9901_0002_9903_0004, 1900*ms, 2430*ms); ok {
		t.Error("the report of another time")
	}
}

// Feedback says exactly what came when, to a quarter of a millisecond, and
// another implementation agrees.
func TestFeedback(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		rnd := rand.New(rand.NewPCG(seed, 4))
		var a Arrivals
		came := map[uint16]int64{}
		told := map[uint16]int64{}
		lost := map[uint16]bool{}
		now := int64(rnd.IntN(1e9)) * ms
		number := uint16(rnd.Uint32())
		count := uint8(0)
		for i := range 2000 {
			number++
			now += int64(rnd.IntN(8)) * ms / 2
			if rnd.IntN(100) == 0 {
				now += int64(rnd.IntN(9000)) * ms // more than a delta can say
			}
			if i > 0 && rnd.IntN([]int{2, 10, 1000}[seed%3]) == 0 {
				continue
			}
			came[number] = now
			if !a.Packet(number, rnd.IntN(3) == 0, now) {
				continue
			}
			for {
				b := a.Append(nil, 1, 2, now)
				if len(b) == 0 {
					break
				}
				if len(b) > 1200 {
					t.Fatalf("seed %d: %d bytes", seed, len(b))
				}
				read(t, b, count, told, lost)
				count++
			}
		}
		if len(told) < 500 {
			t.Fatalf("seed %d: told of %d", seed, len(told))
		}
		for n, at := range told {
			if d := came[n] - at; came[n] == 0 || d < 0 || d >= deltaUnit {
				t.Fatalf("seed %d: packet %d came at %d, told %d", seed, n, came[n], at)
			}
		}
		for n := range lost {
			if _, ok := came[n]; ok && told[n] == 0 {
				t.Fatalf("seed %d: packet %d is called lost", seed, n)
			}
		}
	}
}

func read(t *testing.T, b []byte, count uint8, told map[uint16]int64, lost map[uint16]bool) {
	t.Helper()
	p, rest := Next(b)
	if p == nil || len(rest) > 0 {
		t.Fatalf("%x is no packet", b)
	}
	f, ok := p.Feedback()
	if !ok || f.Number != count {
		t.Fatalf("%x: %+v, want number %d", b, f, count)
	}
	var other pion.TransportLayerCC
	if err := other.Unmarshal(b); err != nil {
		t.Fatalf("%x: %v", b, err)
	}
	n := 0
	for {
		a, ok := f.Next()
		if !ok {
			break
		}
		n++
		if a.Came {
			told[a.Number] = a.At
		} else {
			lost[a.Number] = true
		}
	}
	if n != int(other.PacketStatusCount) {
		t.Fatalf("%x: %d packets, want %d", b, n, other.PacketStatusCount)
	}
}

func TestDepartures(t *testing.T) {
	t.Parallel()
	var d Departures
	var first uint16
	for i := range int64(10_000) {
		n := d.Tag(int(100+i%1000), i*ms)
		if i == 0 {
			first = n
		}
		if i >= 1000 {
			old := first + uint16(i-1000)
			ago, size, ok := d.Departed(old, i*ms)
			if !ok || ago != time.Second || size != int(100+(i-1000)%1000) {
				t.Fatalf("packet %d: %v ago, %d bytes, %v", old, ago, size, ok)
			}
		}
	}
	if _, _, ok := d.Departed(first, 10_000*ms); ok {
		t.Error("remembers too much")
	}
}

// Nothing that is read leads out of the packet or does not end, and what
// sequence numbers are read from a NACK can be written and read again.
func FuzzRead(f *testing.F) {
	f.Add(marshal(f, &pion.SenderReport{SSRC: 1, Reports: []pion.ReceptionReport{{SSRC: 2}}}, &pion.PictureLossIndication{MediaSSRC: 5}))
	f.Add(marshal(f, &pion.TransportLayerNack{Nacks: pion.NackPairsFromSequenceNumbers([]uint16{1, 5, 40})}))
	f.Add(marshal(f, &pion.ReceiverEstimatedMaximumBitrate{Bitrate: 5e6, SSRCs: []uint32{1}}))
	var a Arrivals
	for i := range int64(100) {
		a.Packet(uint16(i*i), false, i*3*ms)
	}
	f.Add(a.Append(nil, 1, 2, ms))
	f.Fuzz(func(t *testing.T, b []byte) {
		left := len(b)
		for p, rest := Next(b); p != nil; p, rest = Next(rest) {
			if len(rest) >= left {
				t.Fatal("does not end")
			}
			left = len(rest)
			p.SenderInfo()
			p.REMB()
			for w := p.Reports(); ; {
				if _, ok := w.Next(); !ok {
					break
				}
			}
			for w := p.KeyframeFor(); ; {
				if _, ok := w.Next(); !ok {
					break
				}
			}
			if fb, ok := p.Feedback(); ok {
				n, want := 0, fb.left
				for {
					if _, ok := fb.Next(); !ok {
						break
					}
					n++
				}
				if n > want {
					t.Fatalf("%d packets of %d", n, want)
				}
			}
			var numbers []uint16
			for w := p.Lost(); ; {
				n, ok := w.Next()
				if !ok {
					break
				}
				numbers = append(numbers, n)
			}
			if len(numbers) == 0 || len(numbers) > 1000 {
				continue
			}
			q, _ := Next(AppendNACK(nil, 1, 2, numbers))
			var again []uint16
			for w := q.Lost(); ; {
				n, ok := w.Next()
				if !ok {
					break
				}
				again = append(again, n)
			}
			slices.Sort(numbers)
			slices.Sort(again)
			if !slices.Equal(slices.Compact(numbers), slices.Compact(again)) {
				t.Fatalf("%v became %v", numbers, again)
			}
		}
	})
}
