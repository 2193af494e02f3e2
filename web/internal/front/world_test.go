package front

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// world is a running front with its certificates on disk.
type world struct {
	dir      string // short: Unix sockets have 107 bytes
	ca       *x509.Certificate
	caKey    *ecdsa.PrivateKey
	settings Settings
	server   *Server
	metrics  *metrics.Set
	https    string // host:port
	http     string
	admin    string // the console
	client   *http.Client
}

func start(t *testing.T) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "mb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w := &world{dir: dir, metrics: metrics.NewSet()}
	w.authority(t)
	w.issue(t, 1)
	secure, plain, admin := listen(t), listen(t), listen(t)
	w.https, w.http, w.admin = secure.Addr().String(), plain.Addr().String(), admin.Addr().String()
	w.settings = Settings{
		HTTPS:       w.https,
		HTTP:        w.http,
		Certificate: w.path("web.crt"),
		Key:         w.path("web.key"),
		CA:          w.path("ca.crt"),
		Names:       []string{"meetbox.local", "localhost", "127.0.0.1"},
		HTTPSPort:   secure.Addr().(*net.TCPAddr).Port,
		Domain:      "meet.jitsi", MUCDomain: "muc.meet.jitsi", FocusDomain: "focus.meet.jitsi",
	}
	w.server, err = New(Options{
		Settings: w.settings,
		Pages: fstest.MapFS{
			"index.html":       {Data: []byte("<!doctype html><title>the page</title>")},
			"admin.html":       {Data: []byte("<!doctype html><title>the console</title>")},
			"trust.html":       {Data: []byte("<!doctype html><title>trust this box</title>")},
			"favicon.svg":      {Data: []byte("<svg/>")},
			"assets/main-1.js": {Data: []byte("1")},
		},
		Socket:  func(service string) string { return w.path(service + ".sock") },
		Metrics: w.metrics,
		Log:     slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- w.server.Serve(ctx, secure, plain, admin) }()
	roots := x509.NewCertPool()
	roots.AddCert(w.ca)
	w.client = &http.Client{
		Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{RootCAs: roots},
			ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(func() {
		w.client.CloseIdleConnections()
		cancel()
		<-served
	})
	return w
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// backend answers on a service's socket.
func (w *world) backend(t *testing.T, service string, h http.Handler) *http.Server {
	t.Helper()
	l, err := net.Listen("unix", w.path(service+".sock"))
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return srv
}

func (w *world) authority(t *testing.T) {
	t.Helper()
	w.caKey = newKey(t)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &w.caKey.PublicKey, w.caKey)
	if err != nil {
		t.Fatal(err)
	}
	if w.ca, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	w.write(t, "ca.crt", pemBlock("CERTIFICATE", der))
}

// issue writes a new leaf with that serial number.
func (w *world) issue(t *testing.T, serial int64) {
	t.Helper()
	key := newKey(t)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(serial), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, w.ca, &key.PublicKey, w.caKey)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "web.crt", pemBlock("CERTIFICATE", der))
	w.write(t, "web.key", pemBlock("PRIVATE KEY", private))
}

func (w *world) write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(w.path(name), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func pemBlock(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// answer is a response, read whole.
type answer struct {
	*http.Response
	text string
}

func (w *world) do(t *testing.T, r *http.Request) answer {
	t.Helper()
	resp, err := w.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp, string(b)}
}

func (w *world) get(t *testing.T, url string) answer {
	t.Helper()
	return w.do(t, request(t, http.MethodGet, url, nil))
}

func request(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (w *world) serial(t *testing.T) int64 {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(w.ca)
	c, err := tls.Dial("tcp", w.https, &tls.Config{RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}
