package install

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/hardware"
)

const oldESP = "4d454554-424f-5800-8000-000000000001"

// Places of the partitions of a small source disk, in sectors.
var places = [parts][2]uint64{{2048, 6143}, {6144, 10239}, {10240, 14335}, {14336, 20479}}

func source(t *testing.T) []byte {
	t.Helper()
	le := binary.LittleEndian
	b := make([]byte, 20480*sector+mebi)
	id := []byte("TEEMOB\x00\x58\x80\x00\x00\x00\x00\x00\x00\x00")
	header, list := b[sector:2*sector], b[2*sector:begin]
	for i, p := range places {
		e := list[i*entrySize:]
		e[0] = 1
		copy(e[16:], id)
		e[31] = byte(i + 1)
		le.PutUint64(e[32:], p[0])
		le.PutUint64(e[40:], p[1])
	}
	copy(header, "EFI PART")
	le.PutUint32(header[12:], 92)
	le.PutUint64(header[72:], 2)
	le.PutUint32(header[80:], entries)
	le.PutUint32(header[84:], entrySize)
	le.PutUint32(header[88:], crc32.ChecksumIEEE(list))
	le.PutUint32(header[16:], crc32.ChecksumIEEE(header[:92]))
	// An entry across the end of a chunk, and one in the middle.
	boot := b[2048*sector : 6144*sector]
	copy(boot[chunk-10:], "root=PARTUUID="+oldESP+"/PARTNROFF=1")
	copy(boot[5000:], "root=PARTUUID="+oldESP+"/PARTNROFF=2")
	root := b[6144*sector:]
	copy(root, "hsqs")
	le.PutUint64(root[40:], 100_000)
	copy(root[99_990:], "end of root")
	if got := guid(list[16:32]); got != oldESP {
		t.Fatalf("guid = %s, want %s", got, oldESP)
	}
	return b
}

// file is a disk in a file, with faults to choose.
type file struct {
	*os.File
	lies  bool
	zeros bool  // it knows the order
	limit int64 // of bytes until the disk breaks; 0: none
	wrote int64
}

var errBroken = errors.New("broken")

func (f *file) WriteAt(b []byte, at int64) (int, error) {
	f.wrote += int64(len(b))
	if f.limit > 0 && f.wrote > f.limit {
		return 0, errBroken
	}
	return f.File.WriteAt(b, at)
}

func (f *file) Zero(at, length int64) error {
	if !f.zeros {
		return errors.ErrUnsupported
	}
	_, err := f.File.WriteAt(make([]byte, length), at)
	return err
}

func (f *file) ReadAt(b []byte, at int64) (int, error) {
	n, err := f.File.ReadAt(b, at)
	if f.lies && n > 0 {
		b[0] ^= 1
	}
	return n, err
}

func target(t *testing.T, size int64) *file {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "disk"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	// A disk that was used before.
	if _, err := f.Write(bytes.Repeat([]byte{0xaa}, int(size))); err != nil {
		t.Fatal(err)
	}
	return &file{File: f}
}

func plan(t *testing.T, to *file, size int64) (Plan, []byte) {
	t.Helper()
	src := source(t)
	template := bytes.Repeat([]byte("perm"), mebi/4)
	return Plan{
		From: bytes.NewReader(src), To: to, Size: size,
		Perm: bytes.NewReader(template), PermSize: int64(len(template)), Progress: func(int64, int64) {},
	}, src
}

func TestRun(t *testing.T) {
	t.Parallel()
	const size = 20 * mebi
	to := target(t, size)
	p, src := plan(t, to, size)
	var done, total int64
	p.Progress = func(d, a int64) { done, total = d, a }
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	if done != total || total == 0 {
		t.Errorf("progress ended at %d of %d", done, total)
	}
	b := make([]byte, size)
	if _, err := to.File.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	got, err := parse(b)
	if err != nil {
		t.Fatal(err)
	}
	newESP := guid(got.entry(esp)[16:32])
	if newESP == oldESP || !strings.HasSuffix(newESP, "01") {
		t.Errorf("the boot partition is %s, want another than %s", newESP, oldESP)
	}
	boot := b[2048*sector : 6144*sector]
	if n := bytes.Count(boot, []byte(oldESP)); n != 0 {
		t.Errorf("%d boot entries still name the old disk", n)
	}
	if n := bytes.Count(boot, []byte("root=PARTUUID="+newESP+"/PARTNROFF=")); n != 2 {
		t.Errorf("%d boot entries name the new disk, want 2", n)
	}
	if root := b[6144*sector:]; !bytes.Equal(root[:100_000], src[6144*sector:][:100_000]) {
		t.Error("the first system differs")
	}
	if !bytes.Equal(b[10240*sector:][:4096], make([]byte, 4096)) {
		t.Error("the second system is not empty")
	}
	if perm := b[14336*sector:][:mebi]; !bytes.Equal(perm, bytes.Repeat([]byte("perm"), mebi/4)) {
		t.Error("the storage is not the template")
	}
	if first, last := got.place(perm); first != 14336 || last != 14336+mebi/sector-1 {
		t.Errorf("the storage is %d to %d", first, last)
	}
	// The second table is at the end and says the same.
	end := b[size-(listLen+1)*sector:]
	if !bytes.Equal(end[:listSize], got.list) || string(end[listSize:listSize+8]) != "EFI PART" {
		t.Error("the second table is not the first")
	}
	// Two installations are two disks.
	other := target(t, size)
	other.zeros = true
	q, _ := plan(t, other, size)
	if err := q.Run(); err != nil {
		t.Fatal(err)
	}
	c := make([]byte, begin)
	if _, err := other.File.ReadAt(c, 0); err != nil {
		t.Fatal(err)
	}
	if other.wrote >= to.wrote {
		t.Errorf("wrote %d bytes to a disk that can make itself empty, %d to the other", other.wrote, to.wrote)
	}
	if again, err := parse(c); err != nil || guid(again.entry(esp)[16:32]) == newESP {
		t.Errorf("the second installation has the same identifiers, %v", err)
	}
}

