package conference

import (
	"strings"
	"testing"
	"time"

	"meetbox.local/bridge/internal/channel"
	"meetbox.local/bridge/internal/rtcp"
)

// sendsFrames sends frames of the lowest so many encodings, one each 40 ms,
// with a keyframe where one is given.
func (m *member) sendsFrames(n, encodings int, key bool) {
	for i := range n {
		m.frameOf(key && i == 0, 0, encodings)
		time.Sleep(40 * time.Millisecond)
	}
}

// A receiver that asks for less goes on to be sent the better encoding, whole,
// until the keyframe of the lower one is there; only then, and when it has
// lasted, its sender is told.
func TestDescent(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 3, false), r.join("b", 1, false)
		b.wants(720)
		a.film(30)
		last := b.gets(a.video[0].SSRC)
		hears[*channel.SenderSourceConstraints](a)
		a.keyframeAsked()
		time.Sleep(time.Duration(keyframeEvery))

		b.wants(180)
		if !a.keyframeAsked() {
			t.Error("no keyframe is asked for before the next packet")
		}
		frames := int(time.Duration(fallAfter)/(40*time.Millisecond)) + 10
		a.sendsFrames(frames, 3, false)
		got := b.gets(a.video[0].SSRC)
		if len(got) != 2*frames || !strings.HasPrefix(got[len(got)-1].text, "a.2.") {
			t.Fatalf("%d packets of %d frames on the way down", len(got), frames)
		}
		if told := hears[*channel.SenderSourceConstraints](a); len(told) > 0 {
			t.Errorf("told %s while 720 lines are sent", asJSON(told))
		}
		a.sendsFrames(10, 3, true)
		down := b.gets(a.video[0].SSRC)
		if !strings.HasPrefix(down[0].text, "a.0.") || len(down) != 20 {
			t.Errorf("%d packets from %s", len(down), down[0].text)
		}
		if told := hears[*channel.SenderSourceConstraints](a); len(told) != 1 || told[0].MaxHeight != 180 {
			t.Errorf("told %s", asJSON(told))
		}
		continuous(t, "down", append(append(last, got...), down...))
	})
}

// What is wanted less for a moment only, the sender does not hear of; what is
// wanted more, at once.
func TestFallThatDoesNotLast(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 3, false), r.join("b", 1, false)
		b.wants(720)
		a.film(20)
		hears[*channel.SenderSourceConstraints](a)
		for _, h := range []int{180, 720, 360, 720, 180, 360} {
			b.wants(h)
			a.film(25)
		}
		if told := hears[*channel.SenderSourceConstraints](a); len(told) > 0 {
			t.Errorf("told %s", asJSON(told))
		}
		a.film(int(time.Duration(fallAfter) / (40 * time.Millisecond)))
		if told := hears[*channel.SenderSourceConstraints](a); len(told) != 1 || told[0].MaxHeight != 360 {
			t.Errorf("told %s, want 360", asJSON(told))
		}
		b.wants(-1)
		if told := hears[*channel.SenderSourceConstraints](a); len(told) != 1 || told[0].MaxHeight != -1 {
			t.Errorf("told %s, want -1", asJSON(told))
		}
	})
}

// A receiver that never gets its keyframe does not keep a sender busy for ever.
func TestDescentWithoutKeyframe(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 3, false), r.join("b", 1, false)
		b.wants(720)
		a.film(20)
		hears[*channel.SenderSourceConstraints](a)
		b.wants(180)
		a.sendsFrames(int(time.Duration(fallLatest)/(40*time.Millisecond))+10, 3, false)
		if told := hears[*channel.SenderSourceConstraints](a); len(told) != 1 || told[0].MaxHeight != 180 {
			t.Errorf("told %s", asJSON(told))
		}
	})
}

