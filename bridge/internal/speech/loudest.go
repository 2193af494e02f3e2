package speech

import (
	"sync"
	"time"
)

// keeps is how long a voice keeps its place among the loudest without a word.
const keeps = int64(150 * time.Millisecond)

// Loudest keeps the few loudest of many voices, so that a large meeting costs
// each receiver no more than a small one. A zero Loudest admits everyone. Its
// methods are safe for concurrent use.
type Loudest struct {
	most int

	mu     sync.Mutex
	places []place
}

// place is one of the loudest.
type place struct {
	voice  *Voice
	energy int
	at     int64
}

// NewLoudest admits so many at a time; 0 is everyone.
func NewLoudest(most int) Loudest { return Loudest{most: most, places: make([]place, 0, most)} }

// Admit says, after each [Voice.Level], whether the voice is among the
// loudest. The voice that holds the floor always is.
func (l *Loudest) Admit(v *Voice, floor bool, now int64) bool {
	if l.most == 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	weakest := -1
	for i := 0; i < len(l.places); {
		p := &l.places[i]
		if p.voice == v {
			p.energy, p.at = v.energy, now
			return true
		}
		if now-p.at > keeps {
			last := len(l.places) - 1
			l.places[i], l.places = l.places[last], l.places[:last]
			continue
		}
		if weakest < 0 || p.energy < l.places[weakest].energy {
			weakest = i
		}
		i++
	}
	switch {
	case len(l.places) < l.most:
		l.places = append(l.places, place{v, v.energy, now})
	case v.energy > l.places[weakest].energy:
		l.places[weakest] = place{v, v.energy, now}
	default:
		return floor
	}
	return true
}
