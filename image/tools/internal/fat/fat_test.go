package fat

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// read lists all files, by following the tables as another system would.
func read(t *testing.T, b []byte) map[string][]byte {
	t.Helper()
	size := func(at int) int { return int(le.Uint16(b[at:])) }
	perCluster, tables := int(b[13])*size(11), size(14)*size(11)
	table := b[tables : tables+int(le.Uint32(b[36:]))*size(11)]
	data := tables + 2*len(table)
	if !bytes.Equal(table, b[tables+len(table):data]) {
		t.Error("the two tables differ")
	}
	chain := func(c uint32) (out []byte) {
		for c >= 2 && c < 0x0ffffff8 {
			at := data + int(c-2)*perCluster
			out = append(out, b[at:at+perCluster]...)
			c = le.Uint32(table[4*c:])
		}
		return out
	}
	files := map[string][]byte{}
	var walk func(prefix string, dir []byte)
	walk = func(prefix string, dir []byte) {
		var long []uint16
		for e := dir; len(e) >= 32 && e[0] != 0; e = e[32:] {
			if e[11] == attrLongName {
				var part []uint16
				for _, at := range []int{1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30} {
					part = append(part, le.Uint16(e[at:]))
				}
				long = append(part, long...)
				continue
			}
			name := strings.TrimSpace(string(e[:8]))
			if ext := strings.TrimSpace(string(e[8:11])); ext != "" {
				name += "." + ext
			}
			if i := slices.Index(append(long, 0), 0); i > 0 {
				name = string(utf16.Decode(long[:min(i, len(long))]))
			}
			long = nil
			first := uint32(le.Uint16(e[20:]))<<16 | uint32(le.Uint16(e[26:]))
			switch {
			case e[11] == attrLabel, name == ".", name == "..":
			case e[11] == attrDirectory:
				walk(prefix+name+"/", chain(first))
			default:
				files[prefix+name] = chain(first)[:le.Uint32(e[28:])]
			}
		}
	}
	walk("", chain(le.Uint32(b[44:])))
	return files
}

func TestImage(t *testing.T) {
	t.Parallel()
	big := make([]byte, 3<<20+17)
	r := rand.NewChaCha8([32]byte{1})
	if _, err := r.Read(big); err != nil {
		t.Fatal(err)
	}
	want := map[string][]byte{
		"EFI/BOOT/BOOTX64.EFI":          []byte("loader"),
		"loader/entries/s000001-a.conf": []byte("title"),
		"loader/loader.conf":            bytes.Repeat([]byte{7}, cluster),
		"a/vmlinuz":                     big,
		"exactly-13-ch":                 []byte("x"),
		"empty":                         nil,
		"Grüße.txt":                     []byte("é"),
	}
	for i := range 200 { // a folder of several clusters
		want[fmt.Sprintf("many/file-%d.with a long name", i)] = []byte{byte(i)}
	}
	when := time.Unix(1767225600, 0)
	b, err := Image(256<<20, "meetbox", want, when)
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, b)
	if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))) {
		t.Errorf("files %q, want %q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
	for name, data := range want {
		if !bytes.Equal(got[name], data) {
			t.Errorf("%s: %d bytes that differ from the %d given", name, len(got[name]), len(data))
		}
	}
	again, err := Image(256<<20, "meetbox", want, when)
	if err != nil || !bytes.Equal(b, again) {
		t.Errorf("the second image differs from the first (%v)", err)
	}
}

func TestTooSmall(t *testing.T) {
	t.Parallel()
	if _, err := Image(16<<20, "x", nil, time.Unix(0, 0)); !errors.Is(err, errSmall) {
		t.Errorf("16 MiB: %v, want %v", err, errSmall)
	}
	if _, err := Image(256<<20, "x", map[string][]byte{"a": make([]byte, 256<<20)}, time.Unix(0, 0)); !errors.Is(err, errFull) {
		t.Errorf("a file as large as the disk: %v, want %v", err, errFull)
	}
}
