package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"meetbox.local/appliance/kit/ctl"
	"meetbox.local/focus/internal/sources"
	"meetbox.local/signaling/xmpp/colibri2"
	"meetbox.local/signaling/xmpp/jingle"
	"meetbox.local/signaling/xmpp/jitsimeet"
	mucx "meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

// sourcesOf reads the JSON of an offer or a change.
func sourcesOf(t *testing.T, j jingle.Jingle) map[string]sources.Set {
	t.Helper()
	if j.JSON == nil {
		t.Fatalf("no json-message in %+v", j)
	}
	all, err := sources.FromCompact(j.JSON.Text)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func ssrcs(s sources.Set) []uint32 {
	var out []uint32
	for _, x := range s.Sources {
		out = append(out, x.SSRC)
	}
	slices.Sort(out)
	return out
}

func leaves(nick string) func(stanza.Element) bool {
	return func(e stanza.Element) bool {
		return e.XMLName.Local == "presence" && e.Attribute("type") == stanza.Unavailable && strings.HasSuffix(e.Attribute("from"), "/"+nick)
	}
}

// A whole conference: three kinds of clients, everything they may ask, and
// the end.
func TestConference(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.bridge("b1")
	ann := w.guest(1000, classicJSON())
	bob := w.guest(2000, classicXML())
	cy := w.guest(3000, rewriting())

	ann.join("demo")
	ann.await("being made a moderator", func(e stanza.Element) bool {
		var p stanza.Presence
		if e.XMLName.Local != "presence" || e.Decode(&p) != nil || p.From != ann.occupant() {
			return false
		}
		x, err := stanza.Child[mucx.User](p.Children)
		return err == nil && x != nil && len(x.Items) > 0 && x.Items[0].Role == mucx.Moderator && x.Items[0].Affiliation == mucx.Owner
	})
	ann.never("a session for one alone", func(e stanza.Element) bool { return actionOf(e) == jingle.SessionInitiate })
	bob.join("demo")

	// Both are invited, each in its way.
	annOffer, bobOffer := ann.jingle(jingle.SessionInitiate), bob.jingle(jingle.SessionInitiate)
	// The bridge is told where each of them came in, and clients are not.
	for _, p := range []*peer{ann, bob} {
		if got := b.endpoints()[p.nick()].Transport.Reached; got != reached {
			t.Errorf("%s has come in at %q, says the focus", p.nick(), got)
		}
		p.never("the address that somebody came in at", func(e stanza.Element) bool { return bytes.Contains(e.Inner, []byte("<reached")) })
	}
	if got := ssrcs(sourcesOf(t, annOffer)["jvb"]); !slices.Equal(got, []uint32{900000001, 900000002}) {
		t.Errorf("ann's offer has the bridge's sources %v", got)
	}
	if len(annOffer.Contents) != 3 || annOffer.Contents[2].Transport.SCTPMap == nil || annOffer.BridgeSession == nil || annOffer.Initiator != "focus@auth.meet.jitsi/focus" {
		t.Errorf("ann's offer: %+v", annOffer)
	}
	if len(bobOffer.Contents) != 2 || len(bobOffer.Contents[0].Transport.WebSockets) != 1 || bobOffer.JSON != nil {
		t.Errorf("bob's offer: %+v", bobOffer)
	}
	list, _ := bobOffer.Contents[0].AllSources()
	if len(list) != 1 || list[0].Info == nil || list[0].Info.Owner != "jvb" || list[0].Parameter("msid") == "" {
		t.Errorf("bob's offer names the sources %+v", list)
	}

	// What was accepted reaches the bridge and the other.
	ann.accept(annOffer)
	b.await("ann's sources", func() bool {
		e := b.endpoints()[ann.nick()]
		return len(names(e)) == 2 && e.Transport.ICE != nil && e.Transport.ICE.Ufrag == "of"+ann.nick() && e.InitialLastN != nil && e.InitialLastN.Value == 7
	})
	bob.accept(bobOffer)
	added := bob.jingle(jingle.SourceAdd)
	var owners []string
	for _, c := range added.Contents {
		l, _ := c.AllSources()
		for _, s := range l {
			owners = append(owners, s.Info.Owner)
		}
	}
	if !slices.Equal(owners, []string{ann.nick(), ann.nick(), ann.nick()}) {
		t.Errorf("bob is told of sources of %v", owners)
	}
	if got := ssrcs(sourcesOf(t, ann.jingle(jingle.SourceAdd))[bob.nick()]); !slices.Equal(got, []uint32{2000, 2001, 2010}) {
		t.Errorf("ann is told of bob's %v", got)
	}

	// One who learns SSRCs from the bridge is told of nobody.
	cy.join("demo")
	cyOffer := cy.jingle(jingle.SessionInitiate)
	if got := sourcesOf(t, cyOffer); len(got) != 1 {
		t.Errorf("cy's offer has sources of %v", got)
	}
	cy.accept(cyOffer)
	if got := sourcesOf(t, ann.jingle(jingle.SourceAdd)); len(got[cy.nick()].Sources) != 3 {
		t.Errorf("ann is told of %v", got)
	}

	changes(t, b, ann, cy, annOffer)
	restarts(t, b, ann, cy, cyOffer)

	// Leaving takes the endpoint with it; the last one takes the conference.
	bob.leave()
	b.await("bob's end", func() bool { return b.endpoints()[bob.nick()] == nil })
	ann.never("a source-remove for one who left", func(e stanza.Element) bool {
		return actionOf(e) == jingle.SourceRemove && bytes.Contains(e.Inner, []byte(bob.nick()))
	})
	cy.leave()
	ann.leave()
	b.await("the end", func() bool { return len(b.conferences) == 0 })

	// And the room may begin again.
	ann.join("demo")
	bob.join("demo")
	ann.jingle(jingle.SessionInitiate)
}

// changes adds and removes a screen.
func changes(t *testing.T, b *bridge, ann, cy *peer, annOffer jingle.Jingle) {
	screen := func(a jingle.Action) jingle.Jingle {
		return jingle.Jingle{Action: a, SID: annOffer.SID, Contents: []jingle.Content{{Name: "video", Description: &jingle.Description{
			Media: "video", Sources: []jingle.Source{{SSRC: 1500, Name: ann.nick() + "-v1", VideoType: "desktop", Parameters: []jingle.SourceParameter{{Name: "msid", Value: "d1 d2"}}}},
		}}}}
	}
	ann.refused("", ann.focus(), screen(jingle.SourceAdd))
	b.await("ann's screen", func() bool { return len(names(b.endpoints()[ann.nick()])) == 3 })
	ann.refused("", ann.focus(), screen(jingle.SourceRemove))
	b.await("the end of ann's screen", func() bool { return len(names(b.endpoints()[ann.nick()])) == 2 })
	ann.refused(stanza.BadRequest, ann.focus(), screen(jingle.SourceRemove))
	cy.never("others' sources", func(e stanza.Element) bool {
		return actionOf(e) == jingle.SourceAdd || actionOf(e) == jingle.SourceRemove
	})
}

// restarts gives a client whose transport broke a new session, but not
// without end.
func restarts(t *testing.T, b *bridge, ann, cy *peer, cyOffer jingle.Jingle) {
	broken := func(offer jingle.Jingle) jingle.Jingle {
		return jingle.Jingle{
			Action: jingle.SessionTerminate, SID: offer.SID,
			Reason:        &jingle.Reason{Condition: jingle.ReasonConnectivityError, Text: "ICE FAILED"},
			BridgeSession: &jitsimeet.BridgeSession{ID: offer.BridgeSession.ID, Restart: true},
		}
	}
	cy.refused("", cy.focus(), broken(cyOffer))
	again := cy.jingle(jingle.SessionInitiate)
	if again.SID == cyOffer.SID {
		t.Error("the new session has the old sid")
	}
	if got := sourcesOf(t, ann.jingle(jingle.SourceRemove)); len(got[cy.nick()].Sources) != 3 {
		t.Errorf("ann is told that %v went", got)
	}
	cy.refused(stanza.Gone, cy.focus(), jingle.Jingle{Action: jingle.SourceAdd, SID: cyOffer.SID})
	cy.accept(again)
	if got := sourcesOf(t, ann.jingle(jingle.SourceAdd)); len(got[cy.nick()].Sources) != 3 {
		t.Errorf("ann is told that %v came", got)
	}
	b.await("cy's sources", func() bool { return len(names(b.endpoints()[cy.nick()])) == 2 })
	cy.refused(stanza.ResourceConstraint, cy.focus(), broken(again)) // within five seconds: it only ends
	b.await("cy's end", func() bool { return b.endpoints()[cy.nick()] == nil })
	cy.refused(stanza.Gone, cy.focus(), broken(again))
}

// A bridge that dies is missed, and replaced as soon as there is another.
func TestBridgeLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.bridge("b1")
	ann, bob := w.guest(1000, classicJSON()), w.guest(2000, rewriting())
	ann.join("demo")
	bob.join("demo")
	offers := []jingle.Jingle{ann.jingle(jingle.SessionInitiate), bob.jingle(jingle.SessionInitiate)}
	ann.accept(offers[0])
	bob.accept(offers[1])
	b.await("both", func() bool { return len(b.endpoints()) == 2 })
	b.stop()
	ann.await("word that there is no bridge", func(e stanza.Element) bool {
		return e.XMLName.Local == "presence" && strings.Contains(string(e.Inner), "bridgeNotAvailable")
	})
	next := w.bridge("b2")
	for i, p := range []*peer{ann, bob} {
		end := p.jingle(jingle.SessionTerminate)
		if end.SID != offers[i].SID || end.Reason == nil || end.Reason.Condition != jingle.ReasonSuccess || end.Reason.Text != "moving" {
			t.Errorf("%s: session ended by %+v", p.nick(), end)
		}
		p.accept(p.jingle(jingle.SessionInitiate))
	}
	next.await("both", func() bool {
		e := next.endpoints()
		return len(names(e[ann.nick()])) == 2 && len(names(e[bob.nick()])) == 2
	})

	// A bridge that forgot the conference is told again.
	next.mu.Lock()
	clear(next.conferences)
	next.mu.Unlock()
	ann.refused("", ann.focus(), jingle.Jingle{Action: jingle.TransportInfo, SID: lastSID(t, ann), Contents: []jingle.Content{{Name: "audio", Transport: &jingle.Transport{Ufrag: "n", Pwd: "n"}}}})
	ann.accept(ann.jingle(jingle.SessionInitiate))
	bob.accept(bob.jingle(jingle.SessionInitiate))
	next.await("both again", func() bool { return len(next.endpoints()) == 2 })
}

