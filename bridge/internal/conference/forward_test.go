package conference

import (
	"encoding/binary"
	"reflect"
	"strings"
	"testing"
	"time"

	"meetbox.local/bridge/internal/channel"
	"meetbox.local/bridge/internal/rtcp"
	"meetbox.local/bridge/internal/rtp"
)

func TestAudio(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 0, false), r.join("b", 0, false)
		a.speak(40, 3)
		got := b.gets(a.audio)
		if len(got) != 3 || string(got[0].payload) != "a" || got[0].PayloadType != opus {
			t.Fatalf("got %+v", got)
		}
		if l := got[0].elements[levelID]; len(l) != 1 || l[0] != 40 || len(got[0].elements) != 1 {
			t.Errorf("extensions %v", got[0].elements)
		}
		// Silence is left out after a few packets, and leaves no gap.
		last := got[2].SequenceNumber
		a.speak(silence, 10)
		a.speak(40, 2)
		got = b.gets(a.audio)
		if len(got) != silenceAfter+2 || got[len(got)-1].SequenceNumber != last+silenceAfter+2 || got[len(got)-1].Timestamp != 15*960 {
			t.Errorf("after silence: %d packets, last %+v", len(got), got[len(got)-1].Header)
		}
		// So is what is muted.
		last = got[len(got)-1].SequenceNumber
		a.SetForceMute(true, false)
		a.speak(40, 5)
		a.SetForceMute(false, false)
		a.speak(40, 1)
		if got = b.gets(a.audio); len(got) != 1 || got[0].SequenceNumber != last+1 {
			t.Errorf("after mute: %+v", got)
		}
		if got := a.gets(a.audio); len(got) > 0 {
			t.Error("a hears itself")
		}
		b.tell(`{"colibriClass":"ReceiverAudioSubscription","all":false}`)
		a.speak(40, 1)
		b.tell(`{"colibriClass":"ReceiverAudioSubscription","include":["a-a0"]}`)
		a.speak(40, 1)
		if got := b.gets(a.audio); len(got) != 1 || got[0].SequenceNumber != last+2 {
			t.Errorf("after a new subscription: %+v", got)
		}
	})
}

func TestVideo(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 3, false), r.join("b", 1, false)
		a.film(3)
		if got := b.gets(a.video[0].SSRC); len(got) > 0 {
			t.Errorf("%d packets before anything was asked for", len(got))
		}
		if m := hears[*channel.SenderSourceConstraints](a); len(m) != 1 || m[0].MaxHeight != 0 || m[0].SourceName != "a-v0" {
			t.Errorf("a is told %s", asJSON(m))
		}
		b.wants(180)
		if m := hears[*channel.SenderSourceConstraints](a); len(m) != 1 || m[0].MaxHeight != 180 {
			t.Errorf("a is told %s", asJSON(m))
		}
		if m := hears[*channel.ForwardedSources](b); len(m) != 1 || len(m[0].ForwardedSources) != 1 || m[0].ForwardedSources[0] != "a-v0" {
			t.Errorf("b is told %s", asJSON(m))
		}
		a.film(5)
		got := b.gets(a.video[0].SSRC)
		if len(got) != 10 || !got[0].frame.Keyframe || !strings.HasPrefix(got[0].text, "a.0.") {
			t.Fatalf("got %d packets: %+v", len(got), got)
		}
		continuous(t, "180", got)
		for i, x := range got {
			if s := x.elements[sequenceID]; len(s) != 2 || len(x.elements) != 1 || i > 0 && binary.BigEndian.Uint16(s) != binary.BigEndian.Uint16(got[i-1].elements[sequenceID])+1 {
				t.Errorf("extensions %v", x.elements)
			}
			if x.Marker != (i%2 == 1) {
				t.Errorf("marker of packet %d", i)
			}
		}
		last := got[9]
		// Up and down, always on the first encoding's SSRC.
		for _, height := range []int{720, 360, 180, 720, 0, 360} {
			b.wants(height)
			a.film(20)
			got := b.gets(a.video[0].SSRC)
			if height == 0 {
				if len(got) > 0 {
					t.Errorf("%d packets while nothing is wanted", len(got))
				}
				continue
			}
			continuous(t, "switching", append([]received{last}, got...))
			last = got[len(got)-1]
			want := map[int]string{180: "a.0.", 360: "a.1.", 720: "a.2."}[height]
			if !strings.HasPrefix(last.text, want) || int32(last.Timestamp-got[0].Timestamp) > 90_000 {
				t.Errorf("%d lines: %s at %d, want %s", height, last.text, last.Timestamp, want)
			}
		}
		// Muted, and then not: it goes on with a keyframe.
		a.SetForceMute(false, true)
		a.film(5)
		if got := b.gets(a.video[0].SSRC); len(got) > 0 {
			t.Errorf("%d packets of a muted camera", len(got))
		}
		a.SetForceMute(false, false)
		a.film(5)
		if got := b.gets(a.video[0].SSRC); len(got) == 0 || !got[0].frame.Keyframe {
			t.Errorf("after mute: %+v", got)
		} else {
			continuous(t, "mute", append([]received{last}, got...))
		}
	})
}

