package conference

import (
	"encoding/json"
	"encoding/xml"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metrics"
	"github.com/google/go-cmp/cmp"
	"meetbox.local/focus/internal/brewery"
	"meetbox.local/focus/internal/offer"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/stanza"
)

// quiet is a focus with one conference of two, whom nobody hears.
func quiet(tb testing.TB) (*Focus, *Conference) {
	tb.Helper()
	dir, err := os.OpenRoot(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { dir.Close() })
	log := slog.New(slog.DiscardHandler)
	f := New(nil, dir, log, metrics.NewSet())
	b, err := brewery.New(jvb.Bare(), nil, brewery.Events{}, log, metrics.NewSet())
	if err != nil {
		tb.Fatal(err)
	}
	f.Use(b)
	c := newConference(f, room, self)
	c.state = ready
	features := offer.Unknown()
	for _, nick := range []string{"ann", "bob"} {
		c.members[nick] = &member{nick: nick, jid: jid.MustParse(nick + "@x/r"), present: true, features: &features, done: true, session: &session{sid: "s", phase: offered}}
	}
	f.rooms[room] = c
	return f, c
}

// FuzzPresence: what one occupant shows of itself is about itself. The others
// keep their sessions, and the room's rules change only by a moderator.
func FuzzPresence(f *testing.F) {
	f.Add(`<x xmlns="http://jabber.org/protocol/muc#user"><item affiliation="owner" role="moderator" jid="ann@x/r"/></x><startmuted xmlns="http://jitsi.org/jitmeet/start-muted" audio="true"/>`)
	f.Add(`<SourceInfo>{"ann-a0":{"muted":false}}</SourceInfo><c xmlns="http://jabber.org/protocol/caps" ver="v"/><stats-id>x</stats-id>`)
	f.Fuzz(func(t *testing.T, s string) {
		var p stanza.Presence
		if xml.Unmarshal([]byte(`<presence xmlns="jabber:client">`+s+`</presence>`), &p) != nil {
			return
		}
		_, c := quiet(t)
		bob := *c.members["bob"]
		p.From = jid.MustParse(room.String() + "/ann")
		c.presence(p)
		if got := c.members["bob"]; got == nil || got.session != bob.session || got.role != bob.role || got.sends != bob.sends {
			t.Errorf("bob is %+v after %s", got, s)
		}
		if c.policy != (jitsimeet.StartMuted{}) && !strings.Contains(s, "moderator") {
			t.Errorf("a participant ordered %+v by %s", c.policy, s)
		}
	})
}

// FuzzPush: whatever a component says, what is kept of it makes sense, and
// another room's news change nothing here.
func FuzzPush(f *testing.F) {
	f.Add(`{"type":"av_moderation","room":"demo@muc.x","enabled":true,"mediaType":"audio","actor":"demo@muc.x/ann"}`)
	f.Add(`{"type":"av_moderation","room":"demo@muc.x","whitelists":{"audio":["demo@muc.x/bob","@"]}}`)
	f.Add(`{"type":"room_metadata","room":"demo@muc.x","metadata":{"startMuted":{"audio":true},"conference":{"codecs":["vp9"],"lastN":-3}}}`)
	f.Fuzz(func(t *testing.T, s string) {
		focus, c := quiet(t)
		children, err := stanza.Encode(jitsimeet.JSONMessage{Text: s})
		if err != nil {
			return
		}
		focus.Message(stanza.Message{Children: children})
		for _, post := range c.box.take() {
			post()
		}
		for medium := range c.moderation {
			if !slices.Contains([]string{"audio", "video", "desktop"}, medium) {
				t.Errorf("%s moderates %q", s, medium)
			}
		}
		if err := c.rules().Validate(); err != nil {
			t.Errorf("%s makes the rules %+v: %v", s, c.rules(), err)
		}
		changed := len(c.moderation) > 0 || c.policy != (jitsimeet.StartMuted{}) || !cmp.Equal(c.own, roomRules{})
		var p push
		if changed && (json.Unmarshal([]byte(s), &p) != nil || p.Room != room) {
			t.Errorf("%s changes another room", s)
		}
	})
}

// FuzzSnapshot: a snapshot is read or refused, and what was read is written
// the same way.
func FuzzSnapshot(f *testing.F) {
	_, c := quiet(f)
	c.own.Codecs = []string{"VP8"}
	if err := c.save(); err != nil {
		f.Fatal(err)
	}
	seed, err := c.f.dir.ReadFile(c.file())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{"room":"demo@muc.x","members":[{"nick":"a","sources":{"sources":[{"ssrc":1}]},"session":{"phase":9}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		focus, _ := quiet(t)
		const name = "x" + suffix
		if err := focus.dir.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := focus.read(name)
		if err != nil {
			return
		}
		texts := make([]string, 2)
		for i := range texts {
			if err := c.save(); err != nil {
				t.Fatal(err)
			}
			out, err := focus.dir.ReadFile(c.file())
			if err != nil {
				t.Fatal(err)
			}
			texts[i] = string(out)
			if c, err = focus.read(c.file()); err != nil {
				t.Fatalf("%s was written as %s, which is refused: %v", b, out, err)
			}
		}
		if d := cmp.Diff(texts[0], texts[1]); d != "" {
			t.Errorf("%s is not stable:\n%s", b, d)
		}
	})
}
