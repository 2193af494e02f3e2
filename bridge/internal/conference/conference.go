package conference

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"meetbox.local/bridge/internal/channel"
	"meetbox.local/bridge/internal/speech"
	"meetbox.local/bridge/internal/transport"
)

// tickEvery is the conference's pulse: the greatest common measure of what it
// does regularly.
const tickEvery = 100 * time.Millisecond

// Conference is one meeting.
type Conference struct {
	bridge                       *Bridge
	meetingID, hexID, name       string // name is the room's
	feedbackAudio, feedbackVideo uint32
	created                      time.Time
	log                          *slog.Logger

	// Work for the conference's goroutine.
	mu      sync.Mutex
	queue   []func()
	expired bool
	wake    chan struct{}
	members atomic.Pointer[map[string]*Endpoint] // immutable
	// layers: a sender sends other layers than before; the next tick
	// allocates anew.
	layers  atomic.Bool
	loudest speech.Loudest
	tap     atomic.Pointer[Tap] // nil: nobody records

	// The rest is the goroutine's own.
	order     []*Endpoint // of speech: the latest dominant speaker first
	dominant  *Endpoint
	recent    []string // ids of the latest speakers, the latest first
	ticks     int
	thinning  int             // of the bridge, when allocated last
	dirty     bool            // allocate anew for all
	dirtySubs map[source]bool // whose subscribers have changed
}

// source is an audioSource or a videoSource.
type source interface{ subscribe() }

func newConference(b *Bridge, meetingID, hexID, name string, log *slog.Logger) *Conference {
	c := &Conference{
		bridge: b, meetingID: meetingID, hexID: hexID, name: name, log: log,
		feedbackAudio: randomSSRC(), feedbackVideo: randomSSRC(),
		created: time.Now(), wake: make(chan struct{}, 1),
		dirtySubs: map[source]bool{},
		loudest:   speech.NewLoudest(int(b.loudest.Load())),
	}
	c.members.Store(new(map[string]*Endpoint))
	return c
}

// HexID is the bridge's own random id, used in colibri-ws URLs.
func (c *Conference) HexID() string { return c.hexID }

// MeetingID is the focus's id.
func (c *Conference) MeetingID() string { return c.meetingID }

// FeedbackSSRCs are the bridge's own sources jvb-a0 and jvb-v0.
func (c *Conference) FeedbackSSRCs() (audio, video uint32) { return c.feedbackAudio, c.feedbackVideo }

// Endpoint finds an endpoint; nil when there is none.
func (c *Conference) Endpoint(id string) *Endpoint { return (*c.members.Load())[id] }

// Endpoints is how many endpoints there are, visitors included.
func (c *Conference) Endpoints() int { return len(*c.members.Load()) }

// post gives the conference's goroutine something to do. It never waits.
func (c *Conference) post(f func()) {
	c.mu.Lock()
	if !c.expired {
		c.queue = append(c.queue, f)
	}
	c.mu.Unlock()
	c.signal()
}

func (c *Conference) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// call does something on the conference's goroutine and waits until it, and
// what follows from it, is done. ErrExpired.
func (c *Conference) call(f func()) error {
	done := make(chan struct{})
	c.mu.Lock()
	if c.expired {
		c.mu.Unlock()
		return ErrExpired
	}
	c.queue = append(c.queue, func() { defer close(done); f(); c.settle() })
	c.mu.Unlock()
	c.signal()
	<-done
	return nil
}

// run is the conference's goroutine.
func (c *Conference) run() {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for ended := false; !ended; {
		select {
		case <-c.wake:
		case <-tick.C:
			c.tick()
		}
		for {
			c.mu.Lock()
			work := c.queue
			c.queue = nil
			ended = c.expired && len(work) == 0
			c.mu.Unlock()
			if len(work) == 0 {
				break
			}
			for _, f := range work {
				f()
			}
		}
		c.settle()
	}
	c.log.Info("conference ended")
}

// settle draws the consequences of what was done.
func (c *Conference) settle() {
	if c.dirty {
		c.dirty = false
		c.allocate()
	}
	for s := range c.dirtySubs {
		delete(c.dirtySubs, s)
		s.subscribe()
	}
}

// Expire ends the conference and all its endpoints. It may be called twice.
func (c *Conference) Expire() {
	c.bridge.remove(c)
	err := c.call(func() {
		for _, e := range *c.members.Load() {
			c.removeEndpoint(e)
		}
		c.mu.Lock()
		c.expired = true
		c.mu.Unlock()
		if t := c.tap.Swap(nil); t != nil {
			t.end()
		}
	})
	if err == nil {
		c.signal()
	}
}

