package admin

import (
	"bytes"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/directory/slapd"
	"meetbox.local/appliance/kit/porttest"
)

// TestHosting: somebody of a real directory gets a token for one room, and who
// is wrong learns nothing.
func TestHosting(t *testing.T) {
	t.Parallel()
	b, owner, _ := claimed(t)
	var log bytes.Buffer
	b.parts.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := slapd.New(t)
	l := api.LDAP{URL: s.Secure, Root: s.Root, BindDN: slapd.Reader, Base: slapd.People}
	const path = "/api/v1/settings/directory"
	for what, hosts := range map[string]api.Hosts{
		"ldap.hosts.groups.1": {Allowed: true, Groups: []string{"staff", " "}},
		"ldap.hosts.groups.0": {Groups: []string{"*"}},
		"ldap.roles":          {},
	} {
		l.Hosts = hosts
		if a := owner.want(422, "PUT", path, api.Directory{LDAP: l}, "If-Match", "*"); a.problem.Fields[what] == "" {
			t.Errorf("nothing said of %s: %s", what, a.body)
		}
	}
	if a := owner.want(422, "PUT", path, api.Directory{LDAP: api.LDAP{Hosts: api.Hosts{Allowed: true}}}, "If-Match", "*"); a.problem.Fields["ldap.url"] == "" {
		t.Errorf("without a server: %s", a.body)
	}
	guest := b.client(t)
	ask := func(status int, room, name, password string) answer {
		t.Helper()
		return guest.want(status, "POST", api.HostPath, api.HostSignIn{Room: room, Name: name, Password: password})
	}
	ask(404, "board", "ada", slapd.Password) // switched off

	l.Hosts = api.Hosts{Allowed: true, Groups: []string{"staff"}}
	etag := owner.want(200, "GET", path, nil).header.Get("ETag")
	owner.want(200, "PUT", path, api.Directory{LDAP: l}, "If-Match", etag)
	owner.want(412, "PUT", path, api.Directory{LDAP: l}, "If-Match", etag)
	owner.want(204, "PUT", "/api/v1/directory/secrets", api.DirectorySecrets{LDAPPassword: new(slapd.Secret)})

	got := read[api.HostToken](t, ask(200, "board", "ADA", slapd.Password))
	secret, err := b.parts.Store.TokenSecret()
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		jwt.RegisteredClaims
		Room    string `json:"room"`
		Context struct {
			User struct {
				ID, Name, Email string
				Moderator       bool
			}
		}
	}
	parsed, err := jwt.ParseWithClaims(got.Token, &claims, func(*jwt.Token) (any, error) { return []byte(secret), nil }, jwt.WithExpirationRequired(), jwt.WithIssuer(api.BoxKey))
	if u := claims.Context.User; err != nil || parsed.Header["kid"] != api.BoxKey || claims.Room != "board" || u.ID != "ada" || u.Name != slapd.Called["ada"] || u.Email != "ada@example.org" || !u.Moderator || got.Name != u.Name {
		t.Errorf("token %+v, %v", claims, err)
	}
	if claims.Subject != "meet.jitsi" {
		t.Errorf("for rooms of %q", claims.Subject)
	}
	for tenant, room := range map[string]string{"acme": "acme/board", "b%c3%bcro": "b%c3%bcro/board"} {
		got := read[api.HostToken](t, guest.want(200, "POST", api.HostPath+"?prefix="+url.QueryEscape(tenant), api.HostSignIn{Room: "board", Name: "ada", Password: slapd.Password}))
		var below struct {
			jwt.RegisteredClaims
			Room string
		}
		if _, _, err := jwt.NewParser().ParseUnverified(got.Token, &below); err != nil || below.Subject != tenant || below.Room != "board" {
			t.Errorf("below %s: %+v, %v", tenant, below, err)
		}
		if audit := owner.want(200, "GET", "/api/v1/audit", nil).body; !strings.Contains(string(audit), room) {
			t.Errorf("the audit log has no %s: %s", room, audit)
		}
	}
	for _, tenant := range []string{"*", "a/b", "Acme", "[acme]"} {
		if a := guest.do("POST", api.HostPath+"?prefix="+url.QueryEscape(tenant), api.HostSignIn{Room: "board", Name: "ada", Password: slapd.Password}); a.status != 400 {
			t.Errorf("below %q: %d %s", tenant, a.status, a.body)
		}
	}
	if left := time.Until(claims.ExpiresAt.Time); left > hostLife || left < hostLife-time.Minute {
		t.Errorf("good for %v", left)
	}

	if a := ask(403, "board", "cleo", slapd.Password); a.problem.Code != "not-host" {
		t.Errorf("in no group: %s", a.body)
	}
	// Whether there is such a person, and whether it is in a group, is only for
	// who knows the password.
	wrong := ask(401, "board", "ada", "not this one")
	for _, name := range []string{"nobody", "cleo"} {
		if a := ask(401, "board", name, "not this one"); !bytes.Equal(a.body, wrong.body) {
			t.Errorf("%s can be told apart: %s, %s", name, a.body, wrong.body)
		}
	}
	for what, q := range map[string]any{
		"no room":       api.HostSignIn{Name: "ada", Password: "x"},
		"every room":    api.HostSignIn{Room: "*", Name: "ada", Password: "x"},
		"two rooms":     api.HostSignIn{Room: "a/b", Name: "ada", Password: "x"},
		"capitals":      api.HostSignIn{Room: "Board", Name: "ada", Password: "x"},
		"no password":   api.HostSignIn{Room: "board", Name: "ada"},
		"long password": api.HostSignIn{Room: "board", Name: "ada", Password: strings.Repeat("x", 1001)},
	} {
		if a := guest.want(422, "POST", api.HostPath, q); len(a.problem.Fields) != 1 {
			t.Errorf("%s: %s", what, a.body)
		}
	}
	for what, tc := range map[string]struct {
		status int
		body   string
		says   string
	}{
		"unknown field": {400, `{"room":"board","name":"ada","password":"x","role":"owner"}`, "There is no such field."},
		"two documents": {400, `{"room":"board","name":"ada","password":"x"}{}`, "more than one document"},
		"no document":   {400, "room=board", "cannot be read"},
		"a huge one":    {413, `{"room":"board","name":"` + strings.Repeat("x", maxSignIn) + `"}`, "larger than 8 KiB"},
	} {
		if a := guest.do("POST", api.HostPath, tc.body); a.status != tc.status || !strings.Contains(string(a.body), tc.says) {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
	if a := guest.do("POST", api.HostPath, api.HostSignIn{Room: "board", Name: "ada", Password: "x"}, "Content-Type", "text/plain"); a.status != 415 || a.problem.Code != "not-json" {
		t.Errorf("as a form of another site sends it: %d %s", a.status, a.body)
	}
	if a := guest.do("POST", api.HostPath, api.HostSignIn{Room: "board", Name: "ada", Password: "x"}, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); a.status != 403 {
		t.Errorf("another site's page: %d", a.status)
	}

	// Guesses slow down the address, for the console too: it is one password.
	for range 3 {
		guest.do("POST", api.HostPath, api.HostSignIn{Room: "board", Name: "ada", Password: "not this one"})
	}
	a := ask(429, "board", "ada", slapd.Password)
	if a.problem.Code != "slow-down" || a.header.Get("Retry-After") == "" {
		t.Errorf("%s %v", a.body, a.header)
	}
	guest.want(429, "POST", "/api/v1/session", api.SignIn{Name: "ada", Password: slapd.Password})
	elsewhere := b.client(t)
	elsewhere.from, elsewhere.header = "192.0.2.99", nil // no browser
	elsewhere.want(200, "POST", api.HostPath, api.HostSignIn{Room: "board", Name: "ada", Password: slapd.Password})

	audit := string(owner.want(200, "GET", "/api/v1/audit", nil).body)
	for _, line := range []string{"signed in to a meeting", "sign-in to a meeting refused"} {
		if !strings.Contains(audit, line) {
			t.Errorf("the audit log has no %q: %s", line, audit)
		}
	}
	for where, text := range map[string]string{"the audit log": audit, "the log": log.String()} {
		for _, never := range []string{"not this one", slapd.Password, "nobody", got.Token} {
			if strings.Contains(text, never) {
				t.Errorf("%s has %q in it", where, never)
			}
		}
	}
	// Nobody of it is an account of the box for that.
	if a := owner.want(200, "GET", "/api/v1/accounts", nil); strings.Contains(string(a.body), "ada\"") {
		t.Errorf("accounts: %s", a.body)
	}
	// A directory that is away says so, and is no wrong password.
	l.URL = "ldaps://localhost:" + porttest.Free(t)
	owner.want(200, "PUT", path, api.Directory{LDAP: l}, "If-Match", "*")
	if a := elsewhere.do("POST", api.HostPath, api.HostSignIn{Room: "board", Name: "ada", Password: slapd.Password}); a.status != 503 || a.problem.Code != "directory" {
		t.Errorf("away: %d %s", a.status, a.body)
	}
}
