package front

import (
	"io"
	"net/http"
	"testing"

	"meetbox.local/appliance/api"
)

// On an island phones find what they look for; elsewhere the same questions
// are nobody's business.
func TestCaptive(t *testing.T) {
	t.Parallel()
	w := start(t)
	ask := func(url, host string) (int, string, http.Header) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		client := *w.client
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b), resp.Header
	}
	api200 := func() int { code, _, _ := ask("https://"+w.https+api.CaptivePath, ""); return code }
	if code, _, _ := ask("http://"+w.http+"/generate_204", "connectivitycheck.gstatic.com"); code == http.StatusNoContent {
		t.Error("answered though it is no island")
	}
	if code := api200(); code != http.StatusNotFound {
		t.Errorf("API without an island: %d", code)
	}
	w.settings.Captive = true
	if err := w.server.Apply(w.settings); err != nil {
		t.Fatal(err)
	}
	for _, p := range api.Probes() {
		code, body, _ := ask("http://"+w.http+p.Path, p.Host)
		if code != p.Status || body != p.Body {
			t.Errorf("%s%s: %d %q, want %d %q", p.Host, p.Path, code, body, p.Status, p.Body)
		}
	}
	if code, _, _ := ask("http://"+w.http+"/elsewhere", "Captive.Apple.com:80"); code != http.StatusNotFound {
		t.Errorf("another page of such a host: %d", code)
	}
	if code, _, _ := ask("http://"+w.http+"/", "meetbox.local"); code != http.StatusFound {
		t.Errorf("the box itself: %d", code)
	}
	code, body, h := ask("https://"+w.https+api.CaptivePath, "")
	if code != http.StatusOK || body != `{"captive":false}` || h.Get("Content-Type") != "application/captive+json" {
		t.Errorf("API: %d %q %v", code, body, h)
	}
}
