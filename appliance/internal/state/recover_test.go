package state

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
	"meetbox.local/appliance/api"
)

var ada = Actor{Name: "ada", Role: api.Owner, From: netip.MustParseAddr("192.0.2.1")}

func idle(t *testing.T, s *Store) int {
	t.Helper()
	all, err := s.Settings()
	if err != nil {
		t.Fatal(err)
	}
	return all.Settings.Console.IdleMinutes
}

func setIdle(t *testing.T, s *Store, minutes int) {
	t.Helper()
	if _, err := s.PutSection(ada, "console", nil, &api.Console{IdleMinutes: minutes}); err != nil {
		t.Fatal(err)
	}
}

// TestDamaged: a file that cannot be used is kept aside, and the last good
// copy takes its place, without anybody's help.
func TestDamaged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, FileName)
	s := openStore(t, dir)
	setIdle(t, s, 30)
	if err := s.SafeCopy(false); err != nil {
		t.Fatal(err)
	}
	setIdle(t, s, 40)
	if err := s.SafeCopy(false); err != nil { // not due yet
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	damaged := []byte(strings.Repeat("the disk wrote this ", 3000))
	if err := os.WriteFile(name, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, dir)
	if got := idle(t, s); got != 30 || len(s.Notes()) != 1 || !strings.Contains(s.Notes()[0], "damaged; the copy from") {
		t.Errorf("idle %d, notes %q", got, s.Notes())
	}
	if kept, err := os.ReadFile(name + ".damaged"); err != nil || string(kept) != string(damaged) {
		t.Errorf("the damaged file is not kept: %v", err)
	}
	setIdle(t, s, 50)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, dir)
	if got := idle(t, s); got != 50 || s.Notes() != nil {
		t.Errorf("the next start: idle %d, notes %q", got, s.Notes())
	}
}

// TestDamagedWithoutCopy: a person's computer says so and waits; the box
// begins anew, because nobody could log in and mend it.
func TestDamagedWithoutCopy(t *testing.T) {
	t.Parallel()
	for _, copied := range []bool{false, true} {
		dir := t.TempDir()
		name := filepath.Join(dir, FileName)
		damaged := []byte(strings.Repeat("x", 70_000))
		err := os.WriteFile(name, damaged, 0o600)
		if copied { // and the copy is no better
			err = errors.Join(err, os.WriteFile(copyName(name), damaged, 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, false); !errors.Is(err, ErrCorrupt) {
			t.Errorf("copy %v: %v, want %v", copied, err, ErrCorrupt)
		}
		s, err := Open(dir, true)
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Notes()) != 1 || !strings.Contains(s.Notes()[0], "set up again") {
			t.Errorf("copy %v: notes %q", copied, s.Notes())
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFallback: an update changes the file, fails, and the version before has
// to go on.
func TestFallback(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, FileName)
	s := openStore(t, dir)
	setIdle(t, s, 30)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	run := func(steps []step) (*bbolt.DB, []string) {
		t.Helper()
		db, notes, err := openGood(name, steps, true)
		if err != nil {
			t.Fatal(err)
		}
		return db, notes
	}
	value := func(db *bbolt.DB) int {
		t.Helper()
		return idle(t, &Store{db: db, name: name, now: s.now})
	}
	adds := append(steps[:len(steps):len(steps)], step{do: buckets("new")})
	breaks := append(adds[:len(adds):len(adds)], step{breaks: true, do: func(tx *bbolt.Tx) error {
		return tx.DeleteBucket([]byte("settings")) // a worse change than any real one
	}})

	// One that adds: the old version goes on with the same file, changes it,
	// and the new one finds the change when it is tried again.
	db, notes := run(adds)
	if err := db.Close(); err != nil || notes != nil {
		t.Fatal(notes, err)
	}
	db, notes = run(steps)
	if got := value(db); got != 30 || notes != nil {
		t.Errorf("after one that adds: %d, %q", got, notes)
	}
	setIdle(t, &Store{db: db, name: name, now: s.now}, 40)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	// One that breaks: the old version has the copy from before.
	db, _ = run(breaks)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db, notes = run(steps)
	if got := value(db); got != 40 || len(notes) != 1 || !strings.Contains(notes[0], "cannot read the newer") {
		t.Errorf("after one that breaks: %d, %q", got, notes)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(name + ".newer"); err != nil {
		t.Errorf("the newer file is gone: %v", err)
	}
}

// TestNewerSection: what a newer version wrote into a section does not keep
// an older one from reading the rest.
func TestNewerSection(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir())
	err := s.Update(func(tx *Tx) error {
		return Put(tx, "settings", "console", map[string]any{
			"revision": api.Revision{Number: 7}, "value": map[string]any{"idle_minutes": 30, "from_the_future": true},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := idle(t, s); got != 30 {
		t.Errorf("idle %d", got)
	}
}

func TestRevisionsAreBounded(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir())
	s.db.NoSync = true // this is about counting
	for i := range maxRevisions + 20 {
		setIdle(t, s, 10+i)
	}
	all, more, err := s.Revisions("", 0, 2*maxRevisions)
	if err != nil || more || len(all) != maxRevisions {
		t.Errorf("%d revisions, more %v, %v", len(all), more, err)
	}
	part, more, err := s.Revisions("console", all[9].Number, 5)
	if err != nil || !more || len(part) != 5 || part[0].Number != all[10].Number {
		t.Errorf("page %+v, more %v, %v", part, more, err)
	}
}
