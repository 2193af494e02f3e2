package bwe

import "time"

const (
	// burst is what belongs to one group: a frame leaves at once.
	burst = int64(5 * time.Millisecond)
	// jumped is a difference that no queue makes: a clock was set.
	jumped = int64(10 * time.Second)

	window    = 20 // groups in the trend
	smoothing = 0.9
	gain      = 4
	maxDeltas = 60

	// The threshold of the trend adapts, faster down than up, so that flows
	// that fill the queue do not starve this one.
	thresholdStart = 12.5
	thresholdMin   = 6
	thresholdMax   = 600
	thresholdSkip  = 15 // a spike this far above it teaches nothing
	adaptUp        = 0.0087
	adaptDown      = 0.039
	overuseTime    = 10 // ms

	// standing is the queue below which there is nothing to worry about: less
	// than two frames.
	standing = int64(25 * time.Millisecond)
	// The queue is the least delay in the last recentFor to twice that, above
	// the least in baseFor to twice that.
	recentFor = int64(80 * time.Millisecond)
	baseFor   = int64(10 * time.Second)
)

const ms = float64(time.Millisecond)

// least is the minimum of a value over the last one to two spans of time.
type least struct {
	span     int64
	since    int64
	now, old int64
	any      bool
}

func (l *least) add(v, at int64) {
	switch {
	case !l.any || at-l.since >= 2*l.span || at < l.since-l.span:
		l.any, l.since, l.now, l.old = true, at, v, v
	case at-l.since >= l.span:
		l.since, l.old, l.now = l.since+l.span, l.now, v
	default:
		l.now = min(l.now, v)
	}
}

func (l *least) value() int64 { return min(l.now, l.old) }

// draining says whether the queue is getting shorter: after the line stood
// still for a moment, or because less is sent already.
func (d *delay) draining() bool {
	step := max(int64(8*time.Millisecond), (d.recent.old-d.base.value())/8)
	return d.recent.any && d.recent.now < d.recent.old-step
}

// group is packets that left together.
type group struct {
	first, last int64 // when they left
	arrived     int64 // when the last of them came
}

// delay finds out whether a queue grows.
type delay struct {
	current, previous group
	have              int // groups in those two

	x, y     [window]float64 // arrival and smoothed delay, in ms
	at, n    int
	origin   int64
	sum      float64
	smoothed float64
	deltas   int
	trend    float64

	threshold float64
	adapted   int64
	overFor   float64
	overCount int
	over      bool

	recent, base least
}

func newDelay() delay {
	return delay{
		threshold: thresholdStart,
		recent:    least{span: recentFor}, base: least{span: baseFor},
	}
}

// queue is how much longer packets take than they have to.
func (d *delay) queue() int64 {
	if !d.recent.any {
		return 0
	}
	return max(0, d.recent.value()-d.base.value())
}

// look takes the delay of a packet.
func (d *delay) look(sent, arrived int64) {
	d.recent.add(arrived-sent, arrived)
	d.base.add(arrived-sent, arrived)
}

// packet takes one packet that came, in the order in which they left.
func (d *delay) packet(sent, arrived int64) {
	if d.have > 0 {
		if lag := arrived - d.current.arrived; lag > jumped || lag < -jumped {
			*d = newDelay()
		}
	}
	d.look(sent, arrived)
	if d.have == 0 {
		d.current, d.have, d.origin = group{sent, sent, arrived}, 1, arrived
		return
	}
	c := &d.current
	if sent < c.first {
		return // of an earlier group
	}
	// What arrived together was held up together, and says nothing more.
	held := arrived-c.arrived <= burst && arrived-c.arrived < sent-c.last && arrived-c.first < int64(100*time.Millisecond)
	if sent-c.first <= burst || held {
		c.last, c.arrived = max(c.last, sent), max(c.arrived, arrived)
		return
	}
	if d.have == 2 {
		d.step()
	}
	d.previous, d.have = *c, 2
	d.current = group{sent, sent, arrived}
}

// step compares the current group, now complete, with the one before it.
func (d *delay) step() {
	apart := float64(d.current.last-d.previous.last) / ms
	delta := float64(d.current.arrived-d.previous.arrived)/ms - apart
	d.sum += delta
	d.smoothed = smoothing*d.smoothed + (1-smoothing)*d.sum
	d.x[d.at], d.y[d.at] = float64(d.current.arrived-d.origin)/ms, d.smoothed
	d.at, d.n, d.deltas = (d.at+1)%window, min(d.n+1, window), min(d.deltas+1, maxDeltas)
	before := d.trend
	if d.n == window {
		d.trend = d.slope()
	}
	d.detect(float64(d.deltas)*d.trend*gain, apart, d.trend >= before)
}

// slope fits a line.
func (d *delay) slope() float64 {
	var mx, my float64
	for i := range d.x {
		mx += d.x[i]
		my += d.y[i]
	}
	mx, my = mx/window, my/window
	var above, below float64
	for i := range d.x {
		above += (d.x[i] - mx) * (d.y[i] - my)
		below += (d.x[i] - mx) * (d.x[i] - mx)
	}
	if below == 0 {
		return d.trend
	}
	return above / below
}

func (d *delay) detect(m, apart float64, rising bool) {
	if m > d.threshold {
		if d.overCount == 0 {
			d.overFor = apart / 2
		} else {
			d.overFor += apart
		}
		d.overCount++
		if d.overFor > overuseTime && d.overCount > 1 && rising {
			d.over, d.overFor, d.overCount = true, 0, 0
		}
	} else {
		d.over, d.overFor, d.overCount = false, 0, 0
	}
	size := max(m, -m)
	if size <= d.threshold+thresholdSkip {
		k := adaptUp
		if size < d.threshold {
			k = adaptDown
		}
		since := min(100, float64(d.current.arrived-d.adapted)/ms)
		d.threshold = min(thresholdMax, max(thresholdMin, d.threshold+k*(size-d.threshold)*since))
	}
	d.adapted = d.current.arrived
}
