package colibri

import (
	"math"
	"testing"
	"time"

	"meetbox.local/bridge/internal/conference"
	"meetbox.local/bridge/internal/transport"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	at := time.Unix(1, 0)
	l := load{cores: 2}
	l.add(sample{at: at})
	if l.stress != 0 || l.participant != defaultParticipantStress {
		t.Errorf("after one sample: stress %v, participant %v", l.stress, l.participant)
	}
	next := sample{at.Add(5 * time.Second), 9 * time.Second, conference.Stats{Conferences: 2, Endpoints: 10, PacketsSent: 500, BytesSent: 5000}, transport.Totals{Sent: 500}}
	l.add(next)
	// 9 s of 10 s that two cores have in 5 s.
	if math.Abs(l.stress-1) > 1e-9 || l.packetsOut != 100 || l.bitsOut != 8000 || l.conferenceSeconds != 10 {
		t.Errorf("after %+v: %+v", next, l)
	}
	if l.participant <= defaultParticipantStress || l.participant > 0.1 {
		t.Errorf("stress of a participant is %v, want between the default and the measured 0.1", l.participant)
	}
	if w := l.worst(); w.reason != "cpu" {
		t.Errorf("shortest is %+v", w)
	}
	full := next
	full.at, full.port = next.at.Add(5*time.Second), transport.Totals{Sent: 500 + 2*5*fullPackets}
	more := l
	if more.add(full); more.worst() != (pressure{"packet rate", 1}) {
		t.Errorf("too many packets: %+v", more.worst())
	}
	full.port = transport.Totals{Sent: 500 + 9980, Unsent: 20}
	more = l
	if more.add(full); more.worst() != (pressure{"send queues", 1}) {
		t.Errorf("full queues: %+v", more.worst())
	}
	l.add(sample{at: next.at, cpu: next.cpu, stats: next.stats}) // a clock that stands still
	if math.IsNaN(l.stress) || math.IsInf(l.stress, 0) {
		t.Errorf("stress is %v", l.stress)
	}
}

func TestCPUUsed(t *testing.T) {
	t.Parallel()
	if d, err := cpuUsed(); err != nil || d <= 0 {
		t.Errorf("cpuUsed() = %v, %v", d, err)
	}
}

// Video is thinned step by step while there is too much to do, and comes back
// only when the next step has room.
func TestRelief(t *testing.T) {
	t.Parallel()
	var r relief
	for i, s := range []struct {
		stress float64
		want   int
	}{
		{0.5, 0}, {0.94, 0}, {1, 1}, {1.2, 2}, {0.9, 2}, {0.96, 3}, {2, 3}, // 3 is the most
		{0.5, 3}, {0.5, 3}, {0.7, 3}, {0.5, 3}, {0.5, 3}, {0.5, 2},
		{0.1, 2}, {0.1, 2}, {0.1, 1}, {0.1, 1}, {0.1, 1}, {0.1, 0}, {0.1, 0},
	} {
		if got := r.next(s.stress, 3); got != s.want {
			t.Errorf("measurement %d, stress %v: step %d, want %d", i, s.stress, got, s.want)
		}
	}
}
