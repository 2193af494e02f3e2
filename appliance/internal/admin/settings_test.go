package admin

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/state"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	b, c, _ := claimed(t)
	const path = "/api/v1/settings/console"
	a := c.want(200, "GET", path, nil)
	if a.header.Get("ETag") != `"0"` {
		t.Errorf("ETag %q of a section that never changed", a.header.Get("ETag"))
	}
	c.want(428, "PUT", path, api.Console{IdleMinutes: 30})
	c.want(400, "PUT", path, api.Console{IdleMinutes: 30}, "If-Match", "soon")
	a = c.want(200, "PUT", path, api.Console{IdleMinutes: 30}, "If-Match", `"0"`)
	if b.applied != 1 || a.header.Get("ETag") != `"1"` {
		t.Errorf("applied %d times, ETag %q", b.applied, a.header.Get("ETag"))
	}
	// Somebody who opened it before gets to know who was faster.
	a = c.want(412, "PUT", path, api.Console{IdleMinutes: 60}, "If-Match", `"0"`)
	if a.problem.Code != "conflict" || a.problem.Conflict == nil || a.problem.Conflict.Who != "Ada Town" || a.problem.Conflict.Number != 1 {
		t.Errorf("conflict: %s", a.body)
	}
	c.want(200, "PUT", path, api.Console{IdleMinutes: 60}, "If-Match", `"1"`)
	c.want(200, "PUT", path, api.Console{IdleMinutes: 60}, "If-Match", `"2"`) // nothing new, no revision
	list := read[api.Revisions](t, c.want(200, "GET", "/api/v1/revisions?section=console", nil))
	if len(list.Revisions) != 2 || list.Revisions[0].Number != 2 || list.More {
		t.Errorf("revisions %+v", list)
	}
	detail := read[struct {
		Before, After api.Console
	}](t, c.want(200, "GET", "/api/v1/revisions/2", nil))
	if detail.Before.IdleMinutes != 30 || detail.After.IdleMinutes != 60 {
		t.Errorf("revision 2: %+v", detail)
	}
	// Nobody takes a change back over one that they have not seen.
	const back = "/api/v1/revisions/1/revert"
	seen := c.want(200, "GET", "/api/v1/revisions/1", nil).header.Get("ETag")
	c.want(200, "PUT", path, api.Console{IdleMinutes: 90}, "If-Match", seen)
	if a := c.want(412, "POST", back, nil, "If-Match", seen); a.problem.Conflict == nil || a.problem.Conflict.Number != 3 {
		t.Errorf("conflict: %s", a.body)
	}
	if got := read[api.Console](t, c.want(200, "GET", path, nil)); got.IdleMinutes != 90 {
		t.Errorf("after the refusal: %+v", got)
	}
	a = c.want(200, "POST", "/api/v1/revisions/2/revert", nil, "If-Match", c.want(200, "GET", "/api/v1/revisions/1", nil).header.Get("ETag"))
	rev := read[api.Revision](t, a)
	if rev.Number != 4 || rev.Reverts != 2 || a.header.Get("ETag") != `"4"` {
		t.Errorf("revert: %+v, ETag %s", rev, a.header.Get("ETag"))
	}
	if got := read[api.Console](t, c.want(200, "GET", path, nil)); got.IdleMinutes != 30 {
		t.Errorf("after the revert: %+v", got)
	}
	c.want(404, "GET", "/api/v1/revisions/99", nil)
	c.want(404, "POST", "/api/v1/revisions/x/revert", nil)
	if a := c.want(422, "PUT", path, api.Console{IdleMinutes: 1}, "If-Match", "*"); a.problem.Fields["idle_minutes"] == "" {
		t.Errorf("%s", a.body)
	}
}

// TestBadRequests: each is refused in words, and none changes anything.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	b, c, _ := claimed(t)
	const path = "/api/v1/settings/console"
	for _, tc := range []struct {
		name   string
		status int
		body   string
		field  string
		header []string
	}{
		{"unknown field", 400, `{"idle_minutes":30,"admin":true}`, "admin", nil},
		{"wrong type", 400, `{"idle_minutes":"soon"}`, "idle_minutes", nil},
		{"two documents", 400, `{"idle_minutes":30}{"idle_minutes":40}`, "", nil},
		{"no document", 400, ``, "", nil},
		{"not JSON", 400, `idle_minutes=30`, "", nil},
		{"a form", 415, `idle_minutes=30`, "", []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{"as text", 415, `{"idle_minutes":30}`, "", []string{"Content-Type", "text/plain"}},
		{"huge", 413, `{"idle_minutes":` + strings.Repeat(" ", maxBody) + `30}`, "", nil},
	} {
		a := c.want(tc.status, "PUT", path, tc.body, append([]string{"If-Match", "*"}, tc.header...)...)
		if tc.field != "" && a.problem.Fields[tc.field] == "" {
			t.Errorf("%s: %s names no field %s", tc.name, a.body, tc.field)
		}
	}
	c.want(404, "GET", "/api/v1/nothing", nil)
	c.want(403, "GET", "/api/v1/settings/../../status", nil) // where local programs ask
	c.want(404, "GET", "/api/v1/settings/..%2f..%2fetc", nil)
	if b.applied != 0 {
		t.Errorf("%d of them changed something", b.applied)
	}
}

