package front

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestTenants: below /TENANT/ everything is found that is found below /, and
// services are told of the tenant.
func TestTenants(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, name := range []string{"signaling", "focus", "bridge"} {
		w.backend(t, name, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(rw, "%s: %s %s", name, r.URL.Path, r.URL.RawQuery)
		}))
	}
	for _, tc := range []struct {
		name, path string
		status     int
		has        string // in the answer, or where it leads
	}{
		{"room", "/acme/standup", 200, "the page"},
		{"room in capitals", "/Acme/StandUp?jwt=x", 200, "the page"},
		{"unicode", "/b%C3%BCro/gr%C3%B6%C3%9Fe", 200, "the page"},
		{"blank", "/my%20team/weekly%20sync", 200, "the page"},
		{"percent sign", "/50%25/x", 200, "the page"},
		{"slash in a room's name", "/acme/a%2Fb", 200, "the page"},
		{"file in the root", "/acme/favicon.svg", 200, "<svg/>"},
		{"asset", "/acme/assets/main-1.js", 200, "1"},
		{"config.js", "/Acme/config.js?room=x", 200, `"muc.acme.meet.jitsi"`},
		{"config.js of another script", "/b%C3%BCro/config.js", 200, `/b%c3%bcro/xmpp-websocket"`},
		{"dots", "/a.b/config.js", 200, `"muc.a_b.meet.jitsi"`},
		{"WebSocket", "/acme/xmpp-websocket?room=x", 200, "signaling: /xmpp-websocket prefix=acme&room=x"},
		{"BOSH", "/acme/http-bind?room=x", 200, "signaling: /http-bind prefix=acme&room=x"},
		{"a prefix of one's own", "/acme/http-bind?prefix=other", 200, "signaling: /http-bind prefix=acme&prefix=other"},
		{"a name with a percent sign", "/50%25/http-bind", 200, "signaling: /http-bind prefix=50%2525&"},
		{"conference request", "/acme/conference-request/v1?room=x", 200, "focus: /conference-request/v1 room=x"},
		{"a tenant's tenant", "/acme/north/config.js", 200, `"muc.north.meet.jitsi"`},
		{"a tenant's tenant's room", "/acme/north/standup?a=b", 302, "/north/standup?a=b"},
		{"trailing slash", "/acme/standup/?a=b", 302, "/acme/standup?a=b"},
		{"trailing slashes of a tenant's tenant", "/acme/north/standup/", 302, "/north/standup"},
		{"a tenant alone", "/acme/", 302, "/acme"},

		// What the box answers to itself is no tenant, in no letters.
		{"check", "/check/x", 404, "no such page"},
		{"check in capitals", "/Check/x", 404, "no such page"},
		{"assets", "/assets/config.js", 404, "no such file"},
		{"static", "/static/config.js", 404, "no such file"},
		{"api", "/api/config.js", 404, "no such page"},
		{"a service", "/xmpp-websocket/config.js", 404, "no such page"},
		{"a service of the bridge", "/colibri-ws/config.js", 200, "bridge: /colibri-ws/config.js"},
		{"a file", "/favicon.svg/x", 404, "no such page"},
		{"config.js", "/config.js/x", 404, "no such page"},
		{"schedule", "/schedule.json/x", 404, "no such page"},
		{"upload", "/upload/config.js", 200, "signaling: /upload/config.js"},

		{"brackets", "/a%5Bb%5D/x", 400, "before the meeting's name"},
		{"brackets around", "/%5Bacme%5D/config.js", 400, "before the meeting's name"},
		{"an address", "/a@b/x", 400, "before the meeting's name"},
		{"slash in a tenant's name", "/a%2Fb/x", 400, "before the meeting's name"},
		{"long", "/" + strings.Repeat("a", 256) + "/x", 400, "before the meeting's name"},
		{"traversal", "/acme/../x", 400, "cannot be a meeting"},
		{"escaped traversal", "/acme/%2e%2e/x", 400, "cannot be a meeting"},
		{"double slash", "/acme//x", 400, "cannot be a meeting"},
		{"bad UTF-8", "/%ff/x", 400, "cannot be a meeting"},
	} {
		got := w.get(t, "https://"+w.https+tc.path)
		if got.StatusCode != tc.status || !strings.Contains(got.text+got.Header.Get("Location"), tc.has) {
			t.Errorf("%s: GET %s = %d %q to %q, want %d with %q", tc.name, tc.path, got.StatusCode, got.text, got.Header.Get("Location"), tc.status, tc.has)
		}
	}
	w.backend(t, "appliance", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		fmt.Fprint(rw, r.URL.RequestURI())
	}))
	for path, has := range map[string]string{
		"/host.json":                  "/host.json",
		"/b%C3%BCro/host.json":        "/host.json?prefix=b%25c3%25bcro&",
		"/acme/host.json?prefix=evil": "/host.json?prefix=acme&prefix=evil",
	} {
		if got := w.do(t, request(t, http.MethodPost, "https://"+w.https+path, nil)); got.text != has {
			t.Errorf("POST %s: %q, want %q", path, got.text, has)
		}
	}
	r := request(t, http.MethodGet, "https://"+w.https+"/acme/standup", nil)
	r.Host = "evil.example"
	if got := w.do(t, r); got.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("a page under a foreign name: %d", got.StatusCode)
	}
}
