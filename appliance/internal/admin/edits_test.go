package admin

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"meetbox.local/appliance/api"
)

// withoutETag are the changes that overwrite nothing that anybody could have
// looked at before, so that there is no revision to have seen.
var withoutETag = map[string]string{
	"PUT /api/v1/session/password":      "one's own secret, which nobody sees; the old one is asked for",
	"PUT /api/v1/session/one-time":      "one's own key, made a moment before",
	"PUT /api/v1/users/{name}/password": "a secret, which nobody sees",
	"PUT /api/v1/directory/secrets":     "secrets, which nobody sees; what is not named stays",
	"PUT /api/v1/certificates/site":     "a certificate as a whole; what it replaces is not read by whoever sends it",
	"PUT /api/v1/restore":               "opens the backup that was uploaded",
}

// TestEveryEditWantsItsETag: whatever the OpenAPI document lists as a change of
// something that is there refuses who does not say which revision they saw, and
// who saw an older one, and tells who was faster.
func TestEveryEditWantsItsETag(t *testing.T) {
	t.Parallel()
	b, owner, _ := claimed(t)
	owner.want(200, "POST", "/api/v1/accounts", api.NewAccount{Name: "ben", Role: api.Admin, Password: password})
	plan := read[api.Planned](t, owner.want(200, "POST", "/api/v1/schedule", api.PlannedMeeting{Room: "standup", Title: "Stand-up", Repeat: "always"}))
	owner.want(200, "PUT", "/api/v1/settings/console", api.Console{IdleMinutes: 30}, "If-Match", "*")
	change := fmt.Sprintf("/api/v1/revisions/%d", read[api.Revisions](t, owner.want(200, "GET", "/api/v1/revisions", nil)).Revisions[0].Number)
	ben := func() string {
		all := read[api.Accounts](t, owner.want(200, "GET", "/api/v1/accounts", nil)).Accounts
		i := slices.IndexFunc(all, func(a api.Account) bool { return a.Name == "ben" })
		return fmt.Sprintf(`"%d"`, all[i].Revision)
	}
	// What the paths with parameters are of, and what is sent where that is not what is read there.
	places := map[string]struct {
		path string
		body string
		etag func() string
	}{
		"/api/v1/accounts/{name}":           {path: "/api/v1/accounts/ben", body: `{"role":"viewer"}`, etag: ben},
		"/api/v1/schedule/{id}":             {path: "/api/v1/schedule/" + plan.ID, body: `{"room":"standup","title":"Later","repeat":"always"}`},
		"/api/v1/revisions/{number}/revert": {path: change + "/revert", etag: func() string { return owner.want(200, "GET", change, nil).header.Get("ETag") }},
		"/api/v1/network/propose":           {etag: func() string { return owner.want(200, "GET", "/api/v1/settings/network", nil).header.Get("ETag") }},
	}
	doc := read[struct {
		Paths map[string]map[string]struct{ Summary string }
	}](t, owner.want(200, "GET", "/api/v1/openapi.json", nil))
	exempt, tried := maps.Clone(withoutETag), 0
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		methods := slices.Sorted(maps.Keys(doc.Paths[path]))
		slices.Reverse(methods) // what is deleted is changed before
		for _, method := range methods {
			method, says := strings.ToUpper(method), strings.Contains(doc.Paths[path][method].Summary, "If-Match")
			name := method + " " + path
			if method != "PUT" && method != "PATCH" && !says {
				continue
			}
			if exempt[name] != "" {
				delete(exempt, name)
				continue
			}
			place := places[path]
			at := place.path
			if at == "" {
				at = path
			}
			var body any
			switch {
			case method == "DELETE", strings.HasSuffix(path, "/revert"):
			case place.body != "":
				body = place.body
			case strings.HasSuffix(path, "/propose"):
				body = string(owner.want(200, "GET", "/api/v1/settings/network", nil).body)
			default:
				body = string(owner.want(200, "GET", at, nil).body)
			}
			etag := func() string { return owner.want(200, "GET", at, nil).header.Get("ETag") }
			if place.etag != nil {
				etag = place.etag
			}
			tried++
			before := b.applied
			if a := owner.do(method, at, body); a.status != 428 || a.problem.Code != "if-match-missing" {
				t.Errorf("%s without If-Match = %d %s", name, a.status, a.body)
			}
			for _, stale := range []string{`"987654"`, `W/"987654"`} {
				if a := owner.do(method, at, body, "If-Match", stale); a.status != 412 || a.problem.Code != "conflict" || a.problem.Conflict == nil {
					t.Errorf("%s with If-Match %s = %d %s", name, stale, a.status, a.body)
				}
			}
			if a := owner.do(method, at, body, "If-Match", "soon"); a.status != 400 {
				t.Errorf("%s with If-Match of nothing = %d %s", name, a.status, a.body)
			}
			if b.applied != before {
				t.Errorf("%s was refused, and applied", name)
			}
			// With the right one it goes.
			if a := owner.do(method, at, body, "If-Match", etag()); a.status >= 300 && a.problem.Code != "only-on-the-box" {
				t.Errorf("%s with its own ETag = %d %s", name, a.status, a.body)
			}
		}
	}
	if tried < 14 {
		t.Errorf("only %d edits", tried)
	}
	for name := range exempt {
		t.Errorf("%s is no edit any more", name)
	}
}

