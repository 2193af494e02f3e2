// Package slots looks after the two systems that a box's disk has room for.
//
// Each slot, a and b, is a kernel on the first partition (a/vmlinuz) and a root
// file system on a partition of its own. What starts is decided by systemd-boot
// through files on the first partition, loader/entries/sNNNNNN-X.conf: the
// highest number first. A name that ends in +L-D has L starts left and D behind
// it; systemd-boot counts before it starts the kernel, and passes over an entry
// with none left. So a system on trial that crashes, hangs or loses power makes
// place for the one before it, whatever the rest of it does.
//
// The first partition is FAT, which knows no journal, and there is only one of
// it. Hence nothing is ever renamed there: an entry is written whole under its
// own name (one without its content yet is none to systemd-boot), and only then
// another one is removed. Kernels are written into the place of the one before
// in the same slot, which leaves FAT's tables alone. The partition is mounted
// only while something is done with it, for writing only when something changes,
// and then with every write going straight to the disk, in order.
package slots

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Slot is "a" or "b".
type Slot string

// The two of them.
const (
	A Slot = "a"
	B Slot = "b"
)

// Other is the one that s is not.
func (s Slot) Other() Slot {
	if s == A {
		return B
	}
	return A
}

// offset of its root partition from the first one, as PARTNROFF counts.
func (s Slot) offset() int {
	if s == A {
		return 1
	}
	return 2
}

// OnTrial is in the kernel's command line of a system that nobody has confirmed
// yet; process 1 reads it there.
const OnTrial = "meetbox.trial"

var (
	errCmdline = errors.New("the kernel's command line names no slot")
	errFull    = errors.New("it is larger than the slot")
	errEntry   = errors.New("the running system has no boot entry")
)

// Boot is what the kernel's command line says of the running system.
type Boot struct {
	Running Slot
	Disk    string // GUID of the disk's first partition
	Options string // all the rest
}

var rootOption = regexp.MustCompile(`^root=PARTUUID=([0-9a-fA-F-]{36})/PARTNROFF=([12])$`)

// ParseCmdline reads /proc/cmdline.
func ParseCmdline(text string) (Boot, error) {
	var b Boot
	var rest []string
	for word := range strings.FieldsSeq(text) {
		if m := rootOption.FindStringSubmatch(word); m != nil {
			b.Disk, b.Running = strings.ToLower(m[1]), A
			if m[2] == "2" {
				b.Running = B
			}
		} else if word != OnTrial && !strings.HasPrefix(word, "initrd=") && !strings.HasPrefix(word, "BOOT_IMAGE=") {
			rest = append(rest, word)
		}
	}
	if b.Running == "" {
		return b, errCmdline
	}
	b.Options = strings.Join(rest, " ")
	return b, nil
}

// Entry is the name of one of systemd-boot's.
type Entry struct {
	Number  int
	Slot    Slot
	Counted bool // only a confirmed one is not
	Left    int  // starts
	name    string
	empty   bool // a power cut left it without its content
}

// confirmed entries start as often as they like.
func (e Entry) confirmed() bool { return !e.Counted && !e.empty }

var entryName = regexp.MustCompile(`(?i)^s([0-9]{6})-([ab])(?:\+([0-9]+)(?:-[0-9]+)?)?\.conf$`)

// parseEntry reads a file's name.
func parseEntry(name string) (Entry, bool) {
	m := entryName.FindStringSubmatch(name)
	if m == nil {
		return Entry{}, false
	}
	e := Entry{Slot: Slot(strings.ToLower(m[2])), Counted: m[3] != "", name: name}
	var err error
	if e.Number, err = strconv.Atoi(m[1]); err != nil {
		return Entry{}, false
	}
	if e.Counted {
		if e.Left, err = strconv.Atoi(m[3]); err != nil {
			return Entry{}, false
		}
	}
	return e, true
}

