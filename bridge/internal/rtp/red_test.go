package rtp

import (
	"bytes"
	"testing"
)

func TestPrimaryOfRED(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		in      []byte
		primary string
		ok      bool
	}{
		{"alone", append([]byte{111}, "new"...), "new", true},
		{"one older", append([]byte{0x80 | 111, 0x0f, 0x00, 0x03, 111}, "oldnew"...), "new", true},
		{"two older", append([]byte{0x80 | 111, 0, 0, 2, 0x80 | 111, 0, 0, 3, 111}, "aabbbnew"...), "new", true},
		{"nothing new", append([]byte{0x80 | 111, 0, 0, 3, 111}, "old"...), "", true},
		{"empty", nil, "", false},
		{"no last header", []byte{0x80 | 111, 0, 0, 3}, "", false},
		{"cut header", []byte{0x80 | 111, 0}, "", false},
		{"cut block", append([]byte{0x80 | 111, 0, 1, 0, 111}, "old"...), "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			primary, pt, ok := PrimaryOfRED(tc.in)
			if ok != tc.ok || string(primary) != tc.primary || ok && pt != 111 {
				t.Errorf("PrimaryOfRED = %q, %d, %v", primary, pt, ok)
			}
		})
	}
}

// FuzzPrimaryOfRED: what is found is the end of what came.
func FuzzPrimaryOfRED(f *testing.F) {
	f.Add([]byte{0x80 | 111, 0, 0, 3, 111, 'o', 'l', 'd', 'n'})
	f.Fuzz(func(t *testing.T, b []byte) {
		primary, pt, ok := PrimaryOfRED(b)
		if ok && (!bytes.HasSuffix(b, primary) || len(primary) >= len(b) || pt > 127) {
			t.Errorf("PrimaryOfRED(%x) = %x, %d", b, primary, pt)
		}
	})
}
