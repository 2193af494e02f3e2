package router

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/google/go-cmp/cmp"
	"meetbox.local/signaling/internal/journal"
	"meetbox.local/signaling/internal/sm"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/internal/xmlscan"
)

// peer is a client without a socket.
type peer struct {
	t       testing.TB
	r       *Router
	s       *Session
	stopped string
	sc      *xmlscan.Scanner
	got     uint32 // stanzas, for the benchmarks
}

func (p *peer) Wake() {}

func (p *peer) Peer() string { return "192.0.2.1" }

// Reached implements Link.
func (p *peer) Reached() netip.Addr { return netip.Addr{} }

func (p *peer) Stop(condition string) { p.stopped = "stopped " + condition }

func open(t testing.TB, dir string) *Router {
	t.Helper()
	return openWith(t, dir, 64<<10)
}

func openWith(t testing.TB, dir string, queue int) *Router {
	t.Helper()
	r, err := Open(Options{
		Domain: "meet.jitsi", AuthDomain: "auth.meet.jitsi", MUC: "muc.meet.jitsi",
		InternalMUC: "internal-muc.meet.jitsi", Focus: "focus.meet.jitsi", FocusUser: "focus", QueueBytes: queue,
	}, dir, slog.New(slog.DiscardHandler), metrics.NewSet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func join(t testing.TB, r *Router, user, domain, resource, token string) *peer {
	t.Helper()
	p := &peer{t: t, r: r, sc: NewScanner()}
	var err error
	if p.s, err = r.Bind(Account{User: user, Domain: domain}, resource, p, sm.New(r.QueueBytes, p)); err != nil {
		t.Fatal(err)
	}
	if token != "" {
		if err := r.Enable(p.s, p, token, ""); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (p *peer) say(format string, args ...any) error {
	p.t.Helper()
	raw := fmt.Appendf(nil, format, args...)
	el, err := p.sc.Scan(raw)
	if err != nil {
		p.t.Fatalf("%s: %v", raw, err)
	}
	st, err := wire.Parse(raw, el)
	if err != nil {
		return p.r.Refuse(p.s, p, &st, err)
	}
	return p.r.Handle(p.s, p, &st)
}

// hear returns what the peer has been sent.
func (p *peer) hear() (out []string) {
	p.t.Helper()
	items, ok := p.s.Box.Take(p, nil)
	if !ok {
		p.t.Fatal("the session is not this peer's")
	}
	for _, it := range items {
		out = append(out, string(p.s.Box.Append(nil, it)))
	}
	return out
}

func (p *peer) enter(nick string) {
	p.t.Helper()
	if err := p.say(`<presence to="demo@muc.meet.jitsi/%s"><x xmlns="http://jabber.org/protocol/muc"><continue xmlns="https://meetbox.local/focus"/></x></presence>`, nick); err != nil {
		p.t.Fatal(err)
	}
}

// run runs the clock until the test ends.
func run(t *testing.T, r *Router) {
	done := make(chan error, 1)
	go func() { done <- r.Run(t.Context()) }()
	t.Cleanup(func() { <-done })
}

// TestHibernation: a session waits a minute for its client, its occupant with
// it, and then leaves like anybody.
func TestHibernation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := open(t, "")
		run(t, r)
		focus := join(t, r, "focus", "auth.meet.jitsi", "focus", "")
		ann := join(t, r, "ann", "meet.jitsi", "1", "token-a")
		bob := join(t, r, "bob", "meet.jitsi", "1", "token-b")
		focus.enter("focus")
		ann.enter("ann")
		bob.enter("bob")
		bob.hear()
		r.Detach(ann.s, ann, "lost", false)
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if got := bob.hear(); len(got) != 0 {
			t.Errorf("Bob heard %q while Ann was away", got)
		}
		back := &peer{t: t, r: r, sc: NewScanner()}
		var err error
		if back.s, err = r.Resume(Account{User: "ann", Domain: "meet.jitsi"}, "token-a", 0, back, func(uint32) string { return "<resumed/>" }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if got := bob.hear(); len(got) != 0 {
			t.Errorf("Bob heard %q though Ann is back", got)
		}
		r.Detach(back.s, back, "lost", false)
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if got := strings.Join(bob.hear(), " "); !strings.Contains(got, `from="demo@muc.meet.jitsi/ann" type="unavailable"`) {
			t.Errorf("Bob heard %q after Ann's minute", got)
		}
		if _, err := r.Resume(Account{User: "ann", Domain: "meet.jitsi"}, "token-a", 0, back, func(uint32) string { return "" }); !errors.Is(err, ErrNotFound) {
			t.Errorf("resume after the end: %v", err)
		}
	})
}

// TestPageClosed: who closes the page is gone in seconds.
func TestPageClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := open(t, "")
		run(t, r)
		focus := join(t, r, "focus", "auth.meet.jitsi", "focus", "")
		ann := join(t, r, "ann", "meet.jitsi", "1", "token-a")
		focus.enter("focus")
		ann.enter("ann")
		focus.hear()
		r.Detach(ann.s, ann, "page closed", true)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if got := strings.Join(focus.hear(), ""); !strings.Contains(got, `/ann" type="unavailable"`) {
			t.Errorf("after 6 s: %q", got)
		}
	})
}