// TestTwoOwners: of two who have an account open, the second one gets to know
// that the first one was faster.
func TestTwoOwners(t *testing.T) {
	t.Parallel()
	b, owner, _ := claimed(t)
	a := read[api.Account](t, owner.want(200, "POST", "/api/v1/accounts", api.NewAccount{Name: "ben", Role: api.Viewer, Password: password}))
	seen := fmt.Sprintf(`"%d"`, a.Revision)
	const path = "/api/v1/accounts/ben"
	operator, admin := api.Operator, api.Admin
	first := owner.want(200, "PATCH", path, api.AccountChange{Role: &operator}, "If-Match", seen)
	second := owner.want(412, "PATCH", path, api.AccountChange{Role: &admin}, "If-Match", seen)
	if c := second.problem.Conflict; c == nil || c.Who != "Ada Town" || c.Section != "accounts" {
		t.Errorf("conflict: %s", second.body)
	}
	// What ben does with his own account is in nobody's way.
	ben := b.client(t)
	ben.want(200, "POST", "/api/v1/session", api.SignIn{Name: "ben", Password: password})
	ben.want(204, "PUT", "/api/v1/session/password", api.PasswordChange{Old: password, New: "three other words"})
	owner.want(200, "PATCH", path, api.AccountChange{Role: &admin}, "If-Match", first.header.Get("ETag"))
}

// TestStrict: what could be understood in two ways is not understood.
func TestStrict(t *testing.T) {
	t.Parallel()
	_, owner, _ := claimed(t)
	const console, branding = "/api/v1/settings/console", "/api/v1/settings/branding"
	for _, tc := range []struct {
		name, path, body, field string
		status                  int
	}{
		{"as it should be", console, `{"idle_minutes":30}`, "", 200},
		{"blanks around it", console, " \n{\"idle_minutes\":30}\n ", "", 200},
		{"twice", console, `{"idle_minutes":30,"idle_minutes":60}`, "idle_minutes", 400},
		{"twice, in another spelling", console, `{"idle_minutes":30,"\u0069dle_minutes":60}`, "idle_minutes", 400},
		{"twice, deeper", branding, `{"links":[{"text":"a","url":"https://a.example","text":"b"}]}`, "links.0.text", 400},
		{"in capitals", console, `{"IDLE_MINUTES":30}`, "IDLE_MINUTES", 400},
		{"in capitals, deeper", branding, `{"links":[{"Text":"a","url":"https://a.example"}]}`, "links.0.Text", 400},
		{"a sign that folds to s", console, `{"idle_minute\u017f":30}`, "idle_minuteſ", 400},
		{"an unknown field, deeper", branding, `{"links":[{"text":"a","url":"https://a.example","x":1}]}`, "x", 400},
		{"a number as a text", console, `{"idle_minutes":"30"}`, "idle_minutes", 400},
		{"a fraction", console, `{"idle_minutes":30.5}`, "idle_minutes", 400},
		{"a huge number", console, `{"idle_minutes":1e400}`, "", 400},
		{"a list", console, `[{"idle_minutes":30}]`, "", 400},
		{"a second document", console, `{"idle_minutes":30}{"idle_minutes":60}`, "", 400},
		{"garbage after it", console, `{"idle_minutes":30}]`, "", 400},
		{"cut off", console, `{"idle_minutes":3`, "", 400},
		{"nothing", console, ``, "", 400},
		{"not UTF-8", branding, "{\"name\":\"a\xffb\"}", "", 400},
		{"a zero byte", branding, `{"name":"a\u0000b"}`, "name", 422},
		{"a mark", console, "\ufeff{\"idle_minutes\":30}", "", 400},
		{"depth", console, strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000), "", 400},
		{"depth within", branding, `{"links":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`, "", 400},
	} {
		a := owner.do("PUT", tc.path, tc.body, "If-Match", "*")
		if a.status != tc.status || tc.field != "" && a.problem.Fields[tc.field] == "" {
			t.Errorf("%s: %d %.300s, want %d about %q", tc.name, a.status, a.body, tc.status, tc.field)
		}
	}
	for _, kind := range []string{"text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json, text/plain", ""} {
		if a := owner.do("PUT", console, `{"idle_minutes":30}`, "If-Match", "*", "Content-Type", kind); a.status != 415 {
			t.Errorf("as %q: %d %s", kind, a.status, a.body)
		}
	}
	// No header makes one method another.
	for _, header := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
		owner.want(404, "POST", console, `{"idle_minutes":5}`, "If-Match", "*", header, "PUT")
		owner.want(200, "GET", console+"?_method=DELETE", nil, header, "DELETE")
	}
	if got := read[api.Console](t, owner.want(200, "GET", console, nil)); got.IdleMinutes != 30 {
		t.Errorf("%+v", got)
	}
}

// FuzzStrict: what is taken in is what any strict reader of the document reads.
func FuzzStrict(f *testing.F) {
	f.Add([]byte(`{"name":"a","links":[{"text":"x","url":"https://a.example"}]}`))
	f.Add([]byte(`{"name":"a","Name":"b"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var got, again api.Branding
		if strict(b, &got) != nil {
			return
		}
		text, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if err := strict(text, &again); err != nil || fmt.Sprint(got) != fmt.Sprint(again) {
			t.Errorf("%s is %s: %v", b, text, err)
		}
	})
}
