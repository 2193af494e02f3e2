package router

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestSpeakerStats: the clock runs for one speaker at a time, not in silence,
// and not for one who left; who joins is told, those who left included.
func TestSpeakerStats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := open(t, "")
		focus := join(t, r, "focus", "auth.meet.jitsi", "focus", "")
		ann, bob := join(t, r, "ann", "meet.jitsi", "1", ""), join(t, r, "bob", "meet.jitsi", "1", "")
		focus.enter("focus")
		ann.enter("ann")
		bob.enter("bob")
		speaks := func(p *peer, silence string) {
			t.Helper()
			err := p.say(`<message to="speakerstats.meet.jitsi"><speakerstats xmlns="http://jitsi.org/jitmeet" room="demo@muc.meet.jitsi" silence="%s"/></message>`, silence)
			if err != nil {
				t.Fatal(err)
			}
		}
		speaks(ann, "false")
		time.Sleep(10 * time.Second)
		speaks(bob, "false")
		time.Sleep(3 * time.Second)
		speaks(ann, "true") // a late word about what is over
		speaks(bob, "true")
		time.Sleep(time.Hour)
		speaks(bob, "false")
		time.Sleep(2 * time.Second)
		if err := bob.say(`<presence type="unavailable" to="demo@muc.meet.jitsi/bob"/>`); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		speaks(ann, "false")
		time.Sleep(1500 * time.Millisecond)
		cy := join(t, r, "cy", "meet.jitsi", "1", "")
		cy.enter("cy")
		const want = `{&quot;type&quot;:&quot;speakerstats&quot;,&quot;users&quot;:{` +
			`&quot;ann&quot;:{&quot;totalDominantSpeakerTime&quot;:11500,&quot;faceLandmarks&quot;:[]},` +
			`&quot;bob&quot;:{&quot;totalDominantSpeakerTime&quot;:5000,&quot;faceLandmarks&quot;:[]}}}`
		if got := strings.Join(cy.hear(), "\n"); !strings.Contains(got, want) {
			t.Errorf("cy was told\n%s\nwant\n%s", got, want)
		}
	})
}
