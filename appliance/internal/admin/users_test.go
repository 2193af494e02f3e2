package admin

import (
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"meetbox.local/appliance/api"
)

func TestUsers(t *testing.T) {
	t.Parallel()
	b, c, _ := claimed(t)
	const path = "/api/v1/users"
	c.want(200, "POST", path, api.NewUser{Name: "oslo", Password: "three words here"})
	if b.applied != 1 {
		t.Errorf("applied %d times", b.applied)
	}
	for name, u := range map[string]api.NewUser{
		"twice":          {Name: "oslo", Password: "three words here"},
		"capitals":       {Name: "Oslo", Password: "three words here"},
		"path":           {Name: "../oslo", Password: "three words here"},
		"guest":          {Name: "0f6a3c1e-0000-4000-8000-000000000001", Password: "three words here"},
		"short password": {Name: "rome", Password: "short"},
	} {
		if a := c.want(422, "POST", path, u); len(a.problem.Fields) != 1 {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	list := read[api.Users](t, c.want(200, "GET", path, nil))
	if len(list.Users) != 1 || list.Users[0].Name != "oslo" {
		t.Errorf("users %+v", list)
	}
	before, err := b.parts.Store.Users()
	if err != nil {
		t.Fatal(err)
	}
	c.want(204, "PUT", path+"/oslo/password", api.UserPassword{Password: "three other words"})
	after, err := b.parts.Store.Users()
	if err != nil {
		t.Fatal(err)
	}
	if string(before[0].SCRAM["SCRAM-SHA-256"].StoredKey) == string(after[0].SCRAM["SCRAM-SHA-256"].StoredKey) {
		t.Error("password not changed")
	}
	if a := c.want(200, "GET", path, nil); strings.Contains(string(a.body), "stored_key") {
		t.Errorf("credentials are told: %s", a.body)
	}
	c.want(404, "PUT", path+"/rome/password", api.UserPassword{Password: "three other words"})
	c.want(204, "DELETE", path+"/oslo", nil)
	c.want(404, "DELETE", path+"/oslo", nil)
	if b.applied != 3 {
		t.Errorf("applied %d times", b.applied)
	}
}

func TestInvitations(t *testing.T) {
	t.Parallel()
	_, c, _ := claimed(t)
	got := read[api.Invited](t, c.want(200, "POST", "/api/v1/invitations", api.Invitation{Room: "demo", Moderator: true}))
	if strings.Count(got.Token, ".") != 2 || got.Path != "/demo?jwt="+got.Token {
		t.Errorf("%+v", got)
	}
	for room, sub := range map[string]string{"demo": "meet.jitsi", "acme/demo": "acme"} {
		got := read[api.Invited](t, c.want(200, "POST", "/api/v1/invitations", api.Invitation{Room: room}))
		claims := jwt.MapClaims{}
		if _, _, err := jwt.NewParser().ParseUnverified(got.Token, claims); err != nil {
			t.Fatal(err)
		}
		if claims["sub"] != sub || claims["room"] != "demo" || !strings.HasPrefix(got.Path, "/"+room+"?jwt=") {
			t.Errorf("%s: %v at %s", room, claims, got.Path)
		}
	}
	c.want(422, "POST", "/api/v1/invitations", api.Invitation{Room: "a b"})
	const path = "/api/v1/settings/rooms"
	c.want(200, "PUT", path, api.Rooms{Create: "listed", Listed: []string{"demo"}}, "If-Match", "*")
	a := c.want(422, "PUT", path, api.Rooms{
		Create: "nobody", Listed: []string{"Demo"}, History: -1, Issuers: []api.Issuer{{Algorithm: "HS256", Public: "secret"}},
	}, "If-Match", "*")
	for _, field := range []string{"create", "listed.0", "history", "issuers.0.algorithm", "issuers.0.public"} {
		if a.problem.Fields[field] == "" {
			t.Errorf("nothing said of %s: %s", field, a.body)
		}
	}
}
