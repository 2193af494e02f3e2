package slots

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	guid    = "4d454554-424f-5800-8000-000000000001"
	cmdline = "console=tty1 root=PARTUUID=" + guid + "/PARTNROFF=1 ro quiet"
)

// bench is a disk whose partitions are a folder and two files.
type bench struct {
	t   *testing.T
	dir string
	*Disk
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"esp/loader/entries/s000001-a.conf": "title x\nlinux /a/vmlinuz\noptions " + cmdline + "\n",
		"esp/loader/entries/notes.txt":      "not ours",
		"esp/a/vmlinuz":                     "kernel 1\x00\x00",
		"root-a":                            strings.Repeat("1", 64),
		"root-b":                            strings.Repeat("\x00", 64),
	} {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	b := &bench{t: t, dir: dir}
	b.start(cmdline)
	return b
}

// start is what the loader does when it started a kernel with this line.
func (b *bench) start(cmdline string) {
	b.t.Helper()
	boot, err := ParseCmdline(cmdline)
	if err != nil {
		b.t.Fatal(err)
	}
	b.Disk = New(boot, func(_ bool, do func(*os.Root) error) error {
		r, err := os.OpenRoot(filepath.Join(b.dir, "esp"))
		if err != nil {
			return err
		}
		defer r.Close()
		return do(r)
	}, func(s Slot) (*os.File, error) {
		if s == boot.Running {
			return nil, errors.New("in use")
		}
		return os.OpenFile(filepath.Join(b.dir, "root-"+string(s)), os.O_RDWR, 0)
	})
}

func (b *bench) files() map[string]string {
	b.t.Helper()
	all, err := os.ReadDir(filepath.Join(b.dir, "esp", entries))
	if err != nil {
		b.t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range all {
		text, err := os.ReadFile(filepath.Join(b.dir, "esp", entries, f.Name()))
		if err != nil {
			b.t.Fatal(err)
		}
		out[f.Name()] = string(text)
	}
	return out
}

// loader is systemd-boot: it chooses among files, counts, and says with which
// options which kernel starts.
func loader(files map[string]string) (name, kernel, options string) {
	best, bestLeft := Entry{}, 0
	for n, text := range files {
		e, ok := parseEntry(n)
		if !ok || !strings.Contains(text, "linux ") {
			continue
		}
		left := 1
		if e.Counted {
			left = min(e.Left, 1)
		}
		if best.name == "" || left > bestLeft || left == bestLeft && e.Number > best.Number {
			best, bestLeft = e, left
		}
	}
	for line := range strings.Lines(files[best.name]) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "linux "); ok {
			kernel = v
		}
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "options "); ok {
			options = v
		}
	}
	return best.name, kernel, options
}

// boot is a restart: what the loader chooses runs.
func (b *bench) reboot() {
	b.t.Helper()
	files := b.files()
	name, _, options := loader(files)
	e, ok := parseEntry(name)
	if !ok {
		b.t.Fatalf("nothing to start among %v", slices.Sorted(maps.Keys(files)))
	}
	if e.Counted {
		counted := fmt.Sprintf("s%06d-%s+%d-1.conf", e.Number, e.Slot, max(e.Left-1, 0))
		at := filepath.Join(b.dir, "esp", entries)
		if err := os.Rename(filepath.Join(at, name), filepath.Join(at, counted)); err != nil {
			b.t.Fatal(err)
		}
	}
	b.start(options)
}

func (b *bench) install(kernel, root string) {
	b.t.Helper()
	sum := func(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) }
	if err := b.Clear(); err != nil {
		b.t.Fatal(err)
	}
	if got, err := b.WriteRoot(strings.NewReader(root), int64(len(root))); err != nil || got != sum(root) {
		b.t.Fatalf("root: %s, %v", got, err)
	}
	if got, err := b.WriteKernel(strings.NewReader(kernel), int64(len(kernel))); err != nil || got != sum(kernel) {
		b.t.Fatalf("kernel: %s, %v", got, err)
	}
	if err := b.Arm("2", "ro panic=10"); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) state(want State, running Slot) {
	b.t.Helper()
	if got, err := b.State(); err != nil || got != want || b.Running() != running {
		b.t.Errorf("state %+v, %v in %s, want %+v in %s", got, err, b.Running(), want, running)
	}
}

// A new system runs once on trial; unconfirmed, the old one is back.
func TestTrial(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.state(State{Confirmed: true}, A)
	b.install("kernel 2", "root 2")
	b.state(State{Confirmed: true}, A)
	if name, kernel, options := loader(b.files()); name != "s000002-b+1.conf" || kernel != "/b/vmlinuz" ||
		options != "root=PARTUUID="+guid+"/PARTNROFF=2 ro panic=10 "+OnTrial {
		t.Errorf("armed: %s, %s, %s", name, kernel, options)
	}
	b.reboot()
	b.state(State{Other: true}, B)
	if err := b.Clear(); !errors.Is(err, errEntry) {
		t.Errorf("an unconfirmed system could clear the other slot: %v", err)
	}
	b.reboot()
	b.state(State{Confirmed: true}, A)

	// Again, and this time it is good.
	b.install("kernel 3", "root 3")
	b.reboot()
	for range 2 {
		if err := b.Confirm("3"); err != nil {
			t.Fatal(err)
		}
		b.state(State{Confirmed: true, Other: true}, B)
	}
	b.reboot()
	b.state(State{Confirmed: true, Other: true}, B)
	if name, _, options := loader(b.files()); strings.Contains(options, OnTrial) {
		t.Errorf("confirmed, but %s still has %q", name, options)
	}
	// And from b to a.
	b.install("kernel 4, a longer one", "root 4")
	b.reboot()
	b.state(State{Other: true}, A)
	if err := b.Confirm("4"); err != nil {
		t.Fatal(err)
	}
	b.reboot()
	b.state(State{Confirmed: true, Other: true}, A)
	if n := len(b.files()); n != 3 { // two entries, and what is not ours
		t.Errorf("%d files: %v", n, b.files())
	}
}

