package conference

import (
	"context"
	"log/slog"
	"os"
	"sync"

	"github.com/VictoriaMetrics/metrics"
	"meetbox.local/focus/internal/brewery"
	"meetbox.local/focus/internal/offer"
	"meetbox.local/signaling/xmpp/client"
	"meetbox.local/signaling/xmpp/disco"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/stanza"
)

// Version is what the focus says of itself in every room.
const Version = "meetbox-1"

// maxConferences keeps guests who ask for rooms without end from filling the
// memory: each room costs some kilobytes for the fifteen seconds it waits.
const maxConferences = 10000

// Focus is all conferences of this process.
type Focus struct {
	x        XMPP
	bridges  *brewery.Brewery
	breakout string
	domains  []string
	rules    Rules
	dir      *os.Root // for snapshots
	log      *slog.Logger
	count    counters
	acts     acts

	wake chan struct{} // one element when fresh is not empty

	mu      sync.Mutex
	rooms   map[jid.JID]*Conference
	fresh   []*Conference // of rooms: those that have no goroutine yet
	stopped bool
	online  bool
	clients map[string]offer.Features // by caps ver
}

// New returns a focus. bridges' events must go to its BridgeLost, BridgeBack
// and BridgeUp; dir keeps the snapshots.
func New(x XMPP, dir *os.Root, log *slog.Logger, set *metrics.Set) *Focus {
	f := &Focus{x: x, dir: dir, log: log, wake: make(chan struct{}, 1), rooms: make(map[jid.JID]*Conference), clients: make(map[string]offer.Features)}
	f.count = newCounters(set)
	set.NewGauge("focus_conferences", func() float64 {
		f.mu.Lock()
		defer f.mu.Unlock()
		return float64(len(f.rooms))
	})
	set.NewGauge("focus_participants", func() float64 { return float64(f.Participants()) })
	return f
}

// Breakout names the domain of rooms whose moderators are not the focus's to
// appoint. To be called before Run.
func (f *Focus) Breakout(domain string) { f.breakout = domain }

// Rule sets what holds in all meetings. To be called before Run.
func (f *Focus) Rule(r Rules) { f.rules = r }

// Use sets the brewery, before Run. It is apart from New because each needs
// the other.
func (f *Focus) Use(b *brewery.Brewery) { f.bridges = b }

// Info is the focus's answer to disco#info.
func Info() disco.Info {
	return disco.Info{
		Identities: []disco.Identity{{Category: "component", Type: "focus", Name: "Meetbox focus"}},
		Features: disco.Features(
			disco.NSInfo, "urn:xmpp:jingle:1", "urn:xmpp:jingle:apps:rtp:1", "urn:xmpp:jingle:transports:ice-udp:1",
			"urn:xmpp:jingle:apps:dtls:0", jitsimeet.FeatureSCTP, jitsimeet.FeatureAudio, jitsimeet.FeatureVideo,
			jitsimeet.FeatureRestart,
		),
	}
}

// Load reads the conferences of an earlier process; to be called once, before
// Run and before the first login.
func (f *Focus) Load() error {
	list, err := f.load()
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range list {
		f.add(c)
	}
	return nil
}

// add gives a conference its place; f.mu is held.
func (f *Focus) add(c *Conference) {
	f.rooms[c.room] = c
	f.fresh = append(f.fresh, c)
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Run runs the conferences and returns when ctx has ended and all have
// stopped.
func (f *Focus) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		select {
		case <-ctx.Done():
			f.mu.Lock()
			f.stopped = true
			f.mu.Unlock()
			return
		case <-f.wake:
		}
		f.mu.Lock()
		fresh := f.fresh
		f.fresh = nil
		f.mu.Unlock()
		for _, c := range fresh {
			wg.Go(func() { f.run(ctx, c) })
		}
	}
}

// run is a conference's goroutine, to the last function in its mailbox.
func (f *Focus) run(ctx context.Context, c *Conference) {
	c.run(ctx)
	if ctx.Err() != nil {
		return // its room is kept, and so is its snapshot
	}
	f.mu.Lock()
	if f.rooms[c.room] == c {
		delete(f.rooms, c.room)
	}
	f.mu.Unlock()
	for _, post := range c.box.close() {
		post()
	}
	c.flush()
}

// Online makes every conference enter its room; to be called at each login.
func (f *Focus) Online() {
	f.mu.Lock()
	f.online = true
	f.mu.Unlock()
	f.each((*Conference).enter)
	for _, domain := range f.domains {
		f.seek(domain)
	}
}

// Seek names the domains in which a focus that knows nothing of its rooms
// looks for them. To be called before Run.
func (f *Focus) Seek(domains []string) { f.domains = domains }

