package front

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

func TestPages(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, tc := range []struct {
		name, path string
		status     int
		has        string
	}{
		{"start", "/", 200, "the page"},
		{"room", "/standup", 200, "the page"},
		{"room in capitals", "/StandUp?jwt=x", 200, "the page"},
		{"unicode", "/%E4%BC%9A%E8%AE%AE", 200, "the page"},
		{"blank and sign", "/B%C3%BCro%20%26%20K%C3%BCche%25", 200, "the page"},
		{"slash in a name", "/a%2Fb", 200, "the page"},
		{"question mark in a name", "/why%3F", 200, "the page"},
		{"script by name", "/wp-login.php", 200, "the page"},
		{"the page by name", "/index.html", 200, "the page"},
		{"asset", "/assets/main-1.js", 200, "1"},
		{"file in the root", "/favicon.svg", 200, "<svg/>"},
		{"old asset", "/assets/main-0.js", 404, "no such file"},
		{"asset folder", "/assets/", 404, "no such file"},
		{"not a room", "/favicon.ico", 404, "no such file"},
		{"well-known", "/.well-known/x", 404, "no such file"},
		{"traversal", "/../etc/passwd", 400, "cannot be a meeting"},
		{"escaped traversal", "/%2e%2e/etc/passwd", 400, "cannot be a meeting"},
		{"escaped all", "/..%2f..%2fetc%2fpasswd", 400, "cannot be a meeting"},
		{"traversal among assets", "/assets/..%2findex.html", 400, "cannot be a meeting"},
		{"backslash", "/..%5cx", 400, "cannot be a meeting"},
		{"zero byte", "/a%00b", 400, "cannot be a meeting"},
		{"bad UTF-8", "/%ff", 400, "cannot be a meeting"},
		{"double slash", "/a//b", 400, "cannot be a meeting"},
	} {
		got := w.get(t, "https://"+w.https+tc.path)
		if got.StatusCode != tc.status || !strings.Contains(got.text, tc.has) {
			t.Errorf("%s: GET %s = %d %q, want %d with %q", tc.name, tc.path, got.StatusCode, got.text, tc.status, tc.has)
		}
		if got.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: no nosniff", tc.name)
		}
		if csp := got.Header.Get("Content-Security-Policy"); (csp != "") != (tc.has == "the page") {
			t.Errorf("%s: content policy %q", tc.name, csp)
		}
		if got.ProtoMajor != 2 {
			t.Errorf("%s: over %s, want HTTP/2", tc.name, got.Proto)
		}
	}
	if got := w.get(t, "https://"+w.https+"/room/?a=b"); got.StatusCode != 302 || got.Header.Get("Location") != "/room?a=b" {
		t.Errorf("trailing slash: %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
	if got := w.do(t, request(t, http.MethodPost, "https://"+w.https+"/room", nil)); got.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST to a room: %d", got.StatusCode)
	}
	if got := w.get(t, "https://"+w.https+"/").Header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("HSTS %q from a local authority", got)
	}
}

func TestConfigForHost(t *testing.T) {
	t.Parallel()
	w := start(t)
	port := w.https[strings.LastIndex(w.https, ":"):]
	for _, tc := range []struct {
		host   string
		status int
		has    string
	}{
		{"127.0.0.1" + port, 200, `"wss://127.0.0.1` + port + `/xmpp-websocket"`},
		{"Meetbox.Local", 200, `"wss://meetbox.local/xmpp-websocket"`},
		{"meetbox.local:444", 200, `"wss://meetbox.local:444/xmpp-websocket"`},
		{"evil.example", 421, "Open https://meetbox.local" + port + "/ instead"},
		{"192.168.99.99", 421, "does not answer under the name"},
	} {
		r := request(t, http.MethodGet, "https://"+w.https+"/config.js", nil)
		r.Host = tc.host
		got := w.do(t, r)
		if got.StatusCode != tc.status || !strings.Contains(got.text, tc.has) {
			t.Errorf("Host %s: %d %s, want %d with %s", tc.host, got.StatusCode, got.text, tc.status, tc.has)
		}
		if tc.status == 200 && got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("Host %s: cached: %q", tc.host, got.Header.Get("Cache-Control"))
		}
	}
	r := request(t, http.MethodGet, "https://"+w.https+"/room", nil)
	r.Host = "evil.example"
	if got := w.do(t, r); got.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("a page under a foreign name: %d", got.StatusCode)
	}
}

