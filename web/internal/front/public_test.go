package front

import (
	"net/http"
	"strings"
	"testing"
)

// TestPublicOfAppliance: the few things on the meetings' port that the
// appliance answers, everybody, and nothing else of it.
func TestPublicOfAppliance(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.backend(t, "appliance", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("X-Asked", r.Method+" "+r.URL.Path)
		rw.WriteHeader(http.StatusNoContent)
	}))
	for _, tc := range []struct{ method, path, asked string }{
		{"GET", "/schedule.json", "GET /schedule.json"},
		{"GET", "/schedule/k3v5.ics", "GET /schedule/k3v5.ics"},
		{"GET", "/check/box.json", "GET /check/box.json"},
		{"POST", "/check/report", "POST /check/report"},
		{"GET", "/branding.json", "GET /branding.json"},
		{"GET", "/branding/0a1b.png", "GET /branding/0a1b.png"},
		{"POST", "/host.json", "POST /host.json"},
		{"GET", "/host.json", ""}, // a room's name
		{"PUT", "/branding.json", ""},
		{"POST", "/schedule.json", ""},
		{"GET", "/check/other", ""},
		{"GET", "/schedule/a/b.ics", ""},
		{"GET", "/api/v1/overview", ""},
		{"GET", "/api/health", ""},
		{"GET", "/metrics", ""}, // a room's name there
	} {
		got := w.do(t, request(t, tc.method, "https://"+w.https+tc.path, nil))
		if asked := got.Header.Get("X-Asked"); asked != tc.asked {
			t.Errorf("%s %s asked the appliance %q, want %q", tc.method, tc.path, asked, tc.asked)
		}
	}
	if got := w.get(t, "https://"+w.admin+"/metrics"); got.Header.Get("X-Asked") != "GET /api/v1/metrics" {
		t.Errorf("/metrics of the console: %q", got.Header.Get("X-Asked"))
	}
	for path, asked := range map[string]string{"/branding.json": "GET /branding.json", "/branding/0a1b.png": "GET /branding/0a1b.png", "/schedule.json": ""} {
		if got := w.get(t, "https://"+w.admin+path); got.Header.Get("X-Asked") != asked {
			t.Errorf("%s of the console asked %q, want %q", path, got.Header.Get("X-Asked"), asked)
		}
	}
	r := request(t, http.MethodGet, "https://"+w.https+"/schedule.json", nil)
	r.Host = "evil.example"
	if got := w.do(t, r); got.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("under a foreign name: %d", got.StatusCode)
	}
	if got := w.get(t, "https://"+w.https+"/check"); strings.Contains(got.text, "the page") {
		t.Errorf("/check is a room: %q", got.text)
	}
}
