package conference

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"meetbox.local/bridge/internal/rtcp"
)

// Everything at once: many senders on goroutines of their own, receivers that
// change their minds, ask again and leave. The race detector watches.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	r, stop := newRoom(t, Options{MaxVideoSlots: 2})
	defer stop()
	var all []*member
	for i, id := range []string{"a", "b", "c", "d"} {
		all = append(all, r.join(id, 3, i%2 == 0))
	}
	const frames = 120 // fewer packets than are a flood, however fast the machine is
	var wg sync.WaitGroup
	for _, m := range all {
		wg.Go(func() {
			for i := range frames {
				m.frameOf(m.keyframeAsked() || i%50 == 0, 0, 3)
				m.send(opus, m.audio, uint32(i)*960, false, []byte{levelID << 4, byte(30 + i%20)}, []byte("sound"))
				lanes := m.lanes.Load()
				for ssrc := range lanes.video {
					b := rtcp.AppendPLI(nil, 1, ssrc)
					b = rtcp.AppendNACK(b, 1, ssrc, []uint16{uint16(i), uint16(i + 3)})
					b = rtcp.AppendReceiverReport(b, 1, []rtcp.Report{{SSRC: ssrc, LastSR: 7}})
					m.HandleRTCP(nil, b, m.now())
				}
			}
		})
		wg.Go(func() {
			for i := range 60 {
				m.wants([]int{720, 0, 180, 360}[i%4])
				m.tell(`{"colibriClass":"ReceiverVideoConstraints","lastN":%d,"selectedSources":["%s-v0"]}`, i%4-1, all[i%4].ID())
				if i%20 == 7 {
					m.SetForceMute(i%40 == 7, i%40 == 7)
					m.SetSources(m.describe())
				}
			}
		})
	}
	wg.Go(func() {
		for i := range 30 {
			x := r.join("x", 1, i%2 == 0)
			x.wants(720)
			x.frameOf(true, 0, 1)
			r.bridge.Stats()
			r.ExpireEndpoint("x")
		}
	})
	wg.Wait()
	a := all[0]
	a.SetForceMute(false, false)
	for _, m := range all {
		if s := m.Stats(); s.PacketsReceived != frames*7 {
			t.Errorf("%s: %+v", m.ID(), s)
		}
		m.tell(`{"colibriClass":"ReceiverVideoConstraints","lastN":-1,"selectedSources":["a-v0"],"defaultConstraints":{"maxHeight":180}}`)
	}
	before := make([]uint64, len(all))
	for i, m := range all {
		before[i] = m.Stats().PacketsSent
	}
	a.frameOf(true, 0, 3)
	for i, m := range all {
		if n := m.Stats().PacketsSent - before[i]; (n > 0) != (m != a) {
			t.Errorf("%s gets %d packets of a keyframe", m.ID(), n)
		}
	}
}

// Whatever an endpoint sends, nothing panics, nothing comes back to it, and
// what others are sent can be read.
func FuzzPackets(f *testing.F) {
	pl := vp8Payload(true, true, 5, 5, 180, "x")
	f.Add(packet(vp8, 97010, 1, 1, true, []byte{sequenceID<<4 | 1, 0, 1}, pl), packet(vp8, 97010, 2, 1, true, nil, pl))
	f.Add(packet(opus, 97000, 1, 1, false, []byte{levelID << 4, 5}, pl), packet(vp8RTX, 97020, 2, 1, true, []byte{orientID << 4, 5}, append([]byte{0, 1}, pl...)))
	f.Add(rtcp.AppendNACK(nil, 1, 97010, []uint16{1, 2}), rtcp.AppendReceiverReport(nil, 1, []rtcp.Report{{SSRC: 97010}}))
	r, stop := newRoom(f, Options{})
	f.Cleanup(stop)
	a, b, c := r.join("a", 2, false), r.join("b", 1, false), r.join("c", 1, true)
	b.wants(720)
	c.wants(720)
	f.Fuzz(func(t *testing.T, one, two []byte) {
		r.t = t
		for _, m := range []*member{a, b, c} {
			m.link.mu.Lock()
			m.link.rtcp, m.link.messages = nil, nil
			for _, s := range m.link.streams {
				s.packets = nil
			}
			m.link.mu.Unlock()
		}
		a.rx.Lock()
		a.receiving.ration = ration{} // what comes is looked at here, not how much
		a.rx.Unlock()
		for _, p := range [][]byte{one, two} {
			a.HandleRTP(nil, slices.Clone(p), a.now())
			a.HandleRTCP(nil, slices.Clone(p), a.now())
		}
		r.settled()
		for _, m := range []*member{a, b, c} {
			for ssrc := range m.link.streams {
				if got := m.gets(ssrc); m == a && len(got) > 0 {
					t.Fatalf("%d packets come back", len(got))
				}
			}
		}
	})
}

// The first keyframe of an encoding that a sender adds is shown at once.
func TestAdded(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 3, false), r.join("b", 0, false)
		b.wants(180)
		for range 60 {
			a.frameOf(a.keyframeAsked(), 0, 1)
			time.Sleep(40 * time.Millisecond)
		}
		got := b.gets(a.video[0].SSRC)
		b.wants(720)
		a.frameOf(false, 0, 1)
		a.frameOf(true, 0, 3)
		more := b.gets(a.video[0].SSRC)
		if x := more[len(more)-1]; !strings.HasPrefix(x.text, "a.2.") {
			t.Errorf("shows %s", x.text)
		}
		a.keyframeAsked()
		a.film(20)
		if a.receiving.frames != 4 {
			t.Errorf("%d keyframes, want one of each encoding and one at the start", a.receiving.frames)
		}
		continuous(t, "added", append(append(got, more...), b.gets(a.video[0].SSRC)...))
	})
}
