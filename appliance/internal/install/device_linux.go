package install

import (
	"errors"
	"fmt"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// device is a disk; nobody else may have anything of it in use.
type device struct{ *os.File }

// Forget throws away what the kernel remembers of the disk, so that reading
// asks the disk itself.
func (d device) Forget() error {
	return unix.IoctlSetInt(int(d.Fd()), unix.BLKFLSBUF, 0)
}

// Zero has the disk make a part of itself empty; the kernel writes zeros where
// the disk cannot.
func (d device) Zero(at, length int64) error {
	r := [2]uint64{uint64(at), uint64(length)}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, d.Fd(), unix.BLKZEROOUT, uintptr(unsafe.Pointer(&r))); errno != 0 {
		return errno
	}
	return nil
}

func devices(from, to, template string, progress func(done, total int64)) (err error) {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	// O_EXCL: the kernel refuses while a part of the disk is mounted.
	dst, err := os.OpenFile(to, os.O_RDWR|unix.O_EXCL, 0)
	if err != nil {
		return fmt.Errorf("the disk is in use: %w", err)
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	perm, err := os.Open(template)
	if err != nil {
		return err
	}
	defer perm.Close()
	info, err := perm.Stat()
	if err != nil {
		return err
	}
	size, err := dst.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	plan := Plan{From: src, To: device{dst}, Size: size, Perm: perm, PermSize: info.Size(), Progress: progress}
	if err := plan.Run(); err != nil {
		return err
	}
	// Best effort: the firmware reads the table itself at the next start.
	_ = unix.IoctlSetInt(int(dst.Fd()), unix.BLKRRPART, 0)
	return nil
}
