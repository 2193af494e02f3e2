package jingle

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/xmpptest"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	video := Description{
		Media: "video",
		PayloadTypes: []PayloadType{
			{ID: 100, Name: "VP8", ClockRate: 90000, Feedback: []Feedback{{Type: "nack"}, {Type: "nack", Subtype: "pli"}}},
			{ID: 96, Name: "rtx", ClockRate: 90000, Parameters: []Parameter{{Name: "apt", Value: "100"}}},
		},
		Extensions: []Extension{{ID: 5, URI: "urn:tcc"}},
		AllowMixed: &AllowMixed{},
		Sources: []Source{
			{SSRC: 1, Name: "a-v0", VideoType: "camera", Info: &jitsimeet.SSRCInfo{Owner: "a"}, Parameters: []SourceParameter{{Name: "msid", Value: "s t"}}},
			{SSRC: 2, Name: "a-v0"},
		},
		Groups:  []SourceGroup{{Semantics: SemanticsFID, Sources: []GroupSource{{SSRC: 1}, {SSRC: 2}}}},
		RTCPMux: &RTCPMux{},
	}
	const videoText = `<description xmlns="urn:xmpp:jingle:apps:rtp:1" media="video">` +
		`<payload-type xmlns="urn:xmpp:jingle:apps:rtp:1" id="100" name="VP8" clockrate="90000">` +
		`<rtcp-fb xmlns="urn:xmpp:jingle:apps:rtp:rtcp-fb:0" type="nack"></rtcp-fb>` +
		`<rtcp-fb xmlns="urn:xmpp:jingle:apps:rtp:rtcp-fb:0" type="nack" subtype="pli"></rtcp-fb></payload-type>` +
		`<payload-type xmlns="urn:xmpp:jingle:apps:rtp:1" id="96" name="rtx" clockrate="90000">` +
		`<parameter xmlns="urn:xmpp:jingle:apps:rtp:1" name="apt" value="100"></parameter></payload-type>` +
		`<rtp-hdrext xmlns="urn:xmpp:jingle:apps:rtp:rtp-hdrext:0" id="5" uri="urn:tcc"></rtp-hdrext>` +
		`<extmap-allow-mixed xmlns="urn:xmpp:jingle:apps:rtp:rtp-hdrext:0"></extmap-allow-mixed>` +
		`<source xmlns="urn:xmpp:jingle:apps:rtp:ssma:0" ssrc="1" name="a-v0" videoType="camera">` +
		`<ssrc-info xmlns="http://jitsi.org/jitmeet" owner="a"></ssrc-info>` +
		`<parameter xmlns="urn:xmpp:jingle:apps:rtp:ssma:0" name="msid" value="s t"></parameter></source>` +
		`<source xmlns="urn:xmpp:jingle:apps:rtp:ssma:0" ssrc="2" name="a-v0"></source>` +
		`<ssrc-group xmlns="urn:xmpp:jingle:apps:rtp:ssma:0" semantics="FID">` +
		`<source xmlns="urn:xmpp:jingle:apps:rtp:ssma:0" ssrc="1"></source>` +
		`<source xmlns="urn:xmpp:jingle:apps:rtp:ssma:0" ssrc="2"></source></ssrc-group>` +
		`<rtcp-mux xmlns="urn:xmpp:jingle:apps:rtp:1"></rtcp-mux></description>`
	transport := Transport{
		Ufrag: "u", Pwd: "p", RTCPMux: &TransportMux{},
		Fingerprints: []Fingerprint{{Hash: "sha-256", Setup: "actpass", Value: "AA:BB"}},
		Candidates: []Candidate{{
			Foundation: "1", Component: "1", Protocol: "udp", Priority: 2130706431, IP: "192.0.2.1", Port: 10000, Type: "host",
			Generation: "0", ID: "c1", Network: "0",
		}},
		SCTPMap:    &SCTPMap{Number: 5000, Protocol: "webrtc-datachannel", Streams: 1024},
		WebSockets: []jitsimeet.WebSocket{{URL: "wss://x"}},
	}
	const transportText = `<transport xmlns="urn:xmpp:jingle:transports:ice-udp:1" ufrag="u" pwd="p">` +
		`<rtcp-mux xmlns="urn:xmpp:jingle:transports:ice-udp:1"></rtcp-mux>` +
		`<fingerprint xmlns="urn:xmpp:jingle:apps:dtls:0" hash="sha-256" setup="actpass">AA:BB</fingerprint>` +
		`<candidate xmlns="urn:xmpp:jingle:transports:ice-udp:1" foundation="1" component="1" protocol="udp" priority="2130706431" ` +
		`ip="192.0.2.1" port="10000" type="host" generation="0" id="c1" network="0"></candidate>` +
		`<sctpmap xmlns="urn:xmpp:jingle:transports:dtls-sctp:1" number="5000" protocol="webrtc-datachannel" streams="1024"></sctpmap>` +
		`<web-socket xmlns="http://jitsi.org/protocol/colibri" url="wss://x"></web-socket></transport>`
	xmpptest.RoundTrip(t, []xmpptest.Row{
		{
			Name: "offer",
			Value: &Jingle{
				Action: SessionInitiate, SID: "s", Initiator: "focus@x/focus",
				Contents: []Content{{
					Creator: "initiator", Senders: "both", Name: "video", InitialLastN: &InitialLastN{Value: 20},
					Description: &video, Transport: &transport,
				}},
				Groups:        []Group{{Semantics: "BUNDLE", Contents: []GroupContent{{Name: "video"}}}},
				StartMuted:    &jitsimeet.StartMuted{Audio: true},
				BridgeSession: &jitsimeet.BridgeSession{ID: "b", Region: "eu"},
				JSON:          &jitsimeet.JSONMessage{Text: `{"sources":{}}`},
			},
			Text: `<jingle xmlns="urn:xmpp:jingle:1" action="session-initiate" sid="s" initiator="focus@x/focus">` +
				`<content xmlns="urn:xmpp:jingle:1" creator="initiator" senders="both" name="video">` +
				`<initial-last-n xmlns="jitsi:colibri2" value="20"></initial-last-n>` + videoText + transportText + `</content>` +
				`<group xmlns="urn:xmpp:jingle:apps:grouping:0" semantics="BUNDLE"><content xmlns="urn:xmpp:jingle:apps:grouping:0" name="video"></content></group>` +
				`<startmuted xmlns="http://jitsi.org/jitmeet/start-muted" audio="true" video="false"></startmuted>` +
				`<bridge-session xmlns="http://jitsi.org/protocol/focus" id="b" region="eu"></bridge-session>` +
				`<json-message xmlns="http://jitsi.org/jitmeet">{&#34;sources&#34;:{}}</json-message></jingle>`,
		},
		{
			Name: "restart",
			Value: &Jingle{
				Action: SessionTerminate, SID: "s",
				Reason:        &Reason{Condition: ReasonConnectivityError, Text: "ICE FAILED"},
				BridgeSession: &jitsimeet.BridgeSession{ID: "b", Restart: true},
			},
			Text: `<jingle xmlns="urn:xmpp:jingle:1" action="session-terminate" sid="s">` +
				`<reason xmlns="urn:xmpp:jingle:1"><connectivity-error xmlns="urn:xmpp:jingle:1"></connectivity-error>` +
				`<text xmlns="urn:xmpp:jingle:1">ICE FAILED</text></reason>` +
				`<bridge-session xmlns="http://jitsi.org/protocol/focus" id="b" restart="true"></bridge-session></jingle>`,
		},
	})
}

