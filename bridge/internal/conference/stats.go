package conference

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// drops counts what was not forwarded or delivered, by reason.
type drops struct {
	malformed, payloadType, unsignalled, duplicate, unsent, flood *metrics.Counter
	message                                                       func(reason string)
}

// totals only grow. Those of packets are of endpoints that are gone.
type totals struct {
	conferencesCreated, conferencesCompleted, endpointsCreated atomic.Uint64
	dominantChanges, messagesReceived, messagesSent            atomic.Uint64
	packetsReceived, bytesReceived, packetsSent, bytesSent     atomic.Uint64
	retransmitted                                              atomic.Uint64
}

// former is what went out on lanes that are gone.
type former struct{ packets, bytes, resent atomic.Uint64 }

// add counts a lane that nobody uses any more.
func (f *former) add(l *egress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.packets.Add(uint64(l.packets) + l.resent)
	f.bytes.Add(uint64(l.octets))
	f.resent.Add(l.resent)
}

// expired adds what an endpoint did in its life.
func (t *totals) expired(e *Endpoint) {
	s := e.Stats()
	t.packetsReceived.Add(s.PacketsReceived)
	t.bytesReceived.Add(s.BytesReceived)
	t.packetsSent.Add(s.PacketsSent)
	t.bytesSent.Add(s.BytesSent)
	t.retransmitted.Add(s.Retransmitted)
}

func (b *Bridge) metrics(set *metrics.Set) {
	drop := func(reason string) *metrics.Counter {
		return set.GetOrCreateCounter(fmt.Sprintf("bridge_rtp_dropped_total{reason=%q}", reason))
	}
	b.drops = drops{
		malformed: drop("malformed"), payloadType: drop("payload_type"),
		unsignalled: drop("unsignalled"), duplicate: drop("duplicate"), flood: drop("flood"),
		unsent: set.GetOrCreateCounter("bridge_messages_unsent_total"),
		message: func(reason string) {
			set.GetOrCreateCounter(fmt.Sprintf("bridge_messages_dropped_total{reason=%q}", reason)).Inc()
		},
	}
	var recent recentStats
	gauge := func(name string, f func(Stats) float64) {
		set.GetOrCreateGauge(name, func() float64 { return f(recent.get(b.Stats)) })
	}
	gauge("bridge_conferences", func(s Stats) float64 { return float64(s.Conferences) })
	gauge("bridge_endpoints", func(s Stats) float64 { return float64(s.Endpoints) })
	gauge("bridge_endpoints_sending_audio", func(s Stats) float64 { return float64(s.EndpointsSendingAudio) })
	gauge("bridge_endpoints_sending_video", func(s Stats) float64 { return float64(s.EndpointsSendingVideo) })
	gauge("bridge_endpoints_limited", func(s Stats) float64 { return float64(s.EndpointsLimited) })
	gauge("bridge_rtp_packets_received_total", func(s Stats) float64 { return float64(s.PacketsReceived) })
	gauge("bridge_rtp_packets_sent_total", func(s Stats) float64 { return float64(s.PacketsSent) })
	gauge("bridge_rtp_bytes_received_total", func(s Stats) float64 { return float64(s.BytesReceived) })
	gauge("bridge_rtp_bytes_sent_total", func(s Stats) float64 { return float64(s.BytesSent) })
	gauge("bridge_rtp_retransmitted_total", func(s Stats) float64 { return float64(s.Retransmitted) })
	gauge("bridge_conferences_created_total", func(s Stats) float64 { return float64(s.ConferencesCreated) })
	gauge("bridge_endpoints_created_total", func(s Stats) float64 { return float64(s.EndpointsCreated) })
	gauge("bridge_dominant_speaker_changes_total", func(s Stats) float64 { return float64(s.DominantSpeakerChanges) })
	gauge("bridge_rtt_seconds", func(s Stats) float64 { return s.RTT / 1000 })
}

// recentStats makes all gauges of one scrape share one look.
type recentStats struct {
	mu    sync.Mutex
	at    time.Time
	stats Stats
}

func (r *recentStats) get(look func() Stats) Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.at) > time.Second {
		r.stats, r.at = look(), time.Now()
	}
	return r.stats
}

// highLoss is the share of what an endpoint is sent beyond which it is counted
// for it: JVB's.
const highLoss = 0.1

// Stats is one look at the whole bridge. What is a total grows continuously.
type Stats struct {
	Conferences, Endpoints, Visitors, LargestConference    int
	InactiveConferences, InactiveEndpoints                 int // in which nobody sends; not heard of lately
	EndpointsSendingAudio, EndpointsSendingVideo           int
	EndpointsReceiveOnly                                   int
	EndpointsLimited                                       int    // sent less than they want
	EndpointsLossy                                         int    // lose more than a tenth of what they are sent
	EndpointsOversending                                   int    // are sent more than their lines take
	EndpointsSuspended                                     int    // go without a video for want of bandwidth
	Keyframes                                              uint64 // that came
	PacketsReceived, PacketsSent, BytesReceived, BytesSent uint64 // RTP
	Retransmitted                                          uint64 // of PacketsSent
	Delivered, Undelivered                                 uint64 // packets sent that receivers reported on
	Arrived, Missing                                       int64  // packets received, and those that never came
	ConferencesCreated, ConferencesCompleted               uint64
	EndpointsCreated, DominantSpeakerChanges               uint64
	MessagesReceived, MessagesSent                         uint64
	RTT                                                    float64 // mean over endpoints that have one, ms
	IncomingLoss, OutgoingLoss                             float64 // fractions, of the endpoints that are there
}

