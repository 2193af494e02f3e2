package front

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"meetbox.local/appliance/api"
)

func TestConsolePage(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, tc := range []struct {
		path   string
		status int
		has    string
	}{
		{"/", 200, "the console"},
		{"/network", 200, "the console"},
		{"/settings/clock", 200, "the console"},
		{"/index.html", 200, "the console"},
		{"/assets/main-1.js", 200, "1"},
		{"/favicon.svg", 200, "<svg/>"},
		{"/assets/none.js", 404, "no such file"},
		{"/..%2f..%2fetc%2fpasswd", 400, "cannot be"},
		{"/api/v1/..%2f..%2fhealth", 400, "cannot be"},
		{"/a%00b", 400, "cannot be"},
		{"/a//b", 400, "cannot be"},
	} {
		got := w.get(t, "https://"+w.admin+tc.path)
		if got.StatusCode != tc.status || !strings.Contains(got.text, tc.has) {
			t.Errorf("GET %s = %d %q, want %d with %q", tc.path, got.StatusCode, got.text, tc.status, tc.has)
		}
		csp := got.Header.Get("Content-Security-Policy")
		if (tc.has == "the console") != strings.Contains(csp, "default-src 'self';") || strings.Contains(csp, "unsafe") {
			t.Errorf("GET %s: content policy %q", tc.path, csp)
		}
	}
	if got := w.get(t, "https://"+w.https+"/admin.html"); !strings.Contains(got.text, "the page") {
		t.Errorf("the console's page on the meeting's origin: %q", got.text)
	}
	r := request(t, http.MethodGet, "https://"+w.admin+"/", nil)
	r.Host = "evil.example"
	if got := w.do(t, r); got.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("under a foreign name: %d", got.StatusCode)
	}
}

// TestConsolePasses: what reaches the appliance, and what does not.
func TestConsolePasses(t *testing.T) {
	t.Parallel()
	w := start(t)
	seen := make(chan *http.Request, 100)
	w.backend(t, "appliance", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		seen <- r
		rw.Header().Set("Access-Control-Allow-Origin", "*")
		rw.WriteHeader(http.StatusNoContent)
	}))
	own := "https://" + w.admin
	big := strings.Repeat("x", consoleBody+1)
	for _, tc := range []struct {
		name, method, path, body string
		header                   map[string]string
		host                     string
		status                   int
	}{
		{"looking", "GET", "/api/v1/setup", "", nil, "", 204},
		{"changing from the page", "POST", "/api/v1/session", "{}", map[string]string{"Origin": own, "Sec-Fetch-Site": "same-origin"}, "", 204},
		{"a program", "POST", "/api/v1/session", "{}", map[string]string{"Authorization": "Bearer x"}, "", 204},
		{"another site's page", "POST", "/api/v1/session", "{}", map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, "", 403},
		{"the meeting's page", "POST", "/api/v1/session", "{}", map[string]string{"Origin": "https://" + w.https, "Sec-Fetch-Site": "same-site"}, "", 403},
		{"the meeting's page looks", "GET", "/api/v1/settings", "", map[string]string{"Sec-Fetch-Site": "same-site"}, "", 403},
		{"an old browser, another origin", "POST", "/api/v1/session", "{}", map[string]string{"Origin": "https://" + w.https}, "", 403},
		{"a frame of nobody", "POST", "/api/v1/session", "{}", map[string]string{"Origin": "null"}, "", 403},
		{"a foreign name", "GET", "/api/v1/setup", "", nil, "evil.example", 421},
		{"a huge body", "POST", "/api/v1/session", big, nil, "", 413},
		{"a huge body without a length", "POST", "/api/v1/session", big, map[string]string{"Transfer-Encoding": "chunked"}, "", 413},
		{"a form of another site", "POST", "/api/v1/session", `{"x":1}`, map[string]string{"Origin": "https://evil.example", "Content-Type": "text/plain"}, "", 403},
		{"another site's page looks", "GET", "/api/v1/settings", "", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}, "", 403},
		{"a word that no browser says", "GET", "/api/v1/settings", "", map[string]string{"Sec-Fetch-Site": "same-origin, cross-site"}, "", 403},
		{"another site's page asks what it may", "OPTIONS", "/api/v1/settings/rooms", "", map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Access-Control-Request-Method": "PUT"}, "", 403},
		{"a file", "POST", "/api/v1/update", big, map[string]string{"Content-Type": fileKind}, "", 204},
		{"the local routes", "GET", "/api/status", "", nil, "", 200}, // the page, not the API
	} {
		r := request(t, tc.method, own+tc.path, bytes.NewReader([]byte(tc.body)))
		if tc.header["Transfer-Encoding"] != "" {
			r.ContentLength, r.Body = -1, io.NopCloser(strings.NewReader(tc.body))
		}
		for k, v := range tc.header {
			r.Header.Set(k, v)
		}
		r.Header.Set("X-Forwarded-For", "10.9.9.9")
		if tc.host != "" {
			r.Host = tc.host
		}
		got := w.do(t, r)
		if got.StatusCode != tc.status {
			t.Errorf("%s: %d %q, want %d", tc.name, got.StatusCode, got.text, tc.status)
		}
		if got.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: other origins may read it", tc.name)
		}
		select {
		case r := <-seen:
			if tc.status != 204 {
				t.Errorf("%s: reached the appliance", tc.name)
			}
			if from := r.Header.Get("X-Forwarded-For"); from != "127.0.0.1" {
				t.Errorf("%s: from %q, want the client's address", tc.name, from)
			}
		default:
			if tc.status == 204 {
				t.Errorf("%s: did not reach the appliance", tc.name)
			}
		}
	}
}

