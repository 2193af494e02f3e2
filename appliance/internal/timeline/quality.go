package timeline

import (
	"strconv"
	"time"

	"meetbox.local/appliance/api"
)

// report is what the bridge says of a meeting.
type report struct {
	Meeting string   `json:"meeting"`
	Members []member `json:"members"`
}

type member struct {
	Endpoint   string  `json:"endpoint"`
	Connected  bool    `json:"connected"`
	Path       string  `json:"path"`
	Channel    string  `json:"channel"`
	RTT        float64 `json:"rtt_ms"`
	BitsIn     int64   `json:"bitrate_received"`
	BitsOut    int64   `json:"bitrate_sent"`
	LossIn     float64 `json:"loss_received"` // since the beginning
	LossOut    float64 `json:"loss_sent"`
	PacketsIn  uint64  `json:"packets_received"`
	PacketsOut uint64  `json:"packets_sent"`
	Estimate   int64   `json:"estimate"`
	Limited    bool    `json:"limited"`
	Sends      []struct {
		Layers []struct {
			Height  int   `json:"height"`
			Bitrate int64 `json:"bitrate"`
		} `json:"layers"`
	} `json:"sends"`
}

// counted is what a loss over a while is made from.
type counted struct{ in, lostIn, out, lostOut float64 }

func (m member) counted() counted {
	c := counted{in: float64(m.PacketsIn), out: float64(m.PacketsOut)}
	if m.LossIn < 1 {
		c.lostIn = c.in * m.LossIn / (1 - m.LossIn)
	}
	c.lostOut = c.out * m.LossOut
	return c
}

// share is how much of what was on its way since then was lost.
func share(lost, other float64) float64 {
	if lost <= 0 || lost+other <= 0 {
		return 0
	}
	return min(1, lost/(lost+max(0, other)))
}

// When a line is called weak, and after how many looks.
const (
	weakLoss  = 0.05
	weakRTT   = 400 // ms
	weakLooks = 2
	goodLooks = 3
)

// look takes in what the bridge says of a meeting.
func (t *Timeline) look(rep report, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.records {
		if r.ID != rep.Meeting || !r.Ended.IsZero() {
			continue
		}
		for _, m := range rep.Members {
			if s := r.here(m.Endpoint); s != nil {
				t.changed = true
				r.measure(s, m, now)
			}
		}
	}
}

func (r *record) measure(s *seat, m member, now time.Time) {
	c, was := m.counted(), s.last
	s.last = c
	p := api.QualityPoint{
		At: now.UTC().Truncate(time.Second), RTT: m.RTT, Received: m.BitsIn, Sent: m.BitsOut,
		LossIn: share(c.lostIn-was.lostIn, c.in-was.in), LossOut: share(c.lostOut-was.lostOut, c.out-was.out-(c.lostOut-was.lostOut)),
	}
	s.Now = &api.SeatQuality{Line: p, Path: m.Path, Channel: m.Channel, Estimate: m.Estimate, Limited: m.Limited, Video: m.video()}
	s.keep(p)
	bad := p.LossIn > weakLoss || p.LossOut > weakLoss || p.RTT > weakRTT || !m.Connected && s.told
	switch {
	case bad:
		s.weak = max(s.weak, 0) + 1
	default:
		s.weak = min(s.weak, 0) - 1
	}
	l := api.MeetingLine{At: p.At, Endpoint: s.Endpoint, Name: s.Name}
	if !s.told && s.weak >= weakLooks {
		s.told, l.Event, l.Reason = true, "weak", why(p)
		r.line(l)
	}
	if s.told && -s.weak >= goodLooks {
		s.told, l.Event = false, "better"
		r.line(l)
	}
}

// why says what was wrong with a line, in numbers.
func why(p api.QualityPoint) string {
	percent := func(f float64) string { return strconv.Itoa(int(f*100+0.5)) + " %" }
	switch {
	case p.LossIn > weakLoss && p.LossIn >= p.LossOut:
		return "loss " + percent(p.LossIn) + " ↑"
	case p.LossOut > weakLoss:
		return "loss " + percent(p.LossOut) + " ↓"
	}
	return "rtt " + strconv.Itoa(int(p.RTT)) + " ms"
}

func (m member) video() string {
	best := 0
	for _, s := range m.Sends {
		for _, l := range s.Layers {
			if l.Bitrate > 0 {
				best = max(best, l.Height)
			}
		}
	}
	if best == 0 {
		return "off"
	}
	return strconv.Itoa(best)
}

// keep adds a point, or makes it part of the last one; when there are too many
// the steps become twice as long.
func (s *seat) keep(p api.QualityPoint) {
	if s.Step < 1 {
		s.Step = 1
	}
	if n := len(s.Quality); n > 0 && s.looks > 0 && s.looks < s.Step {
		s.looks++
		s.Quality[n-1] = worse(s.Quality[n-1], p)
		return
	}
	if len(s.Quality) >= maxPoints {
		half := s.Quality[:0]
		for i := 0; i+1 < len(s.Quality); i += 2 {
			half = append(half, worse(s.Quality[i], s.Quality[i+1]))
		}
		s.Quality, s.Step = half, s.Step*2
	}
	s.Quality, s.looks = append(s.Quality, p), 1
}

// worse is two steps in one: of each number the worse, for peaks are what is
// looked for.
func worse(a, b api.QualityPoint) api.QualityPoint {
	return api.QualityPoint{
		At: a.At, RTT: max(a.RTT, b.RTT), LossIn: max(a.LossIn, b.LossIn), LossOut: max(a.LossOut, b.LossOut),
		Received: min(a.Received, b.Received), Sent: min(a.Sent, b.Sent),
	}
}

// Worst is the worst line of all that are in use now: its name, or endpoint,
// with its room, and its numbers. Nil where nobody is.
func (t *Timeline) Worst(now time.Time) *api.WorstLine {
	t.mu.Lock()
	defer t.mu.Unlock()
	var worst *api.WorstLine
	for _, r := range t.records {
		if !r.Ended.IsZero() {
			continue
		}
		for _, s := range r.Seats {
			if !s.Left.IsZero() || s.Now == nil || now.Sub(s.Now.Line.At) > time.Minute {
				continue
			}
			w := &api.WorstLine{Meeting: r.ID, Room: r.Room, Name: s.Name, Endpoint: s.Endpoint, RTT: s.Now.Line.RTT, Loss: max(s.Now.Line.LossIn, s.Now.Line.LossOut)}
			if worst == nil || w.Loss > worst.Loss || w.Loss == worst.Loss && w.RTT > worst.RTT {
				worst = w
			}
		}
	}
	return worst
}

// Loss is the mean and the worst loss on all lines that are in use now, as
// fractions.
func (t *Timeline) Loss(now time.Time) (mean, worst float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, r := range t.records {
		if !r.Ended.IsZero() {
			continue
		}
		for _, s := range r.Seats {
			if s.Left.IsZero() && s.Now != nil && now.Sub(s.Now.Line.At) <= time.Minute {
				loss := max(s.Now.Line.LossIn, s.Now.Line.LossOut)
				mean, worst, n = mean+loss, max(worst, loss), n+1
			}
		}
	}
	if n > 0 {
		mean /= float64(n)
	}
	return mean, worst
}