// Clients lose namespaces and put sources one level too high.
func TestLiberal(t *testing.T) {
	t.Parallel()
	const text = `<jingle xmlns="urn:xmpp:jingle:1" action="session-accept" sid="s">
 <content name="video">
  <description media="video" xmlns="urn:xmpp:jingle:apps:rtp:1">
   <payload-type id="100" name="VP8"><parameter name="a" value="b"/><rtcp-fb type="nack"/></payload-type>
   <rtp-hdrext id="5" uri="urn:tcc"/>
   <source ssrc="1" name="a-v0"><parameter name="msid" value="s t"/></source>
   <ssrc-group semantics="FID" xmlns="urn:xmpp:jingle:apps:rtp:ssma:0"><source xmlns="jabber:client" ssrc="1"/><source ssrc="2"/></ssrc-group>
  </description>
  <source xmlns="urn:xmpp:jingle:apps:rtp:ssma:0" ssrc="2" name="a-v0"><parameter name="msid" value="s t"/><unknown/></source>
  <ssrc-group semantics="SIM"><source ssrc="1"/><source ssrc="3"/></ssrc-group>
  <transport xmlns="urn:xmpp:jingle:transports:ice-udp:1" ufrag="u"><fingerprint hash="sha-256" setup="active">A</fingerprint><rtcp-mux/></transport>
 </content>
</jingle>`
	var j Jingle
	if err := xml.Unmarshal([]byte(text), &j); err != nil {
		t.Fatal(err)
	}
	c := j.Contents[0]
	sources, groups := c.AllSources()
	var ssrcs []uint32
	for _, s := range sources {
		ssrcs = append(ssrcs, s.SSRC)
		if s.Parameter("msid") != "s t" {
			t.Errorf("source %d has msid %q", s.SSRC, s.Parameter("msid"))
		}
	}
	if d := cmp.Diff([]uint32{1, 2}, ssrcs); d != "" {
		t.Errorf("sources (-want +got):\n%s", d)
	}
	if len(groups) != 2 || len(groups[0].Sources) != 2 || len(groups[1].Sources) != 2 {
		t.Errorf("groups: %+v", groups)
	}
	p := c.Description.PayloadTypes
	if len(p) != 1 || len(p[0].Parameters) != 1 || len(p[0].Feedback) != 1 || len(c.Description.Extensions) != 1 {
		t.Errorf("description: %+v", c.Description)
	}
	if c.Transport.RTCPMux == nil || len(c.Transport.Fingerprints) != 1 || c.Media() != "video" {
		t.Errorf("transport: %+v", c.Transport)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`<jingle xmlns="urn:other"/>`,
		`<jingle xmlns="urn:xmpp:jingle:1"><content name="a"><source ssrc="-1"/></content></jingle>`,
		`<jingle xmlns="urn:xmpp:jingle:1"><content name="a"><source ssrc="4294967296"/></content></jingle>`,
		`<jingle xmlns="urn:xmpp:jingle:1"><content name="a">`,
	} {
		var j Jingle
		if err := xml.Unmarshal([]byte(text), &j); err == nil {
			t.Errorf("Unmarshal(%s) = %+v, want an error", text, j)
		}
	}
}

