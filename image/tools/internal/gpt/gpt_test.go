package gpt

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"
)

const disk GUID = "00112233-4455-6677-8899-aabbccddeeff"

func TestTable(t *testing.T) {
	t.Parallel()
	const sectors = 4096
	begin, end, err := Table(disk, sectors, []Partition{{Kind: ESP, ID: disk, Name: "esp", First: 2048, Last: 3000}})
	if err != nil {
		t.Fatal(err)
	}
	le := binary.LittleEndian
	first, last := begin[Sector:2*Sector], end[len(end)-Sector:]
	list := begin[2*Sector:]
	if !bytes.Equal(list, end[:len(end)-Sector]) {
		t.Error("the two lists differ")
	}
	for _, tc := range []struct {
		name                string
		h                   []byte
		here, other, listAt uint64
	}{{"first", first, 1, sectors - 1, 2}, {"second", last, sectors - 1, 1, sectors - 33}} {
		sum := le.Uint32(tc.h[16:])
		plain := bytes.Clone(tc.h[:92])
		clear(plain[16:20])
		if got := crc32.ChecksumIEEE(plain); got != sum {
			t.Errorf("%s: sum %x, want %x", tc.name, sum, got)
		}
		if got, want := le.Uint32(tc.h[88:]), crc32.ChecksumIEEE(list); got != want {
			t.Errorf("%s: sum of the list %x, want %x", tc.name, got, want)
		}
		if here, other, listAt := le.Uint64(tc.h[24:]), le.Uint64(tc.h[32:]), le.Uint64(tc.h[72:]); here != tc.here || other != tc.other || listAt != tc.listAt {
			t.Errorf("%s: at %d, %d, %d, want %d, %d, %d", tc.name, here, other, listAt, tc.here, tc.other, tc.listAt)
		}
	}
	want := []byte{0x33, 0x22, 0x11, 0, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}
	if got := first[56:72]; !bytes.Equal(got, want) {
		t.Errorf("GUID %x, want %x", got, want)
	}
}

func TestBadGUID(t *testing.T) {
	t.Parallel()
	for _, id := range []GUID{"", "x", disk[1:], disk + "00"} {
		if _, _, err := Table(id, 4096, nil); err == nil {
			t.Errorf("Table(%q) took it", id)
		}
	}
}
