// Package clock decides what time it is.
//
// A box may have no battery and no network, so there is a ladder: the
// hardware clock; if that is behind what the box knows already (when it was
// built, when it was on last) or absurdly far ahead, that instead; then time
// servers, the administrator's or those that the DHCP server names, and no
// others; then an administrator's browser. What a higher step said is not
// overruled by a lower one.
//
// While people meet the clock is never set back, and not set forward either:
// it runs a little faster or slower (500 millionths), and is set when they
// have left. The time is saved once an hour and at the end, to a file of a
// few bytes and to the hardware clock.
package clock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/ntp"
	"meetbox.local/appliance/kit/atomicfile"
)

const (
	// horizon is how long after its build a box may be in use. A clock beyond
	// it is broken.
	horizon = 25 * 365 * 24 * time.Hour
	// slewable is what the kernel makes up for in minutes, without a step.
	slewable = 128 * time.Millisecond
	// saveEvery: 24 small writes a day.
	saveEvery = time.Hour
	fileName  = "clock"

	firstPause = 2 * time.Second // between questions, doubled
	lastPause  = 17 * time.Minute
	askTime    = 3 * time.Second
	// ntpLasts is how long a time server is trusted more than a browser.
	ntpLasts = 6 * time.Hour
	// disagree is how far servers may be apart.
	disagree = time.Second
)

// Kernel is the machine's clock.
type Kernel interface {
	Now() time.Time
	Step(time.Time) error
	Slew(time.Duration) error
}

// RTC is the hardware clock, if there is one.
type RTC interface {
	Read() (time.Time, error)
	Write(time.Time) error
}

// Config is what a manager works with.
type Config struct {
	Kernel  Kernel
	RTC     RTC // nil: there is none
	Dir     string
	Built   time.Time
	Servers func() []netip.Addr            // those that DHCP named
	Meeting func(ctx context.Context) bool // people are in meetings
	Stepped func()                         // the clock was set: certificates may be due
	Log     *slog.Logger
	port    string
}

// Manager keeps the clock.
type Manager struct {
	cfg  Config
	wake chan struct{}

	mu       sync.Mutex
	settings api.Clock
	status   api.ClockStatus
	rest     time.Duration // to be made up for when nobody meets
	heard    time.Time     // of NTP, on the monotonic clock
	problem  string        // of the beginning
}

// New sets the clock to what is known without asking anybody: never before
// the box was built or was on last.
func New(cfg Config) *Manager {
	if cfg.port == "" {
		cfg.port = "123"
	}
	m := &Manager{cfg: cfg, wake: make(chan struct{}, 1), status: api.ClockStatus{Source: api.ClockBattery, RTC: cfg.RTC != nil}}
	now := cfg.Kernel.Now()
	floor, source := cfg.Built, api.ClockBuild
	if saved, err := m.saved(); err == nil && saved.After(floor) && saved.Before(cfg.Built.Add(horizon)) {
		floor, source = saved, api.ClockSaved
	}
	switch {
	case now.After(cfg.Built.Add(horizon)):
		m.problem = fmt.Sprintf("The hardware clock said %s, which cannot be. Set the clock, or name a time server.", now.UTC().Format("2 January 2006"))
	case now.Before(floor):
		m.problem = fmt.Sprintf("The hardware clock said %s, which is over: its battery may be empty. Set the clock, or name a time server.", now.UTC().Format("2 January 2006"))
	default:
		return m
	}
	m.status.Source = source
	cfg.Log.Warn("clock", "problem", m.problem, "set", floor)
	if err := cfg.Kernel.Step(floor); err != nil {
		m.problem += " It could not be set: " + err.Error() + "."
	}
	return m
}

// Configure takes the administrator's settings.
func (m *Manager) Configure(c api.Clock) {
	m.mu.Lock()
	same := slices.Equal(c.NTP, m.settings.NTP) && c.Off == m.settings.Off
	m.settings = c
	m.mu.Unlock()
	if !same {
		m.Wake()
	}
}

// Wake has the servers asked now: there may be others, or a network.
func (m *Manager) Wake() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// Status is what the clock says and why.
func (m *Manager) Status() api.ClockStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.status
	s.Now, s.Offset = m.cfg.Kernel.Now().UTC(), m.rest.Seconds()
	s.Servers = slices.Clone(s.Servers)
	s.Trusted = s.Source == api.ClockNTP || s.Source == api.ClockBrowser
	if s.Problem == "" && !s.Trusted {
		s.Problem = m.problem
	}
	return s
}

