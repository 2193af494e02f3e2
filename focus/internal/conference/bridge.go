package conference

import (
	"errors"
	"time"

	"meetbox.local/focus/internal/offer"
	"meetbox.local/focus/internal/sources"
	"meetbox.local/signaling/xmpp/client"
	"meetbox.local/signaling/xmpp/colibri2"
	"meetbox.local/signaling/xmpp/jingle"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/stanza"
)

// leaveGrace is how long a bridge that a conference left keeps it.
const leaveGrace = 10 * time.Second

// update tells the bridge all sources of a member, and whatever else e says.
func (c *Conference) update(m *member, e colibri2.Endpoint) {
	b, s := c.bridge, m.session
	if b == nil || s == nil {
		return
	}
	e.ID, e.StatsID = m.nick, m.statsID
	e.Sources = sources.Colibri(c.sources.Of(m.nick))
	c.force(m, &e)
	c.modify(b, colibri2.Modify{Endpoints: []colibri2.Endpoint{e}}, func(_ stanza.IQ, err error) {
		if err != nil && c.bridge == b && m.session == s {
			c.updateFailed(m, b, err)
		}
	})
}

// updateFailed decides what a refused update means.
func (c *Conference) updateFailed(m *member, b *bridge, err error) {
	if errors.Is(err, client.ErrOffline) {
		return // verify repeats it
	}
	c.log.Warn("bridge refused an update", "endpoint", m.nick, "peer", b.JID.String(), "err", err)
	e, refused := errors.AsType[*stanza.Error](err)
	switch reason := colibriReason(err); {
	case !refused:
		return // no answer in time: the health check decides about the bridge
	case reason == colibri2.UnknownEndpoint:
		c.reinvite(m)
	case e.Condition == stanza.ItemNotFound && reason == "":
		return // the room says that the bridge left; the brewery knows, too
	case e.Condition == stanza.BadRequest:
		// This member's own doing. It must not cost the others their media.
		c.hangUp(m, jingle.ReasonGeneralError, "refused by the bridge")
		m.done = true
	default:
		c.lose("bridge refused an update")
	}
	c.maintain()
}

// expire takes a member off the bridge, and the conference with the last one.
func (c *Conference) expire(m *member) {
	b := c.bridge
	if b == nil || m.session == nil || m.session.bridge != b.ID {
		return
	}
	for _, o := range c.members {
		if o != m && o.session != nil {
			c.modify(b, colibri2.Modify{Endpoints: []colibri2.Endpoint{{ID: m.nick, Expire: true}}}, ignore)
			return
		}
	}
	c.releaseBridge()
}

// releaseBridge ends the conference on its bridge.
func (c *Conference) releaseBridge() {
	b := c.bridge
	if b == nil {
		return
	}
	c.bridge = nil
	c.dirty = true
	if b.Created {
		c.modify(b, colibri2.Modify{Expire: true}, ignore)
		c.sendPresence(false)
	}
}

// lose gives up the bridge. The clients keep their dead sessions until there
// is another bridge: only then are they told, once and with a new offer.
func (c *Conference) lose(why string) {
	if c.bridge == nil {
		return
	}
	old := c.bridge
	c.log.Warn("moving away from the bridge", "peer", old.JID.String(), "why", why)
	c.bridge = nil
	if old.Created && c.brewery().Present(old.JID) {
		// It may live; its media flows until the clients are elsewhere.
		c.after(leaveGrace, func() {
			if c.bridge == nil || c.bridge.JID != old.JID {
				c.modify(old, colibri2.Modify{Expire: true}, ignore)
			}
		})
	}
	c.dirty = true
	for _, m := range c.members {
		if m.session == nil {
			continue
		}
		c.sources.Drop(m.nick)
		if m.session.phase != allocating && m.moving == nil {
			m.moving = m.session
		}
		m.session = nil
	}
	c.maintain()
}

// verify repeats to the bridge what it should know, after the focus was away:
// the answers tell whether it still does.
func (c *Conference) verify() {
	if c.state != ready || c.bridge == nil || !c.brewery().Present(c.bridge.JID) {
		return
	}
	for _, m := range c.sorted() {
		switch {
		case m.session == nil:
		case m.session.unsure:
			c.reinvite(m)
		case m.session.phase == active:
			c.update(m, colibri2.Endpoint{})
		}
		if c.bridge == nil {
			break // with the last session
		}
	}
	c.maintain()
}

// visible are the sources that a member should be told of.
func (c *Conference) visible(m *member, f offer.Features) map[string]sources.Set {
	out := make(map[string]sources.Set)
	if f.Rewriting {
		return out // its bridge tells it
	}
	for owner, set := range c.sources.All(m.nick) {
		if o := c.members[owner]; o != nil && o.present {
			out[owner] = set.Stripped()
		}
	}
	return out
}

// syncAll tells every client what changed of the others' sources.
func (c *Conference) syncAll() {
	for _, m := range c.sorted() {
		c.sync(m)
	}
}

func (c *Conference) sync(m *member) {
	s := m.session
	if s == nil || s.phase != active || m.features == nil || m.features.Rewriting {
		return
	}
	want := c.visible(m, *m.features)
	for owner, set := range s.known {
		if o := c.members[owner]; o != nil && !o.present {
			want[owner] = set // away for a moment; nothing to tell yet
		}
	}
	remove, add := sources.Diff(s.known, want)
	s.known = want
	c.signal(m, jingle.SourceRemove, remove)
	c.signal(m, jingle.SourceAdd, add)
}

func (c *Conference) signal(m *member, a jingle.Action, all map[string]sources.Set) {
	if len(all) == 0 {
		return
	}
	to, err := c.occupant(m)
	if err != nil {
		return
	}
	j := jingle.Jingle{Action: a, SID: m.session.sid, Initiator: c.f.x.JID().String()}
	if m.features.JSON {
		text, err := sources.Compact(all)
		if err != nil {
			c.log.Error("sources not written", "err", err)
			return
		}
		j.JSON = &jitsimeet.JSONMessage{Text: text}
	} else {
		j.Contents = sources.Contents(all)
	}
	c.ask(to, stanza.Set, j, func(_ stanza.IQ, err error) {
		if err != nil {
			c.log.Debug("sources not taken", "endpoint", m.nick, "err", err)
		}
	})
}
