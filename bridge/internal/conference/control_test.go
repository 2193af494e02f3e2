package conference

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"meetbox.local/bridge/internal/channel"
	"meetbox.local/bridge/internal/transport"
)

// names are the sources of ForwardedSources, the latest said.
func forwarded(m *member) string {
	list := hears[*channel.ForwardedSources](m)
	if len(list) == 0 {
		return "nothing new"
	}
	return strings.Join(list[len(list)-1].ForwardedSources, " ")
}

// Clients that learn sources from the bridge are told before media comes, and
// all again on a new channel.
func TestRewriting(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 2, false), r.join("b", 0, true)
		a.speak(40, 5)
		audio := hears[*channel.AudioSourcesMap](b)
		if len(audio) != 1 || len(audio[0].MappedSources) != 1 {
			t.Fatalf("b is told %s", asJSON(audio))
		}
		am := audio[0].MappedSources[0]
		if am.Source != "a-a0" || am.Owner != "a" || am.SSRC == a.audio || am.Mid != "a0" {
			t.Errorf("b is told %+v", am)
		}
		if got := b.gets(am.SSRC); len(got) != 4 || string(got[0].payload) != "a" || string(got[0].elements[midID]) != "a0" {
			t.Errorf("b gets %+v", got) // the first told that somebody speaks
		}
		if got := hears[*channel.VideoSourcesMap](b); len(got) > 0 {
			t.Errorf("b is told %s before it asks", asJSON(got))
		}
		b.wants(180)
		video := hears[*channel.VideoSourcesMap](b)
		if len(video) != 1 || len(video[0].MappedSources) != 1 {
			t.Fatalf("b is told %s", asJSON(video))
		}
		vm := video[0].MappedSources[0]
		if vm.Source != "a-v0" || vm.Owner != "a" || vm.SSRC == 0 || vm.RTX == 0 || vm.RTX == vm.SSRC || vm.VideoType != channel.Camera || vm.Mid != "v0" {
			t.Errorf("b is told %+v", vm)
		}
		a.film(5)
		got := b.gets(vm.SSRC)
		if len(got) != 10 || !got[0].frame.Keyframe || string(got[0].elements[midID]) != "v0" {
			t.Errorf("b gets %+v", got)
		}
		continuous(t, "rewriting", got)
		if m := hears[*channel.VideoSourcesMap](b); len(m) > 0 {
			t.Errorf("told again: %s", asJSON(m))
		}
		// The channel comes back.
		b.HandleState(transport.ChannelClosed)
		b.HandleState(transport.ChannelOpen)
		r.settled()
		b.link.mu.Lock()
		var order []string
		for _, m := range b.link.messages {
			order = append(order, fmt.Sprintf("%T", m))
		}
		b.link.mu.Unlock()
		want := []string{"*channel.ForwardedSources", "*channel.DominantSpeaker",
			"*channel.ForwardedSources", "*channel.VideoSourcesMap", "*channel.AudioSourcesMap", "*channel.DominantSpeaker"}
		if !slices.Equal(order, want) {
			t.Errorf("b hears %v, want %v", order, want)
		}
		// The same sources signalled again change nothing; others do.
		a.SetSources(a.describe())
		a.film(2)
		continuous(t, "signalled again", append(got[len(got)-1:], b.gets(vm.SSRC)...))
		// Gone and back with the same SSRC, on the same slot.
		a.SetSources(nil, nil)
		a.SetSources(a.describe())
		a.film(3)
		if got := b.gets(vm.SSRC); len(got) == 0 || !got[0].frame.Keyframe {
			t.Errorf("after coming back: %+v", got)
		}
	})
}

