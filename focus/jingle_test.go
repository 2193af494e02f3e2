package main

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jingle"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/stanza"
)

// meet brings two peers into a meeting.
func meet(a, b *peer, room string) (offers [2]jingle.Jingle) {
	a.t.Helper()
	a.join(room)
	b.join(room)
	for i, p := range []*peer{a, b} {
		offers[i] = p.jingle(jingle.SessionInitiate)
		p.accept(offers[i])
	}
	return offers
}

// A client that has come to another network gets another way in its session;
// where the bridge has none to offer it gets another session.
func TestICERestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.bridge("b1")
	b.restarts = 1
	ann, bob := w.guest(1000, classicJSON()), w.guest(2000, classicJSON())
	offers := meet(ann, bob, "demo")
	restart := func(o jingle.Jingle) jingle.Jingle {
		return jingle.Jingle{Action: jingle.SessionInfo, SID: o.SID, BridgeSession: &jitsimeet.BridgeSession{ID: o.BridgeSession.ID, ICERestart: true}}
	}
	ann.refused("", ann.focus(), restart(offers[0]))
	info := ann.jingle(jingle.TransportInfo)
	if info.SID != offers[0].SID || len(info.Contents) != 1 || info.Contents[0].Transport == nil {
		t.Fatalf("ann is told %+v", info)
	}
	if tr := info.Contents[0].Transport; tr.ICEGeneration != "1" || tr.Ufrag != "again"+ann.nick() || tr.RTCPMux != nil {
		t.Errorf("ann is told of the transport %+v", tr)
	}
	ann.refused("", ann.focus(), jingle.Jingle{Action: jingle.TransportInfo, SID: offers[0].SID, Contents: []jingle.Content{
		{Name: "audio", Transport: &jingle.Transport{Ufrag: "new", Pwd: "new", ICEGeneration: "1"}},
	}})
	b.await("ann's answer", func() bool {
		e := b.endpoints()[ann.nick()]
		return e.Transport.ICE != nil && e.Transport.ICE.Ufrag == "new" && e.Transport.ICE.ICEGeneration == "1"
	})
	ann.refused(stanza.ResourceConstraint, ann.focus(), restart(offers[0])) // within five seconds

	bob.refused("", bob.focus(), restart(offers[1]))
	if end := bob.jingle(jingle.SessionTerminate); end.SID != offers[1].SID || end.Reason.Text != "moving" {
		t.Errorf("bob's session ended by %+v", end)
	}
	again := bob.jingle(jingle.SessionInitiate)
	bob.accept(again)
	bob.refused(stanza.Gone, bob.focus(), restart(offers[1]))
	ann.never("the end of her session", func(e stanza.Element) bool { return actionOf(e) == jingle.SessionTerminate })
}

// An older client says only that its transport failed, and gets another
// session for it.
func TestICEStateFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bridge("b1")
	ann, bob := w.guest(1000, classicJSON()), w.guest(2000, classicJSON())
	offers := meet(ann, bob, "demo")
	ann.refused("", ann.focus(), jingle.Jingle{
		Action: jingle.SessionInfo, SID: offers[0].SID,
		ICEState: &jitsimeet.ICEState{State: "failed"}, BridgeSession: &jitsimeet.BridgeSession{ID: offers[0].BridgeSession.ID},
	})
	if end := ann.jingle(jingle.SessionTerminate); end.SID != offers[0].SID {
		t.Errorf("ann's session ended by %+v", end)
	}
	again := ann.jingle(jingle.SessionInitiate)
	ann.accept(again)
	ann.refused("", ann.focus(), jingle.Jingle{Action: jingle.SessionInfo, SID: again.SID, ICEState: &jitsimeet.ICEState{State: "failed"}})
	ann.refused("", ann.focus(), jingle.Jingle{Action: jingle.SourceRemove, SID: again.SID}) // too soon: nothing came of it
}

// says is the presence of somebody with a camera and a microphone.
func (p *peer) says(audioMuted, videoMuted bool) {
	type sourceInfo struct {
		XMLName xml.Name `xml:"jabber:client SourceInfo"`
		Text    string   `xml:",chardata"`
	}
	p.send(stanza.Presence{To: p.occupant(), Children: p.encode(sourceInfo{
		Text: fmt.Sprintf(`{"%[1]s-a0":{"muted":%[2]t},"%[1]s-v0":{"muted":%[3]t}}`, p.nick(), audioMuted, videoMuted),
	})})
}

