package conference

import (
	"sync"
	"time"

	"meetbox.local/bridge/internal/rtcp"
	"meetbox.local/bridge/internal/transport"
)

// keyframeEvery merges requests: each keyframe costs every receiver. Browsers
// ignore what comes within 300 ms of a request that they have heeded, so one
// sent earlier would be lost, not early.
const keyframeEvery = int64(320 * time.Millisecond)

const (
	// A receiver's requests: three in ten seconds, as JVB allows.
	pliMax    = 3
	pliWindow = int64(10 * time.Second)
)

// keyframes asks the owner of a source for keyframes, not too often.
type keyframes struct {
	source *videoSource
	mu     sync.Mutex
	last   int64
	number uint8 // of FIRs
	buf    [maxEncodings * 20]byte
	asked  uint64

	owed bool // the conference's: one was refused that no packet will repeat
}

// request asks for a keyframe of all encodings that are sent. Browsers send
// one of each whichever is named, other clients only of those named. It is
// false when it is too early: whoever still needs one then has to ask again.
func (k *keyframes) request(out *transport.Batch, now int64) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last != 0 && now-k.last < keyframeEvery {
		return false
	}
	k.last = now
	k.asked++
	owner := k.source.owner
	feedback := owner.conf.feedbackVideo
	pli := owner.media.Load().pli
	if !pli {
		k.number++
	}
	msg := k.buf[:0]
	for _, e := range k.source.encodings {
		switch {
		case e.index > 0 && !e.active():
		case pli:
			msg = rtcp.AppendPLI(msg, feedback, e.ssrc)
		default:
			msg = rtcp.AppendFIR(msg, feedback, e.ssrc, k.number)
		}
	}
	owner.link.SendRTCP(out, msg)
	return true
}

// refresh asks for a keyframe of the source, now or as soon as one may be
// asked for: the source may show something that does not move, and then no
// packet would tell that a keyframe is missing.
func (s *videoSource) refresh() {
	b := s.owner.conf.bridge
	b.timed(func(out *transport.Batch) { s.keyframes.owed = !s.keyframes.request(out, b.port.now()) })
}

// owed sends the requests that were refused, as far as they are still needed.
func (c *Conference) owed() {
	for _, e := range c.order {
		for _, s := range e.videoSources {
			if !s.keyframes.owed {
				continue
			}
			if s.awaited() || c.tap.Load() != nil {
				s.refresh()
			} else {
				s.keyframes.owed = false
			}
		}
	}
}

// awaited says whether some lane waits for a keyframe.
func (s *videoSource) awaited() bool {
	for _, l := range *s.subs.Load() {
		if l.awaits() {
			return true
		}
	}
	return false
}

func (l *videoLane) awaits() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.proj.NeedsKeyframe()
}

// keyframe takes a receiver's request for what the lane carries.
func (l *videoLane) keyframe(out *transport.Batch, now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.source != nil && l.watch.Load() != 0 {
		l.beg(out, now)
	}
}

// beg passes a receiver's request on. One that is too early is kept until a
// packet after it, or until a keyframe came meanwhile. The lane is locked.
func (l *videoLane) beg(out *transport.Batch, now int64) {
	l.begged = false
	oldest := 0
	for i, at := range l.requests {
		// More often than a round trip says nothing new.
		if at != 0 && now-at < max(min(keyframeEvery, l.to.rtt.Load()+int64(10*time.Millisecond)), int64(50*time.Millisecond)) {
			return
		}
		if at < l.requests[oldest] {
			oldest = i
		}
	}
	if at := l.requests[oldest]; at != 0 && now-at < pliWindow {
		return
	}
	if l.begged = !l.source.keyframes.request(out, now); !l.begged {
		l.requests[oldest] = now
	}
}
