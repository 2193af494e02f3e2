package conference

import (
	"bytes"
	"slices"
	"testing"

	"meetbox.local/bridge/internal/channel"
)

// Whatever an endpoint says on its channel: it is never told its own words,
// others are told only what is from it by name and of the kinds that are
// passed on, a private message reaches nobody else, and each text that goes
// out is made anew, so that no reader finds in it what Decode did not.
func FuzzMessages(f *testing.F) {
	for _, s := range []string{
		`{"colibriClass":"EndpointMessage","to":"b","from":"c","msgPayload":{"n":1}}`,
		`{"colibriClass":"EndpointMessage","to":"","from":"c","from":"b"}`,
		`{"colibriClass":"EndpointStats","bitrate":{"upload":900},"from":"b"}`,
		`{"colibriClass":"ReceiverVideoConstraints","lastN":1,"selectedSources":["b-v0"],"constraints":{"b-v0":{"maxHeight":720,"maxFrameRate":5}}}`,
		`{"colibriClass":"ReceiverAudioSubscription","all":false,"include":["b-a0"]}`,
		`{"colibriClass":"SourceVideoTypeMessage","sourceName":"a-v0","videoType":"none"}`,
		`{"colibriClass":"LastNChangedEvent","lastN":-9}`,
	} {
		f.Add([]byte(s), []byte(`{"colibriClass":"ClientHello"}`))
	}
	r, stop := newRoom(f, Options{})
	f.Cleanup(stop)
	a, b, c := r.join("a", 2, false), r.join("b", 1, false), r.join("c", 1, true)
	f.Fuzz(func(t *testing.T, one, two []byte) {
		r.t = t
		a.inbox.talk = newTalk() // what is read is looked at here, not how much
		for _, m := range []*member{a, b, c} {
			m.link.mu.Lock()
			m.link.messages = nil
			m.link.mu.Unlock()
		}
		private := map[string]bool{}
		for _, text := range [][]byte{one, two} {
			if m, err := channel.Decode(text); err == nil {
				if e, ok := m.(*channel.EndpointMessage); ok && e.To != "" {
					private[e.To] = true
				}
			}
			a.HandleMessage(bytes.Clone(text))
		}
		r.settled()
		for _, m := range []*member{a, b, c} {
			m.link.mu.Lock()
			got := slices.Clone(m.link.messages) // which the link could decode
			m.link.mu.Unlock()
			for _, g := range got {
				switch g := g.(type) {
				case *channel.EndpointMessage:
					if m == a && !private["a"] || g.From != "a" || g.To != "" && (g.To != m.ID() || !private[m.ID()]) {
						t.Fatalf("%q, %q: %s is told %+v", one, two, m.ID(), g)
					}
				case *channel.EndpointStats:
					if m == a || g.From != "a" {
						t.Fatalf("%q, %q: %s is told %+v", one, two, m.ID(), g)
					}
				case *channel.ReceiverVideoConstraints, *channel.ReceiverAudioSubscription, *channel.ClientHello:
					t.Fatalf("%q, %q: %s is told a client's %T", one, two, m.ID(), g)
				}
			}
		}
		if n := len(a.videoTypes); n > maxNames {
			t.Fatalf("%d video types remembered", n)
		}
	})
}
