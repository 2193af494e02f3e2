// Package state keeps what the appliance must remember over a reboot: one
// bbolt file, appliance.db, in the state folder.
//
// The appliance is the file's only opener; everyone else gets rendered
// copies. Every value is JSON under a plain key, so that a person with the
// bbolt tool can read it. The bucket "meta" carries the product's name and
// the schema version; Open brings an older file up to date in one
// transaction, after putting a copy of it aside.
//
// Values returned are copies: nothing that aliases a transaction gets out.
// All methods are safe for concurrent use.
package state

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// FileName is the database's name in the state folder.
const FileName = "appliance.db"

// lockWait is how long Open waits for another opener: longer than the second
// a killed predecessor may take to go.
const lockWait = 3 * time.Second

// What may be wrong with a file; the error's text says what to do.
var (
	ErrBusy    = errors.New("another Meetbox is running with this state folder; stop it or choose another MEETBOX_STATE")
	ErrForeign = errors.New("this is another program's file; move it away or choose another MEETBOX_STATE")
	ErrNewer   = errors.New("a newer Meetbox wrote this file; run that version or choose another MEETBOX_STATE")
	ErrCorrupt = errors.New("the file is damaged; restore it from a copy, or move it away to start anew (all devices must then trust a new certificate)")
)

// Secret is a text that logs and error messages cannot show.
type Secret string

// LogValue hides the secret from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// Format hides the secret from fmt, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[secret]") }

// Credential is what a server needs to check a password with SCRAM, and what
// it does not suffice to log in with.
type Credential struct {
	Salt       []byte `json:"salt"`
	Iterations int    `json:"iterations"`
	StoredKey  []byte `json:"stored_key"`
	ServerKey  []byte `json:"server_key"`
}

// Account is a service's account at signaling.
type Account struct {
	User     string                `json:"user"`
	Password Secret                `json:"password"`
	SCRAM    map[string]Credential `json:"scram"` // by mechanism
}

// Pair is a certificate with its key, both DER, the key as PKCS #8.
type Pair struct {
	Certificate []byte `json:"certificate"`
	Key         []byte `json:"key"`
}

// Chain is a certificate from outside with those above it, DER, and its key,
// PKCS #8.
type Chain struct {
	Certificates [][]byte `json:"certificates"` // the leaf first
	Key          []byte   `json:"key"`
}

// Request is a certificate request, PKCS #10, that waits for its answer.
type Request struct {
	Names []string  `json:"names"`
	Made  time.Time `json:"made"`
	DER   []byte    `json:"der"`
	Key   []byte    `json:"key"`
}

// Store is the open database.
type Store struct {
	db    *bbolt.DB
	name  string
	notes []string
	now   func() time.Time

	copying sync.Mutex
	copied  int // the transaction that the safe copy holds
}

// Open opens or makes the database in the folder. A file that cannot be used
// is kept aside and the last good copy takes its place; Notes says so then.
// Without any copy a new file is begun if anew says so: better a box that
// asks to be set up again than one that does nothing.
func Open(folder string, anew bool) (*Store, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	name := filepath.Join(folder, FileName)
	db, notes, err := openGood(name, steps, anew)
	if err != nil {
		return nil, fmt.Errorf("state %s: %w", name, err)
	}
	return &Store{db: db, name: name, notes: notes, now: time.Now}, nil
}

// Notes are what went wrong when the file was opened, for people to read.
func (s *Store) Notes() []string { return s.notes }

// open opens the file and reads every page of it once. bbolt trusts its
// pages, so that a damaged one shows as a panic or a memory fault.
func open(name string) (db *bbolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			db, err = nil, fmt.Errorf("%w (%v)", ErrCorrupt, p)
		}
	}()
	db, err = bbolt.Open(name, 0o600, &bbolt.Options{Timeout: lockWait})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, ErrBusy
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%w; it belongs to another user", err)
	case err != nil:
		if _, system := errors.AsType[syscall.Errno](err); system {
			return nil, err // the disk is full, or the like
		}
		return nil, fmt.Errorf("%w (%w)", ErrCorrupt, err)
	}
	err = db.View(func(tx *bbolt.Tx) error {
		var all []error
		for e := range tx.Check() { // must be drained: a goroutine feeds it
			all = append(all, e)
		}
		return errors.Join(all...)
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w (%w)", ErrCorrupt, err), db.Close())
	}
	return db, nil
}

// Close ends the use of the file.
func (s *Store) Close() error { return s.db.Close() }

// Schema is the newest schema version that this program knows.
func (s *Store) Schema() int { return len(steps) }

// Account returns the account of that name, and whether there is one.
func (s *Store) Account(user string) (Account, bool, error) {
	return get[Account](s, "accounts", user)
}

// PutAccount keeps the account.
func (s *Store) PutAccount(a Account) error { return put(s, "accounts", a.User, a) }

// BridgeID returns the id under which this machine's bridge is known.
func (s *Store) BridgeID() (string, bool, error) { return get[string](s, "machine", "bridge_id") }

// PutBridgeID keeps the bridge's id.
func (s *Store) PutBridgeID(id string) error { return put(s, "machine", "bridge_id", id) }

// XMPPPort returns the loopback port chosen for signaling, if one was.
func (s *Store) XMPPPort() (int, bool, error) { return get[int](s, "machine", "xmpp_port") }

// PutXMPPPort keeps the chosen port.
func (s *Store) PutXMPPPort(port int) error { return put(s, "machine", "xmpp_port", port) }

// Pair returns the named certificate with its key, if there is one.
func (s *Store) Pair(name string) (Pair, bool, error) { return get[Pair](s, "certificates", name) }

// PutPair keeps the certificate and its key.
func (s *Store) PutPair(name string, p Pair) error { return put(s, "certificates", name, p) }

// Chain returns the named certificate from outside, if there is one.
func (s *Store) Chain(name string) (Chain, bool, error) { return get[Chain](s, "certificates", name) }

// PutChain keeps a certificate from outside.
func (s *Store) PutChain(name string, c Chain) error { return put(s, "certificates", name, c) }

// Request returns the certificate request that waits for its answer.
func (s *Store) Request() (Request, bool, error) { return get[Request](s, "certificates", "request") }

// ACMEKey is the account's key with the site's authority, if there is one.
func (s *Store) ACMEKey() ([]byte, bool, error) {
	return get[[]byte](s, "certificates", "acme_account")
}

// PutACMEKey keeps the account's key.
func (s *Store) PutACMEKey(key []byte) error { return put(s, "certificates", "acme_account", key) }

func get[T any](s *Store, bucket, key string) (v T, found bool, err error) {
	err = s.View(func(tx *Tx) error {
		v, err = Get[T](tx, bucket, key)
		return err
	})
	if errors.Is(err, ErrNone) {
		return v, false, nil
	}
	return v, err == nil, err
}

func put[T any](s *Store, bucket, key string, v T) error {
	return s.Update(func(tx *Tx) error { return Put(tx, bucket, key, v) })
}