func TestTrustPage(t *testing.T) {
	t.Parallel()
	w := start(t)
	port := w.https[strings.LastIndex(w.https, ":"):]
	typed := func(host, path string) answer {
		r := request(t, http.MethodGet, "http://"+w.http+path, nil)
		r.Host = host
		r.Header.Set("Accept", "text/html,application/xhtml+xml")
		return w.do(t, r)
	}
	for _, path := range []string{"/", "/trust"} {
		got := typed("meetbox.local", path)
		if got.StatusCode != 200 || !strings.Contains(got.text, "trust this box") {
			t.Errorf("%s: %d %q", path, got.StatusCode, got.text)
		}
		if csp := got.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "connect-src 'self' https://meetbox.local"+port+" wss://meetbox.local"+port+";") {
			t.Errorf("%s: content policy %q", path, csp)
		}
		if got := typed("evil.example", path); got.Header.Get("Location") != "https://meetbox.local"+port+"/" {
			t.Errorf("%s under a foreign name: %d to %q", path, got.StatusCode, got.Header.Get("Location"))
		}
	}
	if got := typed("meetbox.local", "/standup"); got.StatusCode != http.StatusFound {
		t.Errorf("a room: %d", got.StatusCode)
	}
	at := typed("localhost", "/trust.json")
	if want := `{"origin":"https://localhost` + port + `","sha256":"`; !strings.HasPrefix(at.text, want) || len(at.text) != len(want)+95+2 {
		t.Errorf("trust.json: %q, want %s…", at.text, want)
	}
	profile := w.get(t, "http://"+w.http+"/ca.mobileconfig")
	if profile.Header.Get("Content-Type") != "application/x-apple-aspen-config" || !strings.Contains(profile.text, "com.apple.security.root") {
		t.Errorf("ca.mobileconfig: %d %q", profile.StatusCode, profile.text)
	}
	asset := w.get(t, "http://"+w.http+"/assets/main-1.js")
	if asset.StatusCode != 200 || asset.text != "1" {
		t.Errorf("asset: %d %q", asset.StatusCode, asset.text)
	}
	trusted := w.get(t, "https://"+w.https+trustedPath)
	if trusted.StatusCode != http.StatusNoContent || trusted.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%s: %d %v", trustedPath, trusted.StatusCode, trusted.Header)
	}
}

func TestPlainPort(t *testing.T) {
	t.Parallel()
	w := start(t)
	port := w.https[strings.LastIndex(w.https, ":"):]
	for _, tc := range []struct{ host, path, want string }{
		{"", "/room?x=1", "https://127.0.0.1" + port + "/room?x=1"},
		{"localhost:8080", "/", "https://localhost" + port + "/"},
		{"evil.example", "/room", "https://meetbox.local" + port + "/room"},
		{"", "/..%2f", "https://127.0.0.1" + port + "/"},
		{"", "//evil.example/", "https://127.0.0.1" + port + "/"},
	} {
		r := request(t, http.MethodGet, "http://"+w.http+tc.path, nil)
		r.Host = tc.host
		got := w.do(t, r)
		if got.StatusCode != http.StatusFound || got.Header.Get("Location") != tc.want {
			t.Errorf("GET %s at %s: %d to %s, want 302 to %s", tc.path, tc.host, got.StatusCode, got.Header.Get("Location"), tc.want)
		}
	}
	ca := w.get(t, "http://"+w.http+"/ca.crt")
	onDisk, err := os.ReadFile(w.path("ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	if ca.text != string(onDisk) || ca.Header.Get("Content-Type") != "application/x-x509-ca-cert" {
		t.Errorf("ca.crt: %d %v %q", ca.StatusCode, ca.Header, ca.text)
	}
	if got := w.do(t, request(t, http.MethodPost, "http://"+w.http+"/x", nil)); got.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", got.StatusCode)
	}
	for _, p := range []string{"/config.js", "/xmpp-websocket", "/index.html", "/trust/x"} {
		if got := w.get(t, "http://"+w.http+p); got.StatusCode != http.StatusFound {
			t.Errorf("GET %s without TLS: %d", p, got.StatusCode)
		}
	}
}

func TestCertificateReload(t *testing.T) {
	t.Parallel()
	w := start(t)
	if got := w.serial(t); got != 1 {
		t.Fatalf("serial %d, want 1", got)
	}
	w.issue(t, 2)
	if err := w.server.Apply(w.settings); err != nil {
		t.Fatal(err)
	}
	if got := w.serial(t); got != 2 {
		t.Errorf("serial %d after the reload, want 2", got)
	}
	w.write(t, "web.key", pemBlock("PRIVATE KEY", []byte("junk")))
	other := w.settings
	other.Names = []string{"new.local"}
	if err := w.server.Apply(other); err == nil {
		t.Error("a key that does not fit has no error")
	}
	if got := w.serial(t); got != 2 {
		t.Errorf("serial %d after a bad pair, want still 2", got)
	}
	if got := w.get(t, "https://"+w.https+"/"); got.StatusCode != 200 {
		t.Errorf("after a bad pair the old names are gone: %d", got.StatusCode)
	}
}

