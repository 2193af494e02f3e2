// Package install writes the running system onto another disk of the machine.
//
// The new disk gets a table with identifiers of its own, so that both disks may
// stay in one machine; boot entries name the root by such an identifier and are
// changed on the way. Both systems' roots are copied, and an empty /perm: the
// new disk is a new box. The table is written last: a disk on which this was
// interrupted does not start, rather than half.
package install

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

const (
	sector    = 512
	entries   = 128
	entrySize = 128
	listSize  = entries * entrySize
	listLen   = listSize / sector
	begin     = (2 + listLen) * sector // of a disk: what stands before the first partition
	parts     = 4
	mebi      = 1 << 20
	chunk     = mebi
)

// Numbers of the partitions.
const (
	esp = iota
	rootA
	rootB
	perm
)

var (
	errTable = errors.New("the disk that the box runs from has no table as its image does")
	errSmall = errors.New("the disk is too small")
)

// table is the source's partition table.
type table struct{ mbr, header, list []byte }

func parse(b []byte) (table, error) {
	le := binary.LittleEndian
	if len(b) < begin {
		return table{}, errTable
	}
	t := table{b[:sector], b[sector : 2*sector], b[2*sector : begin]}
	if string(t.header[:8]) != "EFI PART" || le.Uint32(t.header[12:]) != 92 || le.Uint32(t.header[80:]) != entries ||
		le.Uint32(t.header[84:]) != entrySize || le.Uint32(t.header[88:]) != crc32.ChecksumIEEE(t.list) {
		return t, errTable
	}
	end := uint64(begin / sector)
	for i := range entries {
		first, last := t.place(i)
		if used := first != 0; used != (i < parts) || used && (first < end || last < first || last > 1<<40) {
			return t, errTable
		}
		if i < parts {
			end = last + 1
		}
	}
	return t, nil
}

func (t table) entry(i int) []byte { return t.list[i*entrySize : (i+1)*entrySize] }

// place is where a partition is, in sectors, both included.
func (t table) place(i int) (first, last uint64) {
	return binary.LittleEndian.Uint64(t.entry(i)[32:]), binary.LittleEndian.Uint64(t.entry(i)[40:])
}

// guid is the notation in which the kernel's command line has it.
func guid(b []byte) string {
	le := binary.LittleEndian
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", le.Uint32(b), le.Uint16(b[4:]), le.Uint16(b[6:]), b[8:10], b[10:16])
}

// forDisk is the table for another disk, whose last partition has so many
// bytes, and the two pieces of it: for the beginning and for the end.
func (t table) forDisk(size int64, permSize int64, id [16]byte) (out table, front, back []byte, err error) {
	le := binary.LittleEndian
	sectors := uint64(size / sector)
	first, _ := t.place(perm)
	last := first + uint64(permSize)/sector - 1
	if last+1+listLen+1 > sectors || size <= 0 {
		return out, nil, nil, errSmall
	}
	out.list = bytes.Clone(t.list)
	id[15] = 0
	for i := range parts {
		p := id
		p[15] = byte(i + 1)
		copy(out.entry(i)[16:], p[:])
	}
	le.PutUint64(out.entry(perm)[40:], last)
	header := func(here, other, listAt uint64) []byte {
		h := bytes.Clone(t.header)
		le.PutUint64(h[24:], here)
		le.PutUint64(h[32:], other)
		le.PutUint64(h[48:], sectors-2-listLen)
		copy(h[56:], id[:])
		le.PutUint64(h[72:], listAt)
		le.PutUint32(h[88:], crc32.ChecksumIEEE(out.list))
		clear(h[16:20])
		le.PutUint32(h[16:], crc32.ChecksumIEEE(h[:92]))
		return h
	}
	out.mbr = bytes.Clone(t.mbr)
	le.PutUint32(out.mbr[446+12:], uint32(min(sectors-1, 0xffffffff)))
	out.header = header(1, sectors-1, 2)
	front = bytes.Join([][]byte{out.mbr, out.header, out.list}, nil)
	back = append(bytes.Clone(out.list), header(sectors-1, 1, sectors-1-listLen)...)
	return out, front, back, nil
}

// Disk is a device, or a file in its place.
type Disk interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
}

// Plan is one installation.
type Plan struct {
	From io.ReaderAt // the disk that the box runs from
	To   Disk
	Size int64       // of To
	Perm io.ReaderAt // an empty /perm
	// PermSize is Perm's.
	PermSize int64
	// Progress is told how far it is.
	Progress func(done, total int64)
}

