package directory

import (
	"errors"
	"strings"
	"testing"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/directory/slapd"
	"meetbox.local/appliance/internal/state"
	"meetbox.local/appliance/kit/porttest"
)

// TestHosts: who may begin meetings, by a real server, whatever the console's
// roles are.
func TestHosts(t *testing.T) {
	t.Parallel()
	s := slapd.New(t)
	service, store := newService(t)
	who := state.Actor{Name: "Ada", Role: api.Owner}
	if err := service.PutSecrets(who, api.DirectorySecrets{LDAPPassword: new(slapd.Secret)}); err != nil {
		t.Fatal(err)
	}
	keep := func(url string, hosts api.Hosts) {
		t.Helper()
		l := settings(s)
		l.URL, l.Hosts, l.Roles = url, hosts, []api.GroupRole{{Group: "*", Role: api.Owner}}
		if hosts.Allowed {
			l.Roles = nil
		}
		set := api.Directory{LDAP: l}
		if err := set.Validate(); err != nil {
			t.Fatal(err)
		}
		if _, err := store.PutSection(who, "directory", nil, &set); err != nil {
			t.Fatal(err)
		}
	}
	keep(s.Secure, api.Hosts{})
	if _, err := service.Host(t.Context(), "ada", slapd.Password); err == nil || errors.Is(err, ErrWrong) || errors.Is(err, ErrGroup) {
		t.Errorf("switched off: %v", err)
	}
	for what, tc := range map[string]struct {
		url            string
		groups         []string
		name, password string
		want           error
	}{
		"everybody":             {s.Secure, nil, "ben", slapd.Password, nil},
		"StartTLS":              {s.Plain, nil, "ben", slapd.Password, nil},
		"by a group's name":     {s.Secure, []string{"visitors", "STAFF"}, "ada", slapd.Password, nil},
		"by its DN":             {s.Secure, []string{"cn=staff,ou=groups,dc=example,dc=org"}, "ADA@example.org", slapd.Password, nil},
		"in no group":           {s.Secure, []string{"staff"}, "ben", slapd.Password, ErrGroup},
		"in another":            {s.Secure, []string{"staff"}, "cleo", slapd.Password, ErrGroup},
		"no group, no password": {s.Secure, []string{"staff"}, "cleo", "wrong", ErrWrong},
		"wrong":                 {s.Secure, nil, "ada", "wrong", ErrWrong},
		"empty":                 {s.Secure, nil, "ada", "", ErrWrong},
		"nobody":                {s.Secure, nil, "nobody", slapd.Password, ErrWrong},
		"two people":            {s.Secure, nil, "desk@example.org", slapd.Password, ErrWrong},
		"a filter":              {s.Secure, nil, "ada)(uid=*", slapd.Password, ErrWrong},
	} {
		keep(tc.url, api.Hosts{Allowed: true, Groups: tc.groups})
		p, err := service.Host(t.Context(), tc.name, tc.password)
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", what, err, tc.want)
		}
		if err == nil && (p.Called != slapd.Called[p.Name] || p.Called == "" || !strings.Contains(p.Mail, "@")) {
			t.Errorf("%s: %+v", what, p)
		}
	}
	// None of them gets into the console by it.
	if _, err := service.SignIn(t.Context(), "ada", slapd.Password); !errors.Is(err, ErrWrong) {
		t.Errorf("signed in to the console: %v", err)
	}
	keep("ldaps://localhost:"+porttest.Free(t), api.Hosts{Allowed: true})
	var problem api.Problem
	if _, err := service.Host(t.Context(), "ada", slapd.Password); !errors.As(err, &problem) || problem.Status != 503 {
		t.Errorf("a server that is away: %v", err)
	}
}

// TestTryHosts: the console says who would be a host.
func TestTryHosts(t *testing.T) {
	t.Parallel()
	s := slapd.New(t)
	service, _ := newService(t)
	for _, tc := range []struct {
		name   string
		roles  []api.GroupRole
		groups []string
		broken string
		host   bool
		says   string
	}{
		{"ada", nil, []string{"staff"}, "", true, "Begins meetings"},
		{"ada", nil, []string{"visitors"}, "role", false, "None of these groups"},
		{"ada", []api.GroupRole{{Group: "staff", Role: api.Viewer}}, []string{"visitors"}, "", false, "Begins no meetings"},
	} {
		q := api.DirectoryTest{Name: tc.name, Directory: api.Directory{LDAP: settings(s)}, Secrets: api.DirectorySecrets{LDAPPassword: new(slapd.Secret)}}
		q.Directory.LDAP.Roles, q.Directory.LDAP.Hosts = tc.roles, api.Hosts{Allowed: true, Groups: tc.groups}
		found, err := service.Try(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		last := found.Checks[len(found.Checks)-1]
		if found.Broken != tc.broken || found.Host != tc.host || !strings.Contains(last.Text, tc.says) {
			t.Errorf("%+v: %+v", tc, found)
		}
	}
}
