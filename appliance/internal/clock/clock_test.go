package clock

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/ntp"
)

// fake is a machine's clock that runs like the real one, but elsewhere.
type fake struct {
	mu   sync.Mutex
	off  time.Duration
	slew time.Duration
	rtc  time.Time
}

func (f *fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Now().Add(f.off).Round(0)
}

func (f *fake) Step(t time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.off = t.Sub(time.Now().Round(0))
	return nil
}

func (f *fake) Slew(d time.Duration) error { f.mu.Lock(); defer f.mu.Unlock(); f.slew = d; return nil }
func (f *fake) Read() (time.Time, error)   { return f.rtc, nil }
func (f *fake) Write(t time.Time) error    { f.mu.Lock(); defer f.mu.Unlock(); f.rtc = t; return nil }

func date(t *testing.T, text string) time.Time {
	t.Helper()
	d, err := time.Parse("2006-01-02", text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// box makes a manager on a machine whose clock says begin.
func box(t *testing.T, begin time.Time, saved string, servers ...netip.Addr) (*Manager, *fake, *bool, chan struct{}) {
	t.Helper()
	dir := t.TempDir()
	if saved != "" {
		if err := os.WriteFile(filepath.Join(dir, fileName), []byte(saved), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k := &fake{}
	_ = k.Step(begin)
	meeting := new(bool)
	stepped := make(chan struct{}, 100)
	m := New(Config{
		Kernel: k, RTC: k, Dir: dir, Built: date(t, "2026-11-01"),
		Servers: func() []netip.Addr { return servers }, Meeting: func(context.Context) bool { return *meeting },
		Stepped: func() { stepped <- struct{}{} }, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	return m, k, meeting, stepped
}

func near(a, b time.Time) bool { return a.Sub(b).Abs() < 10*time.Second }

func TestBeginning(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, begin, saved, want string
		source                   api.ClockSource
		problem                  string
	}{
		{"a good battery", "2027-03-01", "2027-02-01T00:00:00Z\n", "2027-03-01", api.ClockBattery, ""},
		{"no battery, first start", "1970-01-01", "", "2026-11-01", api.ClockBuild, "battery may be empty"},
		{"no battery", "1970-01-01", "2027-02-01T00:00:00Z\n", "2027-02-01", api.ClockSaved, "battery may be empty"},
		{"behind what was saved", "2027-01-01", "2027-02-01T00:00:00Z\n", "2027-02-01", api.ClockSaved, "battery may be empty"},
		{"far future", "2090-01-01", "2027-02-01T00:00:00Z\n", "2027-02-01", api.ClockSaved, "cannot be"},
		{"far future on both", "2090-01-01", "2090-02-01T00:00:00Z\n", "2026-11-01", api.ClockBuild, "cannot be"},
		{"far future saved only", "2027-01-01", "2090-02-01T00:00:00Z\n", "2027-01-01", api.ClockBattery, ""},
		{"nonsense saved", "2027-01-01", strings.Repeat("x", 1000), "2027-01-01", api.ClockBattery, ""},
		{"saved before the build", "1970-01-01", "1999-01-01T00:00:00Z\n", "2026-11-01", api.ClockBuild, "battery may be empty"},
	}
	for _, tc := range tests {
		m, k, _, _ := box(t, date(t, tc.begin), tc.saved)
		s := m.Status()
		if !near(k.Now(), date(t, tc.want)) || s.Source != tc.source || s.Trusted || !strings.Contains(s.Problem, tc.problem) || (tc.problem == "") != (s.Problem == "") {
			t.Errorf("%s: %v, %+v, want %s from %s", tc.name, k.Now().UTC(), s, tc.want, tc.source)
		}
	}
}

func TestBrowser(t *testing.T) {
	t.Parallel()
	m, k, meeting, stepped := box(t, date(t, "1970-01-01"), "")
	if m.NTP().Stratum != 0 {
		t.Error("gives others a time that nobody said")
	}
	for text, want := range map[string]error{"1999-01-01": errAbsurd, "2099-01-01": errAbsurd} {
		if err := m.SetFromBrowser(date(t, text)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
	if err := m.SetFromBrowser(date(t, "2027-05-01")); err != nil {
		t.Fatal(err)
	}
	<-stepped
	if s := m.Status(); !near(k.Now(), date(t, "2027-05-01")) || s.Source != api.ClockBrowser || !s.Trusted || s.Problem != "" || !near(k.rtc, k.Now()) {
		t.Errorf("%+v, hardware clock %v", s, k.rtc)
	}
	*meeting = true
	if err := m.SetFromBrowser(date(t, "2027-04-01")); !errors.Is(err, errMeet) {
		t.Errorf("back during a meeting: %v", err)
	}
	*meeting = false
	if err := m.SetFromBrowser(date(t, "2027-04-01")); err != nil || !near(k.Now(), date(t, "2027-04-01")) {
		t.Errorf("back afterwards: %v, %v", err, k.Now())
	}
	// The next start without a battery goes on from there.
	again := New(Config{Kernel: &fake{off: -time.Since(time.Unix(0, 0))}, Dir: m.cfg.Dir, Built: m.cfg.Built, Log: m.cfg.Log})
	if s := again.Status(); s.Source != api.ClockSaved || !near(s.Now, date(t, "2027-04-01")) {
		t.Errorf("after a restart: %+v", s)
	}
}

// server is a time server on the loopback that says what time it is.
func server(t *testing.T, k *fake) (port string) {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = ntp.Serve(c, k.Now, func() ntp.Source { return ntp.Source{Stratum: 2} })
	}()
	t.Cleanup(func() { c.Close(); <-done })
	_, port, err = net.SplitHostPort(c.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestServers(t *testing.T) {
	t.Parallel()
	real := &fake{}
	_ = real.Step(date(t, "2027-06-01"))
	m, k, meeting, stepped := box(t, date(t, "2026-12-01"), "", netip.MustParseAddr("127.0.0.1"))
	m.cfg.port = server(t, real)
	ctx := t.Context()

	*meeting = true
	if !m.ask(ctx) {
		t.Fatal("not heard")
	}
	if s := m.Status(); !near(k.Now(), date(t, "2026-12-01")) || k.slew < 181*24*time.Hour || s.Offset < 1e7 || !strings.Contains(s.Problem, "when nobody is in a meeting") {
		t.Errorf("during a meeting: %+v, slew %v", s, k.slew)
	}
	*meeting = false
	m.ask(ctx)
	<-stepped
	if s := m.Status(); !near(k.Now(), real.Now()) || s.Source != api.ClockNTP || s.Offset != 0 || s.Problem != "" || len(s.Servers) != 1 || s.Servers[0].Stratum != 2 {
		t.Errorf("afterwards: %+v", s)
	}
	if got := m.NTP().Stratum; got != 3 {
		t.Errorf("stratum %d, want 3", got)
	}
	if err := m.SetFromBrowser(date(t, "2027-07-01")); !errors.Is(err, errNTP) {
		t.Errorf("a browser against a server: %v", err)
	}
	_ = k.Step(real.Now().Add(50 * time.Millisecond)) // a little ahead
	m.ask(ctx)
	if k.slew > 0 || k.slew < -100*time.Millisecond || len(stepped) > 0 {
		t.Errorf("slew %v, stepped %d times", k.slew, len(stepped))
	}
	_ = real.Step(date(t, "2090-01-01"))
	if m.ask(ctx) || !strings.Contains(m.Status().Servers[0].Problem, "cannot be") {
		t.Errorf("an absurd server: %+v", m.Status())
	}
	m.Configure(api.Clock{Off: true})
	if m.ask(ctx) || len(m.Status().Servers) != 0 {
		t.Errorf("asked though off: %+v", m.Status())
	}
}

// Run asks, and asks anew when it is woken; at its end the time is saved.
func TestRun(t *testing.T) {
	t.Parallel()
	real := &fake{}
	_ = real.Step(date(t, "2027-06-01"))
	m, k, _, stepped := box(t, date(t, "2026-12-01"), "", netip.MustParseAddr("127.0.0.1"))
	m.cfg.port = server(t, real)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	<-stepped
	_ = real.Step(date(t, "2027-08-01"))
	m.Configure(api.Clock{NTP: []string{"127.0.0.1"}})
	<-stepped
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	saved, err := m.saved()
	if err != nil || !near(saved, k.Now()) || !near(saved, date(t, "2027-08-01")) {
		t.Errorf("saved %v, %v", saved, err)
	}
}
