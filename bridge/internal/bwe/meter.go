package bwe

import "time"

const (
	bucket  = int64(20 * time.Millisecond)
	buckets = 32
	// long and short are the windows in which rates are measured, in buckets:
	// the short one, for reacting, spans at least five frames.
	long  = 25
	short = 10
)

// meter measures a rate by the times of its packets.
type meter struct {
	bytes   [buckets]int64
	head    int64 // number of the newest bucket
	first   int64 // … of the very first
	started bool
}

func (m *meter) add(at int64, size int) {
	b := at / bucket
	switch {
	case !m.started || b-m.head > buckets || m.head-b > 10*buckets:
		// After so long a pause, or when the clock was set, it starts anew.
		*m = meter{head: b, first: b, started: true}
	case b <= m.head-buckets:
		return
	}
	for m.head < b {
		m.head++
		m.bytes[m.head%buckets] = 0
	}
	m.bytes[b%buckets] += int64(size)
}

// rate is in bit/s, over the last so many buckets; 0 is unknown.
func (m *meter) rate(over int64) float64 {
	// The newest is not complete.
	have := min(over, m.head-m.first)
	if !m.started || have < short/2 {
		return 0
	}
	var sum int64
	for i := range have {
		sum += m.bytes[(m.head-1-i)%buckets]
	}
	return float64(sum*8) * float64(time.Second) / float64(have*bucket)
}