// A sender that stops its higher encodings does not stop the picture.
func TestFallback(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 3, false), r.join("b", 1, false)
		b.wants(720)
		a.film(10)
		last := b.gets(a.video[0].SSRC)
		if x := last[len(last)-1]; !strings.HasPrefix(x.text, "a.2.") {
			t.Fatalf("gets %s", x.text)
		}
		for range 100 {
			a.frameOf(a.keyframeAsked(), 0, 1)
			time.Sleep(40 * time.Millisecond)
		}
		got := b.gets(a.video[0].SSRC)
		if len(got) < 50 || !strings.HasPrefix(got[0].text, "a.0.") {
			t.Fatalf("%d packets", len(got))
		}
		continuous(t, "fallback", append(last, got...))
		a.film(20)
		if got := b.gets(a.video[0].SSRC); !strings.HasPrefix(got[len(got)-1].text, "a.2.") {
			t.Errorf("does not climb again: %s", got[len(got)-1].text)
		}
	})
}

func TestRetransmission(t *testing.T) {
	t.Parallel()
	for _, rewriting := range []bool{false, true} {
		inRoom(t, Options{}, func(t *testing.T, r *room) {
			a, b := r.join("a", 2, false), r.join("b", 1, rewriting)
			b.wants(180)
			primary, rtx := a.video[0].SSRC, a.video[0].RTX
			if rewriting {
				m := hears[*channel.VideoSourcesMap](b)[0].MappedSources[0]
				primary, rtx = m.SSRC, m.RTX
			}
			a.film(10)
			sent := b.gets(primary)
			lost := []uint16{sent[3].SequenceNumber, sent[8].SequenceNumber, 40_000}
			b.HandleRTCP(nil, rtcp.AppendNACK(nil, 1, primary, lost), b.now())
			got := b.gets(rtx)
			if len(got) != 2 {
				t.Fatalf("%d retransmissions", len(got))
			}
			for i, want := range []received{sent[3], sent[8]} {
				x := got[i]
				if binary.BigEndian.Uint16(x.payload) != lost[i] || string(x.payload[2:]) != string(want.payload) ||
					x.Timestamp != want.Timestamp || x.Marker != want.Marker || x.PayloadType != vp8RTX || len(x.elements[sequenceID]) != 2 {
					t.Errorf("retransmitted %+v, want %+v", x, want)
				}
				if mid := string(x.elements[midID]); (mid != "") != rewriting {
					t.Errorf("mid %q", mid)
				}
			}
			// With a round trip of 100 ms, what was just sent again is not
			// sent a third time.
			a.report(t)
			if n := b.took(rtcp.SR, 0); n != 1 {
				t.Fatalf("%d sender reports", n)
			}
			time.Sleep(100 * time.Millisecond)
			b.HandleRTCP(nil, rtcp.AppendReceiverReport(nil, 1, []rtcp.Report{{SSRC: primary, LastSR: 0x00020003}}), b.now())
			if rtt := b.Stats().RTT; rtt != 100*time.Millisecond {
				t.Errorf("round trip is %v", rtt)
			}
			for i, n := range []int{1, 0} {
				b.HandleRTCP(nil, rtcp.AppendNACK(nil, 1, primary, lost[:1]), b.now())
				if got := b.gets(rtx); len(got) != n {
					t.Errorf("%d: %d retransmissions, want %d", i, len(got), n)
				}
			}
		})
	}
}

// Who gives no transport-wide feedback estimates by itself, from when packets
// left here. Without RTX what is sent again is the very same packet.
func TestSendTime(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 1, false), r.join("b", 0, false)
		types, extensions := offer()
		for i := range types {
			types[i].Feedback, types[i].Parameters = []Feedback{{"goog-remb", ""}, {"nack", ""}, {"nack", "pli"}}, nil
		}
		b.SetMedia(types, extensions)
		b.wants(180)
		a.film(3)
		sent := b.gets(a.video[0].SSRC)
		if len(sent) != 6 {
			t.Fatalf("%d packets", len(sent))
		}
		at := func(x received) uint32 {
			if e := x.elements[sendTimeID]; len(e) == 3 && len(x.elements) == 1 {
				return uint32(e[0])<<16 | uint32(e[1])<<8 | uint32(e[2])
			}
			t.Fatalf("extensions %v", x.elements)
			return 0
		}
		now := b.now()
		for i, x := range sent { // two packets a frame, the last 40 ms ago
			if want := rtp.AbsoluteSendTime(now - int64(3-i/2)*40e6); at(x) != want {
				t.Errorf("packet %d left at %d, want %d", i, at(x), want)
			}
		}
		time.Sleep(time.Second) // no longer on its way
		b.HandleRTCP(nil, rtcp.AppendNACK(nil, 1, a.video[0].SSRC, []uint16{sent[1].SequenceNumber}), b.now())
		if got := b.gets(a.video[0].SSRC); len(got) != 1 || !reflect.DeepEqual(got[0], sent[1]) {
			t.Errorf("sent again: %+v, want %+v", got, sent[1])
		}
	})
}

