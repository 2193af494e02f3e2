package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xdg-go/scram"
	"meetbox.local/appliance/kit/ctl"
	"meetbox.local/appliance/kit/porttest"
	"meetbox.local/appliance/kit/unit"
	"meetbox.local/signaling/xmpp/client"
	"meetbox.local/signaling/xmpp/colibri2"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

const (
	bridgeID = "bridge-test"
	brewery  = "jvbbrewery@internal-muc.meet.jitsi"
	patience = 20 * time.Second // for what should take milliseconds, on a busy machine
)

// world is signaling as a process of its own, the bridge's whole program in
// this one, and a focus that only says what the test tells it to.
type world struct {
	t *testing.T
	*state
}

type state struct {
	dir     string
	address string // of signaling
	client  *client.Client
	bridge  jid.JID       // the bridge as an occupant
	kill    func()        // signaling
	ended   chan struct{} // closed when the bridge has ended

	mu       sync.Mutex
	stats    map[string]string // of the bridge's latest presence
	presence chan struct{}     // closed and renewed at each presence of the bridge
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "mb") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w := &world{t, &state{dir: dir, bridge: jid.MustParse(brewery + "/" + bridgeID), stats: map[string]string{}, presence: make(chan struct{})}}
	address := net.JoinHostPort("127.0.0.1", porttest.Free(t))
	w.certificate()
	w.write("signaling.json", map[string]any{
		"domain": "meet.jitsi", "auth_domain": "auth.meet.jitsi", "muc_domain": "muc.meet.jitsi",
		"internal_muc_domain": "internal-muc.meet.jitsi", "focus_domain": "focus.meet.jitsi",
		"tcp": address, "certificate": w.path("xmpp.crt"), "key": w.path("xmpp.key"), "focus_user": "focus",
		"accounts": []any{account(t, "focus"), account(t, "jvb")},
	})
	w.address = address
	w.settings([]string{"127.0.0.1"}, "localhost:8443", "meetbox.local")
	w.kill = w.signaling()
	w.focus(w.login(address, "focus", "focus"))
	w.run()
	w.await("the bridge's presence", func(s map[string]string) bool { return s["drain"] == "false" })
	return w
}

