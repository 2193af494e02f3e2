package conference

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"meetbox.local/focus/internal/offer"
	"meetbox.local/focus/internal/sources"
	"meetbox.local/signaling/xmpp/client"
	"meetbox.local/signaling/xmpp/colibri2"
	"meetbox.local/signaling/xmpp/jingle"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/stanza"
)

// phase of a media session.
type phase uint8

const (
	allocating phase = 1 + iota // the bridge was asked
	offered                     // the client was asked
	active                      // the client accepted
)

const (
	bridgeRetry    = 5 * time.Second // to look for a bridge again when there was none
	missingGrace   = 4 * time.Second // a killed bridge is back in one or two
	quickAttempts  = 3               // allocations that are repeated at once
	slowestAttempt = 10 * time.Second
)

// session is a member's Jingle session. It ends with its bridge.
type session struct {
	sid    string
	bridge string // ID of the allocation
	phase  phase
	unsure bool // the focus was away before the client accepted: its answer may be lost

	generation int                    // of ICE, that the client was told of
	known      map[string]sources.Set // others' sources that the client was told of
}

// invite allocates a member on the bridge; allocated goes on from there.
func (c *Conference) invite(m *member) {
	if !c.haveBridge() {
		return
	}
	b, f := c.bridge, *m.features
	s := &session{sid: token(), bridge: b.ID, phase: allocating}
	m.session = s
	c.dirty = true
	t := &colibri2.Transport{ICEControlling: true, Reached: m.reached}
	if f.SCTP {
		t.SCTP = &colibri2.SCTP{}
	}
	rules := c.rules()
	media := offer.Media(f, offer.Options{Codecs: rules.Codecs, RED: !rules.NoRED})
	endpoint := colibri2.Endpoint{
		ID: m.nick, Create: true, StatsID: m.statsID, MUCRole: string(m.role),
		Capabilities: offer.Capabilities(f), Media: media, Transport: t, Sources: &colibri2.Sources{},
	}
	m.forced = colibri2.ForceMute{}
	c.force(m, &endpoint)
	request := colibri2.Modify{Endpoints: []colibri2.Endpoint{endpoint}}
	if !b.Created {
		b.Created = true
		request.Create, request.Name = true, c.room
		c.sendPresence(false)
	}
	c.brewery().Added(b.JID)
	c.log.Info("allocating", "endpoint", m.nick, "peer", b.JID.String())
	c.modify(b, request, func(q stanza.IQ, err error) {
		if c.members[m.nick] != m || m.session != s || c.bridge != b {
			return // left, or lost with the bridge, meanwhile
		}
		var answer colibri2.Modified
		if err == nil {
			err = q.Payload().Decode(&answer)
		}
		if err == nil {
			err = c.allocated(m, f, media, answer)
		}
		if err != nil {
			c.allocationFailed(m, b, err)
		}
	})
}

// haveBridge finds a bridge for the conference. While there is none it looks
// again and again, and tells the room when that takes long.
func (c *Conference) haveBridge() bool {
	if c.bridge != nil {
		return c.brewery().Present(c.bridge.JID) // else it may come back, or is lost soon
	}
	picked, ok := c.brewery().Pick(c.region())
	if ok {
		c.bridge = &bridge{JID: picked.JID, Region: picked.Region, ID: token()}
		c.dirty = true
	} else if c.timers.retry == nil {
		c.timers.retry = c.after(bridgeRetry, func() {
			c.timers.retry = nil
			c.maintain()
		})
	}
	c.tellMissing(!ok)
	return ok
}

// region is where most of those who say it are; of equals, who came first.
func (c *Conference) region() string {
	count := make(map[string]int)
	best := ""
	for _, m := range c.sorted() {
		if m.present && m.region != "" {
			count[m.region]++
		}
	}
	for _, m := range c.sorted() {
		if count[m.region] > count[best] {
			best = m.region
		}
	}
	return best
}

