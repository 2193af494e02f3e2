package admin

import (
	"strings"
	"testing"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/checks"
)

// TestGuestsSendNothingFromElsewhere: what the meeting's pages may send, other
// sites' pages may not, in no disguise; and nothing that is not what was asked for.
func TestGuestsSendNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	b, _, _ := claimed(t)
	var err error
	if b.parts.Checks, err = checks.Open(nil, time.Now); err != nil {
		t.Fatal(err)
	}
	good := map[string]string{
		api.CheckPath + "report": `{"code":"OK","probes":[]}`,
		api.HostPath:             `{"room":"board","name":"ada","password":"x"}`,
	}
	for path, body := range good {
		for _, tc := range []struct {
			name   string
			status int
			body   string
			header []string
		}{
			{"another site", 403, body, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}},
			{"another site that says nothing more", 403, body, []string{"Sec-Fetch-Site", "", "Origin", "https://evil.example"}},
			{"a frame of nobody", 403, body, []string{"Sec-Fetch-Site", "", "Origin", "null"}},
			{"the console's page, on its own port", 403, body, []string{"Sec-Fetch-Site", "same-site", "Origin", "https://meetbox.local:8444"}},
			{"as a form", 415, body, []string{"Content-Type", "text/plain"}},
			{"as another form", 415, body, []string{"Content-Type", "application/x-www-form-urlencoded"}},
			{"as nothing", 415, body, []string{"Content-Type", ""}},
			{"another origin's form", 403, body, []string{"Sec-Fetch-Site", "cross-site", "Origin", "null", "Content-Type", "text/plain"}},
			{"twice the same", 400, strings.Replace(body, "{", body[:strings.Index(body, ",")]+",", 1), nil},
			{"in capitals", 400, strings.Replace(body, `"`, `"X`, 1), nil},
			{"with more after it", 400, body + body, nil},
			{"a list", 400, "[" + body + "]", nil},
			{"depth", 400, strings.Repeat("[", 8000), nil},
		} {
			guest := b.client(t)
			if a := guest.do("POST", path, tc.body, tc.header...); a.status != tc.status {
				t.Errorf("%s, %s: %d %s, want %d", path, tc.name, a.status, a.body, tc.status)
			}
		}
	}
	if n := len(b.parts.Checks.List()); n != 0 {
		t.Errorf("%d reports were kept", n)
	}
	// Names of files are names, never ways.
	guest := b.client(t)
	for _, folder := range []string{api.LogoPath, api.CalendarPath} {
		for _, trick := range []string{"..%2f..%2fappliance.db", "%2e%2e%2fsettings.json", "..%5cx.ics", "a%00.png", "%0d%0aSet-Cookie:x.ics", "..ics", ".ics", "x.ics%2f.."} {
			if a := guest.do("GET", folder+trick, nil); a.status != 404 || a.header.Get("Set-Cookie") != "" {
				t.Errorf("%s%s: %d %s", folder, trick, a.status, a.body)
			}
		}
	}
}