// With fewer slots than sources, slots change hands, and a decoder sees one
// stream all the same.
func TestSlots(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{MaxVideoSlots: 1, MaxAudioSlots: 1}, func(t *testing.T, r *room) {
		senders := []*member{r.join("a", 2, false), r.join("c", 2, false)}
		b := r.join("b", 0, true)
		b.wants(180)
		ssrc := uint32(0)
		var all []received
		for i := range 10 {
			s := senders[i%2]
			b.tell(`{"colibriClass":"ReceiverVideoConstraints","selectedSources":["%s-v0"]}`, s.ID())
			for _, x := range hears[*channel.VideoSourcesMap](b) {
				m := x.MappedSources[0]
				if ssrc != 0 && m.SSRC != ssrc || m.Source != s.ID()+"-v0" && i > 0 {
					t.Fatalf("%d: told %+v", i, m)
				}
				ssrc = m.SSRC
			}
			if got := forwarded(b); i > 0 && got != s.ID()+"-v0" {
				t.Errorf("%d: told that %s is sent", i, got)
			}
			for _, x := range senders {
				x.film(5)
			}
			got := b.gets(ssrc)
			if len(got) < 8 || !strings.HasPrefix(got[0].text, s.ID()) || !got[0].frame.Keyframe {
				t.Fatalf("%d: %d packets of %s", i, len(got), got[0].text)
			}
			all = append(all, got...)
		}
		continuous(t, "slot", all)

		var audio uint32
		var heard []received
		for i := range 6 {
			s := senders[i%2]
			if i > 0 {
				s.speak(40, 5) // too soon after the other
				if got := b.gets(audio); len(got) > 0 {
					t.Fatalf("%d: %d packets at once", i, len(got))
				}
			}
			time.Sleep(time.Second)
			s.speak(40, 10)
			for _, x := range hears[*channel.AudioSourcesMap](b) {
				m := x.MappedSources[0]
				if audio != 0 && audio != m.SSRC || m.Owner != s.ID() {
					t.Fatalf("%d: told %+v", i, m)
				}
				audio = m.SSRC
			}
			got := b.gets(audio)
			if len(got) != 9 || string(got[0].payload) != s.ID() {
				t.Fatalf("%d: %d packets", i, len(got))
			}
			heard = append(heard, got...)
		}
		for i := 1; i < len(heard); i++ {
			if heard[i].SequenceNumber != heard[i-1].SequenceNumber+1 || int32(heard[i].Timestamp-heard[i-1].Timestamp) < 960 {
				t.Errorf("%+v after %+v", heard[i].Header, heard[i-1].Header)
			}
		}
		// Who leaves takes the SSRC along.
		r.ExpireEndpoint("a")
		r.ExpireEndpoint("c")
		d := r.join("d", 1, false)
		d.film(2)
		if m := hears[*channel.VideoSourcesMap](b); len(m) != 1 || m[0].MappedSources[0].SSRC == ssrc || m[0].MappedSources[0].Owner != "d" {
			t.Errorf("told %s", asJSON(m))
		}
	})
}

func TestConstraints(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b, c := r.join("a", 3, false), r.join("b", 1, false), r.join("c", 1, false)
		told := func(m *member) string {
			time.Sleep(time.Duration(fallAfter) + 2*tickEvery)
			list := hears[*channel.SenderSourceConstraints](m)
			var out strings.Builder
			for _, x := range list {
				out.WriteString(fmt.Sprint(x.MaxHeight, " "))
			}
			return out.String()
		}
		if got := told(a); got != "0 " {
			t.Errorf("a is told %q", got)
		}
		b.wants(180)
		c.wants(720)
		if got := told(a); got != "180 720 " {
			t.Errorf("a is told %q", got)
		}
		c.tell(`{"colibriClass":"ReceiverVideoConstraints","constraints":{"a-v0":{"maxHeight":-1}}}`)
		if got := told(a); got != "-1 " {
			t.Errorf("a is told %q", got)
		}
		r.ExpireEndpoint("c")
		if got := told(a); got != "180 " {
			t.Errorf("a is told %q", got)
		}
		b.tell(`{"colibriClass":"LastNChangedEvent","lastN":0}`)
		if got := told(a); got != "0 " {
			t.Errorf("a is told %q", got)
		}
		if got := forwarded(b); got != "" {
			t.Errorf("b is told that %q is sent", got)
		}
		b.tell(`{"colibriClass":"LastNChangedEvent","lastN":1}`)
		if got := forwarded(b); got != "a-v0" {
			t.Errorf("b is told that %q is sent", got)
		}
		// Off, before and after it is signalled.
		a.tell(`{"colibriClass":"SourceVideoTypeMessage","sourceName":"a-v0","videoType":"none"}`)
		if got := forwarded(b); got != "" {
			t.Errorf("b is told that %q is sent", got)
		}
		a.tell(`{"colibriClass":"VideoTypeMessage","videoType":"Desktop"}`)
		if got := forwarded(b); got != "a-v0" {
			t.Errorf("b is told that %q is sent", got)
		}
		a.tell(`{"colibriClass":"SourceVideoTypeMessage","sourceName":"a-v1","videoType":"none"}`)
		video, audio := a.describe()
		a.SetSources(append(video, VideoSource{Name: "a-v1", Encodings: []Encoding{{77, 78}}}), audio)
		b.tell(`{"colibriClass":"LastNChangedEvent","lastN":-1}`)
		if got := forwarded(b); got != "nothing new" {
			t.Errorf("b is told that %q is sent", got)
		}
		a.tell(`{"colibriClass":"SourceVideoTypeMessage","sourceName":"a-v1","videoType":"desktop"}`)
		if got := forwarded(b); got != "a-v0 a-v1" {
			t.Errorf("b is told that %q is sent", got)
		}
	})
}

