package offer

import (
	"encoding/xml"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"meetbox.local/signaling/xmpp/colibri2"
	"meetbox.local/signaling/xmpp/disco"
	"meetbox.local/signaling/xmpp/jingle"
	"meetbox.local/signaling/xmpp/jitsimeet"
)

func full() Features {
	return Features{Audio: true, Video: true, SCTP: true, RTX: true, TCC: true, REMB: true, JSON: true}
}

// summary writes an offer in few words: payload types with feedback, and
// extensions.
func summary(m colibri2.Media) string {
	var out []string
	for _, p := range m.PayloadTypes {
		var s strings.Builder
		s.WriteString(p.Name)
		for _, v := range p.Parameters {
			s.WriteString("," + v.Name + "=" + v.Value)
		}
		for _, f := range p.Feedback {
			s.WriteString("+" + strings.TrimSpace(f.Type+" "+f.Subtype))
		}
		out = append(out, s.String())
	}
	for _, x := range m.Extensions {
		out = append(out, x.URI[max(0, len(x.URI)-12):])
	}
	return strings.Join(out, "; ")
}

func TestMedia(t *testing.T) {
	t.Parallel()
	const (
		h264  = "H264,profile-level-id=42e01f;level-asymmetry-allowed=1;packetization-mode=1;"
		basic = "+ccm fir+nack+nack pli"
	)
	video := func(fb string) string {
		return "AV1" + fb + "; VP8" + fb + "; " + h264 + fb + "; VP9" + fb
	}
	rtx := "; rtx,apt=41" + basic + "; rtx,apt=100" + basic + "; rtx,apt=101" + basic + "; rtx,apt=107"
	for _, tc := range []struct {
		name    string
		change  func(*Features)
		options Options
		want    []string
	}{
		{"all", func(*Features) {}, Options{}, []string{
			"opus,minptime=10,useinbandfec=1+transport-cc; telephone-event; -audio-level; xtensions-01",
			video(basic+"+transport-cc") + rtx + "; er-extension; bs-send-time; xtensions-01",
		}},
		{"no transport-cc", func(f *Features) { f.TCC = false }, Options{}, []string{
			"opus,minptime=10,useinbandfec=1; telephone-event; -audio-level",
			video(basic+"+goog-remb") + rtx + "; er-extension; bs-send-time",
		}},
		{"nothing but video", func(f *Features) { *f = Features{Video: true} }, Options{}, []string{video(basic) + "; er-extension; bs-send-time"}},
		{"audio only", func(f *Features) { f.Video = false }, Options{}, []string{
			"opus,minptime=10,useinbandfec=1+transport-cc; telephone-event; -audio-level; xtensions-01",
		}},
		{"redundant audio", func(f *Features) { f.RED, f.Video = true, false }, Options{RED: true}, []string{
			"red,=111/111+transport-cc; opus,minptime=10,useinbandfec=1+transport-cc; telephone-event; -audio-level; xtensions-01",
		}},
		{"redundant audio for who does not know it", func(f *Features) { f.Video = false }, Options{RED: true}, []string{
			"opus,minptime=10,useinbandfec=1+transport-cc; telephone-event; -audio-level; xtensions-01",
		}},
		{"codecs of choice", func(f *Features) { *f = Features{Video: true, RTX: true} }, Options{Codecs: []string{"VP9", "VP8", "VP9", "H266"}}, []string{
			"VP9" + basic + "; VP8" + basic + "; rtx,apt=100" + basic + "; rtx,apt=101" + basic + "; er-extension; bs-send-time",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := full()
			tc.change(&f)
			var got []string
			for _, m := range Media(f, tc.options) {
				got = append(got, summary(m))
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("Media(%+v) (-want +got):\n%s", f, d)
			}
		})
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	info := disco.Info{Features: disco.Features(
		jitsimeet.FeatureAudio, jitsimeet.FeatureVideo, jitsimeet.FeatureSCTP, jitsimeet.FeatureRTX,
		jitsimeet.FeatureTCC, jitsimeet.FeatureREMB, jitsimeet.FeatureJSONSources,
	)}
	if got := Read(info); got != full() {
		t.Errorf("Read(%+v) = %+v", info, got)
	}
	if got := Read(disco.Info{}); got != (Features{}) {
		t.Errorf("Read of nothing = %+v", got)
	}
	if c := Capabilities(Features{Rewriting: true}); len(c) != 2 || c[1].Name != colibri2.SSRCRewriting {
		t.Errorf("Capabilities = %+v", c)
	}
}

func TestContents(t *testing.T) {
	t.Parallel()
	bridge := colibri2.Transport{
		ICE: &jingle.Transport{
			Ufrag: "u", Pwd: "p", RTCPMux: &jingle.TransportMux{},
			Fingerprints: []jingle.Fingerprint{{Hash: "sha-256", Setup: "actpass", Value: "AA"}},
			Candidates:   []jingle.Candidate{{IP: "192.0.2.1", Port: 10000}},
			WebSockets:   []jitsimeet.WebSocket{{URL: "wss://x"}},
		},
		SCTP: &colibri2.SCTP{Port: 5000},
	}
	for _, tc := range []struct {
		name  string
		sctp  bool
		names []string
	}{
		{"data channel", true, []string{"audio", "video", "data"}},
		{"web socket", false, []string{"audio", "video"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := full()
			f.SCTP = tc.sctp
			contents, group := Contents(f, Media(f, Options{}), bridge)
			var names, bundled []string
			for _, c := range contents {
				names = append(names, c.Name)
				if c.Transport.Ufrag != "u" || len(c.Transport.Candidates) != 1 || len(c.Transport.Fingerprints) != 1 || len(c.Transport.WebSockets) != 1 {
					t.Errorf("transport of %s: %+v", c.Name, c.Transport)
				}
				if c.Name != "data" && c.Description.RTCPMux == nil {
					t.Errorf("%s has no rtcp-mux", c.Name)
				}
				if (c.Name == "data") != (c.Transport.SCTPMap != nil) {
					t.Errorf("sctpmap of %s: %+v", c.Name, c.Transport.SCTPMap)
				}
			}
			for _, c := range group.Contents {
				bundled = append(bundled, c.Name)
			}
			if !slices.Equal(names, tc.names) || !slices.Equal(bundled, tc.names) {
				t.Errorf("contents %v, bundle %v, want %v", names, bundled, tc.names)
			}
			if _, err := xml.Marshal(contents); err != nil {
				t.Error(err)
			}
		})
	}
	if len(bridge.ICE.WebSockets) != 1 || bridge.ICE.RTCPMux == nil {
		t.Error("Contents changed the bridge's transport")
	}
}
