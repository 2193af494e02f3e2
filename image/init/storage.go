package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	permTemplate = "/usr/share/meetbox/perm.ext4"
	resetMark    = "factory-reset" // in /perm: forget everything
	repairMark   = "repaired"      // in /perm: what became of it, for people

	savedDir = "/run/saved"
	maxSaved = 128 << 20 // bytes; it is kept in RAM meanwhile

	// Places in ext4's superblock, which begins at its 1024th byte.
	superblock, superMagicAt, superStateAt = 1024, 0x38, 0x3a
	superMagic                             = 0xef53
	hasErrors                              = 2

	// The first copy of the superblock, in kibibytes: where the second group of
	// blocks begins (mke2fs with blocks of 4096 bytes).
	copyAt = "131072"
)

// checkStorage mends /perm. Power cuts need no mending: the kernel replays the
// journal when it mounts. There is no fsck on the box; when the kernel has
// found errors, or cannot mount, what can still be read is taken to a new file
// system, as after "fsck -y", which also only keeps what it can make sense of.
func checkStorage() {
	device, err := permDevice()
	if err != nil {
		log.Printf("storage: %v", err)
		return
	}
	f, err := os.Open(device)
	if err != nil {
		log.Printf("storage: %v", err)
		return
	}
	b := make([]byte, 2*superblock)
	_, err = f.ReadAt(b, 0)
	f.Close()
	if err != nil {
		// A disk that cannot be read now may be read again after a restart.
		log.Printf("storage: %v", err)
		return
	}
	mounted := isMounted(permDir)
	why := complaint(b[superblock:])
	switch {
	case mounted && why == "":
		return
	case why == "":
		why = "could not be mounted"
	}
	log.Printf("storage: %s: mending it", why)
	if err := mend(device, mounted, why); err != nil {
		log.Printf("storage: %v", err)
	}
}

// complaint says what the superblock says is wrong.
func complaint(b []byte) string {
	le := binary.LittleEndian
	switch {
	case le.Uint16(b[superMagicAt:]) != superMagic:
		return "is no file system"
	case le.Uint16(b[superStateAt:])&hasErrors != 0:
		return "has errors"
	}
	return ""
}

// permDevice is the fourth partition of the disk that the kernel was told to
// find its root on.
func permDevice() (string, error) {
	b, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return "", err
	}
	id, ok := rootID(string(b))
	if !ok {
		return "", errors.New("the kernel was told of no root partition")
	}
	names, err := filepath.Glob("/sys/class/block/*/uevent")
	if err != nil {
		return "", err
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil || !strings.Contains(strings.ToLower(string(b)), "partuuid="+id+"\n") {
			continue
		}
		first, ok := strings.CutSuffix(filepath.Base(filepath.Dir(name)), "1")
		if ok {
			return "/dev/" + first + "4", nil
		}
	}
	return "", fmt.Errorf("no partition %s", id)
}

// rootID is the first partition's GUID in root=PARTUUID=…/PARTNROFF=….
func rootID(cmdline string) (string, bool) {
	for word := range strings.FieldsSeq(cmdline) {
		if id, ok := strings.CutPrefix(word, "root=PARTUUID="); ok {
			id, _, ok = strings.Cut(id, "/PARTNROFF=")
			return strings.ToLower(id), ok
		}
	}
	return "", false
}

func isMounted(folder string) bool {
	b, err := os.ReadFile("/proc/mounts")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 2 && f[1] == folder && f[2] == "ext4" {
			return true
		}
	}
	return false
}

func mend(device string, mounted bool, why string) error {
	const at = "/run/damaged"
	if err := errors.Join(os.MkdirAll(at, 0o700), os.MkdirAll(savedDir, 0o700)); err != nil {
		return err
	}
	if mounted {
		if err := unix.Unmount(permDir, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("unmount: %w", err)
		}
	}
	kept, lost := 0, 0
	// With the journal first: what was stored last is only in there.
	for _, options := range []string{"", "sb=" + copyAt, "noload", "noload,sb=" + copyAt} {
		if err := unix.Mount(device, at, "ext4", unix.MS_RDONLY|unix.MS_NODEV|unix.MS_NOEXEC|unix.MS_NOSUID, options); err != nil {
			log.Printf("storage: with options %q: %v", options, err)
			continue
		}
		kept, lost = save(at, savedDir, maxSaved)
		if err := unix.Unmount(at, 0); err != nil {
			return fmt.Errorf("unmount: %w", err)
		}
		if kept > 0 {
			break
		}
	}
	if err := overwrite(device, permTemplate); err != nil {
		return fmt.Errorf("new file system: %w", err)
	}
	if err := unix.Mount(device, permDir, "ext4", unix.MS_RELATIME, ""); err != nil {
		return fmt.Errorf("mount the new one: %w", err)
	}
	back, missed := save(savedDir, permDir, maxSaved)
	text := fmt.Sprintf("The storage %s and was made anew; %d files were kept, %d could not be.\n", why, back, lost+missed)
	log.Printf("storage: %d files read; %s", kept, strings.TrimSpace(text))
	err := os.WriteFile(filepath.Join(permDir, repairMark), []byte(text), 0o644)
	return errors.Join(err, os.RemoveAll(savedDir))
}

// save copies files and folders with their owners and modes, and counts those
// that it could and could not. More than so many bytes are not taken.
func save(from, to string, limit int64) (kept, lost int) {
	walk := func(path string, e fs.DirEntry, err error) error {
		rel, rerr := filepath.Rel(from, path)
		if rerr != nil || rel == "lost+found" {
			return fs.SkipDir
		}
		if err != nil {
			lost++
			return nil
		}
		info, err := e.Info()
		if err != nil {
			lost++
			return nil
		}
		target := filepath.Join(to, rel)
		switch {
		case e.IsDir():
			if err := os.MkdirAll(target, 0o700); err != nil {
				lost++
				return fs.SkipDir
			}
		case e.Type().IsRegular() && info.Size() <= limit:
			if err := copyFile(path, target); err != nil {
				log.Printf("storage: %v", err)
				lost++
				return nil
			}
			limit -= info.Size()
			kept++
		default:
			lost++
			return nil
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && rel != "." {
			if err := errors.Join(os.Lchown(target, int(st.Uid), int(st.Gid)), os.Chmod(target, info.Mode().Perm())); err != nil {
				log.Printf("storage: %v", err)
			}
		}
		return nil
	}
	if err := filepath.WalkDir(from, walk); err != nil {
		log.Printf("storage: %v", err)
	}
	return kept, lost
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return errors.Join(err, os.Remove(to))
	}
	return nil
}

// overwrite writes the template over the beginning of the device.
func overwrite(device, template string) error {
	in, err := os.Open(template)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(device, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// forget carries out a factory reset that was asked for: it empties the folder
// but for the machine's own number and its count of starts.
func forget(folder string) error {
	mark := filepath.Join(folder, resetMark)
	if _, err := os.Stat(mark); err != nil {
		return nil
	}
	log.Print("factory reset")
	list, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range list {
		switch e.Name() {
		case "lost+found", "machine-id", "life.json", resetMark:
		default:
			errs = append(errs, os.RemoveAll(filepath.Join(folder, e.Name())))
		}
	}
	// Interrupted before this, it is done again.
	if err := errors.Join(errs...); err != nil {
		return err
	}
	unix.Sync()
	return os.Remove(mark)
}
