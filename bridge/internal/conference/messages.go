package conference

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"meetbox.local/bridge/internal/allocation"
	"meetbox.local/bridge/internal/channel"
	"meetbox.local/bridge/internal/transport"
)

const (
	// inboxSize is how many messages of a client wait; more is a flood, of
	// which the oldest are dropped.
	inboxSize = 50
	// defaultHeight is for sources that a client says nothing about, from its
	// first ReceiverVideoConstraints on.
	defaultHeight = 180
	// maxNames bounds what a client makes us remember.
	maxNames = 500
	// statsToAll is the size of conference up to which everybody gets
	// everybody's EndpointStats.
	statsToAll = 20
)

// inbox is a client's messages on their way to the conference.
type inbox struct {
	talk talk
	mu   sync.Mutex
	list []channel.Message
}

// HandleMessage takes one text from either channel. It never blocks: it only
// queues. Of a client that floods some are not read, and of those that wait the
// oldest are dropped.
func (e *Endpoint) HandleMessage(text []byte) {
	b := e.conf.bridge
	b.totals.messagesReceived.Add(1)
	if !e.inbox.talk.may(len(text)) {
		b.drops.message("flood")
		e.flood("messages")
		return
	}
	m, err := channel.Decode(text)
	if err != nil {
		b.drops.message(channel.Reason(err))
		e.log.Debug("message refused", "err", err)
		return
	}
	e.inbox.mu.Lock()
	if len(e.inbox.list) >= inboxSize {
		e.inbox.list = slices.Delete(e.inbox.list, 0, 1)
		b.drops.message("flood")
	}
	e.inbox.list = append(e.inbox.list, m)
	first := len(e.inbox.list) == 1
	e.inbox.mu.Unlock()
	if first {
		e.conf.post(e.readInbox)
	}
}

func (e *Endpoint) readInbox() {
	e.inbox.mu.Lock()
	list := e.inbox.list
	e.inbox.list = nil
	e.inbox.mu.Unlock()
	if e.gone.Load() {
		return
	}
	for _, m := range list {
		e.message(m)
	}
}

// message acts on one message of the client.
func (e *Endpoint) message(m channel.Message) {
	switch m := m.(type) {
	case *channel.ClientHello:
		e.send(&channel.ServerHello{})
	case *channel.ReceiverVideoConstraints:
		e.constraints(m)
	case *channel.LastNChangedEvent:
		e.constraints(&channel.ReceiverVideoConstraints{LastN: &m.LastN})
	case *channel.ReceiverAudioSubscription:
		if len(m.Include) > maxNames || len(m.Exclude) > maxNames {
			e.conf.bridge.drops.message("too_many_names")
			return
		}
		e.hears = *m
		e.resubscribe()
	case *channel.SourceVideoTypeMessage:
		e.videoType(m.SourceName, m.VideoType)
	case *channel.VideoTypeMessage:
		e.videoType(e.cfg.ID+"-v0", m.VideoType)
	case *channel.EndpointMessage:
		e.passOn(m)
	case *channel.EndpointStats:
		e.passStats(m)
	default:
		e.conf.bridge.drops.message("unexpected")
	}
}

// constraints takes what the client wants to see.
func (e *Endpoint) constraints(m *channel.ReceiverVideoConstraints) {
	if len(m.Constraints) > maxNames || len(m.SelectedSources) > maxNames || len(m.OnStageSources) > maxNames {
		e.conf.bridge.drops.message("too_many_names")
		return
	}
	s := &e.settings
	if m.LastN != nil {
		s.LastN = max(-1, *m.LastN)
	}
	if m.SelectedSources != nil {
		s.Selected = m.SelectedSources
	}
	if m.OnStageSources != nil {
		s.OnStage = m.OnStageSources
	}
	if m.Constraints != nil {
		s.Constraints = make(map[string]allocation.Constraint, len(m.Constraints))
		for name, c := range m.Constraints {
			s.Constraints[name] = constraint(c)
		}
	}
	switch {
	case m.DefaultConstraints != nil:
		s.Default = constraint(*m.DefaultConstraints)
	case !e.asked:
		s.Default = allocation.Constraint{MaxHeight: defaultHeight, MaxFrameRate: -1}
	}
	e.asked = true
	e.conf.dirty = true
}

func constraint(c channel.Constraints) allocation.Constraint {
	return allocation.Constraint{MaxHeight: max(-1, c.MaxHeight), MaxFrameRate: c.MaxFrameRate}
}

