package conference

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
)

// TestOrders: what an administrator can do with a meeting, and that it is told
// afterwards.
func TestOrders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.begin()
		s.join("a")
		s.join("b")
		s.did()
		mux := http.NewServeMux()
		for pattern, page := range s.f.Pages() {
			mux.HandleFunc(pattern, page)
		}
		ask := func(method, path string) (int, string) {
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
			return w.Code, w.Body.String()
		}
		for path, want := range map[string]int{
			"/conferences/demo@muc.x/members/a/mute?medium=audio": 204,
			"/conferences/demo@muc.x/members/a/mute?medium=smell": 400,
			"/conferences/demo@muc.x/members/z/mute?medium=audio": 404,
			"/conferences/demo@muc.x/members/b/remove":            204,
			"/conferences/demo@muc.x/members/z/remove":            404,
			"/conferences/other@muc.x/end":                        404,
			"/conferences/demo@muc.x/end":                         204,
		} {
			if got, body := ask("POST", path); got != want {
				t.Errorf("%s: %d %s, want %d", path, got, body, want)
			}
		}
		_, told := ask("GET", "/events")
		for _, want := range [][2]string{
			{"participant muted", `"endpoint":"a","actor":"console","medium":"audio"}`},
			{"participant removed", `"endpoint":"b","actor":"console"}`},
			{"meeting ended", `"actor":"console"}`},
		} {
			line := ""
			for l := range strings.Lines(told) {
				if strings.Contains(l, `"event":"`+want[0]+`","room":"demo@muc.x"`) {
					line = strings.TrimSpace(l)
				}
			}
			if !strings.HasSuffix(line, want[1]) {
				t.Errorf("%s: told %s, want …%s", want[0], line, want[1])
			}
		}
		if n := strings.Count(told, "\n"); n != 3 {
			t.Errorf("%d events", n)
		}
		if _, rest := ask("GET", "/events?after=3"); rest != "" {
			t.Errorf("told again: %s", rest)
		}
		if code, _ := ask("GET", "/events?after=x"); code != 400 {
			t.Errorf("after=x: %d", code)
		}
		_, list := ask("GET", "/conferences")
		if !strings.Contains(list, `"members":[{"endpoint":"a","moderator":false`) {
			t.Errorf("members are not listed: %s", list)
		}
	})
}
