package jitsimeet

import (
	"encoding/json"
	"encoding/xml"
	"testing"

	"github.com/google/go-cmp/cmp"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/xmpptest"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	yes := true
	xmpptest.RoundTrip(t, []xmpptest.Row{
		{
			Name: "conference",
			Value: &Conference{
				Room: "demo@muc.x", Ready: &yes, FocusJID: jid.MustParse("focus@auth.x"),
				Properties: []Property{{Name: "authentication", Value: "false"}},
			},
			Text: `<conference xmlns="http://jitsi.org/protocol/focus" room="demo@muc.x" ready="true" focusjid="focus@auth.x">` +
				`<property xmlns="http://jitsi.org/protocol/focus" name="authentication" value="false"></property></conference>`,
		},
		{
			Name:  "properties",
			Value: &ConferenceProperties{Properties: []ConferenceProperty{{Key: "bridge-count", Value: "1"}}},
			Text: `<conference-properties xmlns="http://jitsi.org/protocol/focus">` +
				`<property xmlns="http://jitsi.org/protocol/focus" key="bridge-count" value="1"></property></conference-properties>`,
		},
		{
			Name:  "mute",
			Value: &Mute{XMLName: xml.Name{Space: NSMuteVideo, Local: "mute"}, JID: jid.MustParse("r@muc.x/ann"), Value: "true"},
			Text:  `<mute xmlns="http://jitsi.org/jitmeet/video" jid="r@muc.x/ann">true</mute>`,
		},
		{
			Name:  "stats",
			Value: &Stats{Stats: []Stat{{Name: "drain", Value: "false"}}},
			Text:  `<stats xmlns="http://jitsi.org/protocol/colibri"><stat xmlns="http://jitsi.org/protocol/colibri" name="drain" value="false"></stat></stats>`,
		},
		{
			Name:  "version",
			Value: &Version{Name: "JVB", Version: "1"},
			Text:  `<query xmlns="jabber:iq:version"><name xmlns="jabber:iq:version">JVB</name><version xmlns="jabber:iq:version">1</version></query>`,
		},
		{Name: "health", Value: &HealthCheck{}, Text: `<healthcheck xmlns="http://jitsi.org/protocol/healthcheck"></healthcheck>`},
		{
			Name:  "versions",
			Value: &Versions{Components: []Component{{Name: "focus", Version: "1"}}},
			Text:  `<versions xmlns="http://jitsi.org/jitmeet"><component xmlns="http://jitsi.org/jitmeet" name="focus">1</component></versions>`,
		},
	})
	if !IsMute(xml.Name{Space: NSMuteAudio, Local: "mute"}) || IsMute(xml.Name{Space: NSMeet, Local: "mute"}) || !(Mute{Value: " True"}).On() {
		t.Error("IsMute or On is wrong")
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, text string
		value      Sources
	}{
		{"none", `{"sources":{"a":[]}}`, Sources{Owners: map[string]OwnerSources{"a": {}}}},
		{
			"audio only", `{"sources":{"a":[[],[],[{"s":3,"n":"a-a0","m":"x y"}]]}}`,
			Sources{Owners: map[string]OwnerSources{"a": {Audio: []CompactSource{{SSRC: 3, Name: "a-a0", MSID: "x y"}}}}},
		},
		{
			"all", `{"sources":{"a":[[{"s":1,"n":"a-v0","v":"d"},{"s":2}],[["f",1,2],["s",1,2]],[{"s":3}],[["f",3,4]]]}}`,
			Sources{Owners: map[string]OwnerSources{"a": {
				Video:       []CompactSource{{SSRC: 1, Name: "a-v0", Video: "d"}, {SSRC: 2}},
				VideoGroups: []CompactGroup{{'f', []uint32{1, 2}}, {'s', []uint32{1, 2}}},
				Audio:       []CompactSource{{SSRC: 3}}, AudioGroups: []CompactGroup{{'f', []uint32{3, 4}}},
			}}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b, err := json.Marshal(tc.value)
			if err != nil || string(b) != tc.text {
				t.Errorf("Marshal = %s, %v, want %s", b, err, tc.text)
			}
			var got Sources
			if err := json.Unmarshal([]byte(tc.text), &got); err != nil {
				t.Fatal(err)
			}
			again, err := json.Marshal(got)
			if err != nil || string(again) != tc.text {
				t.Errorf("read and written again: %s, %v, want %s", again, err, tc.text)
			}
		})
	}
}

func FuzzSources(f *testing.F) {
	f.Add(`{"sources":{"a":[[{"s":1,"n":"a-v0","v":"d"}],[["f",1,2]],[],[]]}}`)
	f.Add(`{"sources":{"a":null,"b":[null]}}`)
	f.Fuzz(func(t *testing.T, s string) {
		var v Sources
		if err := json.Unmarshal([]byte(s), &v); err != nil {
			return
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("Marshal(%q): %v", s, err)
		}
		var again Sources
		if err := json.Unmarshal(b, &again); err != nil {
			t.Fatalf("%q is written as %s: %v", s, b, err)
		}
		c, err := json.Marshal(again)
		if err != nil || string(b) != string(c) {
			t.Errorf("%q is not stable: %s", s, cmp.Diff(string(b), string(c)))
		}
	})
}
