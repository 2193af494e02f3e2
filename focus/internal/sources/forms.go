package sources

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"meetbox.local/signaling/xmpp/colibri2"
	"meetbox.local/signaling/xmpp/jingle"
	"meetbox.local/signaling/xmpp/jitsimeet"
)

const (
	fid = jingle.SemanticsFID
	sim = jingle.SemanticsSIM
)

// Bridge is the owner of the sources from which a bridge sends feedback.
const Bridge = "jvb"

// FromJingle reads an endpoint's sources from the contents of its
// session-accept, source-add or source-remove.
func FromJingle(owner string, contents []jingle.Content) (Set, error) {
	var out Set
	for _, c := range contents {
		var media Media
		switch c.Media() {
		case "audio":
			media = Audio
		case "video":
			media = Video
		default:
			continue
		}
		list, groups := c.AllSources()
		for _, s := range list {
			if s.SSRC == 0 && s.RID != "" {
				continue // Firefox describes its layers a second time, by RID
			}
			x := Source{
				SSRC: s.SSRC, Media: media, Name: s.Name, MSID: s.Parameter("msid"),
				Desktop: media == Video && strings.EqualFold(s.VideoType, "desktop"),
			}
			if x.Name == "" {
				x.Name = owner + "-" + media.String()[:1] + "0"
			}
			out.Sources = append(out.Sources, x)
		}
		for _, g := range groups {
			if g.Semantics != fid && g.Semantics != sim {
				return Set{}, refuse("unknown group semantics %q", g.Semantics)
			}
			x := Group{Semantics: g.Semantics, Media: media}
			for _, s := range g.Sources {
				x.SSRCs = append(x.SSRCs, s.SSRC)
			}
			out.Groups = append(out.Groups, x)
		}
	}
	return out, nil
}

// Compact writes sources as JSON, for clients that read it.
func Compact(all map[string]Set) (string, error) {
	out := jitsimeet.Sources{Owners: make(map[string]jitsimeet.OwnerSources, len(all))}
	for owner, s := range all {
		var o jitsimeet.OwnerSources
		for _, x := range s.Sources {
			c := jitsimeet.CompactSource{SSRC: x.SSRC, Name: x.Name, MSID: x.MSID}
			if x.Desktop {
				c.Video = "d"
			}
			if x.Media == Audio {
				o.Audio = append(o.Audio, c)
			} else {
				o.Video = append(o.Video, c)
			}
		}
		for _, g := range s.Groups {
			c := jitsimeet.CompactGroup{Semantics: 's', SSRCs: g.SSRCs}
			if g.Semantics == fid {
				c.Semantics = 'f'
			}
			if g.Media == Audio {
				o.AudioGroups = append(o.AudioGroups, c)
			} else {
				o.VideoGroups = append(o.VideoGroups, c)
			}
		}
		out.Owners[owner] = o
	}
	b, err := json.Marshal(out)
	if err != nil {
		return "", fmt.Errorf("write sources: %w", err)
	}
	return string(b), nil
}

// FromCompact reads what Compact writes.
func FromCompact(text string) (map[string]Set, error) {
	var in jitsimeet.Sources
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		return nil, fmt.Errorf("read sources: %w", err)
	}
	out := make(map[string]Set, len(in.Owners))
	for owner, o := range in.Owners {
		var s Set
		for _, part := range []struct {
			media  Media
			list   []jitsimeet.CompactSource
			groups []jitsimeet.CompactGroup
		}{{Video, o.Video, o.VideoGroups}, {Audio, o.Audio, o.AudioGroups}} {
			for _, c := range part.list {
				s.Sources = append(s.Sources, Source{SSRC: c.SSRC, Media: part.media, Name: c.Name, MSID: c.MSID, Desktop: c.Video == "d"})
			}
			for _, g := range part.groups {
				semantics := sim
				if g.Semantics == 'f' {
					semantics = fid
				}
				s.Groups = append(s.Groups, Group{Semantics: semantics, Media: part.media, SSRCs: g.SSRCs})
			}
		}
		out[owner] = s
	}
	return out, nil
}

// XML writes the sources of one medium as Jingle, with their owners, for
// clients that do not read JSON.
func XML(all map[string]Set, media Media) ([]jingle.Source, []jingle.SourceGroup) {
	var list []jingle.Source
	var groups []jingle.SourceGroup
	for _, owner := range ordered(all) {
		for _, x := range all[owner].Sources {
			if x.Media != media {
				continue
			}
			s := jingle.Source{SSRC: x.SSRC, Name: x.Name, VideoType: videoType(x), Info: &jitsimeet.SSRCInfo{Owner: owner}}
			if x.MSID != "" {
				s.Parameters = []jingle.SourceParameter{{Name: "msid", Value: x.MSID}}
			}
			list = append(list, s)
		}
		for _, g := range all[owner].Groups {
			if g.Media == media {
				groups = append(groups, group(g))
			}
		}
	}
	return list, groups
}

// Contents is XML as the contents of a source-add or source-remove.
func Contents(all map[string]Set) []jingle.Content {
	var out []jingle.Content
	for _, m := range []Media{Audio, Video} {
		list, groups := XML(all, m)
		if len(list)+len(groups) > 0 {
			out = append(out, jingle.Content{
				Creator: "initiator", Name: m.String(),
				Description: &jingle.Description{Media: m.String(), Sources: list, Groups: groups},
			})
		}
	}
	return out
}

// Colibri writes an endpoint's sources for its bridge: always all of them.
func Colibri(s Set) *colibri2.Sources {
	out := &colibri2.Sources{}
	at := make(map[string]int) // media-source by name
	names := make(map[uint32]string)
	for _, x := range s.Sources {
		names[x.SSRC] = x.Name
		i, ok := at[x.Name]
		if !ok {
			i = len(out.Sources)
			at[x.Name] = i
			out.Sources = append(out.Sources, colibri2.MediaSource{Type: x.Media.String(), ID: x.Name})
		}
		out.Sources[i].Sources = append(out.Sources[i].Sources, jingle.Source{SSRC: x.SSRC, Name: x.Name, VideoType: videoType(x)})
	}
	for _, g := range s.Groups {
		i := at[names[g.SSRCs[0]]]
		out.Sources[i].Groups = append(out.Sources[i].Groups, group(g))
	}
	return out
}

// FromBridge turns a bridge's feedback sources into sources for clients. The
// msids are those by which clients know them.
func FromBridge(in *colibri2.Sources) Set {
	var out Set
	if in == nil {
		return out
	}
	for _, m := range in.Sources {
		media, msid := Video, "mixedmslabel mixedlabelvideo0"
		if m.Type == "audio" {
			media, msid = Audio, "mixedmslabel mixedlabelaudio0"
		}
		for _, s := range m.Sources {
			out.Sources = append(out.Sources, Source{SSRC: s.SSRC, Media: media, Name: m.ID, MSID: msid})
		}
	}
	slices.SortStableFunc(out.Sources, func(a, b Source) int { return int(a.Media) - int(b.Media) })
	return out
}

func videoType(x Source) string {
	switch {
	case x.Media == Audio:
		return ""
	case x.Desktop:
		return "desktop"
	}
	return "camera"
}

func group(g Group) jingle.SourceGroup {
	out := jingle.SourceGroup{Semantics: g.Semantics}
	for _, s := range g.SSRCs {
		out.Sources = append(out.Sources, jingle.GroupSource{SSRC: s})
	}
	return out
}