// lastN 1 follows the speaker.
func TestSpeaker(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b, c := r.join("a", 1, false), r.join("b", 1, false), r.join("c", 0, false)
		c.wants(180)
		c.tell(`{"colibriClass":"LastNChangedEvent","lastN":1}`)
		talk := func(who, other *member) {
			for i := range 250 {
				level := byte(20 + i%5)
				if i%25 > 18 {
					level = 80
				}
				other.speak(90, 1)
				who.speak(level, 1)
			}
		}
		for _, x := range []*member{a, b, a} {
			other := a
			if x == a {
				other = b
			}
			talk(x, other)
			m := hears[*channel.DominantSpeaker](c)
			if len(m) == 0 || m[len(m)-1].Endpoint != x.ID() {
				t.Fatalf("%s speaks, c is told %s", x.ID(), asJSON(m))
			}
			forwarded(c)
			c.HandleState(transport.ChannelClosed)
			c.HandleState(transport.ChannelOpen)
			if got := forwarded(c); got != x.ID()+"-v0" {
				t.Errorf("%s speaks, %s is sent", x.ID(), got)
			}
		}
		d := r.join("d", 0, false)
		if m := hears[*channel.DominantSpeaker](d); len(m) != 1 || m[0].Endpoint != "a" || !slices.Equal(m[0].Previous, []string{"b"}) {
			t.Errorf("d is told %s", asJSON(m))
		}
		r.ExpireEndpoint("b")
		if m := hears[*channel.DominantSpeaker](d); len(m) != 1 || len(m[0].Previous) != 0 {
			t.Errorf("d is told %s", asJSON(m))
		}
	})
}

func TestMessages(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b, c := r.join("a", 0, false), r.join("b", 0, false), r.join("c", 0, false)
		got := func(m *member) string {
			var out strings.Builder
			for _, x := range hears[*channel.EndpointMessage](m) {
				out.WriteString(x.From + ":" + string(x.Rest["msgPayload"]))
			}
			for _, x := range hears[*channel.EndpointStats](m) {
				out.WriteString(x.From + ":" + string(x.Rest["bitrate"]))
			}
			return out.String()
		}
		check := func(what, wantA, wantB, wantC string) {
			t.Helper()
			if x, y, z := got(a), got(b), got(c); x != wantA || y != wantB || z != wantC {
				t.Errorf("%s: %q, %q, %q", what, x, y, z)
			}
		}
		a.tell(`{"colibriClass":"EndpointMessage","to":"","from":"liar","msgPayload":{"n":1}}`)
		check("to all", "", `a:{"n":1}`, `a:{"n":1}`)
		a.tell(`{"colibriClass":"EndpointMessage","to":"c","msgPayload":{}}`)
		check("to one", "", "", "a:{}")
		a.tell(`{"colibriClass":"EndpointMessage","to":"nobody","msgPayload":{}}`)
		check("to nobody", "", "", "")
		b.tell(`{"colibriClass":"EndpointStats","bitrate":{"upload":1}}`)
		check("stats", `b:{"upload":1}`, "", `b:{"upload":1}`)
		a.tell(`{"colibriClass":"ClientHello"}`)
		if m := hears[*channel.ServerHello](a); len(m) != 1 {
			t.Errorf("%d greetings", len(m))
		}
		// A flood loses its oldest messages, not the bridge.
		done := make(chan struct{})
		r.post(func() { <-done })
		for i := range 100 {
			a.HandleMessage(fmt.Appendf(nil, `{"colibriClass":"EndpointMessage","to":"b","msgPayload":{"n":%d}}`, i))
		}
		close(done)
		if m := hears[*channel.EndpointMessage](b); len(m) != inboxSize || string(m[0].Rest["msgPayload"]) != `{"n":50}` {
			t.Errorf("%d messages, first %s", len(m), asJSON(m[0]))
		}
	})
}

// fakeSocket is a colibri-ws.
type fakeSocket struct {
	fakeLink
	expired bool
}

func (s *fakeSocket) Expire() { s.expired = true }