// NTP is how good the time is, for who asks us.
func (m *Manager) NTP() ntp.Source {
	m.mu.Lock()
	defer m.mu.Unlock()
	best := 0
	for _, s := range m.status.Servers {
		if s.Problem == "" && s.Stratum > 0 && (best == 0 || s.Stratum < best) {
			best = s.Stratum
		}
	}
	switch {
	case m.status.Source == api.ClockNTP && best > 0:
		return ntp.Source{Stratum: min(best+1, 15), Set: m.status.Set}
	case m.status.Source == api.ClockBrowser, m.status.Source == api.ClockNTP:
		return ntp.Source{Stratum: 10, Set: m.status.Set}
	case m.status.Source == api.ClockBattery:
		return ntp.Source{Stratum: 12}
	}
	return ntp.Source{} // not before a person or a server said so
}

// Why a browser's time is not taken.
var (
	errAbsurd = errors.New("that time cannot be right: set the clock of the computer first")
	errNTP    = errors.New("the clock follows a time server, which knows better than a computer")
	errMeet   = errors.New("people are in a meeting, and the clock would have to be set back: wait until it is over")
)

// SetFromBrowser sets the clock to what an administrator's computer says.
func (m *Manager) SetFromBrowser(t time.Time) error {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	meeting := m.cfg.Meeting(ctx)
	m.mu.Lock()
	offset := t.Sub(m.cfg.Kernel.Now())
	var err error
	switch {
	case t.Before(m.cfg.Built.Add(-24 * time.Hour)), t.After(m.cfg.Built.Add(horizon)):
		err = errAbsurd
	case m.status.Source == api.ClockNTP && time.Since(m.heard) < ntpLasts:
		err = errNTP
	case meeting && offset < -2*time.Second:
		err = errMeet
	default:
		err = m.cfg.Kernel.Step(t)
	}
	if err == nil {
		m.rest = 0
		m.status.Source, m.status.Set, m.status.Problem, m.problem = api.ClockBrowser, t.UTC(), "", ""
	}
	m.mu.Unlock()
	if err != nil {
		return err
	}
	m.cfg.Log.Info("clock set from a browser", "offset", offset)
	m.stepped()
	return nil
}

func (m *Manager) stepped() {
	m.save()
	m.cfg.Stepped()
}

// Run asks the servers and saves the time until ctx ends.
func (m *Manager) Run(ctx context.Context) error {
	save := time.NewTicker(saveEvery)
	defer save.Stop()
	defer m.save()
	ask := time.NewTimer(0)
	defer ask.Stop()
	for pause := firstPause; ; {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-save.C:
			m.save()
		case <-m.wake:
			pause = firstPause
			ask.Reset(0)
		case <-ask.C:
			if m.ask(ctx) {
				pause = lastPause
			} else {
				pause = min(2*pause, lastPause)
			}
			m.mu.Lock()
			if m.rest != 0 {
				pause = min(pause, time.Minute) // until the meeting is over
			}
			m.mu.Unlock()
			ask.Reset(pause)
		}
	}
}

// servers are who may be asked: the administrator's, else DHCP's.
func (m *Manager) servers() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.settings.Off {
		return nil
	}
	out := slices.Clone(m.settings.NTP)
	if len(out) == 0 {
		for _, a := range m.cfg.Servers() {
			out = append(out, a.String())
		}
	}
	return out[:min(len(out), 8)]
}

