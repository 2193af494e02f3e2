package conference

import (
	"encoding/json"
	"encoding/xml"
	"slices"

	"meetbox.local/signaling/xmpp/colibri2"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

// moderated says of one medium that only moderators, and those on the list,
// may unmute it.
type moderated struct {
	Allowed   []string `json:"allowed,omitempty"` // nicks
	confirmed bool     // by the room, since the focus has entered it
}

// push is what the meeting's components tell the focus. It believes them as
// it believes the room: nobody else can send from their addresses.
type push struct {
	Type     string              `json:"type"`
	Room     jid.JID             `json:"room"`
	Enabled  *bool               `json:"enabled"`
	Actor    string              `json:"actor"`
	Medium   string              `json:"mediaType"`
	Lists    map[string][]string `json:"whitelists"`
	Metadata *struct {
		StartMuted struct {
			Audio bool `json:"audio"`
			Video bool `json:"video"`
		} `json:"startMuted"`
		Conference json.RawMessage `json:"conference"`
	} `json:"metadata"`
}

// Message takes what a component of the meeting has pushed.
func (f *Focus) Message(m stanza.Message) {
	j, err := stanza.Child[jitsimeet.JSONMessage](m.Children)
	if err != nil || j == nil {
		return
	}
	var p push
	if err := json.Unmarshal([]byte(j.Text), &p); err != nil {
		f.log.Debug("push not read", "peer", m.From.String(), "err", err)
		return
	}
	if p.Room.IsZero() {
		if p.Room, err = jid.Parse(j.Room); err != nil {
			return
		}
	}
	if c := f.find(p.Room); c != nil {
		c.box.post(func() { c.pushed(p) })
	}
}

func (c *Conference) pushed(p push) {
	if c.state == ended {
		return
	}
	switch {
	case p.Metadata != nil:
		c.policy.Audio, c.policy.Video = p.Metadata.StartMuted.Audio, p.Metadata.StartMuted.Video
		c.own = readRules(p.Metadata.Conference)
		c.tellReached()
		c.dirty = true
	case p.Lists != nil:
		c.listed(p.Lists)
	case p.Enabled != nil:
		c.moderate(p.Medium, *p.Enabled, p.Actor)
	}
}

// moderate takes in that a medium is moderated, or no longer. When that is
// news everybody is muted but who ordered it, moderators too; they may unmute.
func (c *Conference) moderate(medium string, on bool, actor string) {
	var name xml.Name
	switch medium {
	case "audio":
		name.Space = jitsimeet.NSMuteAudio
	case "video":
		name.Space = jitsimeet.NSMuteVideo
	case "desktop":
		name.Space = jitsimeet.NSMuteScreen
	default:
		return
	}
	name.Local = "mute"
	was := c.moderation[medium]
	c.dirty = true
	if !on {
		delete(c.moderation, medium)
		c.forceMutes()
		return
	}
	if c.moderation == nil {
		c.moderation = make(map[string]*moderated)
	}
	c.moderation[medium] = &moderated{confirmed: true}
	c.forceMutes()
	if was != nil {
		return // told again because the focus was away
	}
	c.log.Info("moderation begins", "medium", medium, "actor", actor)
	for _, m := range c.sorted() {
		to, err := c.occupant(m)
		if err != nil || !m.present || to.String() == actor {
			continue
		}
		c.f.count.muted.Inc()
		c.ask(to, stanza.Set, jitsimeet.Mute{XMLName: name, Value: "true"}, ignore)
	}
}

// listed takes the lists of those who may unmute.
func (c *Conference) listed(lists map[string][]string) {
	for medium, mod := range c.moderation {
		mod.Allowed = nil
		for _, who := range lists[medium] {
			if j, err := jid.Parse(who); err == nil && j.Bare() == c.room {
				mod.Allowed = append(mod.Allowed, j.Resource())
			}
		}
	}
	c.dirty = true
	c.forceMutes()
}

// doubtModeration is for when the focus enters its room: what the room does
// not say until it lets the focus in is over.
func (c *Conference) doubtModeration() {
	for _, mod := range c.moderation {
		mod.confirmed = false
	}
}

func (c *Conference) settleModeration() {
	for medium, mod := range c.moderation {
		if !mod.confirmed {
			delete(c.moderation, medium)
			c.dirty = true
		}
	}
	c.forceMutes()
}

// mayUnmute tells whether a medium is a member's own affair.
func (c *Conference) mayUnmute(m *member, medium string) bool {
	mod := c.moderation[medium]
	return mod == nil || m.role == muc.Moderator || slices.Contains(mod.Allowed, m.nick)
}

// muting is what the bridge should enforce for a member. It knows one kind of
// video, so a member that may show its screen is not kept from it.
func (c *Conference) muting(m *member) colibri2.ForceMute {
	return colibri2.ForceMute{
		Audio: !c.mayUnmute(m, "audio"),
		Video: !c.mayUnmute(m, "video") && !c.mayUnmute(m, "desktop"),
	}
}

// forceMutes tells the bridge what has changed of that; while the focus
// enters the room it has heard only half of it.
func (c *Conference) forceMutes() {
	if c.state == outside {
		return
	}
	for _, m := range c.sorted() {
		if m.session != nil && m.session.phase != allocating && c.muting(m) != m.forced {
			c.update(m, colibri2.Endpoint{})
		}
	}
}

// force adds to a request for a member's endpoint what the bridge should
// enforce, unless there is nothing and never was.
func (c *Conference) force(m *member, e *colibri2.Endpoint) {
	want, none := c.muting(m), colibri2.ForceMute{}
	if want != none || m.forced != none {
		e.ForceMute = &want
	}
	if want != m.forced {
		m.forced = want
		c.dirty = true
	}
}