// TestLinger: the focus' place is kept for 15 s, and no longer.
func TestLinger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := open(t, "")
		run(t, r)
		ann := join(t, r, "ann", "meet.jitsi", "1", "")
		for range 3 { // dying again and again
			focus := join(t, r, "focus", "auth.meet.jitsi", "focus", "")
			focus.enter("focus")
			if len(ann.hear()) == 0 {
				ann.enter("ann")
				ann.hear()
			}
			r.Detach(focus.s, focus, "lost", false)
			time.Sleep(14 * time.Second)
			synctest.Wait()
			if got := strings.Join(ann.hear(), ""); strings.Contains(got, "unavailable") {
				t.Fatalf("Ann sees the focus leave: %s", got)
			}
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := strings.Join(ann.hear(), ""); !strings.Contains(got, `from="demo@muc.meet.jitsi/focus" type="unavailable"`) {
			t.Errorf("Ann heard %q after the focus' time", got)
		}
	})
}

// TestFocusAway: what is asked of a focus that has died waits five seconds for
// the next one.
func TestFocusAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := open(t, "")
		run(t, r)
		ann := join(t, r, "ann", "meet.jitsi", "1", "")
		ask := func(id string) {
			t.Helper()
			if err := ann.say(`<iq to="focus.meet.jitsi" type="set" id="%s"><conference xmlns="http://jitsi.org/protocol/focus"/></iq>`, id); err != nil {
				t.Fatal(err)
			}
		}
		ask("never")
		if got := strings.Join(ann.hear(), ""); !strings.Contains(got, "service-unavailable") {
			t.Errorf("no focus yet: %q", got)
		}
		focus := join(t, r, "focus", "auth.meet.jitsi", "focus", "")
		r.Detach(focus.s, focus, "lost", false)
		ask("soon")
		time.Sleep(time.Second)
		synctest.Wait()
		focus = join(t, r, "focus", "auth.meet.jitsi", "focus", "")
		if err := focus.say("<presence/>"); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(focus.hear(), ""); !strings.Contains(got, `from="focus.meet.jitsi/ann@meet.jitsi/1" id="soon"`) {
			t.Errorf("the next focus gets %q", got)
		}
		r.Detach(focus.s, focus, "lost", false)
		ask("late")
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if got := ann.hear(); len(got) != 0 {
			t.Errorf("after 4 s: %q", got)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := strings.Join(ann.hear(), ""); !strings.Contains(got, `id="late" type="error"`) {
			t.Errorf("after 6 s: %q", got)
		}
	})
}

// TestSlowReader: who does not read is cut off; nobody waits for it.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	r := open(t, "")
	focus := join(t, r, "focus", "auth.meet.jitsi", "focus", "")
	slow := join(t, r, "slow", "meet.jitsi", "1", "")
	ann := join(t, r, "ann", "meet.jitsi", "1", "")
	focus.enter("focus")
	slow.enter("slow")
	ann.enter("ann")
	text := strings.Repeat("x", 1000)
	gone := ""
	for n := 0; n < 100 && slow.stopped == ""; n++ {
		if err := ann.say(`<message to="demo@muc.meet.jitsi" type="groupchat" id="%d"><body>%s</body></message>`, n, text); err != nil {
			t.Fatal(err)
		}
		gone = strings.Join(ann.hear(), "")
		focus.hear()
	}
	if slow.stopped != "stopped resource-constraint" || !strings.Contains(gone, `/slow" type="unavailable"`) {
		t.Errorf("slow: %q; Ann heard %.300s", slow.stopped, gone)
	}
	if err := slow.say(`<presence/>`); !errors.Is(err, ErrGone) {
		t.Errorf("after its end: %v", err)
	}
	if ann.stopped+focus.stopped != "" {
		t.Errorf("others: %q %q", ann.stopped, focus.stopped)
	}
}

