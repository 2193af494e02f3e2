package conference

import (
	"strconv"

	"meetbox.local/focus/internal/offer"
	"meetbox.local/signaling/xmpp/disco"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

// presence takes what the room says of an occupant.
func (c *Conference) presence(p stanza.Presence) {
	if c.state == ended {
		return
	}
	x, err := stanza.Child[muc.User](p.Children)
	if err != nil {
		c.log.Debug("presence not read", "err", err)
		return
	}
	if x == nil {
		x = &muc.User{}
	}
	own := p.From == c.self || p.From.IsBare()
	switch {
	case p.Type == stanza.Failed && own:
		c.refusedEntry(p.Error)
	case p.Type == stanza.Unavailable && own:
		if c.state == entered || c.state == ready {
			c.log.Warn("focus was put out of the room")
			c.state = outside // there is nobody to say goodbye to
			c.end()
		}
	case p.Type == stanza.Unavailable:
		c.left(p.From.Resource())
	case p.Type != "":
	case own:
		if x.Has(muc.StatusSelf) {
			c.inside(*x)
		}
	default:
		c.updated(p, *x)
	}
}

// refusedEntry runs when the room does not let the focus in.
func (c *Conference) refusedEntry(e *stanza.Error) {
	if c.state != outside || e == nil {
		return
	}
	c.log.Warn("room refused the focus", "err", e)
	// An occupant of an earlier session may still hold the nick for a while.
	c.after(rejoinEvery, func() {
		if c.state == outside && c.timers.join != nil {
			c.sendPresence(true)
		}
	})
}

// updated takes an occupant's presence, the first or a later one.
func (c *Conference) updated(p stanza.Presence, x muc.User) {
	nick := p.From.Resource()
	m := c.members[nick]
	if m == nil {
		c.seq++
		m = &member{nick: nick, order: c.seq, joining: true}
		c.members[nick] = m
		c.hadMembers = true
		c.dirty = true
		c.f.count.participants.Inc()
		c.log.Info("participant joined", "endpoint", nick)
	}
	was := *m
	if len(x.Items) > 0 {
		m.affiliation, m.role = x.Items[0].Affiliation, x.Items[0].Role
		if !x.Items[0].JID.IsZero() {
			m.jid = x.Items[0].JID
		}
	}
	if !m.jid.IsZero() && !was.jid.IsZero() && m.jid != was.jid {
		// Somebody else under the same nick: the one before has left unseen.
		c.drop(m)
		delete(c.members, nick)
		c.updated(p, x)
		return
	}
	m.reached = x.Reached
	returned := !m.present
	m.present = true
	stop(&m.gone)
	if s, ok := stanza.Text(p.Children, stanza.NS, "stats-id"); ok {
		m.statsID = s
	}
	if s, ok := stanza.Text(p.Children, stanza.NS, "jitsi_participant_region"); ok {
		m.region = s
	}
	info, _ := stanza.Text(p.Children, stanza.NS, "SourceInfo")
	m.sends = readSends(nick, info)
	if m.role == muc.Moderator {
		if s, err := stanza.Child[jitsimeet.StartMuted](p.Children); err == nil && s != nil {
			c.policy = *s
		}
	}
	caps, err := stanza.Child[disco.Caps](p.Children)
	if err == nil && caps != nil && caps.Ver != m.ver {
		m.ver = caps.Ver
		c.learn(m, *caps)
	} else if m.ver == "" && m.features == nil {
		c.assume(m)
	}
	if returned && !was.jid.IsZero() {
		c.syncAll() // its sources count again
	}
	if was.role != m.role {
		c.forceMutes()
	}
	c.tellReached()
	if was.affiliation != m.affiliation || was.role != m.role || returned {
		c.dirty = true
		c.maintain()
	}
}

// learn finds out what a client can do.
func (c *Conference) learn(m *member, caps disco.Caps) {
	if f, ok := c.f.known(caps.Ver); ok {
		c.able(m, f)
		return
	}
	to, err := c.occupant(m)
	if err != nil {
		return
	}
	c.ask(to, stanza.Get, disco.Info{Node: caps.Node + "#" + caps.Ver}, func(q stanza.IQ, err error) {
		if c.members[m.nick] != m || m.ver != caps.Ver {
			return
		}
		var info disco.Info
		if err == nil {
			err = q.Payload().Decode(&info)
		}
		if err != nil {
			c.log.Warn("client does not say what it can do", "endpoint", m.nick, "err", err)
			c.assume(m)
			return
		}
		f := offer.Read(info)
		if info.Ver() == caps.Ver {
			c.f.learn(caps.Ver, f) // only what the hash proves may speak for others
		}
		c.able(m, f)
	})
}

// assume makes do without a client's word, unless there is one of old.
func (c *Conference) assume(m *member) {
	if m.features == nil {
		c.able(m, offer.Unknown())
	}
}

func (c *Conference) able(m *member, f offer.Features) {
	m.features = &f
	c.dirty = true
	c.maintain()
}

// left takes an occupant's leave.
func (c *Conference) left(nick string) {
	m := c.members[nick]
	if m == nil {
		return
	}
	c.log.Info("participant left", "endpoint", nick)
	c.drop(m)
	delete(c.members, nick)
	c.dirty = true
	c.tellReached()
	if len(c.members) == 0 {
		c.restored = false
	}
	c.maintain()
}

// drop forgets a member's media. Those who follow the room's presences drop
// its tracks by themselves; no source-remove is sent.
func (c *Conference) drop(m *member) {
	stop(&m.gone)
	c.sources.Drop(m.nick)
	for _, other := range c.members {
		if other.session != nil {
			delete(other.session.known, m.nick)
		}
	}
	if m.session != nil {
		c.expire(m)
	}
	m.session, m.moving = nil, nil
}

// await gives a member that the room did not name some time to come back.
func (c *Conference) await(m *member) {
	stop(&m.gone)
	m.gone = c.after(absenceGrace, func() {
		if c.members[m.nick] == m && !m.present && m.gone != nil {
			c.log.Info("participant did not come back", "endpoint", m.nick)
			c.restored = false
			c.left(m.nick)
		}
	})
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
