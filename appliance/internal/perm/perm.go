// Package perm looks after the box's last partition, /perm, where all that
// outlives a restart is kept.
//
// The image brings a small file system, the same for all boxes. Grow makes it
// as large as the disk, at the first start and whenever the disk has become
// larger: first the partition table, then what the kernel knows of it, then
// the file system, which stays mounted. A power cut between any two of these
// leaves a table that is valid and a file system that fits into it; the next
// start goes on. MachineID gives the box its number, once.
package perm

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"strings"

	"meetbox.local/appliance/kit/atomicfile"
)

const (
	sector    = 512
	entries   = 128
	entrySize = 128
	listLen   = entries * entrySize
	listSize  = listLen / sector // sectors
	alignment = 2048             // sectors in a mebibyte
	number    = 4                // of the partition
)

var (
	errTable = errors.New("no partition table that this program wrote")
	errPlace = errors.New("/perm is not the fourth and last partition of a disk")
)

// table is a disk's partition table, as it stands at its beginning.
type table struct {
	header []byte // one sector
	list   []byte
}

// parse reads the first sectors of a disk.
func parse(b []byte) (table, error) {
	le := binary.LittleEndian
	if len(b) < 2*sector+listLen {
		return table{}, errTable
	}
	t := table{b[sector : 2*sector], b[2*sector : 2*sector+listLen]}
	switch {
	case string(t.header[:8]) != "EFI PART",
		le.Uint32(t.header[12:]) != 92,
		le.Uint64(t.header[72:]) != 2,
		le.Uint32(t.header[80:]) != entries,
		le.Uint32(t.header[84:]) != entrySize,
		le.Uint32(t.header[16:]) != t.sum(),
		le.Uint32(t.header[88:]) != crc32.ChecksumIEEE(t.list):
		return t, errTable
	}
	for i := range entries {
		if used := t.first(i) != 0; used != (i < number) {
			return t, errPlace
		}
		if i < number-1 && t.first(i) > t.first(number-1) {
			return t, errPlace
		}
	}
	return t, nil
}

func (t table) entry(i int) []byte { return t.list[i*entrySize : (i+1)*entrySize] }
func (t table) first(i int) uint64 { return binary.LittleEndian.Uint64(t.entry(i)[32:]) }
func (t table) last(i int) uint64  { return binary.LittleEndian.Uint64(t.entry(i)[40:]) }
func (t table) sum() uint32 {
	h := [92]byte(t.header)
	clear(h[16:20])
	return crc32.ChecksumIEEE(h[:])
}

// piece is something to write to the disk.
type piece struct {
	at   uint64 // sector
	data []byte
}

// grown returns the pieces that make the last partition as long as a disk of
// so many sectors allows, in the order in which they must be written, and the
// partition's place. No pieces: it is that long already.
func (t table) grown(sectors uint64) (pieces []piece, first, last uint64) {
	le := binary.LittleEndian
	first = t.first(number - 1)
	end := (sectors - 1 - listSize) / alignment * alignment // of a whole mebibyte, before the second table
	if end <= t.last(number-1)+1 {
		return nil, first, t.last(number - 1)
	}
	last = end - 1
	list := append([]byte(nil), t.list...)
	le.PutUint64(list[(number-1)*entrySize+40:], last)
	header := func(here, other, listAt uint64) []byte {
		h := append([]byte(nil), t.header...)
		le.PutUint64(h[24:], here)
		le.PutUint64(h[32:], other)
		le.PutUint64(h[48:], sectors-2-listSize)
		le.PutUint64(h[72:], listAt)
		le.PutUint32(h[88:], crc32.ChecksumIEEE(list))
		le.PutUint32(h[16:], table{header: h}.sum())
		return h
	}
	// The second table is complete before the first begins to change: at any
	// instant one of them is valid.
	return []piece{
		{sectors - 1 - listSize, list},
		{sectors - 1, header(sectors-1, 1, sectors-1-listSize)},
		{2, list},
		{1, header(1, sectors-1, 2)},
	}, first, last
}

// diskOf returns the disk of a partition's device, "/dev/nvme0n1" for
// "/dev/nvme0n1p4", "/dev/sda" for "/dev/sda4".
func diskOf(device string) (string, error) {
	disk, ok := strings.CutSuffix(device, "4")
	if !ok {
		return "", errPlace
	}
	if p, ok := strings.CutSuffix(disk, "p"); ok && p != "" && p[len(p)-1] >= '0' && p[len(p)-1] <= '9' {
		disk = p
	}
	if disk == "" || strings.HasSuffix(disk, "/") {
		return "", errPlace
	}
	return disk, nil
}

// MachineID returns the box's number, 32 hexadecimal digits that no other box
// has, from the file machine-id in the folder; it is made when it is missing
// or damaged.
func MachineID(folder string) (string, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return "", fmt.Errorf("machine id: %w", err)
	}
	defer root.Close()
	const name = "machine-id"
	b, err := root.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("machine id: %w", err)
	}
	id := strings.TrimSpace(string(b))
	if raw, err := hex.DecodeString(id); err == nil && len(raw) == 16 {
		return id, nil
	}
	var raw [16]byte
	rand.Read(raw[:])
	id = hex.EncodeToString(raw[:])
	if err := atomicfile.Write(root, name, []byte(id+"\n"), 0o644); err != nil {
		return "", fmt.Errorf("machine id: %w", err)
	}
	return id, nil
}