// ask asks all servers at once and follows them. It says whether one was
// heard.
func (m *Manager) ask(ctx context.Context) bool {
	names := m.servers()
	found := make([]api.ClockServer, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() { found[i] = m.question(ctx, name) })
	}
	wg.Wait()
	if ctx.Err() != nil {
		return false
	}
	var offsets []time.Duration
	for _, s := range found {
		if s.Problem == "" {
			offsets = append(offsets, time.Duration(s.Offset*float64(time.Second)))
		}
	}
	slices.Sort(offsets)
	m.mu.Lock()
	m.status.Servers = found
	for i, name := range names {
		if found[i].Problem != "" {
			found[i].Name = name
		}
	}
	if len(offsets) == 0 {
		m.status.Problem = ""
		if len(names) > 0 {
			m.status.Problem = "No time server answers: " + strings.Join(names, ", ") + "."
		}
		m.mu.Unlock()
		return false
	}
	m.status.Problem = ""
	if offsets[len(offsets)-1]-offsets[0] > disagree {
		m.status.Problem = fmt.Sprintf("The time servers are %.0f seconds apart: one of them is wrong.", (offsets[len(offsets)-1] - offsets[0]).Seconds())
	}
	m.mu.Unlock()
	m.follow(ctx, offsets[len(offsets)/2])
	return true
}

// question asks one server three times and takes the quickest answer, whose
// offset is the surest.
func (m *Manager) question(ctx context.Context, name string) api.ClockServer {
	out := api.ClockServer{Name: name}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	var best ntp.Answer
	for i := range 3 {
		a, err := ntp.Query(ctx, net.JoinHostPort(name, m.cfg.port), m.cfg.Kernel.Now)
		if err == nil {
			if t := m.cfg.Kernel.Now().Add(a.Offset); t.Before(m.cfg.Built) || t.After(m.cfg.Built.Add(horizon)) {
				err = fmt.Errorf("the server says %s, which cannot be", t.UTC().Format("2 January 2006"))
			}
		}
		if err != nil {
			if out.Heard.IsZero() {
				out.Problem = err.Error()
			}
			return out
		}
		if i == 0 || a.Delay < best.Delay {
			best = a
		}
		out.Heard = m.cfg.Kernel.Now().Add(best.Offset).UTC()
		out.Stratum, out.Offset, out.Delay = best.Stratum, best.Offset.Seconds(), best.Delay.Seconds()
	}
	return out
}

// follow makes up for the offset: slowly when it is small or people meet,
// else at once.
func (m *Manager) follow(ctx context.Context, offset time.Duration) {
	slow := offset.Abs() <= slewable
	wait := !slow && m.cfg.Meeting(ctx)
	var err error
	m.mu.Lock()
	m.heard = time.Now()
	m.rest = 0
	if slow || wait {
		m.rest = 0
		if wait {
			m.rest = offset
			m.status.Problem = fmt.Sprintf("The clock is %.1f seconds off. It will be set when nobody is in a meeting.", offset.Seconds())
		}
		err = m.cfg.Kernel.Slew(offset)
	} else {
		err = m.cfg.Kernel.Step(m.cfg.Kernel.Now().Add(offset))
	}
	if err != nil {
		m.status.Problem = "The clock cannot be set: " + err.Error() + "."
	} else {
		m.status.Source, m.status.Set = api.ClockNTP, m.cfg.Kernel.Now().UTC()
	}
	m.mu.Unlock()
	if err == nil && !slow && !wait {
		m.cfg.Log.Info("clock set from time servers", "offset", offset)
		m.stepped()
	}
}

// saved is the time at which the box was on last.
func (m *Manager) saved() (time.Time, error) {
	root, err := os.OpenRoot(m.cfg.Dir)
	if err != nil {
		return time.Time{}, err
	}
	defer root.Close()
	b, err := root.ReadFile(fileName)
	if err != nil {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339, strings.TrimSpace(string(b[:min(len(b), 64)])))
}

// save keeps the time for the next start. One that is absurd is not kept.
func (m *Manager) save() {
	now := m.cfg.Kernel.Now()
	if now.Before(m.cfg.Built) || now.After(m.cfg.Built.Add(horizon)) {
		return
	}
	err := func() error {
		root, err := os.OpenRoot(m.cfg.Dir)
		if err != nil {
			return err
		}
		defer root.Close()
		return atomicfile.Write(root, fileName, []byte(now.UTC().Format(time.RFC3339)+"\n"), 0o600)
	}()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.cfg.Log.Warn("clock not saved", "err", err)
	}
	if m.cfg.RTC == nil || !m.Status().Trusted {
		return
	}
	if have, err := m.cfg.RTC.Read(); err == nil && have.Sub(now).Abs() < 2*time.Second {
		return
	}
	if err := m.cfg.RTC.Write(now); err != nil {
		m.cfg.Log.Warn("hardware clock not set", "err", err)
	}
}
