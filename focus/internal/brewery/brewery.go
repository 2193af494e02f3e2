// Package brewery knows the bridges: it sits in the room where they publish
// their statistics, asks each for its health, and tells conferences which to
// take and which are lost.
//
// Its methods are safe for concurrent use and never block. While the focus
// itself is offline nothing is lost: bridges are forgotten only when the room
// said that they left, or did not name them for a while after the focus came
// back.
package brewery

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"meetbox.local/focus/internal/choice"
	"meetbox.local/signaling/xmpp/client"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

const (
	nick         = "focus"
	checkEvery   = 10 * time.Second
	retryCheck   = 5 * time.Second
	failureReset = 20 * time.Second // a bridge that failed gets nothing new for so long
	rampUp       = 20 * time.Second // until published stress knows of new participants
	returnGrace  = 8 * time.Second  // bridges reconnect within 1 s after signaling came back
	freshFor     = 8 * time.Second  // bridges publish every five seconds
	lookEvery    = time.Second      // for bridges to be checked
	hungAfter    = 3 * time.Second  // without an answer to a check, of one that does not publish
)

// XMPP is what the brewery needs of the session with signaling.
type XMPP interface {
	Ask(to jid.JID, typ string, payload any, done func(stanza.IQ, error))
	Send(v any) error
}

// Events are called on any goroutine, without a lock held; they must not block.
type Events struct {
	Lost func(bridge jid.JID) // its conferences must move
	Back func(bridge jid.JID) // it is in the room again after the focus was offline
	Up   func(bridge jid.JID) // it can take conferences now
}

// Brewery holds all known bridges.
type Brewery struct {
	room   jid.JID
	self   jid.JID
	x      XMPP
	events Events
	log    *slog.Logger
	lost   *metrics.Counter
	sick   *metrics.Counter

	mu      sync.Mutex
	bridges map[jid.JID]*bridge
	session int // counts logins, so that a timer of an older one does nothing
}

type bridge struct {
	choice.Bridge
	stale       bool // not seen since the focus was offline
	seen        time.Time
	checked     time.Time // the last check was sent
	asked       time.Time // likewise; zero when it was answered
	hung        bool      // neither publishes nor answers
	given       bool      // … and its conferences were told
	failedUntil time.Time
	added       []time.Time
	missed      int // health checks without an answer, in a row
}

// New returns a brewery for a room; Joined must be called at each login.
func New(room jid.JID, x XMPP, events Events, log *slog.Logger, set *metrics.Set) (*Brewery, error) {
	self, err := room.WithResource(nick)
	if err != nil {
		return nil, err
	}
	b := &Brewery{
		room: room, self: self, x: x, events: events, log: log, bridges: make(map[jid.JID]*bridge),
		lost: set.NewCounter("focus_bridges_lost_total"),
		sick: set.NewCounter("focus_bridge_failures_total"),
	}
	set.NewGauge("focus_bridges", func() float64 { return float64(len(b.usable())) })
	return b, nil
}

// Room is where the bridges are.
func (b *Brewery) Room() jid.JID { return b.room }

// Join enters the room; to be called after each login.
func (b *Brewery) Join() error {
	b.mu.Lock()
	b.session++
	b.mu.Unlock()
	none := 0
	children, err := stanza.Encode(muc.Join{History: &muc.History{MaxStanzas: &none}})
	if err != nil {
		return err
	}
	return b.x.Send(stanza.Presence{To: b.self, Children: children})
}

// Offline notes that this session with signaling is lost, not the bridges.
func (b *Brewery) Offline() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, br := range b.bridges {
		br.stale = true
	}
}

// Presence takes what came from the room.
func (b *Brewery) Presence(p stanza.Presence) {
	if p.From == b.self {
		if p.Type == "" {
			b.entered()
		}
		return
	}
	switch p.Type {
	case "":
		b.seen(p)
	case stanza.Unavailable:
		b.mu.Lock()
		_, known := b.bridges[p.From]
		delete(b.bridges, p.From)
		b.mu.Unlock()
		if known {
			b.lost.Inc()
			b.log.Warn("bridge left", "peer", p.From.String())
			b.events.Lost(p.From)
		}
	}
}

