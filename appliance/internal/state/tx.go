package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"time"

	"go.etcd.io/bbolt"
	"meetbox.local/appliance/api"
)

// ErrNone means that there is no such thing in the state.
var ErrNone = errors.New("there is no such thing")

// Actor is who does something.
type Actor struct {
	Name string
	Role api.Role
	From netip.Addr
}

func (a Actor) from() string {
	if !a.From.IsValid() {
		return ""
	}
	return a.From.String()
}

// Tx is one transaction: all of it happens, and is on the disk when Update
// returns, or nothing.
type Tx struct {
	tx  *bbolt.Tx
	now time.Time
}

// Now is the transaction's time.
func (t *Tx) Now() time.Time { return t.now }

// Update runs f in a transaction that may change things.
func (s *Store) Update(f func(*Tx) error) error {
	err := s.db.Update(func(tx *bbolt.Tx) error { return f(&Tx{tx, s.now().UTC().Truncate(time.Millisecond)}) })
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return nil
}

// View runs f in a transaction that only looks.
func (s *Store) View(f func(*Tx) error) error {
	err := s.db.View(func(tx *bbolt.Tx) error { return f(&Tx{tx, s.now().UTC().Truncate(time.Millisecond)}) })
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return nil
}

// Get reads the value, or [ErrNone].
func Get[T any](t *Tx, bucket, key string) (v T, err error) {
	b := t.tx.Bucket([]byte(bucket)).Get([]byte(key))
	if b == nil {
		return v, fmt.Errorf("%s %s: %w", bucket, key, ErrNone)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return v, fmt.Errorf("%s %s: %w", bucket, key, err)
	}
	return v, nil
}

// Put keeps the value.
func Put[T any](t *Tx, bucket, key string, v T) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("%s %s: %w", bucket, key, err)
	}
	return t.tx.Bucket([]byte(bucket)).Put([]byte(key), b)
}

// Delete removes the value, if there is one.
func Delete(t *Tx, bucket, key string) error {
	return t.tx.Bucket([]byte(bucket)).Delete([]byte(key))
}

// All are the bucket's keys and values in the keys' order. A value that
// cannot be read is left out.
func All[T any](t *Tx, bucket string) iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		c := t.tx.Bucket([]byte(bucket)).Cursor()
		for k, b := c.First(); k != nil; k, b = c.Next() {
			var v T
			if json.Unmarshal(b, &v) == nil && !yield(string(k), v) {
				return
			}
		}
	}
}
