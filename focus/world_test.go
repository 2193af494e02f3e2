package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/xdg-go/scram"
	"meetbox.local/signaling/xmpp/client"
)

const (
	asFocus = "MEETBOX_TEST_FOCUS" // makes the test binary be the focus: a process that can be killed
	binary  = "MEETBOX_TEST_SIGNALING_BINARY"

	bridgeBinary = "MEETBOX_TEST_BRIDGE_BINARY"

	patience = 20 * time.Second // for what should take milliseconds, on a busy machine

	mucDomain   = "muc.meet.jitsi"
	breweryRoom = "jvbbrewery@internal-muc.meet.jitsi"
)

func TestMain(m *testing.M) {
	if os.Getenv(asFocus) != "" {
		main()
		return
	}
	os.Exit(withSignaling(m))
}

// withSignaling builds the real server, and the real bridge, once for all
// tests.
func withSignaling(m *testing.M) int {
	dir, err := os.MkdirTemp("", "mb")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	for key, name := range map[string]string{binary: "signaling", bridgeBinary: "bridge"} {
		bin := filepath.Join(dir, name)
		if out, err := exec.Command("go", "build", "-o", bin, "meetbox.local/"+name).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n%s", name, err, out)
			return 1
		}
		os.Setenv(key, bin)
	}
	return m.Run()
}

// world is signaling and the focus as processes of their own, and as many
// bridges and participants as a test likes, all in this one.
type world struct {
	t         *testing.T
	dir       string
	address   string
	signaling *process
	focus     *process
}

func newWorld(t *testing.T) *world { return newWorldWith(t, nil, nil) }

// newWorldWith is newWorld with more settings of the focus and of signaling.
func newWorldWith(t *testing.T, more, ofSignaling map[string]any) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "mb") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("tcp", "127.0.0.1:0") // the port must stay over a restart
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: dir, address: l.Addr().String()}
	l.Close()
	w.certificate()
	server := map[string]any{
		"domain": "meet.jitsi", "auth_domain": "auth.meet.jitsi", "muc_domain": mucDomain,
		"internal_muc_domain": "internal-muc.meet.jitsi", "focus_domain": "focus.meet.jitsi",
		"tcp": w.address, "certificate": w.path("xmpp.crt"), "key": w.path("xmpp.key"), "focus_user": "focus",
		"accounts": []any{account(t, "focus"), account(t, "jvb")},
	}
	maps.Copy(server, ofSignaling)
	w.write("signaling.json", server)
	settings := map[string]any{
		"xmpp": w.login("focus", "focus"), "domain": "meet.jitsi", "muc_domain": mucDomain, "focus_domain": "focus.meet.jitsi", "brewery": breweryRoom,
	}
	maps.Copy(settings, more)
	w.write("focus.json", settings)
	w.signaling = &process{t: t, cmd: func() *exec.Cmd {
		return exec.Command(os.Getenv(binary), "-run", dir, "-state", dir)
	}}
	w.focus = &process{t: t, cmd: func() *exec.Cmd {
		cmd := exec.Command(os.Args[0], "-run", dir)
		cmd.Env = append(os.Environ(), asFocus+"=1")
		return cmd
	}}
	w.signaling.start()
	w.focus.start()
	return w
}

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

func (w *world) login(user, resource string) client.Config {
	return client.Config{Address: w.address, Domain: "auth.meet.jitsi", User: user, Password: "secret-" + user, Resource: resource, CA: w.path("xmpp.crt")}
}

// process can be killed and started again.
type process struct {
	t   *testing.T
	cmd func() *exec.Cmd

	mu  sync.Mutex
	now *exec.Cmd
	log bytes.Buffer
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *process) start() {
	p.t.Helper()
	cmd := p.cmd()
	cmd.Stdout, cmd.Stderr = p, p
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	first := p.now == nil
	p.now = cmd
	if first {
		p.t.Cleanup(func() {
			p.kill()
			if p.t.Failed() {
				p.mu.Lock()
				defer p.mu.Unlock()
				p.t.Logf("%s said:\n%s", filepath.Base(cmd.Path), &p.log)
			}
		})
	}
}

func (p *process) kill() {
	p.now.Process.Kill() // dead is dead
	p.now.Wait()         // killed
}

// account is what signaling keeps of a password.
func account(t *testing.T, user string) any {
	t.Helper()
	c, err := scram.SHA256.NewClient(user, "secret-"+user, "")
	if err != nil {
		t.Fatal(err)
	}
	k, err := c.GetStoredCredentialsWithError(scram.KeyFactors{Salt: "salt of " + user, Iters: 4096})
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.StdEncoding.EncodeToString
	keys := map[string]any{"salt": b64([]byte(k.Salt)), "iterations": k.Iters, "stored_key": b64(k.StoredKey), "server_key": b64(k.ServerKey)}
	return map[string]any{"user": user, "scram": map[string]any{"SCRAM-SHA-256": keys}}
}

// certificate makes signaling's, which is its own authority.
func (w *world) certificate() {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"meet.jitsi", "auth.meet.jitsi"},
	}
	crt, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
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
