package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/checks"
	"meetbox.local/appliance/kit/ctl"
)

// service answers on a control socket of its own.
func (b *box) service(t *testing.T, name string, pages map[string]http.HandlerFunc) {
	t.Helper()
	dir, err := os.MkdirTemp("", "mb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, name+".sock")
	others := b.parts.Control
	b.parts.Control = func(s string) string {
		if s == name {
			return socket
		}
		return others(s)
	}
	s := ctl.New(name)
	for pattern, page := range pages {
		s.Handle(pattern, page)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, socket) }()
	t.Cleanup(func() { cancel(); <-done })
	for {
		if _, err := ctl.Ask(ctx, socket); err == nil {
			return
		}
	}
}

func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
}

func TestOrdersInMeetings(t *testing.T) {
	t.Parallel()
	b, c, _ := claimed(t)
	var ordered []string
	order := func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("endpoint") == "gone" {
			http.NotFound(w, r)
			return
		}
		ordered = append(ordered, r.URL.String())
		w.WriteHeader(http.StatusNoContent)
	}
	b.service(t, "focus", map[string]http.HandlerFunc{
		"GET /conferences":                                   text(`[{"room":"demo@muc.meet.jitsi","meeting":"m1","participants":2}]`),
		"POST /conferences/{room}/end":                       order,
		"POST /conferences/{room}/members/{endpoint}/{what}": order,
	})
	const path = "/api/v1/meetings/m1"
	c.want(204, "POST", path+"/people/a1/mute", api.MuteOrder{Medium: "audio"})
	c.want(422, "POST", path+"/people/a1/mute", api.MuteOrder{Medium: "smell"})
	c.want(204, "POST", path+"/people/a1/remove", nil)
	c.want(404, "POST", path+"/people/gone/remove", nil)
	c.want(204, "POST", path+"/end", nil)
	c.want(404, "POST", "/api/v1/meetings/m2/end", nil)
	want := "/conferences/demo@muc.meet.jitsi/members/a1/mute?medium=audio /conferences/demo@muc.meet.jitsi/members/a1/remove /conferences/demo@muc.meet.jitsi/end"
	if got := strings.Join(ordered, " "); got != want {
		t.Errorf("ordered\n%s\nwant\n%s", got, want)
	}
	a := c.want(200, "GET", "/api/v1/audit", nil)
	for _, action := range []string{"muted in a meeting: audio", "removed from a meeting", "meeting ended"} {
		if !strings.Contains(string(a.body), action) {
			t.Errorf("%q is not in the audit log", action)
		}
	}
}

func TestFilesAndMetrics(t *testing.T) {
	t.Parallel()
	b, c, _ := claimed(t)
	b.parts.Services = []string{"signaling", "bridge"}
	deleted := ""
	b.service(t, "signaling", map[string]http.HandlerFunc{
		"GET /files":              text(`{"files":[{"id":"f1","name":"plan.pdf","size":12,"until":"2026-12-02T00:00:00Z"}],"used":12,"quota":100}`),
		"POST /files/{id}/delete": func(_ http.ResponseWriter, r *http.Request) { deleted = r.PathValue("id") },
	})
	got := read[api.SharedFiles](t, c.want(200, "GET", "/api/v1/files", nil))
	if len(got.Files) != 1 || got.Files[0].Name != "plan.pdf" || got.Used != 12 {
		t.Errorf("%+v", got)
	}
	c.want(204, "DELETE", "/api/v1/files/f1", nil)
	if deleted != "f1" {
		t.Errorf("deleted %q", deleted)
	}
	if a := c.want(200, "GET", "/api/v1/audit", nil); !strings.Contains(string(a.body), "plan.pdf") {
		t.Error("the deleted file is not in the audit log")
	}

	m := string(c.want(200, "GET", "/api/v1/metrics", nil).body)
	for _, line := range []string{`meetbox_up{service="signaling"} 1`, `meetbox_up{service="bridge"} 0`, `process_cpu_seconds_total{service="signaling"} `} {
		if !strings.Contains(m, line) {
			t.Errorf("no %s in %.300s", line, m)
		}
	}
	k := read[api.MadeToken](t, c.want(200, "POST", "/api/v1/tokens", api.NewToken{Name: "prometheus", Role: api.Viewer, Scopes: []string{"metrics:read"}, Days: 1}))
	program := b.client(t)
	program.token, program.header = k.Secret, nil
	program.want(200, "GET", "/api/v1/metrics", nil)
	program.want(403, "GET", "/api/v1/files", nil)
	b.client(t).want(401, "GET", "/api/v1/metrics", nil)
}

func TestCheck(t *testing.T) {
	t.Parallel()
	b, c, _ := claimed(t)
	var err error
	if b.parts.Checks, err = checks.Open(nil, time.Now); err != nil {
		t.Fatal(err)
	}
	guest := b.client(t)
	box := read[api.CheckBox](t, guest.want(200, "GET", "/check/box.json", nil))
	if box.You != "192.0.2.50" || strings.Count(box.Token, ".") != 2 || !strings.HasPrefix(box.Room, "selfcall-") || box.TURN.Credential == "" {
		t.Errorf("%+v", box)
	}
	report := api.CheckReport{Code: "U08", Name: "Anna", Note: "no picture\nat all", Probes: []api.CheckProbe{{Name: "udp", State: "bad", Code: "U08", Detail: "failed"}}}
	sent := read[api.CheckSent](t, guest.want(200, "POST", "/check/report", report))
	for name, tc := range map[string]struct {
		status int
		body   string
	}{
		"unknown field": {400, `{"code":"OK","probes":[],"admin":true}`},
		"two documents": {400, `{"code":"OK","probes":[]}{}`},
		"large":         {413, `{"code":"OK","note":"` + strings.Repeat("x", maxReport) + `"}`},
		"no JSON":       {400, "code=OK"},
	} {
		if a := guest.do("POST", "/check/report", tc.body); a.status != tc.status {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := guest.do("POST", "/check/report", report, "Content-Type", "text/plain"); a.status != 415 {
		t.Errorf("as text: %d %s", a.status, a.body)
	}
	bad := report
	bad.Probes = []api.CheckProbe{{Name: "a b", State: "good", Code: "X"}}
	bad.Name = "\x1b[31m"
	guest.want(422, "POST", "/check/report", bad)
	for range 5 {
		guest.want(200, "POST", "/check/report", report)
	}
	if a := guest.want(429, "POST", "/check/report", report); a.header.Get("Retry-After") == "" {
		t.Error("it is not said when to try again")
	}
	list := read[api.ReceivedChecks](t, c.want(200, "GET", "/api/v1/checks", nil))
	if len(list.Reports) != 6 || list.Reports[5].ID != sent.ID || list.Reports[5].From != "192.0.2.50" || list.Reports[5].Report.Note != report.Note {
		b, _ := json.Marshal(list)
		t.Errorf("%s", b)
	}
	guest.want(401, "GET", "/api/v1/checks", nil)
	c.want(204, "DELETE", "/api/v1/checks/"+sent.ID, nil)
	c.want(404, "DELETE", "/api/v1/checks/"+sent.ID, nil)
	c.want(204, "DELETE", "/api/v1/checks", nil)
}
