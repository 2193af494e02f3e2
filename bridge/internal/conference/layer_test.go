package conference

import (
	"testing"

	"meetbox.local/bridge/internal/rtp"
)

// What a spatial layer costs is with those below it, as long as the sender
// builds it on them.
func TestLayerCost(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a := r.join("a", 1, false)
		enc := a.videoSources[0].encodings[0]
		cost := func(needed bool) (of [2]int64) {
			a.rx.Lock()
			defer a.rx.Unlock()
			enc.layers = 2
			for sid := range int8(2) {
				a.measure(enc, &rtp.Frame{Layered: true, Predicted: true, SID: sid, Needed: needed && sid == 0}, 1000, a.now())
				enc.spatial[sid].rates.bitrate[0] = 100_000 * int64(1+sid)
			}
			for _, l := range enc.describe(nil) {
				of[l.SID] = l.Bitrate
			}
			return of
		}
		for _, tc := range []struct {
			needed bool
			want   [2]int64
		}{{false, [2]int64{100_000, 200_000}}, {true, [2]int64{100_000, 300_000}}, {false, [2]int64{100_000, 200_000}}} {
			if got := cost(tc.needed); got != tc.want {
				t.Errorf("building on each other %v: %v, want %v", tc.needed, got, tc.want)
			}
		}
	})
}
