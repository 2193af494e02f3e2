// Package timeline remembers what happened in meetings and how good the lines
// were, to answer why somebody was dropped.
//
// It reads the events of signaling and focus and the bridge's reports, puts
// them together by meeting, and keeps them for some days in one file of a
// bounded size. Nothing here touches a meeting; what cannot be asked for is
// left out.
package timeline

import (
	"slices"
	"strings"
	"sync"
	"time"

	"meetbox.local/appliance/api"
)

// What is kept at most.
const (
	maxMeetings = 200
	maxSeats    = 500  // of a meeting
	maxLines    = 2000 // of a meeting
	maxPoints   = 120  // of a seat; then every second one goes
)

// DefaultDays is how long a meeting is remembered unless a setting says so.
const DefaultDays = 30

// hidden is how the rooms of the box's calls to itself begin.
const hidden = "selfcall-"

// seat is one stay with what is needed to go on measuring it.
type seat struct {
	api.MeetingSeat

	Step  int     `json:"step"` // looks in one point
	looks int     // in the last point
	last  counted // at the look before
	weak  int     // looks in a row that were bad, or good if negative
	told  bool    // that the line is weak
}

// record is a meeting.
type record struct {
	ID       string            `json:"id"`
	Room     string            `json:"room"`
	Breakout bool              `json:"breakout,omitzero"`
	Began    time.Time         `json:"began"`
	Ended    time.Time         `json:"ended,omitzero"`
	Most     int               `json:"most"`
	Seats    []*seat           `json:"seats"`
	Lines    []api.MeetingLine `json:"lines"`
	Cut      bool              `json:"cut,omitzero"`

	absent int // looks in a row at which no service knew of it
}

// here finds who is there now.
func (r *record) here(endpoint string) *seat {
	for _, s := range slices.Backward(r.Seats) {
		if s.Endpoint == endpoint && s.Left.IsZero() {
			return s
		}
	}
	return nil
}

func (r *record) people() (n int) {
	for _, s := range r.Seats {
		if s.Left.IsZero() {
			n++
		}
	}
	return n
}

func (r *record) line(l api.MeetingLine) {
	if len(r.Lines) >= maxLines {
		r.Lines, r.Cut = slices.Delete(r.Lines, 0, maxLines/10), true
	}
	r.Lines = append(r.Lines, l)
}

// name is what people saw of an endpoint last.
func (r *record) name(endpoint string) string {
	for _, s := range slices.Backward(r.Seats) {
		if s.Endpoint == endpoint && s.Name != "" {
			return s.Name
		}
	}
	return ""
}

// Timeline is all that is remembered. It is safe for concurrent use.
type Timeline struct {
	mu      sync.Mutex
	records []*record // the oldest first
	changed bool      // since it was saved
}

// event is a line of signaling's or focus' events.
type event struct {
	Number    uint64    `json:"number"`
	At        time.Time `json:"at"`
	Event     string    `json:"event"`
	Room      string    `json:"room"`
	Meeting   string    `json:"meeting"`
	Endpoint  string    `json:"endpoint"`
	Name      string    `json:"name"`
	Reason    string    `json:"reason"`
	Condition string    `json:"condition"`
	Actor     string    `json:"actor"`
	Medium    string    `json:"medium"`
}

// take puts an event where it belongs.
func (t *Timeline) take(e event) {
	room, domain, _ := strings.Cut(e.Room, "@")
	ours := strings.HasPrefix(domain, "muc.") || strings.HasPrefix(domain, "breakout.")
	if !ours || e.Endpoint == "focus" || strings.HasPrefix(room, hidden) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.find(e, room, strings.HasPrefix(domain, "breakout."))
	if r == nil {
		return
	}
	t.changed = true
	l := api.MeetingLine{At: e.At, Endpoint: e.Endpoint, Name: e.Name, Actor: e.Actor, Reason: e.Reason, Medium: e.Medium}
	if l.Name == "" {
		l.Name = r.name(e.Endpoint)
	}
	if name := r.name(e.Actor); name != "" {
		l.Actor = name
	}
	if e.Actor == "focus" {
		l.Actor = "" // by order of somebody whose own line says so
	}
	r.apply(e, l)
}

