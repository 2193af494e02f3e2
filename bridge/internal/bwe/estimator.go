package bwe

import "time"

const (
	// Start is the estimate before anything is known: JVB's. The first
	// probes replace it within half a second.
	Start = 2_500_000
	// Least keeps the probes alive.
	Least = 30_000
	// Most is more than anybody is sent.
	Most = 100_000_000
	// Enough is where probing ends: twenty people in good resolution. What is
	// needed beyond grows with what is sent.
	Enough = 20_000_000
)

// clock is what is kept of a receiver's time: 52 days, which has room for all
// that feedback can say, and keeps what is made of it from overflowing.
const clock = 1<<52 - 1

const (
	backoff = 0.85
	growth  = 1.08 // a second
	// The estimate grows no further than this above what arrives.
	ahead     = 1.5
	aheadLeft = 10_000
	// Near the rate at which the line was last found full, growth is by a
	// packet in a response time.
	nearLow, nearHigh = 0.85, 1.15
	nearPacket        = 1200 * 8
	nearTop           = 0.9
	fullFor           = int64(30 * time.Second)
	inUse             = 0.85

	// response is added to the round trip: a feedback interval.
	response = 100 * time.Millisecond
	unknown  = 100 * time.Millisecond // round trip
	trips    = 400 * time.Millisecond
	unused   = 2   // times what is sent: an estimate above is not used
	spare    = 1.3 // times what is sent: what is left of an estimate that was not used
	deep     = 120 // ms of queue: drain it
	// A queue so long means too much is sent, even where jitter hides that it
	// grows. A line that stands still for a moment makes a shorter one.
	swamped = int64(250 * time.Millisecond)
	// What arrives through a long queue is what the line takes: below this
	// share of the estimate, that is believed without waiting for a turn.
	collapse  = 0.7
	drainMost = 0.2
)

// Packet is what feedback says of one packet.
type Packet struct {
	Number  uint16
	Size    int
	Sent    int64 // ns
	Came    bool
	Arrived int64 // ns, of any clock
}

// Estimator is the estimate for one receiver.
type Estimator struct {
	estimate float64
	need     float64
	started  int64
	known    bool // the first probes are over, or never were

	delay    delay
	loss     loss
	prober   prober
	arriving meter // by arrival
	leaving  meter // by departure, lost ones included

	highest   uint16
	any       bool
	grown     int64 // when the estimate was last let grow
	decreased int64
	trimmed   int64
	full      float64 // where the line was last found to be full
	filled    int64   // when
	quiet     int64   // until when a queue is the probe's own
	overuses  int
}

// New makes an estimator.
func New() *Estimator {
	return &Estimator{estimate: Start, delay: newDelay(), prober: newProber()}
}

// Target is what may be sent, in bit/s.
func (e *Estimator) Target() int64 {
	t := e.estimate
	// While a long queue drains, less: else it stands for ever.
	if q := float64(e.delay.queue())/ms - deep; q > 0 && e.overuses > 0 {
		t *= max(drainMost, 1-q/500)
	}
	return int64(max(t, Least))
}

// Known says whether the estimate rests on something.
func (e *Estimator) Known() bool { return e.known }

// Limited says whether there is any reason to send less than wanted.
func (e *Estimator) Limited() bool { return e.estimate < Enough }

// Need tells the estimator what there would be to send, in bit/s.
func (e *Estimator) Need(bps int64) { e.need = float64(bps) }

// Packet takes what a feedback message says of one packet, in the order of
// their numbers.
func (e *Estimator) Packet(p Packet) {
	if e.any && int16(p.Number-e.highest) <= 0 {
		return // reported before
	}
	e.any, e.highest = true, p.Number
	p.Sent, p.Arrived = max(0, p.Sent), p.Arrived&clock // the client's clock can be anything
	probe := e.prober.has(p.Number)
	e.leaving.add(p.Sent, p.Size)
	if !probe {
		e.loss.packet(!p.Came)
	}
	if !p.Came {
		return
	}
	e.arriving.add(p.Arrived, p.Size)
	if probe {
		// A burst makes a queue of its own; its first packet does not.
		if e.prober.came == 0 {
			e.delay.look(p.Sent, p.Arrived)
		}
		e.prober.packet(p.Size, p.Arrived)
		return
	}
	e.delay.packet(p.Sent, p.Arrived)
}