// awaitProperty waits until the focus shows a property in the room.
func (p *peer) awaitProperty(key, value string) {
	p.t.Helper()
	p.await(key+" "+value, func(e stanza.Element) bool {
		var s stanza.Presence
		if e.XMLName.Local != "presence" || e.Decode(&s) != nil || s.From != p.focus() {
			return false
		}
		c, err := stanza.Child[jitsimeet.ConferenceProperties](s.Children)
		if err != nil || c == nil {
			return false
		}
		for _, v := range c.Properties {
			if v.Key == key {
				return v.Value == value
			}
		}
		return false
	})
}

// Only so many may send, and clients know when they need not try.
func TestSenderLimits(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, map[string]any{"rules": map[string]any{"audio_senders": 2, "video_senders": 1}}, nil)
	b := w.bridge("b1")
	ann, bob, cy := w.guest(1000, classicJSON()), w.guest(2000, classicJSON()), w.guest(3000, classicJSON())
	offers := meet(ann, bob, "demo")
	if o := offers[1]; o.StartMuted == nil || o.StartMuted.Audio || !o.StartMuted.Video {
		t.Errorf("the second starts with %+v", o.StartMuted)
	}
	ann.says(false, false)
	ann.awaitProperty("video-limit-reached", "true")
	add := func(p *peer, sid string, ssrc uint32, name string) jingle.Jingle {
		return jingle.Jingle{Action: jingle.SourceAdd, SID: sid, Contents: []jingle.Content{{Name: "video", Description: &jingle.Description{
			Media: "video", Sources: []jingle.Source{{SSRC: ssrc, Name: p.nick() + name, VideoType: "desktop", Parameters: []jingle.SourceParameter{{Name: "msid", Value: fmt.Sprintf("s%d t", ssrc)}}}},
		}}}}
	}
	bob.refused(stanza.ResourceConstraint, bob.focus(), add(bob, offers[1].SID, 2500, "-v1"))
	ann.refused("", ann.focus(), add(ann, offers[0].SID, 1500, "-v1")) // she sends already
	b.await("ann's screen", func() bool { return len(names(b.endpoints()[ann.nick()])) == 3 })
	ann.says(false, true)
	ann.awaitProperty("video-limit-reached", "false")
	bob.refused("", bob.focus(), add(bob, offers[1].SID, 2500, "-v1"))
	bob.says(false, false)
	ann.awaitProperty("audio-limit-reached", "true")
	cy.join("demo")
	if o := cy.jingle(jingle.SessionInitiate); o.StartMuted == nil || !o.StartMuted.Audio || !o.StartMuted.Video {
		t.Errorf("the third starts with %+v", o.StartMuted)
	}
	ann.never("an error that is not hers", func(e stanza.Element) bool { return strings.Contains(string(e.Inner), "resource-constraint") })
}

// A room has rules of its own, within the box's: a moderator says them.
func TestRoomRules(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, map[string]any{"rules": map[string]any{"codecs": []string{"VP9", "VP8", "H264"}, "last_n": 20, "video_senders": 5}}, nil)
	b := w.bridge("b1")
	ann, bob := w.guest(1000, classicJSON()), w.guest(2000, classicJSON())
	ann.join("demo")
	ann.awaitModerator(ann.occupant())
	type metadata struct {
		XMLName xml.Name `xml:"http://jitsi.org/jitmeet room_metadata"`
		Room    string   `xml:"room,attr"`
		Text    string   `xml:",chardata"`
	}
	ann.send(stanza.Message{To: jid.MustParse("metadata.meet.jitsi"), Children: ann.encode(metadata{
		Room: ann.room.String(), Text: `{"key":"conference","data":{"codecs":["h264","av1","vp8"],"lastN":3,"videoSenders":50,"startAudioMuted":1}}`,
	})})
	ann.await("the new settings", func(e stanza.Element) bool {
		return e.XMLName.Local == "message" && e.Attribute("from") == "metadata.meet.jitsi"
	})
	bob.join("demo")
	for _, p := range []*peer{ann, bob} {
		o := p.jingle(jingle.SessionInitiate)
		var codecs []string
		for _, t := range o.Contents[1].Description.PayloadTypes {
			if t.Name != "rtx" {
				codecs = append(codecs, t.Name)
			}
		}
		if got := strings.Join(codecs, " "); got != "H264 VP8" {
			t.Errorf("offered %s", got)
		}
		if muted := o.StartMuted != nil && o.StartMuted.Audio; muted != (p == bob) {
			t.Errorf("%s starts with %+v", p.nick(), o.StartMuted)
		}
		p.accept(o) // asks for seven videos
	}
	b.await("what the room allows", func() bool {
		e := b.endpoints()[bob.nick()]
		return e != nil && e.InitialLastN != nil && e.InitialLastN.Value == 3
	})
}