// lastSID is that of the last offer a peer got.
func lastSID(t *testing.T, p *peer) string {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range slices.Backward(p.seen) {
		if actionOf(e) == jingle.SessionInitiate {
			var q stanza.IQ
			if err := e.Decode(&q); err != nil {
				t.Fatal(err)
			}
			return q.Payload().Attribute("sid")
		}
	}
	t.Fatal("no offer")
	return ""
}

// A focus that is killed goes on where it was: nobody in the meeting notices.
func TestFocusKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.bridge("b1")
	ann, bob, cy := w.guest(1000, classicJSON()), w.guest(2000, classicJSON()), w.guest(3000, classicJSON())
	for _, p := range []*peer{ann, bob, cy} {
		p.join("demo")
	}
	for _, p := range []*peer{ann, bob, cy} {
		p.accept(p.jingle(jingle.SessionInitiate))
	}
	b.await("three", func() bool { return len(b.endpoints()) == 3 && len(names(b.endpoints()[cy.nick()])) == 2 })
	b.mu.Lock()
	before := len(b.requests)
	b.mu.Unlock()

	w.focus.kill()
	cy.leave() // while nobody looks
	w.focus.start()
	b.await("cy's end", func() bool { return b.endpoints()[cy.nick()] == nil })
	b.await("a look at the sessions", func() bool {
		return slices.ContainsFunc(b.requests[before:], func(m colibri2.Modify) bool { return len(m.Endpoints) == 1 && m.Endpoints[0].ID == ann.nick() })
	})

	// The old sessions go on, and a newcomer is told of their sources.
	screen := ann.content("video", 1700)
	screen.Description.Sources = screen.Description.Sources[:1]
	screen.Description.Groups = nil
	screen.Description.Sources[0].Name = ann.nick() + "-v1"
	screen.Description.Sources[0].Parameters[0].Value = "screen of-ann"
	ann.refused("", ann.focus(), jingle.Jingle{Action: jingle.SourceAdd, SID: lastSID(t, ann), Contents: []jingle.Content{screen}})
	bob.await("ann's screen", func(e stanza.Element) bool {
		return actionOf(e) == jingle.SourceAdd && bytes.Contains(e.Inner, []byte("1700"))
	})
	dan := w.guest(4000, classicJSON())
	dan.join("demo")
	offer := sourcesOf(t, dan.jingle(jingle.SessionInitiate))
	if len(offer[ann.nick()].Sources) != 4 || len(offer[bob.nick()].Sources) != 3 || len(offer) != 3 {
		t.Errorf("the newcomer is told of %v", offer)
	}
	for _, p := range []*peer{ann, bob} {
		p.never("the focus's leave", leaves("focus"))
		p.never("the end of a session", func(e stanza.Element) bool { return actionOf(e) == jingle.SessionTerminate })
	}
}

