package conference

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"meetbox.local/signaling/xmpp/client"
	"meetbox.local/signaling/xmpp/colibri2"
	"meetbox.local/signaling/xmpp/jingle"
	"meetbox.local/signaling/xmpp/stanza"
)

// Limits on a client's requests for a new session, and on those for a restart
// of ICE, each counted by itself.
const (
	restartGap    = 5 * time.Second
	restartWindow = time.Minute
	restartsMax   = 5
)

// mayRestart counts a request, unless there were too many.
func mayRestart(times *[]time.Time, now time.Time) bool {
	list := slices.DeleteFunc(*times, func(t time.Time) bool { return now.Sub(t) > restartWindow })
	n := len(list)
	ok := n < restartsMax && (n == 0 || now.Sub(list[n-1]) >= restartGap)
	if ok {
		list = append(list, now)
	}
	*times = list
	return ok
}

// restartICE gives a client another way to its bridge without another
// session: the bridge makes new credentials, which the client is told, and
// answers with its own; until they have found each other media goes the old
// way. A bridge that does not restart answers without a transport.
func (c *Conference) restartICE(m *member, r *client.Request) error {
	if m.session.phase != active || c.bridge == nil {
		return stanza.NewError(stanza.ItemNotFound, "session not accepted yet")
	}
	if !mayRestart(&m.iceRestarts, time.Now()) {
		return stanza.NewError(stanza.ResourceConstraint, "too many restarts")
	}
	c.then(func() { r.Reply(nil) })
	c.dirty = true
	c.f.count.iceRestarts.Inc()
	c.log.Info("restarting ICE", "endpoint", m.nick)
	b, s := c.bridge, m.session
	request := colibri2.Modify{Endpoints: []colibri2.Endpoint{{
		ID: m.nick, Transport: &colibri2.Transport{ICERestart: true},
	}}}
	c.modify(b, request, func(q stanza.IQ, err error) {
		if c.bridge != b || c.members[m.nick] != m || m.session != s {
			return
		}
		var answer colibri2.Modified
		if err == nil {
			err = q.Payload().Decode(&answer)
		}
		if err != nil {
			c.updateFailed(m, b, err)
			return
		}
		c.iceRestarted(m, answer)
	})
	return nil
}

// iceRestarted passes the bridge's new transport on. One of no new generation
// is what the client has already.
func (c *Conference) iceRestarted(m *member, answer colibri2.Modified) {
	var t *jingle.Transport
	for _, e := range answer.Endpoints {
		if e.ID == m.nick && e.Transport != nil {
			t = e.Transport.ICE
		}
	}
	if t == nil {
		c.log.Info("bridge does not restart ICE; inviting anew", "endpoint", m.nick)
		c.reinvite(m)
		c.maintain()
		return
	}
	n, err := strconv.Atoi(t.ICEGeneration)
	if err != nil || n <= m.session.generation {
		return
	}
	to, err := c.occupant(m)
	if err != nil {
		return
	}
	m.session.generation = n
	c.dirty = true
	t.RTCPMux, t.WebSockets = nil, nil // clients have them
	j := jingle.Jingle{
		Action: jingle.TransportInfo, SID: m.session.sid, Initiator: c.f.x.JID().String(),
		Contents: []jingle.Content{{Creator: "initiator", Name: "audio", Transport: t}},
	}
	c.ask(to, stanza.Set, j, func(_ stanza.IQ, err error) {
		if e, refused := errors.AsType[*stanza.Error](err); refused {
			c.log.Warn("client refused the new transport", "endpoint", m.nick, "err", e)
		}
	})
}
