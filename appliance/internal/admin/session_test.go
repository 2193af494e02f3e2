package admin

import (
	"net/http"
	"strings"
	"testing"

	"meetbox.local/appliance/api"
)

func TestClaimOnce(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	c := b.client(t)
	if s := read[api.Setup](t, c.want(200, "GET", "/api/v1/setup", nil)); s.Claimed {
		t.Error("a new box is claimed")
	}
	code, err := b.parts.Accounts.SetupCode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.parts.Accounts.SetupCode()
	if err != nil || again != code || len(code) != 9 {
		t.Errorf("codes %q, %q, %v", code, again, err)
	}
	c.want(401, "GET", "/api/v1/settings", nil)
	for name, q := range map[string]api.Claim{
		"code":     {Code: "0000-000", Name: "Ada", Password: password},
		"name":     {Code: code, Name: " ", Password: password},
		"password": {Code: code, Name: "Ada", Password: "short"},
	} {
		if a := c.want(422, "POST", "/api/v1/claim", q); a.problem.Fields[name] == "" {
			t.Errorf("%s: fields %v", name, a.problem.Fields)
		}
	}
	for _, weak := range []string{"password123", "aaaaaaaaaaaa", "12345678901", "Administrator1!", "Ada Townsville"} {
		c.want(422, "POST", "/api/v1/claim", api.Claim{Code: code, Name: "Ada Townsvill", Password: weak})
	}
	a := c.want(200, "POST", "/api/v1/claim", api.Claim{Code: strings.ReplaceAll(code, "-", " "), Name: "Ada", Password: password})
	got := read[api.Claimed](t, a)
	if len(got.Recovery) != 8 || got.Session.Role != api.Owner || !strings.HasPrefix(a.header.Get("Set-Cookie"), Cookie+"=") {
		t.Errorf("claimed: %+v %v", got, a.header)
	}
	for _, attr := range []string{"Path=/", "HttpOnly", "Secure", "SameSite=Strict"} {
		if !strings.Contains(a.header.Get("Set-Cookie"), attr) {
			t.Errorf("cookie without %s", attr)
		}
	}
	if strings.Contains(a.header.Get("Set-Cookie"), "Domain") {
		t.Error("cookie with a domain")
	}
	c.want(200, "GET", "/api/v1/settings", nil)
	if code, err := b.parts.Accounts.SetupCode(); code != "" || err != nil {
		t.Errorf("a claimed box shows the code %q, %v", code, err)
	}
	stranger := b.client(t)
	if a := stranger.want(409, "POST", "/api/v1/claim", api.Claim{Code: code, Name: "Eve", Password: password}); a.problem.Code != "claimed" {
		t.Errorf("second claim: %s", a.body)
	}
	if s := read[api.Setup](t, stranger.want(200, "GET", "/api/v1/setup", nil)); !s.Claimed || s.Code {
		t.Errorf("not claimed: %+v", s)
	}
	// Owners who lost their passwords ask for a code in front of the box.
	if code, err = b.parts.Accounts.NewSetupCode(); err != nil {
		t.Fatal(err)
	}
	if s := read[api.Setup](t, stranger.want(200, "GET", "/api/v1/setup", nil)); !s.Claimed || !s.Code {
		t.Errorf("with a new code: %+v", s)
	}
	stranger.want(200, "POST", "/api/v1/claim", api.Claim{Code: code, Name: "ada", Password: "another long password"})
	c.want(401, "GET", "/api/v1/session", nil) // the account's old sessions are over
}

func TestSignInAndOut(t *testing.T) {
	t.Parallel()
	b, owner, _ := claimed(t)
	c := b.client(t)
	wrong := c.want(401, "POST", "/api/v1/session", api.SignIn{Name: "Ada Town", Password: "wrong wrong wrong"})
	unknown := c.want(401, "POST", "/api/v1/session", api.SignIn{Name: "Nobody", Password: "wrong wrong wrong"})
	if string(wrong.body) != string(unknown.body) {
		t.Errorf("names can be told apart: %s, %s", wrong.body, unknown.body)
	}
	c.want(200, "POST", "/api/v1/session", api.SignIn{Name: "ADA town", Password: password})
	list := read[api.Sessions](t, c.want(200, "GET", "/api/v1/sessions", nil))
	if len(list.Sessions) != 2 {
		t.Fatalf("sessions: %+v", list)
	}
	// The owner ends the other browser's session, and that one is out at once.
	for _, s := range list.Sessions {
		if s.Current {
			owner.want(204, "DELETE", "/api/v1/sessions/"+s.ID, nil)
		}
	}
	c.want(401, "GET", "/api/v1/session", nil)
	a := owner.want(204, "DELETE", "/api/v1/session", nil)
	if !strings.Contains(a.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("cookie stays: %v", a.header)
	}
	owner.cookie = "guess"
	owner.want(401, "GET", "/api/v1/session", nil)
}

// TestWrongPasswordsSlowDown: an address that guesses is held off, for longer
// each time; the owner at another address is not.
func TestWrongPasswordsSlowDown(t *testing.T) {
	t.Parallel()
	b, _, _ := claimed(t)
	c := b.client(t)
	c.from = "192.0.2.66"
	for range 6 {
		c.want(401, "POST", "/api/v1/session", api.SignIn{Name: "Ada Town", Password: "wrong wrong wrong"})
	}
	a := c.want(429, "POST", "/api/v1/session", api.SignIn{Name: "Ada Town", Password: password})
	if a.problem.Code != "slow-down" || a.header.Get("Retry-After") == "" {
		t.Errorf("%s %v", a.body, a.header)
	}
	other := b.client(t)
	other.want(200, "POST", "/api/v1/session", api.SignIn{Name: "Ada Town", Password: password})
}

