package state

import (
	"errors"
	"fmt"
	"strconv"

	"go.etcd.io/bbolt"
)

// product marks the file as ours: "bbolt" alone says nothing, many programs
// use it.
const product = "meetbox appliance"

// A step changes the schema by one version. It is never edited once released;
// a mistake in it is mended by the next step.
type step func(*bbolt.Tx) error

// steps[n] leads from version n to n+1.
var steps = []step{first}

func first(tx *bbolt.Tx) error {
	for _, name := range []string{"accounts", "machine", "certificates"} {
		if _, err := tx.CreateBucket([]byte(name)); err != nil {
			return fmt.Errorf("bucket %s: %w", name, err)
		}
	}
	return nil
}

// migrate brings the file to version len(steps), all or nothing. A file that
// held something before is copied to NAME.schemaN first.
func migrate(db *bbolt.DB, name string, steps []step) error {
	var have int
	err := db.View(func(tx *bbolt.Tx) (err error) {
		have, err = version(tx)
		return err
	})
	switch {
	case err != nil:
		return err
	case have == len(steps):
		return nil
	case have > len(steps):
		return fmt.Errorf("%w (schema %d, this version knows %d)", ErrNewer, have, len(steps))
	}
	if have > 0 {
		err := db.View(func(tx *bbolt.Tx) error {
			return tx.CopyFile(name+".schema"+strconv.Itoa(have), 0o600)
		})
		if err != nil {
			return fmt.Errorf("copy before migration: %w", err)
		}
	}
	return db.Update(func(tx *bbolt.Tx) error {
		for n, step := range steps[have:] {
			if err := step(tx); err != nil {
				return fmt.Errorf("migration to schema %d: %w", have+n+1, err)
			}
		}
		meta, err := tx.CreateBucketIfNotExists([]byte("meta"))
		if err != nil {
			return err
		}
		return errors.Join(
			meta.Put([]byte("product"), []byte(product)),
			meta.Put([]byte("schema"), []byte(strconv.Itoa(len(steps)))),
		)
	})
}

// version reads the schema version: 0 for a file with nothing in it.
func version(tx *bbolt.Tx) (int, error) {
	meta := tx.Bucket([]byte("meta"))
	if meta == nil {
		if k, _ := tx.Cursor().First(); k != nil {
			return 0, ErrForeign
		}
		return 0, nil
	}
	if string(meta.Get([]byte("product"))) != product {
		return 0, ErrForeign
	}
	n, err := strconv.Atoi(string(meta.Get([]byte("schema"))))
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%w (schema version %q)", ErrCorrupt, meta.Get([]byte("schema")))
	}
	return n, nil
}
