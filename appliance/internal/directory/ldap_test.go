package directory

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/directory/slapd"
	"meetbox.local/appliance/internal/state"
	"meetbox.local/appliance/kit/porttest"
)

func newService(t *testing.T) (*Service, *state.Store) {
	t.Helper()
	store, err := state.Open(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return New(store, time.Now), store
}

func settings(s slapd.Server) api.LDAP {
	return api.LDAP{
		URL: s.Secure, Root: s.Root, BindDN: slapd.Reader, Base: slapd.People,
		Roles: []api.GroupRole{{Group: "staff", Role: api.Viewer}, {Group: "cn=meetbox owners,ou=groups,dc=example,dc=org", Role: api.Owner}},
	}
}

// TestLDAP signs people in against a real server, and has the box say in
// words what is wrong with each link.
func TestLDAP(t *testing.T) {
	t.Parallel()
	s := slapd.New(t)
	service, store := newService(t)
	who := state.Actor{Name: "Ada", Role: api.Owner}
	if err := service.PutSecrets(who, api.DirectorySecrets{LDAPPassword: new(slapd.Secret)}); err != nil {
		t.Fatal(err)
	}
	if _, err := service.SignIn(t.Context(), "ada", slapd.Password); !errors.Is(err, ErrWrong) {
		t.Errorf("without a server: %v", err)
	}
	keep := func(l api.LDAP) {
		t.Helper()
		if err := (api.Directory{LDAP: l}).Validate(); err != nil {
			t.Fatal(err)
		}
		if _, err := store.PutSection(who, "directory", nil, &api.Directory{LDAP: l}); err != nil {
			t.Fatal(err)
		}
	}
	byGroups := settings(s)
	byGroups.URL, byGroups.GroupBase = s.Plain, "ou=groups,dc=example,dc=org"
	for how, l := range map[string]api.LDAP{"LDAPS, memberOf": settings(s), "StartTLS, groups": byGroups} {
		keep(l)
		for _, tc := range []struct {
			name, password string
			role           api.Role // Nobody: refused
		}{
			{"ada", slapd.Password, api.Owner},
			{"ADA", slapd.Password, api.Owner},
			{"ada@example.org", slapd.Password, api.Owner},
			{"ada", "wrong", api.Nobody},
			{"ada", "", api.Nobody}, // servers say yes to a question without a password
			{"", slapd.Password, api.Nobody},
			{"nobody", slapd.Password, api.Nobody},
			{"ben", slapd.Password, api.Nobody},              // in no group
			{"cleo", slapd.Password, api.Nobody},             // in one without a role
			{"desk@example.org", slapd.Password, api.Nobody}, // two people
			{"a*", slapd.Password, api.Nobody},
			{"*", slapd.Password, api.Nobody},
			{"ada)(uid=*", slapd.Password, api.Nobody},
			{`ada)(|(uid=*))(&(uid=\00`, slapd.Password, api.Nobody},
			{"ada\x00", slapd.Password, api.Nobody},
		} {
			p, err := service.SignIn(t.Context(), tc.name, tc.password)
			if tc.role == api.Nobody {
				if !errors.Is(err, ErrWrong) {
					t.Errorf("%s: %q with %q: %+v, %v", how, tc.name, tc.password, p, err)
				}
				continue
			}
			if err != nil || p.Role != tc.role || p.Name != "ada" || p.ID != "uid=ada,"+slapd.People || len(p.Groups) != 2 {
				t.Errorf("%s: %q: %+v, %v", how, tc.name, p, err)
			}
		}
	}
	// A server that is away is not a wrong password.
	gone := settings(s)
	gone.URL = "ldaps://localhost:" + porttest.Free(t)
	keep(gone)
	if _, err := service.SignIn(t.Context(), "ada", slapd.Password); err == nil || errors.Is(err, ErrWrong) || !strings.Contains(err.Error(), "Nothing listens there") {
		t.Errorf("a server that is away: %v", err)
	}
}

func TestLDAPInWords(t *testing.T) {
	t.Parallel()
	s := slapd.New(t)
	service, _ := newService(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes calls and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	other, _, _ := slapd.Authority(t, "localhost")
	for _, tc := range []struct {
		what   string
		change func(*api.DirectoryTest)
		broken string
		says   string
	}{
		{"all is well", func(*api.DirectoryTest) {}, "", "viewer"},
		{"with StartTLS", func(q *api.DirectoryTest) { q.Directory.LDAP.URL = s.Plain }, "", "StartTLS"},
		{"only the account", func(q *api.DirectoryTest) { q.Name, q.Password = "", "" }, "", slapd.Reader},
		{"only the name", func(q *api.DirectoryTest) { q.Password = "" }, "", "viewer"},
		{"nothing listens", func(q *api.DirectoryTest) { q.Directory.LDAP.URL = "ldaps://localhost:" + porttest.Free(t) }, "connect", "Nothing listens there"},
		{"no such name", func(q *api.DirectoryTest) { q.Directory.LDAP.URL = "ldaps://dc.invalid" }, "connect", "Nobody here knows the name dc.invalid"},
		{"another authority", func(q *api.DirectoryTest) { q.Directory.LDAP.Root = string(other) }, "encryption", "authority that this box does not know"},
		{"another authority, StartTLS", func(q *api.DirectoryTest) { q.Directory.LDAP.URL, q.Directory.LDAP.Root = s.Plain, string(other) }, "encryption", "authority that this box does not know"},
		{"under another name", func(q *api.DirectoryTest) {
			q.Directory.LDAP.URL = "ldaps://" + relay(t, "127.0.0.2", strings.TrimPrefix(s.Secure, "ldaps://"))
		}, "encryption", "is for localhost"},
		{"TLS on the plain port", func(q *api.DirectoryTest) {
			q.Directory.LDAP.URL = strings.Replace(s.Plain, "ldap://", "ldaps://", 1)
		}, "encryption", ""},
		{"a server without TLS", func(q *api.DirectoryTest) { q.Directory.LDAP.URL = s.Bare }, "encryption", "does not offer StartTLS"},
		{"it says nothing", func(q *api.DirectoryTest) { q.Directory.LDAP.URL = "ldaps://" + silent.Addr().String() }, "encryption", "does not answer in time"},
		{"the account's password", func(q *api.DirectoryTest) { q.Secrets.LDAPPassword = new("wrong") }, "account", "name or password is wrong"},
		{"no password for it", func(q *api.DirectoryTest) { q.Secrets.LDAPPassword = nil }, "account", "no password for the box's account"},
		{"without an account", func(q *api.DirectoryTest) { q.Directory.LDAP.BindDN = "" }, "person", ""},
		{"no such base", func(q *api.DirectoryTest) { q.Directory.LDAP.Base = "ou=nowhere,dc=example,dc=org" }, "person", "base does not exist"},
		{"a bad filter", func(q *api.DirectoryTest) { q.Directory.LDAP.Filter = "(uid~~{name})" }, "person", "filter cannot be read"},
		{"nobody of that name", func(q *api.DirectoryTest) { q.Name = "nobody" }, "person", "Nobody is called so"},
		{"two of that name", func(q *api.DirectoryTest) { q.Name = "desk@example.org" }, "person", "Several people"},
		{"the person's password", func(q *api.DirectoryTest) { q.Password = "wrong" }, "password", "does not take this password"},
		{"no role", func(q *api.DirectoryTest) { q.Name = "ben" }, "role", "None of these groups"},
		{"no such base of groups", func(q *api.DirectoryTest) { q.Directory.LDAP.GroupBase = "ou=x,dc=example,dc=org" }, "groups", "base does not exist"},
	} {
		q := api.DirectoryTest{Directory: api.Directory{LDAP: settings(s)}, Name: "ada", Password: slapd.Password, Secrets: api.DirectorySecrets{LDAPPassword: new(slapd.Secret)}}
		q.Directory.LDAP.Roles = q.Directory.LDAP.Roles[:1]
		tc.change(&q)
		found, err := service.Try(t.Context(), q)
		if err != nil {
			t.Errorf("%s: %v", tc.what, err)
			continue
		}
		var all []string
		for _, c := range found.Checks {
			all = append(all, c.Name+": "+c.Text)
		}
		text := strings.Join(all, "\n")
		if found.Broken != tc.broken || !strings.Contains(text, tc.says) || strings.Contains(text, slapd.Password) || strings.Contains(text, slapd.Secret) {
			t.Errorf("%s: broken %q, want %q with %q:\n%s", tc.what, found.Broken, tc.broken, tc.says, text)
		}
		if last := found.Checks[len(found.Checks)-1]; tc.broken != "" && (last.State != api.CheckBroken || last.Text == "") {
			t.Errorf("%s: %+v", tc.what, last)
		}
	}
	// Who asked is gone: nothing goes on.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := service.Try(ctx, api.DirectoryTest{Directory: api.Directory{LDAP: settings(s)}}); err == nil {
		t.Error("a test goes on without anybody waiting for it")
	}
}

// relay is the same server at another address, for which it has no certificate.
func relay(t *testing.T, address, to string) string {
	t.Helper()
	l, err := net.Listen("tcp", address+":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", strings.Replace(to, "localhost", "127.0.0.1", 1))
			if err != nil {
				in.Close()
				continue
			}
			go pass(in, out)
			go pass(out, in)
		}
	}()
	return l.Addr().String()
}

func pass(to, from net.Conn) {
	defer to.Close()
	_, _ = io.Copy(to, from) // the test ends it
}
