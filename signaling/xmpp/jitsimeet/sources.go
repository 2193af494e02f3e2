package jitsimeet

import (
	"encoding/json"
	"fmt"
)

// Sources is the JSON form of everybody's sources, within a JSONMessage of a
// session-initiate, source-add or source-remove:
//
//	{"sources":{"ann":[[{"s":1,"n":"ann-v0","m":"a b"}],[["f",1,2]],[],[]]}}
type Sources struct {
	Owners map[string]OwnerSources `json:"sources"`
}

// OwnerSources is what one endpoint sends: an array of four arrays, of which
// the last ones may be missing.
type OwnerSources struct {
	Video       []CompactSource
	VideoGroups []CompactGroup
	Audio       []CompactSource
	AudioGroups []CompactGroup
}

// CompactSource is one SSRC.
type CompactSource struct {
	SSRC  uint32 `json:"s"`
	Name  string `json:"n,omitempty"`
	MSID  string `json:"m,omitempty"`
	Video string `json:"v,omitempty"` // "d" for desktop
}

// CompactGroup is ["f", primary, retransmission] or ["s", layer, layer, layer].
type CompactGroup struct {
	Semantics byte // 'f' for FID, 's' for SIM
	SSRCs     []uint32
}

// MarshalJSON implements json.Marshaler; empty arrays at the end are left out.
func (o OwnerSources) MarshalJSON() ([]byte, error) {
	all := []any{orEmpty(o.Video), orEmpty(o.VideoGroups), orEmpty(o.Audio), orEmpty(o.AudioGroups)}
	n := 4
	switch {
	case len(o.AudioGroups) > 0:
	case len(o.Audio) > 0:
		n = 3
	case len(o.VideoGroups) > 0:
		n = 2
	case len(o.Video) > 0:
		n = 1
	default:
		n = 0
	}
	return json.Marshal(all[:n])
}

// UnmarshalJSON implements json.Unmarshaler; missing arrays are empty.
func (o *OwnerSources) UnmarshalJSON(b []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(b, &parts); err != nil {
		return fmt.Errorf("sources of an owner: %w", err)
	}
	*o = OwnerSources{}
	for i, into := range []any{&o.Video, &o.VideoGroups, &o.Audio, &o.AudioGroups} {
		if i < len(parts) {
			if err := json.Unmarshal(parts[i], into); err != nil {
				return fmt.Errorf("sources of an owner, array %d: %w", i, err)
			}
		}
	}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (g CompactGroup) MarshalJSON() ([]byte, error) {
	out := make([]any, 0, 1+len(g.SSRCs))
	out = append(out, string(rune(g.Semantics)))
	for _, s := range g.SSRCs {
		out = append(out, s)
	}
	return json.Marshal(out)
}

// UnmarshalJSON implements json.Unmarshaler.
func (g *CompactGroup) UnmarshalJSON(b []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(b, &parts); err != nil {
		return fmt.Errorf("source group: %w", err)
	}
	if len(parts) == 0 {
		return fmt.Errorf("source group %s: empty", b)
	}
	var semantics string
	if err := json.Unmarshal(parts[0], &semantics); err != nil {
		return fmt.Errorf("source group: %w", err)
	}
	if semantics != "f" && semantics != "s" {
		return fmt.Errorf("source group: unknown semantics %q", semantics)
	}
	*g = CompactGroup{Semantics: semantics[0]}
	for _, p := range parts[1:] {
		var ssrc uint32
		if err := json.Unmarshal(p, &ssrc); err != nil {
			return fmt.Errorf("source group: %w", err)
		}
		g.SSRCs = append(g.SSRCs, ssrc)
	}
	return nil
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
