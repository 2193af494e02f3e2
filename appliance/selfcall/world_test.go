package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/kit/ctl"
)

// patience is for what should take a second, on a busy machine.
const patience = 60 * time.Second

// binEnv names the folder of the services in a copy of this test.
const binEnv = "MEETBOX_TEST_SERVICES"

// build makes the real services, once for all tests.
var build = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv(binEnv); bin != "" {
		return bin, nil
	}
	bin, err := os.MkdirTemp("", "mb")
	if err != nil {
		return "", err
	}
	args := []string{"build", "-o", bin + "/"}
	for _, s := range services {
		args = append(args, "meetbox.local/"+s)
	}
	args = append(args, "meetbox.local/appliance/selfcall")
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return bin, fmt.Errorf("%w\n%s", err, out)
	}
	return bin, nil
})

var services = []string{"appliance", "signaling", "focus", "bridge", "web"}

func TestMain(m *testing.M) {
	code := m.Run()
	if bin, err := build(); err == nil && os.Getenv(binEnv) != bin {
		os.RemoveAll(bin)
	}
	os.Exit(code)
}

// world is all services, except those that the test leaves out.
type world struct {
	t         *testing.T
	dir       string
	https     string
	processes map[string]*exec.Cmd
}

func newWorld(t *testing.T, without ...string) *world {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "mb") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	ports := freePorts(t, 5)
	w := &world{t: t, dir: dir, https: ports[0], processes: map[string]*exec.Cmd{}}
	env := append(os.Environ(), "MEETBOX_HTTPS_PORT="+w.https, "MEETBOX_HTTP_PORT="+ports[1], "MEETBOX_ADMIN_PORT="+ports[2],
		"MEETBOX_MEDIA_PORT="+ports[3], "MEETBOX_XMPP_PORT="+ports[4], "MEETBOX_MEDIA_ADDRS=127.0.0.1")
	var log bytes.Buffer
	var mu sync.Mutex
	for _, s := range services {
		if strings.Contains(strings.Join(without, " "), s) {
			continue
		}
		cmd := exec.Command(filepath.Join(bin, s), "-run", dir)
		if s == "appliance" || s == "signaling" {
			cmd.Args = append(cmd.Args, "-state", dir)
		}
		out := &lockedWriter{mu: &mu, b: &log}
		cmd.Env, cmd.Stdout, cmd.Stderr = env, out, out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		w.processes[s] = cmd
	}
	t.Cleanup(func() {
		for _, cmd := range w.processes {
			cmd.Process.Kill()
			cmd.Wait()
		}
		if t.Failed() {
			t.Logf("the services said:\n%s", &log)
		}
		os.RemoveAll(dir)
	})
	for s := range w.processes {
		w.await(s)
	}
	return w
}

type lockedWriter struct {
	mu *sync.Mutex
	b  *bytes.Buffer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

// await waits until a service says that it is well, or, without the others
// that it needs, at least that it is there.
func (w *world) await(service string) {
	w.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		h, err := ctl.Ask(w.t.Context(), filepath.Join(w.dir, "ctl", service+".sock"))
		if err == nil && (h.OK || service != "appliance" && len(w.processes) < len(services)) {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%s: %+v, %v", service, h, err)
		}
	}
}

// freePorts finds ports that are free now.
func freePorts(t *testing.T, n int) (ports []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // not before all are found
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, port)
	}
	return ports
}

func (w *world) call(args ...string) (api.SelfCall, int) {
	w.t.Helper()
	pem, err := os.ReadFile(filepath.Join(w.dir, "tls", "web.crt"))
	if err != nil {
		w.t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := run(w.t.Context(), append([]string{"-url", "https://localhost:" + w.https, "-certificate", "-"}, args...), bytes.NewReader(pem), &out, &errs)
	var report api.SelfCall
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		w.t.Fatalf("report %s, %s: %v", &out, &errs, err)
	}
	return report, code
}

// failed is the step that did not work.
func failed(r api.SelfCall) string {
	for _, s := range r.Steps {
		if !s.OK {
			return s.Name
		}
	}
	return ""
}

func TestCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 2 { // the second room is another one
		r, code := w.call("-timeout", patience.String())
		if code != 0 || !r.OK || r.Error != "" || len(r.Steps) != 7 || min(r.Audio[0], r.Audio[1], r.Video[0], r.Video[1]) < enough {
			t.Errorf("call: %d, %+v", code, r)
		}
	}
	// Nobody in between may pretend to be the box.
	if r, code := w.call("-certificate", filepath.Join(w.dir, "tls", "xmpp.crt")); code != 1 || failed(r) != "page" || !strings.Contains(r.Error, "another certificate") {
		t.Errorf("another certificate: %d, %+v", code, r)
	}
}

// Asked by its administrator, the box calls itself, even where guests may not
// begin a meeting.
func TestThroughAppliance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, err := ctl.Fetch(t.Context(), filepath.Join(w.dir, "ctl", "appliance.sock"), "/setup-code")
	if err != nil {
		t.Fatal(err)
	}
	cookie := ""
	ask := func(method, path, body string) []byte {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, "http://box/api/v1/"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin", "If-Match": "*", "Cookie": cookie} {
			req.Header.Set(name, value)
		}
		resp, err := ctl.Client(filepath.Join(w.dir, "appliance.sock")).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode/100 != 2 {
			t.Fatalf("%s %s: %s %s %v", method, path, resp.Status, b, err)
		}
		for _, c := range resp.Cookies() {
			cookie = c.Name + "=" + c.Value
		}
		return b
	}
	ask("POST", "claim", `{"code":"`+strings.TrimSpace(string(code))+`","name":"harbour","password":"a lighthouse at the end of the pier"}`)
	ask("PUT", "settings/rooms", `{"create":"users"}`)
	if r, code := w.call("-timeout", "15s"); code != 1 || r.OK {
		t.Errorf("a guest's call: %d, %+v", code, r)
	} else {
		t.Log(r.Error)
	}
	var r api.SelfCall
	if b := ask("POST", "selfcall", ""); json.Unmarshal(b, &r) != nil || !r.OK {
		t.Errorf("the box's own call: %s", b)
	}
}

// What is broken is found by the step that needs it, and said.
func TestBroken(t *testing.T) {
	t.Parallel()
	tests := []struct{ without, step, explain string }{
		{"web", "page", "connection refused"},
		{"signaling", "signaling", "sign in"},
		{"focus", "focus", "does not set up a meeting"},
		{"bridge", "invitation", "no bridge"},
	}
	for _, tc := range tests {
		t.Run("no "+tc.without, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tc.without)
			// Until the others are there it may be a step before.
			for deadline := time.Now().Add(patience); ; {
				r, code := w.call("-timeout", "12s")
				if code == 1 && !r.OK && failed(r) == tc.step && strings.Contains(r.Error, tc.explain) {
					t.Log(r.Error)
					return
				}
				if time.Now().After(deadline) || code != 1 {
					t.Fatalf("%d, %+v; want step %s to say %q", code, r, tc.step, tc.explain)
				}
			}
		})
	}
}

// A bridge that is there but hangs takes no media.
func TestBridgeHangs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.processes["bridge"].Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	r, code := w.call("-timeout", "6s")
	if code != 1 || failed(r) == "" || failed(r) == "page" || failed(r) == "signaling" || r.Error == "" {
		t.Errorf("%d, %+v", code, r)
	}
	t.Log(r.Error)
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-what"}, {"-url", "http://localhost"}, {"-url", "https://"}, {"-url", "\x00"}, {"-certificate", "/none"}} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), args, strings.NewReader(""), &out, &errs); code != 2 || errs.Len() == 0 {
			t.Errorf("%q: %d, %s", args, code, &errs)
		}
	}
	var errs bytes.Buffer
	if code := run(t.Context(), []string{"-certificate", "-"}, strings.NewReader("no pem"), &errs, &errs); code != 2 {
		t.Errorf("no PEM: %d", code)
	}
}