// Run carries the plan out.
func (p Plan) Run() error {
	b := make([]byte, begin)
	if _, err := p.From.ReadAt(b, 0); err != nil {
		return fmt.Errorf("read the table: %w", err)
	}
	old, err := parse(b)
	if err != nil {
		return err
	}
	var id [16]byte
	rand.Read(id[:])
	id[7], id[8] = id[7]&0x0f|0x40, id[8]&0x3f|0x80 // a random one, RFC 9562
	_, front, back, err := old.forDisk(p.Size, p.PermSize, id)
	if err != nil {
		return err
	}
	next, err := parse(front)
	if err != nil {
		return err
	}
	jobs, total, err := p.jobs(old, next)
	if err != nil {
		return err
	}
	// From here on the disk has no table until the end.
	zero := make([]byte, begin)
	for _, at := range []int64{0, p.Size - int64(len(back))} {
		if _, err := p.To.WriteAt(zero[:min(len(zero), int(p.Size-at))], at); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	var done int64
	report := func(n int64) {
		done += n
		p.Progress(done, total)
	}
	for _, j := range jobs {
		if err := j.write(p.To, report); err != nil {
			return fmt.Errorf("%s: %w", j.name, err)
		}
	}
	if err := p.To.Sync(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if f, ok := p.To.(interface{ Forget() error }); ok {
		if err := f.Forget(); err != nil {
			return fmt.Errorf("read back: %w", err)
		}
	}
	for _, j := range jobs {
		if err := j.check(p.To, report); err != nil {
			return fmt.Errorf("%s: %w", j.name, err)
		}
	}
	for at, b := range map[int64][]byte{0: front, p.Size - int64(len(back)): back} {
		if _, err := p.To.WriteAt(b, at); err != nil {
			return fmt.Errorf("write the table: %w", err)
		}
	}
	return p.To.Sync()
}

// jobs are what has to be copied, and how many bytes are to be written and read
// back.
func (p Plan) jobs(old, next table) (jobs []*job, total int64, err error) {
	at := func(t table, i int) int64 { first, _ := t.place(i); return int64(first) * sector }
	length := func(i int) int64 { first, last := old.place(i); return int64(last-first+1) * sector }
	oldID, newID := guid(old.entry(esp)[16:32]), guid(next.entry(esp)[16:32])
	jobs = []*job{
		{name: "boot partition", from: p.From, fromAt: at(old, esp), toAt: at(next, esp), length: length(esp), replace: [2][]byte{[]byte(oldID), []byte(newID)}},
		{name: "storage", from: p.Perm, toAt: at(next, perm), length: p.PermSize},
	}
	for _, i := range []int{rootA, rootB} {
		n, err := squashSize(p.From, at(old, i), length(i))
		if err != nil {
			return nil, 0, err
		}
		jobs = append(jobs, &job{name: "system", from: p.From, fromAt: at(old, i), toAt: at(next, i), length: n})
	}
	for _, j := range jobs {
		total += 2 * j.length
	}
	return jobs, total, nil
}

// squashSize is how much of a partition a root file system takes; what is none
// is not copied, but for its first bytes, so that nothing old is taken for one.
func squashSize(r io.ReaderAt, at, limit int64) (int64, error) {
	b := make([]byte, 96)
	if _, err := r.ReadAt(b, at); err != nil {
		return 0, fmt.Errorf("system: %w", err)
	}
	const page = 4096
	n := int64(binary.LittleEndian.Uint64(b[40:]))
	if string(b[:4]) != "hsqs" || n <= 0 || n > limit {
		return min(limit, page), nil
	}
	return min(limit, (n+page-1)/page*page), nil
}

// job copies a part of a disk.
type job struct {
	name         string
	from         io.ReaderAt
	fromAt, toAt int64
	length       int64
	replace      [2][]byte // a text of the first, by one of the same length
	sum          [sha256.Size]byte
}

// read returns the bytes at a place of the part, with what is replaced.
func (j *job) read(at int64, b []byte) error {
	around := int64(len(j.replace[0]))
	begin, end := max(0, at-around), min(j.length, at+int64(len(b))+around)
	w := make([]byte, end-begin)
	if _, err := j.from.ReadAt(w, j.fromAt+begin); err != nil {
		return err
	}
	if around > 0 {
		w = bytes.ReplaceAll(w, j.replace[0], j.replace[1])
	}
	copy(b, w[at-begin:])
	return nil
}

func (j *job) write(to io.WriterAt, report func(int64)) error {
	h := sha256.New()
	b := make([]byte, chunk)
	for at := int64(0); at < j.length; at += chunk {
		b = b[:min(chunk, j.length-at)]
		if err := j.read(at, b); err != nil {
			return err
		}
		h.Write(b)
		if err := put(to, b, j.toAt+at); err != nil {
			return err
		}
		report(int64(len(b)))
	}
	h.Sum(j.sum[:0])
	return nil
}

// put writes the bytes. Most of what is copied is empty, for which disks have
// an order of its own.
func put(to io.WriterAt, b []byte, at int64) error {
	if z, ok := to.(interface{ Zero(at, length int64) error }); ok && bytes.Count(b, []byte{0}) == len(b) {
		if z.Zero(at, int64(len(b))) == nil {
			return nil
		}
	}
	_, err := to.WriteAt(b, at)
	return err
}

var errDiffers = errors.New("the disk does not return what was written to it")

func (j *job) check(to io.ReaderAt, report func(int64)) error {
	h := sha256.New()
	b := make([]byte, chunk)
	for at := int64(0); at < j.length; at += chunk {
		b = b[:min(chunk, j.length-at)]
		if _, err := to.ReadAt(b, j.toAt+at); err != nil {
			return err
		}
		h.Write(b)
		report(int64(len(b)))
	}
	if !bytes.Equal(h.Sum(nil), j.sum[:]) {
		return errDiffers
	}
	return nil
}
