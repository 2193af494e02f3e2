package conference

import (
	"time"

	"meetbox.local/bridge/internal/channel"
	"meetbox.local/bridge/internal/rtcp"
	"meetbox.local/bridge/internal/transport"
)

const (
	// Without a sign of life for so long an endpoint is shown as
	// disconnected.
	silentAtStart = int64(15 * time.Second)
	silentLater   = int64(8 * time.Second)
	// … and for so long, it is removed.
	neverActive = int64(2 * time.Minute)
	goneAfter   = int64(time.Minute)
)

// reports sends each sender what arrived of its streams, and asks again for
// what is still missing of streams that have paused.
func (c *Conference) reports(out *transport.Batch, now int64) {
	for _, e := range c.order {
		if e.connected {
			e.report(out, now)
		}
	}
}

func (e *Endpoint) report(out *transport.Batch, now int64) {
	e.rx.Lock()
	defer e.rx.Unlock()
	var blocks [rtcp.MaxReports]rtcp.Report
	n := 0
	add := func(ssrc uint32, r *rtcp.Reception) {
		b, ok := r.Report(ssrc, now)
		if !ok {
			return
		}
		blocks[n] = b
		if n++; n == len(blocks) {
			e.link.SendRTCP(out, rtcp.AppendReceiverReport(e.receiving.rtcp[:0], e.conf.feedbackVideo, blocks[:n]))
			n = 0
		}
	}
	for _, s := range e.audioSources {
		add(s.SSRC, &s.stats)
	}
	for _, s := range e.videoSources {
		for _, x := range s.encodings {
			add(x.ssrc, &x.stats)
			add(x.rtx, &x.rtxStats)
			if x.missing.Due(now) {
				e.askAgain(out, x, now)
			}
		}
	}
	if n > 0 {
		e.link.SendRTCP(out, rtcp.AppendReceiverReport(e.receiving.rtcp[:0], e.conf.feedbackVideo, blocks[:n]))
	}
}

// measure brings the bit rates of all layers up to date, and notices
// encodings that are not sent any more.
func (c *Conference) measure(now int64) {
	for _, e := range c.order {
		e.rx.Lock()
		for _, s := range e.videoSources {
			var newest int64
			for _, x := range s.encodings {
				newest = max(newest, x.last())
			}
			for _, x := range s.encodings {
				c.measureEncoding(x, newest, now)
			}
		}
		e.rx.Unlock()
	}
}

// behindFor is how long one encoding or layer of a source may be silent while
// another is sent: they show the same pictures.
const behindFor = int64(600 * time.Millisecond)

func (c *Conference) measureEncoding(x *encoding, newest, now int64) {
	ended := false
	for i := range x.spatial {
		l := &x.spatial[i]
		ended = l.tick(newest-l.last > behindFor, now) || ended
	}
	if !ended {
		return
	}
	c.dirty = true
	if !x.active() {
		x.missing.Reset() // nobody would answer
	}
}

// liveness tells everyone who has gone silent, and who is back.
func (c *Conference) liveness(now int64) {
	for _, e := range c.order {
		last, limit := e.link.LastActivity(), silentLater
		if last == 0 {
			last, limit = e.created, silentAtStart
		}
		inactive := now-last > limit
		if inactive != e.inactive {
			e.inactive = inactive
			e.log.Info("endpoint activity", "active", !inactive)
			c.everyone(&channel.ConnectivityStatus{Endpoint: e.cfg.ID, Active: channel.TextBool(!inactive)}, nil)
		}
	}
}

// sweep removes endpoints that will not come back.
func (c *Conference) sweep() {
	_ = c.call(func() { // an expired conference has none
		now := c.bridge.port.now()
		for _, e := range *c.members.Load() {
			last := e.link.LastActivity()
			if e.failed || last == 0 && now-e.created > neverActive || last != 0 && now-last > goneAfter {
				e.log.Info("endpoint expired", "failed", e.failed)
				c.removeEndpoint(e)
			}
		}
	})
}
