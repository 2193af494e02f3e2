package conference

import (
	"encoding/binary"
	"fmt"
	"syscall"
	"testing"
)

// full is a room in which one sends a picture and sound to all others.
func full(t testing.TB, receivers int, rewriting bool) (*member, [][]byte, func()) {
	r, stop := newRoom(t, Options{})
	a := r.join("a", 1, false)
	var all []*member
	for i := range receivers {
		m := r.join(fmt.Sprint("r", i), 0, rewriting)
		m.wants(720)
		all = append(all, m)
	}
	a.speak(40, 5)
	a.film(5)
	r.settled()
	for _, m := range append(all, a) {
		m.link.mu.Lock()
		m.link.quiet = true
		m.link.mu.Unlock()
	}
	pl := append(vp8Payload(true, false, 5, 5, 180, ""), make([]byte, 1100)...)
	video := packet(vp8, a.video[0].SSRC, a.seqs[a.video[0].SSRC], 5*3600, true, []byte{sequenceID<<4 | 1, 0, 0}, pl)
	audio := packet(opus, a.audio, a.seqs[a.audio], 5*960, false, []byte{levelID << 4, 40}, make([]byte, 80))
	return a, [][]byte{video, audio}, stop
}

// next makes a packet the next of its stream.
func next(b []byte, step uint32, video bool) {
	binary.BigEndian.PutUint16(b[2:], binary.BigEndian.Uint16(b[2:])+1)
	binary.BigEndian.PutUint32(b[4:], binary.BigEndian.Uint32(b[4:])+step)
	if video {
		binary.BigEndian.PutUint16(b[17:], binary.BigEndian.Uint16(b[17:])+1)
		pl := b[20:]
		binary.BigEndian.PutUint16(pl[2:], (binary.BigEndian.Uint16(pl[2:])+1)|0x8000)
		pl[4]++
	}
}

func TestForwardAllocatesNothing(t *testing.T) {
	for _, tapped := range []bool{false, true} {
		rewriting := tapped
		a, packets, stop := full(t, 3, rewriting)
		if tapped {
			if _, err := a.r.Tap(); err != nil { // whose ring is soon full
				t.Fatal(err)
			}
		}
		now := a.now()
		for i, what := range []string{"video", "audio"} {
			step := func() {
				now += 1e6
				next(packets[i], []uint32{3600, 960}[i], i == 0)
				a.HandleRTP(nil, packets[i], now)
			}
			for range 2000 { // the cache has grown
				step()
			}
			if n := testing.AllocsPerRun(1000, step); n != 0 {
				t.Errorf("%s, rewriting %v: %v allocations a packet", what, rewriting, n)
			}
		}
		if s := a.r.bridge.Stats(); s.PacketsSent < 3*2*3000 {
			t.Errorf("%d packets sent", s.PacketsSent)
		}
		stop()
	}
}

// cpu is the processor time of this process so far, in nanoseconds: on a busy
// machine the clock on the wall says nothing.
func cpu(b *testing.B) int64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// BenchmarkForward is the cost of a packet without transport: what is done
// once, and for each receiver.
func BenchmarkForward(b *testing.B) {
	for _, receivers := range []int{1, 11} {
		for i, what := range []string{"video", "audio"} {
			b.Run(fmt.Sprint(what, "/", receivers), func(b *testing.B) {
				a, packets, stop := full(b, receivers, true)
				defer stop()
				now := a.now()
				b.ReportAllocs()
				before := cpu(b)
				for b.Loop() {
					now += 1e6
					next(packets[i], []uint32{3600, 960}[i], i == 0)
					a.HandleRTP(nil, packets[i], now)
				}
				b.ReportMetric(float64(cpu(b)-before)/float64(b.N*receivers), "cpu-ns/forwarded")
			})
		}
	}
}
