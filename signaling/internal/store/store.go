// Package store keeps what people have beyond a meeting: contacts, archives,
// messages that wait, rooms that last. One bbolt file, im.db, in signaling's
// state folder.
//
// Writing wears a disk, so it comes in batches: one open transaction, to which
// one goroutine (Run) applies what Write queues, and which it commits every few
// seconds at most. The same goroutine does the reading (Read), inside of that
// transaction, so that a reader sees everything that was written before it
// asked; nobody waits for a disk but it. What is queued and not committed is
// the caller's to know (Pending): the router's journal outlives a crash and
// brings it again, under the same keys.
//
// A file that cannot be read is put aside and a new one begun: meetings do not
// depend on it.
package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"go.etcd.io/bbolt"
)

// FileName is the file's name in the state folder.
const FileName = "im.db"

const (
	commitAfter = 5 * time.Second
	commitOps   = 2000 // in one transaction
	lockWait    = 3 * time.Second
)

// Op is one change. An empty Key with a nil Value removes the whole owner.
type Op struct {
	Bucket string `json:"bucket"`
	Owner  string `json:"owner"` // a bucket inside of the bucket
	Key    []byte `json:"key,omitempty"`
	Value  []byte `json:"value"`          // nil removes the key
	Keep   int    `json:"keep,omitempty"` // how many keys the owner may have; the first ones go
}

// Store is the open file, or a memory that forgets.
type Store struct {
	log *slog.Logger
	db  *bbolt.DB // nil: nothing is kept

	mu      sync.Mutex
	queue   []task
	applied []Op // in the open transaction
	wake    chan struct{}
	tx      *bbolt.Tx // of Run
}

// task is an Op, or a question.
type task struct {
	op  Op
	ask func(Reader)
}