// tellMissing shows in the room whether a bridge is missing. The apps take
// that for fatal and load their page again, so a bridge that only restarts
// must not be told of.
func (c *Conference) tellMissing(missing bool) {
	if !missing {
		stop(&c.timers.missing)
		if c.missing {
			c.missing = false
			c.sendPresence(false)
		}
		return
	}
	if c.missing || c.timers.missing != nil {
		return
	}
	c.log.Warn("no bridge available")
	c.timers.missing = c.after(missingGrace, func() {
		if c.timers.missing == nil {
			return // found at the last moment
		}
		c.timers.missing = nil
		c.missing = true
		c.sendPresence(false)
	})
}

// allocated offers the member what the bridge answered.
func (c *Conference) allocated(m *member, f offer.Features, media []colibri2.Media, answer colibri2.Modified) error {
	var transport *colibri2.Transport
	for _, e := range answer.Endpoints {
		if e.ID == m.nick {
			transport = e.Transport
		}
	}
	if transport == nil || transport.ICE == nil || transport.ICE.Ufrag == "" {
		return errors.New("the bridge named no transport")
	}
	c.attempts = 0
	if answer.Sources != nil {
		c.bridge.Feedback = sources.FromBridge(answer.Sources)
	}
	if m.moving != nil {
		c.f.count.moved.Inc()
		c.terminate(m, m.moving, jingle.ReasonSuccess, "moving")
		m.retire(m.moving)
		m.moving = nil
	}
	return c.initiate(m, f, media, *transport)
}

// initiate sends the session-initiate.
func (c *Conference) initiate(m *member, f offer.Features, media []colibri2.Media, t colibri2.Transport) error {
	to, err := c.occupant(m)
	if err != nil {
		return err
	}
	s, b := m.session, c.bridge
	contents, group := offer.Contents(f, media, t)
	j := jingle.Jingle{
		Action: jingle.SessionInitiate, SID: s.sid, Initiator: c.f.x.JID().String(),
		Contents: contents, Groups: []jingle.Group{group},
		BridgeSession: &jitsimeet.BridgeSession{ID: b.ID, Region: b.Region},
	}
	if m.joining {
		j.StartMuted = c.startsMuted(m)
		m.joining = false
	}
	s.known = c.visible(m, f)
	all := make(map[string]sources.Set, len(s.known)+1)
	maps.Copy(all, s.known)
	all[sources.Bridge] = b.Feedback
	if err := attach(&j, f, all); err != nil {
		return err
	}
	s.phase = offered
	c.dirty = true
	c.forceMutes() // what has changed while the bridge allocated
	c.f.count.sessions.Inc()
	c.log.Info("inviting", "endpoint", m.nick, "sid", s.sid)
	c.ask(to, stanza.Set, j, func(_ stanza.IQ, err error) {
		e, refused := errors.AsType[*stanza.Error](err)
		if !refused || c.members[m.nick] != m || m.session != s {
			return // no answer counts as one: the session-accept decides
		}
		c.log.Warn("client refused the session", "endpoint", m.nick, "err", e)
		c.forget(m)
		m.done = true
		c.maintain()
	})
	return nil
}

// attach writes others' sources into an offer, in the form the client reads.
func attach(j *jingle.Jingle, f offer.Features, all map[string]sources.Set) error {
	if f.JSON {
		text, err := sources.Compact(all)
		if err != nil {
			return err
		}
		j.JSON = &jitsimeet.JSONMessage{Text: text}
		return nil
	}
	for i := range j.Contents {
		d := j.Contents[i].Description
		switch j.Contents[i].Name {
		case "audio":
			d.Sources, d.Groups = sources.XML(all, sources.Audio)
		case "video":
			d.Sources, d.Groups = sources.XML(all, sources.Video)
		}
	}
	return nil
}

// startsMuted tells a newcomer to begin muted, by its place in the room or by
// a moderator's order.
func (c *Conference) startsMuted(m *member) *jitsimeet.StartMuted {
	place := 0
	for _, o := range c.members {
		if o.order <= m.order {
			place++
		}
	}
	v, r := c.policy, c.rules()
	over := func(limit int) bool { return limit > 0 && place > limit }
	v.Audio = v.Audio || over(least(r.StartAudioMuted, r.AudioSenders))
	v.Video = v.Video || over(least(r.StartVideoMuted, r.VideoSenders))
	v.Audio = v.Audio || !c.mayUnmute(m, "audio")
	v.Video = v.Video || !c.mayUnmute(m, "video")
	if !v.Audio && !v.Video {
		return nil
	}
	return &v
}