func TestOldTLSRefused(t *testing.T) {
	t.Parallel()
	w := start(t)
	c, err := tls.Dial("tcp", w.https, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11})
	if err == nil {
		c.Close()
		t.Error("TLS 1.1 was accepted")
	}
}

// TestBadSettings: each is refused by name, and nobody's private key is
// handed out as the authority.
func TestBadSettings(t *testing.T) {
	t.Parallel()
	w := start(t)
	for name, change := range map[string]func(*Settings){
		"no names":      func(s *Settings) { s.Names = nil },
		"no port":       func(s *Settings) { s.HTTPSPort = 0 },
		"no domain":     func(s *Settings) { s.Domain = "" },
		"no authority":  func(s *Settings) { s.CA = w.path("none") },
		"key as CA":     func(s *Settings) { s.CA = w.path("web.key") },
		"no such key":   func(s *Settings) { s.Key = w.path("none") },
		"key for chain": func(s *Settings) { s.Certificate = w.path("web.key") },
	} {
		s := w.settings
		change(&s)
		if err := w.server.Apply(s); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestWebSocket(t *testing.T) {
	t.Parallel()
	w := start(t)
	seen := make(chan *http.Request, 1)
	w.backend(t, "signaling", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			rw.Header().Set("Access-Control-Allow-Origin", "https://one.example")
			fmt.Fprint(rw, "alive")
			return
		}
		c, err := websocket.Accept(rw, r, &websocket.AcceptOptions{Subprotocols: []string{"xmpp"}, InsecureSkipVerify: true})
		if err != nil {
			return
		}
		defer c.CloseNow()
		seen <- r
		kind, b, err := c.Read(r.Context())
		if err != nil {
			return
		}
		if err := c.Write(r.Context(), kind, append([]byte("echo "), b...)); err != nil {
			return
		}
		c.Close(websocket.StatusNormalClosure, "")
	}))
	c, resp, err := websocket.Dial(t.Context(), "wss://"+w.https+"/xmpp-websocket?room=a%20b&previd=7", &websocket.DialOptions{
		HTTPClient:   w.client,
		Subprotocols: []string{"xmpp"},
		HTTPHeader: http.Header{
			"Origin":          {"https://elsewhere.example"},
			"X-Forwarded-For": {"10.9.9.9"},
			"Forwarded":       {"for=10.9.9.9"},
			"X-Local-Address": {"10.9.9.9"},
			"Cookie":          {"a=b"},
		},
	})
	if err != nil {
		t.Fatal(err, resp)
	}
	defer c.CloseNow()
	if c.Subprotocol() != "xmpp" {
		t.Errorf("subprotocol %q", c.Subprotocol())
	}
	if err := c.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, b, err := c.Read(t.Context()); err != nil || string(b) != "echo hello" {
		t.Errorf("read %q, %v", b, err)
	}
	r := <-seen
	if got := r.Header.Get("X-Forwarded-For"); got != "127.0.0.1" {
		t.Errorf("X-Forwarded-For %q, want the peer only", got)
	}
	if got := r.Header.Get("X-Local-Address"); got != "127.0.0.1" {
		t.Errorf("X-Local-Address %q, want where the request came in", got)
	}
	if r.Header.Get("Forwarded") != "" || r.Header.Get("Cookie") != "" {
		t.Errorf("passed on: %v", r.Header)
	}
	if r.URL.RawQuery != "room=a%20b&previd=7" || r.Host != w.https {
		t.Errorf("asked for %s at %s", r.URL, r.Host)
	}
	got := w.get(t, "https://"+w.https+"/xmpp-websocket?room=x")
	if got.StatusCode != 200 || got.text != "alive" {
		t.Errorf("keepalive: %d %q", got.StatusCode, got.text)
	}
	if v := got.Header.Values("Access-Control-Allow-Origin"); len(v) != 1 || v[0] != "*" {
		t.Errorf("keepalive: origins %q, want one *", v)
	}
}

