package bwe

import (
	"math"
	"time"
)

const (
	// A share of lost packets is taken over so long and so many.
	lossFor     = int64(250 * time.Millisecond)
	lossPackets = 40
	lossLongest = int64(time.Second)

	lossLow  = 0.02 // below, the estimate may grow
	lossHigh = 0.10 // above, it falls

	// What the line always loses is learned in some seconds, at the start in
	// one.
	learnFor   = 8 * float64(time.Second)
	learnFirst = float64(time.Second)
	lossKnown  = int64(3 * time.Second)
)

// loss follows the share of packets that are lost.
type loss struct {
	came, lost int
	since      int64
	started    int64
	share      float64 // smoothed
	inherent   float64
	noise      float64 // a share that chance alone makes, of so few packets
}

// packet counts one.
func (l *loss) packet(lost bool) {
	if lost {
		l.lost++
	} else {
		l.came++
	}
}

// update says whether a new share is there.
func (l *loss) update(now int64) bool {
	if l.started == 0 {
		l.started, l.since = now, now
	}
	n, since := l.came+l.lost, now-l.since
	if n == 0 || since < lossFor || n < lossPackets && since < lossLongest {
		return false
	}
	share := float64(l.lost) / float64(n)
	l.share = (l.share + share) / 2
	learn := learnFor
	if now-l.started < lossKnown {
		learn = learnFirst
	}
	l.inherent += (share - l.inherent) * min(1, float64(since)/learn)
	l.noise = math.Sqrt(l.inherent * (1 - l.inherent) / float64(n))
	l.came, l.lost, l.since = 0, 0, now
	return true
}

// excess is what is lost beyond what the line always loses.
func (l *loss) excess() float64 { return max(0, l.share-l.inherent-l.noise) }
