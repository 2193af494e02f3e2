package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"meetbox.local/appliance/kit/takeup"
)

// door is what web does for a client whose connection it still has.
func (w *world) door(t *testing.T, header http.Header) (b browser, process string, status int) {
	t.Helper()
	c, resp, err := websocket.Dial(t.Context(), "ws://meet.jitsi/xmpp-websocket", &websocket.DialOptions{
		HTTPClient: w.client(), Subprotocols: []string{"xmpp"}, HTTPHeader: header,
	})
	if resp == nil {
		t.Fatal(err)
	}
	if err == nil {
		t.Cleanup(func() { _ = c.CloseNow() })
	}
	return browser{t, c}, resp.Header.Get(takeup.Process), resp.StatusCode
}

// TestTakeUp: a stream goes on with the next process on another connection of
// web's, and only there.
func TestTakeUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, first, _ := w.door(t, nil)
	address := ann.login()
	ann.send(`<enable xmlns="urn:xmpp:sm:3" resume="true"/>`)
	_, token, _ := strings.Cut(ann.next(), ` id="`)
	token, _, _ = strings.Cut(token, `"`)
	ping := func(id string) string {
		return `<iq xmlns="jabber:client" type="get" id="` + id + `" to="meet.jitsi"><ping xmlns="urn:xmpp:ping"/></iq>`
	}
	ann.send(ping("1"), ping("2"))
	ann.next()
	ann.next()
	header := http.Header{takeup.Process: {first}, takeup.Token: {token}, takeup.Sent: {"1"}}
	refused := func(want int, header http.Header) {
		t.Helper()
		if _, _, got := w.door(t, header); got != want {
			t.Errorf("%v: %d, want %d", header, got, want)
		}
	}
	refused(http.StatusConflict, header)
	refused(http.StatusGone, http.Header{takeup.Token: {token}}) // it has a connection

	w.Restart(t)
	refused(http.StatusGone, http.Header{takeup.Process: {first}, takeup.Token: {"nobody's"}, takeup.Sent: {"1"}})
	again, second, status := w.door(t, header)
	if status != http.StatusSwitchingProtocols || second == "" || second == first {
		t.Fatalf("%d from process %q after %q", status, second, first)
	}
	if got, want := again.next(), `<resumed xmlns="urn:xmpp:sm:3" h="2" previd="`+token+`"/>`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := again.next(); !strings.Contains(got, ` id="2"`) {
		t.Errorf("the second answer was not sent yet, and comes as %s", got)
	}
	again.send(ping("3"))
	if got := again.next(); !strings.Contains(got, ` id="3"`) || !strings.Contains(got, `to="`+address+`"`) {
		t.Errorf("goes on with %s", got)
	}
	refused(http.StatusGone, header) // it has a connection

	// Web was sure of one stanza, the client of none: nothing is lost.
	back := w.browser(t, "previd="+token)
	back.send(open, auth, open, `<resume xmlns="urn:xmpp:sm:3" h="0" previd="`+token+`"/>`)
	for range 5 {
		back.next()
	}
	back.next() // <resumed/>
	for _, id := range []string{"1", "2", "3"} {
		if got := back.next(); !strings.Contains(got, ` id="`+id+`"`) {
			t.Errorf("%s comes as %s", id, got)
		}
	}
}
