package state

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"meetbox.local/appliance/internal/netnstest"
)

// TestFullDisk: on a disk without room, what was acknowledged can be read, a
// change that finds no room is refused with the reason, and all goes on when
// there is room again.
func TestFullDisk(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		dir := netnstest.Disk(t, 1<<20)
		s := openStore(t, dir)
		setIdle(t, s, 30)
		if err := s.SafeCopy(true); err != nil {
			t.Fatal(err)
		}
		filler := filepath.Join(dir, "filler")
		fill := func() {
			t.Helper()
			if err := os.WriteFile(filler, bytes.Repeat([]byte{1}, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("filling the disk: %v", err)
			}
		}
		fill()
		big := strings.Repeat("x", 200<<10) // more than the file has room for inside
		err := s.Update(func(tx *Tx) error { return Put(tx, "machine", "big", big) })
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("a change without room: %v, want %v", err, syscall.ENOSPC)
		}
		if got := idle(t, s); got != 30 {
			t.Errorf("on a full disk: idle %d", got)
		}
		if err := s.SafeCopy(true); err != nil && !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("a safe copy without room: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openStore(t, dir) // as after a restart
		if got := idle(t, s); got != 30 || s.Notes() != nil {
			t.Errorf("opened on a full disk: idle %d, notes %q", got, s.Notes())
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		setIdle(t, s, 40)
		if err := s.Update(func(tx *Tx) error { return Put(tx, "machine", "big", big) }); err != nil {
			t.Errorf("with room again: %v", err)
		}
		if got := idle(t, s); got != 40 {
			t.Errorf("with room again: idle %d", got)
		}
	})
}
