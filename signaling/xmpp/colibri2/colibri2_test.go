package colibri2

import (
	"encoding/xml"
	"testing"

	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jingle"
	"meetbox.local/signaling/xmpp/xmpptest"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	no := false
	xmpptest.RoundTrip(t, []xmpptest.Row{
		{
			Name: "create",
			Value: &Modify{
				MeetingID: "m", Name: jid.MustParse("r@muc.x"), Create: true, RTCStats: &no,
				Endpoints: []Endpoint{{
					ID: "ab", Create: true, StatsID: "Quiet-Fox",
					Capabilities: []Capability{{Name: SourceNames}},
					Media: []Media{{
						Type:         "audio",
						PayloadTypes: []jingle.PayloadType{{ID: 111, Name: "opus", ClockRate: 48000, Channels: 2}},
						AllowMixed:   &jingle.AllowMixed{},
					}},
					Transport: &Transport{ICEControlling: true, SCTP: &SCTP{}},
					Sources:   &Sources{},
				}},
			},
			Text: `<conference-modify xmlns="jitsi:colibri2" meeting-id="m" name="r@muc.x" create="true" rtcstats-enabled="false">` +
				`<endpoint xmlns="jitsi:colibri2" id="ab" create="true" stats-id="Quiet-Fox">` +
				`<capability xmlns="jitsi:colibri2" name="source-names"></capability>` +
				`<media xmlns="jitsi:colibri2" type="audio"><payload-type xmlns="urn:xmpp:jingle:apps:rtp:1" id="111" name="opus" clockrate="48000" channels="2"></payload-type>` +
				`<extmap-allow-mixed xmlns="urn:xmpp:jingle:apps:rtp:rtp-hdrext:0"></extmap-allow-mixed></media>` +
				`<transport xmlns="jitsi:colibri2" ice-controlling="true"><sctp xmlns="jitsi:colibri2"></sctp></transport>` +
				`<sources xmlns="jitsi:colibri2"></sources></endpoint></conference-modify>`,
			Also: []string{`<conference-modify xmlns='jitsi:colibri2' meeting-id='m' name='r@muc.x' create='true' rtcstats-enabled='false'>
 <endpoint id='ab' create='true' stats-id='Quiet-Fox'><capability name='source-names'/>
 <media type='audio'><payload-type xmlns='urn:xmpp:jingle:apps:rtp:1' id='111' name='opus' clockrate='48000' channels='2'/>
 <extmap-allow-mixed xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0'/></media>
 <transport ice-controlling='true'><sctp/></transport><sources/></endpoint></conference-modify>`},
		},
		{
			Name: "modified",
			Value: &Modified{
				Endpoints: []Endpoint{{ID: "ab", Transport: &Transport{
					ICE:  &jingle.Transport{Ufrag: "u", Pwd: "p"},
					SCTP: &SCTP{Port: 5000, Role: "server"},
				}}},
				Sources: &Sources{Sources: []MediaSource{{
					Type: "audio", ID: "jvb-a0", Sources: []jingle.Source{{SSRC: 7, Name: "jvb-a0"}},
				}}},
			},
			Text: `<conference-modified xmlns="jitsi:colibri2"><endpoint xmlns="jitsi:colibri2" id="ab"><transport xmlns="jitsi:colibri2">` +
				`<transport xmlns="urn:xmpp:jingle:transports:ice-udp:1" ufrag="u" pwd="p"></transport>` +
				`<sctp xmlns="jitsi:colibri2" port="5000" role="server"></sctp></transport></endpoint>` +
				`<sources xmlns="jitsi:colibri2"><media-source xmlns="jitsi:colibri2" type="audio" id="jvb-a0">` +
				`<source xmlns="urn:xmpp:jingle:apps:rtp:ssma:0" ssrc="7" name="jvb-a0"></source></media-source></sources></conference-modified>`,
		},
		{
			Name:  "mute",
			Value: &Endpoint{ID: "ab", ForceMute: &ForceMute{Audio: true}, InitialLastN: &jingle.InitialLastN{Value: 8}},
			Text: `<endpoint xmlns="jitsi:colibri2" id="ab"><force-mute xmlns="jitsi:colibri2" audio="true"></force-mute>` +
				`<initial-last-n xmlns="jitsi:colibri2" value="8"></initial-last-n></endpoint>`,
		},
		{
			Name:  "error",
			Value: &Error{Reason: UnknownEndpoint},
			Text:  `<error xmlns="jitsi:colibri2" reason="unknown_endpoint"></error>`,
		},
	})
}

func FuzzModify(f *testing.F) {
	f.Add(`<conference-modify xmlns='jitsi:colibri2' meeting-id='m'><endpoint id='a' expire='true'/></conference-modify>`)
	f.Add(`<conference-modify xmlns='jitsi:colibri2' meeting-id='m'><endpoint id='a'><sources><media-source type='video' id='a-v0'>` +
		`<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='1001'/></media-source></sources><force-mute/></endpoint></conference-modify>`)
	f.Fuzz(func(t *testing.T, s string) {
		var m Modify
		if err := xml.Unmarshal([]byte(s), &m); err != nil {
			return
		}
		b, err := xml.Marshal(m)
		if err != nil {
			t.Fatalf("Marshal(%q): %v", s, err)
		}
		var again Modify
		if err := xml.Unmarshal(b, &again); err != nil {
			t.Fatalf("%q is written as %s: %v", s, b, err)
		}
		if len(again.Endpoints) != len(m.Endpoints) || again.Name != m.Name || again.Create != m.Create {
			t.Errorf("%q is read differently when written as %s", s, b)
		}
	})
}
