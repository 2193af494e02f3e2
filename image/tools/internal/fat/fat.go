// Package fat writes FAT32 file systems whose bytes depend on nothing but the
// files in them and the time given.
//
// A name such as BOOTX64.EFI is stored as it is; any other as a long name with
// a made-up short one (FILE0001), because all that opens this file system
// (firmware, systemd-boot, Linux) knows long names.
package fat

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

const (
	sector     = 512
	perCluster = 4 // sectors; 2 KiB clusters keep a file system of 256 MiB above FAT32's lower limit
	cluster    = perCluster * sector
	reserved   = 32    // sectors before the first table
	minimum    = 65525 // clusters; with fewer it would be FAT16
	end        = 0x0fffffff

	attrLabel, attrDirectory, attrArchive, attrLongName = 0x08, 0x10, 0x20, 0x0f
)

var (
	errSmall = errors.New("too small for FAT32")
	errFull  = errors.New("the files do not fit")
)

// node is a file, or a folder with children.
type node struct {
	data     []byte
	children map[string]*node // nil for a file
	first    uint32           // cluster; 0: none, the file is empty
}

// Image returns a file system of size bytes with the label and the files,
// whose names may have folders before slashes.
func Image(size int64, label string, files map[string][]byte, when time.Time) ([]byte, error) {
	g, err := newGeometry(size)
	if err != nil {
		return nil, err
	}
	root := &node{children: map[string]*node{}}
	for name, data := range files {
		root.add(strings.Split(path.Clean(name), "/"), data)
	}
	w := writer{geometry: g, image: make([]byte, size), next: 2, when: when.UTC(), label: fmt.Sprintf("%-11.11s", strings.ToUpper(label))}
	w.entry(0, 0x0ffffff8)
	w.entry(1, end)
	if err := w.place(root); err != nil {
		return nil, err
	}
	w.write(root, nil)
	w.boot(root.first)
	return w.image, nil
}

func (n *node) add(parts []string, data []byte) {
	if len(parts) == 1 {
		n.children[parts[0]] = &node{data: data}
		return
	}
	child := n.children[parts[0]]
	if child == nil {
		child = &node{children: map[string]*node{}}
		n.children[parts[0]] = child
	}
	child.add(parts[1:], data)
}

func (n *node) names() []string { return slices.Sorted(maps.Keys(n.children)) }

// size in bytes that the node takes in clusters.
func (n *node) size() int {
	if n.children == nil {
		return len(n.data)
	}
	entries := 2 // label, or . and ..
	for name := range n.children {
		entries += 1 + longEntries(name)
	}
	return 32 * (entries + 1)
}

// plain are names that fit into a directory entry as they are.
var plain = regexp.MustCompile(`^([A-Z0-9]{1,8})(?:\.([A-Z0-9]{1,3}))?$`)

// longEntries says how many entries a long name takes, 0 for a plain one.
func longEntries(name string) int {
	if plain.MatchString(name) {
		return 0
	}
	return (len(utf16.Encode([]rune(name))) + 12) / 13
}

type geometry struct{ sectors, table, clusters uint32 }

func newGeometry(size int64) (geometry, error) {
	g := geometry{sectors: uint32(size / sector), table: 1}
	if g.sectors < reserved+2 {
		return g, errSmall
	}
	for { // a longer table leaves fewer clusters, which need a shorter one
		g.clusters = (g.sectors - reserved - 2*g.table) / perCluster
		need := ((g.clusters+2)*4 + sector - 1) / sector
		if need <= g.table {
			break
		}
		g.table = need
	}
	if g.clusters < minimum {
		return g, errSmall
	}
	return g, nil
}

type writer struct {
	geometry
	image []byte
	next  uint32 // first free cluster
	when  time.Time
	label string
}

var le = binary.LittleEndian

// entry sets cluster c's entry in both tables.
func (w *writer) entry(c, v uint32) {
	for i := range uint32(2) {
		le.PutUint32(w.image[(reserved+i*w.table)*sector+4*c:], v)
	}
}