// seek takes up rooms whose snapshot is lost. Their participants are invited
// anew.
func (f *Focus) seek(domain string) {
	to, err := jid.New("", domain, "")
	if err != nil {
		return
	}
	f.x.Ask(to, stanza.Get, disco.Items{}, func(q stanza.IQ, err error) {
		var list disco.Items
		if err != nil || q.Payload().Decode(&list) != nil {
			return // another's server does not tell
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, item := range list.Items {
			self, err := item.JID.WithResource(Nick)
			if err != nil || item.JID.Domain() != domain || item.JID.Local() == "" || f.rooms[item.JID] != nil || f.stopped || len(f.rooms) >= maxConferences {
				continue
			}
			c := newConference(f, item.JID, self)
			c.restored = true
			f.add(c)
			c.box.post(func() {
				c.log.Warn("room found without a snapshot of its conference")
				c.enter()
			})
		}
	})
}

// Offline notes that the session with signaling is lost.
func (f *Focus) Offline() {
	f.mu.Lock()
	f.online = false
	f.mu.Unlock()
	f.each((*Conference).lostSession)
}

func (f *Focus) each(do func(*Conference)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.rooms {
		c.box.post(func() { do(c) })
	}
}

// Request makes sure that a room has a conference, and calls done once the
// focus is in the room, or with false when it could not enter in time.
func (f *Focus) Request(room jid.JID, props map[string]string, done func(ok bool)) {
	f.request(room, props, done)
}

func (f *Focus) request(room jid.JID, props map[string]string, done func(ok bool)) {
	f.mu.Lock()
	c := f.rooms[room]
	if c != nil && c.box.post(func() { c.request(props, done) }) {
		f.mu.Unlock()
		return
	}
	self, err := room.WithResource(Nick)
	if err != nil || !f.online || f.stopped || len(f.rooms) >= maxConferences {
		f.mu.Unlock()
		done(false)
		return
	}
	c = newConference(f, room, self)
	f.add(c)
	f.count.created.Inc()
	c.box.post(func() {
		c.log.Info("conference begins")
		c.enter()
		c.request(props, done)
	})
	f.mu.Unlock()
}

func (f *Focus) find(room jid.JID) *Conference {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rooms[room]
}

// Presence takes what came from a room.
func (f *Focus) Presence(p stanza.Presence) {
	if c := f.find(p.From.Bare()); c != nil {
		c.box.post(func() { c.presence(p) })
	}
}

// IQ takes a request of an occupant.
func (f *Focus) IQ(r *client.Request) {
	c := f.find(r.From.Bare())
	if c == nil || !c.box.post(func() { c.iq(r) }) {
		f.count.refused.Inc()
		r.Fail(stanza.NewError(stanza.ItemNotFound, "no such conference"))
	}
}

// BridgeLost moves the conferences of a bridge.
func (f *Focus) BridgeLost(b jid.JID) {
	f.each(func(c *Conference) {
		if c.bridge != nil && c.bridge.JID == b {
			c.lose("bridge lost")
		}
	})
}

// BridgeBack makes the conferences of a bridge check that it still has them.
func (f *Focus) BridgeBack(b jid.JID) {
	f.each(func(c *Conference) {
		if c.bridge != nil && c.bridge.JID == b {
			c.verify()
		}
		c.maintain()
	})
}

// BridgeUp lets conferences that wait for a bridge have it.
func (f *Focus) BridgeUp(jid.JID) {
	f.each(func(c *Conference) {
		c.attempts = 0
		c.maintain()
	})
}

// known returns the features of clients with these capabilities.
func (f *Focus) known(ver string) (offer.Features, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, ok := f.clients[ver]
	return v, ok
}

// learn remembers them. The table is small: there are as many entries as
// versions and settings of clients, and strangers cannot make it grow past
// its limit.
func (f *Focus) learn(ver string, v offer.Features) {
	const limit = 1000
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.clients) >= limit {
		clear(f.clients)
	}
	f.clients[ver] = v
}

type counters struct {
	created, participants, sessions, moved, restarts, iceRestarts, refused, badJingle, failed, muted *metrics.Counter
}

func newCounters(set *metrics.Set) counters {
	return counters{
		created:      set.NewCounter("focus_conferences_created_total"),
		participants: set.NewCounter("focus_participants_total"),
		sessions:     set.NewCounter("focus_sessions_total"),
		moved:        set.NewCounter("focus_sessions_moved_total"),
		restarts:     set.NewCounter("focus_restarts_total"),
		iceRestarts:  set.NewCounter("focus_ice_restarts_total"),
		refused:      set.NewCounter("focus_requests_refused_total"),
		badJingle:    set.NewCounter("focus_jingle_errors_total"),
		failed:       set.NewCounter("focus_allocations_failed_total"),
		muted:        set.NewCounter("focus_mutes_total"),
	}
}
