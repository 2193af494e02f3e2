// Package gpt writes the partition table of a disk image: a protective MBR, a
// primary GPT and its backup (UEFI specification, chapter 5).
package gpt

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"strings"
	"unicode/utf16"
)

// Sector is the unit of positions in the table.
const Sector = 512

const (
	entries   = 128
	entrySize = 128
	// Sectors of a table without its header, and of all that stands before
	// the first partition.
	tableLen = entries * entrySize / Sector
	firstUse = 2 + tableLen
)

// Kinds of partitions.
const (
	ESP      GUID = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
	Root     GUID = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709" // root file system, x86-64
	LinuxAny GUID = "0fc63daf-8483-4772-8e79-3d69d8477de4"
)

// GUID in the usual notation.
type GUID string

func (g GUID) bytes() ([16]byte, error) {
	var out [16]byte
	h, err := hex.DecodeString(strings.ReplaceAll(string(g), "-", ""))
	if err != nil || len(h) != 16 {
		return out, fmt.Errorf("%q is no GUID", string(g))
	}
	copy(out[:], h)
	// The first three numbers are stored with the lowest byte first.
	out[0], out[1], out[2], out[3] = h[3], h[2], h[1], h[0]
	out[4], out[5], out[6], out[7] = h[5], h[4], h[7], h[6]
	return out, nil
}

// Partition is one line of the table.
type Partition struct {
	Kind, ID    GUID
	Name        string
	First, Last uint64 // sectors
}

// Table returns what stands at the beginning and at the end of a disk of so
// many sectors.
func Table(disk GUID, sectors uint64, parts []Partition) (begin, end []byte, err error) {
	id, err := disk.bytes()
	if err != nil {
		return nil, nil, err
	}
	list, err := list(parts)
	if err != nil {
		return nil, nil, err
	}
	begin = append(protective(sectors), header(id, list, sectors, 1, sectors-1, 2)...)
	begin = append(begin, list...)
	end = append(list, header(id, list, sectors, sectors-1, 1, sectors-1-tableLen)...)
	return begin, end, nil
}

func list(parts []Partition) ([]byte, error) {
	b := make([]byte, entries*entrySize)
	for i, p := range parts {
		e := b[i*entrySize : (i+1)*entrySize]
		kind, err := p.Kind.bytes()
		if err != nil {
			return nil, err
		}
		id, err := p.ID.bytes()
		if err != nil {
			return nil, err
		}
		copy(e, kind[:])
		copy(e[16:], id[:])
		binary.LittleEndian.PutUint64(e[32:], p.First)
		binary.LittleEndian.PutUint64(e[40:], p.Last)
		for k, unit := range utf16.Encode([]rune(p.Name)) {
			binary.LittleEndian.PutUint16(e[56+2*k:], unit)
		}
	}
	return b, nil
}

func header(disk [16]byte, list []byte, sectors, here, other, listAt uint64) []byte {
	le := binary.LittleEndian
	h := make([]byte, Sector)
	copy(h, "EFI PART")
	le.PutUint32(h[8:], 0x10000)
	le.PutUint32(h[12:], 92) // its own length
	le.PutUint64(h[24:], here)
	le.PutUint64(h[32:], other)
	le.PutUint64(h[40:], firstUse)
	le.PutUint64(h[48:], sectors-firstUse)
	copy(h[56:], disk[:])
	le.PutUint64(h[72:], listAt)
	le.PutUint32(h[80:], entries)
	le.PutUint32(h[84:], entrySize)
	le.PutUint32(h[88:], crc32.ChecksumIEEE(list))
	le.PutUint32(h[16:], crc32.ChecksumIEEE(h[:92]))
	return h
}

// protective tells programs that know no GPT that the disk is full.
func protective(sectors uint64) []byte {
	b := make([]byte, Sector)
	e := b[446:]
	copy(e[1:], "\x00\x02\x00\xee\xff\xff\xff")
	binary.LittleEndian.PutUint32(e[8:], 1)
	binary.LittleEndian.PutUint32(e[12:], uint32(min(sectors-1, 0xffffffff)))
	b[510], b[511] = 0x55, 0xaa
	return b
}