// allocationFailed decides what a bridge's refusal means.
func (c *Conference) allocationFailed(m *member, b *bridge, err error) {
	c.f.count.failed.Inc()
	c.log.Warn("allocation failed", "endpoint", m.nick, "peer", b.JID.String(), "err", err)
	c.attempts++
	e, _ := errors.AsType[*stanza.Error](err)
	switch reason := colibriReason(err); {
	case errors.Is(err, client.ErrOffline):
		// Done again once the focus is back; the bridge may have done its part.
		m.session.unsure = true
		return
	case reason == colibri2.ConferenceAlreadyExists:
		c.modify(b, colibri2.Modify{Expire: true}, ignore)
		c.lose("bridge has an old conference of this name")
	case e != nil && e.Condition == stanza.Conflict:
		c.forget(m) // an older endpoint of this name goes with it
	case e != nil && e.Condition == stanza.BadRequest:
		c.forget(m)
		m.done = true // another bridge would not like it either
	case reason == colibri2.ConferenceNotFound:
		c.lose("bridge forgot the conference")
	case e != nil && e.Condition == stanza.ItemNotFound:
		c.lose("bridge is not there")
	case reason == colibri2.GracefulShutdown:
		c.brewery().Graceful(b.JID)
		c.lose("bridge is shutting down")
	default:
		c.brewery().Failed(b.JID, err)
		c.lose("bridge does not allocate")
	}
	if c.attempts <= quickAttempts {
		c.maintain()
		return
	}
	if c.timers.retry == nil {
		c.timers.retry = c.after(min(time.Duration(c.attempts)*time.Second, slowestAttempt), func() {
			c.timers.retry = nil
			c.maintain()
		})
	}
}

// terminate tells a client that a session is over.
func (c *Conference) terminate(m *member, s *session, reason, text string) {
	to, err := c.occupant(m)
	if err != nil || s.phase == allocating {
		return
	}
	c.ask(to, stanza.Set, jingle.Jingle{
		Action: jingle.SessionTerminate, SID: s.sid, Initiator: c.f.x.JID().String(),
		Reason: &jingle.Reason{Condition: reason, Text: text},
	}, ignore)
}

// hangUp ends a member's session for good reason.
func (c *Conference) hangUp(m *member, reason, text string) {
	for _, s := range []*session{m.moving, m.session} {
		if s != nil {
			c.terminate(m, s, reason, text)
		}
	}
	m.moving = nil
	if m.session != nil {
		c.forget(m)
	}
}

// forget drops a member's session here and on the bridge; the others are told
// that its sources are gone.
func (c *Conference) forget(m *member) {
	c.sources.Drop(m.nick)
	c.expire(m)
	m.retire(m.session)
	m.session = nil
	c.dirty = true
	c.syncAll()
}

// retire remembers a session that is over: requests that were under way are
// told so.
func (m *member) retire(s *session) {
	const most = 5
	if s == nil || s.phase == allocating || slices.Contains(m.ended, s.sid) {
		return
	}
	m.ended = append(m.ended, s.sid)
	if len(m.ended) > most {
		m.ended = m.ended[1:]
	}
}

// reinvite gives a member a new session in place of one that broke.
func (c *Conference) reinvite(m *member) {
	s := m.session
	if s == nil {
		return
	}
	c.forget(m)
	if m.moving == nil {
		m.moving = s
	}
}

func ignore(stanza.IQ, error) {}

// colibriReason is the bridge's own word on a refusal, or "".
func colibriReason(err error) string {
	e, ok := errors.AsType[*stanza.Error](err)
	if !ok {
		return ""
	}
	v, derr := stanza.Child[colibri2.Error](e.Specific)
	if derr != nil || v == nil {
		return ""
	}
	return v.Reason
}

// token is a name that nobody guesses and nothing else has.
func token() string { return strings.ToLower(rand.Text()[:16]) }

func (p phase) String() string {
	switch p {
	case allocating:
		return "allocating"
	case offered:
		return "offered"
	case active:
		return "active"
	}
	return fmt.Sprintf("phase(%d)", uint8(p))
}
