// Mkimage puts a disk image together, with the same bytes every time:
//
//	1 esp     FAT32: systemd-boot, a kernel per slot, the entries that start them
//	2 root-a  squashfs
//	3 root-b  empty, for the first update
//	4 perm    ext4, small; the box grows it to the disk at its first start
//
// It needs neither root nor loop devices.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"meetbox.local/image/tools/internal/fat"
	"meetbox.local/image/tools/internal/gpt"
)

const mebi = 1 << 20

// Sizes of the partitions. Nothing grows but the last: what is shipped in an
// update has to fit into what is on the disks already.
const (
	espSize  = 256 * mebi
	rootSize = 512 * mebi
)

// options are what the command line says.
type options struct {
	out, root, perm string
	disk            string
	seconds         int64
	esp             map[string][]byte
}

func main() {
	o := options{esp: map[string][]byte{}}
	flag.StringVar(&o.out, "o", "disk.img", "`file` to write")
	flag.StringVar(&o.root, "root", "", "squashfs `file` for slot a")
	flag.StringVar(&o.perm, "perm", "", "ext4 `file` to begin with")
	flag.StringVar(&o.disk, "disk", "", "`GUID` of the disk, ending in 00; partitions end in 01 to 04")
	flag.Int64Var(&o.seconds, "time", 0, "`seconds` since 1970 that every file gets")
	flag.Func("esp", "`NAME=FILE` to put on the ESP (any number of times)", func(s string) error {
		name, from, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("%q: want NAME=FILE", s)
		}
		b, err := os.ReadFile(from)
		o.esp[name] = b
		return err
	})
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "mkimage:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	base, ok := strings.CutSuffix(o.disk, "00")
	if !ok {
		return fmt.Errorf("disk GUID %q does not end in 00", o.disk)
	}
	root, err := os.ReadFile(o.root)
	if err != nil {
		return err
	}
	if len(root) > rootSize {
		return fmt.Errorf("%s has %d bytes, a slot %d", o.root, len(root), rootSize)
	}
	perm, err := os.ReadFile(o.perm)
	if err != nil {
		return err
	}
	esp, err := fat.Image(espSize, "MEETBOX", o.esp, time.Unix(o.seconds, 0))
	if err != nil {
		return fmt.Errorf("ESP: %w", err)
	}

	// One mebibyte before the first partition and after the last, for the two
	// tables; all of them begin at a whole one.
	at := int64(mebi)
	next := func(size int64) (first, last uint64) {
		first = uint64(at / gpt.Sector)
		at += (size + mebi - 1) / mebi * mebi
		return first, uint64(at/gpt.Sector) - 1
	}
	parts := []gpt.Partition{
		{Kind: gpt.ESP, Name: "esp"},
		{Kind: gpt.Root, Name: "root-a"},
		{Kind: gpt.Root, Name: "root-b"},
		{Kind: gpt.LinuxAny, Name: "perm"},
	}
	content := [][]byte{esp, root, nil, perm}
	for i, size := range []int64{espSize, rootSize, rootSize, int64(len(perm))} {
		parts[i].ID = gpt.GUID(fmt.Sprintf("%s%02x", base, i+1))
		parts[i].First, parts[i].Last = next(size)
	}
	sectors := uint64((at + mebi) / gpt.Sector)
	begin, end, err := gpt.Table(gpt.GUID(o.disk), sectors, parts)
	if err != nil {
		return err
	}
	f, err := os.Create(o.out)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(int64(sectors) * gpt.Sector); err != nil {
		return err
	}
	if err := write(f, 0, begin); err != nil {
		return err
	}
	if err := write(f, int64(sectors)*gpt.Sector-int64(len(end)), end); err != nil {
		return err
	}
	for i, b := range content {
		if err := write(f, int64(parts[i].First)*gpt.Sector, b); err != nil {
			return err
		}
	}
	return f.Close()
}

// write leaves out what is zero anyway, so that the file stays small on a
// file system that knows holes.
func write(f *os.File, at int64, b []byte) error {
	const step = 64 << 10
	zero := make([]byte, step)
	for i := 0; i < len(b); i += step {
		c := b[i:min(i+step, len(b))]
		if bytes.Equal(c, zero[:len(c)]) {
			continue
		}
		if _, err := f.WriteAt(c, at+int64(i)); err != nil {
			return err
		}
	}
	return nil
}