func entryFile(number int, s Slot, trial bool) string {
	name := fmt.Sprintf("s%06d-%s", number, s)
	if trial {
		name += "+1"
	}
	return name + ".conf"
}

// Disk is the disk that the running system was started from.
type Disk struct {
	boot Boot
	// esp lets do work on the first partition, or only look.
	esp func(write bool, do func(root *os.Root) error) error
	// root opens a slot's partition.
	root func(Slot) (*os.File, error)
	// settled makes sure that what is read next comes from the disk.
	settled func(*os.File) error
	did     func() // after each change of an entry: for tests, which cut the power there
}

// New is for a disk in parts: esp calls its argument with the first partition,
// root opens that of a slot. Open is the one for the box.
func New(boot Boot, esp func(write bool, do func(*os.Root) error) error, root func(Slot) (*os.File, error)) *Disk {
	return &Disk{boot, esp, root, func(*os.File) error { return nil }, func() {}}
}

// Running is the slot of the running system.
func (d *Disk) Running() Slot { return d.boot.Running }

const entries = "loader/entries"

func list(root *os.Root) ([]Entry, error) {
	files, err := fs.ReadDir(root.FS(), entries)
	if err != nil {
		return nil, err
	}
	var out []Entry
	for _, f := range files {
		e, ok := parseEntry(f.Name())
		if !ok {
			continue
		}
		info, err := f.Info()
		if err != nil {
			return nil, err
		}
		e.empty = info.Size() == 0
		out = append(out, e)
	}
	slices.SortFunc(out, func(x, y Entry) int { return x.Number - y.Number })
	return out, nil
}

// State is what the boot entries say.
type State struct {
	Confirmed bool // the running system is
	Leftover  bool // of an interrupted Confirm, which is to be called again
	Other     bool // the other slot has a system that was confirmed once
}

// State reads the entries.
func (d *Disk) State() (State, error) {
	var s State
	err := d.esp(false, func(root *os.Root) error {
		all, err := list(root)
		for _, e := range all {
			switch ours := e.Slot == d.boot.Running; {
			case ours && e.confirmed():
				s.Confirmed = true
			case ours:
				s.Leftover = true
			case e.confirmed():
				s.Other = true
			}
		}
		s.Leftover = s.Leftover && s.Confirmed
		return err
	})
	return s, wrap("boot entries", err)
}

// Clear takes the other slot's entries away: from here on nothing but the
// running system starts.
func (d *Disk) Clear() error {
	return wrap("clear the other slot", d.esp(true, func(root *os.Root) error {
		all, err := list(root)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(e Entry) bool { return e.Slot == d.boot.Running && e.confirmed() }) {
			return errEntry
		}
		return d.removeEntries(root, all, func(e Entry) bool { return e.Slot != d.boot.Running })
	}))
}

func (d *Disk) removeEntries(root *os.Root, all []Entry, which func(Entry) bool) error {
	var errs []error
	for _, e := range all {
		if which(e) {
			errs = append(errs, root.Remove(path.Join(entries, e.name)))
			d.did()
		}
	}
	return errors.Join(errs...)
}

// WriteRoot writes the other slot's root file system and returns the hash of
// what is on the disk afterwards.
func (d *Disk) WriteRoot(r io.Reader, size int64) (sha string, err error) {
	f, err := d.root(d.boot.Running.Other())
	if err != nil {
		return "", wrap("root of the other slot", err)
	}
	defer func() { err = wrap("root of the other slot", errors.Join(err, f.Close())) }()
	space, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return "", err
	}
	if size > space {
		return "", errFull
	}
	if err := fill(f, r, size); err != nil {
		return "", err
	}
	if err := d.settled(f); err != nil {
		return "", err
	}
	return sum(f, size)
}

// RootSpace is how large a root file system may be.
func (d *Disk) RootSpace() (int64, error) {
	f, err := d.root(d.boot.Running.Other())
	if err != nil {
		return 0, wrap("root of the other slot", err)
	}
	n, err := f.Seek(0, io.SeekEnd)
	return n, errors.Join(err, f.Close())
}