// The power is cut after each single change of an entry: a whole system always
// starts, and what was confirmed stays.
func TestPowerCuts(t *testing.T) {
	t.Parallel()
	cuts := 0
	for stage, run := range map[string]func(b *bench){
		"install": func(b *bench) { b.install("kernel 2", "root 2") },
		"confirm": func(b *bench) {
			if err := b.Confirm("2"); err != nil {
				t.Error(err)
			}
		},
		"install over the old one": func(b *bench) { b.install("kernel 3", "root 3") },
	} {
		b := newBench(t)
		if stage != "install" {
			b.install("kernel 2", "root 2")
			b.reboot()
		}
		if stage == "install over the old one" {
			if err := b.Confirm("2"); err != nil {
				t.Fatal(err)
			}
		}
		b.did = func() {
			cuts++
			files := b.files()
			name, kernel, options := loader(files)
			e, _ := parseEntry(name)
			if e.Left == 0 && e.Counted {
				t.Errorf("%s: only an exhausted entry is left of %v", stage, slices.Sorted(maps.Keys(files)))
			}
			if boot, err := ParseCmdline(options); err != nil || kernel != "/"+string(boot.Running)+"/vmlinuz" || boot.Running != e.Slot {
				t.Errorf("%s: %s starts %s with %q", stage, name, kernel, options)
			}
			if stage != "confirm" && e.Slot != b.Running() && !strings.Contains(options, OnTrial) {
				t.Errorf("%s: %s starts without trial", stage, name)
			}
		}
		run(b)
		b.did = func() {}
		// Whatever was left lying about, the next round works.
		b.reboot()
		if err := b.Confirm("x"); err != nil {
			t.Errorf("%s: %v", stage, err)
		}
		b.install("kernel 9", "root 9")
	}
	if cuts < 8 {
		t.Errorf("only %d cuts", cuts)
	}
}

// A cut in the middle of confirming leaves both entries; the whole one counts.
func TestConfirmFinishes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.install("kernel 2", "root 2")
	b.reboot()
	empty := filepath.Join(b.dir, "esp", entries, "s000002-b.conf")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.state(State{Other: true}, B)
	if err := os.WriteFile(empty, []byte("linux /b/vmlinuz\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.state(State{Confirmed: true, Leftover: true, Other: true}, B)
	if err := b.Confirm("2"); err != nil {
		t.Fatal(err)
	}
	b.state(State{Confirmed: true, Other: true}, B)
}

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, err := b.WriteRoot(strings.NewReader(strings.Repeat("x", 65)), 65); !errors.Is(err, errFull) {
		t.Errorf("too large: %v", err)
	}
	if _, err := b.WriteRoot(strings.NewReader("short"), 6); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("too short: %v", err)
	}
	if n, err := b.RootSpace(); n != 64 || err != nil {
		t.Errorf("space %d, %v", n, err)
	}
	// The old kernel's end must not stay behind the new one.
	b.start(strings.Replace(cmdline, "=1 ro", "=2 ro", 1))
	if _, err := b.WriteKernel(strings.NewReader("new"), 3); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(b.dir, "esp/a/vmlinuz")); err != nil || !bytes.Equal(got, []byte("new\x00\x00\x00\x00\x00\x00\x00")) {
		t.Errorf("kernel %q, %v", got, err)
	}
	if err := b.Confirm("x"); !errors.Is(err, errEntry) {
		t.Errorf("confirmed without an entry: %v", err)
	}
}

func TestParseCmdline(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Boot{
		cmdline + "\n": {A, guid, "console=tty1 ro quiet"},
		"initrd=\\x BOOT_IMAGE=y root=PARTUUID=" + strings.ToUpper(guid) + "/PARTNROFF=2 a  b " + OnTrial: {B, guid, "a b"},
	} {
		if got, err := ParseCmdline(text); err != nil || got != want {
			t.Errorf("ParseCmdline(%q) = %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "root=/dev/sda2", "root=PARTUUID=" + guid + "/PARTNROFF=3"} {
		if got, err := ParseCmdline(text); err == nil {
			t.Errorf("ParseCmdline(%q) = %+v", text, got)
		}
	}
}

// A name that is taken for an entry is one that systemd-boot orders by its
// number.
func FuzzParseEntry(f *testing.F) {
	for _, name := range []string{"s000001-a.conf", "S000002-B+1.CONF", "s000003-b+0-1.conf", "s1-a.conf", "s000001-a+99999999999999999999.conf"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		e, ok := parseEntry(name)
		if !ok {
			return
		}
		if !strings.HasPrefix(strings.ToLower(name), fmt.Sprintf("s%06d-%s", e.Number, e.Slot)) || e.Left < 0 {
			t.Errorf("%q is %+v", name, e)
		}
	})
}
