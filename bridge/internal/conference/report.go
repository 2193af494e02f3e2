package conference

import (
	"slices"
	"strings"
	"time"

	"meetbox.local/bridge/internal/allocation"
	"meetbox.local/bridge/internal/projection"
)

// Summary is one line about a conference.
type Summary struct {
	Meeting   string    `json:"meeting"` // the focus's id
	Room      string    `json:"room"`    // the room's JID
	Created   time.Time `json:"created"`
	Endpoints int       `json:"endpoints"` // visitors included
	Speaker   string    `json:"dominant_speaker,omitempty"`
	BitsIn    int64     `json:"bitrate_received"` // bit/s of all endpoints, over the last seconds
	BitsOut   int64     `json:"bitrate_sent"`
}

// Report is all that can be seen of a conference.
type Report struct {
	Summary
	Thinning int              `json:"thinning_step"` // of the bridge; 0 is none
	Members  []EndpointReport `json:"members"`       // by id
}

// EndpointReport is one look at an endpoint: what comes from it, what its line
// takes, and what it is sent of each video, and why no more. Bit rates are
// bit/s over the last seconds, losses fractions since the beginning.
type EndpointReport struct {
	ID        string  `json:"endpoint"`
	StatsID   string  `json:"stats_id,omitempty"`
	Visitor   bool    `json:"visitor,omitempty"`
	Seconds   float64 `json:"seconds"`   // since it was added
	Connected bool    `json:"connected"` // media can flow
	Active    bool    `json:"active"`    // it was heard of lately
	Path      string  `json:"path,omitempty"`
	Channel   string  `json:"channel,omitempty"` // "sctp", "websocket"; none
	RTT       float64 `json:"rtt_ms,omitempty"`

	BitsIn         int64   `json:"bitrate_received"`
	BitsOut        int64   `json:"bitrate_sent"`
	LossIn         float64 `json:"loss_received"`
	LossOut        float64 `json:"loss_sent"`
	PacketsIn      uint64  `json:"packets_received"`
	PacketsOut     uint64  `json:"packets_sent"`
	Retransmitted  uint64  `json:"packets_retransmitted"`
	Estimate       int64   `json:"estimate,omitempty"` // of its line, bit/s; absent: not known
	Limited        bool    `json:"limited"`            // … by which it is sent less than it wants
	Allocated      int64   `json:"bitrate_allocated"`  // of video
	Wanted         int64   `json:"bitrate_wanted"`     // of video, if the line took all
	Flooded        uint64  `json:"flooded,omitempty"`  // packets and messages of it that were more than anybody could mean
	MutedAudio     bool    `json:"force_muted_audio,omitempty"`
	MutedVideo     bool    `json:"force_muted_video,omitempty"`
	LastN          int     `json:"last_n"` // -1: no limit
	SSRCRewriting  bool    `json:"ssrc_rewriting"`
	SendingAudio   bool    `json:"sending_audio"`
	DominantSpeech bool    `json:"dominant_speaker,omitempty"`

	Sends    []SourceReport   `json:"sends"`
	Receives []ReceivedReport `json:"receives"`
}

// SourceReport is a video that an endpoint has.
type SourceReport struct {
	Source    string          `json:"source"`
	Type      string          `json:"type"`       // "camera", "desktop", …
	MaxHeight int             `json:"max_height"` // the most that anybody wants, as its sender was told; -1: all
	Layers    []LayerReport   `json:"layers"`
	Receivers int             `json:"receivers"`
	Keyframes KeyframesReport `json:"keyframes"`
}

// KeyframesReport counts requests that went to a sender.
type KeyframesReport struct {
	Asked uint64 `json:"asked"`
}

// LayerReport is one layer of a video as it comes from its sender.
type LayerReport struct {
	Encoding  int     `json:"encoding"`
	Spatial   int     `json:"spatial"`
	Temporal  int     `json:"temporal"`
	Height    int     `json:"height"`
	FrameRate float64 `json:"frame_rate"` // at most
	Bitrate   int64   `json:"bitrate"`    // bit/s, with the layers below; 0: not sent
}

// ReceivedReport is a video of another endpoint as it goes to this one.
type ReceivedReport struct {
	Source    string       `json:"source"`
	Owner     string       `json:"owner"`
	MaxHeight int          `json:"max_height"`     // wanted; -1: all
	Sent      *LayerReport `json:"sent,omitempty"` // absent: nothing
	Why       string       `json:"why,omitempty"`  // why not more; see [allocation.Reason], and the reasons here
}

// Reasons beyond those of the allocation.
const (
	whyOverload = "overload"     // the bridge thins video; see [Bridge.SetThinning]
	whyMuted    = "muted"        // its sender is muted by a moderator
	whyKeyframe = "keyframe"     // a keyframe has been asked for
	whyChannel  = "no channel"   // the receiver cannot be told of it yet
	whyLine     = "disconnected" // the receiver cannot be sent anything
)

// flow measures an endpoint's bit rates between samples.
type flow struct {
	at      int64
	in, out uint64 // bytes so far
	bitsIn  int64
	bitsOut int64
}

// flowEvery is how often, in ticks: 2 s.
const flowEvery = 20

func (f *flow) sample(s EndpointStats, now int64) {
	if d := now - f.at; f.at != 0 && d > 0 {
		per := func(n uint64) int64 { return int64(float64(n) * 8 * float64(time.Second) / float64(d)) }
		f.bitsIn, f.bitsOut = per(s.BytesReceived-f.in), per(s.BytesSent-f.out)
	}
	f.at, f.in, f.out = now, s.BytesReceived, s.BytesSent
}

// decision is what was last decided about one source for one receiver.
type decision struct {
	source *videoSource
	choice allocation.Choice
	wanted int // height
}

