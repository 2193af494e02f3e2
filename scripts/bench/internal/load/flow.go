// Package load runs the participants and accounts for what they receive.
package load

import (
	"math/bits"
	"sort"
	"sync"

	"meetbox.local/scripts/bench/internal/media"
)

// Hist is a histogram of nanoseconds with about 3 % resolution.
type Hist struct{ n [64 * 32]uint32 }

func bucket(v int64) int {
	if v < 32 {
		return int(max(v, 0))
	}
	e := bits.Len64(uint64(v)) - 6
	return (e+1)*32 + int(v>>e) - 32
}

func value(b int) int64 {
	if b < 32 {
		return int64(b)
	}
	e := b/32 - 1
	return (int64(b%32) + 32) << e
}

// Add counts one value.
func (h *Hist) Add(v int64) { h.n[bucket(v)]++ }

// Merge adds o to h.
func (h *Hist) Merge(o *Hist) {
	for i := range h.n {
		h.n[i] += o.n[i]
	}
}

// Quantile returns the q-quantile in nanoseconds.
func (h *Hist) Quantile(q float64) int64 {
	var total, acc uint64
	for _, c := range h.n {
		total += uint64(c)
	}
	if total == 0 {
		return 0
	}
	for i, c := range h.n {
		acc += uint64(c)
		if acc > uint64(q*float64(total)) {
			return value(i)
		}
	}
	return value(len(h.n) - 1)
}

// Flow is what one subscriber received of one source's stream.
type Flow struct {
	First    int64 // arrival of the first packet, stamp clock
	Arrivals uint64
	Bytes    uint64
	InWindow uint64 // unique packets sent within the window
	Dups     uint64
	seen     []uint64
}

// Receiver accounts for one subscriber.
type Receiver struct {
	ID     int
	window *media.Window

	mu       sync.Mutex
	flows    map[[3]int]*Flow // source, kind, layer
	hist     [2]Hist          // audio, video
	arrivals uint64
	bytes    uint64
	other    uint64 // packets without a stamp: padding, probes
	tracks   int
	firstAny [2]int64
}

// NewReceiver makes a Receiver.
func NewReceiver(id int, w *media.Window) *Receiver {
	return &Receiver{ID: id, window: w, flows: map[[3]int]*Flow{}}
}

// Packet accounts for one RTP packet.
func (r *Receiver) Packet(pkt []byte) {
	now := media.Now()
	s, ok := media.ParseStamp(pkt)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !ok {
		r.other++
		return
	}
	r.arrivals++
	r.bytes += uint64(len(pkt))
	k := [3]int{int(s.Source), int(s.Kind), int(s.Layer)}
	f := r.flows[k]
	if f == nil {
		f = &Flow{First: now}
		r.flows[k] = f
		if r.firstAny[s.Kind&1] == 0 {
			r.firstAny[s.Kind&1] = now
		}
	}
	f.Arrivals++
	if !r.window.Has(s.Sent) {
		return
	}
	w, b := int(s.Seq/64), uint64(1)<<(s.Seq%64)
	for len(f.seen) <= w {
		f.seen = append(f.seen, make([]uint64, 64)...)
	}
	if f.seen[w]&b != 0 {
		f.Dups++
		return
	}
	f.seen[w] |= b
	f.InWindow++
	r.hist[s.Kind&1].Add(now - s.Sent)
}

func (r *Receiver) counts() (arrivals, bytes, other uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.arrivals, r.bytes, r.other
}

// has reports how many (source, kind) pairs have delivered something.
func (r *Receiver) has() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := map[[2]int]bool{}
	for k := range r.flows {
		m[[2]int{k[0], k[1]}] = true
	}
	return len(m)
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := append([]float64(nil), v...)
	sort.Float64s(s)
	if len(s)%2 == 1 {
		return s[len(s)/2]
	}
	return (s[len(s)/2-1] + s[len(s)/2]) / 2
}
