package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/certs"
	"meetbox.local/appliance/internal/network"
	"meetbox.local/appliance/internal/settings"
	"meetbox.local/appliance/internal/state"
	"meetbox.local/appliance/kit/conf"
	"meetbox.local/appliance/kit/ctl"
	"meetbox.local/appliance/kit/unit"
)

// box is one appliance under test, in a folder of its own.
type box struct {
	run, state string
	env        map[string]string

	mu    sync.Mutex
	addrs []network.Address
}

func newBox(t *testing.T) *box {
	t.Helper()
	dir, err := os.MkdirTemp("", "mb") // short enough for socket names
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	b := &box{run: filepath.Join(dir, "run"), state: dir, env: map[string]string{}}
	b.setAddresses("192.0.2.7", "127.0.0.1")
	return b
}

func (b *box) setAddresses(all ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.addrs = nil
	for _, a := range all {
		b.addrs = append(b.addrs, network.Address{Addr: netip.MustParseAddr(a), Link: "eth0"})
	}
}

func (b *box) addresses() ([]network.Address, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.addrs), nil
}

// start runs the appliance as its main does, but for the addresses, until the
// test or the returned function ends it.
func (b *box) start(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int, 1)
	go func() {
		var raw *settings.Raw
		done <- unit.Main(ctx, "appliance", []string{"-run", b.run, "-state", b.state}, func(ctx context.Context, u *unit.Unit) error {
			set, err := raw.Settings()
			if err != nil {
				return err
			}
			store, err := state.Open(u.State, false)
			if err != nil {
				return err
			}
			d := newDaemon(u, set, store)
			d.addresses = b.addresses
			return errors.Join(d.run(ctx), store.Close())
		}, func(fl *flag.FlagSet) { raw = settings.Register(fl, func(name string) string { return b.env[name] }) })
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if code := <-done; code != 0 {
			t.Errorf("appliance exited with %d", code)
		}
	})
	t.Cleanup(stop)
	for {
		if h, err := ctl.Ask(t.Context(), filepath.Join(b.run, "ctl", "appliance.sock")); err == nil && h.OK {
			return stop
		}
		select {
		case code := <-done:
			t.Fatalf("appliance exited with %d", code)
		default:
		}
	}
}

// wake makes the appliance look at the machine again.
func (b *box) wake(t *testing.T) {
	t.Helper()
	if err := ctl.PostReload(t.Context(), filepath.Join(b.run, "ctl", "appliance.sock")); err != nil {
		t.Fatal(err)
	}
}