func TestConferenceRequest(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.backend(t, "focus", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(rw, "cut", http.StatusBadRequest)
			return
		}
		fmt.Fprintf(rw, "%s %s %s", r.Method, r.URL, b)
	}))
	url := "https://" + w.https + "/conference-request/v1?room=x"
	r := request(t, http.MethodPost, url, strings.NewReader(`{"room":"x"}`))
	r.Host = "pbx.example" // upstream clients may know the box by another name
	if got := w.do(t, r); got.text != `POST /conference-request/v1?room=x {"room":"x"}` {
		t.Errorf("%d %q", got.StatusCode, got.text)
	}
	got := w.do(t, request(t, http.MethodOptions, url, nil))
	if got.StatusCode != http.StatusNoContent || got.Header.Get("Access-Control-Allow-Methods") != "GET, POST, PUT, DELETE, OPTIONS" ||
		got.Header.Get("Access-Control-Allow-Headers") != "Content-Type, Authorization" {
		t.Errorf("preflight: %d %v", got.StatusCode, got.Header)
	}
	big := w.do(t, request(t, http.MethodPost, url, bytes.NewReader(make([]byte, 300<<10))))
	if big.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("300 kB: %d %q", big.StatusCode, big.text)
	}
}

// A request that comes while its backend is being restarted is answered by the
// new one.
func TestBackendRestarting(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.write(t, "focus.sock", nil) // a file that nobody listens on, as after kill -9
	answer := make(chan int, 1)
	r := request(t, http.MethodGet, "https://"+w.https+"/conference-request/v1", nil)
	go func() {
		defer close(answer)
		if got, err := w.client.Do(r); err == nil {
			answer <- got.StatusCode
			got.Body.Close()
		}
	}()
	var b bytes.Buffer
	for !strings.Contains(b.String(), `web_proxy_requests_total{backend="focus"} 1`) {
		b.Reset()
		w.metrics.WritePrometheus(&b)
		runtime.Gosched()
	}
	if err := os.Remove(w.path("focus.sock")); err != nil {
		t.Fatal(err)
	}
	w.backend(t, "focus", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusTeapot) }))
	if got := <-answer; got != http.StatusTeapot {
		t.Errorf("status %d", got)
	}
}

func TestBackendDown(t *testing.T) {
	t.Parallel()
	w := start(t)
	check := func(what, url string, status int) {
		t.Helper()
		got := w.get(t, url)
		if got.StatusCode != status || got.Header.Get("Retry-After") == "" || !strings.Contains(got.text, "service") ||
			got.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d %v %q", what, got.StatusCode, got.Header, got.text)
		}
	}
	check("never started", "https://"+w.https+"/colibri-ws/a/b/c", http.StatusServiceUnavailable)
	w.write(t, "bridge.sock", nil) // a file that nobody listens on, as after kill -9
	check("killed", "https://"+w.https+"/colibri-ws/a/b/c", http.StatusServiceUnavailable)
	w.backend(t, "focus", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(rw).Hijack()
		if err == nil {
			c.Close()
		}
	}))
	check("broken", "https://"+w.https+"/conference-request/v1", http.StatusBadGateway)
	var b bytes.Buffer
	w.metrics.WritePrometheus(&b)
	for _, want := range []string{`web_proxy_errors_total{backend="bridge"} 2`, `web_proxy_errors_total{backend="focus"} 1`, `web_answers_total{port="https",class="5xx"} 3`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("metrics lack %s:\n%s", want, b.String())
		}
	}
}

func TestPolicyReports(t *testing.T) {
	t.Parallel()
	w := start(t)
	url := "https://" + w.https + "/_csp-report"
	for body, want := range map[string]int{
		`{"csp-report":{"violated-directive":"img-src","blocked-uri":"https://x"}}`: 204,
		`junk`:                     400,
		strings.Repeat("x", 1<<15): 400,
	} {
		if got := w.do(t, request(t, http.MethodPost, url, strings.NewReader(body))); got.StatusCode != want {
			t.Errorf("report of %d bytes: %d, want %d", len(body), got.StatusCode, want)
		}
	}
	if got := w.server.meters.reports.Get(); got != 1 {
		t.Errorf("counted %d reports, want 1", got)
	}
}

// TestHeaderLimit speaks HTTP by hand: the server answers before it has read
// everything, which Go's client takes for a broken connection.
func TestHeaderLimit(t *testing.T) {
	t.Parallel()
	w := start(t)
	c, err := net.Dial("tcp", w.http)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: %s", strings.Repeat("x", maxHeader+4096)); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || !strings.Contains(line, " 431 ") {
		t.Errorf("%d bytes of header: %q, %v", maxHeader+4096, line, err)
	}
}
