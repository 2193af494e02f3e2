package update

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"aead.dev/minisign"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/bundle"
	"meetbox.local/appliance/internal/slots"
)

const guid = "4d454554-424f-5800-8000-000000000001"

// box is a disk in a folder, and the one system that runs from it.
type box struct {
	t       *testing.T
	dir     string
	private minisign.PrivateKey
	public  minisign.PublicKey
	slot    slots.Slot
	release api.Release

	people   int
	free     int64
	calls    atomic.Int32
	restarts atomic.Int32
	m        *Manager
	cancel   context.CancelFunc
	done     chan struct{}

	mu   sync.Mutex
	sick error // why the box is not well
}

func (b *box) well() error { b.mu.Lock(); defer b.mu.Unlock(); return b.sick }

func (b *box) ail(why error) { b.mu.Lock(); defer b.mu.Unlock(); b.sick = why }

func newBox(t *testing.T) *box {
	t.Helper()
	b := &box{t: t, dir: t.TempDir(), slot: slots.A, release: api.Release{Version: "1.0", Counter: 10}, free: 1 << 40}
	var err error
	if b.public, b.private, err = minisign.GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"esp/loader/entries/s000001-a.conf": "linux /a/vmlinuz\n",
		"esp/a/vmlinuz":                     "kernel 1",
		"root-a":                            strings.Repeat("1", 4096),
		"root-b":                            strings.Repeat("\x00", 4096),
		"state/notes":                       "",
	} {
		name = filepath.Join(b.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// start is the box's start into a slot.
func (b *box) start(slot slots.Slot, release api.Release) {
	b.t.Helper()
	b.slot, b.release = slot, release
	boot := slots.Boot{Running: slot, Disk: guid, Options: "quiet"}
	disk := slots.New(boot, func(_ bool, do func(*os.Root) error) error {
		r, err := os.OpenRoot(filepath.Join(b.dir, "esp"))
		if err != nil {
			return err
		}
		defer r.Close()
		return do(r)
	}, func(s slots.Slot) (*os.File, error) {
		return os.OpenFile(filepath.Join(b.dir, "root-"+string(s)), os.O_RDWR, 0)
	})
	dir, err := os.OpenRoot(filepath.Join(b.dir, "state"))
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.t.Context())
	b.m = New(Config{
		Dir: dir, Running: release, Keys: []minisign.PublicKey{b.public}, Disk: disk,
		Healthy: func(context.Context) error { return b.well() },
		Call:    func(context.Context) error { b.calls.Add(1); return b.well() },
		People:  func(context.Context) (int, error) { return b.people, nil },
		Free:    func() (int64, error) { return b.free, nil },
		Restart: func() error { b.restarts.Add(1); cancel(); return nil },
		Log:     slog.New(slog.NewTextHandler(b.t.Output(), nil)),
	})
	b.cancel, b.done = cancel, make(chan struct{})
	go func() { b.m.Run(ctx); dir.Close(); close(b.done) }()
}

func (b *box) stop() { b.cancel(); <-b.done }

func (b *box) bundle(release api.Release, change func(*bundle.Manifest)) []byte {
	b.t.Helper()
	kernel, root := "kernel "+release.Version, strings.Repeat(release.Version, 100)
	m := bundle.Manifest{Version: release.Version, Counter: release.Counter, Options: "quiet"}
	if change != nil {
		change(&m)
	}
	if err := m.Describe(strings.NewReader(kernel), strings.NewReader(root)); err != nil {
		b.t.Fatal(err)
	}
	var out bytes.Buffer
	if err := bundle.Sign(&out, b.private, m, strings.NewReader(kernel), strings.NewReader(root)); err != nil {
		b.t.Fatal(err)
	}
	return out.Bytes()
}

// content is all that an update may change.
func (b *box) content() string {
	b.t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(b.dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(name, filepath.Join(b.dir, "state")) {
			return err
		}
		text, err := os.ReadFile(name)
		out.WriteString(name + "\n" + string(text) + "\n")
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return out.String()
}

func (b *box) entries() string {
	b.t.Helper()
	all, err := os.ReadDir(filepath.Join(b.dir, "esp/loader/entries"))
	if err != nil {
		b.t.Fatal(err)
	}
	var out []string
	for _, e := range all {
		out = append(out, e.Name())
	}
	return strings.Join(out, " ")
}

// load is what systemd-boot does with an entry on trial.
func (b *box) load() {
	b.t.Helper()
	at := filepath.Join(b.dir, "esp/loader/entries")
	if err := os.Rename(filepath.Join(at, "s000002-b+1.conf"), filepath.Join(at, "s000002-b+0-1.conf")); err != nil {
		b.t.Fatal(err)
	}
}

var two = api.Release{Version: "2.0", Counter: 20}

func TestUpdate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t)
		b.start(slots.A, b.release)
		synctest.Wait()
		if err := b.m.Begin(t.Context(), bytes.NewReader(b.bundle(two, nil)), false); err != nil {
			t.Fatal(err)
		}
		if s := b.m.Status(); s.Phase == api.UpdateIdle || *s.Next != two {
			t.Errorf("status %+v", s)
		}
		if err := b.m.Begin(t.Context(), bytes.NewReader(nil), true); code(err) != "update-running" {
			t.Errorf("a second one: %v", err)
		}
		<-b.done
		if b.restarts.Load() != 1 || b.entries() != "s000001-a.conf s000002-b+1.conf" {
			t.Fatalf("%d restarts, entries %s", b.restarts.Load(), b.entries())
		}
		if c := b.content(); !strings.Contains(c, strings.Repeat("2.0", 100)) || !strings.Contains(c, "kernel 2.0") || !strings.Contains(c, "kernel 1") {
			t.Errorf("disk:\n%s", c)
		}

		// It is on trial, not well at once, and nothing else may be installed.
		b.load()
		b.ail(errors.New("the bridge is not there"))
		b.start(slots.B, two)
		synctest.Wait()
		if s := b.m.Status(); s.Phase != api.UpdateTrial || s.Detail != b.well().Error() || !strings.Contains(strings.Join(b.m.Notes(), ""), "not there") {
			t.Errorf("on trial: %+v, %v", s, b.m.Notes())
		}
		b.ail(nil)
		wait(t.Context(), 2*tryEvery)
		synctest.Wait()
		if s := b.m.Status(); s.Phase != api.UpdateIdle || s.Last == nil || !s.Last.OK || s.Last.Release != two || s.Floor != 20 || b.calls.Load() == 0 {
			t.Errorf("afterwards: %+v, last %+v", s, s.Last)
		}
		if b.entries() != "s000001-a.conf s000002-b.conf" || len(b.m.Notes()) > 0 {
			t.Errorf("entries %s, notes %v", b.entries(), b.m.Notes())
		}
		if err := b.m.Begin(t.Context(), bytes.NewReader(b.bundle(api.Release{Version: "1.5", Counter: 15}, nil)), false); code(err) != "older-version" {
			t.Errorf("an older one: %v", err)
		}
		b.stop()
	})
}

