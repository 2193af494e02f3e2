package squash

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

// image is a superblock and an inode table: a file of two blocks and a folder.
func image() []byte {
	le := binary.LittleEndian
	b := make([]byte, superblock)
	le.PutUint32(b, magic)
	le.PutUint32(b[countAt:], 2)
	le.PutUint32(b[timeAt:], 12345)
	le.PutUint32(b[blockSizeAt:], 128<<10)
	le.PutUint64(b[inodesAt:], superblock)
	inode := func(kind, mode uint16, size int) []byte {
		n := make([]byte, size)
		le.PutUint16(n, kind)
		le.PutUint16(n[2:], mode)
		le.PutUint32(n[8:], 67890)
		return n
	}
	f := inode(file, 0o664, 32+8)
	le.PutUint32(f[28:], 130<<10)
	table := slices.Concat(f, inode(directory, 0o777, 32))
	b = le.AppendUint16(b, uint16(len(table))|plainFlag)
	b = append(b, table...)
	le.PutUint64(b[directoriesAt:], uint64(len(b)))
	return b
}

func TestNormalise(t *testing.T) {
	t.Parallel()
	b := image()
	if err := Normalise(b, 99); err != nil {
		t.Fatal(err)
	}
	le := binary.LittleEndian
	if got := le.Uint32(b[timeAt:]); got != 99 {
		t.Errorf("time of the whole = %d, want 99", got)
	}
	for _, tc := range []struct {
		name string
		at   int
		mode uint16
	}{{"file", superblock + 2, 0o444}, {"folder", superblock + 2 + 40, 0o555}} {
		if mode, when := le.Uint16(b[tc.at+2:]), le.Uint32(b[tc.at+8:]); mode != tc.mode || when != 99 {
			t.Errorf("%s: mode %o, time %d, want %o, 99", tc.name, mode, when, tc.mode)
		}
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	le := binary.LittleEndian
	tests := []struct {
		name   string
		change func(b []byte) []byte
		want   error
	}{
		{"empty", func([]byte) []byte { return nil }, errNot},
		{"another file", func(b []byte) []byte { b[0] = 'x'; return b }, errNot},
		{"compressed inodes", func(b []byte) []byte { b[superblock+1] &^= 0x80; return b }, errCompressed},
		{"more inodes than there are", func(b []byte) []byte { le.PutUint32(b[countAt:], 3); return b }, errShort},
		{"table beyond the end", func(b []byte) []byte { return b[:superblock+20] }, errShort},
	}
	for _, tc := range tests {
		if err := Normalise(tc.change(image()), 99); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
}