func (b *Brewery) seen(p stanza.Presence) {
	stats, err := stanza.Child[jitsimeet.Stats](p.Children)
	if err != nil || stats == nil {
		return // not a bridge, or not one yet
	}
	b.mu.Lock()
	br, known := b.bridges[p.From]
	if !known {
		br = &bridge{Bridge: choice.Unseen(p.From), checked: time.Now()}
		b.bridges[p.From] = br
	}
	before, back, hung := br.Bridge, br.stale, br.hung
	br.stale, br.seen = false, time.Now()
	br.hung, br.given, br.asked = false, false, time.Time{} // it lives
	br.Bridge = br.Update(*stats)
	after := br.Bridge
	b.mu.Unlock()
	usable := after.Usable()
	switch {
	case !known:
		b.log.Info("bridge found", "peer", p.From.String())
		if usable {
			b.events.Up(p.From)
		}
	case back:
		b.events.Back(p.From)
	case before.Usable() && !usable:
		b.log.Warn("bridge unusable by its own word", "peer", p.From.String())
		b.events.Lost(p.From)
	case usable && (hung || !before.Usable() || before.Drain != after.Drain):
		b.events.Up(p.From)
	}
}

// entered runs when the room has named all who are in it.
func (b *Brewery) entered() {
	b.mu.Lock()
	session := b.session
	b.mu.Unlock()
	time.AfterFunc(returnGrace, func() { b.forgetStale(session) })
}

func (b *Brewery) forgetStale(session int) {
	var lost []jid.JID
	b.mu.Lock()
	if b.session == session {
		for j, br := range b.bridges {
			if br.stale {
				delete(b.bridges, j)
				lost = append(lost, j)
			}
		}
	}
	b.mu.Unlock()
	for _, j := range lost {
		b.lost.Inc()
		b.log.Warn("bridge did not come back", "peer", j.String())
		b.events.Lost(j)
	}
}

// Pick returns the bridge that a conference should use.
func (b *Brewery) Pick(region string) (choice.Bridge, bool) {
	return choice.Pick(b.usable(), region)
}

// List returns all bridges that are there.
func (b *Brewery) List() []choice.Bridge {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.list(time.Now())
}

// list is List; b.mu is held. A bridge that did not answer a check counts as
// failed only if it does not publish either.
func (b *Brewery) list(now time.Time) []choice.Bridge {
	var out []choice.Bridge
	for _, br := range b.bridges {
		if br.stale {
			continue
		}
		br.added = slices.DeleteFunc(br.added, func(t time.Time) bool { return now.Sub(t) > rampUp })
		v := br.Bridge
		v.Recent = len(br.added)
		v.Failed = now.Before(br.failedUntil) || br.hung || br.missed > 0 && now.Sub(br.seen) > freshFor
		out = append(out, v)
	}
	slices.SortFunc(out, func(x, y choice.Bridge) int { return strings.Compare(x.JID.String(), y.JID.String()) })
	return out
}

func (b *Brewery) usable() []choice.Bridge {
	return slices.DeleteFunc(b.List(), func(v choice.Bridge) bool { return !v.Usable() })
}

// Present tells whether a bridge is in the room as far as is known now.
func (b *Brewery) Present(j jid.JID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	br, ok := b.bridges[j]
	return ok && !br.stale
}

// Known is Present, or absent only because the focus itself was offline.
func (b *Brewery) Known(j jid.JID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.bridges[j]
	return ok
}

// Expect makes a bridge known that a conference of an earlier process uses;
// if the room does not name it soon after the login, it is lost.
func (b *Brewery) Expect(j jid.JID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.bridges[j]; !ok {
		b.bridges[j] = &bridge{Bridge: choice.Unseen(j), stale: true}
	}
}

// Added notes that a participant was sent to a bridge.
func (b *Brewery) Added(j jid.JID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if br, ok := b.bridges[j]; ok {
		br.added = append(br.added, time.Now())
	}
}

