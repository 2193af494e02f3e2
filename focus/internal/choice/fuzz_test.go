package choice

import (
	"testing"

	"meetbox.local/signaling/xmpp/jid"
)

// FuzzUpdate: whatever a bridge says of itself, its load can be compared, and
// a bridge without fault is chosen rather than it.
func FuzzUpdate(f *testing.F) {
	f.Add("stress_level", "0.5", "average_participant_stress", "Inf")
	f.Add("drain", "false", "stress_level", "NaN")
	f.Add("average_participant_stress", "1e308", "stress_level", "1e308")
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2 string) {
		odd := Unseen(jid.MustParse("brewery@muc.x/a")).Update(stats(name1, value1, name2, value2))
		for _, n := range []int{0, 1, 1000} {
			odd.Recent = n
			if l := odd.Load(); !(l >= 0 && l <= 1e9) {
				t.Errorf("load with %d participants to come is %v", n, l)
			}
		}
		odd.Recent, odd.Stress = 0, odd.Stress+1
		fine := bridge("b", nil)
		if got, ok := Pick([]Bridge{odd, fine}, ""); !ok || got.JID != fine.JID {
			t.Errorf("%+v is picked rather than %+v", got, fine)
		}
	})
}
