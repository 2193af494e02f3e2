// Package update brings a new version onto the box.
//
// Begin takes an update file as it comes in and keeps it aside; only when all
// of it is there, and its signature and all else fit, anything is changed. Run
// then writes it to the half of the disk that does not run, reads back what was
// written, lets it start once, and restarts the box. The new version finds
// itself on trial: when all services are well and a call that the box makes to
// itself goes through, it confirms itself; else it restarts, and the version
// before it is back. A new version that cannot even say so (it crashes, hangs,
// loses power) is given up by the boot loader, or by process 1.
//
// The record update.json says between restarts what was tried, what became of
// it and why, and which counter later versions must exceed. It is written
// before what it announces, so that after a power cut at any instant the next
// start can tell what happened.
package update

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"aead.dev/minisign"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/bundle"
	"meetbox.local/appliance/internal/slots"
	"meetbox.local/appliance/kit/atomicfile"
)

const (
	recordName = "update.json"
	spoolName  = "update.part"

	// TrialTime is how long a new version may take until it works. Process 1
	// gives up a little later, should the appliance itself be what does not.
	TrialTime = 4 * time.Minute
	// tryEvery is the time between two attempts on trial.
	tryEvery = 2 * time.Second
	// The last answers get out before the box restarts.
	restartDelay = 2 * time.Second
	// spare is what must stay free on the disk beside the file.
	spare = 32 << 20
)

// Config is what a Manager is made from.
type Config struct {
	Dir     *os.Root // for record and file
	Running api.Release
	Keys    []minisign.PublicKey
	Disk    *slots.Disk // nil on somebody's computer: no updates there

	Healthy func(context.Context) error // nil error: all services are well
	Call    func(context.Context) error // the call to itself
	People  func(context.Context) (int, error)
	Restart func() error
	// Confirmed is called once the running version is, after each start. May
	// be nil.
	Confirmed func() error
	// Free is the space left for Dir in bytes.
	Free func() (int64, error)
	Log  *slog.Logger
}

// Manager does all of this.
type Manager struct {
	c    Config
	jobs chan job

	mu     sync.Mutex
	busy   bool
	status api.Update
	record record
}

// record is kept over restarts. Older versions read what newer ones wrote:
// fields are only ever added.
type record struct {
	Floor uint64            `json:"floor"`
	Trial *trial            `json:"trial,omitempty"`
	Last  *api.UpdateResult `json:"last,omitempty"`
}

type trial struct {
	Release api.Release `json:"release"`
	Slot    slots.Slot  `json:"slot"`
	Reason  string      `json:"reason,omitempty"` // why the new version gave up
}

// job is a file that was verified whole.
type job struct{ manifest bundle.Manifest }

// New reads the record; one that cannot be read is begun anew.
func New(c Config) *Manager {
	m := &Manager{c: c, jobs: make(chan job, 1)}
	m.status = api.Update{Running: c.Running, Phase: api.UpdateIdle, Keys: []string{}}
	for _, k := range c.Keys {
		m.status.Keys = append(m.status.Keys, bundle.KeyName(k.ID()))
	}
	if c.Disk != nil {
		m.status.Slot = string(c.Disk.Running())
	}
	b, err := c.Dir.ReadFile(recordName)
	if err == nil {
		err = json.Unmarshal(b, &m.record)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.Log.Error("record of updates begun anew", "err", err)
		m.record = record{}
	}
	m.status.Last, m.status.Floor = m.record.Last, max(m.record.Floor, c.Running.Counter)
	return m
}

// Status is where the update is now.
func (m *Manager) Status() api.Update {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status
}

// Notes are lines for the box's screen.
func (m *Manager) Notes() []string {
	s := m.Status()
	percent := ""
	if s.Total > 0 {
		percent = fmt.Sprintf(", %d %%", 100*s.Done/s.Total/10*10) // in tens: each change is a new page on the serial line
	}
	version := ""
	if s.Next != nil {
		version = s.Next.Version
	}
	switch s.Phase {
	case api.UpdateReceiving:
		return []string{"update: receiving version " + version + percent}
	case api.UpdateWriting:
		return []string{"update: installing version " + version + percent + "; the box restarts afterwards"}
	case api.UpdateRestarting:
		return []string{"update: restarting into version " + version}
	case api.UpdateTrial:
		return []string{"update: version " + s.Running.Version + " on trial: " + s.Detail}
	}
	if s.Last != nil && !s.Last.OK {
		return []string{fmt.Sprintf("the update to version %s failed: %s. Version %s goes on.", s.Last.Release.Version, s.Last.Reason, s.Running.Version)}
	}
	return nil
}

func (m *Manager) set(change func(*api.Update)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.status)
}

