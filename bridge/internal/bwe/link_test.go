package bwe_test

import (
	"math/rand/v2"
	"slices"
	"time"

	"meetbox.local/bridge/internal/allocation"
	"meetbox.local/bridge/internal/bwe"
)

const second = int64(time.Second)

func msec(n int) int64 { return int64(n) * int64(time.Millisecond) }

// sim is a bridge that sends sources' videos and one voice over a simulated
// line: a queue with a rate, a delay, jitter and loss. Feedback comes back
// each 100 ms after the line's delay.
type sim struct {
	r   *rand.Rand
	now int64

	// The line.
	rate      int64 // bit/s
	queue     int64 // bytes that fit into it
	oneWay    int64
	jitter    int64 // most
	loss      float64
	dark      bool // nothing gets through, the queue waits
	free      int64
	lastCame  int64
	stalls    int // ms for which the receiver sometimes sees nothing
	stalled   int64
	skew      float64 // of the receiver's clock
	feedbacks []pending

	// The bridge.
	est      *bwe.Estimator
	budget   allocation.Budget
	settings allocation.Settings
	sources  []allocation.Source
	chosen   []allocation.Choice
	number   uint16
	log      []sent

	// What is looked at.
	audioSent, audioLost int
	crowded              int   // audio for which video left no room in the queue
	audioLateness        int64 // most
	switches             []change
	estimates            []sample
	came                 int64 // bytes of video that arrived
}

type pending struct {
	at   int64
	list []bwe.Packet
}

type sent struct {
	bwe.Packet
}

type change struct {
	at int64
	to int64 // bit/s wanted
}

type sample struct{ at, target int64 }

func camera(name string, top int) allocation.Source {
	s := allocation.Source{Name: name, Enabled: true}
	for e, h := range []int{180, 360, 720}[:top] {
		for tid, share := range []int64{50, 70, 100} {
			s.Layers = append(s.Layers, allocation.Layer{
				Encoding: e, TID: tid, Height: h, FrameRate: []float64{7.5, 15, 30}[tid],
				Bitrate: []int64{200_000, 500_000, 1_500_000}[e] * share / 100,
			})
		}
	}
	return s
}

func newSim(seed uint64, rate int64, oneWay int, sources ...allocation.Source) *sim {
	s := &sim{
		r: rand.New(rand.NewPCG(seed, 1)), now: 1000 * second, rate: rate, queue: max(60_000, rate/8*3/10), oneWay: msec(oneWay),
		est: bwe.New(), sources: sources, skew: 1.00003,
		settings: allocation.Settings{LastN: -1, Default: allocation.Constraint{MaxHeight: 720, MaxFrameRate: -1}},
	}
	s.allocate(allocation.Unlimited)
	return s
}

func (s *sim) wanted() (target, ideal int64) {
	for _, c := range s.chosen {
		if c.Target != nil {
			target += c.Target.Bitrate
		}
		if c.Ideal != nil {
			ideal += c.Ideal.Bitrate
		}
	}
	return
}

func (s *sim) allocate(bandwidth int64) {
	was, _ := s.wanted()
	s.chosen = allocation.Allocate(s.sources, s.settings, bandwidth)
	if is, _ := s.wanted(); is != was {
		s.switches = append(s.switches, change{s.now, is})
	}
}

// full is whether the queue has no room for a packet.
func (s *sim) full(size int) bool {
	backlog := max(0, s.free-s.now)
	return backlog*s.rate/second/8+int64(size) > s.queue
}

// carry puts a packet on the line; 0 when it is lost.
func (s *sim) carry(size int) (arrived int64) {
	if s.full(size) {
		return 0
	}
	s.free = max(s.free, s.now) + int64(size)*8*second/s.rate
	if s.r.Float64() < s.loss {
		return 0
	}
	at := s.free + s.oneWay
	if s.jitter > 0 {
		at += s.r.Int64N(s.jitter)
	}
	if s.stalls > 0 {
		if at > s.stalled+msec(s.stalls)*3 && s.r.IntN(20) == 0 {
			s.stalled = at + s.r.Int64N(msec(s.stalls))
		}
		if at < s.stalled {
			at = s.stalled
		}
	}
	s.lastCame = max(s.lastCame, at) // in order
	return s.lastCame
}

func (s *sim) video(size int) uint16 {
	s.number++
	arrived := s.carry(size + 40)
	p := bwe.Packet{Number: s.number, Size: size, Sent: s.now, Came: arrived != 0, Arrived: arrived}
	s.log = append(s.log, sent{Packet: p})
	return s.number
}

// run lets time pass in steps of a millisecond.
func (s *sim) run(d time.Duration) {
	for end := s.now + int64(d); s.now < end; s.now += msec(1) {
		s.step()
	}
}

func (s *sim) step() {
	t := s.now / msec(1)
	if s.dark {
		s.free = max(s.free, s.now) + msec(1)
	}
	if t%20 == 0 {
		s.audioSent++
		full := s.full(120)
		if at := s.carry(120); at == 0 {
			s.audioLost++
			if full {
				s.crowded++
			}
		} else {
			s.audioLateness = max(s.audioLateness, at-s.now-s.oneWay)
		}
	}
	for i, c := range s.chosen {
		if c.Target == nil || (t+int64(i)*7)%33 != 0 {
			continue
		}
		// A frame; sizes vary.
		size := float64(c.Target.Bitrate) / 8 * 0.033 * (0.6 + 0.8*s.r.Float64())
		for left := int(size); left > 0; left -= 1150 {
			s.video(min(left, 1150) + 20)
		}
	}
	if t%100 == 0 {
		s.report()
	}
	for len(s.feedbacks) > 0 && s.feedbacks[0].at <= s.now {
		for _, p := range s.feedbacks[0].list {
			s.est.Packet(p)
		}
		s.feedbacks = s.feedbacks[1:]
		s.est.Update(s.now, time.Duration(2*s.oneWay))
	}
	if t%100 == 50 {
		s.tick()
	}
}

// tick is what the bridge does each 100 ms.
func (s *sim) tick() {
	bandwidth := int64(allocation.Unlimited)
	if s.est.Known() && s.est.Limited() {
		bandwidth = s.est.Target()
	}
	if use, changed := s.budget.Use(bandwidth, s.now); changed || s.now/msec(100)%50 == 0 {
		s.allocate(use)
	}
	_, ideal := s.wanted()
	s.est.Need(ideal)
	if p, ok := s.est.Probe(s.now); ok {
		first, bytes, n := s.number+1, 0, 0
		for size := max(270, min(1200, p.Bytes/8)); bytes < p.Bytes; n++ {
			s.video(size)
			bytes += size
		}
		s.est.Probing(p, first, s.number, n, bytes, s.now)
	}
	s.estimates = append(s.estimates, sample{s.now, s.est.Target()})
}

// report makes feedback of what has arrived.
func (s *sim) report() {
	last := -1
	for i, p := range s.log {
		if p.Came && p.Arrived <= s.now {
			last = i
		}
	}
	if last < 0 {
		return
	}
	f := pending{at: s.now + s.oneWay}
	for _, p := range s.log[:last+1] {
		if p.Came {
			s.came += int64(p.Size)
			p.Arrived = int64(float64(p.Arrived)*s.skew) + 77*second
			p.Arrived -= p.Arrived % int64(250*time.Microsecond)
		}
		f.list = append(f.list, p.Packet)
	}
	s.log = slices.Delete(s.log, 0, last+1)
	s.feedbacks = append(s.feedbacks, f)
}