// Update draws the conclusions after a feedback message. rtt is 0 while it is
// unknown.
func (e *Estimator) Update(now int64, rtt time.Duration) {
	if e.started == 0 {
		e.started, e.grown = now, now
	}
	if rtt <= 0 {
		rtt = unknown
	}
	turn := int64(min(rtt, trips) + response)
	if p := &e.prober; p.out && e.any && int16(e.highest-p.last) >= 0 {
		e.probed(now)
	}
	lossy := e.loss.update(now)
	queue := e.delay.queue()
	over := (e.delay.over && queue > standing || queue > swamped) && !e.delay.draining() && now >= e.quiet
	collapsed := over && queue > swamped && e.arriving.rate(short) < collapse*e.estimate
	switch {
	case over || lossy && e.loss.excess() > lossHigh:
		if now-e.decreased >= turn || collapsed {
			e.decrease(over, now)
		}
	case e.delay.over || queue > standing || e.loss.excess() > lossLow:
		e.grown = now // hold
	default:
		e.grow(turn, now)
	}
	if !e.known && (!e.prober.starting || now-e.started > firstFor) {
		e.known = true
	}
}

func (e *Estimator) decrease(over bool, now int64) {
	came, sent := e.arriving.rate(short), e.leaving.rate(short)
	if came == 0 {
		came = e.arriving.rate(long)
	}
	if came == 0 && sent == 0 {
		return
	}
	to := backoff * came
	if !over {
		to = min(e.estimate, unused*sent) * (1 - e.loss.share/2)
	} else {
		e.full, e.filled = came, now
	}
	// What is not used can be given up at the first sign; what is used only
	// if that lasts.
	if e.estimate > unused*sent && now-e.trimmed > int64(2*time.Second) {
		to = max(to, spare*sent)
		e.trimmed = now
	}
	e.decreased, e.grown = now, now
	e.overuses++
	if to < e.estimate {
		e.estimate = max(Least, to)
	}
	p := &e.prober
	if p.raised != 0 && now-p.raised < failedFor {
		p.retry = min(retryMax, 2*p.retry)
		p.raised = 0
	}
	p.chain = false
	if over {
		p.starting = false
	}
	p.next = max(p.next, now+p.retry)
}

func (e *Estimator) grow(turn, now int64) {
	since := float64(min(now-e.grown, int64(time.Second))) / float64(time.Second)
	e.grown = now
	came := e.arriving.rate(long)
	top := ahead*came + aheadLeft
	// Where the line was full lately, only use or a probe shows that it is
	// wider now.
	if now-e.filled < fullFor && e.full > 0 && came < inUse*e.estimate {
		top = min(top, nearTop*e.full)
	}
	if e.estimate >= top {
		return
	}
	next := e.estimate
	if e.full > 0 && e.estimate > nearLow*e.full && e.estimate < nearHigh*e.full {
		next += nearPacket * since * float64(time.Second) / float64(turn)
	} else {
		next += (growth - 1) * next * since
	}
	e.estimate = min(next, top, Most)
}

// probed reads the outcome of a probe.
func (e *Estimator) probed(now int64) {
	p := &e.prober
	bytes := p.got
	rate, ok := p.result(e.loss.inherent, now)
	if !ok {
		return
	}
	// Jitter can push a burst together. Where the line was full lately, two
	// have to agree.
	if p.chain && e.full > 0 && now-e.filled < fullFor && rate > e.full*nearHigh {
		if p.confirm == 0 {
			p.confirm = rate
			return
		}
		rate = min(rate, p.confirm)
	}
	p.confirm = 0
	// The burst's own queue drains at the line's rate.
	e.quiet = now + min(int64(float64(bytes*8)/rate*float64(time.Second)), int64(300*time.Millisecond))
	if e.delay.queue() > standing*2 {
		return // it measured what others left
	}
	switch {
	case !p.chain && rate > e.estimate:
		e.full, e.filled = rate/probeUsed, now
	case rate > e.full:
		e.full = 0
	}
	if rate > e.estimate {
		if !p.chain && rate > nearHigh*e.estimate { // not all, but something
			p.retry = retryMin
			p.next = min(p.next, now+retryMin)
		}
		e.estimate = min(rate, Most)
		p.raised = now
	}
	if now-e.decreased > 2*retryMax {
		p.retry = retryMin
	}
}

// Probe says whether a burst should be sent now. What is sent for it has to be
// told with [Estimator.Probing].
func (e *Estimator) Probe(now int64) (Probe, bool) {
	if e.started == 0 {
		return Probe{}, false // nothing would come back
	}
	rate := e.prober.want(e.estimate, 1.2*e.need, Enough, now)
	if rate == 0 || now-e.decreased < int64(response) {
		return Probe{}, false
	}
	last := probeFor
	if !e.prober.starting {
		last = probeLong
	}
	bytes := int(rate / 8 * last.Seconds())
	return Probe{Bytes: max(probeLeast, min(probeMost, bytes)), rate: rate}, true
}

// Probing tells the numbers of the first and the last packet of a probe, how
// many there were, and their bytes.
func (e *Estimator) Probing(p Probe, first, last uint16, packets, bytes int, now int64) {
	e.prober.begin(p.rate, first, last, packets, bytes, now)
}
