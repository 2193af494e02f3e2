package conference

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"meetbox.local/focus/internal/offer"
	"meetbox.local/focus/internal/sources"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

// Rules are what a meeting allows and how it begins: the box's, and within
// them a room's own. Zero values say nothing.
type Rules struct {
	Codecs          []string `json:"codecs,omitempty"` // for video, best first; others are not offered
	NoRED           bool     `json:"no_red,omitempty"` // audio without redundant packets
	LastN           int      `json:"last_n,omitempty"` // videos that a client is sent before it says how many it wants
	AudioSenders    int      `json:"audio_senders,omitempty"`
	VideoSenders    int      `json:"video_senders,omitempty"`
	StartAudioMuted int      `json:"start_audio_muted,omitempty"` // from which participant on
	StartVideoMuted int      `json:"start_video_muted,omitempty"`
}

// Validate tells what is wrong with rules that somebody has written.
func (r Rules) Validate() error {
	for _, c := range r.Codecs {
		if !slices.Contains(offer.Codecs(), c) {
			return fmt.Errorf("codecs: %q is none of %s", c, strings.Join(offer.Codecs(), ", "))
		}
	}
	for name, n := range map[string]int{
		"last_n": r.LastN, "audio_senders": r.AudioSenders, "video_senders": r.VideoSenders,
		"start_audio_muted": r.StartAudioMuted, "start_video_muted": r.StartVideoMuted,
	} {
		if n < 0 {
			return fmt.Errorf("%s: %d is less than nothing", name, n)
		}
	}
	return nil
}

// roomRules is a room's own word, under the key "conference" of its metadata.
type roomRules struct {
	Codecs          []string `json:"codecs,omitempty"`
	LastN           int      `json:"lastN,omitempty"`
	AudioSenders    int      `json:"audioSenders,omitempty"`
	VideoSenders    int      `json:"videoSenders,omitempty"`
	StartAudioMuted int      `json:"startAudioMuted,omitempty"`
	StartVideoMuted int      `json:"startVideoMuted,omitempty"`
}

// readRules never fails: what makes no sense is left out, because it comes
// from a moderator's client.
func readRules(b json.RawMessage) roomRules {
	var r roomRules
	if len(b) == 0 || json.Unmarshal(b, &r) != nil {
		return roomRules{}
	}
	for i, name := range r.Codecs {
		r.Codecs[i] = strings.ToUpper(name)
	}
	r.Codecs = slices.DeleteFunc(r.Codecs, func(c string) bool { return !slices.Contains(offer.Codecs(), c) })
	for _, n := range []*int{&r.LastN, &r.AudioSenders, &r.VideoSenders, &r.StartAudioMuted, &r.StartVideoMuted} {
		*n = max(*n, 0)
	}
	return r
}

// least is the smaller of two limits, of which 0 is none.
func least(a, b int) int {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// rules are what holds in this meeting now. A room may choose among the box's
// codecs and go below its limits.
func (c *Conference) rules() Rules {
	r, own := c.f.rules, c.own
	allowed := r.Codecs
	if len(allowed) == 0 {
		allowed = offer.Codecs()
	}
	var chosen []string
	for _, name := range own.Codecs {
		if slices.Contains(allowed, name) {
			chosen = append(chosen, name)
		}
	}
	if len(chosen) > 0 {
		r.Codecs = chosen
	}
	r.LastN = least(r.LastN, own.LastN)
	r.AudioSenders = least(r.AudioSenders, own.AudioSenders)
	r.VideoSenders = least(r.VideoSenders, own.VideoSenders)
	r.StartAudioMuted = least(least(r.StartAudioMuted, own.StartAudioMuted), c.startMuted.audio)
	r.StartVideoMuted = least(least(r.StartVideoMuted, own.StartVideoMuted), c.startMuted.video)
	return r
}

// sends is what a participant says that it sends: of its sources, which are
// not muted.
type sends struct{ audio, video bool }

// readSends reads the presence child SourceInfo; a client that does not say
// sends nothing.
func readSends(nick, text string) sends {
	var info jitsimeet.SourceInfo
	var out sends
	if json.Unmarshal([]byte(text), &info) != nil {
		return out
	}
	for name, s := range info {
		if s.Muted {
			continue
		}
		rest, own := strings.CutPrefix(name, nick+"-")
		out.audio = out.audio || own && strings.HasPrefix(rest, "a")
		out.video = out.video || own && strings.HasPrefix(rest, "v")
	}
	return out
}

// reached tells for each medium whether as many send it as may.
func (c *Conference) reached() sends {
	var audio, video int
	for _, m := range c.members {
		if m.present && m.sends.audio {
			audio++
		}
		if m.present && m.sends.video {
			video++
		}
	}
	r := c.rules()
	return sends{
		audio: r.AudioSenders > 0 && audio >= r.AudioSenders,
		video: r.VideoSenders > 0 && video >= r.VideoSenders,
	}
}

// tellReached shows in the room what has changed of that.
func (c *Conference) tellReached() {
	if now := c.reached(); now != c.full {
		c.full = now
		if c.state == ready || c.state == entered {
			c.sendPresence(false)
		}
	}
}

var errVisitor = stanza.NewError(stanza.Forbidden, "visitors do not send")

// mayAdd refuses sources of one who would be a sender too many. Clients that
// are refused do not unmute.
func (c *Conference) mayAdd(m *member, set sources.Set) error {
	full := c.reached()
	switch {
	case set.Empty():
		return nil
	case m.role == muc.Visitor:
		return errVisitor
	case full.audio && !m.sends.audio && set.Has(sources.Audio):
		return stanza.NewError(stanza.ResourceConstraint, "Sender count exceeded for: audio")
	case full.video && !m.sends.video && set.Has(sources.Video):
		return stanza.NewError(stanza.ResourceConstraint, "Sender count exceeded for: video")
	}
	return nil
}
