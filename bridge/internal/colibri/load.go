package colibri

import (
	"cmp"
	"fmt"
	"slices"
	"syscall"
	"time"

	"meetbox.local/bridge/internal/conference"
	"meetbox.local/bridge/internal/transport"
)

const (
	// fullLoad is the share of all cores at which a bridge has nothing left
	// to give: scheduling delay shows in the media before the last tenth is
	// used. JVB divides by the same.
	fullLoad = 0.9

	// defaultParticipantStress is what Jicofo assumes too: 80 people fill a
	// bridge to its threshold of 0.8.
	defaultParticipantStress = 0.01

	// minMeasured is how many endpoints it takes until the measured cost of
	// one means more than the process's own idling.
	minMeasured = 5
)

const (
	// tooMuch is the stress at which video is thinned, by a step each sample.
	tooMuch = 0.95
	// easy is the stress at which a step is taken back after so many samples:
	// low enough that the step does not bring tooMuch again.
	easy      = 0.6
	easyCount = 3
)

const (
	// fullPackets is how many packets a second a core forwards at most: in a
	// meeting in which everybody sees everybody they take some 3 µs each, of
	// which the kernel has four fifths. More is trouble even if the processor
	// seems to be idle.
	fullPackets = 300_000
	// fullQueue is the share of packets that found a socket's buffer full at
	// which the network card is taken for full.
	fullQueue = 0.002
)

// pressure is what is short, and how much: 1 is all that there is.
type pressure struct {
	reason string
	level  float64
}

// worst is what is shortest.
func (l *load) worst() pressure {
	return slices.MaxFunc(l.pressures(), func(a, b pressure) int { return cmp.Compare(a.level, b.level) })
}

// pressures are all that are watched.
func (l *load) pressures() []pressure {
	return []pressure{{"cpu", l.stress}, {"packet rate", l.packets}, {"send queues", l.queue}}
}

// relief decides on thinning.
type relief struct{ step, calm int }

// next takes a measurement and returns the step.
func (r *relief) next(stress float64, most int) int {
	r.calm++
	switch {
	case stress >= tooMuch:
		r.step, r.calm = min(r.step+1, most), 0
	case stress > easy:
		r.calm = 0
	case r.step > 0 && r.calm >= easyCount:
		r.step, r.calm = r.step-1, 0
	}
	return r.step
}

// sample is what the load is computed from.
type sample struct {
	at    time.Time
	cpu   time.Duration // used by the process so far
	stats conference.Stats
	port  transport.Totals
}

// load is how hard the bridge worked between two samples.
type load struct {
	cores int
	last  sample

	stress            float64 // of the processor; 1 is full
	packets, queue    float64 // likewise, of packets and of send queues
	participant       float64 // stress of one more participant
	packetsIn         float64 // per second
	packetsOut        float64
	bitsIn, bitsOut   float64 // per second
	conferenceSeconds float64 // sum over conferences of their age so far
}

func (l *load) add(s sample) {
	defer func() { l.last = s }()
	if l.participant == 0 {
		l.participant = defaultParticipantStress
	}
	d := s.at.Sub(l.last.at).Seconds()
	if l.last.at.IsZero() || d <= 0 {
		return
	}
	l.stress = (s.cpu - l.last.cpu).Seconds() / d / float64(l.cores) / fullLoad
	sent, unsent := s.port.Sent-l.last.port.Sent, s.port.Unsent-l.last.port.Unsent
	l.packets = float64(sent) / d / float64(l.cores) / fullPackets
	l.queue = float64(unsent) / float64(max(1, sent+unsent)) / fullQueue
	if n := s.stats.Endpoints; n >= minMeasured {
		// A slow mean: what one costs changes with the layout, not with
		// every sample. The floor keeps a bridge of idlers from claiming
		// room for thousands.
		l.participant += (max(l.stress/float64(n), defaultParticipantStress/10) - l.participant) / 8
	}
	p, q := l.last.stats, s.stats
	l.packetsIn = float64(q.PacketsReceived-p.PacketsReceived) / d
	l.packetsOut = float64(q.PacketsSent-p.PacketsSent) / d
	l.bitsIn = float64(q.BytesReceived-p.BytesReceived) * 8 / d
	l.bitsOut = float64(q.BytesSent-p.BytesSent) * 8 / d
	l.conferenceSeconds += float64(q.Conferences) * d
}

// cpuUsed is the processor time of this process so far.
func cpuUsed() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("processor time: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
