// Package conference runs the meetings: one goroutine for each room, which
// owns all that is known of it and is told what happens by functions posted
// to its mailbox. Nothing else reads or writes a conference's state, and no
// lock is held across two of them.
//
// A conference joins its room as owner, makes the first participant a
// moderator, and as soon as two are there allocates both on a bridge and
// invites them (Jingle). After each round of its mailbox it writes a snapshot
// and only then sends what that round decided, so that a focus that is killed
// and comes back knows at least what others have heard from it.
package conference

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"meetbox.local/focus/internal/brewery"
	"meetbox.local/focus/internal/offer"
	"meetbox.local/focus/internal/sources"
	"meetbox.local/signaling/xmpp/colibri2"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

// Nick is the focus's in every room; clients know it by that name.
const Nick = "focus"

const (
	initialTimeout = 15 * time.Second // alone in a new room
	singleTimeout  = 20 * time.Second // of a media session without anybody to talk to
	absenceGrace   = 10 * time.Second // for members to come back when signaling, or the focus, was away
	joinTimeout    = 12 * time.Second // for the room to let the focus in; requests are answered then
	rejoinEvery    = time.Second
	minMembers     = 2 // with fewer there is no media session
)

// XMPP is the focus's session with signaling.
type XMPP interface {
	Ask(to jid.JID, typ string, payload any, done func(stanza.IQ, error))
	Send(v any) error
	JID() jid.JID
}

// state of a conference in its room.
type state uint8

const (
	outside state = 1 + iota // not in the room, or not known to be
	entered                  // an occupant; asking the room for its form
	ready
	ended
)

// Conference is one meeting. All fields belong to its goroutine, the summary
// excepted.
type Conference struct {
	room  jid.JID
	self  jid.JID // room/focus
	f     *Focus
	log   *slog.Logger
	box   *mailbox
	out   []func() // what this round decided to send
	since time.Time
	dirty bool // the snapshot is older than the state

	state      state
	meeting    string // meeting-id at the bridge and in the room's form
	restored   bool   // of an earlier process; its room may be gone
	hadMembers bool
	owner      jid.JID // who is being made owner
	members    map[string]*member
	seq        int // counts members, for their order

	sources  sources.Map
	bridge   *bridge
	missing  bool // no bridge can be had, and the room was told
	attempts int  // allocations that failed since the last that did not

	startMuted struct{ audio, video int } // from which participant on; 0: nobody
	own        roomRules                  // the room's
	full       sends                      // what the room was told of limits that are reached
	policy     jitsimeet.StartMuted       // what a moderator ordered for those who join
	moderation map[string]*moderated      // by medium; only what is on

	summary atomic.Pointer[Summary] // for others
	waiting []func(ok bool)
	timers  struct{ initial, single, join, retry, missing *time.Timer }
}

// bridge is the conference's allocation on one bridge.
type bridge struct {
	JID      jid.JID
	Region   string
	ID       string // tells one allocation from the next; clients echo it
	Created  bool   // the conference exists there
	Feedback sources.Set
}

// member is one occupant of the room other than the focus.
type member struct {
	nick        string
	jid         jid.JID // real
	affiliation muc.Affiliation
	role        muc.Role
	order       int
	present     bool // false: not named by the room since the focus came back
	ver         string
	features    *offer.Features // nil until known
	statsID     string
	region      string
	reached     string // the box's address that its signalling came in at; empty if unknown

	forced  colibri2.ForceMute // as the bridge was told
	session *session
	moving  *session // lost with its bridge; to be ended when there is a new one
	done    bool     // ended its session by itself and wants no other
	joining bool     // no session yet since joining: start-muted applies
	sends   sends    // by its own word
	ended   []string // its last sessions, for late requests

	restarts, iceRestarts []time.Time
	gone                  *time.Timer // ends the grace of one who is not present
}

func newConference(f *Focus, room, self jid.JID) *Conference {
	return &Conference{
		room: room, self: self, f: f, log: f.log.With("room", room.String()), state: outside, since: time.Now(),
		members: make(map[string]*member), box: newMailbox(),
	}
}

// run is the conference's goroutine.
func (c *Conference) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return // the room is kept: signaling waits for the next focus
		case <-c.box.wake:
		}
		for _, post := range c.box.take() {
			post()
		}
		c.flush()
		if c.state == ended {
			return
		}
	}
}

// flush writes the snapshot and sends what was decided.
func (c *Conference) flush() {
	if c.dirty {
		c.dirty = false
		if err := c.save(); err != nil {
			c.log.Error("snapshot not written", "err", err)
		}
	}
	c.summarize()
	out := c.out
	c.out = nil
	for _, send := range out {
		send()
	}
}

// then does something after the snapshot is written.
func (c *Conference) then(f func()) { c.out = append(c.out, f) }

// ask sends an iq after the snapshot; done runs on the conference's goroutine.
func (c *Conference) ask(to jid.JID, typ string, payload any, done func(stanza.IQ, error)) {
	c.then(func() {
		c.f.x.Ask(to, typ, payload, func(q stanza.IQ, err error) {
			c.box.post(func() { done(q, err) })
		})
	})
}

// after posts f in a while, unless the timer is stopped.
func (c *Conference) after(d time.Duration, f func()) *time.Timer {
	return time.AfterFunc(d, func() { c.box.post(f) })
}

