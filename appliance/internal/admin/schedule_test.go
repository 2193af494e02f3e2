package admin

import (
	"bytes"
	"testing"
	"time"

	"meetbox.local/appliance/api"
)

func review() api.PlannedMeeting {
	return api.PlannedMeeting{Room: "review", Title: "Review", Begin: "2026-12-01T09:30", Minutes: 45, Zone: "Europe/Berlin", Repeat: "weekly", Password: "oak", Lobby: true}
}

func TestSchedule(t *testing.T) {
	t.Parallel()
	b, c, _ := claimed(t)
	b.parts.Now = func() time.Time { return time.Date(2026, 12, 1, 7, 0, 0, 0, time.UTC) }
	const path = "/api/v1/schedule"
	made := c.want(200, "POST", path, review())
	p := read[api.Planned](t, made)
	if p.Next == nil || p.Next.Begin.Format(time.RFC3339) != "2026-12-01T08:30:00Z" || p.Path != "/review" || made.header.Get("ETag") != `"1"` || b.applied != 1 {
		t.Errorf("%+v, ETag %s, applied %d times", p, made.header.Get("ETag"), b.applied)
	}
	a := c.want(422, "POST", path, api.PlannedMeeting{Room: "A b", Begin: "tomorrow", Minutes: 1, Zone: "Berlin", LastDay: "2020-01-01", Title: " ", Repeat: "monthly", MaxParticipants: -1, Password: "a\x00b"})
	for _, field := range []string{"room", "begin", "minutes", "zone", "title", "repeat", "max_participants", "password"} {
		if a.problem.Fields[field] == "" {
			t.Errorf("nothing said of %s: %s", field, a.body)
		}
	}
	m := review()
	m.Title = "Weekly review"
	c.want(428, "PUT", path+"/"+p.ID, m)
	c.want(200, "PUT", path+"/"+p.ID, m, "If-Match", `"1"`)
	if a := c.want(412, "PUT", path+"/"+p.ID, m, "If-Match", `"1"`); a.problem.Conflict == nil || a.problem.Conflict.Who != "Ada Town" {
		t.Errorf("who was faster is not said: %s", a.body)
	}
	c.want(404, "GET", path+"/nothing", nil)
	ics := c.want(200, "GET", path+"/"+p.ID+"/meeting.ics", nil)
	if ics.header.Get("Content-Type") != "text/calendar; charset=utf-8" || !bytes.Contains(ics.body, []byte("oak")) {
		t.Errorf("calendar: %v %s", ics.header, ics.body)
	}

	// Everybody, without signing in.
	guest := b.client(t)
	public := read[api.PublicSchedule](t, guest.want(200, "GET", "/schedule.json", nil))
	if len(public.Meetings) != 1 || public.Meetings[0].Title != "Weekly review" || !public.Meetings[0].Password {
		t.Errorf("public: %+v", public)
	}
	file := guest.want(200, "GET", public.Meetings[0].Calendar, nil)
	if bytes.Contains(file.body, []byte("oak")) || !bytes.Contains(file.body, []byte("RRULE:FREQ=WEEKLY")) {
		t.Errorf("public calendar: %s", file.body)
	}
	guest.want(401, "GET", path, nil)
	c.want(200, "PUT", "/api/v1/settings/rooms", api.Rooms{HideSchedule: true}, "If-Match", "*")
	if s := read[api.PublicSchedule](t, guest.want(200, "GET", "/schedule.json", nil)); len(s.Meetings) != 0 {
		t.Errorf("shown although it is hidden: %+v", s)
	}
	guest.want(404, "GET", public.Meetings[0].Calendar, nil)

	c.want(204, "DELETE", path+"/"+p.ID, nil, "If-Match", "*")
	c.want(404, "DELETE", path+"/"+p.ID, nil, "If-Match", "*")
	if s := read[api.PlannedMeetings](t, c.want(200, "GET", path, nil)); len(s.Meetings) != 0 || len(s.Zones) < 40 {
		t.Errorf("%+v", s)
	}
}
