package bwe

import "time"

const (
	// The first probe is so many times what the estimate starts with, each
	// one after it twice as fast as what the one before has shown.
	probeFirst  = 3
	probeFactor = 2
	// probeFurther of the rate has to arrive for going on.
	probeFurther = 0.7
	// A probe has so many packets at least, and lasts so long at its rate:
	// what it costs a line that is too slow is a short queue.
	probePackets = 5
	probeFor     = 15 * time.Millisecond
	// … and longer once the line is known to be slow: so short a burst would
	// be lost in the jitter.
	probeLong  = 40 * time.Millisecond
	probeLeast = probePackets * 250
	// probeMost bounds a burst: what receivers' sockets take at once.
	probeMost = 40_000
	// What does not arrive in time does not count.
	probeWait = int64(600 * time.Millisecond)
	probeCame = 0.8
	probeLost = 0.5 // … whatever the line loses
	// A line is not used to the last bit.
	probeUsed = 0.95

	// While less may be sent than is wanted, the line is tried again so
	// often, less often the more often it fails.
	retryMin = int64(1500 * time.Millisecond)
	retryMax = int64(4 * time.Second)
	// One of the first probes may come at a moment when the receiver was busy:
	// so many have to fail, and there is so much time, before the estimate is
	// believed.
	firstTries = 3
	firstFor   = int64(3 * time.Second)
	// failedFor is how soon after a rise an overuse shows that the probe was
	// wrong.
	failedFor = int64(3 * time.Second)
)

// Probe is a burst of packets that the estimator wants to be sent at once.
type Probe struct {
	Bytes int
	rate  float64
}

// prober decides on probes and reads their outcome.
type prober struct {
	starting bool // the first probes are not over
	tries    int  // of them that failed
	next     int64
	retry    int64
	begun    bool // … and one of them succeeded
	chain    bool // the last one succeeded: go on at once
	raised   int64
	confirm  float64 // what the last probe has shown, if another has to agree

	// The probe on its way.
	out                   bool
	rate                  float64
	sent                  int64
	first, last           uint16
	packets, came         int
	bytes, got, gotFirst  int
	firstArrived, arrived int64
}

func newProber() prober { return prober{starting: true, retry: retryMin} }

// want is the rate of the next probe, or 0.
func (p *prober) want(estimate, need, enough float64, now int64) float64 {
	if p.out {
		if now-p.sent < probeWait {
			return 0
		}
		p.failed(now)
	}
	switch {
	case now < p.next, estimate >= enough:
		return 0
	case p.starting && !p.begun:
		return min(enough, probeFirst*estimate)
	case p.starting || p.chain || need > estimate:
		return min(enough, probeFactor*estimate)
	}
	return 0
}

func (p *prober) failed(now int64) {
	p.out, p.chain, p.confirm = false, false, 0
	if p.starting {
		if p.tries++; p.tries < firstTries {
			p.next = now
			return
		}
	}
	p.starting = false
	p.next = now + p.retry
	p.retry = min(retryMax, 2*p.retry)
}

// begin notes that a probe went out with these numbers.
func (p *prober) begin(rate float64, first, last uint16, packets, bytes int, now int64) {
	p.out, p.rate, p.sent = true, rate, now
	p.first, p.last, p.packets, p.bytes = first, last, packets, bytes
	p.came, p.got, p.gotFirst = 0, 0, 0
}

// has says whether a packet is of the probe.
func (p *prober) has(number uint16) bool { return p.out && number-p.first <= p.last-p.first }

func (p *prober) packet(size int, arrived int64) {
	if p.came == 0 {
		p.firstArrived, p.arrived, p.gotFirst = arrived, arrived, size
	}
	p.firstArrived, p.arrived = min(p.firstArrived, arrived), max(p.arrived, arrived)
	p.came++
	p.got += size
}

// result is what the probe has shown, once the feedback has passed it. A line
// that always loses a share of all packets may lose twice that of so few.
func (p *prober) result(inherent float64, now int64) (rate float64, ok bool) {
	if float64(p.came) < max(probeLost, probeCame-2*inherent)*float64(p.packets) || p.came < 2 {
		p.failed(now)
		return 0, false
	}
	rate = p.rate
	if took := p.arrived - p.firstArrived; took > 0 {
		rate = min(rate, float64((p.got-p.gotFirst)*8)*float64(time.Second)/float64(took))
	}
	if rate < probeFurther*p.rate {
		p.failed(now)
		return rate * probeUsed, true
	}
	p.out, p.chain, p.begun, p.next = false, true, true, now
	if rate < 0.9*p.rate {
		rate *= probeUsed
	}
	return rate, true
}
