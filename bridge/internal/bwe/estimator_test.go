package bwe_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"meetbox.local/bridge/internal/bwe"
)

// story is what happened in a simulation, for failures.
func (s *sim) story() string {
	var b strings.Builder
	at := func(t int64) float64 { return float64(t-1000*second) / 1e9 }
	for i, x := range s.estimates {
		if i%5 == 0 {
			fmt.Fprintf(&b, "%.1f:%d ", at(x.at), x.target/1000)
		}
	}
	b.WriteString("\nswitches: ")
	for _, x := range s.switches {
		fmt.Fprintf(&b, "%.1f:%d ", at(x.at), x.to/1000)
	}
	fmt.Fprintf(&b, "\naudio: %d of %d lost, at most %d ms late\n", s.audioLost, s.audioSent, s.audioLateness/1e6)
	return b.String()
}

// switched is how often what is sent changed since a time.
func (s *sim) switched(since int64) int {
	n := 0
	for _, x := range s.switches {
		if x.at >= since {
			n++
		}
	}
	return n
}

// most is the highest rate that was sent since a time.
func (s *sim) most(since int64) int64 {
	var most int64
	for _, x := range s.switches {
		if x.at >= since {
			most = max(most, x.to)
		}
	}
	return max(most, s.target())
}

func (s *sim) target() int64 { t, _ := s.wanted(); return t }

func TestFastStart(t *testing.T) {
	t.Parallel()
	for _, delay := range []int{1, 5, 20} {
		s := newSim(1, 1_000_000_000, delay, camera("a", 3), camera("b", 3))
		s.run(time.Second)
		if got := s.est.Target(); got < 10_000_000 {
			t.Errorf("%d ms: %d bit/s after a second\n%s", delay, got, s.story())
		}
		s.run(30 * time.Second)
		if s.est.Limited() || s.switched(1000*second+1) != 0 {
			t.Errorf("%d ms: limited\n%s", delay, s.story())
		}
	}
}

// A busy receiver handles packets late, all at once; nothing is wrong with the
// line.
func TestBusyReceiver(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		s := newSim(seed, 100_000_000, 2, camera("a", 3), camera("b", 3))
		s.stalls = 120
		s.jitter = msec(15)
		s.run(60 * time.Second)
		if s.switched(1000*second+1) != 0 {
			t.Errorf("seed %d: drops layers\n%s", seed, s.story())
		}
	}
}

// TestStep is the whole table of lines whose rate falls to a tenth and rises
// again: what is sent follows down within a second and up within ten, does not
// swing meanwhile, and once it has followed, video leaves audio its room.
func TestStep(t *testing.T) {
	t.Parallel()
	for _, delay := range []int{10, 20, 50, 100, 200} {
		for _, loss := range []float64{0, 0.01, 0.02, 0.05, 0.10} {
			for _, jitter := range []int{0, 20} {
				for seed := range uint64(3) {
					s := newSim(seed, 3_000_000, delay, camera("a", 3), camera("b", 3))
					s.loss, s.jitter = loss, msec(jitter)
					step(t, s, fmt.Sprintf("%d ms, jitter %d ms, loss %v, seed %d", delay, jitter, loss, seed))
				}
			}
		}
	}
}

func step(t *testing.T, s *sim, what string) {
	t.Helper()
	s.run(15 * time.Second)
	if got := s.target(); got < 1_500_000 {
		t.Errorf("%s: %d bit/s of 3 Mbit/s\n%s", what, got, s.story())
	}
	s.rate = 300_000
	s.run(time.Second)
	if got := s.target(); got > 300_000 {
		t.Errorf("%s: %d bit/s a second after the fall\n%s", what, got, s.story())
	}
	since := s.now
	s.crowded = 0
	over := 0
	for range 150 {
		s.run(100 * time.Millisecond)
		if over++; s.target() <= 300_000 {
			over = 0
		}
		if over > 1 { // a probe that jitter falsified is taken back at once
			t.Errorf("%s: %d bit/s on 300 kbit/s\n%s", what, s.target(), s.story())
			break
		}
	}
	s.rate = 3_000_000
	risen := s.now
	s.run(10 * time.Second)
	if got := s.most(risen); got < 1_500_000 {
		t.Errorf("%s: %d bit/s in ten seconds after the rise\n%s", what, got, s.story())
	}
	if got := s.target(); got < 1_000_000 {
		t.Errorf("%s: %d bit/s ten seconds after the rise\n%s", what, got, s.story())
	}
	if n := s.switched(since); n > 14 {
		t.Errorf("%s: %d switches in 25 s\n%s", what, n, s.story())
	}
	if s.crowded > 0 {
		t.Errorf("%s: %d audio packets lost for video\n%s", what, s.crowded, s.story())
	}
}

