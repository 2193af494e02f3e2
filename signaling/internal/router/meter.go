package router

import (
	"fmt"

	"github.com/VictoriaMetrics/metrics"
	"meetbox.local/signaling/internal/wire"
)

// meter is what the control socket shows. Counters are safe for concurrent use.
type meter struct {
	set     *metrics.Set
	in      [wire.IQ + 1]*metrics.Counter
	out     *metrics.Counter
	resumed *metrics.Counter
	takenUp *metrics.Counter
}

func newMeter(set *metrics.Set) *meter {
	m := &meter{
		set:     set,
		out:     set.GetOrCreateCounter("signaling_stanzas_out_total"),
		resumed: set.GetOrCreateCounter("signaling_resumptions_total"),
		takenUp: set.GetOrCreateCounter("signaling_takeups_total"),
	}
	for k := wire.Message; k <= wire.IQ; k++ {
		m.in[k] = set.GetOrCreateCounter(fmt.Sprintf("signaling_stanzas_in_total{kind=%q}", k))
	}
	return m
}

// drop counts something refused or thrown away.
func (m *meter) drop(reason string) {
	m.set.GetOrCreateCounter(fmt.Sprintf("signaling_drops_total{reason=%q}", reason)).Inc()
}

// Drop counts something that a transport has refused.
func (r *Router) Drop(reason string) { r.meter.drop(reason) }

// gauges shows the router's size.
func (r *Router) gauges(set *metrics.Set) {
	gauge := func(name string, f func() int) {
		set.GetOrCreateGauge(name, func() float64 {
			r.mu.Lock()
			defer r.mu.Unlock()
			return float64(f())
		})
	}
	gauge("signaling_sessions", func() int { return len(r.sessions) })
	gauge("signaling_sessions_hibernating", func() (n int) {
		for _, s := range r.sessions {
			if s.link == nil {
				n++
			}
		}
		return n
	})
	gauge("signaling_rooms", func() int { return r.rooms.Rooms() })
	gauge("signaling_occupants", func() int { return r.rooms.Occupants() })
}
