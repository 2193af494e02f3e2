package perm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
	"meetbox.local/appliance/api"
)

const fiTrim = 0xc0185879 // ioctl FITRIM, linux/fs.h

// trimRange is linux/fs.h's struct fstrim_range.
type trimRange struct{ start, length, least uint64 }

// Trim tells the disk which blocks are free and remembers when. A disk that
// does not want to know is as good as told.
func (l *Life) Trim(folder string, now time.Time) (bytes uint64, err error) {
	d, err := os.Open(folder)
	if err != nil {
		return 0, fmt.Errorf("trim: %w", err)
	}
	defer d.Close()
	r := trimRange{length: ^uint64(0)}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, d.Fd(), fiTrim, uintptr(unsafe.Pointer(&r))); errno != 0 && errno != unix.EOPNOTSUPP && errno != unix.ENOTTY {
		return 0, fmt.Errorf("trim: %w", errno)
	} else if errno != 0 {
		r.length = 0
	}
	l.Trimmed = now
	return r.length, l.write(folder)
}

// Storage says how full and how well the file system is.
func Storage(folder string) (api.Storage, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(folder, &fs); err != nil {
		return api.Storage{}, fmt.Errorf("storage: %w", err)
	}
	s := api.Storage{
		Size:     int64(fs.Blocks) * fs.Bsize,
		Free:     int64(fs.Bavail) * fs.Bsize,
		ReadOnly: fs.Flags&unix.ST_RDONLY != 0,
	}
	device, err := deviceOf(folder)
	if err != nil {
		return s, nil // a developer's machine, where another file system may be
	}
	b, err := os.ReadFile(filepath.Join("/sys/fs/ext4", filepath.Base(device), "errors_count"))
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		s.Errors, err = strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	}
	return s, err
}

// Disk is the name of the disk that the folder's file system is on.
func Disk(folder string) (string, error) {
	device, err := deviceOf(folder)
	if err != nil {
		return "", err
	}
	disk, err := diskOf(device)
	return filepath.Base(disk), err
}
