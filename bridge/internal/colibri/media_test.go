package colibri

import (
	"encoding/xml"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"meetbox.local/bridge/internal/channel"
	"meetbox.local/bridge/internal/conference"
	"meetbox.local/bridge/internal/transport"
	"meetbox.local/signaling/xmpp/colibri2"
	"meetbox.local/signaling/xmpp/jingle"
)

const (
	ssma  = `xmlns='urn:xmpp:jingle:apps:rtp:ssma:0'`
	video = `<sources xmlns='jitsi:colibri2'><media-source type='video' id='a-v0'>`
	end   = `</media-source></sources>`
)

func parseSources(t testing.TB, text string) []colibri2.MediaSource {
	t.Helper()
	var s colibri2.Sources
	if err := xml.Unmarshal([]byte(text), &s); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return s.Sources
}

func group(semantics string, ssrcs ...string) string {
	var g strings.Builder
	g.WriteString(`<ssrc-group ` + ssma + ` semantics='` + semantics + `'>`)
	for _, s := range ssrcs {
		g.WriteString(`<source ssrc='` + s + `'/>`)
	}
	return g.String() + `</ssrc-group>`
}

func source(ssrc, more string) string {
	return `<source ` + ssma + ` ssrc='` + ssrc + `' name='ignored' ` + more + `/>`
}

func TestVideoSources(t *testing.T) {
	t.Parallel()
	one := func(typ channel.VideoType, e ...conference.Encoding) []conference.VideoSource {
		return []conference.VideoSource{{Name: "a-v0", Type: typ, Encodings: e}}
	}
	for _, tc := range []struct {
		name, in string
		want     []conference.VideoSource
	}{
		{"none", `<sources xmlns='jitsi:colibri2'/>`, nil},
		{"lone", video + source("7", "") + end, one(channel.Camera, conference.Encoding{SSRC: 7})},
		{"retransmission", video + source("7", "") + source("8", "videoType='desktop'") + group("FID", "7", "8") + end, one(channel.Desktop, conference.Encoding{SSRC: 7, RTX: 8})},
		{"simulcast", video + source("1", "videoType='DESKTOP_high_fps'") + source("2", "") + group("fid", "3", "4") + group("SIM", "1", "3", "5") + group("FID", "1", "2") + group("FID", "5", "6") + end,
			one(channel.DesktopHighFPS, conference.Encoding{SSRC: 1, RTX: 2}, conference.Encoding{SSRC: 3, RTX: 4}, conference.Encoding{SSRC: 5, RTX: 6})},
		{"group of one", video + source("7", "") + group("SIM", "9") + group("FID", "9") + end, one(channel.Camera, conference.Encoding{SSRC: 7})},
		{"second simulcast", video + source("1", "") + group("SIM", "1", "2") + group("SIM", "3", "4") + end, one(channel.Camera, conference.Encoding{SSRC: 1}, conference.Encoding{SSRC: 2})},
		{"no SSRC", video + `<source ` + ssma + ` name='x'/>` + end, nil},
		{"empty", video + end, nil},
		{"unknown type", video + source("7", "videoType='hologram'") + end, one(channel.Camera, conference.Encoding{SSRC: 7})},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, videoSources(parseSources(t, tc.in))); diff != "" {
				t.Errorf("videoSources(%s) (-want +got):\n%s", tc.in, diff)
			}
		})
	}
}

func TestAudioSources(t *testing.T) {
	t.Parallel()
	in := `<sources xmlns='jitsi:colibri2'><media-source type='audio' id='a-a0'>` + source("1", "") + `</media-source>
	<media-source type='audio' id='a-a0.fr' synthetic='true'>` + source("2", "") + `</media-source>
	<media-source type='audio'>` + source("3", "") + `</media-source>
	<media-source type='smell' id='s'>` + source("4", "") + end
	want := []conference.AudioSource{{Name: "a-a0", SSRC: 1}, {Name: "a-a0.fr", SSRC: 2, Synthetic: true}}
	if diff := cmp.Diff(want, audioSources(parseSources(t, in))); diff != "" {
		t.Errorf("audioSources(%s) (-want +got):\n%s", in, diff)
	}
}

func TestRemoteCandidate(t *testing.T) {
	t.Parallel()
	good := jingle.Candidate{Foundation: "f", Component: "1", Protocol: "UDP", Priority: 9, IP: "192.0.2.1", Port: 5, Type: "srflx"}
	for _, tc := range []struct {
		name   string
		change func(*jingle.Candidate)
		want   netip.AddrPort // zero: refused
	}{
		{"good", func(*jingle.Candidate) {}, netip.MustParseAddrPort("192.0.2.1:5")},
		{"IPv6", func(c *jingle.Candidate) { c.IP = "2001:db8::1" }, netip.MustParseAddrPort("[2001:db8::1]:5")},
		{"mapped", func(c *jingle.Candidate) { c.IP = "::ffff:192.0.2.1" }, netip.MustParseAddrPort("192.0.2.1:5")},
		{"no component", func(c *jingle.Candidate) { c.Component = "" }, netip.MustParseAddrPort("192.0.2.1:5")},
		{"mDNS", func(c *jingle.Candidate) { c.IP = "b1946ac9-2a7c.local" }, netip.AddrPort{}},
		{"TCP", func(c *jingle.Candidate) { c.Protocol = "tcp" }, netip.AddrPort{}},
		{"RTCP", func(c *jingle.Candidate) { c.Component = "2" }, netip.AddrPort{}},
		{"no port", func(c *jingle.Candidate) { c.Port = 0 }, netip.AddrPort{}},
		{"unknown type", func(c *jingle.Candidate) { c.Type = "magic" }, netip.AddrPort{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			in := good
			tc.change(&in)
			got, ok := remoteCandidate(in)
			if ok != tc.want.IsValid() || got.Addr != tc.want && ok {
				t.Errorf("remoteCandidate(%+v) = %+v, %t; want %v", in, got, ok, tc.want)
			}
			if ok && (got.Type != transport.ServerReflexive || got.Priority != 9 || got.Foundation != "f") {
				t.Errorf("remoteCandidate(%+v) = %+v", in, got)
			}
		})
	}
}

// Whatever sources are said: every encoding has an SSRC, every name is that
// of a media-source.
func FuzzSources(f *testing.F) {
	f.Add([]byte(video + source("7", "") + source("8", "") + group("FID", "7", "8") + group("SIM", "7", "9") + end))
	f.Fuzz(func(t *testing.T, text []byte) {
		var s colibri2.Sources
		if xml.Unmarshal(text, &s) != nil {
			return
		}
		names := map[string]bool{}
		for _, m := range s.Sources {
			names[m.ID] = m.ID != ""
		}
		for _, v := range videoSources(s.Sources) {
			if !names[v.Name] || len(v.Encodings) == 0 || v.Type == 0 {
				t.Fatalf("%q gives %+v", text, v)
			}
			for _, e := range v.Encodings {
				if e.SSRC == 0 {
					t.Fatalf("%q gives %+v", text, v)
				}
			}
		}
		for _, a := range audioSources(s.Sources) {
			if !names[a.Name] || a.SSRC == 0 {
				t.Fatalf("%q gives %+v", text, a)
			}
		}
	})
}
