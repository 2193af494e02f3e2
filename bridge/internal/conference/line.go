package conference

import (
	"sync/atomic"

	"meetbox.local/bridge/internal/allocation"
	"meetbox.local/bridge/internal/bwe"
	"meetbox.local/bridge/internal/channel"
	"meetbox.local/bridge/internal/rtp"
	"meetbox.local/bridge/internal/transport"
)

// line is the way to one receiver: what it takes, and what is to be sent.
type line struct {
	estimator *bwe.Estimator // under rx, like the feedback
	limited   bool           // likewise: less is sent than wanted
	padding   padding        // likewise

	// oversent: more is sent than bandwidth says; suspended: something is not
	// sent for want of it.
	oversent, suspended atomic.Bool

	// The conference's.
	budget         allocation.Budget
	bandwidth      int64 // to be allocated
	target, wanted int64 // bit/s that are allocated, and that would be without limit
}

func (l *line) init() { l.estimator, l.bandwidth = bwe.New(), allocation.Unlimited }

// note sums up what was allocated.
func (l *line) note(choices []allocation.Choice) {
	l.target, l.wanted = 0, 0
	suspended := false
	for _, c := range choices {
		suspended = suspended || c.Target == nil && c.Why == allocation.ForBandwidth
		if c.Target != nil {
			l.target += c.Target.Bitrate
		}
		if c.Ideal != nil {
			l.wanted += c.Ideal.Bitrate
		}
	}
	l.suspended.Store(suspended)
	l.oversent.Store(l.target > l.bandwidth)
}

// statsEvery is how often receivers are told what their lines take, in ticks:
// 10 s.
const statsEvery = 100

// lines follows the receivers' bandwidths, and probes where more is wanted.
func (c *Conference) lines(now int64) {
	if c.bridge.opts.IgnoreBandwidth {
		return
	}
	for _, e := range *c.members.Load() {
		if !e.connected {
			continue
		}
		estimate, limited := e.probe(now)
		bandwidth := int64(allocation.Unlimited)
		if limited {
			bandwidth = estimate
		}
		var changed bool
		if e.line.bandwidth, changed = e.line.budget.Use(bandwidth, now); changed {
			e.log.Debug("bandwidth", "estimate", estimate, "limited", limited, "sent", e.line.target, "wanted", e.line.wanted)
			c.dirty = true
		}
		if c.ticks%statsEvery == 0 && estimate > 0 {
			e.send(&channel.ConnectionStats{EstimatedDownlinkBandwidth: estimate})
		}
	}
}

// probe looks at the receiver's line, with a burst if the estimator wants one.
// The estimate is 0 where there is none. It limits only clients that can be
// trusted to give good feedback: those that know retransmissions, as in JVB.
func (e *Endpoint) probe(now int64) (estimate int64, limited bool) {
	m := e.media.Load()
	e.rx.Lock()
	defer e.rx.Unlock()
	if !m.transportCC {
		estimate = int64(min(e.feedback.remb, allocation.Unlimited))
		return estimate, estimate > 0 && m.rtx
	}
	x := e.line.estimator
	if m.sequenceID == 0 || !m.rtx {
		return 0, false
	}
	x.Need(e.line.wanted)
	e.line.limited = e.line.target < e.line.wanted
	if e.line.wanted > 0 {
		if p, ok := x.Probe(now); ok {
			e.conf.bridge.timed(func(out *transport.Batch) { e.burst(out, m, p, now) })
		}
	}
	if !x.Known() {
		return 0, false
	}
	return x.Target(), x.Limited()
}

// burst sends a probe: the latest packets again, so that they are of use where
// one was lost, and padding. rx is locked.
func (e *Endpoint) burst(out *transport.Batch, m *mediaTable, p bwe.Probe, now int64) {
	before := e.departures.Last()
	left := p.Bytes
	for ssrc, l := range e.lanes.Load().video {
		if ssrc == l.ssrc && left > 0 {
			left -= l.repeat(out, left, &e.feedback.resend, now)
		}
	}
	for left > 0 {
		n := e.line.padding.send(out, e, m, now)
		if n == 0 {
			break
		}
		left -= n
	}
	// What others put on the line at the same time counts with it.
	if n := e.departures.Last() - before; n > 0 {
		e.line.estimator.Probing(p, before+1, before+n, int(n), p.Bytes-left, now)
	}
}

// padding is packets without content on the bridge's own SSRC jvb-v0, which
// every client knows from its invitation.
type padding struct {
	stream    stream
	seq       uint16
	timestamp uint32
	at        int64
	template  rtp.Template
	header    [rtp.MaxHeader]byte
	body      [paddingSize]byte
}

const (
	// paddingSize is all that one packet can say that it has.
	paddingSize = 255
	// paddingStep is the time of a frame.
	paddingStep = 3000
)

// send sends one packet and returns its size; 0 when the client accepts no
// video.
func (p *padding) send(out *transport.Batch, e *Endpoint, m *mediaTable, now int64) int {
	if m.anyVideo == 0 {
		return 0
	}
	if p.stream == nil {
		p.stream = e.stream(e.conf.feedbackVideo)
		p.template.Reset(nil, &rtp.Header{})
		p.body[paddingSize-1] = paddingSize
	}
	if p.at != now {
		p.at = now
		p.timestamp += paddingStep
	}
	p.seq++
	s := rtp.Stamp{
		SSRC: e.conf.feedbackVideo, PayloadType: m.anyVideo, SequenceNumber: p.seq, Timestamp: p.timestamp,
		SequenceID: m.sequenceID, TransportSeq: e.departures.Tag(paddingSize+40, now),
	}
	n := p.template.Write(p.header[:], &s)
	p.header[0] |= 0x20
	p.stream.Send(out, p.header[:n], p.body[:])
	return paddingSize
}