// Whatever goes wrong, the disk has no table: it is not taken for a box.
func TestFaults(t *testing.T) {
	t.Parallel()
	const size = 20 * mebi
	tests := []struct {
		name string
		to   func(*file)
		want error
	}{
		{"reads something else", func(f *file) { f.lies = true }, errDiffers},
		{"breaks in the middle", func(f *file) { f.limit = 3 * mebi }, errBroken},
	}
	for _, tc := range tests {
		to := target(t, size)
		tc.to(to)
		p, _ := plan(t, to, size)
		if err := p.Run(); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
		b := make([]byte, begin)
		if _, err := to.File.ReadAt(b, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := parse(b); err == nil {
			t.Errorf("%s: the disk has a table", tc.name)
		}
	}
	small := target(t, 8*mebi)
	p, _ := plan(t, small, 8*mebi)
	if err := p.Run(); !errors.Is(err, errSmall) || small.wrote > 0 {
		t.Errorf("small disk: %v after %d bytes, want %v and none", err, small.wrote, errSmall)
	}
}

func manager(t *testing.T) *Manager {
	t.Helper()
	root := fstest.MapFS{}
	for name, text := range map[string]string{
		"sda/size": "4194304", "sda/device/model": "Stick",
		"nvme0n1/size": "33554432", "nvme0n1/device/model": "Disk One",
		"sdb/size": "2000000", "sdb/device/model": "Small",
	} {
		root["sys/class/block/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	return &Manager{
		machine: hardware.Machine{Root: root, Boot: "sda"},
		busy:    func() string { return "" },
		log:     slog.New(slog.DiscardHandler),
		state:   api.Install{Phase: api.InstallIdle},
	}
}

func TestManager(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := manager(t)
		hold := make(chan error)
		m.run = func(disk string, progress func(done, total int64)) error {
			progress(1, 2)
			return <-hold
		}
		disks := m.Status().Disks
		if len(disks) != 2 || disks[0].Name != "nvme0n1" || disks[0].Confirm != "erase nvme0n1 (Disk One, 17.2 GB)" || disks[1].Refused == "" || disks[1].Confirm != "" {
			t.Fatalf("disks %+v", disks)
		}
		refused := func(what string, req api.InstallRequest, code string) {
			t.Helper()
			var p api.Problem
			if err := m.Begin(req); !errors.As(err, &p) || p.Code != code {
				t.Errorf("%s: %v, want %s", what, err, code)
			}
		}
		good := api.InstallRequest{Disk: "nvme0n1", Confirm: disks[0].Confirm}
		refused("the disk it runs from", api.InstallRequest{Disk: "sda", Confirm: "erase sda"}, "no-disk")
		refused("a small one", api.InstallRequest{Disk: "sdb"}, "disk-refused")
		refused("not confirmed", api.InstallRequest{Disk: "nvme0n1"}, "confirm")
		refused("confirmed in other words", api.InstallRequest{Disk: "nvme0n1", Confirm: "yes"}, "confirm")
		m.busy = func() string { return "An update is on trial." }
		refused("during an update", good, "busy")
		m.busy = func() string { return "" }
		if err := m.Begin(good); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s := m.Status(); s.Phase != api.InstallWriting || s.Disk != "nvme0n1" || s.Done != 1 || s.Total != 2 {
			t.Errorf("status %+v", s)
		}
		refused("a second one meanwhile", good, "busy")
		hold <- errBroken
		synctest.Wait()
		if s := m.Status(); s.Phase != api.InstallFailed || s.Error != "broken" {
			t.Errorf("status %+v", s)
		}
		if err := m.Begin(good); err != nil {
			t.Fatal(err)
		}
		hold <- nil
		synctest.Wait()
		if s := m.Status(); s.Phase != api.InstallDone || s.Error != "" {
			t.Errorf("status %+v", s)
		}
	})
}

// Whatever a disk says, the table made from it fits onto the other disk.
func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte, size int64) {
		old, err := parse(b)
		if err != nil || size > 1<<50 {
			return
		}
		if next, _, _, err := old.forDisk(size, mebi, [16]byte{1}); err == nil {
			if _, last := next.place(perm); int64(last)*sector > size {
				t.Errorf("the last partition ends at %d of %d", last, size/sector)
			}
		}
	})
}
