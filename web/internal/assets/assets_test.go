package assets

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func build() fstest.MapFS {
	return fstest.MapFS{
		".embed":               {Data: nil},
		"index.html":           {Data: []byte("<!doctype html>" + strings.Repeat("<p>hello</p>", 50))},
		"icon.png":             {Data: []byte(strings.Repeat("x", 500))},
		"assets/a-1f.js":       {Data: []byte(strings.Repeat("let x = 1;", 100))},
		"assets/a-1f.js.br":    {Data: []byte("brotli form")},
		"assets/a-1f.js.map":   {Data: []byte("{}")},
		"assets/big-3.wasm.br": {Data: []byte("brotli alone")},
		"assets/tiny-2.css":    {Data: []byte("a{}")},
	}
}

func get(t *testing.T, s *Set, name string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/"+name, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.Serve(w, r, name)
	return w.Result()
}

func TestServe(t *testing.T) {
	t.Parallel()
	s, err := Load(build())
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, file, accept           string
		status                       int
		kind, cache, coding, hasETag string
	}{
		{"page", "index.html", "", 200, "text/html; charset=utf-8", "no-store", "", "no"},
		{"page gzip", "index.html", "gzip, deflate", 200, "text/html; charset=utf-8", "no-store", "gzip", "no"},
		{"script br", "assets/a-1f.js", "gzip, br;q=0.9", 200, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", "br", "yes"},
		{"script br refused", "assets/a-1f.js", "gzip, br;q=0", 200, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", "gzip", "yes"},
		{"too small to compress", "assets/tiny-2.css", "gzip", 200, "text/css; charset=utf-8", "public, max-age=31536000, immutable", "", "yes"},
		{"picture", "icon.png", "gzip", 200, "image/png", "public, max-age=300", "", "yes"},
		{"brotli alone", "assets/big-3.wasm", "gzip, br", 200, "application/wasm", "public, max-age=31536000, immutable", "br", "yes"},
		{"brotli alone, refused", "assets/big-3.wasm", "gzip", 406, "text/plain; charset=utf-8", "", "", "no"},
		{"the form is no file", "assets/big-3.wasm.br", "br", 404, "text/plain; charset=utf-8", "", "", "no"},
		{"source map stays home", "assets/a-1f.js.map", "", 404, "text/plain; charset=utf-8", "", "", "no"},
		{"dot file", ".embed", "", 404, "text/plain; charset=utf-8", "", "", "no"},
		{"nothing there", "assets/old.js", "", 404, "text/plain; charset=utf-8", "", "", "no"},
	} {
		resp := get(t, s, tc.file, "Accept-Encoding", tc.accept)
		h := resp.Header
		etag := "no"
		if h.Get("ETag") != "" {
			etag = "yes"
		}
		if resp.StatusCode != tc.status || h.Get("Content-Type") != tc.kind || h.Get("Cache-Control") != tc.cache ||
			h.Get("Content-Encoding") != tc.coding || etag != tc.hasETag {
			t.Errorf("%s: %d %v", tc.name, resp.StatusCode, h)
		}
	}
}

func TestGzipIsTheFile(t *testing.T) {
	t.Parallel()
	files := build()
	s, err := Load(files)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(get(t, s, "index.html", "Accept-Encoding", "gzip").Body)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || string(got) != string(files["index.html"].Data) {
		t.Errorf("unpacked: %q, %v", got, err)
	}
}

func TestNotModified(t *testing.T) {
	t.Parallel()
	s, err := Load(build())
	if err != nil {
		t.Fatal(err)
	}
	etag := get(t, s, "icon.png").Header.Get("ETag")
	for _, tc := range []struct {
		sent string
		want int
	}{{etag, 304}, {`"other", W/` + etag, 304}, {`"other"`, 200}, {"*", 304}} {
		if got := get(t, s, "icon.png", "If-None-Match", tc.sent).StatusCode; got != tc.want {
			t.Errorf("If-None-Match: %s = %d, want %d", tc.sent, got, tc.want)
		}
	}
}

func TestLoadNeedsAPage(t *testing.T) {
	t.Parallel()
	if _, err := Load(fstest.MapFS{"x.js": {}}); err == nil {
		t.Error("a build without index.html has no error")
	}
}