// TestCrossOrigin: what another page sends is refused, with or without cookie.
func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	b, c, _ := claimed(t)
	const path = "/api/v1/settings/console"
	for name, header := range map[string][]string{
		"another site":              {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
		"another port of this host": {"Sec-Fetch-Site", "same-site", "Origin", "https://meetbox.local"},
		"only Origin":               {"Sec-Fetch-Site", "", "Origin", "https://evil.example"},
		"neither header":            {"Sec-Fetch-Site", ""},
	} {
		a := c.do("PUT", path, api.Console{IdleMinutes: 30}, append([]string{"If-Match", "*"}, header...)...)
		if a.status != 403 || a.problem.Code != "cross-origin" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if b.applied != 0 {
		t.Error("one of them changed something")
	}
}

// TestLocalOnly: what programs on the box get without signing in, web does
// not pass on.
func TestLocalOnly(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	c := b.client(t)
	for _, p := range []string{"/api/status", "/api/health", "/api/certificates", "/api/ca.pem"} {
		c.want(403, "GET", p, nil)
	}
	c.want(401, "GET", "/api/v1/status", nil)
	a := c.want(200, "GET", "/api/v1/setup", nil)
	code, err := b.parts.Accounts.SetupCode()
	if err != nil || bytes.Contains(a.body, []byte(code)) {
		t.Errorf("the setup code in %s (%v)", a.body, err)
	}
}

func TestAudit(t *testing.T) {
	t.Parallel()
	_, c, _ := claimed(t)
	for i := range 3 {
		c.want(200, "PUT", "/api/v1/settings/console", api.Console{IdleMinutes: 30 + i}, "If-Match", "*")
	}
	got := read[api.Audit](t, c.want(200, "GET", "/api/v1/audit", nil))
	if !got.Intact || len(got.Rows) != 4 || got.Rows[0].Action != "settings changed" || got.Rows[0].From != "192.0.2.50" || got.Rows[3].Action != "box claimed" {
		t.Errorf("audit: %+v", got)
	}
	var rows []api.AuditRow
	for d := json.NewDecoder(bytes.NewReader(c.want(200, "GET", "/api/v1/audit.jsonl", nil).body)); d.More(); {
		var r api.AuditRow
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	if broken := state.Check(rows); len(rows) != 4 || broken != 0 {
		t.Errorf("export: %d rows, broken at %d", len(rows), broken)
	}
	rows[1].Who = "Somebody Else"
	if broken := state.Check(rows); broken != 2 {
		t.Errorf("a changed row: broken at %d, want 2", broken)
	}
	if broken := state.Check(append(rows[:1:1], rows[2:]...)); broken != 3 {
		t.Errorf("a row taken out: broken at %d, want 3", broken)
	}
}

// TestOpenAPI: every route is described, and every reference leads somewhere.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	c := b.client(t)
	a := c.want(200, "GET", "/api/v1/openapi.json", nil)
	doc := read[struct {
		Paths      map[string]map[string]any
		Components struct{ Schemas map[string]any }
	}](t, a)
	for _, r := range Routes(b.parts) {
		if doc.Paths[r.Path][strings.ToLower(r.Method)] == nil || r.Doc == "" || r.Role < api.Nobody {
			t.Errorf("%s %s is not described", r.Method, r.Path)
		}
	}
	for _, ref := range strings.Split(string(a.body), `"$ref":"#/components/schemas/`)[1:] {
		name, _, _ := strings.Cut(ref, `"`)
		if doc.Components.Schemas[name] == nil {
			t.Errorf("no schema %s", name)
		}
	}
	for name, s := range doc.Components.Schemas {
		if m, ok := s.(map[string]any); !ok || len(m) == 0 {
			t.Errorf("schema %s is empty", name)
		}
	}
}
