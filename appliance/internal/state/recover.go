package state

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

// copyEvery is how often at most a safe copy is made: the disk should last.
const copyEvery = 10 * time.Minute

// copyName is the safe copy beside the file.
func copyName(name string) string { return name + ".copy" }

// openGood opens the file, or in its place the best copy that can be used.
func openGood(name string, steps []step, anew bool) (*bbolt.DB, []string, error) {
	db, err := openMigrated(name, steps)
	var from string
	switch {
	case err == nil:
		return db, nil, nil
	case errors.Is(err, ErrCorrupt):
		from = copyName(name)
	case errors.Is(err, ErrNewer):
		// An update was taken back after it had changed the file beyond what
		// this version reads. The copy from before is ours.
		from = schemaCopy(name, steps)
	default:
		return nil, nil, err
	}
	aside := name + ".damaged"
	if errors.Is(err, ErrNewer) {
		aside = name + ".newer"
	}
	good := from != "" && usable(from, steps)
	if !good && (!anew || errors.Is(err, ErrNewer)) {
		return nil, nil, err
	}
	note := "the state was damaged and no good copy of it was there: this box has to be set up again. The damaged file is kept as " + filepath.Base(aside)
	if good {
		info, serr := os.Stat(from)
		if serr != nil {
			return nil, nil, errors.Join(err, serr)
		}
		note = fmt.Sprintf("the state was damaged; the copy from %s is in use. The damaged file is kept as %s", info.ModTime().UTC().Format(time.DateTime), filepath.Base(aside))
		if errors.Is(err, ErrNewer) {
			note = fmt.Sprintf("this version cannot read the newer one's state; the copy from %s is in use. The newer file is kept as %s", info.ModTime().UTC().Format(time.DateTime), filepath.Base(aside))
		}
	}
	if err := replaceBy(name, aside, from, good); err != nil {
		return nil, nil, err
	}
	db, err = openMigrated(name, steps)
	return db, []string{note}, err
}

func openMigrated(name string, steps []step) (*bbolt.DB, error) {
	db, err := open(name)
	if err != nil {
		return nil, err
	}
	if err := migrate(db, name, steps); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// usable says whether the copy could be opened by this version.
func usable(name string, steps []step) bool {
	if _, err := os.Stat(name); err != nil {
		return false
	}
	db, err := open(name)
	if err != nil {
		return false
	}
	err = db.View(func(tx *bbolt.Tx) error {
		have, readable, err := version(tx)
		if err == nil && (have == 0 || have > len(steps) && readable > len(steps)) {
			err = ErrNewer
		}
		return err
	})
	return errors.Join(err, db.Close()) == nil
}

// schemaCopy is the copy of the highest schema that this version can use, ""
// when there is none.
func schemaCopy(name string, steps []step) string {
	copies, err := filepath.Glob(name + ".schema*")
	if err != nil {
		return ""
	}
	best, from := 0, ""
	for _, c := range copies {
		n, err := strconv.Atoi(strings.TrimPrefix(c, name+".schema"))
		if err == nil && n > best && usable(c, steps) {
			best, from = n, c
		}
	}
	return from
}

// replaceBy puts the file aside and a copy of the good one in its place. A
// power cut in between leaves no file, and the copy, for the next start; so
// the copy is complete before the file goes.
func replaceBy(name, aside, from string, good bool) error {
	fresh := name + ".fresh"
	if good {
		if err := copyFile(fresh, from); err != nil {
			return err
		}
	}
	// A second name for the bad file, then one step that replaces it.
	if err := os.Remove(aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Link(name, aside); err != nil {
		return err
	}
	if good {
		return errors.Join(os.Rename(fresh, name), syncDir(filepath.Dir(name)))
	}
	return errors.Join(os.Remove(name), syncDir(filepath.Dir(name)))
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// SafeCopy keeps a copy beside the file when something changed since the last
// one, at most every ten minutes unless force says so. The copy is read whole
// and found good before it takes the place of the last.
func (s *Store) SafeCopy(force bool) error {
	s.copying.Lock()
	defer s.copying.Unlock()
	name := copyName(s.name)
	if info, err := os.Stat(name); err == nil && !force {
		if age := s.now().Sub(info.ModTime()); age >= 0 && age < copyEvery {
			return nil
		}
	}
	var id int
	fresh := s.name + ".fresh"
	err := s.db.View(func(tx *bbolt.Tx) error {
		if id = tx.ID(); id == s.copied {
			return nil
		}
		return tx.CopyFile(fresh, 0o600)
	})
	if err == nil && id == s.copied {
		return nil
	}
	var db *bbolt.DB
	if err == nil {
		db, err = open(fresh)
	}
	if err != nil { // such as a full disk, which this file should not fill
		return errors.Join(fmt.Errorf("safe copy of the state: %w", err), os.RemoveAll(fresh))
	}
	if err := errors.Join(db.Close(), os.Rename(fresh, name), syncDir(filepath.Dir(name))); err != nil {
		return fmt.Errorf("safe copy of the state: %w", err)
	}
	s.copied = id
	return nil
}

// Leftovers are the files that the state keeps beside its own.
func Leftovers(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), FileName+".") {
			out = append(out, e.Name())
		}
	}
	slices.Sort(out)
	return out, nil
}