// pieces in which much is written: a stick would rather have a few large ones,
// and the rest of the box its memory.
const piece = 1 << 20

func fill(f *os.File, r io.Reader, size int64) error {
	buf := make([]byte, piece)
	for at := int64(0); at < size; {
		n, err := io.ReadFull(r, buf[:min(piece, size-at)])
		if err != nil {
			return err
		}
		if _, err := f.WriteAt(buf[:n], at); err != nil {
			return err
		}
		at += int64(n)
	}
	return f.Sync()
}

func sum(f *os.File, size int64) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, size)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// WriteKernel writes the other slot's kernel and returns the hash of what is on
// the disk afterwards. What follows it in the file is filled with zeros.
func (d *Disk) WriteKernel(r io.Reader, size int64) (sha string, err error) {
	name := string(d.boot.Running.Other()) + "/vmlinuz"
	if err := d.esp(true, func(root *os.Root) error { return putKernel(root, name, r, size) }); err != nil {
		return "", wrap("kernel of the other slot", err)
	}
	// Mounted anew, so that nothing is left over in memory.
	err = d.esp(false, func(root *os.Root) error {
		f, err := root.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		sha, err = sum(f, size)
		return err
	})
	return sha, wrap("kernel of the other slot", err)
}

func putKernel(root *os.Root, name string, r io.Reader, size int64) error {
	if err := root.Mkdir(path.Dir(name), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	rest := max(info.Size()-size, 0)
	return fill(f, io.MultiReader(r, io.LimitReader(zeros{}, rest)), size+rest)
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// Arm lets the other slot start once, on trial, with these options.
func (d *Disk) Arm(version, options string) error {
	return wrap("arm the other slot", d.esp(true, func(root *os.Root) error {
		all, err := list(root)
		if err != nil {
			return err
		}
		next := 1
		for _, e := range all {
			next = max(next, e.Number+1)
		}
		to := d.boot.Running.Other()
		return d.putEntry(root, entryFile(next, to, true), d.entry(to, version, options, true))
	}))
}

func (d *Disk) entry(s Slot, version, options string, trial bool) string {
	if trial {
		options += " " + OnTrial
	}
	return fmt.Sprintf("title Meetbox %s\nlinux /%s/vmlinuz\noptions root=PARTUUID=%s/PARTNROFF=%d %s\n", version, s, d.boot.Disk, s.offset(), options)
}

// putEntry writes an entry whole and reads it back. One that is there as
// wanted is left alone.
func (d *Disk) putEntry(root *os.Root, name, text string) error {
	name = path.Join(entries, name)
	if b, err := root.ReadFile(name); err == nil && string(b) == text {
		return nil
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	d.did()
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, root.Remove(name))
	}
	d.did()
	b, err := root.ReadFile(name)
	if err == nil && string(b) != text {
		err = errors.New("the disk gives back another text than was written")
	}
	if err != nil {
		return errors.Join(err, root.Remove(name))
	}
	return nil
}

// Confirm makes the running system the one to start from now on, as often as
// it may. Done twice it changes nothing the second time; after a power cut in
// the middle of it, the next call finishes.
func (d *Disk) Confirm(version string) error {
	return wrap("confirm the running system", d.esp(true, func(root *os.Root) error {
		all, err := list(root)
		if err != nil {
			return err
		}
		running := d.boot.Running
		ours := func(e Entry) bool { return e.Slot == running && e.Counted }
		counted := slices.IndexFunc(all, ours)
		if counted >= 0 {
			name := entryFile(all[counted].Number, running, false)
			if err := d.putEntry(root, name, d.entry(running, version, d.boot.Options, false)); err != nil {
				return err
			}
		} else if !slices.ContainsFunc(all, func(e Entry) bool { return e.Slot == running && e.confirmed() }) {
			return errEntry
		}
		return d.removeEntries(root, all, ours)
	}))
}

func wrap(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