// place gives the node and all below it their clusters, one after the other.
func (w *writer) place(n *node) error {
	count := uint32((n.size() + cluster - 1) / cluster)
	if count > 0 {
		n.first = w.next
		if n.first+count > w.clusters+2 {
			return errFull
		}
		for c := n.first; c < n.first+count-1; c++ {
			w.entry(c, c+1)
		}
		w.entry(n.first+count-1, end)
		w.next += count
	}
	for _, name := range n.names() {
		if err := w.place(n.children[name]); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) at(c uint32) []byte {
	return w.image[(reserved+2*w.table)*sector+(c-2)*cluster:]
}

func (w *writer) write(n, parent *node) {
	if n.children == nil {
		if n.first != 0 {
			copy(w.at(n.first), n.data)
		}
		return
	}
	var b []byte
	if parent == nil {
		b = w.short(b, w.label, attrLabel, 0, 0)
	} else {
		up := parent.first
		if up == 2 {
			up = 0 // the root is written as 0 here
		}
		b = w.short(b, fmt.Sprintf("%-11s", "."), attrDirectory, n.first, 0)
		b = w.short(b, fmt.Sprintf("%-11s", ".."), attrDirectory, up, 0)
	}
	for i, name := range n.names() {
		child := n.children[name]
		short := fmt.Sprintf("FILE%04d   ", i)
		if m := plain.FindStringSubmatch(name); m != nil {
			short = fmt.Sprintf("%-8s%-3s", m[1], m[2])
		}
		b = long(b, name, short)
		if child.children != nil {
			b = w.short(b, short, attrDirectory, child.first, 0)
		} else {
			b = w.short(b, short, attrArchive, child.first, uint32(len(child.data)))
		}
	}
	copy(w.at(n.first), b)
	for _, name := range n.names() {
		w.write(n.children[name], n)
	}
}

func (w *writer) short(b []byte, name string, attr byte, first, size uint32) []byte {
	var e [32]byte
	copy(e[:], name)
	date := uint16((w.when.Year()-1980)<<9 | int(w.when.Month())<<5 | w.when.Day())
	clock := uint16(w.when.Hour()<<11 | w.when.Minute()<<5 | w.when.Second()/2)
	e[11] = attr
	le.PutUint16(e[14:], clock) // made
	le.PutUint16(e[16:], date)
	le.PutUint16(e[18:], date) // opened
	le.PutUint16(e[20:], uint16(first>>16))
	le.PutUint16(e[22:], clock) // changed
	le.PutUint16(e[24:], date)
	le.PutUint16(e[26:], uint16(first))
	le.PutUint32(e[28:], size)
	return append(b, e[:]...)
}

// long appends the entries of a long name, last part first.
func long(b []byte, name, short string) []byte {
	sum := byte(0)
	for _, c := range []byte(short) {
		sum = (sum>>1 | sum<<7) + c
	}
	units := utf16.Encode([]rune(name))
	last := longEntries(name)
	for part := last; part >= 1; part-- {
		var e [32]byte
		e[0] = byte(part)
		if part == last {
			e[0] |= 0x40
		}
		e[11], e[13] = attrLongName, sum
		for i, at := range []int{1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30} {
			unit := uint16(0xffff) // after the end
			switch k := (part-1)*13 + i; {
			case k < len(units):
				unit = units[k]
			case k == len(units):
				unit = 0
			}
			le.PutUint16(e[at:], unit)
		}
		b = append(b, e[:]...)
	}
	return b
}

// boot writes the boot sector and the information sector, with their copies.
func (w *writer) boot(root uint32) {
	b := w.image[:sector]
	copy(b, "\xeb\x58\x90MEETBOX ")
	le.PutUint16(b[11:], sector)
	b[13] = perCluster
	le.PutUint16(b[14:], reserved)
	b[16] = 2    // tables
	b[21] = 0xf8 // a disk
	le.PutUint16(b[24:], 63)
	le.PutUint16(b[26:], 255)
	le.PutUint32(b[32:], w.sectors)
	le.PutUint32(b[36:], w.table)
	le.PutUint32(b[44:], root)
	le.PutUint16(b[48:], 1) // information sector
	le.PutUint16(b[50:], 6) // copies
	b[64], b[66] = 0x80, 0x29
	le.PutUint32(b[67:], uint32(w.when.Unix()))
	copy(b[71:], w.label+"FAT32   ")
	b[510], b[511] = 0x55, 0xaa

	info := w.image[sector : 2*sector]
	le.PutUint32(info, 0x41615252)
	le.PutUint32(info[484:], 0x61417272)
	le.PutUint32(info[488:], w.clusters-(w.next-2))
	le.PutUint32(info[492:], w.next)
	info[510], info[511] = 0x55, 0xaa
	copy(w.image[6*sector:], w.image[:2*sector])
}
