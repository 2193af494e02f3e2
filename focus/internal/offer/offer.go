// Package offer decides what is offered to a client: codecs, feedback and
// header extensions, trimmed to what its capabilities say. It writes the same
// offer for the bridge (Colibri2) and for the client (Jingle).
//
// The numbers are Jicofo's: payload types and extension ids are never mapped
// between participants, so everybody must be offered the same ones. Pure.
package offer

import (
	"slices"
	"strconv"

	"meetbox.local/signaling/xmpp/colibri2"
	"meetbox.local/signaling/xmpp/disco"
	"meetbox.local/signaling/xmpp/jingle"
	"meetbox.local/signaling/xmpp/jitsimeet"
)

// Features is what matters of a client's capabilities.
type Features struct {
	Audio     bool `json:"audio,omitempty"`
	Video     bool `json:"video,omitempty"`
	SCTP      bool `json:"sctp,omitempty"`
	RTX       bool `json:"rtx,omitempty"`
	TCC       bool `json:"tcc,omitempty"`
	REMB      bool `json:"remb,omitempty"`
	JSON      bool `json:"json,omitempty"`      // reads sources as JSON
	Rewriting bool `json:"rewriting,omitempty"` // learns SSRCs from the bridge
	RED       bool `json:"red,omitempty"`       // audio with redundant packets
}

// Unknown is assumed of a client that does not say.
func Unknown() Features { return Features{Audio: true, Video: true, SCTP: true} }

// Read finds the features in a client's disco#info.
func Read(info disco.Info) Features {
	return Features{
		Audio:     info.Has(jitsimeet.FeatureAudio),
		Video:     info.Has(jitsimeet.FeatureVideo),
		SCTP:      info.Has(jitsimeet.FeatureSCTP),
		RTX:       info.Has(jitsimeet.FeatureRTX),
		TCC:       info.Has(jitsimeet.FeatureTCC),
		REMB:      info.Has(jitsimeet.FeatureREMB),
		JSON:      info.Has(jitsimeet.FeatureJSONSources),
		Rewriting: info.Has(jitsimeet.FeatureSSRCRewriting),
		RED:       info.Has(jitsimeet.FeatureRED),
	}
}

const (
	uriLevel    = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	uriSendTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
	uriTCC      = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	uriAV1      = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"

	idLevel    = 1
	idSendTime = 3
	idTCC      = 5
	idAV1      = 11
)

// Options are how a meeting wants its offers.
type Options struct {
	Codecs []string // of Codecs, best first; empty: all
	RED    bool     // offered to clients that know it
}

// Codecs are the names of all for video, in the order in which they are
// offered when nobody says otherwise.
func Codecs() []string {
	var out []string
	for _, c := range codecs() {
		out = append(out, c.Name)
	}
	return out
}

// chosen are the codecs of an offer.
func (o Options) chosen() []jingle.PayloadType {
	all := codecs()
	if len(o.Codecs) == 0 {
		return all
	}
	var out []jingle.PayloadType
	for _, name := range o.Codecs {
		i := slices.IndexFunc(all, func(p jingle.PayloadType) bool { return p.Name == name })
		if i >= 0 && !slices.ContainsFunc(out, func(p jingle.PayloadType) bool { return p.Name == name }) {
			out = append(out, all[i])
		}
	}
	return out
}

// codecs are those for video that bridges can forward.
func codecs() []jingle.PayloadType {
	return []jingle.PayloadType{
		{ID: 41, Name: "AV1"},
		{ID: 100, Name: "VP8"},
		{ID: 107, Name: "H264", Parameters: []jingle.Parameter{
			// One parameter with the rest in its value: that is what clients are used to.
			{Name: "profile-level-id", Value: "42e01f;level-asymmetry-allowed=1;packetization-mode=1;"},
		}},
		{ID: 101, Name: "VP9"},
	}
}

// Media are the media offered to a client with these features.
func Media(f Features, o Options) []colibri2.Media {
	var out []colibri2.Media
	if f.Audio {
		out = append(out, audioMedia(f, o.RED))
	}
	if f.Video {
		out = append(out, videoMedia(f, o.chosen()))
	}
	return out
}

