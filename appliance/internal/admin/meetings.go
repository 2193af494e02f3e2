package admin

import (
	"errors"
	"net/http"
	"net/url"
	"runtime"
	"sync"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/certs"
	"meetbox.local/appliance/internal/meetings"
	"meetbox.local/appliance/internal/state"
	"meetbox.local/appliance/internal/timeline"
)

func meetingRoutes(p *Parts) []Route {
	return []Route{
		get("/api/v1/meetings", api.Viewer, "The meetings that run, and how many people are in them.", func(c *Call) (api.Meetings, error) {
			return meetings.Now(c.Context(), p.Control)
		}),
		get("/api/v1/meetings/past", api.Viewer, "The meetings that are remembered, the newest first.", p.getPast),
		send(http.MethodDelete, "/api/v1/meetings/past", api.Admin, "Forgets all meetings that are over.", p.forgetPast),
		get("/api/v1/meetings/{meeting}", api.Viewer, "A meeting: who is or was in it, how good the lines are, and what happened.", p.getMeeting),
		send(http.MethodPost, "/api/v1/meetings/{meeting}/end", api.Operator, "Ends a meeting for everybody in it.", p.endMeeting),
		send(http.MethodPost, "/api/v1/meetings/{meeting}/people/{endpoint}/remove", api.Operator, "Puts somebody out of a meeting, who may come back.", p.removePerson),
		send(http.MethodPost, "/api/v1/meetings/{meeting}/people/{endpoint}/mute", api.Operator, "Mutes somebody, who may unmute.", p.mutePerson),
		get("/api/v1/history/day", api.Viewer, "How the box was in the last day, by minutes.", func(*Call) (out api.History, err error) {
			if p.History != nil {
				out = p.History.Day()
			}
			return out, nil
		}),
		get("/api/v1/history/month", api.Viewer, "How the box was in the last thirty days, by quarters of an hour.", func(*Call) (out api.History, err error) {
			if p.History != nil {
				out = p.History.Month()
			}
			return out, nil
		}),
		get("/api/v1/overview", api.Viewer, "How the box is now, and what needs attention.", p.getOverview),
	}
}

func (p *Parts) getOverview(c *Call) (out api.Overview, err error) {
	ctx := c.Context()
	var wg sync.WaitGroup
	wg.Go(func() {
		now, err := meetings.Now(ctx, p.Control)
		out.Meetings, out.Known = now, err == nil
	})
	wg.Go(func() { out.Services = Ask(ctx, p.Services, p.Control).Services })
	numbers := make([]map[string]float64, len(p.Services))
	for i, s := range p.Services {
		wg.Go(func() {
			if m, err := meetings.Metrics(ctx, p.Control, s); err == nil {
				numbers[i] = m // one that does not answer is in Services
			}
		})
	}
	wg.Wait()
	for i, m := range numbers {
		out.CPU += m["process_cpu_seconds_total"]
		out.Memory += uint64(m["process_resident_memory_bytes"])
		if p.Services[i] == "bridge" {
			out.Traffic = traffic(m)
		}
	}
	out.Cores = runtime.NumCPU()
	if p.Hardware != nil {
		for _, t := range p.Hardware.Hardware().Temperatures {
			out.Temperature = max(out.Temperature, t.Celsius)
		}
	}
	if p.Timeline != nil {
		out.Loss, _ = p.Timeline.Loss(p.now())
		out.Worst = p.Timeline.Worst(p.now())
	}
	out.Attention = p.attention(out.Services)
	return out, nil
}

func (p *Parts) remembered() int {
	s, err := p.Store.Settings()
	if err != nil || s.Settings.Rooms.RememberDays == 0 {
		return timeline.DefaultDays
	}
	return s.Settings.Rooms.RememberDays
}

func (p *Parts) getPast(*Call) (out api.PastMeetings, err error) {
	out.Days = p.remembered()
	if p.Timeline != nil {
		out.Meetings = p.Timeline.Past()
	}
	return out, nil
}

