package conference

import (
	"strings"
	"testing"
)

// A camera of 360 lines has encodings of 90, 180 and 360, whatever their places
// suggest. (Chromium sends only the lower two of them then.)
func TestSmallCapture(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		height int
		want   string
	}{{90, "a.0."}, {180, "a.1."}, {360, "a.2."}, {720, "a.2."}} {
		inRoom(t, Options{}, func(t *testing.T, r *room) {
			a, b := r.join("a", 3, false), r.join("b", 0, false)
			a.lines = 90
			b.wants(tc.height)
			a.film(20)
			got := b.gets(a.video[0].SSRC)
			if len(got) == 0 {
				t.Fatalf("%d lines: nothing", tc.height)
			}
			if x := got[len(got)-1]; !strings.HasPrefix(x.text, tc.want) {
				t.Errorf("%d lines: gets %s, want %s", tc.height, x.text, tc.want)
			}
			continuous(t, "small capture", got)
		})
	}
}
