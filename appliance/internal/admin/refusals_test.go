package admin

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"meetbox.local/appliance/api"
)

// Every route of the API, as its description lists them, refuses what it has
// to. A new route is in here by being in the list.

// at is a path of the route, with something in its parameters.
func at(r Route, value string) string { return parameter.ReplaceAllString(r.Path, value) }

func changing(b *box) (out []Route) {
	for _, r := range Routes(b.parts) {
		if r.changes() {
			out = append(out, r)
		}
	}
	return out
}

// body is what makes the request one of the right kind.
func body(r Route) (any, []string) {
	header := []string{"If-Match", "*"}
	if r.Upload != "" {
		return "x", append(header, "Content-Type", r.Upload)
	}
	if r.Method == http.MethodGet || r.Request == nil || r.Request == reflect.TypeFor[None]() {
		return nil, header
	}
	return "{}", header
}

// roles are a browser for each role.
func roles(t *testing.T, b *box, owner *client) map[api.Role]*client {
	t.Helper()
	out := map[api.Role]*client{api.Owner: owner}
	for r := api.Viewer; r < api.Owner; r++ {
		owner.want(200, "POST", "/api/v1/accounts", api.NewAccount{Name: r.String(), Role: r, Password: password})
		out[r] = b.client(t)
		out[r].want(200, "POST", "/api/v1/session", api.SignIn{Name: r.String(), Password: password})
	}
	return out
}

func TestEveryRouteRefusesWithoutSignIn(t *testing.T) {
	t.Parallel()
	b, _, _ := claimed(t)
	stranger := b.client(t)
	guess := b.client(t)
	guess.cookie = "guess"
	for _, r := range Routes(b.parts) {
		if r.Role == api.Nobody {
			continue
		}
		q, header := body(r)
		for _, c := range []*client{stranger, guess} {
			if a := c.do(r.Method, at(r, "1"), q, header...); a.status != http.StatusUnauthorized || a.problem.Code != "signed-out" {
				t.Errorf("%s %s = %d %s", r.Method, r.Path, a.status, a.body)
			}
		}
	}
}

func TestEveryRouteRefusesATooSmallRole(t *testing.T) {
	t.Parallel()
	b, owner, _ := claimed(t)
	who := roles(t, b, owner)
	tried := 0
	for _, r := range Routes(b.parts) {
		for role, c := range who {
			if role.May(r.Role) || r.Role == api.Nobody {
				continue
			}
			tried++
			q, header := body(r)
			if a := c.do(r.Method, at(r, "1"), q, header...); a.status != http.StatusForbidden || a.problem.Code != "role" {
				t.Errorf("%s: %s %s = %d %s", role, r.Method, r.Path, a.status, a.body)
			}
		}
	}
	if tried < 100 || b.applied != 0 {
		t.Errorf("%d tried, %d applied", tried, b.applied)
	}
}

// TestEveryRouteRefusesATokenForSomethingElse: scopes and roles of tokens.
func TestEveryRouteRefusesATokenForSomethingElse(t *testing.T) {
	t.Parallel()
	b, owner, _ := claimed(t)
	token := func(role api.Role, scope string) *client {
		made := read[api.MadeToken](t, owner.want(200, "POST", "/api/v1/tokens", api.NewToken{Name: role.String() + " test", Role: role, Scopes: []string{scope}}))
		return &client{t: t, b: b, from: "192.0.2.91", token: made.Secret}
	}
	other, looking, viewer := token(api.Owner, "nothing-here"), token(api.Owner, "*:read"), token(api.Viewer, "*")
	for _, r := range Routes(b.parts) {
		q, header := body(r)
		refused := func(c *client, code string) {
			if a := c.do(r.Method, at(r, "1"), q, header...); a.status != http.StatusForbidden || a.problem.Code != code {
				t.Errorf("%s %s = %d %s, want %s", r.Method, r.Path, a.status, a.body, code)
			}
		}
		if r.Person {
			refused(other, "person-needed")
			continue
		}
		refused(other, "scope")
		if r.changes() {
			refused(looking, "scope")
		}
		if !api.Viewer.May(r.Role) && r.Role != api.Nobody {
			refused(viewer, "role")
		}
	}
}

func TestEveryRouteRefusesUnknownFields(t *testing.T) {
	t.Parallel()
	b, owner, _ := claimed(t)
	tried := 0
	for _, r := range changing(b) {
		if r.Upload != "" || r.Request == reflect.TypeFor[None]() {
			continue
		}
		tried++
		a := owner.do(r.Method, at(r, "1"), `{"no_such_field":true}`, "If-Match", "*")
		if a.status != http.StatusBadRequest || a.problem.Fields["no_such_field"] == "" {
			t.Errorf("%s %s = %d %s", r.Method, r.Path, a.status, a.body)
		}
	}
	if tried < 20 || b.applied != 0 {
		t.Errorf("%d tried, %d applied", tried, b.applied)
	}
}

func TestEveryRouteRefusesHugeBodies(t *testing.T) {
	t.Parallel()
	b, owner, _ := claimed(t)
	huge := strings.Repeat(" ", maxBody+1) + "{}"
	for _, r := range changing(b) {
		want := http.StatusRequestEntityTooLarge
		if r.Upload != "" {
			continue // files have limits of their own
		}
		if r.Request == reflect.TypeFor[None]() {
			want = http.StatusBadRequest
		}
		if a := owner.do(r.Method, at(r, "1"), huge, "If-Match", "*"); a.status != want {
			t.Errorf("%s %s = %d %s", r.Method, r.Path, a.status, a.body)
		}
	}
}