func TestSocket(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 0, false), r.join("b", 0, false)
		one, two := new(fakeSocket), new(fakeSocket)
		b.AttachChannel(one)
		b.AttachChannel(two)
		b.DetachChannel(one)
		a.tell(`{"colibriClass":"EndpointMessage","to":"b","msgPayload":{}}`)
		if len(one.messages) != 0 || len(two.messages) != 1 || len(hears[*channel.EndpointMessage](b)) != 0 {
			t.Errorf("%d, %d messages", len(one.messages), len(two.messages))
		}
		b.DetachChannel(two)
		a.tell(`{"colibriClass":"EndpointMessage","to":"b","msgPayload":{}}`)
		if len(hears[*channel.EndpointMessage](b)) != 1 {
			t.Error("the data channel is not used again")
		}
		b.AttachChannel(two)
		r.ExpireEndpoint("b")
		if !two.expired || !b.link.closed {
			t.Error("an expired endpoint keeps its socket or its transport")
		}
		late := new(fakeSocket)
		b.AttachChannel(late)
		if !late.expired {
			t.Error("an expired endpoint takes a socket")
		}
		if len(b.Password()) != 24 {
			t.Errorf("password %q", b.Password())
		}
	})
}

// Who is silent is shown so, and goes after a while.
func TestLiveness(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b, c := r.join("a", 0, false), r.join("b", 0, false), r.join("c", 0, false)
		alive := func(m *member) { m.link.mu.Lock(); m.link.activity = m.now(); m.link.mu.Unlock() }
		told := func(m *member) string {
			var out strings.Builder
			for _, x := range hears[*channel.ConnectivityStatus](m) {
				out.WriteString(fmt.Sprint(x.Endpoint, x.Active, " "))
			}
			return out.String()
		}
		pass := func(d time.Duration) {
			for range d / time.Second {
				alive(a)
				time.Sleep(time.Second)
			}
		}
		alive(b)
		pass(7 * time.Second)
		if got := told(a); got != "" {
			t.Errorf("a is told %q", got)
		}
		pass(3 * time.Second)
		if got := told(a); got != "bfalse " {
			t.Errorf("a is told %q", got)
		}
		alive(b)
		pass(7 * time.Second)
		if got := told(a); got != "btrue cfalse " {
			t.Errorf("a is told %q", got)
		}
		if got := told(r.join("d", 0, false)); got != "cfalse " {
			t.Errorf("d is told %q", got)
		}
		pass(180 * time.Second)
		if r.Endpoint("a") == nil || r.Endpoint("b") != nil || r.Endpoint("c") != nil || !b.link.closed || !c.link.closed {
			t.Errorf("%d endpoints left", r.Endpoints())
		}
		a.HandleState(transport.Failed)
		time.Sleep(61 * time.Second)
		if r.Endpoints() != 0 {
			t.Error("a failed endpoint stays")
		}
		time.Sleep(61 * time.Second)
		if r.bridge.Conference("meeting") != nil {
			t.Error("an empty conference stays")
		}
		if _, err := r.AddEndpoint(EndpointConfig{ID: "x"}); !errors.Is(err, ErrExpired) {
			t.Errorf("AddEndpoint of an expired conference: %v", err)
		}
	})
}

func TestMembership(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a := r.join("a", 1, false)
		if _, err := r.AddEndpoint(EndpointConfig{ID: "a"}); !errors.Is(err, ErrEndpointExists) {
			t.Errorf("AddEndpoint again: %v", err)
		}
		if _, err := r.bridge.Create("meeting", ""); !errors.Is(err, ErrConferenceExists) {
			t.Errorf("Create again: %v", err)
		}
		if r.bridge.ByHexID(r.HexID()) != r.Conference || r.Endpoint("a") != a.Endpoint {
			t.Error("not found")
		}
		b := r.join("b", 0, false)
		b.wants(180)
		a.film(3)
		// Made anew under the same id at once; what the old one still sends
		// goes nowhere.
		r.ExpireEndpoint("a")
		r.ExpireEndpoint("a")
		again := r.join("a", 1, false)
		got := b.gets(a.video[0].SSRC)
		a.film(2)
		if got := b.gets(a.video[0].SSRC); len(got) > 0 {
			t.Errorf("%d packets of an expired endpoint", len(got))
		}
		again.film(3)
		more := b.gets(a.video[0].SSRC)
		if len(more) != 6 || !more[0].frame.Keyframe || more[0].SequenceNumber != got[len(got)-1].SequenceNumber+1 {
			t.Errorf("after coming back: %+v", more)
		}
		r.Expire()
		r.Expire()
		if !b.link.closed || r.bridge.Conference("meeting") != nil {
			t.Error("expired, but still there")
		}
		if s := r.bridge.Stats(); s.ConferencesCreated != 1 || s.ConferencesCompleted != 1 || s.EndpointsCreated != 3 || s.PacketsReceived != 12 || s.Conferences != 0 {
			t.Errorf("%+v", s)
		}
	})
}