// report is a sender report on the first encoding.
func (m *member) report(t *testing.T) {
	t.Helper()
	b := rtcp.AppendSenderReport(nil, rtcp.SenderInfo{SSRC: m.video[0].SSRC, NTP: 0x0001_0002_0003_0004, RTP: uint32(m.frame * 3600), Packets: 9, Octets: 99})
	m.HandleRTCP(nil, b, m.now())
}

// Reports are passed on with the numbers of what the receiver is sent.
func TestSenderReport(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 2, false), r.join("b", 1, false)
		b.wants(720)
		a.film(5)
		b.wants(180)
		a.film(5)
		got := b.gets(a.video[0].SSRC)
		last := got[len(got)-1]
		if !strings.HasPrefix(last.text, "a.0.") {
			t.Fatalf("gets %s", last.text)
		}
		a.report(t)
		p := b.takeRTCP(rtcp.SR, 0)
		if len(p) != 1 {
			t.Fatalf("%d reports", len(p))
		}
		s, _ := p[0].SenderInfo()
		want := rtcp.SenderInfo{SSRC: a.video[0].SSRC, NTP: 0x0001_0002_0003_0004, RTP: last.Timestamp, Packets: uint32(len(got)), Octets: s.Octets}
		if s != want {
			t.Errorf("%+v, want %+v", s, want)
		}
		// The other encoding's report has nothing to do with what b is sent.
		a.HandleRTCP(nil, rtcp.AppendSenderReport(nil, rtcp.SenderInfo{SSRC: a.video[1].SSRC}), a.now())
		if n := b.took(rtcp.SR, 0); n != 0 {
			t.Errorf("%d reports on what is not sent", n)
		}
	})
}

func TestKeyframeRequests(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b, c := r.join("a", 1, false), r.join("b", 0, false), r.join("c", 0, true)
		b.wants(180)
		c.wants(180)
		a.film(20)
		a.keyframeAsked()
		ssrc := hears[*channel.VideoSourcesMap](c)[0].MappedSources[0].SSRC
		// Two at once make one.
		b.HandleRTCP(nil, rtcp.AppendPLI(nil, 1, a.video[0].SSRC), b.now())
		c.HandleRTCP(nil, rtcp.AppendFIR(nil, 1, ssrc, 1), c.now())
		p := a.takeRTCP(rtcp.PSFB, rtcp.FormatPLI)
		if _, video := r.FeedbackSSRCs(); len(p) != 1 || p[0].Media() != a.video[0].SSRC || p[0].Sender() != video {
			t.Fatalf("a is asked %x", p)
		}
		// And one receiver gets three in ten seconds.
		n := 0
		for range 100 {
			time.Sleep(100 * time.Millisecond)
			b.HandleRTCP(nil, rtcp.AppendPLI(nil, 1, a.video[0].SSRC), b.now())
			n += a.took(rtcp.PSFB, rtcp.FormatPLI)
		}
		if n < 2 || n > 3 {
			t.Errorf("%d keyframes asked for in ten seconds", n)
		}
		// Nobody asks for what is not sent.
		b.HandleRTCP(nil, rtcp.AppendPLI(nil, 1, 4711), b.now())
		if n := a.took(rtcp.PSFB, rtcp.FormatPLI); n != 0 {
			t.Errorf("asked %d times for another's", n)
		}
	})
}

