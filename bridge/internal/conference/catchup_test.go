package conference

import (
	"slices"
	"testing"
	"time"

	"meetbox.local/bridge/internal/channel"
)

// A client whose data channel was full, as in a tunnel, knows afterwards what is
// so, though it missed how it came.
func TestCatchUp(t *testing.T) {
	t.Parallel()
	for _, rewriting := range []bool{false, true} {
		inRoom(t, Options{}, func(t *testing.T, r *room) {
			a, b, c := r.join("a", 1, false), r.join("b", 1, rewriting), r.join("c", 0, false)
			heard := func(m *member) { m.link.mu.Lock(); m.link.activity = m.now(); m.link.mu.Unlock() }
			full := func(yes bool) { b.link.mu.Lock(); b.link.full = yes; b.link.mu.Unlock() }
			pass := func(seconds int, quiet *member) {
				for range seconds {
					for _, m := range []*member{a, b, c} {
						if m != quiet {
							heard(m)
						}
					}
					time.Sleep(time.Second)
				}
			}
			pass(1, nil)
			a.speak(30, 50)
			pass(10, c)
			if m := hears[*channel.ConnectivityStatus](b); len(m) != 1 || m[0].Endpoint != "c" || m[0].Active {
				t.Fatalf("of c is told %s", asJSON(m))
			}
			hears[*channel.DominantSpeaker](b)
			hears[*channel.SenderSourceConstraints](b)

			full(true)
			b.wants(180)
			a.wants(360)
			a.film(10)
			for i := range 250 { // c takes the floor
				level := byte(20 + i%5)
				if i%25 > 18 {
					level = 80
				}
				c.speak(level, 1)
			}
			pass(2, nil) // c is back
			if m := hears[*channel.ForwardedSources](b); len(m) > 0 {
				t.Fatalf("something came through: %s", asJSON(m))
			}
			full(false)
			pass(2, nil)
			if m := hears[*channel.ForwardedSources](b); len(m) == 0 || !slices.Equal(m[len(m)-1].ForwardedSources, []string{"a-v0"}) {
				t.Errorf("it is sent a-v0, and told %s", asJSON(m))
			}
			if m := hears[*channel.SenderSourceConstraints](b); len(m) == 0 || m[len(m)-1].MaxHeight != 360 {
				t.Errorf("it should send 360 lines, and is told %s", asJSON(m))
			}
			if m := hears[*channel.DominantSpeaker](b); len(m) == 0 || m[len(m)-1].Endpoint != "c" {
				t.Errorf("c speaks, and it is told %s", asJSON(m))
			}
			back := false
			for _, m := range hears[*channel.ConnectivityStatus](b) {
				if m.Endpoint == "c" {
					back = bool(m.Active)
				}
			}
			if !back {
				t.Error("it is not told that c is back")
			}
			if m := hears[*channel.VideoSourcesMap](b); rewriting && (len(m) == 0 || m[len(m)-1].MappedSources[0].Source != "a-v0") {
				t.Errorf("its map is %s", asJSON(m))
			}
			// And once only.
			pass(3, nil)
			if m := hears[*channel.DominantSpeaker](b); len(m) > 0 {
				t.Errorf("told again: %s", asJSON(m))
			}
		})
	}
}
