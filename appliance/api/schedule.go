package api

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// LocalTime is how a planned meeting's begin is written: the time on the
// clocks of its zone, such as 2026-12-01T09:30.
const LocalTime = "2006-01-02T15:04"

// LocalDay is how a day is written.
const LocalDay = "2006-01-02"

// PlannedMeeting is a meeting that somebody has planned, or a room that always
// stands open: its name, its times and the rules of its own.
type PlannedMeeting struct {
	Room  string `json:"room"`
	Title string `json:"title"`
	Host  string `json:"host,omitempty"` // who invites, for people to read
	Note  string `json:"note,omitempty"` // for those who are invited
	// Begin of the (first) meeting by the clocks of Zone, as [LocalTime].
	Begin   string `json:"begin,omitempty"`
	Minutes int    `json:"minutes,omitzero"`
	Zone    string `json:"zone,omitempty"` // of the IANA database, such as Europe/Berlin
	// Repeat is "" for once, "daily", "workdays" (Monday to Friday), "weekly",
	// or "always" for a room without times.
	Repeat  string `json:"repeat,omitempty"`
	LastDay string `json:"last_day,omitempty"` // of a repeated one, as [LocalDay]; empty: without end
	// Rules of the room while it meets.
	Password        string `json:"password,omitempty"` // shown to who may run meetings
	Lobby           bool   `json:"lobby,omitzero"`
	MaxParticipants int    `json:"max_participants,omitzero"` // 0: as everywhere
	Hidden          bool   `json:"hidden,omitzero"`           // not on the page where meetings begin
}

// Validate says what is wrong with which field.
func (m PlannedMeeting) Validate() error {
	f := FieldErrors{}
	checkRoom(f, "room", m.Room)
	for field, v := range map[string]struct {
		text string
		most int
	}{"title": {m.Title, 200}, "host": {m.Host, 200}, "note": {m.Note, 2000}, "password": {m.Password, 100}} {
		switch {
		case utf8.RuneCountInString(v.text) > v.most:
			f.Add(field, fmt.Sprintf("Take at most %d characters.", v.most))
		case !printable(v.text, field == "note"):
			f.Add(field, "Take away the characters that cannot be shown.")
		}
	}
	if strings.TrimSpace(m.Title) == "" {
		f.Add("title", "Give the meeting a title.")
	}
	if m.MaxParticipants < 0 || m.MaxParticipants > 1000 {
		f.Add("max_participants", "Give a number from 0 to 1000.")
	}
	switch m.Repeat {
	case "always":
		return f.Err()
	case "", "daily", "workdays", "weekly":
	default:
		f.Add("repeat", "Choose one of daily, workdays, weekly and always, or nothing for once.")
	}
	m.checkTimes(f)
	return f.Err()
}

func (m PlannedMeeting) checkTimes(f FieldErrors) {
	begin, err := time.Parse(LocalTime, m.Begin)
	if err != nil || begin.Year() < 2020 || begin.Year() > 2199 {
		f.Add("begin", "Give day and time, as in 2026-12-01T09:30.")
	}
	if m.Minutes < 5 || m.Minutes > 24*60 {
		f.Add("minutes", "Give a length from 5 minutes to a day.")
	}
	if _, err := time.LoadLocation(m.Zone); err != nil || m.Zone == "" || m.Zone == "Local" {
		f.Add("zone", "Give a time zone by its name, such as Europe/Berlin.")
	}
	if m.LastDay != "" {
		last, err := time.Parse(LocalDay, m.LastDay)
		switch {
		case err != nil || last.Year() > 2199:
			f.Add("last_day", "Give a day, as in 2026-12-24.")
		case last.Before(begin.Truncate(24 * time.Hour)):
			f.Add("last_day", "Give a day that is not before the first meeting.")
		}
	}
}

func printable(text string, lines bool) bool {
	return utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) && !(lines && r == '\n') }) < 0
}

// Planned is a planned meeting as the box keeps it.
type Planned struct {
	ID       string         `json:"id"`
	Revision uint64         `json:"revision"` // its ETag, for a change
	Meeting  PlannedMeeting `json:"meeting"`

	ChangedBy string    `json:"changed_by"`
	ChangedAt time.Time `json:"changed_at"`
	// Next is when it takes place next, or does now; absent when it is over,
	// and for a room that is always open.
	Next *Occurrence `json:"next,omitempty"`
	// Path of its room on the meetings' port, without password.
	Path string `json:"path"`
}

// Occurrence is one time at which a meeting takes place.
type Occurrence struct {
	Begin time.Time `json:"begin"`
	End   time.Time `json:"end"`
}

// PlannedMeetings are all that are planned, the next one first.
type PlannedMeetings struct {
	Meetings []Planned `json:"meetings"`
	Zones    []string  `json:"zones"` // names that may be meant, for a list to choose from
}

// PublicSchedule is what everybody may read at /schedule.json of the meetings'
// port: the times of the coming week, the next one first.
type PublicSchedule struct {
	Now      time.Time       `json:"now"`
	Meetings []PublicMeeting `json:"meetings"`
}

// PublicMeeting is one time of one meeting.
type PublicMeeting struct {
	ID       string    `json:"id"` // of the plan: the same for all times of a repeated one
	Room     string    `json:"room"`
	Title    string    `json:"title"`
	Host     string    `json:"host,omitempty"`
	Begin    time.Time `json:"begin"`
	End      time.Time `json:"end"`
	Zone     string    `json:"zone"`
	Repeat   string    `json:"repeat,omitempty"`
	Password bool      `json:"password"` // one is asked for
	Lobby    bool      `json:"lobby"`    // somebody has to let people in
	Calendar string    `json:"calendar"` // path of its calendar file (RFC 5545)
}

// SchedulePath is where everybody may read what is planned.
const SchedulePath = "/schedule.json"

// CalendarPath is the folder of the calendar files: ID.ics.
const CalendarPath = "/schedule/"
