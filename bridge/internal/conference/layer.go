package conference

import "sync/atomic"

// layer is one spatial layer of an encoding, or an encoding without any.
type layer struct {
	height atomic.Int32 // of the smaller side: a guess until the first keyframe
	active atomic.Bool  // packets came lately

	// Under the owner's rx.
	last   int64           // when a packet last came
	volume [maxTIDs]uint64 // bytes by temporal layer
	tids   int             // temporal layers seen
	rates  rates
}

// came counts a packet. It says whether the allocation has to know.
func (l *layer) came(tid, size int, now int64) (changed bool) {
	tid = min(max(tid, 0), maxTIDs-1)
	l.volume[tid] += uint64(size)
	l.last = now
	if tid >= l.tids {
		l.tids, changed = tid+1, true
	}
	if !l.active.Load() {
		l.active.Store(true)
		l.rates.start(l.volume, now)
		changed = true
	}
	return changed
}

// tick measures, and notices that the layer is not sent any more.
func (l *layer) tick(behind bool, now int64) (ended bool) {
	if !l.active.Load() {
		return false
	}
	if behind || now-l.last > activeFor {
		l.active.Store(false)
		l.rates = rates{}
		return true
	}
	l.rates.tick(l.volume, now)
	return false
}

// active says whether the encoding is sent.
func (e *encoding) active() bool {
	for i := range e.spatial {
		if e.spatial[i].active.Load() {
			return true
		}
	}
	return false
}

// last is when a packet of the encoding last came.
func (e *encoding) last() (at int64) {
	for i := range e.spatial {
		at = max(at, e.spatial[i].last)
	}
	return at
}