// A version that does not work gives itself up and says why; the one before
// it tells.
func TestFallsBack(t *testing.T) {
	t.Parallel()
	for name, explains := range map[string]bool{"it says why": true, "it cannot": false} {
		synctest.Test(t, func(t *testing.T) {
			b := newBox(t)
			b.start(slots.A, b.release)
			synctest.Wait()
			if err := b.m.Begin(t.Context(), bytes.NewReader(b.bundle(two, nil)), false); err != nil {
				t.Fatal(err)
			}
			<-b.done
			b.load()
			want := unexplained
			if explains {
				b.ail(errors.New("the self-call got no picture"))
				want = b.well().Error()
				b.start(slots.B, two)
				<-b.done
				if b.restarts.Load() != 2 || strings.Contains(b.entries(), "-b.conf") {
					t.Errorf("%s: %d restarts, entries %s", name, b.restarts.Load(), b.entries())
				}
				b.ail(nil)
			}
			b.start(slots.A, api.Release{Version: "1.0", Counter: 10})
			synctest.Wait()
			s := b.m.Status()
			if s.Last == nil || s.Last.OK || s.Last.Reason != want || s.Floor != 10 || s.Phase != api.UpdateIdle {
				t.Errorf("%s: %+v, last %+v", name, s, s.Last)
			}
			if n := strings.Join(b.m.Notes(), ""); !strings.Contains(n, want) || !strings.Contains(n, "2.0") {
				t.Errorf("%s: notes %q", name, n)
			}
			// And the next one has its chance.
			if err := b.m.Begin(t.Context(), bytes.NewReader(b.bundle(api.Release{Version: "2.1", Counter: 21}, nil)), false); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			b.stop()
		})
	}
}

func code(err error) string {
	p, _ := errors.AsType[api.Problem](err)
	return p.Code
}