// TestReplay: whatever has happened, the journal brings back the same sessions,
// rooms and queues, byte for byte, over snapshots too.
func TestReplay(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, 1))
			dir := t.TempDir()
			r := open(t, dir)
			r.rotateAt = 20 << 10
			peers := []*peer{join(t, r, "focus", "auth.meet.jitsi", "focus", "")}
			peers[0].enter("focus")
			for n := range 400 {
				p := peers[rnd.IntN(len(peers))]
				act(t, r, rnd, n, p, &peers)
			}
			r.begin(record{Kind: evExpire}) // takes pending acknowledgements along
			r.expired()
			want := stateOf(t, r)
			past, err := journal.Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			again := open(t, "")
			if _, err := again.replay(past); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, stateOf(t, again), spoken); d != "" {
				t.Errorf("replayed (-want +got):\n%s", d)
			}
		})
	}
}

// spoken allows for a wall clock that was set meanwhile: how long somebody has
// spoken is told by the monotonic one, which no journal can keep.
var spoken = cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Total" },
	cmp.Comparer(func(a, b int64) bool { return max(a, b)-min(a, b) < 1000 }))

// act does something at random.
func act(t *testing.T, r *Router, rnd *rand.Rand, n int, p *peer, peers *[]*peer) {
	t.Helper()
	nick := p.s.addr.Local()
	others := []string{"focus", "u1", "u2", "u3", "u4", "nobody"}
	to := others[rnd.IntN(len(others))]
	var err error
	switch rnd.IntN(25) {
	case 0, 1, 2:
		if len(*peers) < 12 {
			token := ""
			if rnd.IntN(4) > 0 {
				token = fmt.Sprint("token", n)
			}
			q := join(t, r, fmt.Sprint("u", n%9), "meet.jitsi", fmt.Sprint(n), token)
			*peers = append(*peers, q)
			q.enter(fmt.Sprint("u", n%9))
		}
	case 3:
		p.enter(nick)
	case 4:
		err = p.say(`<presence to="demo@muc.meet.jitsi/%s"><a xmlns="urn:a">%d</a></presence>`, nick, n)
	case 5:
		err = p.say(`<message to="demo@muc.meet.jitsi" type="groupchat" id="%d"><body>hi</body></message>`, n)
	case 6:
		err = p.say(`<message to="demo@muc.meet.jitsi" type="groupchat" id="%d"><subject>%d</subject></message>`, n, n)
	case 7:
		err = p.say(`<iq to="demo@muc.meet.jitsi/%s" type="set" id="%d"><jingle xmlns="urn:xmpp:jingle:1"/></iq>`, to, n)
	case 8:
		err = p.say(`<iq to="demo@muc.meet.jitsi" type="set" id="%d"><query xmlns="http://jabber.org/protocol/muc#admin"><item affiliation="owner" jid="%s@meet.jitsi"/></query></iq>`, n, to)
	case 9:
		err = p.say(`<iq to="demo@muc.meet.jitsi" type="set" id="%d"><query xmlns="http://jabber.org/protocol/muc#admin"><item role="none" nick="%s"/></query></iq>`, n, to)
	case 10:
		err = p.say(`<presence to="demo@muc.meet.jitsi/%s" type="unavailable"/>`, nick)
	case 11: // takes some, and says so
		p.hear()
		if p.s.counting {
			st := p.s.Box.State()
			if k := len(st.Unacked); k > 0 {
				err = r.Ack(p.s, st.Sent-uint32(rnd.IntN(k)))
			}
		}
	case 12:
		if p.s.rank == 1 {
			r.End(p.s, p, "", "closed")
		}
	case 14:
		err = p.say(`<iq to="focus.meet.jitsi" type="set" id="%d"><conference xmlns="http://jitsi.org/protocol/focus"/></iq>`, n)
	case 15:
		err = p.say(`<message to="avmoderation.meet.jitsi"><av_moderation enable="%t" mediaType="audio"/></message>`, rnd.IntN(3) > 0)
	case 16:
		err = p.say(`<message to="avmoderation.meet.jitsi"><av_moderation mediaType="audio" jidToWhitelist="demo@muc.meet.jitsi/%s"/></message>`, to)
	case 17:
		err = p.say(`<message to="metadata.meet.jitsi"><room_metadata xmlns="http://jitsi.org/jitmeet" room="demo@muc.meet.jitsi">{"key":"%s","data":%d}</room_metadata></message>`, to, n)
	case 18:
		err = p.say(`<message to="speakerstats.meet.jitsi"><speakerstats xmlns="http://jitsi.org/jitmeet" room="demo@muc.meet.jitsi" silence="%t"/></message>`, rnd.IntN(3) == 0)
		if err == nil {
			err = p.say(`<message to="polls.meet.jitsi"><json-message xmlns="http://jitsi.org/jitmeet">{"type":"polls","command":"new-poll","pollId":"%d","question":"?","answers":[{"name":"a"}]}</json-message></message>`, n%5)
		}
		if err == nil {
			err = p.say(`<message to="polls.meet.jitsi"><json-message xmlns="http://jitsi.org/jitmeet">{"type":"polls","command":"answer-poll","pollId":"%d","answers":[true]}</json-message></message>`, rnd.IntN(5))
		}
	case 19:
		err = p.say(`<iq to="demo@muc.meet.jitsi" type="set" id="%d"><query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit"><field var="muc#roomconfig_membersonly"><value>%t</value></field></x></query></iq>`, n, rnd.IntN(4) > 0)
	case 20:
		err = p.say(`<presence to="demo@lobby.meet.jitsi/%s"><x xmlns="http://jabber.org/protocol/muc"/><nick xmlns="http://jabber.org/protocol/nick">n</nick></presence>`, nick)
	case 21:
		err = p.say(`<message to="demo@muc.meet.jitsi"><x xmlns="http://jabber.org/protocol/muc#user"><invite to="%s@meet.jitsi"/></x></message>`, to)
	case 22:
		err = p.say(`<message to="breakout.meet.jitsi"><breakout_rooms type="features/breakout-rooms/add" subject="%d"/></message>`, n)
	case 23, 24:
		var known []string
		for id := range r.parts.Breakouts() {
			known = append(known, id)
		}
		slices.Sort(known)
		if len(known) == 0 {
			return
		}
		room := known[rnd.IntN(len(known))]
		switch rnd.IntN(4) {
		case 0:
			err = p.say(`<message to="breakout.meet.jitsi"><breakout_rooms type="features/breakout-rooms/remove" breakoutRoomJid="%s@breakout.meet.jitsi"/></message>`, room)
		default:
			err = p.say(`<presence to="%s@breakout.meet.jitsi/%s"><x xmlns="http://jabber.org/protocol/muc"/></presence>`, room, nick)
		}
	case 13:
		if rnd.IntN(3) == 0 && p.s.addr.Local() == "focus" { // dies and comes back
			r.Detach(p.s, p, "lost", false)
			(*peers)[0] = join(t, r, "focus", "auth.meet.jitsi", "focus", "")
			(*peers)[0].enter("focus")
		}
	}
	if err != nil && !errors.Is(err, ErrGone) {
		t.Fatal(err)
	}
	var alive []*peer
	for _, q := range *peers {
		if !q.s.ended {
			alive = append(alive, q)
		}
	}
	*peers = alive
}

// stateOf is what must be the same. Queues of sessions that nobody can resume
// are not kept, and acknowledgements may be a stanza late.
func stateOf(t *testing.T, r *Router) state {
	t.Helper()
	var st state
	if err := json.Unmarshal(r.snapshot(), &st); err != nil {
		t.Fatal(err)
	}
	for i := range st.Sessions {
		if st.Sessions[i].Token == "" {
			st.Sessions[i].Box = sm.State{}
		}
	}
	st.Event = 0
	return st
}
