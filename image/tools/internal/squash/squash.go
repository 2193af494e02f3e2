// Package squash makes a squashfs from gok reproducible: it writes one fixed
// time over every time in it, and takes the write permission from every file.
//
// gok stores inodes uncompressed, so that this is done in place; nothing
// moves. (https://dr-emann.github.io/squashfs describes the format.)
package squash

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var (
	errNot        = errors.New("not a squashfs")
	errCompressed = errors.New("the inode table is compressed")
	errShort      = errors.New("the inode table ends too early")
)

const (
	magic     = 0x73717368
	metadata  = 8 << 10 // a metadata block holds at most so much
	plainFlag = 0x8000  // in a metadata block's header: not compressed

	// Places in the superblock.
	countAt, timeAt, blockSizeAt, inodesAt, directoriesAt, superblock = 4, 8, 12, 64, 72, 96

	// Kinds of inodes that gok writes.
	directory, file, symlink, longDirectory = 1, 2, 3, 8
)

// Normalise changes the image in b.
func Normalise(b []byte, seconds uint32) error {
	le := binary.LittleEndian
	if len(b) < superblock || le.Uint32(b) != magic {
		return errNot
	}
	le.PutUint32(b[timeAt:], seconds)
	blockSize := uint64(le.Uint32(b[blockSizeAt:]))
	if blockSize == 0 {
		return errNot
	}
	t, err := table(b, le.Uint64(b[inodesAt:]), le.Uint64(b[directoriesAt:]))
	if err != nil {
		return err
	}
	at := 0
	for i := range le.Uint32(b[countAt:]) {
		if at+32 > t.size() {
			return fmt.Errorf("inode %d: %w", i, errShort)
		}
		kind := t.number(at, 2)
		t.put(at+2, 2, t.number(at+2, 2)&^0o222)
		t.put(at+8, 4, uint64(seconds))
		switch kind {
		case directory:
			at += 32
		case file: // 32 bytes, then one length for each block
			at += 32 + 4*int((t.number(at+28, 4)+blockSize-1)/blockSize)
		case symlink:
			at += 24 + int(t.number(at+20, 4))
		case longDirectory:
			at += 40
		default:
			return fmt.Errorf("inode %d: unknown kind %d", i, kind)
		}
	}
	return nil
}

// inodes is the table as one sequence, though it is stored in blocks that
// each begin with two bytes of header.
type inodes struct{ blocks [][]byte }

func table(b []byte, from, to uint64) (inodes, error) {
	var t inodes
	for from+2 <= to && to <= uint64(len(b)) {
		header := binary.LittleEndian.Uint16(b[from:])
		if header&plainFlag == 0 {
			return t, errCompressed
		}
		n := uint64(header &^ plainFlag)
		if from+2+n > to || n > metadata {
			return t, errShort
		}
		t.blocks = append(t.blocks, b[from+2:from+2+n])
		from += 2 + n
	}
	for _, block := range t.blocks[:max(len(t.blocks)-1, 0)] {
		if len(block) != metadata {
			return t, errShort // only the last one may be shorter
		}
	}
	return t, nil
}

func (t inodes) size() int {
	if len(t.blocks) == 0 {
		return 0
	}
	return (len(t.blocks)-1)*metadata + len(t.blocks[len(t.blocks)-1])
}

// number and put work byte by byte: a field may cross blocks.
func (t inodes) number(at, width int) (v uint64) {
	for i := range width {
		v |= uint64(t.blocks[(at+i)/metadata][(at+i)%metadata]) << (8 * i)
	}
	return v
}

func (t inodes) put(at, width int, v uint64) {
	for i := range width {
		t.blocks[(at+i)/metadata][(at+i)%metadata] = byte(v >> (8 * i))
	}
}