func audioMedia(f Features, red bool) colibri2.Media {
	opus := jingle.PayloadType{ID: 111, Name: "opus", ClockRate: 48000, Channels: 2, Parameters: []jingle.Parameter{
		{Name: "minptime", Value: "10"}, {Name: "useinbandfec", Value: "1"},
	}}
	m := colibri2.Media{
		Type:       "audio",
		Extensions: []jingle.Extension{{ID: idLevel, URI: uriLevel}},
		AllowMixed: &jingle.AllowMixed{},
	}
	if f.TCC {
		opus.Feedback = []jingle.Feedback{{Type: "transport-cc"}}
		m.Extensions = append(m.Extensions, jingle.Extension{ID: idTCC, URI: uriTCC})
	}
	if red && f.RED {
		// First, because clients send what comes first; its parameter has no name.
		m.PayloadTypes = []jingle.PayloadType{{
			ID: 112, Name: "red", ClockRate: 48000, Channels: 2, Parameters: []jingle.Parameter{{Value: "111/111"}}, Feedback: opus.Feedback,
		}}
	}
	m.PayloadTypes = append(m.PayloadTypes, opus, jingle.PayloadType{ID: 126, Name: "telephone-event", ClockRate: 8000})
	return m
}

func videoMedia(f Features, codecs []jingle.PayloadType) colibri2.Media {
	m := colibri2.Media{
		Type:       "video",
		Extensions: []jingle.Extension{{ID: idAV1, URI: uriAV1}, {ID: idSendTime, URI: uriSendTime}},
		AllowMixed: &jingle.AllowMixed{},
	}
	feedback := []jingle.Feedback{{Type: "ccm", Subtype: "fir"}, {Type: "nack"}, {Type: "nack", Subtype: "pli"}}
	full := slices.Clone(feedback)
	switch {
	case f.TCC:
		full = append(full, jingle.Feedback{Type: "transport-cc"})
		m.Extensions = append(m.Extensions, jingle.Extension{ID: idTCC, URI: uriTCC})
	case f.REMB:
		full = append(full, jingle.Feedback{Type: "goog-remb"})
	}
	for _, c := range codecs {
		c.ClockRate, c.Feedback = 90000, full
		m.PayloadTypes = append(m.PayloadTypes, c)
	}
	if f.RTX {
		// In the order of their numbers' table: AV1, VP8, VP9, H264.
		for _, rtx := range []struct {
			id  uint8
			apt string
			fb  []jingle.Feedback
		}{{42, "41", feedback}, {96, "100", feedback}, {97, "101", feedback}, {99, "107", nil}} {
			if !slices.ContainsFunc(codecs, func(c jingle.PayloadType) bool { return strconv.Itoa(int(c.ID)) == rtx.apt }) {
				continue
			}
			m.PayloadTypes = append(m.PayloadTypes, jingle.PayloadType{
				ID: rtx.id, Name: "rtx", ClockRate: 90000, Feedback: rtx.fb,
				Parameters: []jingle.Parameter{{Name: "apt", Value: rtx.apt}},
			})
		}
	}
	return m
}

// Capabilities are what a bridge is told of the client.
func Capabilities(f Features) []colibri2.Capability {
	out := []colibri2.Capability{{Name: colibri2.SourceNames}}
	if f.Rewriting {
		out = append(out, colibri2.Capability{Name: colibri2.SSRCRewriting})
	}
	return out
}

// Contents are the contents of a session-initiate: the media with the
// bridge's transport in each, and the data channel when the bridge opened
// SCTP. The bridge's WebSocket is offered beside it: clients take the data
// channel unless they are set up not to.
func Contents(f Features, media []colibri2.Media, bridge colibri2.Transport) ([]jingle.Content, jingle.Group) {
	ice := *bridge.ICE
	ice.RTCPMux = nil
	withData := f.SCTP && bridge.SCTP != nil
	group := jingle.Group{Semantics: "BUNDLE"}
	var out []jingle.Content
	for _, m := range media {
		t := ice
		d := &jingle.Description{
			Media: m.Type, PayloadTypes: m.PayloadTypes, Extensions: m.Extensions,
			AllowMixed: m.AllowMixed, RTCPMux: &jingle.RTCPMux{},
		}
		if m.Type == "audio" {
			d.MaxPTime = "60"
		}
		out = append(out, jingle.Content{Creator: "initiator", Senders: "both", Name: m.Type, Description: d, Transport: &t})
	}
	if withData {
		t := ice
		t.SCTPMap = &jingle.SCTPMap{Number: bridge.SCTP.Port, Protocol: "webrtc-datachannel", Streams: 1024}
		out = append(out, jingle.Content{
			Creator: "initiator", Senders: "both", Name: "data",
			Description: &jingle.Description{Media: "application"}, Transport: &t,
		})
	}
	for _, c := range out {
		group.Contents = append(group.Contents, jingle.GroupContent{Name: c.Name})
	}
	return out, group
}