// in is the world for a subtest.
func (w *world) in(t *testing.T) *world { return &world{t, w.state} }

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) write(name string, v any) {
	w.t.Helper()
	b, err := json.Marshal(v)
	if err == nil {
		err = os.WriteFile(w.path(name), b, 0o600)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// settings are the bridge's.
func (w *world) settings(addresses []string, domains ...string) {
	w.t.Helper()
	w.write("bridge.json", map[string]any{
		"id": bridgeID, "brewery": brewery, "xmpp": w.login(w.address, "jvb", bridgeID),
		"media":     map[string]any{"port": 0, "addresses": addresses},
		"websocket": map[string]any{"domains": domains},
	})
}

func (w *world) login(address, user, resource string) client.Config {
	return client.Config{Address: address, Domain: "auth.meet.jitsi", User: user, Password: "secret-" + user, Resource: resource, CA: w.path("xmpp.crt")}
}

// account is what signaling keeps of a password.
func account(t *testing.T, user string) any {
	t.Helper()
	stored := func(h scram.HashGeneratorFcn) any {
		c, err := h.NewClient(user, "secret-"+user, "")
		if err != nil {
			t.Fatal(err)
		}
		k, err := c.GetStoredCredentialsWithError(scram.KeyFactors{Salt: "salt of " + user, Iters: 4096})
		if err != nil {
			t.Fatal(err)
		}
		b64 := base64.StdEncoding.EncodeToString
		return map[string]any{"salt": b64([]byte(k.Salt)), "iterations": k.Iters, "stored_key": b64(k.StoredKey), "server_key": b64(k.ServerKey)}
	}
	return map[string]any{"user": user, "scram": map[string]any{"SCRAM-SHA-1": stored(scram.SHA1), "SCRAM-SHA-256": stored(scram.SHA256)}}
}

// certificate makes signaling's, which is its own authority.
func (w *world) certificate() {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"meet.jitsi", "auth.meet.jitsi"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	crt, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		w.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		w.t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"xmpp.crt": {Type: "CERTIFICATE", Bytes: crt},
		"xmpp.key": {Type: "PRIVATE KEY", Bytes: der},
	} {
		if err := os.WriteFile(w.path(name), pem.EncodeToMemory(block), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
}

// signaling builds and starts the real one; the result kills it.
func (w *world) signaling() (kill func()) {
	w.t.Helper()
	build := exec.Command("go", "build", "-o", w.path("signaling.bin"), "meetbox.local/signaling")
	if out, err := build.CombinedOutput(); err != nil {
		w.t.Fatalf("%v: %v\n%s", build, err, out)
	}
	cmd := exec.Command(w.path("signaling.bin"), "-run", w.dir, "-state", w.dir)
	log := new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	kill = sync.OnceFunc(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	w.t.Cleanup(func() {
		kill()
		if w.t.Failed() {
			w.t.Logf("signaling said:\n%s", log)
		}
	})
	return kill
}

// restart kills signaling and starts it again.
func (w *world) restart() {
	w.t.Helper()
	w.kill()
	w.mu.Lock()
	clear(w.stats)
	w.mu.Unlock()
	w.kill = w.signaling()
}

// focus logs in and makes the brewery.
func (w *world) focus(cfg client.Config) {
	ctx, cancel := context.WithCancel(context.Background())
	self := jid.MustParse(brewery + "/focus")
	joined := make(chan struct{}, 1)
	w.client = client.New(cfg, client.Handler{
		Session: func(context.Context) {
			children, err := stanza.Encode(muc.Join{})
			if err != nil {
				w.t.Error(err)
			}
			w.client.Send(stanza.Presence{To: self, Children: children})
		},
		Presence: func(p stanza.Presence) {
			switch p.From {
			case self:
				select {
				case joined <- struct{}{}:
				default:
				}
			case w.bridge:
				w.heard(p)
			}
		},
	}, slog.New(slog.NewTextHandler(w.t.Output(), nil)).With("service", "focus"))
	done := make(chan struct{})
	go func() { w.client.Run(ctx); close(done) }()
	w.t.Cleanup(func() { cancel(); <-done })
	select {
	case <-joined:
	case <-time.After(patience):
		w.t.Fatal("the focus cannot join the brewery")
	}
}

func (w *world) heard(p stanza.Presence) {
	stats, err := stanza.Child[jitsimeet.Stats](p.Children)
	if err != nil {
		w.t.Errorf("presence of the bridge: %v", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stats = map[string]string{}
	if stats != nil && p.Type == "" {
		for _, s := range stats.Stats {
			w.stats[s.Name] = s.Value
		}
	}
	close(w.presence)
	w.presence = make(chan struct{})
}

// await waits for a presence of the bridge.
func (w *world) await(what string, ok func(map[string]string) bool) {
	w.t.Helper()
	late := time.After(patience)
	for {
		w.mu.Lock()
		stats, next := w.stats, w.presence
		w.mu.Unlock()
		if ok(stats) {
			return
		}
		select {
		case <-next:
		case <-late:
			w.t.Fatalf("%s did not come; the latest was %v", what, stats)
		}
	}
}

// run is the bridge's main.
func (w *world) run() {
	ctx, cancel := context.WithCancel(context.Background())
	code := make(chan int, 1)
	w.ended = make(chan struct{})
	go func() {
		code <- unit.Main(ctx, "bridge", []string{"-run", w.dir}, run)
		close(w.ended)
	}()
	w.t.Cleanup(func() {
		cancel()
		select {
		case c := <-code:
			if c != 1 { // it was asked to leave, and may be started again
				w.t.Errorf("the bridge ended with code %d", c)
			}
		case <-time.After(patience):
			w.t.Error("the bridge does not end")
		}
	})
}

// ask sends an iq with this payload, as Jicofo would, and returns the
// result's payload.
func (w *world) ask(typ, payload string) (stanza.Element, error) {
	var e stanza.Element
	if err := xml.Unmarshal([]byte(payload), &e); err != nil {
		return e, fmt.Errorf("%w in %s", err, payload)
	}
	type answer struct {
		iq  stanza.IQ
		err error
	}
	ch := make(chan answer, 1)
	w.client.Ask(w.bridge, typ, e, func(iq stanza.IQ, err error) { ch <- answer{iq, err} })
	a := <-ch
	return a.iq.Payload(), a.err
}

// modify asks for a change that must work.
func (w *world) modify(format string, args ...any) colibri2.Modified {
	w.t.Helper()
	text := fmt.Sprintf(format, args...)
	e, err := w.ask("get", text)
	if err != nil {
		w.t.Fatalf("%v for %s", err, text)
	}
	var m colibri2.Modified
	if err := e.Decode(&m); err != nil {
		w.t.Fatal(err)
	}
	return m
}

// refused asks for something that must not work.
func (w *world) refused(payload string, want stanza.Condition, reason string) {
	w.t.Helper()
	e, err := w.ask("get", payload)
	se, ok := errors.AsType[*stanza.Error](err)
	if !ok || se.Condition != want {
		w.t.Errorf("%s: %v, %v; want %s", payload, e, err, want)
		return
	}
	got, err := stanza.Child[colibri2.Error](se.Specific)
	switch {
	case err != nil:
		w.t.Error(err)
	case reason == "" && got != nil, reason != "" && (got == nil || got.Reason != reason):
		w.t.Errorf("%s: reason %v, want %q", payload, got, reason)
	}
}

// post asks the bridge's control socket for something.
func (w *world) post(path string) {
	w.t.Helper()
	r, err := ctl.Client(w.path("ctl/bridge.sock")).Post("http://ctl"+path, "", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		w.t.Errorf("%s: %s", path, r.Status)
	}
}

// page reads a page of the bridge's control socket.
func (w *world) page(path string) string {
	w.t.Helper()
	return get(w.t, w.path("ctl/bridge.sock"), path)
}

// metric is the value of the bridge's metrics that start so, summed up.
func (w *world) metric(prefix string) float64 {
	w.t.Helper()
	sum := 0.0
	for line := range strings.Lines(w.page("/metrics")) {
		if i := strings.LastIndexByte(line, ' '); i > 0 && strings.HasPrefix(line, prefix) {
			var v float64
			if _, err := fmt.Sscan(line[i:], &v); err != nil {
				w.t.Fatalf("metric %q: %v", line, err)
			}
			sum += v
		}
	}
	return sum
}