func (b *box) get(t *testing.T, path string) (int, []byte) {
	t.Helper()
	client := ctl.Client(filepath.Join(b.run, "appliance.sock"))
	defer client.CloseIdleConnections()
	for {
		resp, err := client.Get("http://appliance" + path)
		if err != nil { // the socket opens just after the first rendering
			continue
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, body
	}
}

func decode[T any](t *testing.T, b []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return v
}

// service stands for one of the others: a control socket that counts reloads.
func (b *box) service(t *testing.T, name string, healthy bool) (reloads <-chan struct{}) {
	t.Helper()
	ch := make(chan struct{}, 100)
	s := ctl.New(name)
	s.Reload = func() { ch <- struct{}{} }
	s.SetHealth(healthy, "stand-in")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	socket := filepath.Join(b.run, "ctl", name+".sock")
	go func() { done <- s.Serve(ctx, socket) }()
	t.Cleanup(func() { cancel(); <-done })
	for {
		if _, err := ctl.Ask(ctx, socket); err == nil {
			return ch
		}
	}
}

func (b *box) files(t *testing.T) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, pattern := range []string{"*.json", "tls/*"} {
		names, err := filepath.Glob(filepath.Join(b.run, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if out[name], err = os.ReadFile(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	return out
}

func TestRestartChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	stop := b.start(t)
	before := b.files(t)
	if len(before) != 9 {
		t.Errorf("%d files, want 4 settings and 5 of certificates", len(before))
	}
	stop()
	b.start(t)
	b.wake(t)
	for name, data := range b.files(t) {
		if !bytes.Equal(data, before[name]) {
			t.Errorf("%s changed over a restart", name)
		}
	}
}

func TestAddressChange(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.start(t)
	web, bridge, focus := b.service(t, "web", true), b.service(t, "bridge", true), b.service(t, "focus", true)
	b.setAddresses("198.51.100.9", "127.0.0.1")
	b.wake(t)
	<-web
	<-bridge
	if len(focus) > 0 {
		t.Error("focus was told to reload although nothing of its own changed")
	}
	certificates := decode[api.Certificates](t, second(b.get(t, "/api/certificates")))
	if want := netip.MustParseAddr("198.51.100.9"); !slices.Contains(certificates.Web.Addresses, want) {
		t.Errorf("web certificate for %v, want %v", certificates.Web.Addresses, want)
	}
	status := decode[api.Status](t, second(b.get(t, "/api/status")))
	if status.Scan != "https://198.51.100.9:8443" || status.Authority != "http://198.51.100.9:8080/ca.crt" {
		t.Errorf("status %+v", status)
	}
}

// The appliance may have been killed between writing and telling: what it
// finds already there when it starts, it tells about again.
func TestTellsAfterRestart(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.start(t)()
	web := b.service(t, "web", true)
	b.start(t)
	<-web
}

// A service that was away when its settings changed hears of it later.
func TestReloadWaitsForService(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.start(t)
	b.setAddresses("198.51.100.9", "127.0.0.1")
	b.wake(t)
	<-b.service(t, "web", true)
}

func second[A, B any](_ A, v B) B { return v }

func TestMediaAddresses(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.env["MEETBOX_MEDIA_ADDRS"] = "203.0.113.5"
	b.env["MEETBOX_MEDIA_PORT"] = "10777"
	b.start(t)
	file, err := conf.Load[struct {
		ID, Brewery           string
		XMPP, WebSocket, TURN any
		Media                 struct {
			Port      int
			TCPPort   int `json:"tcp_port"`
			Addresses []string
		}
	}](filepath.Join(b.run, "bridge.json"))
	if err != nil || file.Media.Port != 10777 || !slices.Equal(file.Media.Addresses, []string{"203.0.113.5"}) {
		t.Errorf("bridge.json %+v, %v", file, err)
	}
}

func TestAPI(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.start(t)
	b.service(t, "web", true)
	b.service(t, "focus", false)
	code, body := b.get(t, "/api/health")
	health := decode[api.Health](t, body)
	if code != http.StatusServiceUnavailable || health.OK || len(health.Services) != 5 {
		t.Errorf("health %d %s", code, body)
	}
	for _, s := range health.Services {
		want := s.Name == "appliance" || s.Name == "web"
		if s.OK != want || s.Detail == "" {
			t.Errorf("%+v, want ok %v", s, want)
		}
	}
	for _, name := range []string{"signaling", "bridge"} {
		b.service(t, name, true)
	}
	code, body = b.get(t, "/api/ca.pem")
	block, _ := pem.Decode(body)
	if code != http.StatusOK || block == nil {
		t.Fatalf("ca.pem %d %s", code, body)
	}
	ca, err := x509.ParseCertificate(block.Bytes)
	if err != nil || !ca.IsCA {
		t.Errorf("ca.pem: %v, CA %v", err, ca.IsCA)
	}
	published, err := os.ReadFile(filepath.Join(b.run, "tls", "ca.crt"))
	if err != nil || !bytes.Equal(published, body) {
		t.Errorf("tls/ca.crt is not ca.pem: %v", err)
	}
	if code, _ := b.get(t, "/api/nothing"); code != http.StatusNotFound {
		t.Errorf("unknown path: %d", code)
	}
}

func xmppPort(t *testing.T, b *box) int {
	t.Helper()
	var file struct{ TCP string }
	data, err := os.ReadFile(filepath.Join(b.run, "signaling.json"))
	if err == nil {
		err = json.Unmarshal(data, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(file.TCP)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// keepPort puts a port into the box's state as an earlier start would have.
func keepPort(t *testing.T, b *box, port int) {
	t.Helper()
	s, err := state.Open(b.state, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.PutXMPPPort(port), s.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestXMPPPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() }) // after the parallel parts
	taken := l.Addr().(*net.TCPAddr).Port

	t.Run("taken by another program", func(t *testing.T) {
		t.Parallel()
		b := newBox(t)
		keepPort(t, b, taken)
		stop := b.start(t)
		chosen := xmppPort(t, b)
		if chosen == taken {
			t.Fatalf("signaling is to use port %d, which another program has", taken)
		}
		stop()
		b.start(t)
		if again := xmppPort(t, b); again != chosen {
			t.Errorf("port %d after a restart, %d before", again, chosen)
		}
	})
	t.Run("taken by our own signaling", func(t *testing.T) {
		t.Parallel()
		b := newBox(t)
		keepPort(t, b, taken)
		b.service(t, "signaling", true)
		b.start(t)
		if got := xmppPort(t, b); got != taken {
			t.Errorf("moved from %d to %d although signaling has it", taken, got)
		}
	})
	t.Run("set by a person", func(t *testing.T) {
		t.Parallel()
		b := newBox(t)
		b.env["MEETBOX_XMPP_PORT"] = strconv.Itoa(taken)
		b.start(t)
		if got := xmppPort(t, b); got != taken {
			t.Errorf("port %d, but %d was asked for", got, taken)
		}
	})
	t.Run("lost meanwhile", func(t *testing.T) {
		t.Parallel()
		b := newBox(t)
		free, err := settings.FreeLoopback()
		if err != nil {
			t.Fatal(err)
		}
		keepPort(t, b, free)
		b.start(t)
		before := xmppPort(t, b)
		other, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(before)))
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		for xmppPort(t, b) == before { // within three nudges; the test's own limit ends a hang
			if _, err := ctl.Ask(t.Context(), filepath.Join(b.run, "ctl", "appliance.sock")); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestCheck(t *testing.T) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := func() string {
		n, err := settings.FreeLoopback()
		if err != nil {
			t.Fatal(err)
		}
		return strconv.Itoa(n)
	}
	free := func(b *box) []string {
		return []string{"-run", b.run, "-state", b.state, "-https-port", port(), "-http-port", port(), "-media-port", port(), "-admin-port", port()}
	}
	b := newBox(t)
	long := filepath.Join(b.state, strings.Repeat("x", 100))
	damaged := newBox(t)
	if err := os.WriteFile(filepath.Join(damaged.state, state.FileName), []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		code int
		text string
	}{
		{"well", free(b), 0, ""},
		{"port in use", append(free(b), "-https-port", strconv.Itoa(l.Addr().(*net.TCPAddr).Port)), 1, "set MEETBOX_HTTPS_PORT to a free port"},
		{"bad setting", append(free(b), "-media-addrs", "all"), 1, "MEETBOX_MEDIA_ADDRS"},
		{"damaged state", free(damaged), 1, "damaged"},
		{"long path", append(free(b), "-run", long), 1, "shorter"},
		{"unknown flag", []string{"-fast"}, 2, "fast"},
	}
	for _, tc := range tests {
		var out bytes.Buffer
		if code := check(tc.args, &out); code != tc.code || !strings.Contains(out.String(), tc.text) {
			t.Errorf("%s: check = %d, %q, want %d and %q", tc.name, code, out.String(), tc.code, tc.text)
		}
	}
	b.start(t)
	var out bytes.Buffer
	if code := check(free(b), &out); code != 1 || !strings.Contains(out.String(), "another Meetbox is running") {
		t.Errorf("beside a running copy: check = %d, %q", code, out.String())
	}
}

// TestClockIn1970: a box without a clock makes certificates that devices with
// a clock take, and keeps them once it has one.
func TestClockIn1970(t *testing.T) {
	t.Parallel()
	store, err := state.Open(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	pair, err := certs.NewAuthority(time.Unix(100, 0))
	if err != nil {
		t.Fatal(err)
	}
	ca, err := certs.Load(pair)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(100, 0)
	d := &daemon{log: slog.New(slog.DiscardHandler), store: store, now: func() time.Time { return now }}
	first, err := d.leaf(ca, "web", []string{"meetbox.local"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(first.Certificate)
	if err != nil || c.NotBefore.Year() < 2026 || c.NotBefore.Before(ca.Certificate().NotBefore) {
		t.Errorf("begins %v, its authority %v (%v)", c.NotBefore, ca.Certificate().NotBefore, err)
	}
	for _, at := range []time.Time{now, time.Unix(oldest, 0).AddDate(0, 3, 0)} {
		now = at
		if again, err := d.leaf(ca, "web", []string{"meetbox.local"}, nil); err != nil || !bytes.Equal(again.Certificate, first.Certificate) {
			t.Errorf("at %v it was made anew (%v)", at, err)
		}
	}
	now = time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, err := d.leaf(ca, "web", []string{"meetbox.local"}, nil); err != nil {
		t.Errorf("in 2090: %v", err)
	}
	now = time.Unix(oldest, 0).AddDate(0, 3, 0)
	back, err := d.leaf(ca, "web", []string{"meetbox.local"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := x509.ParseCertificate(back.Certificate); err != nil || c.NotBefore.After(now) {
		t.Errorf("after a clock in 2090: begins %v (%v)", c.NotBefore, err)
	}
}
