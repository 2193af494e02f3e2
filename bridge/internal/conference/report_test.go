package conference

import (
	"testing"
	"time"

	"meetbox.local/bridge/internal/transport"
)

// The report says of each video why it is not sent better than it is.
func TestReport(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 3, false), r.join("b", 3, true)
		c := &narrow{member: r.join("c", 0, false), rate: 100_000_000}
		seen := func() EndpointReport {
			t.Helper()
			x, err := r.Report()
			if err != nil {
				t.Fatal(err)
			}
			if x.Endpoints != 3 || len(x.Members) != 3 || x.Room != "room@muc.meet.jitsi" || x.Meeting != "meeting" {
				t.Fatalf("report %s", asJSON(x))
			}
			return x.Members[2]
		}
		of := func(source string) ReceivedReport {
			t.Helper()
			x := seen()
			for _, s := range x.Receives {
				if s.Source == source {
					return s
				}
			}
			t.Fatalf("nothing of %s in %s", source, asJSON(x))
			return ReceivedReport{}
		}
		expect := func(what, source string, height int, why string) {
			t.Helper()
			got := of(source)
			sent := 0
			if got.Sent != nil {
				sent = got.Sent.Height
			}
			if sent != height || got.Why != why {
				t.Errorf("%s: %s", what, asJSON(got))
			}
		}
		expect("before it asks", "a-v0", 0, "not asked")
		c.wants(720)
		shoot(a, c, 4)
		expect("wide line", "a-v0", 720, "")
		expect("nothing comes", "b-v0", 0, "sender")
		x := seen()
		if !x.Connected || x.Channel != "sctp" || x.Limited || x.Estimate < 5_000_000 || x.BitsOut < 500_000 || x.Allocated != x.Wanted || x.LossOut != 0 {
			t.Errorf("wide line: %s", asJSON(x))
		}
		c.rate = 500_000
		shoot(a, c, 8) // the queue of the first second drains
		if got := of("a-v0"); got.Why != "bandwidth" || got.Sent == nil || got.Sent.Height > 360 {
			t.Errorf("narrow line: %s", asJSON(got))
		}
		if x := seen(); !x.Limited || x.Allocated >= x.Wanted || x.Estimate > 600_000 {
			t.Errorf("narrow line: %s", asJSON(x))
		}
		c.rate = 100_000_000
		shoot(a, c, 15)
		expect("wide again", "a-v0", 720, "")
		b.film(1)
		c.tell(`{"colibriClass":"ReceiverVideoConstraints","lastN":1}`)
		b.film(5)
		shoot(a, c, 1)
		expect("last-n", "b-v0", 0, "last-n")
		c.tell(`{"colibriClass":"ReceiverVideoConstraints","lastN":-1}`)
		r.bridge.SetThinning(1, "cpu")
		shoot(a, c, 1)
		expect("thinned", "a-v0", 360, "overload")
		r.bridge.SetThinning(MostThinning, "cpu")
		b.film(20)
		expect("thinned to one", "b-v0", 0, "overload")
		r.bridge.SetThinning(0, "")
		a.SetForceMute(false, true)
		shoot(a, c, 1)
		expect("muted", "a-v0", 0, "muted")
		a.SetForceMute(false, false)
		a.tell(`{"colibriClass":"SourceVideoTypeMessage","sourceName":"a-v0","videoType":"none"}`)
		expect("off", "a-v0", 0, "off")

		// Not the layer that is wanted, for want of a keyframe; not known to the
		// receiver; nobody there.
		a.tell(`{"colibriClass":"SourceVideoTypeMessage","sourceName":"a-v0","videoType":"camera"}`)
		shoot(a, c, 2)
		c.wants(180)
		if got := of("a-v0"); got.Why != "keyframe" || got.Sent == nil {
			t.Errorf("before the keyframe: %s", asJSON(got))
		}
		shoot(a, c, 1)
		expect("after it", "a-v0", 180, "")
		c.wants(720)
		shoot(a, c, 2)
		c.HandleState(transport.Failed)
		expect("gone", "a-v0", 0, "disconnected")
		c.HandleState(transport.Connected)
		c.HandleState(transport.ChannelOpen)

		// What its sender is seen to send.
		a.tell(`{"colibriClass":"SourceVideoTypeMessage","sourceName":"a-v0","videoType":"camera"}`)
		shoot(a, c, 2)
		rep, err := r.Report()
		if err != nil {
			t.Fatal(err)
		}
		s := rep.Members[0].Sends
		if len(s) != 1 || s[0].Type != "camera" || s[0].MaxHeight != 720 || len(s[0].Layers) < 3 || s[0].Receivers != 1 || s[0].Keyframes.Asked == 0 {
			t.Fatalf("a sends %s", asJSON(s))
		}
		if top := s[0].Layers[len(s[0].Layers)-1]; top.Height != 720 || top.Bitrate < 800_000 || top.Bitrate > 1_200_000 {
			t.Errorf("the top layer is %s", asJSON(top))
		}
		if l := r.bridge.Summaries(); len(l) != 1 || l[0].BitsIn < 1_000_000 || l[0].Created.After(time.Now()) {
			t.Errorf("summaries %s", asJSON(l))
		}
	})
}
