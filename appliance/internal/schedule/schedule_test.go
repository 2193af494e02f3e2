package schedule

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"meetbox.local/appliance/api"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestOccurrences(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		m           api.PlannedMeeting
		from, until string
		want        []string
	}{
		{"once", api.PlannedMeeting{Begin: "2026-12-01T09:30", Minutes: 60, Zone: "Europe/Berlin"}, "2026-11-01T00:00:00Z", "2027-01-01T00:00:00Z", []string{"2026-12-01T08:30:00Z"}},
		{"once, under way", api.PlannedMeeting{Begin: "2026-12-01T09:30", Minutes: 60, Zone: "UTC"}, "2026-12-01T10:29:59Z", "2027-01-01T00:00:00Z", []string{"2026-12-01T09:30:00Z"}},
		{"once, over", api.PlannedMeeting{Begin: "2026-12-01T09:30", Minutes: 60, Zone: "UTC"}, "2026-12-01T10:30:00Z", "2027-01-01T00:00:00Z", nil},
		// The clocks go back on 2026-10-25: 09:30 stays 09:30.
		{"weekly over the change of clocks", api.PlannedMeeting{Begin: "2026-10-19T09:30", Minutes: 30, Zone: "Europe/Berlin", Repeat: "weekly"}, "2026-10-19T00:00:00Z", "2026-11-03T00:00:00Z", []string{"2026-10-19T07:30:00Z", "2026-10-26T08:30:00Z", "2026-11-02T08:30:00Z"}},
		{"a time that the clocks skip", api.PlannedMeeting{Begin: "2026-03-28T02:30", Minutes: 30, Zone: "Europe/Berlin", Repeat: "daily"}, "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", []string{"2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"}},
		{"workdays", api.PlannedMeeting{Begin: "2026-11-28T08:00", Minutes: 15, Zone: "UTC", Repeat: "workdays", LastDay: "2026-12-01"}, "2026-11-01T00:00:00Z", "2027-01-01T00:00:00Z", []string{"2026-11-30T08:00:00Z", "2026-12-01T08:00:00Z"}},
		{"far from its begin", api.PlannedMeeting{Begin: "2021-01-04T23:45", Minutes: 60, Zone: "Pacific/Auckland", Repeat: "weekly"}, "2026-12-07T11:00:00Z", "2026-12-14T11:00:00Z", []string{"2026-12-07T10:45:00Z", "2026-12-14T10:45:00Z"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, o := range Occurrences(tt.m, at(tt.from), at(tt.until), 100) {
				got = append(got, o.Begin.Format(time.RFC3339))
				if want := time.Duration(tt.m.Minutes) * time.Minute; o.End.Sub(o.Begin) != want {
					t.Errorf("lasts %v, want %v", o.End.Sub(o.Begin), want)
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestPublicTellsNoSecret(t *testing.T) {
	t.Parallel()
	now := at("2026-11-30T12:00:00Z")
	m := api.PlannedMeeting{Room: "review", Title: "Review", Note: "for us", Begin: "2026-11-30T13:00", Minutes: 30, Zone: "UTC", Repeat: "daily", Password: "oak"}
	hidden := m
	hidden.Hidden = true
	got := Public([]api.Planned{{ID: "a", Meeting: m}, {ID: "b", Meeting: hidden}, {ID: "c", Meeting: api.PlannedMeeting{Repeat: "always"}}}, now)
	if len(got) != 7 || !got[0].Password || got[0].Calendar != "/schedule/a.ics" || !got[0].Begin.Equal(at("2026-11-30T13:00:00Z")) {
		t.Errorf("%+v", got)
	}
}

func TestCalendar(t *testing.T) {
	t.Parallel()
	i := Invitation{
		Plan: api.Planned{ID: "k3v5", Revision: 4, Meeting: api.PlannedMeeting{
			Room: "review", Title: "Review, week; all", Host: "Harbour", Note: "First line.\nA second line that is long enough to be folded, with an ä near the fold.",
			Begin: "2026-10-20T09:30", Minutes: 45, Zone: "Europe/Berlin", Repeat: "weekly", LastDay: "2026-11-10", Password: "oak",
		}},
		URL: "https://192.168.1.23/review", Now: at("2026-10-01T00:00:00Z"), Host: "192.168.1.23",
	}
	want := `BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Meetbox//Meetings//EN
CALSCALE:GREGORIAN
METHOD:PUBLISH
BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
DTSTART:20260329T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
TZNAME:CEST
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:20261025T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:k3v5@192.168.1.23
SEQUENCE:4
DTSTAMP:20261001T000000Z
DTSTART;TZID=Europe/Berlin:20261020T093000
DTEND;TZID=Europe/Berlin:20261020T101500
RRULE:FREQ=WEEKLY;UNTIL=20261110T225959Z
SUMMARY:Review\, week\; all
LOCATION:https://192.168.1.23/review
URL:https://192.168.1.23/review
DESCRIPTION:Harbour\n\nFirst line.\nA second line that is long enough to be
  folded\, with an ä near the fold.\n\nhttps://192.168.1.23/review
END:VEVENT
END:VCALENDAR
`
	got := Calendar(i)
	if d := cmp.Diff(strings.ReplaceAll(want, "\n", "\r\n"), string(got)); d != "" {
		t.Error(d)
	}
	for l := range bytes.SplitSeq(got, []byte("\r\n")) {
		if len(l) > 75 {
			t.Errorf("a line of %d octets: %s", len(l), l)
		}
	}
	if bytes.Contains(got, []byte("oak")) {
		t.Error("the password is in a file for everybody")
	}
	i.Password = true
	if !bytes.Contains(Calendar(i), []byte("oak")) {
		t.Error("no password for those who are invited")
	}
	i.Plan.Meeting.Repeat = "always"
	if b := Calendar(i); b != nil {
		t.Errorf("times of a room without any: %s", b)
	}
}

// TestZones: every name that is offered is one, and its rules can be written.
func TestZones(t *testing.T) {
	t.Parallel()
	for _, z := range Zones() {
		m := api.PlannedMeeting{Room: "a", Title: "a", Begin: "2026-10-20T09:30", Minutes: 45, Zone: z, Repeat: "daily"}
		if err := m.Validate(); err != nil {
			t.Errorf("%s: %v", z, err)
		}
		if b := Calendar(Invitation{Plan: api.Planned{Meeting: m}}); !bytes.Contains(b, []byte("BEGIN:STANDARD\r\nDTSTART:")) {
			t.Errorf("%s: %s", z, b)
		}
	}
}
