package conference

import (
	"time"

	"meetbox.local/bridge/internal/bwe"
	"meetbox.local/bridge/internal/rtcp"
	"meetbox.local/bridge/internal/transport"
)

// sendLanes is a receiver's lanes by their SSRCs; immutable.
type sendLanes struct {
	audio map[uint32]*audioLane
	video map[uint32]*videoLane // by both their SSRCs
}

// feedback is what a receiver tells of what it is sent. It is under rx, like
// receiving: the endpoint's RTCP comes on its own reader.
type feedback struct {
	resend    resender
	delivered uint64 // packets of transport-wide feedback that came
	lost      uint64 // … that did not
	rtt       time.Duration
	remb      uint64
}

// HandleRTCP takes a compound of this endpoint.
func (e *Endpoint) HandleRTCP(out *transport.Batch, packet []byte, now int64) {
	if e.gone.Load() {
		return
	}
	e.rx.Lock()
	defer e.rx.Unlock()
	if !e.receiving.ration.compound(now) {
		e.conf.bridge.drops.flood.Inc()
		e.flood("RTCP")
		return
	}
	for p, rest := rtcp.Next(packet); p != nil; p, rest = rtcp.Next(rest) {
		switch p.Type() {
		case rtcp.SR:
			if !e.cfg.Visitor {
				e.senderReport(out, p, now)
			}
			e.receiverReport(p, now)
		case rtcp.RR:
			e.receiverReport(p, now)
		case rtcp.RTPFB:
			switch p.Count() {
			case rtcp.FormatNACK:
				e.nacked(out, p, now)
			case rtcp.FormatTWCC:
				e.transportFeedback(p, now)
			}
		case rtcp.PSFB:
			if bps, ok := p.REMB(); ok {
				e.feedback.remb = bps
			}
			for w := p.KeyframeFor(); ; {
				ssrc, ok := w.Next()
				if !ok {
					break
				}
				if l := e.lanes.Load().video[ssrc]; l != nil {
					l.keyframe(out, now)
				}
			}
		}
	}
}

// senderReport notes a report about one of the endpoint's streams and passes
// it on, mapped, to those who are sent the stream: without it they could not
// play picture and sound together.
func (e *Endpoint) senderReport(out *transport.Batch, p rtcp.Packet, now int64) {
	info, ok := p.SenderInfo()
	if !ok {
		return
	}
	if !e.receiving.ration.report(now) {
		e.conf.bridge.drops.flood.Inc()
		e.flood("sender reports")
		return
	}
	to := (*e.routes.Load())[info.SSRC]
	switch {
	case to.audio != nil:
		to.audio.stats.SenderReport(info.NTP, now)
		for _, l := range *to.audio.subs.Load() {
			l.sendReport(out, to.audio, info, e.receiving.rtcp[:], now)
		}
	case to.encoding != nil && to.rtx:
		to.encoding.rtxStats.SenderReport(info.NTP, now)
	case to.encoding != nil:
		to.encoding.stats.SenderReport(info.NTP, now)
		to.encoding.reported(info)
		for _, l := range *to.encoding.source.subs.Load() {
			l.sendReport(out, to.encoding, info, e.receiving.rtcp[:], now)
		}
	}
}

// clockSlack is what reports differ by without meaning anything: 5 ms.
const clockSlack = 90_000 * 5 / 1000

// reported notes how the encoding's timestamps go with its sender's clock. The
// owner's rx is locked.
func (e *encoding) reported(info rtcp.SenderInfo) {
	if info.NTP == 0 {
		return // the sender has no clock
	}
	at := (info.NTP>>32)*90_000 + (info.NTP&(1<<32-1))*90_000>>32
	c := info.RTP - uint32(at)
	if d := int32(c - e.clock); !e.clocked || d > clockSlack || d < -clockSlack {
		e.clock, e.clocked = c, true
	}
}

func (l *audioLane) sendReport(out *transport.Batch, s *audioSource, info rtcp.SenderInfo, buf []byte, now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.source == s && l.joined {
		l.senderReport(out, info, info.RTP+l.tsShift, buf, now)
	}
}

func (l *videoLane) sendReport(out *transport.Batch, enc *encoding, info rtcp.SenderInfo, buf []byte, now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.source != enc.source {
		return
	}
	if ts, ok := l.proj.Timestamp(enc.index, info.RTP); ok {
		l.senderReport(out, info, ts, buf, now)
	}
}

func (e *Endpoint) receiverReport(p rtcp.Packet, now int64) {
	lanes := e.lanes.Load()
	for w := p.Reports(); ; {
		b, ok := w.Next()
		if !ok {
			return
		}
		var rtt time.Duration
		if l := lanes.video[b.SSRC]; l != nil && l.ssrc == b.SSRC {
			rtt, ok = l.reported(b, now)
		} else if l := lanes.audio[b.SSRC]; l != nil {
			rtt, ok = l.reported(b, now)
		} else {
			ok = false
		}
		if ok {
			e.feedback.rtt = rtt
			e.rtt.Store(int64(rtt))
		}
	}
}

// nacked answers a NACK with what is still there.
func (e *Endpoint) nacked(out *transport.Batch, p rtcp.Packet, now int64) {
	l := e.lanes.Load().video[p.Media()]
	if l == nil || l.ssrc != p.Media() {
		return
	}
	// Asked for again before an answer can have arrived, it is on its way.
	rtt := e.feedback.rtt
	spacing := max(0, min(rtt*9/10, rtt-5*time.Millisecond))
	for w := p.Lost(); ; {
		seq, ok := w.Next()
		if !ok {
			return
		}
		if !e.receiving.ration.resend(now) {
			e.conf.bridge.drops.flood.Inc()
			e.flood("NACKs")
			return
		}
		l.resend(out, seq, spacing, &e.feedback.resend, now)
	}
}

// transportFeedback counts what arrived of what was sent, and estimates the
// bandwidth by it.
func (e *Endpoint) transportFeedback(p rtcp.Packet, now int64) {
	f, ok := p.Feedback()
	if !ok {
		return
	}
	for {
		a, ok := f.Next()
		if !ok {
			break
		}
		if !e.receiving.ration.fate(now) {
			e.conf.bridge.drops.flood.Inc()
			e.flood("feedback")
			break
		}
		ago, size, ok := e.departures.Departed(a.Number, now)
		if !ok {
			continue
		}
		e.line.estimator.Packet(bwe.Packet{
			Number: a.Number, Size: size, Sent: now - int64(ago), Came: a.Came, Arrived: a.At,
		})
		if a.Came {
			e.feedback.delivered++
		} else {
			e.feedback.lost++
		}
	}
	e.line.estimator.Update(now, e.feedback.rtt)
}