// TestConsoleRestarting: a box that restarts under an open console says so.
func TestConsoleRestarting(t *testing.T) {
	t.Parallel()
	w := start(t)
	got := w.get(t, "https://"+w.admin+"/api/v1/setup")
	var p api.Problem
	if err := json.Unmarshal([]byte(got.text), &p); err != nil {
		t.Fatalf("%v in %q", err, got.text)
	}
	if got.StatusCode != 503 || p.Code != "restarting" || got.Header.Get("Retry-After") == "" || got.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %+v %v", got.StatusCode, p, got.Header)
	}
}

// TestCertificateFromOutside: it is for its own names; under the box's
// addresses and other names the box's own authority goes on.
func TestCertificateFromOutside(t *testing.T) {
	t.Parallel()
	w := start(t)
	own := w.settings
	w.issue(t, 7)
	for _, name := range []string{"crt", "key"} {
		b, err := os.ReadFile(w.path("web." + name))
		if err != nil {
			t.Fatal(err)
		}
		w.write(t, "site."+name, b)
	}
	w.issue(t, 8)
	own.Site = &Pair{Certificate: w.path("site.crt"), Key: w.path("site.key")}
	if err := w.server.Apply(own); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int64{"localhost": 7, "meetbox.local": 8, "": 8} {
		c, err := tls.Dial("tcp", w.admin, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.ConnectionState().PeerCertificates[0].SerialNumber.Int64(); got != want {
			t.Errorf("under %q: certificate %d, want %d", name, got, want)
		}
		c.Close()
	}
	w.write(t, "site.key", []byte("junk"))
	if err := w.server.Apply(own); err == nil {
		t.Error("a key that does not fit has no error")
	}
}

// TestProofs: the site's authority reaches the appliance without TLS.
func TestProofs(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.backend(t, "appliance", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if _, err := io.WriteString(rw, r.URL.Path); err != nil {
			return
		}
	}))
	const path = "/.well-known/acme-challenge/token"
	if got := w.get(t, "http://"+w.http+path); got.StatusCode != 200 || got.text != path {
		t.Errorf("%d %q", got.StatusCode, got.text)
	}
}
