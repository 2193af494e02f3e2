package schedule

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"meetbox.local/appliance/api"
)

// Invitation is what a calendar file says of a plan.
type Invitation struct {
	Plan api.Planned
	URL  string // of the room
	// Password tells it in the text; a file for everybody has none.
	Password bool
	Now      time.Time
	Host     string // of the box: makes the UID one of its own
}

// Calendar writes one meeting for calendars, as RFC 5545 has it: with the
// rules of its time zone, so that a weekly meeting stays at its hour when the
// clocks change. A room that is always open has no times, and no file: nil.
func Calendar(i Invitation) []byte {
	m := i.Plan.Meeting
	zone, err := time.LoadLocation(m.Zone)
	if m.Repeat == "always" || err != nil {
		return nil
	}
	begin, err := time.ParseInLocation(api.LocalTime, m.Begin, zone)
	if err != nil {
		return nil
	}
	if m.Repeat == "workdays" { // DTSTART is the first of the rule's days (RFC 5545 §3.8.5.3)
		for !workday(begin) {
			begin = begin.AddDate(0, 0, 1)
		}
	}
	end := begin.Add(time.Duration(m.Minutes) * time.Minute)
	w := &writer{}
	w.line("BEGIN:VCALENDAR")
	w.line("VERSION:2.0")
	w.line("PRODID:-//Meetbox//Meetings//EN")
	w.line("CALSCALE:GREGORIAN")
	w.line("METHOD:PUBLISH")
	w.zone(zone, m.Zone, begin, lastDay(m, begin, zone))
	w.line("BEGIN:VEVENT")
	w.line("UID:" + i.Plan.ID + "@" + i.Host)
	w.line(fmt.Sprintf("SEQUENCE:%d", i.Plan.Revision))
	w.line("DTSTAMP:" + i.Now.UTC().Format(utcForm))
	w.line("DTSTART;TZID=" + m.Zone + ":" + begin.Format(localForm))
	w.line("DTEND;TZID=" + m.Zone + ":" + end.Format(localForm))
	if rule := rule(m, zone); rule != "" {
		w.line("RRULE:" + rule)
	}
	w.line("SUMMARY:" + escape(m.Title))
	w.line("LOCATION:" + escape(i.URL))
	w.line("URL:" + i.URL)
	w.line("DESCRIPTION:" + escape(describe(i)))
	w.line("END:VEVENT")
	w.line("END:VCALENDAR")
	return []byte(w.String())
}

const (
	localForm = "20060102T150405"
	utcForm   = "20060102T150405Z"
)

func describe(i Invitation) string {
	m := i.Plan.Meeting
	var lines []string
	for _, l := range []string{m.Host, m.Note, i.URL} {
		if l != "" {
			lines = append(lines, l)
		}
	}
	if i.Password && m.Password != "" {
		lines = append(lines, "\U0001F511 "+m.Password)
	}
	return strings.Join(lines, "\n\n")
}

// rule is how the meeting repeats (RFC 5545 §3.3.10). UNTIL is in UTC where
// DTSTART has a zone.
func rule(m api.PlannedMeeting, zone *time.Location) string {
	r := map[string]string{"daily": "FREQ=DAILY", "workdays": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "weekly": "FREQ=WEEKLY"}[m.Repeat]
	if last, err := time.ParseInLocation(api.LocalDay, m.LastDay, zone); err == nil && r != "" {
		r += ";UNTIL=" + last.AddDate(0, 0, 1).Add(-time.Second).UTC().Format(utcForm)
	}
	return r
}

// zonesAhead is how long the zone's rules are written for in a meeting without
// end: longer than a calendar keeps a file without asking again.
const zonesAhead = 5

func lastDay(m api.PlannedMeeting, begin time.Time, zone *time.Location) time.Time {
	if m.Repeat == "" {
		return begin.AddDate(0, 0, 2)
	}
	if last, err := time.ParseInLocation(api.LocalDay, m.LastDay, zone); err == nil && last.Before(begin.AddDate(zonesAhead, 0, 0)) {
		return last.AddDate(0, 0, 2)
	}
	return begin.AddDate(zonesAhead, 0, 0)
}

// writer makes content lines of at most 75 octets (RFC 5545 §3.1).
type writer struct{ strings.Builder }

func (w *writer) line(text string) {
	for width := 75; len(text) > width; width = 74 { // a continuation begins with a blank
		cut := width
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		w.WriteString(text[:cut] + "\r\n ")
		text = text[cut:]
	}
	w.WriteString(text + "\r\n")
}

// zone writes what the clocks do between two times: one component for each
// change, with the one in force at the begin first.
func (w *writer) zone(zone *time.Location, name string, from, until time.Time) {
	w.line("BEGIN:VTIMEZONE")
	w.line("TZID:" + name)
	for at := from; ; {
		start, end := at.In(zone).ZoneBounds()
		w.observance(at, start)
		if end.IsZero() || !end.Before(until) {
			break
		}
		at = end
	}
	w.line("END:VTIMEZONE")
}

// observance is one stretch of time with the same offset; start is zero where
// it has been so always.
func (w *writer) observance(at, start time.Time) {
	kind := "STANDARD"
	if at.IsDST() {
		kind = "DAYLIGHT"
	}
	name, to := at.Zone()
	before, onset := to, "19700101T000000"
	if !start.IsZero() && start.Year() >= 1970 {
		_, before = start.Add(-time.Second).Zone()
		// The onset is in the time before it (RFC 5545 §3.6.5).
		onset = start.UTC().Add(time.Duration(before) * time.Second).Format(localForm)
	}
	w.line("BEGIN:" + kind)
	w.line("DTSTART:" + onset)
	w.line("TZOFFSETFROM:" + offset(before))
	w.line("TZOFFSETTO:" + offset(to))
	w.line("TZNAME:" + name)
	w.line("END:" + kind)
}

func offset(seconds int) string {
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	return fmt.Sprintf("%c%02d%02d", sign, seconds/3600, seconds/60%60)
}

// escape makes a TEXT value (RFC 5545 §3.3.11).
func escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`).Replace(text)
}
