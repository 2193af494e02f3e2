package rtp

// Window remembers which sequence numbers of a stream came, and extends them.
type Window struct {
	bits    [windowSize / 64]uint64
	highest int64
	started bool
}

// windowSize is 1.5 s of the fullest stream (some 1,300 packets a second),
// as a power of two. It is more than SRTP's own window: a packet may come a
// second time as a retransmission.
const windowSize = 2048

// First says whether this is the first time the number comes, and extends it.
// What is older than the window counts as seen.
func (w *Window) First(seq uint16) (ext int64, first bool) {
	if !w.started {
		w.started = true
		w.highest = 1<<16 + int64(seq) // so that what came shortly before is not negative
		w.set(w.highest)
		return w.highest, true
	}
	ext = Extend(w.highest, seq, 16)
	switch {
	case ext > w.highest:
		if ext-w.highest >= windowSize {
			w.bits = [windowSize / 64]uint64{}
		} else {
			for i := w.highest + 1; i < ext; i++ {
				w.bits[i%windowSize/64] &^= 1 << (i % 64)
			}
		}
		w.highest = ext
		w.set(ext)
		return ext, true
	case ext <= w.highest-windowSize || ext < 0 || w.bits[ext%windowSize/64]&(1<<(ext%64)) != 0:
		return ext, false
	}
	w.set(ext)
	return ext, true
}

func (w *Window) set(ext int64) { w.bits[ext%windowSize/64] |= 1 << (ext % 64) }

// Highest is the newest number, extended.
func (w *Window) Highest() int64 { return w.highest }