// videoType takes what one of the client's sources shows, which may be said
// before the source is signalled.
func (e *Endpoint) videoType(name string, t channel.VideoType) {
	if _, known := e.videoTypes[name]; !known && len(e.videoTypes) >= maxNames || !strings.HasPrefix(name, e.cfg.ID) {
		e.conf.bridge.drops.message("foreign_source")
		return
	}
	e.videoTypes[name] = t
	for _, s := range e.videoSources {
		if s.name == name && s.videoType != t {
			s.videoType = t
			e.conf.dirty = true
		}
	}
}

// passOn delivers a client's message to another, or to all others.
func (e *Endpoint) passOn(m *channel.EndpointMessage) {
	if e.cfg.Visitor {
		return
	}
	m.From = e.cfg.ID
	if m.To == "" {
		e.conf.everyone(m, e)
		return
	}
	if to := e.conf.Endpoint(m.To); to != nil {
		to.send(m)
	}
}

// passStats delivers a client's statistics to those who show them.
func (e *Endpoint) passStats(m *channel.EndpointStats) {
	if e.cfg.Visitor {
		return
	}
	m.From = e.cfg.ID
	members := *e.conf.members.Load()
	text := channel.Encode(m)
	for _, to := range members {
		if to != e && (len(members) <= statsToAll || to.watches(e)) {
			to.sendText(text)
		}
	}
}

// watches says whether the endpoint has reason to show another.
func (e *Endpoint) watches(o *Endpoint) bool {
	if e.conf.dominant == o || slices.Contains(e.conf.recent, o.cfg.ID) {
		return true
	}
	return slices.ContainsFunc(o.videoSources, func(s *videoSource) bool { return s.wants[e] != 0 })
}

// AttachChannel makes a WebSocket the way to this endpoint, in place of an
// earlier one and of the data channel, and sends what a client has to know
// first.
func (e *Endpoint) AttachChannel(s channel.Socket) {
	attached := false
	e.do(func() {
		attached = true
		e.socket = s
		e.channelOpened()
	})
	if !attached {
		s.Expire()
	}
}

// DetachChannel forgets the socket, if it is still the attached one.
func (e *Endpoint) DetachChannel(s channel.Socket) {
	e.do(func() {
		if e.socket == s {
			e.socket = nil
		}
	})
}

// channelOpened sends what a client has to know first, in the order in which
// clients expect it.
func (e *Endpoint) channelOpened() {
	for _, s := range e.videoSources {
		if s.told != untold {
			e.send(&channel.SenderSourceConstraints{SourceName: s.name, MaxHeight: s.told})
		}
	}
	if e.toldAny {
		e.send(&channel.ForwardedSources{ForwardedSources: e.toldSources})
	}
	if e.cfg.SSRCRewriting {
		e.announceVideo(true)
		for _, o := range e.conf.order {
			for _, s := range o.audioSources {
				// Whoever speaks asks for a slot again.
				if _, ok := e.audioSlots.Slot(s.SSRC); !ok {
					s.wanted.Store(true)
				}
			}
		}
		e.announceAudio(true)
	}
	for _, o := range e.conf.order {
		if o.inactive {
			e.send(&channel.ConnectivityStatus{Endpoint: o.cfg.ID, Active: false})
		}
	}
	if e.conf.dominant != nil {
		e.send(e.conf.dominantSpeaker())
	}
	if t := e.conf.bridge.thinning.Load(); t.step > 0 {
		e.send(t.message())
	}
	e.conf.dirty = true
}

// catchUp tells clients again what is so now that could not be told while their
// data channels were full: they were in a tunnel. (A colibri-ws that is full is
// closed, and opened anew.)
func (c *Conference) catchUp() {
	for _, e := range *c.members.Load() {
		if !e.unheard || !e.dataChannel || e.socket != nil || e.link.Waiting() > 0 {
			continue
		}
		e.unheard = false
		for _, o := range c.order {
			if !o.inactive {
				e.send(&channel.ConnectivityStatus{Endpoint: o.cfg.ID, Active: true})
			}
		}
		e.channelOpened()
	}
}

// send encodes and sends a message; false when there is no open channel.
func (e *Endpoint) send(m channel.Message) bool { return e.sendText(channel.Encode(m)) }

func (e *Endpoint) sendText(text []byte) bool {
	switch {
	case e.socket != nil:
		if err := e.socket.SendMessage(text); err != nil {
			e.conf.bridge.drops.unsent.Inc()
			return false
		}
	case e.dataChannel:
		if err := e.link.SendMessage(text); err != nil {
			e.unheard = e.unheard || errors.Is(err, transport.ErrQueueFull)
			e.conf.bridge.drops.unsent.Inc()
			return false
		}
	default:
		return false
	}
	e.conf.bridge.totals.messagesSent.Add(1)
	return true
}
