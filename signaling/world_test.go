package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
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

	"github.com/golang-jwt/jwt/v5"
	"github.com/xdg-go/scram"
	"meetbox.local/appliance/kit/ctl"
	"meetbox.local/signaling/internal/sasl"
	"meetbox.local/signaling/internal/token"
	"meetbox.local/signaling/xmpp/convo"
)

// asServer makes the test binary be the server: a process that can be killed.
const asServer = "MEETBOX_TEST_SIGNALING"

func TestMain(m *testing.M) {
	if os.Getenv(asServer) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// world is one server process with its folder.
type world struct {
	dir  string // RUN
	tcp  string
	root *x509.CertPool
	set  settings

	cmd *exec.Cmd

	mu    sync.Mutex
	log   bytes.Buffer
	words string // looked for in the log
	since int    // from here on
	found chan struct{}
}

const password = "correct horse"

// newWorld starts a server, which ends with the test.
func newWorld(t testing.TB) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "mb") // t.TempDir is too long for a socket's name
	if err != nil {
		t.Fatal(err)
	}
	w := &world{dir: dir, root: x509.NewCertPool()}
	t.Cleanup(func() {
		w.kill(t)
		if t.Failed() {
			w.mu.Lock()
			t.Logf("server's log:\n%s", w.log.String())
			w.mu.Unlock()
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	w.render(t)
	w.start(t)
	return w
}

// render writes what the appliance would.
func (w *world) render(t testing.TB) {
	t.Helper()
	cert, key := w.certificate(t)
	// The port must stay over a restart, so the kernel picks it once.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.tcp = l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	set := settings{
		Domain: "meet.jitsi", AuthDomain: "auth.meet.jitsi", MUC: "muc.meet.jitsi",
		InternalMUC: "internal-muc.meet.jitsi", Focus: "focus.meet.jitsi",
		TCP: w.tcp, Certificate: cert, Key: key, FocusUser: "focus",
	}
	for _, user := range []string{"focus", "jvb"} {
		set.Accounts = append(set.Accounts, sasl.Account{User: user, SCRAM: map[string]sasl.Keys{
			sasl.SHA256: keys(t, scram.SHA256, user), sasl.SHA1: keys(t, scram.SHA1, user),
		}})
	}
	for _, user := range users {
		set.Users = append(set.Users, sasl.Account{User: user, SCRAM: map[string]sasl.Keys{
			sasl.SHA256: keys(t, scram.SHA256, user), sasl.SHA1: keys(t, scram.SHA1, user),
		}})
	}
	set.Tokens = []token.Key{{Algorithm: "HS256", Secret: tokenSecret}}
	w.set = set
	w.write(t)
}

// users are people with an account.
var users = []string{"oslo", "rome", "lima", "bern", "cork", "kyiv", "riga"}

const tokenSecret = "a secret that is long enough for it"

// Token implements convo.Settings.
func (w *world) Token(claims string) (string, error) {
	m := jwt.MapClaims{"exp": time.Now().Add(time.Hour).Unix()}
	if err := json.Unmarshal([]byte(claims), &m); err != nil {
		return "", err
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, m).SignedString([]byte(tokenSecret))
}

// Change implements convo.Settings.
func (w *world) Change(t *testing.T, text string) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &w.set); err != nil {
		t.Fatal(err)
	}
	w.write(t)
	taken := w.await("settings taken over")
	if err := w.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	select {
	case <-taken:
	case <-t.Context().Done():
	}
}

func (w *world) write(t testing.TB) {
	t.Helper()
	b, err := json.Marshal(w.set)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "signaling.json"), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func keys(t testing.TB, hash scram.HashGeneratorFcn, user string) sasl.Keys {
	t.Helper()
	c, err := hash.NewClient(user, password, "")
	if err != nil {
		t.Fatal(err)
	}
	salt := rand.Text()
	k, err := c.GetStoredCredentialsWithError(scram.KeyFactors{Salt: salt, Iters: 4096})
	if err != nil {
		t.Fatal(err)
	}
	return sasl.Keys{Salt: []byte(salt), Iterations: 4096, StoredKey: k.StoredKey, ServerKey: k.ServerKey}
}

func (w *world) certificate(t testing.TB) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"meet.jitsi", "auth.meet.jitsi"}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	kder, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(w.dir, "xmpp.crt"), filepath.Join(w.dir, "xmpp.key")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	err = errors.Join(os.WriteFile(cert, text, 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: kder}), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	w.root.AppendCertsFromPEM(text)
	return cert, key
}

// start runs the server until it says that it serves.
func (w *world) start(t testing.TB) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-run", w.dir, "-state", filepath.Join(w.dir, "state"))
	cmd.Env = append(os.Environ(), asServer+"=1")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.cmd = cmd
	serving := make(chan bool, 1)
	go func() {
		lines := bufio.NewScanner(io.TeeReader(stderr, w))
		for lines.Scan() {
			if strings.Contains(lines.Text(), "msg=serving") {
				serving <- true
			}
		}
		close(serving)
	}()
	if !<-serving {
		t.Fatalf("server did not start:\n%s", w.log.String())
	}
}

// Write keeps the server's log.
func (w *world) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := w.log.Write(b)
	if w.found != nil && strings.Contains(w.log.String()[w.since:], w.words) {
		close(w.found)
		w.found = nil
	}
	return n, err
}

// await returns a channel that is closed once the log says the words.
func (w *world) await(words string) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.words, w.since, w.found = words, w.log.Len(), make(chan struct{})
	return w.found
}

func (w *world) kill(t testing.TB) {
	t.Helper()
	if err := w.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	_ = w.cmd.Wait() // says that it was killed
}

// Restart implements convo.World.
func (w *world) Restart(t *testing.T) {
	t.Helper()
	w.kill(t)
	w.start(t)
}

// Password implements convo.World.
func (w *world) Password(string) string { return password }

func (w *world) client() *http.Client { return ctl.Client(filepath.Join(w.dir, "signaling.sock")) }

// WebSocket implements convo.World.
func (w *world) WebSocket(ctx context.Context, query string) (convo.Wire, error) {
	return convo.DialWebSocket(ctx, w.client(), "ws://meet.jitsi/xmpp-websocket?room=demo&"+query)
}

// BOSH implements convo.World.
func (w *world) BOSH(query string) convo.Wire {
	return convo.DialBOSH(w.client(), "http://meet.jitsi/http-bind?room=demo&"+query)
}

// TCP implements convo.World.
func (w *world) TCP(ctx context.Context) (convo.Wire, error) {
	return convo.DialTCP(ctx, w.tcp, &tls.Config{RootCAs: w.root, ServerName: "auth.meet.jitsi"})
}
