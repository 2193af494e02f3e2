// Package history remembers how the box was: each minute of a day, and each
// quarter of an hour of a month.
//
// It is kept in memory and written to one file now and then, so that the disk
// lasts; a power cut costs the time since the last writing.
package history

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/kit/atomicfile"
)

// FileName is the file in the state folder.
const FileName = "history.json"

// Minute is how often Add is called.
const Minute = time.Minute

// series is one line of steps.
type series struct {
	Step   time.Duration      `json:"step"`
	Keep   int                `json:"keep"`
	Points []api.HistoryPoint `json:"points"`
	Count  int                `json:"count"` // samples in the last point
}

// History is safe for concurrent use.
type History struct {
	mu    sync.Mutex
	day   series
	month series
}

// Load reads what was kept; a file that cannot be read is begun anew, with an
// error that says so.
func Load(folder *os.Root) (*History, error) {
	h := &History{}
	b, err := folder.ReadFile(FileName)
	var kept struct{ Day, Month series }
	if err == nil {
		err = json.Unmarshal(b, &kept)
	}
	if err == nil {
		h.day, h.month = kept.Day, kept.Month
	}
	h.day.Step, h.day.Keep = Minute, 24*60
	h.month.Step, h.month.Keep = 15*Minute, 30*24*4
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return h, err
}

// Save writes the file.
func (h *History) Save(folder *os.Root) error {
	h.mu.Lock()
	b, err := json.Marshal(struct{ Day, Month series }{h.day, h.month})
	h.mu.Unlock()
	if err != nil {
		return err
	}
	return atomicfile.Write(folder, FileName, b, 0o600)
}

// Add takes a sample. One whose time is before the last one's, because the
// clock was set back, begins anew from there.
func (h *History) Add(p api.HistoryPoint) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.day.add(p)
	h.month.add(p)
}

func (s *series) add(p api.HistoryPoint) {
	p.At = p.At.UTC().Truncate(s.Step)
	for n := len(s.Points); n > 0 && s.Points[n-1].At.After(p.At); n = len(s.Points) {
		s.Points, s.Count = s.Points[:n-1], 1
	}
	n := len(s.Points)
	if n > 0 && s.Points[n-1].At.Equal(p.At) {
		s.Count++
		s.Points[n-1] = mean(s.Points[n-1], p, s.Count)
		return
	}
	s.Points, s.Count = append(s.Points, p), 1
	if n := len(s.Points); n > s.Keep+s.Keep/10 { // not at every step
		s.Points = slices.Clone(s.Points[n-s.Keep:])
	}
}

// mean is the mean of n samples, of which p is the last.
func mean(m, p api.HistoryPoint, n int) api.HistoryPoint {
	m.People, m.Meetings, m.WorstLoss = max(m.People, p.People), max(m.Meetings, p.Meetings), max(m.WorstLoss, p.WorstLoss)
	for _, v := range []struct {
		to   *float64
		from float64
	}{{&m.Received, p.Received}, {&m.Sent, p.Sent}, {&m.CPU, p.CPU}, {&m.Memory, p.Memory}, {&m.Temperature, p.Temperature}, {&m.Loss, p.Loss}} {
		*v.to += (v.from - *v.to) / float64(n)
	}
	return m
}

// Day is the last day by minutes.
func (h *History) Day() api.History { return h.copy(&h.day) }

// Month is the last month by quarters of an hour.
func (h *History) Month() api.History { return h.copy(&h.month) }

func (h *History) copy(s *series) api.History {
	h.mu.Lock()
	defer h.mu.Unlock()
	return api.History{Step: int(s.Step / time.Second), Points: slices.Clone(s.Points[max(0, len(s.Points)-s.Keep):])}
}