// Open opens the file in a folder. An empty folder gives a store that keeps
// nothing and finds nothing.
func Open(folder string, log *slog.Logger) (*Store, error) {
	s := &Store{log: log, wake: make(chan struct{}, 1)}
	if folder == "" {
		return s, nil
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	name := filepath.Join(folder, FileName)
	db, err := open(name)
	if err != nil {
		aside := name + time.Now().UTC().Format(".20060102-150405") + ".damaged"
		log.Error("stored messages cannot be read; they are put aside", "err", err, "file", aside)
		if err := os.Rename(name, aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("store: %w", err)
		}
		if db, err = open(name); err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
	}
	s.db = db
	return s, nil
}

// open opens the file and walks through its pages: bbolt trusts them, so that
// a damaged one shows as a panic or a memory fault.
func open(name string) (db *bbolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			db, err = nil, fmt.Errorf("damaged: %v", p)
		}
	}()
	db, err = bbolt.Open(name, 0o600, &bbolt.Options{Timeout: lockWait, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return nil, err
	}
	err = db.View(func(tx *bbolt.Tx) error {
		var all []error
		for e := range tx.Check() { // must be drained: a goroutine feeds it
			all = append(all, e)
		}
		return errors.Join(all...)
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Write queues changes. It never blocks.
func (s *Store) Write(ops ...Op) {
	s.mu.Lock()
	for _, op := range ops {
		s.queue = append(s.queue, task{op: op})
	}
	s.mu.Unlock()
	s.poke()
}

// Read calls f, once, from Run's goroutine, after what was written before. The
// Reader and all that it gives are good during the call only.
func (s *Store) Read(f func(Reader)) {
	s.mu.Lock()
	s.queue = append(s.queue, task{ask: f})
	s.mu.Unlock()
	s.poke()
}

func (s *Store) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Pending are the changes that a crash now would lose, in order.
func (s *Store) Pending() []Op {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := append([]Op(nil), s.applied...)
	for _, t := range s.queue {
		if t.ask == nil {
			out = append(out, t.op)
		}
	}
	return out
}

// Run does the work until ctx ends, and then what is left of it.
func (s *Store) Run(ctx context.Context) error {
	commit := time.NewTimer(time.Hour)
	defer commit.Stop()
	for {
		select {
		case <-ctx.Done():
			s.work()
			s.commit()
			return context.Cause(ctx)
		case <-commit.C:
			s.commit()
		case <-s.wake:
			fresh := s.tx == nil
			s.work()
			if s.tx != nil && fresh {
				commit.Reset(commitAfter)
			}
		}
	}
}

// Close closes the file, after Run has ended.
func (s *Store) Close() error {
	if s.db == nil {
		return nil
	}
	return s.db.Close()
}

// work empties the queue.
func (s *Store) work() {
	for {
		s.mu.Lock()
		batch := s.queue
		s.queue = nil
		for _, t := range batch {
			if t.ask == nil && s.db != nil {
				s.applied = append(s.applied, t.op) // Pending must not miss it
			}
		}
		full := len(s.applied) >= commitOps
		s.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		for _, t := range batch {
			if t.ask != nil {
				s.read(t.ask)
			} else if err := s.apply(t.op); err != nil {
				s.log.Error("not stored", "err", err)
			}
		}
		if full {
			s.commit()
		}
	}
}

func (s *Store) read(f func(Reader)) {
	switch {
	case s.db == nil:
		f(Reader{})
	case s.tx != nil:
		f(Reader{s.tx})
	default:
		err := s.db.View(func(tx *bbolt.Tx) error {
			f(Reader{tx})
			return nil
		})
		if err != nil {
			s.log.Error("nothing read", "err", err)
		}
	}
}

func (s *Store) apply(op Op) (err error) {
	if s.db == nil {
		return nil
	}
	if s.tx == nil {
		if s.tx, err = s.db.Begin(true); err != nil {
			s.tx = nil
			return err
		}
	}
	b, err := s.tx.CreateBucketIfNotExists([]byte(op.Bucket))
	if err != nil {
		return err
	}
	if len(op.Key) == 0 && op.Value == nil {
		if b.Bucket([]byte(op.Owner)) == nil {
			return nil
		}
		return b.DeleteBucket([]byte(op.Owner))
	}
	o, err := b.CreateBucketIfNotExists([]byte(op.Owner))
	if err != nil {
		return err
	}
	had := o.Get(op.Key) != nil
	// The sequence counts the keys: bbolt would have to walk through them.
	n := o.Sequence()
	switch {
	case op.Value == nil && had:
		return errors.Join(o.Delete(op.Key), o.SetSequence(max(n, 1)-1))
	case op.Value == nil:
		return nil
	case !had:
		n++
	}
	if err := o.Put(op.Key, op.Value); err != nil {
		return err
	}
	for op.Keep > 0 && n > uint64(op.Keep) {
		first, _ := o.Cursor().First()
		if err := o.Delete(bytes.Clone(first)); err != nil {
			return err
		}
		n--
	}
	return o.SetSequence(n)
}

func (s *Store) commit() {
	if s.tx == nil {
		return
	}
	err := s.tx.Commit()
	s.tx = nil
	if err != nil { // the disk is full; meetings go on
		s.log.Error("stored messages are lost", "err", err)
	}
	s.mu.Lock()
	s.applied = nil
	s.mu.Unlock()
}

// Reader looks into the store. The zero value finds nothing.
type Reader struct{ tx *bbolt.Tx }

func (r Reader) owner(bucket, owner string) *bbolt.Bucket {
	if r.tx == nil {
		return nil
	}
	b := r.tx.Bucket([]byte(bucket))
	if b == nil {
		return nil
	}
	return b.Bucket([]byte(owner))
}

// Get returns a copy of a value, nil if there is none.
func (r Reader) Get(bucket, owner string, key []byte) []byte {
	o := r.owner(bucket, owner)
	if o == nil {
		return nil
	}
	return bytes.Clone(o.Get(key))
}

// Count is how many keys an owner has.
func (r Reader) Count(bucket, owner string) int {
	o := r.owner(bucket, owner)
	if o == nil {
		return 0
	}
	return int(o.Sequence())
}

// Each calls f for every key from the given one on, in order, until f returns
// false. The slices are good during the call only.
func (r Reader) Each(bucket, owner string, from []byte, f func(key, value []byte) bool) {
	o := r.owner(bucket, owner)
	if o == nil {
		return
	}
	c := o.Cursor()
	for k, v := c.Seek(from); k != nil && f(k, v); k, v = c.Next() {
	}
}

// Back calls f for every key below the given one, the last first, until f
// returns false; a nil key means all.
func (r Reader) Back(bucket, owner string, below []byte, f func(key, value []byte) bool) {
	o := r.owner(bucket, owner)
	if o == nil {
		return
	}
	c := o.Cursor()
	last := c.Last
	if below != nil {
		if k, _ := c.Seek(below); k != nil {
			last = c.Prev
		}
	}
	for k, v := last(); k != nil && f(k, v); k, v = c.Prev() {
	}
}

// Owners calls f for every owner in a bucket.
func (r Reader) Owners(bucket string, f func(owner string) bool) {
	if r.tx == nil {
		return
	}
	b := r.tx.Bucket([]byte(bucket))
	if b == nil {
		return
	}
	c := b.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if v == nil && !f(string(k)) {
			return
		}
	}
}

// View reads before Run has started, and after it has ended.
func (s *Store) View(f func(Reader)) { s.read(f) }