func FuzzJingle(f *testing.F) {
	f.Add(`<jingle xmlns="urn:xmpp:jingle:1" action="source-add" sid="s"><content name="video"><description media="video" xmlns="urn:xmpp:jingle:apps:rtp:1">` +
		`<source xmlns="urn:xmpp:jingle:apps:rtp:ssma:0" name="a-v1" ssrc="777" videoType="desktop"><parameter name="msid" value="x"/></source>` +
		`<ssrc-group semantics="FID"><source ssrc="777"/></ssrc-group></description></content></jingle>`)
	f.Add(`<jingle xmlns="urn:xmpp:jingle:1" action="session-terminate" sid="s"><reason><success/><text>t</text></reason></jingle>`)
	f.Fuzz(func(t *testing.T, s string) {
		var j Jingle
		if err := xml.Unmarshal([]byte(s), &j); err != nil {
			return
		}
		b, err := xml.Marshal(j)
		if err != nil {
			if strings.Contains(err.Error(), "invalid") || strings.Contains(err.Error(), "start tag") {
				return // a reason's name that only the decoder takes
			}
			t.Fatalf("Marshal(%q): %v", s, err)
		}
		var again Jingle
		if err := xml.Unmarshal(b, &again); err != nil {
			if j.Reason != nil {
				return // likewise
			}
			t.Fatalf("%q is written as %s: %v", s, b, err)
		}
		if len(again.Contents) != len(j.Contents) || again.Action != j.Action || again.SID != j.SID {
			t.Errorf("%q is read differently when written as %s", s, b)
		}
	})
}