// Failed notes that a bridge did not do what it was asked.
func (b *Brewery) Failed(j jid.JID, why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if br, ok := b.bridges[j]; ok {
		br.failedUntil = time.Now().Add(failureReset)
		b.sick.Inc()
		b.log.Warn("bridge failed", "peer", j.String(), "err", why)
	}
}

// Graceful notes that a bridge refused because it is shutting down.
func (b *Brewery) Graceful(j jid.JID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if br, ok := b.bridges[j]; ok {
		br.Bridge.Graceful = true
	}
}

// Run checks the bridges' health until ctx ends.
func (b *Brewery) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		check, lost := b.look(time.Now())
		for _, j := range check {
			b.check(j)
		}
		for _, j := range lost {
			b.sick.Inc()
			b.log.Warn("bridge hangs", "peer", j.String())
			b.events.Lost(j)
		}
	}
}

// look finds the bridges whose check is due, which is sooner when they do not
// publish, and those that hang. These are given up if there is another: they
// may only be cut off from here, and their media flow.
func (b *Brewery) look(now time.Time) (check, lost []jid.JID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for j, br := range b.bridges {
		if br.stale {
			continue
		}
		silent := now.Sub(br.seen) > freshFor
		if since := now.Sub(br.checked); since >= checkEvery || silent && br.asked.IsZero() && since >= hungAfter {
			check = append(check, j)
		}
		br.hung = br.hung || silent && !br.asked.IsZero() && now.Sub(br.asked) >= hungAfter
	}
	for j, br := range b.bridges {
		if !br.hung || br.given || br.stale {
			continue
		}
		if _, other := choice.Pick(b.list(now), ""); other {
			br.given = true
			lost = append(lost, j)
		}
	}
	compare := func(x, y jid.JID) int { return strings.Compare(x.String(), y.String()) }
	slices.SortFunc(check, compare)
	slices.SortFunc(lost, compare)
	return check, lost
}

func (b *Brewery) check(j jid.JID) {
	b.mu.Lock()
	if br, ok := b.bridges[j]; ok {
		br.checked = time.Now()
		if br.asked.IsZero() {
			br.asked = br.checked
		}
	}
	b.mu.Unlock()
	b.x.Ask(j, stanza.Get, jitsimeet.HealthCheck{}, func(_ stanza.IQ, err error) { b.checked(j, err) })
}

func (b *Brewery) checked(j jid.JID, err error) {
	b.mu.Lock()
	br, ok := b.bridges[j]
	if !ok || errors.Is(err, client.ErrOffline) {
		b.mu.Unlock()
		return
	}
	now := time.Now()
	e, refused := errors.AsType[*stanza.Error](err)
	var up, lost, again bool
	hung := br.hung
	if err == nil || refused {
		br.asked, br.hung, br.given = time.Time{}, false, false
	}
	switch {
	case err == nil:
		up = !br.failedUntil.IsZero() && now.After(br.failedUntil) || br.failedUntil.IsZero() && hung
		br.missed = 0
		if up {
			br.failedUntil = time.Time{}
		}
	case refused && (e.Condition == stanza.InternalServerError || e.Condition == stanza.ServiceUnavailable):
		lost = now.After(br.failedUntil)
		br.failedUntil = now.Add(failureReset)
	case errors.Is(err, client.ErrTimeout):
		br.missed++
		again = br.missed == 1
		if !again {
			br.failedUntil = now.Add(failureReset)
		}
	}
	b.mu.Unlock()
	switch {
	case up:
		b.log.Info("bridge is healthy again", "peer", j.String())
		b.events.Up(j)
	case lost:
		b.sick.Inc()
		b.log.Warn("bridge is not healthy", "peer", j.String(), "err", err)
		b.events.Lost(j)
	case again:
		time.AfterFunc(retryCheck, func() { b.check(j) })
	case err != nil:
		b.log.Warn("health check", "peer", j.String(), "err", err)
	}
}
