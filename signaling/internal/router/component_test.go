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

// TestBreakoutRooms: a meeting whose people are all on their way between its
// rooms waits for them, with their rights; for five seconds.
func TestBreakoutRooms(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := open(t, "")
		run(t, r)
		focus := join(t, r, "focus", "auth.meet.jitsi", "focus", "")
		ann := join(t, r, "ann", "meet.jitsi", "1", "")
		say := func(p *peer, text string) {
			t.Helper()
			if err := p.say("%s", text); err != nil {
				t.Fatal(err)
			}
		}
		focus.enter("focus")
		ann.enter("ann")
		say(focus, `<iq to="demo@muc.meet.jitsi" type="set" id="g"><query xmlns="http://jabber.org/protocol/muc#admin"><item affiliation="owner" jid="ann@meet.jitsi"/></query></iq>`)
		say(ann, `<message to="breakout.meet.jitsi"><breakout_rooms type="features/breakout-rooms/add" subject="x"/></message>`)
		ann.hear()
		for range 3 { // of one list, though three things have changed
			say(ann, `<presence to="demo@muc.meet.jitsi/ann"><nick xmlns="http://jabber.org/protocol/nick">Ann</nick></presence>`)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := strings.Count(strings.Join(ann.hear(), "\n"), "features/breakout-rooms/update"); got != 1 {
			t.Errorf("Ann was told %d lists", got)
		}
		say(ann, `<presence type="unavailable" to="demo@muc.meet.jitsi/ann"/>`)
		say(focus, `<presence type="unavailable" to="demo@muc.meet.jitsi/focus"/>`)
		time.Sleep(4 * time.Second)
		synctest.Wait()
		focus.enter("focus")
		ann.enter("ann")
		if got := strings.Join(ann.hear(), "\n"); !strings.Contains(got, `affiliation="owner" role="moderator" jid="ann@meet.jitsi/1"`) {
			t.Errorf("Ann came back and was told\n%s", got)
		}
		time.Sleep(time.Minute)
		say(ann, `<presence type="unavailable" to="demo@muc.meet.jitsi/ann"/>`)
		say(focus, `<presence type="unavailable" to="demo@muc.meet.jitsi/focus"/>`)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if n := r.rooms.Rooms(); n != 0 {
			t.Errorf("%d rooms are left", n)
		}
	})
}
