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
type step struct {
	do func(*bbolt.Tx) error
	// breaks says that versions from before this step cannot use the file
	// any more. A step that only adds does not break: after an update that
	// failed, the version before goes on with the file as it is.
	breaks bool
}

// steps[n] leads from version n to n+1.
var steps = []step{{do: buckets("accounts", "machine", "certificates")}, {do: buckets("settings", "revisions", "audit", "people", "sessions", "tokens")}, {do: buckets("users")}, {do: buckets("planned")}}

func buckets(names ...string) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		for _, name := range names {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return fmt.Errorf("bucket %s: %w", name, err)
			}
		}
		return nil
	}
}

// migrate brings the file to version len(steps), all or nothing. A file that
// held something before is copied to NAME.schemaN first. A newer file that
// this version can use stays as it is.
func migrate(db *bbolt.DB, name string, steps []step) error {
	var have, readable int
	err := db.View(func(tx *bbolt.Tx) (err error) {
		have, readable, err = version(tx)
		return err
	})
	switch {
	case err != nil:
		return err
	case have == len(steps), have > len(steps) && readable <= len(steps):
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
	readable = max(readable, 1)
	return db.Update(func(tx *bbolt.Tx) error {
		for n, step := range steps[have:] {
			if err := step.do(tx); err != nil {
				return fmt.Errorf("migration to schema %d: %w", have+n+1, err)
			}
			if step.breaks {
				readable = have + n + 1
			}
		}
		meta, err := tx.CreateBucketIfNotExists([]byte("meta"))
		if err != nil {
			return err
		}
		return errors.Join(
			meta.Put([]byte("product"), []byte(product)),
			meta.Put([]byte("schema"), []byte(strconv.Itoa(len(steps)))),
			meta.Put([]byte("readable"), []byte(strconv.Itoa(readable))),
		)
	})
}

// version reads the file's schema version, and the oldest version that can
// use it: 0 for a file with nothing in it.
func version(tx *bbolt.Tx) (have, readable int, err error) {
	meta := tx.Bucket([]byte("meta"))
	if meta == nil {
		if k, _ := tx.Cursor().First(); k != nil {
			return 0, 0, ErrForeign
		}
		return 0, 0, nil
	}
	if string(meta.Get([]byte("product"))) != product {
		return 0, 0, ErrForeign
	}
	have, err = strconv.Atoi(string(meta.Get([]byte("schema"))))
	if err != nil || have < 1 {
		return 0, 0, fmt.Errorf("%w (schema version %q)", ErrCorrupt, meta.Get([]byte("schema")))
	}
	readable = have
	if b := meta.Get([]byte("readable")); b != nil {
		if readable, err = strconv.Atoi(string(b)); err != nil {
			return 0, 0, fmt.Errorf("%w (readable from version %q)", ErrCorrupt, b)
		}
	}
	return have, readable, nil
}