// Signaling that is killed takes nobody's session along.
func TestSignalingKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.bridge("b1")
	ann, bob := w.guest(1000, classicJSON()), w.guest(2000, classicJSON())
	for _, p := range []*peer{ann, bob} {
		p.join("demo")
	}
	for _, p := range []*peer{ann, bob} {
		p.accept(p.jingle(jingle.SessionInitiate))
	}
	b.await("both", func() bool {
		return len(names(b.endpoints()[ann.nick()])) == 2 && len(names(b.endpoints()[bob.nick()])) == 2
	})
	b.mu.Lock()
	before := len(b.requests)
	b.mu.Unlock()
	w.signaling.kill()
	w.signaling.start()
	b.await("a look at the sessions", func() bool {
		return slices.ContainsFunc(b.requests[before:], func(m colibri2.Modify) bool { return len(m.Endpoints) == 1 && m.Endpoints[0].ID == ann.nick() })
	})
	cy := w.guest(3000, classicJSON())
	cy.join("demo")
	offer := sourcesOf(t, cy.jingle(jingle.SessionInitiate))
	if len(offer[ann.nick()].Sources) != 3 || len(offer[bob.nick()].Sources) != 3 {
		t.Errorf("the newcomer is told of %v", offer)
	}
	for _, p := range []*peer{ann, bob} {
		p.never("the end of a session", func(e stanza.Element) bool { return actionOf(e) == jingle.SessionTerminate })
	}
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.guest(1, classicJSON()).join("warm") // everything runs
	c := ctl.Client(w.path("focus.sock"))
	post := func(method, body string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://focus/conference-request/v1?room=demo", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		a, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		b, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		return a, string(b)
	}
	a, body := post("POST", `{"room":"demo@`+mucDomain+`","machineUid":"x","properties":{"startAudioMuted":10,"rtcstatsEnabled":false}}`)
	var got struct {
		Room, FocusJid string
		Ready          bool
		Properties     map[string]string
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || !got.Ready || got.FocusJid != "focus@auth.meet.jitsi" || got.Properties["live"] != "true" || got.Room != "demo@"+mucDomain {
		t.Errorf("answer %s, %v", body, err)
	}
	if a.Header.Get("Access-Control-Allow-Origin") != "*" || a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", a.Header)
	}
	if a, _ := post("OPTIONS", ""); a.StatusCode != http.StatusNoContent || !strings.Contains(a.Header.Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("OPTIONS: %d %v", a.StatusCode, a.Header)
	}
	for _, bad := range []string{"", "{", `{"room":""}`, `{"room":"x@elsewhere"}`, `{"room":"demo@` + mucDomain + `/x"}`, `{"room":` + strings.Repeat(" ", 100<<10) + `"x"}`} {
		if a, body := post("POST", bad); a.StatusCode != http.StatusBadRequest {
			t.Errorf("POST %.40q: %d %s", bad, a.StatusCode, body)
		}
	}
	if a, _ := post("GET", ""); a.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", a.StatusCode)
	}
}

