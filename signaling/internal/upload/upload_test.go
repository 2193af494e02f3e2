package upload

import (
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const id = "0f6a3c1e-0000-4000-8000-000000000001"

func open(t *testing.T, dir string) (*Box, *httptest.Server) {
	t.Helper()
	b, err := Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	b.SetRules(Rules{Bytes: 100, Quota: 150, Life: time.Hour})
	srv := httptest.NewServer(b)
	t.Cleanup(func() {
		srv.Close()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, srv
}

func ask(t *testing.T, method, url, body string) (status int, text string, h http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	out, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, string(out), a.Header
}

func TestPutAndGet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, srv := open(t, dir)
	name := "../ä \"plan\".html"
	if err := b.Reserve(id, name, "text/html; charset=utf-8", 5, time.Now()); err != nil {
		t.Fatal(err)
	}
	url := srv.URL + Path + id + "/" + Name(name)
	for _, tc := range []struct {
		name, method, url, body string
		status                  int
	}{
		{"before it is there", "GET", url, "", 404},
		{"another size", "PUT", url, "long text", 413},
		{"another name", "PUT", url + "x", "12345", 403},
		{"another file", "PUT", strings.Replace(url, id, strings.Replace(id, "1e", "2e", 1), 1), "12345", 403},
		{"out of the folder", "PUT", srv.URL + Path + "..%2f..%2fetc/passwd", "12345", 404},
		{"out of the folder by dots", "GET", srv.URL + Path + "%2e%2e/im.db", "", 404},
		{"description", "GET", srv.URL + Path + id + ".json/x", "", 404},
		{"deeper", "GET", url + "/x", "", 404},
		{"as agreed", "PUT", url, "12345", 201},
		{"again", "PUT", url, "54321", 403},
		{"deleted by anybody", "DELETE", url, "", 405},
	} {
		if status, text, _ := ask(t, tc.method, tc.url, tc.body); status != tc.status {
			t.Errorf("%s: %d %s, want %d", tc.name, status, text, tc.status)
		}
	}
	for range 2 { // and after a restart
		status, text, h := ask(t, "GET", url, "")
		if status != 200 || text != "12345" {
			t.Errorf("GET = %d %q", status, text)
		}
		if h.Get("Content-Type") != "application/octet-stream" || h.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.HasPrefix(h.Get("Content-Disposition"), "attachment") {
			t.Errorf("a page would run: %v", h)
		}
		_, srv = open(t, dir)
		url = srv.URL + Path + id + "/" + Name(name)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	b, _ := open(t, t.TempDir())
	now := time.Now()
	if err := b.Reserve(id, "a", "", 101, now); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if err := b.Reserve(id, "", "", 1, now); !errors.Is(err, ErrName) {
		t.Errorf("no name: %v", err)
	}
	if err := b.Reserve(id, "a", "", 100, now); err != nil {
		t.Errorf("the largest: %v", err)
	}
	second := strings.Replace(id, "1e", "2e", 1)
	if err := b.Reserve(second, "b", "", 51, now); !errors.Is(err, ErrFull) {
		t.Errorf("over the quota: %v", err)
	}
	if err := b.Reserve(second, "b", "", 51, now.Add(slotLife+time.Second)); err != nil {
		t.Errorf("the first slot has ended: %v", err)
	}
	b.SetRules(Rules{})
	if err := b.Reserve(second, "b", "", 1, now); !errors.Is(err, ErrOff) {
		t.Errorf("off: %v", err)
	}
}

func FuzzName(f *testing.F) {
	f.Add("../../etc/passwd")
	f.Add("ä\x00\r\nX: y")
	f.Fuzz(func(t *testing.T, s string) {
		n := Name(s)
		if len(n) != len(s) || strings.ContainsAny(n, "/\\\r\n\x00 %\"<>&") || strings.HasPrefix(n, ".") {
			t.Errorf("Name(%q) = %q", s, n)
		}
	})
}

// TestNames: whatever a file is called, it is stored, under a name that is no
// other's, and no header but its own comes of it.
func TestNames(t *testing.T) {
	t.Parallel()
	for name, shown := range map[string]string{
		"plan.pdf":                       "plan.pdf",
		"r\u00e9sum\u00e9 \u4f1a.txt":    "r\u00e9sum\u00e9 \u4f1a.txt",
		"../../etc/passwd":               "../../etc/passwd", // shown in full; browsers take the last part
		"..\\..\\windows\\system.ini":    "..\\..\\windows\\system.ini",
		"%2e%2e%2fim.db":                 "%2e%2e%2fim.db",
		"a\r\nSet-Cookie: x=y\r\n\r\n":   "aSet-Cookie: x=y",
		"a\x00.exe":                      "a.exe",
		"a\u0085b\u001b[31m":             "ab[31m",
		"photo\u202egnp.exe":             "photognp.exe", // reads photoexe.png
		"\u2067a\u2069\u200fb\u061c.txt": "ab.txt",
		`a"; filename="b.exe`:            `a"; filename="b.exe`,
		"a'b;c=d,e":                      "a'b;c=d,e",
		".htaccess":                      ".htaccess",
		"\xff\xfe":                       "\ufffd\ufffd",
	} {
		b, srv := open(t, t.TempDir())
		if err := b.Reserve(id, name, "text/html", 5, time.Now()); err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		url := srv.URL + Path + id + "/" + Name(name)
		if status, text, _ := ask(t, "PUT", url, "12345"); status != 201 {
			t.Errorf("%q: PUT = %d %s", name, status, text)
			continue
		}
		status, text, h := ask(t, "GET", url, "")
		kind, params, err := mime.ParseMediaType(h.Get("Content-Disposition"))
		if status != 200 || text != "12345" || err != nil || kind != "attachment" || params["filename"] != shown || len(params) != 1 {
			t.Errorf("%q: %d %q, stored as %s %q (%v), want %q", name, status, text, kind, params, err, shown)
		}
		if h.Get("Set-Cookie") != "" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Security-Policy") != "default-src 'none'; sandbox" || h.Get("Content-Type") != "application/octet-stream" {
			t.Errorf("%q: %v", name, h)
		}
	}
	b, _ := open(t, t.TempDir())
	for _, name := range []string{"\u202e", "\r\n\x00"} {
		if err := b.Reserve(id, name, "", 5, time.Now()); !errors.Is(err, ErrName) {
			t.Errorf("%q is a name: %v", name, err)
		}
	}
}

// TestSniffed: what a browser could run is never told as what it is.
func TestSniffed(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{
		"image/png": "image/png", "video/mp4": "video/mp4", "application/pdf": "application/pdf", "TEXT/PLAIN; charset=utf-16": "text/plain",
		"text/html": "", "image/svg+xml": "", "IMAGE/SVG+XML": "", "application/xhtml+xml": "", "text/xml": "", "text/javascript": "",
		"application/javascript": "", "application/wasm": "", "text/css": "", "multipart/x-mixed-replace": "", "a/b\r\nX: y": "", "text/html;x=\"image/png": "", "": "",
	} {
		b, srv := open(t, t.TempDir())
		if err := b.Reserve(id, "a", kind, 9, time.Now()); err != nil {
			t.Errorf("%q: %v", kind, err)
			continue
		}
		if want == "" {
			want = "application/octet-stream"
		}
		url := srv.URL + Path + id + "/a"
		if status, _, _ := ask(t, "PUT", url, "<script/>"); status != 201 {
			t.Errorf("%q: PUT = %d", kind, status)
		}
		if _, _, h := ask(t, "GET", url, ""); h.Get("Content-Type") != want || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") {
			t.Errorf("%q is told as %q, %q", kind, h.Get("Content-Type"), h.Get("Content-Disposition"))
		}
	}
}