// Summaries are all conferences, the oldest first.
func (b *Bridge) Summaries() []Summary {
	list := []Summary{}
	for _, c := range b.all() {
		_ = c.call(func() { list = append(list, c.summary()) }) // an expired one is left out
	}
	slices.SortFunc(list, func(a, b Summary) int { return a.Created.Compare(b.Created) })
	return list
}

func (c *Conference) summary() Summary {
	s := Summary{Meeting: c.meetingID, Room: c.name, Created: c.created.UTC(), Endpoints: c.Endpoints()}
	if c.dominant != nil {
		s.Speaker = c.dominant.cfg.ID
	}
	for _, e := range *c.members.Load() {
		s.BitsIn, s.BitsOut = s.BitsIn+e.flow.bitsIn, s.BitsOut+e.flow.bitsOut
	}
	return s
}

// Report looks at everything. ErrExpired.
func (c *Conference) Report() (r Report, err error) {
	err = c.call(func() {
		r = Report{Summary: c.summary(), Thinning: c.bridge.Thinning(), Members: []EndpointReport{}}
		for _, e := range sorted(c) {
			r.Members = append(r.Members, e.look())
		}
	})
	return r, err
}

// look is the endpoint's report; on the conference's goroutine.
func (e *Endpoint) look() EndpointReport {
	s := e.Stats()
	r := EndpointReport{
		ID: e.cfg.ID, StatsID: e.cfg.StatsID, Visitor: e.cfg.Visitor, SSRCRewriting: e.cfg.SSRCRewriting,
		Seconds:   time.Duration(e.conf.bridge.port.now() - e.created).Seconds(),
		Connected: e.connected, Active: !e.inactive,
		RTT:    float64(s.RTT.Microseconds()) / 1000,
		BitsIn: e.flow.bitsIn, BitsOut: e.flow.bitsOut,
		LossIn: share(uint64(max(0, s.Missing)), uint64(max(0, s.Arrived))), LossOut: share(s.Undelivered, s.Delivered),
		PacketsIn: s.PacketsReceived, PacketsOut: s.PacketsSent, Retransmitted: s.Retransmitted,
		Estimate: s.Estimate, Limited: s.Limited, Allocated: e.line.target, Wanted: e.line.wanted,
		Flooded:    e.flooded.Load(),
		MutedAudio: e.muteAudio.Load(), MutedVideo: e.muteVideo.Load(),
		LastN: e.settings.LastN, SendingAudio: s.SendingAudio, DominantSpeech: e.conf.dominant == e,
		Sends: []SourceReport{}, Receives: []ReceivedReport{},
	}
	if e.session != nil {
		r.Path = e.session.Path()
	}
	switch {
	case e.socket != nil:
		r.Channel = "websocket"
	case e.dataChannel:
		r.Channel = "sctp"
	}
	for _, v := range e.videoSources {
		r.Sends = append(r.Sends, v.look())
	}
	for _, d := range e.decided {
		r.Receives = append(r.Receives, e.received(d))
	}
	return r
}

// share is lost of all.
func share(lost, came uint64) float64 {
	if lost+came == 0 {
		return 0
	}
	return float64(lost) / float64(lost+came)
}

func (v *videoSource) look() SourceReport {
	r := SourceReport{
		Source: v.name, Type: strings.ToLower(v.videoType.String()), MaxHeight: max(v.told, -1),
		Layers: []LayerReport{}, Receivers: len(*v.subs.Load()),
	}
	for _, l := range v.describe().Layers {
		if !v.encodings[l.Encoding].active() {
			l.Bitrate = 0
		}
		r.Layers = append(r.Layers, *layerReport(&l))
	}
	v.keyframes.mu.Lock()
	r.Keyframes.Asked = v.keyframes.asked
	v.keyframes.mu.Unlock()
	return r
}

func layerReport(l *allocation.Layer) *LayerReport {
	if l == nil {
		return nil
	}
	r := LayerReport{Encoding: l.Encoding, Spatial: l.SID, Temporal: l.TID, Height: l.Height, FrameRate: l.FrameRate, Bitrate: l.Bitrate}
	if r.Temporal == projection.AllLayers {
		r.Temporal = -1
	}
	return &r
}

// received says what became of a decision.
func (e *Endpoint) received(d decision) ReceivedReport {
	r := ReceivedReport{
		Source: d.source.name, Owner: d.source.owner.cfg.ID, MaxHeight: d.wanted,
		Sent: layerReport(d.choice.Target), Why: string(d.choice.Why),
	}
	switch d.choice.Why {
	case allocation.TooHigh:
		r.Why = whyOverload
	case allocation.BeyondLastN:
		if thin := thinned[e.conf.thinning].lastN; thin >= 0 && (e.settings.LastN < 0 || e.settings.LastN > thin) {
			r.Why = whyOverload
		}
	}
	if r.Sent == nil {
		return r
	}
	l := e.lane(d.source)
	switch {
	case !e.connected:
		r.Sent, r.Why = nil, whyLine
	case l == nil || e.cfg.SSRCRewriting && !l.announced:
		r.Sent, r.Why = nil, whyChannel
	case d.source.owner.muteVideo.Load():
		r.Sent, r.Why = nil, whyMuted
	case !d.source.encodings[d.choice.Target.Encoding].active():
		r.Sent = nil // it would be
	default:
		l.mu.Lock()
		if current, wanted := l.proj.Current(), d.choice.Target.Encoding; current != wanted && d.source.encodings[wanted].active() {
			if r.Why = whyKeyframe; current == projection.Paused {
				r.Sent = nil
			}
		}
		l.mu.Unlock()
	}
	return r
}
