package admin

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meetbox.local/appliance/api"
)

func TestLogs(t *testing.T) {
	t.Parallel()
	b, c, _ := claimed(t)
	b.parts.Services, b.parts.LogDir = []string{"web", "focus"}, t.TempDir()
	line := "time=2026-11-22T10:00:02.000Z level=WARN msg=\"backend failed\" service=web peer=focus\n"
	if err := os.WriteFile(filepath.Join(b.parts.LogDir, "web.log"), []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	got := read[api.Log](t, c.want(200, "GET", "/api/v1/logs?level=warn&text=FAILED&service=web", nil))
	if len(got.Lines) != 1 || got.Lines[0].Text != "backend failed peer=focus" {
		t.Errorf("%+v", got)
	}
	for _, q := range []string{"service=../../etc/passwd", "level=loud", "since=yesterday", "limit=1000000", "limit=x"} {
		if a := c.want(422, "GET", "/api/v1/logs?"+q, nil); len(a.problem.Fields) != 1 {
			t.Errorf("%s: %s", q, a.body)
		}
	}
	if a := c.want(200, "GET", "/api/v1/logs.txt", nil); string(a.body) != "2026-11-22T10:00:02Z WARN  web       backend failed peer=focus\n" {
		t.Errorf("as a file: %q", a.body)
	}
	b.parts.LogDir = filepath.Join(b.parts.LogDir, "none")
	c.want(200, "GET", "/api/v1/logs", nil)
}

// TestDiagnose: a box without a cable and with a service down names what
// comes first, and does not try what needs it.
func TestDiagnose(t *testing.T) {
	t.Parallel()
	b, c, _ := claimed(t)
	b.parts.Services = []string{"web"}
	got := read[api.Diagnostics](t, c.want(200, "POST", "/api/v1/diagnostics?call=false", nil))
	state := map[string]api.CheckState{}
	for _, k := range got.Checks {
		state[k.Name] = k.State
	}
	if got.Broken != "address" || state["link"] != api.CheckSkipped || state["gateway"] != api.CheckSkipped || state["clock"] != api.CheckOK ||
		state["services"] != api.CheckBroken || state["ports"] != api.CheckSkipped {
		t.Errorf("%+v", got)
	}
}

func TestOverview(t *testing.T) {
	t.Parallel()
	b, c, _ := claimed(t)
	b.parts.Services = []string{"web", "bridge"}
	got := read[api.Overview](t, c.want(200, "GET", "/api/v1/overview", nil))
	if got.Known || len(got.Services) != 2 || len(got.Attention) != 2 || got.Attention[0].Code != "service" {
		t.Errorf("%+v", got)
	}
}

// TestSupport: the bundle has what helps, and no secret of the box.
func TestSupport(t *testing.T) {
	t.Parallel()
	b, c, claim := claimed(t)
	b.withAuthority(t)
	b.parts.Services, b.parts.LogDir = []string{"web"}, t.TempDir()
	c.want(200, "POST", "/api/v1/certificates/request", api.NewCertificateRequest{Names: []string{"meet.site.example"}})
	made := read[api.MadeToken](t, c.want(200, "POST", "/api/v1/tokens", api.NewToken{Name: "x", Role: api.Viewer, Scopes: []string{"*"}}))
	preview := read[api.Support](t, c.want(200, "GET", "/api/v1/support", nil))
	if len(preview.Files) < 8 {
		t.Errorf("%d files", len(preview.Files))
	}
	file := c.want(200, "GET", "/api/v1/support.zip?without=revisions.json,status.json", nil).body
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if len(z.File) != len(preview.Files)-2 {
		t.Errorf("%d files, %d in the preview", len(z.File), len(preview.Files))
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{claim.Recovery[0], made.Secret, c.cookie, "argon2id", "PRIVATE KEY", `"key"`} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s has %q in it", f.Name, secret)
			}
		}
	}
}