// Whatever is refused, nothing was written.
func TestRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t)
		b.start(slots.A, b.release)
		synctest.Wait()
		good := b.bundle(two, nil)
		flipped := bytes.Clone(good)
		flipped[len(flipped)-50] ^= 4
		other := newBox(t)
		before := b.content()
		for name, tc := range map[string]struct {
			file    []byte
			people  int
			free    int64
			force   bool
			code    string
			explain string
		}{
			"flipped byte":    {flipped, 0, 1 << 40, true, "bad-file", "damaged"},
			"truncated":       {good[:len(good)-1], 0, 1 << 40, true, "bad-file", "incomplete"},
			"longer":          {append(bytes.Clone(good), 0), 0, 1 << 40, true, "bad-file", "follows"},
			"foreign":         {bytes.Repeat([]byte("PK\x03\x04"), 99), 0, 1 << 40, true, "bad-file", "no Meetbox update"},
			"empty":           {nil, 0, 1 << 40, true, "bad-file", "no Meetbox update"},
			"another key":     {other.bundle(two, nil), 0, 1 << 40, true, "unknown-key", bundle.KeyName(other.public.ID())},
			"older":           {b.bundle(api.Release{Version: "0.9", Counter: 9}, nil), 0, 1 << 40, true, "older-version", "older"},
			"same":            {b.bundle(b.release, nil), 0, 1 << 40, true, "same-version", "already"},
			"too far":         {b.bundle(two, func(m *bundle.Manifest) { m.Minimum = 15 }), 0, 1 << 40, true, "too-far", "between"},
			"meeting running": {good, 3, 1 << 40, false, "meeting-running", "3 people"},
			"disk full":       {good, 0, spare, true, "disk-full", "MiB"},
			"too large":       {b.bundle(api.Release{Version: strings.Repeat("9", 60), Counter: 99}, nil), 0, 1 << 40, true, "too-large", "fit"},
		} {
			b.people, b.free = tc.people, tc.free
			err := b.m.Begin(t.Context(), bytes.NewReader(tc.file), tc.force)
			if code(err) != tc.code || !strings.Contains(err.Error(), tc.explain) {
				t.Errorf("%s: %v (%s), want %s with %q", name, err, code(err), tc.code, tc.explain)
			}
			if b.content() != before {
				t.Errorf("%s: something was written", name)
			}
			if s := b.m.Status(); s.Phase != api.UpdateIdle || s.Next != nil {
				t.Errorf("%s: status %+v", name, s)
			}
			if left, err := filepath.Glob(filepath.Join(b.dir, "state", spoolName)); err != nil || len(left) > 0 {
				t.Errorf("%s: left %v, %v", name, left, err)
			}
		}
		broken := io.MultiReader(bytes.NewReader(good[:400]), errReader{})
		if err := b.m.Begin(t.Context(), broken, true); err == nil || !strings.Contains(err.Error(), "line gone") {
			t.Errorf("a broken line: %v", err)
		}
		b.people, b.free = 3, 1<<40
		if err := b.m.Begin(t.Context(), bytes.NewReader(good), true); err != nil {
			t.Errorf("forced: %v", err)
		}
		b.stop()
	})
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("line gone") }

// A system that was never confirmed must not take the other one away.
func TestUnconfirmed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t)
		at := filepath.Join(b.dir, "esp/loader/entries")
		if err := os.WriteFile(filepath.Join(at, "s000002-b+0-1.conf"), []byte("linux /b/vmlinuz\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		b.ail(errors.New("starting"))
		b.start(slots.B, two)
		synctest.Wait()
		before := b.content()
		b.m.mu.Lock()
		b.m.busy = false // even if it were not on trial any more
		b.m.mu.Unlock()
		if err := b.m.Begin(t.Context(), bytes.NewReader(b.bundle(api.Release{Version: "3", Counter: 30}, nil)), true); code(err) != "on-trial" || b.content() != before {
			t.Errorf("on trial: %v", err)
		}
		b.stop()
	})
}

// On somebody's computer there is nothing to update, and a record that makes
// no sense is no reason not to start.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, recordName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	m := New(Config{Dir: root, Running: two, Log: slog.New(slog.DiscardHandler)})
	if err := m.Begin(t.Context(), strings.NewReader("x"), true); code(err) != "only-on-the-box" {
		t.Errorf("Begin: %v", err)
	}
	if s := m.Status(); s.Running != two || s.Floor != 20 || s.Slot != "" {
		t.Errorf("status %+v", s)
	}
	if n, err := Free(dir); err != nil || n <= 0 {
		t.Errorf("Free = %d, %v", n, err)
	}
}