// find is the meeting of an event; one that nobody has entered yet is begun by
// who enters.
func (t *Timeline) find(e event, room string, breakout bool) *record {
	for _, r := range slices.Backward(t.records) {
		if e.Meeting != "" && r.ID == e.Meeting || e.Meeting == "" && r.Room == room && r.Breakout == breakout && r.Ended.IsZero() {
			return r
		}
	}
	if e.Event != "participant joined" || e.Meeting == "" {
		return nil
	}
	r := &record{ID: e.Meeting, Room: room, Breakout: breakout, Began: e.At}
	t.records = append(t.records, r)
	if n := len(t.records); n > maxMeetings {
		t.records = slices.Delete(t.records, 0, n-maxMeetings)
	}
	return r
}

// words are the events that are kept, and what they are called here.
var words = map[string]string{
	"participant joined": "joined", "participant left": "left", "participant renamed": "renamed", "join refused": "refused",
	"connection interrupted": "interrupted", "connection back": "back",
	"participant muted": "muted", "participant removed": "removed", "meeting ended": "ended", "lobby opened": "lobby",
}

func (r *record) apply(e event, l api.MeetingLine) {
	word, ok := words[e.Event]
	l.Event = word
	s := r.here(e.Endpoint)
	switch e.Event {
	case "participant joined":
		if s != nil || len(r.Seats) >= maxSeats {
			r.Cut = r.Cut || s == nil
			return
		}
		r.Seats = append(r.Seats, &seat{MeetingSeat: api.MeetingSeat{Endpoint: e.Endpoint, Name: e.Name, Joined: e.At}, Step: 1})
		r.Most = max(r.Most, r.people())
	case "participant renamed":
		if s != nil {
			s.Name = e.Name
		}
	case "participant left":
		if s == nil {
			return
		}
		s.Left, s.Reason = e.At, e.Reason
	case "join refused":
		l.Reason = e.Condition
	case "room ended":
		r.end(e.At)
		return
	case "affiliation changed":
		return
	}
	if ok {
		r.line(l)
	}
}

func (r *record) end(at time.Time) {
	for _, s := range r.Seats {
		if s.Left.IsZero() {
			s.Left, s.Reason = at, "room ended"
		}
	}
	if r.Ended.IsZero() {
		r.Ended = at
	}
}

// absentLooks is after how many looks a meeting is over that no service knows
// of: longer than any of them takes to start again.
const absentLooks = 24

// last is when the newest line was written down.
func (t *Timeline) last() (at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.records {
		for _, l := range r.Lines {
			if l.At.After(at) {
				at = l.At
			}
		}
	}
	return at
}

// settle ends the meetings that the services do not know any more, because the
// box was turned off in them.
func (t *Timeline) settle(running map[string]bool, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.records {
		if !r.Ended.IsZero() {
			continue
		}
		r.absent++
		if running[r.ID] {
			r.absent = 0
		}
		if r.absent >= absentLooks {
			r.end(now.UTC())
			t.changed = true
		}
	}
}

// forget drops what ended more than so many days ago.
func (t *Timeline) forget(now time.Time, days int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.records)
	t.records = slices.DeleteFunc(t.records, func(r *record) bool {
		return !r.Ended.IsZero() && now.Sub(r.Ended) > time.Duration(days)*24*time.Hour
	})
	t.changed = t.changed || n != len(t.records)
}

// Clear forgets all meetings that are over.
func (t *Timeline) Clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.records = slices.DeleteFunc(t.records, func(r *record) bool { return !r.Ended.IsZero() })
	t.changed = true
}

// Past are the meetings, the newest first.
func (t *Timeline) Past() []api.PastMeeting {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := []api.PastMeeting{}
	for _, r := range slices.Backward(t.records) {
		p := api.PastMeeting{ID: r.ID, Room: r.Room, Breakout: r.Breakout, Began: r.Began, Ended: r.Ended, Most: r.Most}
		for _, s := range r.Seats {
			if s.Reason != "" && s.Reason != "left" && s.Reason != "room ended" && s.Reason != "room destroyed" {
				p.Dropped++
			}
		}
		out = append(out, p)
	}
	return out
}

// Meeting is all about one.
func (t *Timeline) Meeting(id string) (out api.MeetingRecord, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.records, func(r *record) bool { return r.ID == id })
	if i < 0 {
		return out, false
	}
	r := t.records[i]
	out = api.MeetingRecord{
		ID: r.ID, Room: r.Room, Breakout: r.Breakout, Began: r.Began, Ended: r.Ended, Most: r.Most, Cut: r.Cut,
		Events: slices.Clone(r.Lines), People: []api.MeetingSeat{},
	}
	for _, s := range r.Seats {
		one := s.MeetingSeat
		one.Quality = slices.Clone(s.Quality)
		if !s.Left.IsZero() {
			one.Now = nil
		}
		out.People = append(out.People, one)
	}
	return out, true
}
