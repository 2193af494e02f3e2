package bwe

import "time"

const (
	// A share of lost packets is taken over so long and so many.
	lossFor     = int64(250 * time.Millisecond)
	lossPackets = 20
	lossLongest = int64(time.Second)

	lossLow  = 0.02 // below, the estimate may grow
	lossHigh = 0.10 // above, it falls

	// What the line always loses is not known before.
	lossKnown   = int64(3 * time.Second)
	inherentFor = int64(8 * time.Second)
)

// loss follows the share of packets that are lost.
type loss struct {
	came, lost int
	since      int64
	started    int64
	share      float64 // smoothed
	inherent   least   // in millionths
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
		l.inherent.span = inherentFor
	}
	n, since := l.came+l.lost, now-l.since
	if n == 0 || since < lossFor || n < lossPackets && since < lossLongest {
		return false
	}
	share := float64(l.lost) / float64(n)
	l.inherent.add(int64(share*1e6), now)
	l.share = (l.share + share) / 2
	l.came, l.lost, l.since = 0, 0, now
	return true
}

// excess is what is lost beyond what the line always loses.
func (l *loss) excess(now int64) float64 {
	if now-l.started < lossKnown {
		return l.share
	}
	return max(0, l.share-float64(l.inherent.value())/1e6)
}
