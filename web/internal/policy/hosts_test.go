package policy

import (
	"errors"
	"net"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func box(t testing.TB) Hosts {
	t.Helper()
	h, err := NewHosts([]string{"meetbox.local", "Localhost", "192.168.1.23", "fd00::1"})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestOwn(t *testing.T) {
	t.Parallel()
	h := box(t)
	for _, tc := range []struct{ name, host, want string }{
		{"name", "meetbox.local", "meetbox.local"},
		{"name with port", "meetbox.local:8443", "meetbox.local:8443"},
		{"case", "MEETBOX.local:8443", "meetbox.local:8443"},
		{"setting in capitals", "localhost", "localhost"},
		{"root dot", "meetbox.local.", "meetbox.local"},
		{"address", "192.168.1.23:443", "192.168.1.23:443"},
		{"mapped address", "[::ffff:192.168.1.23]", "[::ffff:192.168.1.23]"},
		{"IPv6", "[fd00::1]:8443", "[fd00::1]:8443"},
		{"IPv6 without port", "[FD00:0::1]", "[fd00::1]"},
		{"foreign name", "evil.example", ""},
		{"suffix of ours", "x.meetbox.local", ""},
		{"foreign address", "192.168.1.24", ""},
		{"zone", "[fd00::1%25eth0]", ""},
		{"script", `localhost:1"onload=`, ""},
		{"port zero", "localhost:0", ""},
		{"port overflow", "localhost:65536", ""},
		{"empty", "", ""},
		{"user", "a@localhost", ""},
	} {
		got, err := h.Own(tc.host)
		if got != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("%s: Own(%q) = %q, %v, want %q", tc.name, tc.host, got, err, tc.want)
		}
	}
	if _, err := h.Own("evil.example"); !errors.Is(err, ErrForeignHost) {
		t.Errorf("Own(evil.example): %v, want ErrForeignHost", err)
	}
}

func TestSecureURL(t *testing.T) {
	t.Parallel()
	h := box(t)
	for _, tc := range []struct {
		host string
		port int
		want string
	}{
		{"localhost:8080", 8443, "https://localhost:8443/x"},
		{"192.168.1.23", 443, "https://192.168.1.23/x"},
		{"[fd00::1]:80", 443, "https://[fd00::1]/x"},
		{"evil.example", 443, "https://meetbox.local/x"},
		{"", 8443, "https://meetbox.local:8443/x"},
	} {
		if got := h.SecureURL(tc.host, tc.port, "/x"); got != tc.want {
			t.Errorf("SecureURL(%q, %d) = %q, want %q", tc.host, tc.port, got, tc.want)
		}
	}
}

func TestNewHostsRefuses(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{nil, {""}, {"a b"}, {"a..b"}, {"x", "y:80"}, {strings.Repeat("a", 64)}, {"ä.local"}} {
		if _, err := NewHosts(names); err == nil {
			t.Errorf("NewHosts(%q): no error", names)
		}
	}
}

// FuzzOwn: whatever is accepted is a host of a URL, has no character that
// means something in a script or a header, and is accepted again unchanged.
func FuzzOwn(f *testing.F) {
	for _, s := range []string{"meetbox.local:8443", "[fd00::1]:1", "192.168.1.23", "localhost.", "[::ffff:192.168.1.23]:80", `"`} {
		f.Add(s)
	}
	h := box(f)
	f.Fuzz(func(t *testing.T, s string) {
		own, err := h.Own(s)
		if err != nil {
			return
		}
		if strings.ContainsAny(own, "\"'<>\\ \r\n/;@") {
			t.Fatalf("Own(%q) = %q", s, own)
		}
		if u, err := url.Parse("https://" + own + "/"); err != nil || u.Host != own {
			t.Fatalf("Own(%q) = %q, which parses as %v, %v", s, own, u, err)
		}
		if again, err := h.Own(own); err != nil || again != own {
			t.Fatalf("Own(%q) = %q, then %q, %v", s, own, again, err)
		}
	})
}

func TestRoom(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		path string
		room string
		ok   bool
	}{
		{"/", "", true},
		{"/standup", "standup", true},
		{"/Büro & Küche 5", "Büro & Küche 5", true},
		{"/会议", "会议", true},
		{"/a/b", "a/b", true},
		{"/...", "...", true},
		{"/../etc/passwd", "", false},
		{"/a/../b", "", false},
		{"/a/.", "", false},
		{"/a\\b", "", false},
		{"/a\x00b", "", false},
		{"/a\nb", "", false},
		{"/a\xffb", "", false},
		{"/" + strings.Repeat("x", 1024), "", false},
		{"standup", "", false},
		{"", "", false},
	} {
		if room, ok := Room(tc.path); room != tc.room && ok || ok != tc.ok {
			t.Errorf("Room(%q) = %q, %v, want %q, %v", tc.path, room, ok, tc.room, tc.ok)
		}
	}
}

func TestPageHeaders(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	SetPage(w.Header(), "localhost:8443", []string{"https://intranet.example", "http://10.0.0.5:8000"})
	csp := w.Header().Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'self'", "connect-src 'self' wss://localhost:8443;", "object-src 'none'",
		"frame-ancestors 'self' https://intranet.example http://10.0.0.5:8000;"} {
		if !strings.Contains(csp, want) {
			t.Errorf("policy %q lacks %q", csp, want)
		}
	}
	SetPage(w.Header(), "localhost:8443", nil)
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'self';") {
		t.Errorf("without frames: policy %q", csp)
	}
	if strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q allows unsafe sources", csp)
	}
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := NewLimiter(2, 10)
	refused := make(chan struct{}, 8)
	lis := l.Listen(inner, func() { refused <- struct{}{} })
	t.Cleanup(func() { lis.Close() })
	accepted := make(chan net.Conn, 8)
	go func() {
		for {
			c, err := lis.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	dial()
	dial()
	first, second := <-accepted, <-accepted
	dial()
	<-refused
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err == nil {
		t.Error("a second Close has no error")
	}
	dial() // takes the place that the one Close gave back
	third := <-accepted
	if got := l.Open(); got != 2 {
		t.Errorf("Open() = %d, want 2", got)
	}
	second.Close()
	third.Close()
	if got := l.Open(); got != 0 {
		t.Errorf("Open() = %d after all were closed, want 0", got)
	}
}

// FuzzRoom: what is accepted cannot climb out of anything, and is printable
// in a header.
func FuzzRoom(f *testing.F) {
	for _, s := range []string{"/", "/a/b", "/..", "/a/../b", "/\x00", "/Büro", "/\\", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		room, ok := Room(path)
		if !ok {
			return
		}
		if "/"+room != path || strings.ContainsAny(room, "\x00\r\n\\") || strings.Contains("/"+room+"/", "/../") || len(room) > maxRoom {
			t.Fatalf("Room(%q) = %q", path, room)
		}
	})
}
