package perm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
)

const (
	imageSize = 2887680             // sectors, as the image has
	permAt    = 2621440 + 2048      // where its last partition begins
	permEnd   = permAt + 262144 - 1 // and ends
)

// disk is the beginning of a disk as the image writes it.
func disk(change func(header, list []byte)) []byte {
	le := binary.LittleEndian
	b := make([]byte, 2*sector+listLen)
	header, list := b[sector:2*sector], b[2*sector:]
	for i, place := range [][2]uint64{{2048, 526335}, {526336, 1574911}, {1574912, permAt - 1}, {permAt, permEnd}} {
		le.PutUint64(list[i*entrySize+32:], place[0])
		le.PutUint64(list[i*entrySize+40:], place[1])
	}
	copy(header, "EFI PART")
	le.PutUint32(header[12:], 92)
	le.PutUint64(header[72:], 2)
	le.PutUint32(header[80:], entries)
	le.PutUint32(header[84:], entrySize)
	if change != nil {
		change(header, list)
	}
	le.PutUint32(header[88:], crc32.ChecksumIEEE(list))
	le.PutUint32(header[16:], table{header: header}.sum())
	return b
}

// After each write one of the two tables is whole, and at the end both say
// the same.
func TestGrown(t *testing.T) {
	t.Parallel()
	const sectors = 16777216 // 8 GiB
	whole := map[uint64][]byte{}
	begin := disk(nil)
	whole[1], whole[2] = begin[sector:2*sector], begin[2*sector:]
	tab, err := parse(begin)
	if err != nil {
		t.Fatal(err)
	}
	pieces, first, last := tab.grown(sectors)
	if len(pieces) != 4 || first != permAt || (last+1)%alignment != 0 || last >= sectors-33 || last < sectors-33-alignment {
		t.Fatalf("grown = %d pieces, %d to %d", len(pieces), first, last)
	}
	valid := func(headerAt, listAt uint64) bool {
		h, l := whole[headerAt], whole[listAt]
		return h != nil && l != nil && table{header: h}.sum() == binary.LittleEndian.Uint32(h[16:]) &&
			crc32.ChecksumIEEE(l) == binary.LittleEndian.Uint32(h[88:])
	}
	for i, p := range pieces {
		whole[p.at] = p.data
		if !valid(1, 2) && !valid(sectors-1, sectors-33) {
			t.Errorf("after piece %d no table is whole", i)
		}
	}
	if !bytes.Equal(whole[2], whole[sectors-33]) || !valid(1, 2) || !valid(sectors-1, sectors-33) {
		t.Error("at the end the tables are not whole and equal")
	}

	// A second time there is nothing to do.
	again, err := parse(append(append(make([]byte, sector), whole[1]...), whole[2]...))
	if err != nil {
		t.Fatal(err)
	}
	if pieces, _, end := again.grown(sectors); len(pieces) != 0 || end != last {
		t.Errorf("second time: %d pieces, end %d, want none, %d", len(pieces), end, last)
	}
}

// A disk no larger than the image, or smaller than what the table says, is
// left alone.
func TestNotGrown(t *testing.T) {
	t.Parallel()
	tab, err := parse(disk(nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, sectors := range []uint64{imageSize, permEnd + 34, permEnd} {
		if pieces, _, last := tab.grown(sectors); len(pieces) != 0 || last != permEnd {
			t.Errorf("%d sectors: %d pieces, end %d", sectors, len(pieces), last)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(header, list []byte)
		want   error
	}{
		{"another mark", func(h, _ []byte) { h[0] = 'x' }, errTable},
		{"table elsewhere", func(h, _ []byte) { h[72] = 34 }, errTable},
		{"a fifth partition", func(_, l []byte) { l[4*entrySize+32] = 1 }, errPlace},
		{"only three", func(_, l []byte) { clear(l[3*entrySize : 4*entrySize]) }, errPlace},
		{"the fourth is not the last on the disk", func(_, l []byte) { binary.LittleEndian.PutUint64(l[3*entrySize+32:], 100) }, errPlace},
	}
	for _, tc := range tests {
		if _, err := parse(disk(tc.change)); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
	if _, err := parse(nil); !errors.Is(err, errTable) {
		t.Errorf("nothing: %v", err)
	}
	damaged := disk(nil)
	damaged[2*sector+40]++
	if _, err := parse(damaged); !errors.Is(err, errTable) {
		t.Errorf("damaged: %v, want %v", err, errTable)
	}
}

func TestDiskOf(t *testing.T) {
	t.Parallel()
	for device, want := range map[string]string{
		"/dev/nvme0n1p4": "/dev/nvme0n1",
		"/dev/mmcblk1p4": "/dev/mmcblk1",
		"/dev/sda4":      "/dev/sda",
		"/dev/vdb4":      "/dev/vdb",
		"/dev/sdp4":      "/dev/sdp",
		"/dev/sda1":      "",
		"/dev/4":         "",
		"4":              "",
	} {
		got, err := diskOf(device)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("diskOf(%s) = %q, %v, want %q", device, got, err, want)
		}
	}
}

func TestMachineID(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := MachineID(dir)
	if err != nil || len(first) != 32 {
		t.Fatalf("MachineID = %q, %v", first, err)
	}
	if again, err := MachineID(dir); err != nil || again != first {
		t.Errorf("the second time %q, %v, want %q", again, err, first)
	}
	if err := os.WriteFile(filepath.Join(dir, "machine-id"), []byte("\x00\x00"), 0o644); err != nil {
		t.Fatal(err)
	}
	if other, err := MachineID(dir); err != nil || len(other) != 32 || other == first {
		t.Errorf("after damage %q, %v, want a new one", other, err)
	}
	if _, err := MachineID(filepath.Join(dir, "missing")); err == nil {
		t.Error("without the folder there was no error")
	}
}

// Whatever the table says, growing never makes the partition shorter or
// longer than its disk.
func FuzzGrown(f *testing.F) {
	f.Add(disk(nil), uint64(16777216))
	f.Fuzz(func(t *testing.T, b []byte, sectors uint64) {
		tab, err := parse(b)
		if err != nil || sectors < 4*alignment || sectors > 1<<40 {
			return
		}
		before := tab.last(number - 1)
		if pieces, _, last := tab.grown(sectors); last < before || len(pieces) > 0 && last > sectors-34 {
			t.Errorf("%d sectors: end %d, was %d", sectors, last, before)
		}
	})
}
