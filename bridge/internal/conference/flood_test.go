package conference

import (
	"strings"
	"testing"
	"time"

	"meetbox.local/bridge/internal/channel"
	"meetbox.local/bridge/internal/rtcp"
)

// Whoever floods is forwarded no more than could be meant, and heard again
// when it stops.
func TestFloodOfPackets(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 0, false), r.join("b", 0, false)
		a.speak(40, 1)
		b.gets(a.audio)
		for range 5 {
			for range 4 * maxPackets {
				a.send(opus, a.audio, uint32(a.seqs[a.audio]+1)*960, false, []byte{levelID << 4, 40}, []byte("a"))
			}
			if n := len(b.gets(a.audio)); n == 0 || n > maxPackets {
				t.Errorf("%d packets of %d are forwarded, at most %d may be", n, 4*maxPackets, maxPackets)
			}
			time.Sleep(time.Duration(floodWindow))
		}
		if n := r.bridge.drops.flood.Get(); n < 5*3*maxPackets {
			t.Errorf("%d packets counted as flood", n)
		}
		a.speak(40, 5)
		if n := len(b.gets(a.audio)); n != 5 {
			t.Errorf("%d packets of 5 after the flood", n)
		}
	})
}

// Whoever asks for everything again and again gets so much and no more.
func TestFloodOfNACKs(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 1, false), r.join("b", 0, false)
		b.wants(180)
		a.film(50)
		got := b.gets(a.video[0].SSRC)
		if len(got) < 90 {
			t.Fatalf("%d packets", len(got))
		}
		var numbers []uint16
		for _, p := range got[len(got)-90:] {
			numbers = append(numbers, p.SequenceNumber)
		}
		nack := rtcp.AppendNACK(nil, 1, a.video[0].SSRC, numbers)
		for range 100 {
			b.HandleRTCP(nil, append([]byte(nil), nack...), b.now())
		}
		if n := len(b.gets(a.video[0].RTX)); n == 0 || n > maxResent {
			t.Errorf("%d packets are sent again, at most %d may be", n, maxResent)
		}
		if r.bridge.drops.flood.Get() == 0 {
			t.Error("no flood is counted")
		}
	})
}

// A few bytes of feedback can claim the fate of 65,535 packets, and a compound
// holds many such.
func TestFloodOfFeedback(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 1, false), r.join("b", 0, false)
		b.wants(180)
		a.film(10)
		long := []byte{0x80 | rtcp.FormatTWCC, rtcp.RTPFB, 0, 8, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0xff, 0xf8, 0, 0, 0, 0}
		for range 8 {
			long = append(long, 0x1f, 0xff) // so many did not come
		}
		if p, _ := rtcp.Next(long); p == nil {
			t.Fatal("malformed")
		} else if _, ok := p.Feedback(); !ok {
			t.Fatal("no feedback")
		}
		for range 100 {
			b.HandleRTCP(nil, append([]byte(nil), long...), b.now())
		}
		b.rx.Lock()
		if n := b.receiving.ration.fated; n > maxFates+100 {
			t.Errorf("%d packets were looked at, %d may be", n, maxFates)
		}
		b.rx.Unlock()
		if r.bridge.drops.flood.Get() < 99 {
			t.Error("the flood is not counted")
		}
		rep, err := r.Report()
		if err != nil {
			t.Fatal(err)
		}
		if rep.Members[0].Flooded != 0 || rep.Members[1].Flooded < 99 {
			t.Errorf("who floods? %s", asJSON(rep.Members))
		}
		// What is meant is heard again.
		time.Sleep(time.Duration(floodWindow))
		before := b.Stats().Delivered
		last := b.departures.Last()
		var arrivals rtcp.Arrivals
		for i := last - 9; i != last+1; i++ {
			arrivals.Packet(i, true, b.now())
		}
		b.HandleRTCP(nil, arrivals.Append(nil, 1, 2, b.now()), b.now())
		if got := b.Stats().Delivered - before; got != 10 {
			t.Errorf("feedback on %d packets of 10 after the flood", got)
		}
	})
}

// Each sender report goes to everybody.
func TestFloodOfReports(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 1, false), r.join("b", 0, false)
		b.wants(180)
		a.film(10)
		b.took(rtcp.SR, 0)
		var compound []byte
		for range 40 {
			compound = rtcp.AppendSenderReport(compound, rtcp.SenderInfo{SSRC: a.video[0].SSRC, NTP: 1 << 40, RTP: 1})
		}
		for range 2 * maxCompounds {
			a.HandleRTCP(nil, append([]byte(nil), compound...), a.now())
		}
		if n := b.took(rtcp.SR, 0); n != maxReports {
			t.Errorf("%d reports are passed on, %d may be", n, maxReports)
		}
		time.Sleep(time.Duration(floodWindow))
		a.report(t)
		if n := b.took(rtcp.SR, 0); n != 1 {
			t.Errorf("%d reports after the flood", n)
		}
	})
}

// Whoever talks without end is heard as much as could be meant, by everybody,
// and costs nobody else a message.
func TestFloodOfMessages(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b, c := r.join("a", 0, false), r.join("b", 0, false), r.join("c", 0, false)
		for second := range 5 {
			for range 2000 {
				a.tell(`{"colibriClass":"EndpointMessage","to":"","msgPayload":{"n":1}}`)
			}
			if n := len(hears[*channel.EndpointMessage](b)); n == 0 || n > messagesBurst+messagesPerSecond {
				t.Errorf("second %d: %d messages of 2000 are passed on", second, n)
			}
			c.tell(`{"colibriClass":"EndpointMessage","to":"b","msgPayload":{"n":2}}`)
			if m := hears[*channel.EndpointMessage](b); len(m) != 1 || m[0].From != "c" {
				t.Errorf("second %d: of c is heard %s", second, asJSON(m))
			}
			time.Sleep(time.Second)
		}
		// Long ones are fewer.
		time.Sleep(time.Minute)
		hears[*channel.EndpointMessage](c)
		long := strings.Repeat("x", 60<<10)
		for range 100 {
			a.tell(`{"colibriClass":"EndpointMessage","to":"c","msgPayload":{"x":"%s"}}`, long)
		}
		if n := len(hears[*channel.EndpointMessage](c)); n != textBurst/(60<<10) {
			t.Errorf("%d long messages are passed on", n)
		}
		time.Sleep(time.Minute)
		a.tell(`{"colibriClass":"ReceiverVideoConstraints","lastN":3}`)
		if a.settings.LastN != 3 {
			t.Error("it is not heard again when it stops")
		}
	})
}
