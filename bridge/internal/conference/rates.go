package conference

import "time"

const (
	// rateWindow is how many ticks the bit rates of layers are measured over:
	// a second.
	rateWindow = 10
	// What has been sent for less is not measured yet.
	rateLeast = int64(300 * time.Millisecond)
)

// rates measures the bit rates of an encoding's temporal layers.
type rates struct {
	marks   [rateWindow]mark // a ring
	next, n int
	bitrate [maxTIDs]int64 // bit/s of each layer, without those below; 0 is unknown
}

// mark is how much had come at a time.
type mark struct {
	at     int64
	volume [maxTIDs]uint64
}

// start begins anew.
func (r *rates) start(volume [maxTIDs]uint64, now int64) {
	*r = rates{}
	r.marks[0], r.next, r.n = mark{now, volume}, 1, 1
}

// tick measures.
func (r *rates) tick(volume [maxTIDs]uint64, now int64) {
	if r.n == 0 {
		r.start(volume, now)
		return
	}
	oldest := &r.marks[(r.next+rateWindow-r.n)%rateWindow]
	if since := now - oldest.at; since >= rateLeast {
		for i, v := range volume {
			r.bitrate[i] = int64(float64(v-oldest.volume[i]) * 8 * float64(time.Second) / float64(since))
		}
	}
	r.marks[r.next] = mark{now, volume}
	r.next, r.n = (r.next+1)%rateWindow, min(r.n+1, rateWindow)
}

// guess is the bit rate of an encoding that was not measured yet: what
// browsers use for so many lines.
func guess(height int) int64 {
	switch {
	case height <= 180:
		return 200_000
	case height <= 360:
		return 500_000
	case height <= 720:
		return 1_500_000
	}
	return 4_000_000
}