func TestSteady(t *testing.T) {
	t.Parallel()
	for _, rate := range []int64{300_000, 700_000, 1_000_000, 2_000_000, 5_000_000} {
		for _, delay := range []int{10, 20, 50, 100, 200} {
			for _, loss := range []float64{0, 0.01, 0.02, 0.05, 0.10} {
				for _, jitter := range []int{0, 20} {
					s := newSim(7, rate, delay, camera("a", 3), camera("b", 3))
					s.loss, s.jitter = loss, msec(jitter)
					what := fmt.Sprintf("%d bit/s, %d ms, jitter %d ms, loss %v", rate, delay, jitter, loss)
					s.run(10 * time.Second)
					s.audioSent, s.audioLost, s.audioLateness, s.came = 0, 0, 0, 0
					since := s.now
					s.run(60 * time.Second)
					most := 8
					if rate == 300_000 {
						most = 12 // between frame rates of the lowest encoding
					}
					if n := s.switched(since); n > most {
						t.Errorf("%s: %d switches in a minute\n%s", what, n, s.story())
					}
					if got := float64(s.audioLost) / float64(s.audioSent); got > loss+0.02 || loss == 0 && got > 0 {
						t.Errorf("%s: %v of audio lost\n%s", what, got, s.story())
					}
					if got := float64(s.came*8) / 60; got < 0.4*float64(min(rate, 3_000_000)) {
						t.Errorf("%s: only %.0f bit/s used\n%s", what, got, s.story())
					}
				}
			}
		}
	}
}

func TestBlackout(t *testing.T) {
	t.Parallel()
	for _, lost := range []bool{false, true} {
		for _, delay := range []int{10, 20, 50, 100, 200} {
			for seed := range uint64(5) {
				s := newSim(seed, 3_000_000, delay, camera("a", 3), camera("b", 3))
				s.run(15 * time.Second)
				before := s.target()
				loss := s.loss
				if lost {
					s.loss = 1
				}
				s.dark = !lost
				s.run(200 * time.Millisecond)
				s.dark, s.loss = false, loss
				since := s.now
				s.run(10 * time.Second)
				if got, n := s.target(), s.switched(since); got < before || n > 5 {
					t.Errorf("%d ms, lost %v, seed %d: %d after %d bit/s, %d switches\n%s", delay, lost, seed, got, before, n, s.story())
				}
			}
		}
	}
}

// TestBlackoutOnBadLine is the same on lines that lose packets all the time, and
// jitter: neither lets the estimate mistake the moment for less room, or video
// take that of audio.
func TestBlackoutOnBadLine(t *testing.T) {
	t.Parallel()
	for _, delay := range []int{20, 100, 200} {
		for _, loss := range []float64{0.01, 0.05, 0.10} {
			for _, jitter := range []int{0, 20} {
				for seed := range uint64(3) {
					s := newSim(seed, 3_000_000, delay, camera("a", 3), camera("b", 3))
					s.loss, s.jitter = loss, msec(jitter)
					s.run(15 * time.Second)
					before := s.target()
					s.dark, s.crowded = true, 0
					since := s.now
					s.run(200 * time.Millisecond)
					s.dark = false
					s.run(10 * time.Second)
					what := fmt.Sprintf("%d ms, jitter %d ms, loss %v, seed %d", delay, jitter, loss, seed)
					least := before * 3 / 4
					if loss == 0.10 && jitter > 0 {
						least = before / 2 // a probe seldom comes through whole
					}
					if got := s.most(s.now - 2*second); got < least {
						t.Errorf("%s: %d after %d bit/s\n%s", what, got, before, s.story())
					}
					if n := s.switched(since); n > 7 {
						t.Errorf("%s: %d switches\n%s", what, n, s.story())
					}
					if s.crowded > 0 {
						t.Errorf("%s: %d audio packets lost for video\n%s", what, s.crowded, s.story())
					}
				}
			}
		}
	}
}

func TestNoAllocation(t *testing.T) {
	e := bwe.New()
	var n uint16
	var now int64
	step := func() {
		for range 50 {
			n++
			now += msec(2)
			e.Packet(bwe.Packet{Number: n, Size: 1200, Sent: now, Came: n%20 != 0, Arrived: now + msec(20)})
		}
		e.Need(5_000_000)
		e.Update(now, time.Duration(msec(40)))
		if p, ok := e.Probe(now); ok {
			e.Probing(p, n+1, n+10, 10, p.Bytes, now)
		}
	}
	if got := testing.AllocsPerRun(1000, step); got != 0 {
		t.Errorf("%v allocations per feedback", got)
	}
}
