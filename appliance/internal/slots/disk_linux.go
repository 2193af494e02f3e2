package slots

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const (
	espDir = "/run/esp-slots"
	// How often, and how long apart, the first partition is tried while
	// somebody else has it mounted in another way.
	mountTries = 20
	mountPause = 250 * time.Millisecond
)

// Open finds the disk that the running system was started from.
func Open() (*Disk, error) {
	b, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return nil, err
	}
	boot, err := ParseCmdline(string(b))
	if err != nil {
		return nil, err
	}
	disk, err := find(boot.Disk)
	if err != nil {
		return nil, err
	}
	esp := partition(disk, 1)
	return &Disk{
		boot: boot,
		esp:  func(write bool, do func(*os.Root) error) error { return mounted(esp, write, do) },
		root: func(s Slot) (*os.File, error) {
			if s == boot.Running {
				return nil, errors.New("the running system's own partition")
			}
			return os.OpenFile(partition(disk, 1+s.offset()), os.O_RDWR|unix.O_EXCL, 0)
		},
		settled: flush,
		did:     func() {},
	}, nil
}

func partition(disk string, n int) string {
	if c := disk[len(disk)-1]; c >= '0' && c <= '9' {
		return fmt.Sprintf("%sp%d", disk, n)
	}
	return fmt.Sprintf("%s%d", disk, n)
}

// find returns the disk whose first partition has the GUID.
func find(guid string) (string, error) {
	names, err := filepath.Glob("/sys/block/*")
	if err != nil {
		return "", err
	}
	for _, name := range names {
		dev := "/dev/" + filepath.Base(name)
		if got, err := firstGUID(dev); err == nil && got == guid {
			return dev, nil
		}
	}
	return "", fmt.Errorf("no disk's first partition is %s", guid)
}

// firstGUID reads it from the partition table, as not every kernel knows it.
func firstGUID(dev string) (string, error) {
	f, err := os.Open(dev)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b := make([]byte, 3*512)
	if _, err := f.ReadAt(b, 0); err != nil {
		return "", err
	}
	if string(b[512:520]) != "EFI PART" {
		return "", errors.New("no GPT")
	}
	g := b[1024+16:]
	le := binary.LittleEndian
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", le.Uint32(g), le.Uint16(g[4:]), le.Uint16(g[6:]), g[8:10], g[10:16]), nil
}

// mounted mounts the first partition for the time of do.
func mounted(dev string, write bool, do func(*os.Root) error) (err error) {
	if err := os.MkdirAll(espDir, 0o700); err != nil {
		return err
	}
	if err := forget(dev); err != nil {
		return err
	}
	// After an error FAT would be read-only for ever, and the box without
	// updates; what is written is read back anyway.
	flags := uintptr(unix.MS_SYNCHRONOUS | unix.MS_DIRSYNC | unix.MS_NOATIME | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOSUID)
	if !write {
		flags |= unix.MS_RDONLY
	}
	for try := 1; ; try++ {
		if err = unix.Mount(dev, espDir, "vfat", flags, "errors=continue"); err == nil {
			break
		}
		if try == mountTries || !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("mount %s: %w", dev, err)
		}
		time.Sleep(mountPause)
	}
	defer func() {
		if uerr := unix.Unmount(espDir, 0); uerr != nil {
			err = errors.Join(err, fmt.Errorf("unmount %s: %w", dev, uerr))
		}
	}()
	root, err := os.OpenRoot(espDir)
	if err != nil {
		return err
	}
	defer root.Close()
	return do(root)
}

// forget drops what the kernel remembers of a partition that is not mounted.
func forget(dev string) error {
	f, err := os.Open(dev)
	if err != nil {
		return err
	}
	return errors.Join(flush(f), f.Close())
}

// flush writes what waits for a block device and drops what is remembered of
// it.
func flush(f *os.File) error {
	if err := unix.IoctlSetInt(int(f.Fd()), unix.BLKFLSBUF, 0); err != nil {
		return fmt.Errorf("flush %s: %w", f.Name(), err)
	}
	return nil
}
