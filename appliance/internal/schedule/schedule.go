// Package schedule knows when planned meetings take place, and writes them
// down for calendars (RFC 5545).
//
// Everything here is a function of a plan and a time; nothing is kept.
package schedule

import (
	"slices"
	"time"
	_ "time/tzdata" // a box has no zones of its own

	"meetbox.local/appliance/api"
)

// always are the times of a room without any.
var always = api.Occurrence{Begin: time.Unix(0, 0).UTC(), End: time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)}

// Occurrences are the times of a valid plan that end after from and begin
// before until, at most so many, in order. A room that is always open has one.
//
// A time that the clocks of the zone skip in spring is an hour later then, as
// [time.Date] has it.
func Occurrences(m api.PlannedMeeting, from, until time.Time, most int) (out []api.Occurrence) {
	if m.Repeat == "always" {
		return []api.Occurrence{always}
	}
	zone, err := time.LoadLocation(m.Zone)
	if err != nil {
		return nil
	}
	first, err := time.ParseInLocation(api.LocalTime, m.Begin, zone)
	if err != nil {
		return nil
	}
	length := time.Duration(m.Minutes) * time.Minute
	last, err := time.ParseInLocation(api.LocalDay, m.LastDay, zone)
	if err != nil {
		last = until
	}
	last = last.AddDate(0, 0, 1)
	step := map[string]int{"daily": 1, "workdays": 1, "weekly": 7}[m.Repeat]
	day := 0
	if step > 0 && from.After(first) { // near the first that counts, not from the beginning of time
		day = max(0, (int(from.Sub(first)/(24*time.Hour))-2)/step*step)
	}
	for ; len(out) < most; day += step {
		begin := time.Date(first.Year(), first.Month(), first.Day()+day, first.Hour(), first.Minute(), 0, 0, zone)
		if !begin.Before(until) || step > 0 && !begin.Before(last) {
			break
		}
		end := begin.Add(length)
		if end.After(from) && (m.Repeat != "workdays" || workday(begin)) {
			out = append(out, api.Occurrence{Begin: begin.UTC(), End: end.UTC()})
		}
		if step == 0 {
			break
		}
	}
	return out
}

func workday(t time.Time) bool { return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday }

// horizon is how far ahead Next looks: a weekly meeting that begins late.
const horizon = 20 * 365 * 24 * time.Hour

// Next is when the meeting takes place next, or does now; nil: not again, or
// it has no times.
func Next(m api.PlannedMeeting, now time.Time) *api.Occurrence {
	if m.Repeat == "always" {
		return nil
	}
	if found := Occurrences(m, now, now.Add(horizon), 1); len(found) > 0 {
		return &found[0]
	}
	return nil
}

const (
	// publicAhead is how much of the future everybody may read.
	publicAhead = 7 * 24 * time.Hour
	publicMost  = 50
)

// Public is what everybody may read of plans.
func Public(plans []api.Planned, now time.Time) []api.PublicMeeting {
	out := []api.PublicMeeting{}
	for _, p := range plans {
		m := p.Meeting
		if m.Hidden || m.Repeat == "always" {
			continue
		}
		for _, o := range Occurrences(m, now, now.Add(publicAhead), publicMost) {
			out = append(out, api.PublicMeeting{
				ID: p.ID, Room: m.Room, Title: m.Title, Host: m.Host, Begin: o.Begin, End: o.End, Zone: m.Zone, Repeat: m.Repeat,
				Password: m.Password != "", Lobby: m.Lobby, Calendar: api.CalendarPath + p.ID + ".ics",
			})
		}
	}
	slices.SortStableFunc(out, func(a, b api.PublicMeeting) int { return a.Begin.Compare(b.Begin) })
	return out[:min(len(out), publicMost)]
}

// Zones are names of zones that people may mean: one for each offset and rule
// that is in use. Any other name of the database is taken, too.
func Zones() []string {
	return slices.Clone(zones)
}

var zones = []string{
	"UTC", "Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos", "Africa/Nairobi",
	"America/Anchorage", "America/Argentina/Buenos_Aires", "America/Bogota", "America/Chicago", "America/Denver",
	"America/Halifax", "America/Los_Angeles", "America/Mexico_City", "America/New_York", "America/Phoenix",
	"America/Santiago", "America/Sao_Paulo", "America/St_Johns", "America/Toronto",
	"Asia/Bangkok", "Asia/Dhaka", "Asia/Dubai", "Asia/Hong_Kong", "Asia/Jakarta", "Asia/Jerusalem", "Asia/Karachi",
	"Asia/Kathmandu", "Asia/Kolkata", "Asia/Manila", "Asia/Seoul", "Asia/Shanghai", "Asia/Singapore", "Asia/Tehran", "Asia/Tokyo",
	"Atlantic/Azores", "Atlantic/Reykjavik", "Australia/Adelaide", "Australia/Brisbane", "Australia/Perth", "Australia/Sydney",
	"Europe/Amsterdam", "Europe/Athens", "Europe/Berlin", "Europe/Brussels", "Europe/Dublin", "Europe/Helsinki", "Europe/Istanbul",
	"Europe/Kyiv", "Europe/Lisbon", "Europe/London", "Europe/Madrid", "Europe/Oslo", "Europe/Paris", "Europe/Prague", "Europe/Rome",
	"Europe/Stockholm", "Europe/Vienna", "Europe/Warsaw", "Europe/Zurich", "Pacific/Auckland", "Pacific/Honolulu",
}