// TestWrongCodesSlowDown: eight digits are few, so guesses count for all.
func TestWrongCodesSlowDown(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	if _, err := b.parts.Accounts.SetupCode(); err != nil {
		t.Fatal(err)
	}
	c := b.client(t)
	refused := 0
	for i := range 30 {
		c.from = "198.51.100." + string(rune('1'+i%9)) + string(rune('0'+i/9))
		if a := c.do("POST", "/api/v1/claim", api.Claim{Code: "x", Name: "Eve", Password: password}); a.status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused == 0 {
		t.Error("30 guesses from 30 addresses, none held off")
	}
}

func TestRecovery(t *testing.T) {
	t.Parallel()
	b, owner, claim := claimed(t)
	c := b.client(t)
	c.from = "192.0.2.77"
	q := api.Recover{Name: "ada town", Code: strings.ToLower(claim.Recovery[3]), Password: "a new long password"}
	c.want(200, "POST", "/api/v1/session/recover", q)
	c.want(200, "GET", "/api/v1/session", nil)
	owner.want(401, "GET", "/api/v1/session", nil) // whoever was signed in is out
	c.want(401, "POST", "/api/v1/session/recover", q)
	c.want(401, "POST", "/api/v1/session/recover", api.Recover{Name: "ada town", Code: "", Password: "a new long password"})
	c.want(200, "POST", "/api/v1/session", api.SignIn{Name: "Ada Town", Password: "a new long password"})
}

func TestRoles(t *testing.T) {
	t.Parallel()
	b, owner, _ := claimed(t)
	roles := map[string]*client{"owner": owner}
	for _, r := range []api.Role{api.Viewer, api.Auditor, api.Operator, api.Admin} {
		owner.want(200, "POST", "/api/v1/accounts", api.NewAccount{Name: r.String(), Role: r, Password: password})
		c := b.client(t)
		c.want(200, "POST", "/api/v1/session", api.SignIn{Name: r.String(), Password: password})
		roles[r.String()] = c
	}
	owner.want(422, "POST", "/api/v1/accounts", api.NewAccount{Name: "Viewer", Role: api.Viewer, Password: password})
	for _, tc := range []struct{ method, path, may string }{
		{"GET", "/api/v1/settings", "viewer auditor operator admin owner"},
		{"GET", "/api/v1/audit", "auditor admin owner"},
		{"GET", "/api/v1/audit.jsonl", "auditor admin owner"},
		{"GET", "/api/v1/tokens", "operator admin owner"},
		{"GET", "/api/v1/accounts", "admin owner"},
		{"DELETE", "/api/v1/accounts/nobody", "owner"},
	} {
		for name, c := range roles {
			a := c.do(tc.method, tc.path, nil)
			if may := a.status != http.StatusForbidden; may != strings.Contains(tc.may, name) {
				t.Errorf("%s: %s %s = %d", name, tc.method, tc.path, a.status)
			}
		}
	}
	if a := owner.want(409, "DELETE", "/api/v1/accounts/Ada%20Town", nil); a.problem.Code != "last-owner" {
		t.Errorf("%s", a.body)
	}
	admin := api.Admin
	owner.want(409, "PATCH", "/api/v1/accounts/Ada%20Town", api.AccountChange{Role: &admin}, "If-Match", "*")
	owner.want(204, "DELETE", "/api/v1/accounts/viewer", nil)
	roles["viewer"].want(401, "GET", "/api/v1/settings", nil)
	owner.want(404, "DELETE", "/api/v1/accounts/viewer", nil)
}

func TestTokens(t *testing.T) {
	t.Parallel()
	b, owner, _ := claimed(t)
	made := read[api.MadeToken](t, owner.want(200, "POST", "/api/v1/tokens",
		api.NewToken{Name: "fleet", Role: api.Admin, Scopes: []string{"settings", "meetings:read"}}))
	c := &client{t: t, b: b, from: "192.0.2.90", token: made.Secret}
	c.want(200, "GET", "/api/v1/settings", nil)
	c.want(200, "PUT", "/api/v1/settings/console", api.Console{IdleMinutes: 30}, "If-Match", "*")
	c.want(403, "GET", "/api/v1/audit", nil)   // another topic
	c.want(403, "GET", "/api/v1/session", nil) // for persons
	c.want(403, "POST", "/api/v1/tokens", api.NewToken{Name: "more", Role: api.Viewer, Scopes: []string{"*"}})
	owner.want(422, "POST", "/api/v1/tokens", api.NewToken{Name: "x", Role: api.Admin, Scopes: []string{"Every thing"}})
	owner.want(204, "DELETE", "/api/v1/tokens/"+made.Token.ID, nil)
	c.want(401, "GET", "/api/v1/settings", nil)
}

func TestOneTime(t *testing.T) {
	t.Parallel()
	_, owner, _ := claimed(t)
	key := read[api.OneTimeKey](t, owner.want(200, "POST", "/api/v1/session/one-time", nil))
	if !strings.HasPrefix(key.URL, "otpauth://totp/meetbox.local:Ada") {
		t.Errorf("%+v", key)
	}
	if a := owner.want(422, "PUT", "/api/v1/session/one-time", api.OneTimeCode{Code: "12345x"}); a.problem.Fields["code"] == "" {
		t.Errorf("%s", a.body)
	}
}
