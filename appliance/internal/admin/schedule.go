package admin

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/schedule"
	"meetbox.local/appliance/internal/state"
)

func scheduleRoutes(p *Parts) []Route {
	return []Route{
		get("/api/v1/schedule", api.Viewer, "The meetings that are planned, the next one first.", p.getSchedule),
		send(http.MethodPost, "/api/v1/schedule", api.Operator, "Plans a meeting.", p.planMeeting),
		get("/api/v1/schedule/{id}", api.Viewer, "One planned meeting, with its revision as ETag.", p.getPlanned),
		send(http.MethodPut, "/api/v1/schedule/{id}", api.Operator, "Changes a planned meeting; If-Match has the ETag of what was changed.", p.putPlanned),
		send(http.MethodDelete, "/api/v1/schedule/{id}", api.Operator, "Removes a planned meeting; who is in its room stays there. If-Match has its ETag.", p.removePlanned),
		download("/api/v1/schedule/{id}/meeting.ics", api.Operator, "A planned meeting for calendars, with its password.", calendarType, p.getCalendar),
	}
}

const calendarType = "text/calendar; charset=utf-8"

// shown is a plan as the caller may see it.
func (p *Parts) shown(c *Call, q api.Planned) api.Planned {
	if !c.Who.Role.May(api.Operator) && q.Meeting.Password != "" {
		q.Meeting.Password = "********"
	}
	q.Next = schedule.Next(q.Meeting, p.now())
	q.Path = api.RoomPath(q.Meeting.Room)
	return q
}

func (p *Parts) getSchedule(c *Call) (out api.PlannedMeetings, err error) {
	all, err := p.Store.Planned()
	for _, q := range all {
		out.Meetings = append(out.Meetings, p.shown(c, q))
	}
	slices.SortStableFunc(out.Meetings, func(a, b api.Planned) int {
		switch {
		case a.Next != nil && b.Next != nil:
			return a.Next.Begin.Compare(b.Next.Begin)
		case a.Next != nil:
			return -1
		case b.Next != nil:
			return 1
		}
		return strings.Compare(a.Meeting.Room, b.Meeting.Room)
	})
	out.Zones = schedule.Zones()
	return out, err
}

func (p *Parts) planned(c *Call) (api.Planned, error) {
	all, err := p.Store.Planned()
	if err != nil {
		return api.Planned{}, err
	}
	i := slices.IndexFunc(all, func(q api.Planned) bool { return q.ID == c.PathValue("id") })
	if i < 0 {
		return api.Planned{}, state.ErrNone
	}
	return all[i], nil
}

func (p *Parts) getPlanned(c *Call) (api.Planned, error) {
	q, err := p.planned(c)
	if err != nil {
		return q, err
	}
	c.SetETag(q.Revision)
	return p.shown(c, q), nil
}

func (p *Parts) planMeeting(c *Call, m api.PlannedMeeting) (api.Planned, error) {
	c.Audited()
	q, err := p.Store.AddPlanned(c.Who, m)
	if errors.Is(err, state.ErrTooMany) {
		return q, problem(http.StatusConflict, "too-many", "There are as many planned meetings as the box keeps. Remove some that are over.")
	}
	if err != nil {
		return q, err
	}
	c.SetETag(q.Revision)
	return p.shown(c, q), p.Apply(c.Context())
}

// match is what the store wants of If-Match; nil: whatever there is.
func match(c *Call) (*uint64, error) {
	n, whatever, err := c.IfMatch()
	if whatever {
		return nil, err
	}
	return &n, err
}

func (p *Parts) putPlanned(c *Call, m api.PlannedMeeting) (api.Planned, error) {
	c.Audited()
	revision, err := match(c)
	if err != nil {
		return api.Planned{}, err
	}
	q, err := p.Store.PutPlanned(c.Who, c.PathValue("id"), revision, m)
	if err != nil {
		return q, err
	}
	c.SetETag(q.Revision)
	return p.shown(c, q), p.Apply(c.Context())
}

func (p *Parts) removePlanned(c *Call, _ None) (None, error) {
	c.Audited()
	revision, err := match(c)
	if err != nil {
		return None{}, err
	}
	if err := p.Store.RemovePlanned(c.Who, c.PathValue("id"), revision); err != nil {
		return None{}, err
	}
	return None{}, p.Apply(c.Context())
}

func (p *Parts) getCalendar(c *Call) (File, error) {
	q, err := p.planned(c)
	if err != nil {
		return File{}, err
	}
	b := p.calendar(q, true)
	if b == nil {
		return File{}, problem(http.StatusConflict, "no-times", "This room is always open: there are no times to put into a calendar.")
	}
	return File{Name: strings.ReplaceAll(q.Meeting.Room, "/", "-") + ".ics", Body: bytes.NewReader(b)}, nil
}

func (p *Parts) calendar(q api.Planned, password bool) []byte {
	home, err := url.Parse(p.home())
	if err != nil {
		return nil
	}
	return schedule.Calendar(schedule.Invitation{
		Plan: q, URL: home.JoinPath(api.RoomPath(q.Meeting.Room)).String(), Password: password, Now: p.now(), Host: home.Hostname(),
	})
}

// home is where the meetings are, by the address that works from everywhere
// on the network.
func (p *Parts) home() string {
	s := p.Source.Status()
	if s.Scan != "" {
		return s.Scan
	}
	if len(s.URLs) > 0 {
		return s.URLs[0]
	}
	return "https://meetbox.local"
}

// publicSchedule answers everybody, on the meetings' port.
func (p *Parts) publicSchedule(w http.ResponseWriter, r *http.Request) {
	now := p.now()
	out := api.PublicSchedule{Now: now.UTC()}
	all, err := p.publicPlans()
	if err != nil {
		p.publicFailure(w, r, "schedule", err)
		return
	}
	out.Meetings = schedule.Public(all, now)
	w.Header().Set("Cache-Control", "no-store")
	p.json(w, http.StatusOK, out)
}

// publicPlans are the plans that everybody may know of.
func (p *Parts) publicPlans() ([]api.Planned, error) {
	s, err := p.Store.Settings()
	if err != nil || s.Settings.Rooms.HideSchedule {
		return nil, err
	}
	all, err := p.Store.Planned()
	return slices.DeleteFunc(all, func(q api.Planned) bool { return q.Meeting.Hidden }), err
}

func (p *Parts) publicCalendar(w http.ResponseWriter, r *http.Request) {
	id, ok := strings.CutSuffix(r.PathValue("file"), ".ics")
	all, err := p.publicPlans()
	i := slices.IndexFunc(all, func(q api.Planned) bool { return q.ID == id })
	if err != nil || !ok || i < 0 {
		http.Error(w, "There is no such meeting on this box.", http.StatusNotFound)
		return
	}
	b := p.calendar(all[i], false)
	if b == nil {
		http.Error(w, "This room is always open: there are no times to put into a calendar.", http.StatusNotFound)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", calendarType)
	w.Header().Set("Content-Disposition", `attachment; filename="meeting.ics"`)
	write(w, b)
}
