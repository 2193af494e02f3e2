package conference

import (
	"crypto/rand"
	"log/slog"
	"sync"
	"sync/atomic"

	"meetbox.local/bridge/internal/allocation"
	"meetbox.local/bridge/internal/channel"
	"meetbox.local/bridge/internal/rtcp"
	"meetbox.local/bridge/internal/slots"
	"meetbox.local/bridge/internal/transport"
)

// Endpoint is one client. It implements transport.Peer and channel.Endpoint.
// All methods may be called from any goroutine; those of an endpoint that is
// expired do nothing.
type Endpoint struct {
	cfg      EndpointConfig
	conf     *Conference
	log      *slog.Logger
	session  *transport.Session
	link     link
	stream   func(ssrc uint32) stream
	password string
	created  int64

	// Of the packet path.
	gone       atomic.Bool
	muteAudio  atomic.Bool
	floor      atomic.Bool // is the dominant speaker
	muteVideo  atomic.Bool
	flooded    atomic.Uint64 // packets and messages that were too many
	media      atomic.Pointer[mediaTable]
	routes     atomic.Pointer[routes]
	lanes      atomic.Pointer[sendLanes]
	rtt        atomic.Int64 // ns; 0 is unknown
	departures rtcp.Departures
	rx         sync.Mutex
	receiving  receiving
	feedback   feedback
	line       line
	former     former

	inbox inbox

	// The conference's goroutine's.
	connected    bool // media flows
	failed       bool
	dataChannel  bool
	unheard      bool           // the data channel did not take what it should have been told
	socket       channel.Socket // the colibri-ws, if there is one
	inactive     bool           // as told to all
	signalled    signalled
	videoSources []*videoSource
	audioSources []*audioSource
	videoTypes   map[string]channel.VideoType // said on the channel, by source name
	settings     allocation.Settings
	asked        bool // a ReceiverVideoConstraints came
	hears        channel.ReceiverAudioSubscription
	forwarding   map[*videoSource]bool
	toldSources  []string // ForwardedSources as last sent
	toldAny      bool
	decided      []decision // about each source of the others, in the order of importance
	flow         flow

	// Lanes by the primary SSRC of the source they were made for (without
	// rewriting), or by their own SSRC (with it). They stay when their source
	// goes: another lane of that SSRC would start SRTP's numbers again.
	videoLanes map[uint32]*videoLane
	audioLanes map[uint32]*audioLane
	videoSlots *slots.Table[uint32] // source's primary SSRC to slot
	audioSlots *slots.Table[uint32]
	videoBy    map[int]*videoLane // by slot
	audioBy    map[int]*audioLane
}

func newEndpoint(c *Conference, cfg EndpointConfig) (*Endpoint, error) {
	cfg.MIDDemux = cfg.MIDDemux && cfg.SSRCRewriting
	e := &Endpoint{
		cfg: cfg, conf: c, password: password(), created: c.bridge.port.now(),
		log:        c.log.With("endpoint", cfg.ID),
		videoTypes: map[string]channel.VideoType{},
		// Nothing until the client says what it wants.
		settings:   allocation.Settings{LastN: -1},
		hears:      channel.ReceiverAudioSubscription{All: true},
		forwarding: map[*videoSource]bool{},
		videoLanes: map[uint32]*videoLane{}, audioLanes: map[uint32]*audioLane{},
		videoSlots: slots.New[uint32](c.bridge.opts.MaxVideoSlots),
		audioSlots: slots.New[uint32](c.bridge.opts.MaxAudioSlots),
		videoBy:    map[int]*videoLane{}, audioBy: map[int]*audioLane{},
	}
	e.line.init()
	e.inbox.talk = newTalk()
	e.media.Store(new(mediaTable))
	e.routes.Store(new(routes))
	e.lanes.Store(new(sendLanes))
	var err error
	e.link, e.stream, err = c.bridge.port.session(transport.Options{
		Controlling: cfg.Controlling, SCTP: cfg.SCTP, Reached: cfg.Reached, Log: e.log,
	}, e)
	return e, err
}

// password is 24 letters and digits.
func password() string { return rand.Text()[:24] }

// ID is the endpoint's id, the nick of its occupant in the room.
func (e *Endpoint) ID() string { return e.cfg.ID }

// Transport is the endpoint's ICE, DTLS and SRTP.
func (e *Endpoint) Transport() *transport.Session { return e.session }

// Password is the pwd= of this endpoint's colibri-ws URL.
func (e *Endpoint) Password() string { return e.password }

