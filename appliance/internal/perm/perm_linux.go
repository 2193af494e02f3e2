package perm

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	blockSize = 4096 // of the file system

	ext4ResizeFS         = 0x40086610 // ioctl EXT4_IOC_RESIZE_FS, linux/ext4.h
	blkpgResizePartition = 3          // linux/blkpg.h
)

// partitionChange is linux/blkpg.h's struct blkpg_partition.
type partitionChange struct {
	start, length int64 // bytes
	number        int32
	_             [128]byte // names, unused
	_             [4]byte
}

// partitionCall is its struct blkpg_ioctl_arg.
type partitionCall struct {
	op, flags, length int32
	data              unsafe.Pointer
}

// Grow makes the file system that is mounted on the folder as large as its
// disk allows and returns its size in bytes.
func Grow(folder string) (int64, error) {
	device, err := deviceOf(folder)
	if err != nil {
		return 0, fmt.Errorf("grow %s: %w", folder, err)
	}
	size, err := grow(folder, device)
	if err != nil {
		return 0, fmt.Errorf("grow %s: %w", folder, err)
	}
	return size, nil
}

func deviceOf(folder string) (string, error) {
	b, err := os.ReadFile("/proc/mounts")
	if err != nil {
		return "", err
	}
	device := ""
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 2 && f[1] == folder && f[2] == "ext4" {
			device = f[0] // the last one counts
		}
	}
	if device == "" {
		return "", errors.New("not mounted")
	}
	return device, nil
}

func grow(folder, device string) (int64, error) {
	disk, err := diskOf(device)
	if err != nil {
		return 0, err
	}
	f, err := os.OpenFile(disk, os.O_RDWR|os.O_SYNC, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	bytes, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	begin := make([]byte, 2*sector+listLen)
	if _, err := f.ReadAt(begin, 0); err != nil {
		return 0, err
	}
	t, err := parse(begin)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", disk, err)
	}
	pieces, first, last := t.grown(uint64(bytes) / sector)
	for _, p := range pieces {
		if _, err := f.WriteAt(p.data, int64(p.at)*sector); err != nil {
			return 0, err
		}
	}
	length := int64(last-first+1) * sector
	if err := tellKernel(f, int64(first)*sector, length); err != nil {
		return 0, err
	}
	return length, resize(folder, uint64(length)/blockSize)
}

// tellKernel changes the kernel's idea of the partition, which is in use: it
// would not read the table again.
func tellKernel(disk *os.File, start, length int64) error {
	p := partitionChange{start: start, length: length, number: number}
	c := partitionCall{op: blkpgResizePartition, length: int32(unsafe.Sizeof(p)), data: unsafe.Pointer(&p)}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, disk.Fd(), unix.BLKPG, uintptr(unsafe.Pointer(&c))); errno != 0 {
		return fmt.Errorf("partition: %w", errno)
	}
	return nil
}

func resize(folder string, blocks uint64) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer d.Close()
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, d.Fd(), ext4ResizeFS, uintptr(unsafe.Pointer(&blocks))); errno != 0 {
		return fmt.Errorf("file system: %w", errno)
	}
	return nil
}