// Going up, the lower encoding is sent whole until the better one's keyframe
// is there, and that is asked for again until then.
func TestAscent(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 3, false), r.join("b", 1, false)
		b.wants(180)
		a.film(20)
		last := b.gets(a.video[0].SSRC)
		b.wants(720)
		asked := 0
		for range 50 { // 2 s
			a.sendsFrames(1, 3, false)
			asked += a.took(rtcp.PSFB, rtcp.FormatPLI)
		}
		got := b.gets(a.video[0].SSRC)
		if len(got) != 100 || asked < 4 {
			t.Errorf("%d packets of 50 frames, a keyframe asked for %d times", len(got), asked)
		}
		a.sendsFrames(1, 3, true)
		up := b.gets(a.video[0].SSRC)
		if len(up) == 0 || !strings.HasPrefix(up[len(up)-1].text, "a.2.") {
			t.Errorf("gets %+v", up)
		}
		continuous(t, "up", append(append(last, got...), up...))
	})
}

// A request that comes too early after another is sent when it may be, not
// dropped: with the next packet, or without one.
func TestEarlyKeyframeRequest(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b, c := r.join("a", 2, false), r.join("b", 0, false), r.join("c", 0, false)
		b.wants(180)
		c.wants(180)
		a.film(50)
		a.keyframeAsked()
		b.HandleRTCP(nil, rtcp.AppendPLI(nil, 1, a.video[0].SSRC), b.now())
		a.keyframeAsked()
		a.sendsFrames(1, 2, true) // for b; what comes after it is lost to c
		start := a.now()
		c.HandleRTCP(nil, rtcp.AppendPLI(nil, 1, a.video[0].SSRC), c.now())
		for !a.keyframeAsked() {
			a.sendsFrames(1, 2, false)
			if a.now()-start > int64(time.Second) {
				t.Fatal("the request of c was dropped")
			}
		}
		if took := time.Duration(a.now() - start); took > time.Duration(keyframeEvery) {
			t.Errorf("the request of c took %v", took)
		}
		// Of a screen that stands still no packet comes.
		d := r.join("d", 0, false)
		d.wants(180)
		time.Sleep(time.Duration(keyframeEvery) + tickEvery)
		if n := a.took(rtcp.PSFB, rtcp.FormatPLI); n == 0 {
			t.Error("no keyframe is asked for d")
		}
		// A keyframe that came meanwhile is as good.
		c.HandleRTCP(nil, rtcp.AppendPLI(nil, 1, a.video[0].SSRC), c.now())
		a.sendsFrames(1, 2, true)
		a.takeRTCP(rtcp.PSFB, rtcp.FormatPLI)
		a.sendsFrames(20, 2, false)
		if n := a.took(rtcp.PSFB, rtcp.FormatPLI); n != 0 {
			t.Errorf("%d keyframes asked for that nobody needs", n)
		}
	})
}

// After a change of the encoding the pictures keep the distances at which they
// were captured, however late the keyframe was: the sender's reports tell.
func TestTimeline(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 3, false), r.join("b", 1, false)
		b.wants(720)
		a.film(30)
		for i, e := range a.video {
			at := uint64(a.frame) * 40 // ms
			a.HandleRTCP(nil, rtcp.AppendSenderReport(nil, rtcp.SenderInfo{
				SSRC: e.SSRC, NTP: at/1000<<32 | at%1000<<32/1000, RTP: uint32(a.frame*3600 + i*1_000_000),
			}), a.now())
		}
		a.film(10)
		b.gets(a.video[0].SSRC)
		a.film(1)
		first, frame := b.gets(a.video[0].SSRC)[0].Timestamp, a.frame
		for _, h := range []int{180, 720, 360} {
			b.wants(h)
			a.film(10)
			time.Sleep(37 * time.Millisecond)
			a.frameOf(true, 0, 3)
			time.Sleep(3 * time.Millisecond)
			b.gets(a.video[0].SSRC)
			a.film(1)
			got := b.gets(a.video[0].SSRC)
			if d := int32(got[0].Timestamp - first - uint32(a.frame-frame)*3600); d < -2 || d > 2 {
				t.Errorf("%d lines: %d ticks off", h, d)
			}
		}
	})
}