// do is call, unless the endpoint is gone.
func (e *Endpoint) do(f func()) {
	// An expired conference has no endpoints left.
	_ = e.conf.call(func() {
		if !e.gone.Load() {
			f()
		}
	})
}

// SetMedia adds payload types and extensions, or changes those with the same
// id; none is ever removed.
func (e *Endpoint) SetMedia(payloadTypes []PayloadType, extensions []Extension) {
	e.do(func() {
		e.signalled.add(payloadTypes, extensions)
		e.media.Store(e.signalled.table())
		e.conf.dirty = true
	})
}

// SetSources replaces all sources of the endpoint. ErrVisitorSources.
func (e *Endpoint) SetSources(video []VideoSource, audio []AudioSource) error {
	if e.cfg.Visitor {
		if len(video)+len(audio) > 0 {
			return ErrVisitorSources
		}
		return nil
	}
	e.do(func() { e.setSources(video, audio) })
	return nil
}

// SetForceMute drops what the endpoint sends, whatever the client thinks.
func (e *Endpoint) SetForceMute(audio, video bool) {
	e.do(func() {
		e.muteAudio.Store(audio)
		if e.muteVideo.Swap(video) == video {
			return
		}
		// What is left out meanwhile leaves no gap: start at a keyframe again.
		for _, s := range e.videoSources {
			for _, l := range *s.subs.Load() {
				l.leave()
			}
		}
	})
}

// SetInitialLastN limits the video sources sent to this endpoint until it
// says itself what it wants; -1 is no limit.
func (e *Endpoint) SetInitialLastN(n int) {
	e.do(func() {
		if !e.asked {
			e.settings.LastN = n
			e.conf.dirty = true
		}
	})
}

// HandleState follows the transport.
func (e *Endpoint) HandleState(s transport.State) {
	e.conf.post(func() {
		if e.gone.Load() {
			return
		}
		e.log.Info("transport", "state", s.String())
		switch s {
		case transport.Connected:
			e.connected = true
			e.resubscribe()
			e.conf.dirty = true
		case transport.ChannelOpen:
			e.dataChannel, e.unheard = true, false
			e.channelOpened()
		case transport.ChannelClosed:
			e.dataChannel = false
		case transport.Failed, transport.Closed:
			e.failed, e.connected, e.dataChannel = true, false, false
			e.resubscribe()
		}
	})
}

// resubscribe makes all sources look anew at whether this endpoint gets them.
func (e *Endpoint) resubscribe() {
	for _, o := range e.conf.order {
		for _, s := range o.videoSources {
			e.conf.dirtySubs[s] = true
		}
		for _, s := range o.audioSources {
			e.conf.dirtySubs[s] = true
		}
	}
}

// setSources replaces the sources, keeping those that are described as
// before.
func (e *Endpoint) setSources(video []VideoSource, audio []AudioSource) {
	oldVideo, oldAudio := e.videoSources, e.audioSources
	e.videoSources, e.audioSources = nil, nil
	table := routes{}
	for _, d := range video {
		if len(d.Encodings) == 0 {
			continue
		}
		var s *videoSource
		for i, o := range oldVideo {
			if o != nil && o.same(d) {
				s, oldVideo[i] = o, nil
				break
			}
		}
		if s == nil {
			s = newVideoSource(e, d)
			e.log.Debug("video source", "source", d.Name, "ssrc", s.primary(), "encodings", len(s.encodings))
		} else if d.Type != 0 {
			s.videoType = d.Type
		}
		if t, said := e.videoTypes[d.Name]; said {
			s.videoType = t
		} else if s.videoType == 0 {
			s.videoType = channel.Camera
		}
		e.videoSources = append(e.videoSources, s)
		for _, x := range s.encodings {
			table[x.ssrc] = route{encoding: x}
			if x.rtx != 0 {
				table[x.rtx] = route{encoding: x, rtx: true}
			}
		}
	}
	for _, d := range audio {
		var s *audioSource
		for i, o := range oldAudio {
			if o != nil && o.AudioSource == d {
				s, oldAudio[i] = o, nil
				break
			}
		}
		if s == nil {
			s = newAudioSource(e, d)
			s.wanted.Store(true)
		}
		e.audioSources = append(e.audioSources, s)
		table[s.SSRC] = route{audio: s}
		e.conf.dirtySubs[s] = true
	}
	e.routes.Store(&table)
	e.conf.dropSources(e, without(oldVideo), without(oldAudio))
	e.conf.dirty = true
}

// without leaves out the nils.
func without[T any](list []*T) []*T {
	var kept []*T
	for _, x := range list {
		if x != nil {
			kept = append(kept, x)
		}
	}
	return kept
}