func (m *Manager) save(change func(*record)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.record
	change(&r)
	b, err := json.Marshal(r)
	if err == nil {
		err = atomicfile.Write(m.c.Dir, recordName, append(b, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("record of updates: %w", err)
	}
	m.record = r
	m.status.Last, m.status.Floor = r.Last, max(r.Floor, m.c.Running.Counter)
	return nil
}

func refuse(status int, code, format string, args ...any) error {
	return api.Problem{Title: http.StatusText(status), Status: status, Code: code, Detail: fmt.Sprintf(format, args...)}
}

// Begin takes an update file. It returns when the file is verified, and Run
// goes on; or why it is refused, and then nothing was changed. With force it
// does not mind people who are in meetings.
func (m *Manager) Begin(ctx context.Context, file io.Reader, force bool) error {
	if m.c.Disk == nil {
		return refuse(http.StatusNotImplemented, "only-on-the-box", "This copy of Meetbox runs on somebody's computer. Only a box can be updated in this way.")
	}
	if !m.begin() {
		return refuse(http.StatusConflict, "update-running", "An update is under way already.")
	}
	manifest, err := m.receive(ctx, file, force)
	if err != nil {
		m.end()
		return err
	}
	m.set(func(s *api.Update) { s.Phase, s.Done, s.Total = api.UpdateWriting, 0, 0 })
	m.jobs <- job{manifest} // there is room: only one is busy at a time
	return nil
}

func (m *Manager) begin() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.busy {
		return false
	}
	m.busy = true
	return true
}

func (m *Manager) end() {
	if err := m.c.Dir.Remove(spoolName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.c.Log.Warn("update file stays", "err", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy = false
	s := &m.status
	s.Phase, s.Next, s.Done, s.Total, s.Detail = api.UpdateIdle, nil, 0, 0, ""
}

// receive reads the file, checking as early as it can, and keeps its content.
func (m *Manager) receive(ctx context.Context, file io.Reader, force bool) (bundle.Manifest, error) {
	var none bundle.Manifest
	if err := m.ready(ctx, force); err != nil {
		return none, err
	}
	r, err := bundle.Open(file, m.c.Keys)
	if err != nil {
		return none, unfit(err)
	}
	release := api.Release{Version: r.Manifest.Version, Counter: r.Manifest.Counter}
	total := r.Manifest.Kernel.Size + r.Manifest.Root.Size
	m.set(func(s *api.Update) { s.Phase, s.Next, s.Total = api.UpdateReceiving, &release, total })
	// Not verified yet. But what fails here would fail afterwards too.
	if err := m.suits(r.Manifest); err != nil {
		return none, err
	}
	if err := m.spool(r); err != nil {
		return none, err
	}
	if err := r.Verify(); err != nil {
		return none, unfit(err)
	}
	// Receiving may have taken minutes.
	if err := m.ready(ctx, force); err != nil {
		return none, err
	}
	m.c.Log.InfoContext(ctx, "update verified", "version", release.Version, "counter", release.Counter, "key", bundle.KeyName(r.Key().ID()))
	return r.Manifest, nil
}

// ready says whether the box can be updated now.
func (m *Manager) ready(ctx context.Context, force bool) error {
	state, err := m.c.Disk.State()
	if err != nil {
		return err
	}
	if !state.Confirmed {
		return refuse(http.StatusConflict, "on-trial", "The running version is on trial itself. Wait until it is confirmed.")
	}
	if force {
		return nil
	}
	people, err := m.c.People(ctx)
	if err != nil {
		return refuse(http.StatusConflict, "meetings-unknown", "The box cannot tell whether anybody is in a meeting (%v). To update anyway, force it.", err)
	}
	if people > 0 {
		return refuse(http.StatusConflict, "meeting-running", "%d people are in meetings, which the restart would end. Wait, or force the update.", people)
	}
	return nil
}

// suits says whether this version can follow the running one.
func (m *Manager) suits(next bundle.Manifest) error {
	s := m.Status()
	switch {
	case next.Counter == s.Running.Counter:
		return refuse(http.StatusConflict, "same-version", "Version %s is running already.", next.Version)
	case next.Counter <= s.Floor:
		return refuse(http.StatusConflict, "older-version", "Version %s is older than what this box has had (%d, not above %d). It never goes back, so that no mended fault returns.", next.Version, next.Counter, s.Floor)
	case next.Minimum > s.Running.Counter:
		return refuse(http.StatusConflict, "too-far", "Version %s cannot follow version %s directly. Install a version in between first.", next.Version, s.Running.Version)
	}
	space, err := m.c.Disk.RootSpace()
	if err != nil {
		return err
	}
	if next.Root.Size > space {
		return refuse(http.StatusConflict, "too-large", "Version %s does not fit onto this box: its system has %d MiB, there is room for %d.", next.Version, next.Root.Size>>20, space>>20)
	}
	free, err := m.c.Free()
	if err != nil {
		return err
	}
	if need := next.Kernel.Size + next.Root.Size + spare; free < need {
		return full(free, need)
	}
	return nil
}

func full(free, need int64) error {
	return refuse(http.StatusInsufficientStorage, "disk-full", "The disk is too full: the update needs %d MiB for a moment, and %d are free. Remove recordings or files first.", need>>20, max(free, 0)>>20)
}

// unfit is a file that is not to be had.
func unfit(err error) error {
	if p, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return p
	}
	if k, ok := errors.AsType[*bundle.KeyError](err); ok {
		return refuse(http.StatusUnprocessableEntity, "unknown-key", "Not installed: %v. The first partition's meetbox.txt can name further keys (MEETBOX_UPDATE_KEYS).", k)
	}
	return refuse(http.StatusUnprocessableEntity, "bad-file", "Not installed: %v. Nothing was changed.", err)
}

// spool keeps the content of a file until it is verified.
func (m *Manager) spool(r *bundle.Reader) error {
	f, err := m.c.Dir.OpenFile(spoolName, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, &counting{r, m})
	if err = errors.Join(err, f.Close()); err != nil {
		if isFull(err) {
			free, _ := m.c.Free()
			return full(free, r.Manifest.Kernel.Size+r.Manifest.Root.Size+spare)
		}
		return unfit(err)
	}
	return nil
}

// counting shows how far a reader is.
type counting struct {
	io.Reader
	m *Manager
}

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.m.set(func(s *api.Update) { s.Done += int64(n) })
	return n, err
}