// AddEndpoint makes an endpoint with its transport. ErrEndpointExists,
// ErrExpired, or the transport's error. The same id may be used again as
// soon as ExpireEndpoint has returned.
func (c *Conference) AddEndpoint(cfg EndpointConfig) (*Endpoint, error) {
	var e *Endpoint
	var err error
	dead := c.call(func() {
		if c.Endpoint(cfg.ID) != nil {
			err = ErrEndpointExists
			return
		}
		e, err = newEndpoint(c, cfg)
		if err != nil {
			err = fmt.Errorf("open transport of %s: %w", cfg.ID, err)
			return
		}
		members := map[string]*Endpoint{cfg.ID: e}
		maps.Copy(members, *c.members.Load())
		c.members.Store(&members)
		if !cfg.Visitor {
			c.order = append(c.order, e)
		}
		c.bridge.totals.endpointsCreated.Add(1)
		c.dirty = true
		e.log.Info("endpoint added", "rewriting", cfg.SSRCRewriting, "visitor", cfg.Visitor)
	})
	if dead != nil {
		return nil, dead
	}
	return e, err
}

// ExpireEndpoint removes an endpoint; an unknown id is fine.
func (c *Conference) ExpireEndpoint(id string) {
	// An expired conference has no endpoints left.
	_ = c.call(func() {
		if e := c.Endpoint(id); e != nil {
			c.removeEndpoint(e)
		}
	})
}

// removeEndpoint takes an endpoint out of everything that refers to it.
func (c *Conference) removeEndpoint(e *Endpoint) {
	if e.gone.Swap(true) {
		return
	}
	members := map[string]*Endpoint{}
	for id, x := range *c.members.Load() {
		if x != e {
			members[id] = x
		}
	}
	c.members.Store(&members)
	c.order = slices.DeleteFunc(c.order, func(x *Endpoint) bool { return x == e })
	c.dropSources(e, e.videoSources, e.audioSources)
	e.videoSources, e.audioSources = nil, nil
	for _, o := range members {
		o.abandon(e)
	}
	for _, o := range c.order {
		for _, s := range o.videoSources {
			if _, ok := s.wants[e]; ok {
				delete(s.wants, e)
				c.dirtySubs[s] = true
				s.tell(c.bridge.port.now())
			}
		}
		for _, s := range o.audioSources {
			c.dirtySubs[s] = true
		}
	}
	c.bridge.totals.expired(e)
	if e.socket != nil {
		e.socket.Expire()
		e.socket = nil
	}
	e.link.Close()
	c.forget(e)
	c.dirty = true
	e.log.Info("endpoint removed")
}

// dropSources ends sources: nobody is sent them any more.
func (c *Conference) dropSources(e *Endpoint, video []*videoSource, audio []*audioSource) {
	for _, v := range video {
		v.subs.Store(new([]*videoLane))
		delete(c.dirtySubs, v)
		for _, o := range *c.members.Load() {
			delete(o.forwarding, v)
			if l := o.videoLanes[v.primary()]; l != nil && !o.cfg.SSRCRewriting {
				l.retire()
			}
		}
		for _, x := range v.encodings {
			x.cacheMu.Lock()
			x.cache.Free()
			x.cacheMu.Unlock()
		}
	}
	for _, a := range audio {
		a.subs.Store(new([]*audioLane))
		delete(c.dirtySubs, a)
	}
}

// everyone sends a message to all members but one.
func (c *Conference) everyone(m channel.Message, except *Endpoint) {
	text := channel.Encode(m)
	for _, e := range *c.members.Load() {
		if e != except {
			e.sendText(text)
		}
	}
}

// tick is the conference's pulse.
func (c *Conference) tick() {
	c.ticks++
	now := c.bridge.port.now()
	if c.ticks%3 == 0 { // speech.Every
		c.speakers(now)
	}
	if c.ticks%5 == 0 {
		c.bridge.timed(func(out *transport.Batch) { c.reports(out, now) })
		c.liveness(now)
		c.catchUp()
	}
	c.measure(now)
	c.lines(now)
	c.owed()
	c.fallen(now)
	if c.ticks%flowEvery == 0 {
		for _, e := range *c.members.Load() {
			e.flow.sample(e.Stats(), now)
		}
	}
	if thinning := c.bridge.thinning.Load(); thinning.step != c.thinning {
		c.dirty, c.thinning = true, thinning.step
		c.everyone(thinning.message(), nil)
	}
	if c.layers.Swap(false) || c.ticks%50 == 0 { // the allocation's longest interval
		c.dirty = true
	}
}
