package conference

import (
	"strings"
	"testing"
	"time"

	"meetbox.local/bridge/internal/channel"
)

// Under overload pictures get smaller, then fewer; sound stays.
func TestThinning(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b, c := r.join("a", 3, false), r.join("b", 3, false), r.join("c", 0, false)
		c.wants(720)
		pictures := func(m *member) string {
			m.film(10)
			c.gets(m.video[0].SSRC)
			m.film(10)
			got := c.gets(m.video[0].SSRC)
			if len(got) == 0 {
				return "none"
			}
			return strings.Join(strings.Split(got[len(got)-1].text, ".")[:2], ".")
		}
		for _, step := range []struct {
			step    int
			a, want string
		}{{0, "a.2", "b.2"}, {1, "a.1", "b.1"}, {2, "a.0", "b.0"}, {MostThinning, "a.0", "none"}, {0, "a.2", "b.2"}} {
			r.bridge.SetThinning(step.step, "cpu")
			// The sound goes on; a has the floor.
			for range 3 {
				a.speak(20, 25)
			}
			heard := len(c.gets(a.audio))
			time.Sleep(time.Second)
			if gotA, gotB := pictures(a), pictures(b); gotA != step.a || gotB != step.want || heard != 75 {
				t.Errorf("step %d: %s and %s are seen, want %s and %s; %d of 75 packets of sound", step.step, gotA, gotB, step.a, step.want, heard)
			}
			if said := hears[*channel.VideoThinned](c); len(said) > 0 && said[len(said)-1].Step != step.step || len(said) == 0 && step.step > 0 {
				t.Errorf("step %d is told as %s", step.step, asJSON(said))
			}
		}
	})
}

// Of many voices only the loudest are sent on, without gaps in their numbers.
func TestLoudestVoices(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{LoudestVoices: 1}, func(t *testing.T, r *room) {
		a, b, c := r.join("a", 0, false), r.join("b", 0, false), r.join("c", 0, false)
		both := func(levelA, levelB byte) (fromA, fromB []received) {
			for range 50 {
				a.speak(levelA, 1)
				b.speak(levelB, 1)
			}
			return c.gets(a.audio), c.gets(b.audio)
		}
		both(30, 60)
		if fromA, fromB := both(30, 60); len(fromA) != 50 || len(fromB) != 0 {
			t.Errorf("a louder: %d and %d packets", len(fromA), len(fromB))
		}
		both(80, 40)
		_, fromB := both(80, 40)
		if len(fromB) != 50 {
			t.Errorf("b louder: %d of its packets", len(fromB))
		}
		for i := 1; i < len(fromB); i++ {
			if fromB[i].SequenceNumber != fromB[i-1].SequenceNumber+1 {
				t.Errorf("sequence number %d after %d", fromB[i].SequenceNumber, fromB[i-1].SequenceNumber)
			}
		}
		c.tell(`{"colibriClass":"ReceiverAudioSubscription","all":true,"include":["a-a0"]}`)
		if fromA, fromB := both(80, 40); len(fromA) != 50 || len(fromB) != 50 {
			t.Errorf("a asked for by name: %d and %d packets", len(fromA), len(fromB))
		}
	})
}