// What is lost towards the bridge is asked for, and its retransmission goes
// where it belongs.
func TestIngress(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 1, false), r.join("b", 0, false)
		b.wants(180)
		ssrc := a.video[0].SSRC
		a.film(3) // numbers 1 to 6
		out := b.gets(ssrc)
		pl := func(n int) []byte { return vp8Payload(true, false, uint16(n), uint8(n), 180, "late") }
		a.sendAs(vp8, ssrc, 7, 20_000, true, nil, pl(4))
		a.sendAs(vp8, ssrc, 9, 28_000, true, nil, pl(6))
		if p := a.takeRTCP(rtcp.RTPFB, rtcp.FormatNACK); len(p) != 1 || p[0].Media() != ssrc {
			t.Fatalf("asked for %x", p)
		} else if w := p[0].Lost(); true {
			if n, _ := w.Next(); n != 8 {
				t.Errorf("asked for %d", n)
			}
		}
		a.sendAs(vp8RTX, a.video[0].RTX, 1, 24_000, true, nil, append([]byte{0, 8}, pl(5)...))
		a.sendAs(vp8, ssrc, 9, 28_000, true, nil, pl(6)) // twice
		a.sendAs(vp8RTX, a.video[0].RTX, 2, 24_000, false, nil, nil)
		a.sendAs(vp8, ssrc, 10, 28_000, false, nil, nil)
		a.sendAs(vp8, ssrc, 11, 32_000, true, nil, pl(7))
		got := b.gets(ssrc)
		base := out[5].SequenceNumber
		var offsets []uint16
		for _, x := range got {
			offsets = append(offsets, x.SequenceNumber-base)
		}
		if len(offsets) != 4 || offsets[0] != 1 || offsets[1] != 3 || offsets[2] != 2 || offsets[3] != 4 {
			t.Errorf("numbers %v, want [1 3 2 4]", offsets)
		}
		if got[1].frame.PictureID != got[2].frame.PictureID+1 {
			t.Errorf("pictures %d, %d", got[1].frame.PictureID, got[2].frame.PictureID)
		}
		time.Sleep(time.Second)
		rr := a.takeRTCP(rtcp.RR, 0)
		if len(rr) == 0 {
			t.Fatal("no receiver report")
		}
		seen := map[uint32]rtcp.Report{}
		for _, p := range rr {
			for w := p.Reports(); ; {
				x, ok := w.Next()
				if !ok {
					break
				}
				seen[x.SSRC] = x
			}
		}
		if x := seen[ssrc]; x.Highest != 1<<16+11 || x.Lost != 0 {
			t.Errorf("report %+v", x) // one lost, one twice
		}
		if _, ok := seen[a.video[0].RTX]; !ok {
			t.Error("no report on the retransmissions")
		}
		if n := a.took(rtcp.RTPFB, rtcp.FormatTWCC); n == 0 {
			t.Error("no transport-wide feedback")
		}
		if n := a.took(rtcp.RTPFB, rtcp.FormatNACK); n != 0 {
			t.Errorf("%d NACKs for what is there", n)
		}
	})
}

// Garbage is counted and touches nobody.
func TestGarbage(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 1, false), r.join("b", 0, false)
		b.wants(180)
		a.film(2)
		b.gets(a.video[0].SSRC)
		v, err := r.AddEndpoint(EndpointConfig{ID: "v", Visitor: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := v.SetSources([]VideoSource{{Name: "v-v0"}}, nil); err != ErrVisitorSources {
			t.Errorf("SetSources of a visitor: %v", err)
		}
		v.SetMedia(offer())
		for _, p := range [][]byte{nil, {0x80}, make([]byte, 100), packet(3, 1, 1, 1, false, nil, nil), packet(opus, 999, 1, 1, false, nil, []byte{1}),
			packet(opus, a.video[0].SSRC, 1, 1, false, nil, []byte{1}), packet(vp8, a.audio, 1, 1, false, nil, []byte{1}),
			packet(vp8, a.video[0].SSRC, 90, 1, false, nil, []byte{0x90})} {
			a.HandleRTP(nil, p, a.now())
			v.HandleRTP(nil, packet(opus, a.audio, 1, 1, false, nil, []byte{1}), a.now())
		}
		for _, p := range [][]byte{nil, {0x80}, make([]byte, 100), {0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2}, {0x8f, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 255, 255}} {
			a.HandleRTCP(nil, p, a.now())
		}
		for _, m := range []string{"", "{", `{"colibriClass":"Nonsense"}`, `{"colibriClass":"ForwardedSources"}`,
			`{"colibriClass":"SourceVideoTypeMessage","sourceName":"b-v0","videoType":"none"}`} {
			a.tell("%s", m)
		}
		a.film(1)
		if got := b.gets(a.video[0].SSRC); len(got) != 2 {
			t.Errorf("%d packets", len(got))
		}
		var text strings.Builder
		r.set.WritePrometheus(&text)
		for _, want := range []string{
			`bridge_rtp_dropped_total{reason="malformed"} 4`,
			`bridge_rtp_dropped_total{reason="payload_type"} 11`,
			`bridge_rtp_dropped_total{reason="unsignalled"} 1`,
			`bridge_messages_dropped_total{reason="unknown_class"} 1`,
			`bridge_messages_dropped_total{reason="unexpected"} 1`,
			`bridge_messages_dropped_total{reason="foreign_source"} 1`,
			`bridge_endpoints 3`,
		} {
			if !strings.Contains(text.String(), want+"\n") {
				t.Errorf("no %s in\n%s", want, text.String())
			}
		}
	})
}
