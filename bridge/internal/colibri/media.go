package colibri

import (
	"strings"

	"meetbox.local/bridge/internal/channel"
	"meetbox.local/bridge/internal/conference"
	"meetbox.local/signaling/xmpp/colibri2"
	"meetbox.local/signaling/xmpp/jingle"
)

func medium(name string) (conference.Media, bool) {
	switch name {
	case "audio":
		return conference.Audio, true
	case "video":
		return conference.Video, true
	}
	return 0, false
}

// media is what was offered to the client; media of unknown kinds are left
// out.
func media(list []colibri2.Media) ([]conference.PayloadType, []conference.Extension) {
	var types []conference.PayloadType
	var extensions []conference.Extension
	for _, m := range list {
		kind, ok := medium(m.Type)
		if !ok {
			continue
		}
		for _, p := range m.PayloadTypes {
			types = append(types, payloadType(kind, p))
		}
		for _, x := range m.Extensions {
			extensions = append(extensions, conference.Extension{ID: x.ID, Media: kind, URI: x.URI})
		}
	}
	return types, extensions
}

func payloadType(kind conference.Media, p jingle.PayloadType) conference.PayloadType {
	t := conference.PayloadType{
		ID:         p.ID,
		Media:      kind,
		Name:       p.Name,
		ClockRate:  int(p.ClockRate),
		Channels:   int(p.Channels),
		Parameters: map[string]string{},
	}
	for _, q := range p.Parameters {
		t.Parameters[q.Name] = q.Value
	}
	for _, f := range p.Feedback {
		t.Feedback = append(t.Feedback, conference.Feedback{Type: f.Type, Subtype: f.Subtype})
	}
	return t
}

func audioSources(list []colibri2.MediaSource) []conference.AudioSource {
	var out []conference.AudioSource
	for _, m := range list {
		if m.Type != "audio" || m.ID == "" {
			continue
		}
		for _, s := range m.Sources {
			if s.SSRC != 0 {
				out = append(out, conference.AudioSource{Name: m.ID, SSRC: s.SSRC, Synthetic: m.Synthetic})
			}
		}
	}
	return out
}

func videoSources(list []colibri2.MediaSource) []conference.VideoSource {
	var out []conference.VideoSource
	for _, m := range list {
		if m.Type != "video" || m.ID == "" {
			continue
		}
		if e := encodings(m); len(e) > 0 {
			out = append(out, conference.VideoSource{Name: m.ID, Type: videoType(m.Sources), Encodings: e})
		}
	}
	return out
}

// videoType is what any member of the source says; camera when none does.
func videoType(sources []jingle.Source) channel.VideoType {
	for _, s := range sources {
		if t, err := channel.ParseVideoType(s.VideoType); err == nil {
			return t
		}
	}
	return channel.Camera
}

// encodings of one source: those of its SIM group in order, else the primary
// of its FID group, else its first SSRC; each with its RTX, if it has one.
func encodings(m colibri2.MediaSource) []conference.Encoding {
	rtx := map[uint32]uint32{}
	var sim, primary []uint32
	for _, g := range m.Groups {
		if len(g.Sources) < 2 {
			continue
		}
		switch strings.ToUpper(g.Semantics) {
		case jingle.SemanticsSIM:
			if sim == nil {
				for _, s := range g.Sources {
					sim = append(sim, s.SSRC)
				}
			}
		case jingle.SemanticsFID:
			rtx[g.Sources[0].SSRC] = g.Sources[1].SSRC
			primary = append(primary, g.Sources[0].SSRC)
		}
	}
	order := sim
	if order == nil && len(primary) > 0 {
		order = primary[:1]
	}
	if order == nil && len(m.Sources) > 0 {
		order = []uint32{m.Sources[0].SSRC}
	}
	var out []conference.Encoding
	for _, ssrc := range order {
		if ssrc != 0 {
			out = append(out, conference.Encoding{SSRC: ssrc, RTX: rtx[ssrc]})
		}
	}
	return out
}
