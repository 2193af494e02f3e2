package conference

import (
	"errors"
	"slices"
	"strings"
	"time"

	"meetbox.local/focus/internal/sources"
	"meetbox.local/signaling/xmpp/client"
	"meetbox.local/signaling/xmpp/colibri2"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jingle"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

// iq takes a request from an occupant of the room.
func (c *Conference) iq(r *client.Request) {
	err := c.handle(r)
	if err == nil {
		return // answered
	}
	e, ok := errors.AsType[*stanza.Error](err)
	if !ok {
		e = stanza.NewError(stanza.BadRequest, err.Error())
	}
	c.f.count.refused.Inc()
	c.log.Debug("request refused", "endpoint", r.From.Resource(), "err", e)
	c.then(func() { r.Fail(e) })
}

func (c *Conference) handle(r *client.Request) error {
	m := c.members[r.From.Resource()]
	if m == nil || c.state == ended {
		return stanza.NewError(stanza.ItemNotFound, "not in this conference")
	}
	p := r.Payload()
	switch {
	case p.Is(jingle.NS, "jingle") && r.Type == stanza.Set:
		err := c.jingle(m, r)
		if err != nil {
			c.f.count.badJingle.Inc()
		}
		return err
	case jitsimeet.IsMute(p.XMLName) && r.Type == stanza.Set:
		return c.mute(m, r)
	case p.Is(jitsimeet.NSJibri, "jibri"):
		return stanza.NewError(stanza.ItemNotFound, "no recorder")
	}
	return stanza.NewError(stanza.ServiceUnavailable, "")
}

// jingle takes a Jingle request; an error is its answer.
func (c *Conference) jingle(m *member, r *client.Request) error {
	var j jingle.Jingle
	if err := r.Payload().Decode(&j); err != nil {
		return stanza.NewError(stanza.BadRequest, "malformed jingle")
	}
	if j.Action == "" {
		return stanza.NewError(stanza.BadRequest, "no action")
	}
	s := m.session
	switch {
	case s != nil && s.sid == j.SID && s.phase != allocating:
	case m.moving != nil && m.moving.sid == j.SID:
		if j.Action == jingle.SessionTerminate {
			m.moving = nil // the client gave up first; its new session comes with the bridge
			c.dirty = true
		}
		c.then(func() { r.Reply(nil) })
		return nil
	case slices.Contains(m.ended, j.SID):
		return stanza.NewError(stanza.Gone, "session ended")
	default:
		e := stanza.NewError(stanza.BadRequest, "no such session")
		e.Specific, _ = stanza.Encode(jingle.UnknownSession{})
		return e
	}
	switch j.Action {
	case jingle.SessionAccept:
		return c.accept(m, r, j)
	case jingle.SourceAdd, jingle.AddSource:
		return c.changeSources(m, r, j, func(owner string, set sources.Set) (sources.Set, error) {
			if err := c.mayAdd(m, set); err != nil {
				return set, err
			}
			return c.sources.Add(owner, set)
		})
	case jingle.SourceRemove, jingle.RemoveSource:
		return c.changeSources(m, r, j, c.sources.Remove)
	case jingle.TransportInfo, jingle.TransportAccept:
		t := transportOf(j)
		if t == nil {
			return stanza.NewError(stanza.BadRequest, "no transport")
		}
		c.then(func() { r.Reply(nil) })
		c.update(m, colibri2.Endpoint{Transport: &colibri2.Transport{ICE: t}})
		return nil
	case jingle.SessionInfo:
		return c.info(m, r, j)
	case jingle.SessionTerminate:
		return c.terminated(m, r, j)
	case jingle.TransportReject:
		c.then(func() { r.Reply(nil) })
		return nil
	}
	return stanza.NewError(stanza.FeatureNotImplemented, string(j.Action))
}

// accept takes the client's answer to an offer.
func (c *Conference) accept(m *member, r *client.Request, j jingle.Jingle) error {
	s := m.session
	if s.phase != offered {
		return stanza.NewError(stanza.BadRequest, "accepted already")
	}
	t := transportOf(j)
	if t == nil {
		return stanza.NewError(stanza.BadRequest, "no transport")
	}
	set, err := sources.FromJingle(m.nick, j.Contents)
	if err != nil {
		return err
	}
	// Senders are not counted here: clients name the sources that they keep
	// muted, too, and who comes when there are enough was told to begin so.
	if m.role == muc.Visitor && !set.Empty() {
		return errVisitor
	}
	if _, err := c.sources.Add(m.nick, set); err != nil {
		return err
	}
	c.then(func() { r.Reply(nil) }) // at once: the client waits for it
	s.phase, s.unsure = active, false
	c.dirty = true
	c.log.Info("session accepted", "endpoint", m.nick, "sid", s.sid, "sources", len(set.Sources))
	e := colibri2.Endpoint{Transport: &colibri2.Transport{ICE: t}}
	for _, content := range j.Contents {
		if content.InitialLastN != nil {
			e.InitialLastN = content.InitialLastN
		}
	}
	if n := c.rules().LastN; n > 0 && (e.InitialLastN == nil || e.InitialLastN.Value < 0 || e.InitialLastN.Value > n) {
		e.InitialLastN = &jingle.InitialLastN{Value: n}
	}
	c.update(m, e)
	c.syncAll()
	return nil
}

// changeSources takes a source-add or source-remove.
func (c *Conference) changeSources(m *member, r *client.Request, j jingle.Jingle, change func(string, sources.Set) (sources.Set, error)) error {
	if m.session.phase != active {
		return stanza.NewError(stanza.ItemNotFound, "session not accepted yet")
	}
	set, err := sources.FromJingle(m.nick, j.Contents)
	if err == nil {
		_, err = change(m.nick, set)
	}
	if err != nil {
		return err
	}
	c.then(func() { r.Reply(nil) })
	c.dirty = true
	c.update(m, colibri2.Endpoint{})
	c.syncAll()
	return nil
}

func (c *Conference) info(m *member, r *client.Request, j jingle.Jingle) error {
	if b := j.BridgeSession; b != nil {
		if b.ID != "" && b.ID != m.session.bridge {
			return stanza.NewError(stanza.ItemNotFound, "no such bridge session")
		}
		if b.ICERestart {
			return c.restartICE(m, r)
		}
	}
	c.then(func() { r.Reply(nil) })
	if j.ICEState == nil {
		return nil
	}
	c.log.Info("client reports its transport", "endpoint", m.nick, "state", j.ICEState.State)
	// An older client's way to ask for another session.
	if strings.EqualFold(strings.TrimSpace(j.ICEState.State), "failed") && mayRestart(&m.restarts, time.Now()) {
		c.f.count.restarts.Inc()
		c.reinvite(m)
		c.maintain()
	}
	return nil
}

// terminated takes a client's goodbye to its session, or its wish for another.
func (c *Conference) terminated(m *member, r *client.Request, j jingle.Jingle) error {
	s, b := m.session, j.BridgeSession
	if b != nil && b.ID != "" && b.ID != s.bridge {
		return stanza.NewError(stanza.ItemNotFound, "no such bridge session")
	}
	asks := b != nil && b.Restart
	restart := asks && mayRestart(&m.restarts, time.Now())
	c.then(func() {
		if asks && !restart { // the session has ended all the same
			r.Fail(stanza.NewError(stanza.ResourceConstraint, "too many restarts"))
			return
		}
		r.Reply(nil)
	})
	reason := ""
	if j.Reason != nil {
		reason = j.Reason.Condition + " " + j.Reason.Text
	}
	c.log.Info("client ended its session", "endpoint", m.nick, "reason", reason, "restart", restart)
	c.forget(m)
	if restart {
		c.f.count.restarts.Inc()
	} else {
		m.done = true
	}
	c.maintain()
	return nil
}

// transportOf is the client's transport, for the bridge: all contents share
// one, and clients do not repeat everything in each.
func transportOf(j jingle.Jingle) *jingle.Transport {
	var out *jingle.Transport
	for _, content := range j.Contents {
		t := content.Transport
		if t == nil {
			continue
		}
		if out == nil {
			out = &jingle.Transport{Ufrag: t.Ufrag, Pwd: t.Pwd, ICEGeneration: t.ICEGeneration, Candidates: t.Candidates}
		}
		if len(out.Fingerprints) == 0 {
			out.Fingerprints = t.Fingerprints
		}
	}
	return out
}

// mute takes a moderator's order to mute somebody.
func (c *Conference) mute(m *member, r *client.Request) error {
	var order jitsimeet.Mute
	if err := r.Payload().Decode(&order); err != nil || order.JID.IsZero() {
		return stanza.NewError(stanza.BadRequest, "malformed mute")
	}
	target := c.members[order.JID.Resource()]
	switch {
	case order.JID.Bare() != c.room || target == nil || !target.present:
		return stanza.NewError(stanza.ItemNotFound, "no such participant")
	case target != m && m.role != muc.Moderator:
		return stanza.NewError(stanza.NotAllowed, "only moderators mute others")
	case target != m && !order.On():
		return stanza.NewError(stanza.NotAllowed, "nobody unmutes others")
	}
	actor, err := c.occupant(m)
	if err != nil {
		return err
	}
	c.then(func() { r.Reply(nil) })
	if target == m {
		return nil // clients mute themselves without asking
	}
	c.f.count.muted.Inc()
	c.f.acts.add(act{Event: "participant muted", Room: c.room.String(), Meeting: c.meeting, Endpoint: target.nick, Actor: m.nick, Medium: mediumOf(order.XMLName.Space)})
	c.log.Info("muting", "endpoint", target.nick, "actor", m.nick, "medium", order.XMLName.Space)
	c.ask(order.JID, stanza.Set, jitsimeet.Mute{XMLName: order.XMLName, JID: jid.JID{}, Actor: actor, Value: "true"}, ignore)
	return nil
}