// Stats sums up the bridge for its presence and its statistics page.
func (b *Bridge) Stats() Stats {
	t := &b.totals
	s := Stats{
		PacketsReceived: t.packetsReceived.Load(), BytesReceived: t.bytesReceived.Load(),
		PacketsSent: t.packetsSent.Load(), BytesSent: t.bytesSent.Load(),
		Retransmitted:      t.retransmitted.Load(),
		ConferencesCreated: t.conferencesCreated.Load(), ConferencesCompleted: t.conferencesCompleted.Load(),
		EndpointsCreated: t.endpointsCreated.Load(), DominantSpeakerChanges: t.dominantChanges.Load(),
		MessagesReceived: t.messagesReceived.Load(), MessagesSent: t.messagesSent.Load(),
	}
	var rtts time.Duration
	withRTT, now := 0, b.port.now()
	for _, c := range b.all() {
		s.Conferences++
		members := *c.members.Load()
		s.Endpoints += len(members)
		s.LargestConference = max(s.LargestConference, len(members))
		sending := false
		for _, e := range members {
			x := e.Stats()
			sending = sending || x.SendingAudio || x.SendingVideo
			if e.cfg.Visitor {
				s.Visitors++
			}
			if !x.SendingAudio && !x.SendingVideo {
				s.EndpointsReceiveOnly++
			}
			if last := e.link.LastActivity(); last == 0 || now-last > silentLater {
				s.InactiveEndpoints++
			}
			if n := x.Delivered + x.Undelivered; n > 0 && float64(x.Undelivered) > highLoss*float64(n) {
				s.EndpointsLossy++
			}
			if x.Oversent {
				s.EndpointsOversending++
			}
			if x.Suspended {
				s.EndpointsSuspended++
			}
			s.Keyframes += x.Keyframes
			if x.SendingAudio {
				s.EndpointsSendingAudio++
			}
			if x.Limited {
				s.EndpointsLimited++
			}
			if x.SendingVideo {
				s.EndpointsSendingVideo++
			}
			s.PacketsReceived += x.PacketsReceived
			s.BytesReceived += x.BytesReceived
			s.PacketsSent += x.PacketsSent
			s.BytesSent += x.BytesSent
			s.Retransmitted += x.Retransmitted
			s.Delivered += x.Delivered
			s.Undelivered += x.Undelivered
			s.Arrived += x.Arrived
			s.Missing += x.Missing
			if x.RTT > 0 {
				rtts += x.RTT
				withRTT++
			}
		}
		if !sending {
			s.InactiveConferences++
		}
	}
	if withRTT > 0 {
		s.RTT = float64(rtts.Microseconds()) / 1000 / float64(withRTT)
	}
	if n := s.Arrived + s.Missing; n > 0 {
		s.IncomingLoss = float64(s.Missing) / float64(n)
	}
	if n := s.Delivered + s.Undelivered; n > 0 {
		s.OutgoingLoss = float64(s.Undelivered) / float64(n)
	}
	return s
}

// EndpointStats is one look at an endpoint.
type EndpointStats struct {
	SendingAudio, SendingVideo     bool
	PacketsReceived, BytesReceived uint64 // from it
	PacketsSent, BytesSent         uint64 // to it; payloads
	Retransmitted                  uint64
	Delivered, Undelivered         uint64 // packets to it, by its feedback
	Arrived, Missing               int64  // packets from it
	Keyframes                      uint64 // from it
	RTT                            time.Duration
	Estimate                       int64 // bit/s that its line takes; 0 is not known
	Limited                        bool  // … which is less than it wants
	Oversent                       bool  // it is sent more than its line takes: a shared screen
	Suspended                      bool  // some video is not sent at all for want of bandwidth
}

// Stats is one look at the endpoint. It may be called from any goroutine.
func (e *Endpoint) Stats() EndpointStats {
	var s EndpointStats
	now := e.conf.bridge.port.now()
	e.rx.Lock()
	r, f := &e.receiving, &e.feedback
	s.PacketsReceived, s.BytesReceived, s.Keyframes = r.packets, r.bytes, r.frames
	s.Delivered, s.Undelivered, s.RTT = f.delivered, f.lost, f.rtt
	if e.line.estimator.Known() {
		s.Estimate = e.line.estimator.Target()
		s.Limited = e.line.limited
	}
	s.Oversent, s.Suspended = e.line.oversent.Load(), e.line.suspended.Load()
	for _, to := range *e.routes.Load() {
		switch {
		case to.audio != nil:
			got, lost := to.audio.stats.Totals()
			s.Arrived, s.Missing = s.Arrived+got, s.Missing+lost
			s.SendingAudio = s.SendingAudio || to.audio.last != 0 && now-to.audio.last < activeFor
		case !to.rtx:
			got, lost := to.encoding.stats.Totals()
			s.Arrived, s.Missing = s.Arrived+got, s.Missing+lost
			s.SendingVideo = s.SendingVideo || to.encoding.active()
		}
	}
	e.rx.Unlock()
	s.PacketsSent, s.BytesSent, s.Retransmitted = e.former.packets.Load(), e.former.bytes.Load(), e.former.resent.Load()
	count := func(l *egress) {
		s.PacketsSent += uint64(l.packets) + l.resent
		s.BytesSent += uint64(l.octets)
		s.Retransmitted += l.resent
	}
	lanes := e.lanes.Load()
	for _, l := range lanes.audio {
		l.mu.Lock()
		count(&l.egress)
		l.mu.Unlock()
	}
	for ssrc, l := range lanes.video {
		if ssrc == l.ssrc {
			l.mu.Lock()
			count(&l.egress)
			l.mu.Unlock()
		}
	}
	return s
}
