package router

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"meetbox.local/signaling/internal/journal"
	"meetbox.local/signaling/internal/sm"
)

// guest is a client from an address of its own.
type guest struct {
	*peer
	from string
}

func (g *guest) Peer() string { return g.from }

func (g *guest) Wake() {}

func visit(t *testing.T, r *Router, user, from string) *guest {
	t.Helper()
	g := &guest{&peer{t: t, r: r, sc: NewScanner()}, from}
	var err error
	if g.s, err = r.Bind(Account{User: user, Domain: "meet.jitsi"}, "1", g.peer, sm.New(r.QueueBytes, g.peer)); err != nil {
		t.Fatal(err)
	}
	g.s.peer = from // the peer below has another
	return g
}

// knock asks to be let in and returns the condition of the answer, "in" for none.
func (g *guest) knock(password string) string {
	g.t.Helper()
	if err := g.say(`<presence to="demo@muc.meet.jitsi/%s"><x xmlns="http://jabber.org/protocol/muc"><password>%s</password></x></presence>`, g.s.addr.Local(), password); err != nil {
		g.t.Fatal(err)
	}
	heard := slices.DeleteFunc(g.hear(), func(s string) bool { return !strings.HasPrefix(s, "<presence") })
	if len(heard) == 0 {
		g.t.Fatal("no answer")
	}
	last := heard[len(heard)-1]
	for _, c := range []string{"not-authorized", "policy-violation"} {
		if strings.Contains(last, "<"+c) {
			return c
		}
	}
	if slices.ContainsFunc(heard, func(s string) bool { return strings.Contains(s, `code="110"`) }) {
		return "in"
	}
	g.t.Fatalf("%.300s", last)
	return ""
}

// TestGuessedPassword: who guesses a meeting's password is slowed down, even if
// the next one is right; others are let in at once, and the journal agrees.
func TestGuessedPassword(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := open(t, dir)
	focus := join(t, r, "focus", "auth.meet.jitsi", "focus", "")
	focus.enter("focus")
	ann := visit(t, r, "ann", "198.51.100.1")
	ann.enter("ann")
	for _, text := range []string{
		`<iq type="set" to="demo@muc.meet.jitsi" id="1"><query xmlns="http://jabber.org/protocol/muc#admin"><item affiliation="owner" jid="ann@meet.jitsi"/></query></iq>`,
		`<iq type="set" to="demo@muc.meet.jitsi" id="2"><query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>http://jabber.org/protocol/muc#roomconfig</value></field><field var="muc#roomconfig_roomsecret"><value>sesame</value></field></x></query></iq>`,
	} {
		if err := focus.say("%s", text); err != nil {
			t.Fatal(err)
		}
	}
	eve := visit(t, r, "eve", "192.0.2.66")
	if err := r.Enable(eve.s, eve.peer, "token-eve", ""); err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		if got := eve.knock(fmt.Sprint(i)); got != "not-authorized" {
			t.Fatalf("guess %d: %s", i, got)
		}
	}
	if got := eve.knock("sesame"); got != "policy-violation" {
		t.Errorf("the right one after six: %s", got)
	}
	again := visit(t, r, "eva", "192.0.2.66")
	if got := again.knock("sesame"); got != "policy-violation" {
		t.Errorf("a new session at the same address: %s", got)
	}
	if got := visit(t, r, "bob", "192.0.2.67").knock("sesame"); got != "in" {
		t.Errorf("somebody else: %s", got)
	}
	// Whom no password is asked of does not wait for who guesses at the same address.
	near := visit(t, r, "ann", "192.0.2.66")
	if got := near.knock("of another meeting"); got != "in" {
		t.Errorf("the owner, next to who guesses: %s", got)
	}
	// Without a password the room asks for one, however often.
	if err := eve.say(`<presence to="demo@muc.meet.jitsi/eve"><x xmlns="http://jabber.org/protocol/muc"/></presence>`); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(eve.hear(), ""); !strings.Contains(got, "not-authorized") {
		t.Errorf("without a password: %q", got)
	}
	r.begin(record{Kind: evExpire})
	r.expired()
	want := stateOf(t, r)
	past, err := journal.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	later := open(t, "")
	if _, err := later.replay(past); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, stateOf(t, later), spoken); d != "" {
		t.Errorf("replayed (-want +got):\n%s", d)
	}
}
