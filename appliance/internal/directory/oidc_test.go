package directory

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/directory/slapd"
	"meetbox.local/appliance/internal/state"
	"meetbox.local/appliance/kit/porttest"
)

const redirect = "https://localhost:8444/signed-in"

// provider is a real one (scripts/pebble/oidc), with its pages.
type provider struct {
	issuer, root string
	browser      *http.Client
}

func newProvider(t *testing.T) provider {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "oidc")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./oidc")
	build.Dir = filepath.Join("..", "..", "..", "scripts", "pebble")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("provider: %v\n%s", err, out)
	}
	root, crt, key := slapd.Authority(t, "localhost")
	for name, b := range map[string][]byte{"crt": crt, "key": key} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	port := porttest.Free(t)
	cmd := exec.CommandContext(t.Context(), bin, "-listen", "127.0.0.1:"+port, "-cert", filepath.Join(dir, "crt"), "-key", filepath.Join(dir, "key"), "-redirect", redirect)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(root)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := provider{issuer: "https://localhost:" + port, root: string(root), browser: &http.Client{
		Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}},
		// The way back to the box is the test's.
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			if strings.HasPrefix(r.URL.String(), redirect) {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}}
	for {
		resp, err := p.browser.Get(p.issuer + "/.well-known/openid-configuration")
		if err == nil {
			resp.Body.Close()
			return p
		}
		select { // it is another program: nothing tells when it listens
		case err := <-ended:
			ended <- err
			t.Fatalf("provider ended: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (p provider) settings() api.OIDC {
	return api.OIDC{Issuer: p.issuer, Root: p.root, ClientID: "meetbox", Roles: []api.GroupRole{{Group: "meetbox-admins", Role: api.Admin}}}
}

var requestID = regexp.MustCompile(`name="id" value="([^"]*)"`)

// signIn is what a person does at the provider, up to the way back.
func (p provider) signIn(t *testing.T, to, name string) api.OIDCAnswer {
	t.Helper()
	resp, err := p.browser.Get(to)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	found := requestID.FindSubmatch(page)
	if err != nil || found == nil {
		t.Fatalf("no page to sign in on: %s %s (%v)", resp.Status, page, err)
	}
	resp, err = p.browser.PostForm(p.issuer+"/login/username", url.Values{"id": {html.UnescapeString(string(found[1]))}, "username": {name}, "password": {"verysecure"}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		t.Fatalf("%s: %v", resp.Status, err)
	}
	return api.OIDCAnswer{State: back.Query().Get("state"), Code: back.Query().Get("code"), Error: back.Query().Get("error")}
}

func TestOIDC(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	service, store := newService(t)
	who := state.Actor{Name: "Ada", Role: api.Owner}
	keep := func(o api.OIDC, secret string) {
		t.Helper()
		if err := (api.Directory{OIDC: o}).Validate(); err != nil {
			t.Fatal(err)
		}
		if _, err := store.PutSection(who, "directory", nil, &api.Directory{OIDC: o}); err != nil {
			t.Fatal(err)
		}
		if err := service.PutSecrets(who, api.DirectorySecrets{OIDCSecret: &secret}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := service.Begin(t.Context(), redirect); err == nil {
		t.Error("it begins without a provider")
	}
	keep(p.settings(), "between us")
	begin := func() (to, browser string) {
		t.Helper()
		to, browser, err := service.Begin(t.Context(), redirect)
		if err != nil {
			t.Fatal(err)
		}
		return to, browser
	}
	to, browser := begin()
	asked, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"response_type": "code", "code_challenge_method": "S256", "redirect_uri": redirect, "client_id": "meetbox", "scope": "openid profile"} {
		if got := asked.Query().Get(name); got != want {
			t.Errorf("%s=%q, want %q", name, got, want)
		}
	}
	if asked.Query().Get("nonce") == "" || asked.Query().Get("state") == "" || strings.Contains(to, browser) {
		t.Errorf("asked %s", to)
	}
	answer := p.signIn(t, to, "ada")
	if _, err := service.Finish(t.Context(), "another browser", answer); err == nil {
		t.Error("another browser takes the sign-in over")
	}
	got, err := service.Finish(t.Context(), browser, answer)
	if err != nil || got.Name != "ada" || got.ID != "ada" || got.Role != api.Admin || got.Source != OIDC {
		t.Errorf("signed in: %+v, %v", got, err)
	}
	for what, finish := range map[string]func() error{
		"the same answer twice": func() error { _, err := service.Finish(t.Context(), browser, answer); return err },
		"a state of nobody": func() error {
			_, err := service.Finish(t.Context(), browser, api.OIDCAnswer{State: "x", Code: "y"})
			return err
		},
		"nobody's browser": func() error {
			to, _ := begin()
			_, err := service.Finish(t.Context(), "", p.signIn(t, to, "ada"))
			return err
		},
		"somebody without roles": func() error {
			to, b := begin()
			_, err := service.Finish(t.Context(), b, p.signIn(t, to, "ben"))
			return err
		},
		"the provider says no": func() error {
			to, b := begin()
			_, err := service.Finish(t.Context(), b, api.OIDCAnswer{State: stateOf(t, to), Error: "access_denied"})
			return err
		},
		"a code of somebody else's sign-in": func() error {
			first, _ := begin()
			to, b := begin()
			a := p.signIn(t, first, "ada")
			a.State = stateOf(t, to)
			_, err := service.Finish(t.Context(), b, a) // PKCE
			return err
		},
	} {
		if err := finish(); err == nil {
			t.Errorf("%s: signed in", what)
		}
	}
	// Claims that are elsewhere, and a provider that has to be asked for them.
	other := p.settings()
	other.Name, other.Roles = "given_name", []api.GroupRole{{Group: "*", Role: api.Viewer}}
	keep(other, "between us")
	to, browser = begin()
	if got, err := service.Finish(t.Context(), browser, p.signIn(t, to, "ben")); err != nil || got.Name != "Ben" || got.Role != api.Viewer {
		t.Errorf("with another claim: %+v, %v", got, err)
	}
	keep(p.settings(), "wrong")
	to, browser = begin()
	if _, err := service.Finish(t.Context(), browser, p.signIn(t, to, "ada")); err == nil || !strings.Contains(err.Error(), "secret is wrong") {
		t.Errorf("with a wrong secret: %v", err)
	}
}

func stateOf(t *testing.T, to string) string {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("state")
}

func TestOIDCInWords(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	service, _ := newService(t)
	other, _, _ := slapd.Authority(t, "localhost")
	for _, tc := range []struct {
		what         string
		change       func(*api.DirectoryTest)
		broken, says string
	}{
		{"all is well", func(*api.DirectoryTest) {}, "", "does not object to meetbox"},
		{"nothing listens", func(q *api.DirectoryTest) { q.Directory.OIDC.Issuer = "https://localhost:" + porttest.Free(t) }, "connect", "Nothing listens there"},
		{"another authority", func(q *api.DirectoryTest) { q.Directory.OIDC.Root = string(other) }, "connect", "authority that this box does not know"},
		{"another path", func(q *api.DirectoryTest) { q.Directory.OIDC.Issuer += "/realms/x" }, "connect", "no provider of OpenID Connect at this address (404"},
		{"spelt otherwise", func(q *api.DirectoryTest) { q.Directory.OIDC.Issuer += "/" }, "discovery", "calls itself " + p.issuer},
	} {
		q := api.DirectoryTest{OIDC: true, Directory: api.Directory{OIDC: p.settings()}, Secrets: api.DirectorySecrets{OIDCSecret: new("between us")}}
		tc.change(&q)
		found, err := service.Try(t.Context(), q)
		if err != nil {
			t.Errorf("%s: %v", tc.what, err)
			continue
		}
		text := fmt.Sprint(found.Checks)
		if found.Broken != tc.broken || !strings.Contains(text, tc.says) || strings.Contains(text, "between us") {
			t.Errorf("%s: broken %q, want %q with %q: %s", tc.what, found.Broken, tc.broken, tc.says, text)
		}
	}
}

func TestClaims(t *testing.T) {
	t.Parallel()
	claims := map[string]any{
		"groups": []any{"a", 1.0, "b"}, "roles": "c d,e", "https://x.example/groups": []any{"f"},
		"realm_access": map[string]any{"roles": []any{"g"}}, "odd": map[string]any{"x": 1.0},
	}
	for name, want := range map[string]string{
		"groups": "a b", "roles": "c d e", "https://x.example/groups": "f", "realm_access.roles": "g",
		"realm_access": "", "realm_access.none": "", "none": "", "odd.x": "", "groups.0": "", "": "",
	} {
		v, _ := at(claims, name)
		if got := strings.Join(texts(v), " "); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if r := api.RoleOf([]api.GroupRole{{Group: "*", Role: api.Viewer}, {Group: "Ops", Role: api.Operator}}, []string{"CN=ops,OU=Groups,DC=example"}); r != api.Operator {
		t.Errorf("role %v", r)
	}
}