// stop ends a timer; a function that it has posted already finds nil.
func stop(t **time.Timer) {
	if *t != nil {
		(*t).Stop()
		*t = nil
	}
}

// request is somebody's wish that there be a conference.
func (c *Conference) request(props map[string]string, done func(ok bool)) {
	if c.state == ended {
		c.then(func() { c.f.request(c.room, props, done) }) // this one has left; a new one takes it
		return
	}
	if !c.hadMembers {
		c.startMuted.audio = number(props["startAudioMuted"])
		c.startMuted.video = number(props["startVideoMuted"])
	}
	if c.state == ready {
		c.then(func() { done(true) })
		c.maintain()
		return
	}
	c.waiting = append(c.waiting, done)
}

func (c *Conference) answer(ok bool) {
	for _, done := range c.waiting {
		c.then(func() { done(ok) })
	}
	c.waiting = nil
}

// maintain does whatever the state asks for. It is called after each change
// and does nothing when nothing is to be done.
func (c *Conference) maintain() {
	if c.state != ready {
		return
	}
	present := 0
	for _, m := range c.members {
		if m.present {
			present++
		}
	}
	if len(c.members) == 0 {
		if c.hadMembers && !c.restored {
			c.end()
			return
		}
		if c.timers.initial == nil {
			c.timers.initial = c.after(initialTimeout, func() {
				if c.timers.initial != nil && len(c.members) == 0 {
					c.end()
				}
			})
		}
		return
	}
	stop(&c.timers.initial)
	c.restored = false
	c.autoOwner()
	if len(c.members) < minMembers {
		c.alone()
		return
	}
	stop(&c.timers.single)
	if present < minMembers {
		return
	}
	for _, m := range c.sorted() {
		if m.present && m.session == nil && m.features != nil && !m.done {
			c.invite(m)
		}
	}
}

// alone lets a lonely participant's session run out.
func (c *Conference) alone() {
	busy := slices.ContainsFunc(c.sorted(), func(m *member) bool { return m.session != nil || m.moving != nil })
	if !busy {
		stop(&c.timers.single)
		return
	}
	if c.timers.single == nil {
		c.timers.single = c.after(singleTimeout, func() {
			if c.timers.single == nil || len(c.members) >= minMembers {
				return
			}
			c.timers.single = nil
			for _, m := range c.sorted() {
				c.hangUp(m, "expired", "Idle session timeout")
			}
			c.releaseBridge()
			c.maintain()
		})
	}
}

// autoOwner sees to it that somebody is the room's owner.
func (c *Conference) autoOwner() {
	if !c.owner.IsZero() || c.room.Domain() == c.f.breakout {
		return // in a breakout room who moderates is the main room's affair
	}
	var first *member
	for _, m := range c.sorted() {
		if !m.present {
			continue
		}
		if m.affiliation == muc.Owner {
			return
		}
		if first == nil && !m.jid.IsZero() {
			first = m
		}
	}
	if first == nil {
		return
	}
	c.owner = first.jid.Bare()
	query := muc.AdminQuery{Items: []muc.AdminItem{{Affiliation: muc.Owner, JID: c.owner}}}
	c.ask(c.room, stanza.Set, query, func(_ stanza.IQ, err error) {
		if err != nil {
			c.log.Warn("moderator not appointed", "jid", first.jid.String(), "err", err)
		}
		c.owner = jid.JID{}
	})
}

// end leaves the room and the bridge.
func (c *Conference) end() {
	if c.state == ended {
		return
	}
	inRoom := c.state == entered || c.state == ready
	c.log.Info("conference ends")
	c.releaseBridge()
	c.state = ended
	for _, t := range []**time.Timer{&c.timers.initial, &c.timers.single, &c.timers.join, &c.timers.retry, &c.timers.missing} {
		stop(t)
	}
	for _, m := range c.members {
		stop(&m.gone)
	}
	c.answer(false)
	c.dirty = false
	if err := c.f.dir.Remove(c.file()); err != nil && !errors.Is(err, os.ErrNotExist) {
		c.log.Warn("snapshot not removed", "err", err)
	}
	if inRoom {
		c.then(func() { c.sent(c.f.x.Send(stanza.Presence{To: c.self, Type: stanza.Unavailable})) })
	}
}

// sorted returns the members in the order in which they joined. A snapshot
// that somebody wrote by hand may count two alike: their names decide.
func (c *Conference) sorted() []*member {
	return slices.SortedFunc(maps.Values(c.members), func(a, b *member) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.nick, b.nick))
	})
}

// occupant is the address of a member in the room.
func (c *Conference) occupant(m *member) (jid.JID, error) {
	j, err := c.room.WithResource(m.nick)
	if err != nil {
		return j, fmt.Errorf("address of %s: %w", m.nick, err)
	}
	return j, nil
}

// brewery is where bridges come from.
func (c *Conference) brewery() *brewery.Brewery { return c.f.bridges }

// modify asks the bridge for something of this conference.
func (c *Conference) modify(b *bridge, m colibri2.Modify, done func(stanza.IQ, error)) {
	m.MeetingID = c.meeting
	c.ask(b.JID, stanza.Get, m, done)
}
