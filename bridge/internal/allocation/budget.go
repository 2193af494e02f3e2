package allocation

import "time"

const (
	// A change by less than this is none: JVB's.
	slack = 0.15
	// After a fall there is no rise for so long, and twice as long each time a
	// rise was wrong: each change of layers costs a keyframe, and a picture
	// that jumps is worse than one that is less sharp.
	holdMin = int64(1500 * time.Millisecond)
	holdMax = int64(12 * time.Second)
	// A rise that does not last so long was wrong.
	lasted = int64(12 * time.Second)
	// What was wrong is not tried again for so long, unless the estimate goes
	// clearly beyond it.
	wrongFor = int64(60 * time.Second)
	beyond   = 1.25
)

// Budget makes of an estimate that never rests the bandwidth to be allocated.
type Budget struct {
	used  int64 // 0 before the first
	fell  int64
	rose  int64
	hold  int64
	wrong int64 // the bandwidth that the line could not bear; 0 for none
}

// Use takes a new estimate, or Unlimited, and returns what to allocate, and
// whether that has changed.
func (b *Budget) Use(estimate, now int64) (bandwidth int64, changed bool) {
	if b.used == 0 {
		b.used, b.hold = estimate, holdMin
		return b.used, true
	}
	if float64(estimate) < (1-slack)*float64(b.used) {
		// A fall to less than half is of a line that has changed, and says
		// nothing of the rise before.
		if b.rose != 0 && now-b.rose < lasted && estimate > b.used/2 {
			b.wrong = b.used
			b.hold = min(holdMax, 2*b.hold)
		} else {
			b.hold = holdMin
		}
		b.used, b.fell, b.rose = estimate, now, 0
		return b.used, true
	}
	least, hold := 1+slack, holdMin
	if b.wrong != 0 && now-b.fell < wrongFor && float64(estimate) < beyond*float64(b.wrong) {
		estimate = min(estimate, int64((1-slack)*float64(b.wrong)))
		least, hold = 1+slack/2, b.hold // as high as it may get
	}
	if float64(estimate) <= least*float64(b.used) || now-b.fell < hold {
		return b.used, false
	}
	b.used, b.rose = estimate, now
	return b.used, true
}
