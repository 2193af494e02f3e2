package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/kit/ctl"
	"meetbox.local/appliance/kit/porttest"
)

// world is the real appliance and the real web, as processes.
type world struct {
	dir, bin string
	env      []string
	origin   string
	client   *http.Client
	running  map[string]*exec.Cmd
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "mb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w := &world{dir: dir, bin: t.TempDir(), running: map[string]*exec.Cmd{}}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", w.bin+"/", ".", "../web", "./meetboxctl")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	admin := porttest.Free(t)
	w.origin = "https://127.0.0.1:" + admin
	w.env = append(os.Environ(), "MEETBOX_ADMIN_PORT="+admin, "MEETBOX_HTTPS_PORT="+porttest.Free(t), "MEETBOX_HTTP_PORT="+porttest.Free(t), "MEETBOX_MEDIA_PORT="+porttest.Free(t))
	w.start(t, "appliance")
	w.start(t, "web")
	t.Cleanup(func() {
		for name := range w.running {
			w.kill(t, name)
		}
	})
	pem, err := os.ReadFile(filepath.Join(dir, "run", "tls", "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.client = &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}}
	t.Cleanup(w.client.CloseIdleConnections)
	return w
}

// start starts a service and waits until it is well.
func (w *world) start(t *testing.T, name string) {
	t.Helper()
	args := []string{"-run", filepath.Join(w.dir, "run")}
	if name == "appliance" {
		args = append(args, "-state", w.dir)
	}
	cmd := exec.Command(filepath.Join(w.bin, name), args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = w.env, t.Output(), t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.running[name] = cmd
	for {
		h, err := ctl.Ask(t.Context(), w.control(name))
		if err == nil && h.OK && h.PID == cmd.Process.Pid {
			return
		}
		if t.Context().Err() != nil {
			t.Fatalf("%s does not get well", name)
		}
	}
}

func (w *world) control(name string) string {
	return filepath.Join(w.dir, "run", "ctl", name+".sock")
}

func (w *world) kill(t *testing.T, name string) {
	t.Helper()
	cmd := w.running[name]
	delete(w.running, name)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, ok := errors.AsType[*exec.ExitError](cmd.Wait()); !ok {
		t.Errorf("%s ended before it was killed", name)
	}
}

// ask is one request of the console's page.
func (w *world) ask(t *testing.T, method, path string, body any, header ...string) (int, []byte, http.Header) {
	t.Helper()
	var r io.Reader = http.NoBody
	switch v := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(v)
	default:
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, w.origin+path, r)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", w.origin)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := w.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, b, resp.Header
}

func (w *world) want(t *testing.T, status int, method, path string, body any, header ...string) []byte {
	t.Helper()
	got, b, _ := w.ask(t, method, path, body, header...)
	if got != status {
		t.Errorf("%s %s = %d %s, want %d", method, path, got, b, status)
	}
	return b
}

// TestConsole walks the way of a new administrator through the console's
// origin, and kills each process under it.
func TestConsole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	raw, err := ctl.Fetch(t.Context(), w.control("appliance"), "/setup-code")
	if err != nil {
		t.Fatal(err)
	}
	code := strings.TrimSpace(string(raw))
	if s := decode[api.Setup](t, w.want(t, 200, "GET", "/api/v1/setup", nil)); s.Claimed || s.Name == "" {
		t.Errorf("%+v", s)
	}
	const password = "correct horse battery"
	w.want(t, 422, "POST", "/api/v1/claim", api.Claim{Code: "1234-567", Name: "Ada Town", Password: password})
	made := decode[api.Claimed](t, w.want(t, 200, "POST", "/api/v1/claim", api.Claim{Code: code, Name: "Ada Town", Password: password}))
	if len(made.Recovery) == 0 || made.Session.From != "127.0.0.1" {
		t.Errorf("%+v", made)
	}

	// What others send is refused before it gets to anything.
	big := strings.Repeat(" ", 300<<10)
	w.want(t, 403, "PUT", "/api/v1/settings/console", api.Console{}, "If-Match", "*", "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
	w.want(t, 403, "PUT", "/api/v1/settings/console", api.Console{}, "If-Match", "*", "Origin", "", "Sec-Fetch-Site", "")
	w.want(t, 413, "PUT", "/api/v1/settings/console", big, "If-Match", "*")
	w.want(t, 400, "PUT", "/api/v1/settings/console", `{"owner":true}`, "If-Match", "*")
	w.want(t, 400, "GET", "/api/v1/settings/..%2f..%2fsecrets", nil)
	w.want(t, 404, "GET", "/api/v1/sockets", nil)

	// A change, and the same by somebody who had not seen it.
	_, _, header := w.ask(t, "GET", "/api/v1/settings/console", nil)
	etag := header.Get("ETag")
	w.want(t, 200, "PUT", "/api/v1/settings/console", api.Console{IdleMinutes: 45}, "If-Match", etag)
	conflict := decode[api.Problem](t, w.want(t, 412, "PUT", "/api/v1/settings/console", api.Console{IdleMinutes: 50}, "If-Match", etag))
	if conflict.Conflict == nil || conflict.Conflict.Who != "Ada Town" {
		t.Errorf("%+v", conflict)
	}

	// A box that restarts says so; whoever was signed in still is, and what
	// was acknowledged is there.
	w.kill(t, "appliance")
	restarting := decode[api.Problem](t, w.want(t, 503, "GET", "/api/v1/status", nil))
	if restarting.Code != "restarting" {
		t.Errorf("%+v", restarting)
	}
	w.start(t, "appliance")
	for {
		if status, _, _ := w.ask(t, "GET", "/api/v1/setup", nil); status == 200 { // the socket opens after the first rendering
			break
		}
	}
	if got := decode[api.Console](t, w.want(t, 200, "GET", "/api/v1/settings/console", nil)); got.IdleMinutes != 45 {
		t.Errorf("after a kill: %+v", got)
	}
	w.kill(t, "web")
	w.start(t, "web")
	w.want(t, 200, "GET", "/api/v1/session", nil)

	// A certificate without its key, a backup, and all of it in the log.
	pem, err := os.ReadFile(filepath.Join(w.dir, "run", "tls", "web.crt"))
	if err != nil {
		t.Fatal(err)
	}
	bad := decode[api.Problem](t, w.want(t, 422, "PUT", "/api/v1/certificates/site", api.CertificateUpload{Certificates: string(pem)}))
	if bad.Fields["key"] == "" {
		t.Errorf("%+v", bad)
	}
	file := w.want(t, 200, "POST", "/api/v1/backup", api.NewBackup{Passphrase: "four words in a row"})
	w.want(t, 200, "POST", "/api/v1/restore", string(file), "Content-Type", "application/octet-stream")
	w.want(t, 422, "PUT", "/api/v1/restore", api.Restore{Passphrase: "not these four words"})
	if r := decode[api.RestoreResult](t, w.want(t, 200, "PUT", "/api/v1/restore", api.Restore{Passphrase: "four words in a row", Try: true})); !r.Same {
		t.Errorf("%+v", r)
	}
	log := decode[api.Audit](t, w.want(t, 200, "GET", "/api/v1/audit", nil))
	if !log.Intact || len(log.Rows) < 3 {
		t.Errorf("%+v", log)
	}
	w.want(t, 204, "DELETE", "/api/v1/session", nil)
	w.want(t, 401, "GET", "/api/v1/session", nil)
}