func (p *Parts) forgetPast(c *Call, _ None) (None, error) {
	c.Audited()
	if p.Timeline != nil {
		p.Timeline.Clear()
	}
	return None{}, p.Store.Audit(c.Who, "past meetings forgotten", "", "")
}

func (p *Parts) getMeeting(c *Call) (api.MeetingRecord, error) {
	if p.Timeline != nil {
		if r, ok := p.Timeline.Meeting(c.PathValue("meeting")); ok {
			return r, nil
		}
	}
	return api.MeetingRecord{}, state.ErrNone
}

// order does something in a meeting, and writes down who wanted it. Its room
// and the person are written with their names: the ids mean nothing later.
func (p *Parts) order(c *Call, path, action string) (None, error) {
	c.Audited()
	id, endpoint := c.PathValue("meeting"), c.PathValue("endpoint")
	err := meetings.Order(c.Context(), p.Control, id, path)
	if errors.Is(err, meetings.ErrOver) {
		return None{}, problem(http.StatusNotFound, "over", "The meeting has ended, or the person has left.")
	}
	if err != nil {
		return None{}, err
	}
	room, who := id, endpoint
	if r, err := p.getMeeting(c); err == nil {
		room = r.Room
		for _, s := range r.People {
			if s.Endpoint == endpoint && s.Name != "" {
				who = s.Name
			}
		}
	}
	return None{}, p.Store.Audit(c.Who, action, room, who)
}

func (p *Parts) endMeeting(c *Call, _ None) (None, error) { return p.order(c, "end", "meeting ended") }

func (p *Parts) removePerson(c *Call, _ None) (None, error) {
	return p.order(c, "members/"+url.PathEscape(c.PathValue("endpoint"))+"/remove", "removed from a meeting")
}

func (p *Parts) mutePerson(c *Call, m api.MuteOrder) (None, error) {
	return p.order(c, "members/"+url.PathEscape(c.PathValue("endpoint"))+"/mute?medium="+m.Medium, "muted in a meeting: "+m.Medium)
}

func traffic(m map[string]float64) api.Traffic {
	return api.Traffic{
		ReceivedPackets: m["bridge_rtp_packets_received_total"],
		ReceivedBytes:   m["bridge_rtp_bytes_received_total"],
		SentPackets:     m["bridge_rtp_packets_sent_total"],
		SentBytes:       m["bridge_rtp_bytes_sent_total"],
		Retransmitted:   m["bridge_rtp_retransmitted_total"],
		RTT:             m["bridge_rtt_seconds"],
	}
}

func (p *Parts) attention(services []api.Service) (out []api.Attention) {
	for _, s := range services {
		if !s.OK {
			out = append(out, api.Attention{Code: "service", Text: s.Name + ": " + s.Detail, Page: "logs"})
		}
	}
	for _, n := range p.Source.Status().Notes {
		out = append(out, api.Attention{Code: "note", Text: n, Page: "overview"})
	}
	if p.SiteProblem != nil {
		if s := p.SiteProblem(); s != "" {
			out = append(out, api.Attention{Code: "certificate", Text: s, Page: "certificates"})
		}
	}
	if p.Hardware != nil {
		for _, what := range p.Hardware.Hardware().Problems {
			out = append(out, api.Attention{Code: "hardware", Text: what, Page: "diagnostics"})
		}
	}
	if p.Clock != nil && !p.Clock.Status().Trusted {
		out = append(out, api.Attention{Code: "clock", Text: "Nobody has confirmed the box's clock.", Page: "clock"})
	}
	if p.Updates != nil {
		if last := p.Updates.Status().Last; last != nil && !last.OK {
			out = append(out, api.Attention{Code: "update", Text: "The update to " + last.Release.Version + " was taken back: " + last.Reason, Page: "update"})
		}
	}
	if web := p.Source.Certificates().Web; web != nil && !time.Now().Before(certs.RenewAt(web)) {
		out = append(out, api.Attention{Code: "certificate", Text: "The certificate ends on " + web.NotAfter.Format("2 January 2006") + ".", Page: "certificates"})
	}
	return out
}
