package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"meetbox.local/appliance/kit/ctl"
	"meetbox.local/signaling/xmpp/convo"
)

// TestEventsOfAMeeting: who joined, was refused and why, and left, as the
// administrator reads it; a killed server has not forgotten.
func TestEventsOfAMeeting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	convo.PlayText(t, w, "events", `
focus: tcp focus
ann: websocket
bob: websocket
focus> <presence to="demo@muc.meet.jitsi/focus"><x xmlns="http://jabber.org/protocol/muc"/></presence>
focus< <presence from="demo@muc.meet.jitsi/focus"/>
focus< <message><subject/></message>
ann> <presence to="demo@muc.meet.jitsi/ann"><x xmlns="http://jabber.org/protocol/muc"/></presence>
ann<~ <presence from="demo@muc.meet.jitsi/ann"/>
bob> <presence to="demo@muc.meet.jitsi/ann"><x xmlns="http://jabber.org/protocol/muc"/></presence>
bob< <presence type="error"/>
ann> <presence to="demo@muc.meet.jitsi/ann" type="unavailable"/>
ann<~ <presence type="unavailable"/>
server: restart
`)
	b, err := ctl.Fetch(t.Context(), filepath.Join(w.dir, "ctl", "signaling.sock"), "/events?after=1")
	if err != nil {
		t.Fatal(err)
	}
	type event struct{ Event, Room, Endpoint, Condition, Reason string }
	var got []event
	for line := range bytes.Lines(b) {
		var e struct {
			event
			Meeting string
		}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if e.Endpoint == "ann" && e.Condition == "" && e.Meeting == "" {
			t.Errorf("%s lacks the meeting", line)
		}
		if e.Endpoint != "" {
			got = append(got, e.event)
		}
	}
	want := []event{
		{"participant joined", "demo@muc.meet.jitsi", "focus", "", ""},
		{"participant joined", "demo@muc.meet.jitsi", "ann", "", ""},
		{"join refused", "demo@muc.meet.jitsi", "ann", "conflict", ""},
		{"participant left", "demo@muc.meet.jitsi", "ann", "", "left"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