func TestEveryRouteRefusesCrossOriginRequests(t *testing.T) {
	t.Parallel()
	b, owner, _ := claimed(t)
	for _, r := range changing(b) {
		q, header := body(r)
		for _, origin := range []string{"https://evil.example", "https://meetbox.local", "null"} {
			a := owner.do(r.Method, at(r, "1"), q, append(header, "Sec-Fetch-Site", "cross-site", "Origin", origin)...)
			if a.status != http.StatusForbidden || a.problem.Code != "cross-origin" {
				t.Errorf("%s %s from %s = %d %s", r.Method, r.Path, origin, a.status, a.body)
			}
		}
	}
}

// TestEveryRouteRefusesAMissingCSRFDefence: the cookie alone is not enough.
func TestEveryRouteRefusesAMissingCSRFDefence(t *testing.T) {
	t.Parallel()
	b, owner, _ := claimed(t)
	for _, r := range changing(b) {
		q, header := body(r)
		a := owner.do(r.Method, at(r, "1"), q, append(header, "Sec-Fetch-Site", "")...)
		if a.status != http.StatusForbidden || a.problem.Code != "cross-origin" {
			t.Errorf("%s %s = %d %s", r.Method, r.Path, a.status, a.body)
		}
	}
	for _, r := range Routes(b.parts) {
		if r.Method != http.MethodGet && !r.changes() {
			t.Errorf("%s %s changes nothing, and is no GET", r.Method, r.Path)
		}
	}
}

// TestEveryRouteRefusesPathTricks: what stands in the place of a name is a
// name, never a way to somewhere else.
func TestEveryRouteRefusesPathTricks(t *testing.T) {
	t.Parallel()
	b, owner, _ := claimed(t)
	for _, r := range Routes(b.parts) {
		if !strings.Contains(r.Path, "{") || strings.Contains(r.Path, "...}") {
			continue
		}
		for _, trick := range []string{"..%2f..%2f..%2fetc%2fpasswd", "%2e%2e%2fappliance.db", "..%5c..%5cwindows", "a%00b", "%0d%0aSet-Cookie:%20x=y", "-1", "99999999999999999999", strings.Repeat("x", 3000)} {
			q, header := body(r)
			a := owner.do(r.Method, at(r, trick), q, header...)
			if a.problem.Code == "service-away" {
				continue // the service that would know the name is not there in this test
			}
			if a.status < 400 || a.status >= 500 && a.status != http.StatusNotImplemented {
				t.Errorf("%s %s with %.30s = %d %s", r.Method, r.Path, trick, a.status, a.body)
			}
			if a.header.Get("Set-Cookie") != "" {
				t.Errorf("%s %s with %.30s sets a cookie", r.Method, r.Path, trick)
			}
		}
	}
}

// TestEveryCookieIsOfThisOriginOnly: __Host-, SameSite=Strict, out of the
// reach of scripts.
func TestEveryCookieIsOfThisOriginOnly(t *testing.T) {
	t.Parallel()
	b, owner, _ := claimed(t)
	in := b.client(t).want(200, "POST", "/api/v1/session", api.SignIn{Name: "Ada Town", Password: password})
	out := owner.want(204, "DELETE", "/api/v1/session", nil)
	for _, a := range []answer{in, out} {
		all := (&http.Response{Header: a.header}).Cookies()
		if len(all) != 1 {
			t.Fatalf("cookies %v", all)
		}
		for _, c := range all {
			if !strings.HasPrefix(c.Name, "__Host-") || c.SameSite != http.SameSiteStrictMode || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" {
				t.Errorf("cookie %s", c)
			}
		}
	}
}

// TestDirectoryIsTheOwners: who says which groups are owners is one.
func TestDirectoryIsTheOwners(t *testing.T) {
	t.Parallel()
	b, owner, _ := claimed(t)
	admin := roles(t, b, owner)[api.Admin]
	mine := api.Directory{LDAP: api.LDAP{URL: "ldaps://evil.example", Base: "dc=example", Roles: []api.GroupRole{{Group: "*", Role: api.Owner}}}}
	const path = "/api/v1/settings/directory"
	admin.want(403, "PUT", path, mine, "If-Match", "*")
	owner.want(200, "PUT", path, mine, "If-Match", "*")
	revision := read[api.Revisions](t, owner.want(200, "GET", "/api/v1/revisions?section=directory", nil)).Revisions[0]
	owner.want(200, "PUT", path, api.Directory{}, "If-Match", "*")
	last := read[api.Revisions](t, owner.want(200, "GET", "/api/v1/revisions?section=directory", nil)).Revisions[0]
	if a := admin.want(403, "POST", "/api/v1/revisions/"+strconv.FormatUint(last.Number, 10)+"/revert", nil); a.problem.Code != "role" || revision.Number == last.Number {
		t.Errorf("%s", a.body)
	}
	// The secrets are never shown.
	secret := "between us"
	owner.want(204, "PUT", "/api/v1/directory/secrets", api.DirectorySecrets{LDAPPassword: &secret})
	for _, path := range []string{"/api/v1/directory", "/api/v1/settings", "/api/v1/audit", "/api/v1/support"} {
		if a := owner.want(200, "GET", path, nil); strings.Contains(string(a.body), secret) {
			t.Errorf("%s has a secret in it", path)
		}
	}
}