// Where only people who log in begin meetings, a stranger's request by HTTP is
// told so; one with a token is for the room to judge.
func TestHTTPLogin(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, nil, map[string]any{"rooms": map[string]any{"create": "listed", "listed": []string{"hall"}}})
	c := ctl.Client(w.path("focus.sock"))
	post := func(room, token string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://focus/conference-request/v1", strings.NewReader(`{"room":"`+room+`@`+mucDomain+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		a, err := c.Do(r)
		if err != nil {
			return 0
		}
		defer a.Body.Close()
		var v struct{ Ready bool }
		if a.StatusCode == http.StatusOK && (json.NewDecoder(a.Body).Decode(&v) != nil || !v.Ready) {
			return 0
		}
		return a.StatusCode
	}
	deadline := time.Now().Add(patience)
	for post("hall", "") != http.StatusOK { // anybody may begin this one
		if time.Now().After(deadline) {
			t.Fatal("no conference")
		}
	}
	if got := post("demo", ""); got != http.StatusForbidden {
		t.Errorf("a stranger is answered %d", got)
	}
	if got := post("demo", "token"); got != http.StatusOK {
		t.Errorf("somebody with a token is answered %d", got)
	}
}

func xmlName(space, local string) xml.Name { return xml.Name{Space: space, Local: local} }
