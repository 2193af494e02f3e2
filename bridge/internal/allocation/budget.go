package allocation

import "time"

const (
	// A change by less than this is none: JVB's.
	slack = 0.15
	// After a fall there is no rise for so long, and longer when the last
	// rise did not last: each change of layers costs a keyframe, and a picture
	// that jumps is worse than one that is less sharp.
	holdMin = int64(1500 * time.Millisecond)
	holdMax = int64(6 * time.Second)
	// lasted is how long a rise has to last to have been right.
	lasted = int64(8 * time.Second)
)

// Budget makes of an estimate that never rests the bandwidth to be allocated.
type Budget struct {
	used int64 // 0 before the first
	fell int64
	rose int64
	hold int64
}

// Use takes a new estimate, or Unlimited, and returns what to allocate, and
// whether that has changed.
func (b *Budget) Use(estimate, now int64) (bandwidth int64, changed bool) {
	switch low, high := int64(float64(b.used)*(1-slack)), int64(float64(b.used)*(1+slack)); {
	case b.used == 0:
		b.hold = holdMin
	case estimate < low:
		b.hold = holdMin
		if b.rose != 0 && now-b.rose < lasted {
			b.hold = min(holdMax, 2*b.hold)
		}
		b.fell = now
	case estimate > high && now-b.fell >= b.hold:
		b.rose = now
	default:
		return b.used, false
	}
	b.used = estimate
	return b.used, true
}
