package state

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

func openStore(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestKeepsOverReopening(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, dir)
	if _, ok, err := s.Account("focus"); ok || err != nil {
		t.Errorf("a new file has an account: %v, %v", ok, err)
	}
	account := Account{User: "focus", Password: "pw", SCRAM: map[string]Credential{
		"SCRAM-SHA-1": {Salt: []byte{1}, Iterations: 2, StoredKey: []byte{3}, ServerKey: []byte{4}},
	}}
	pair := Pair{Certificate: []byte{5}, Key: []byte{6}}
	err := errors.Join(s.PutAccount(account), s.PutBridgeID("bridge-1"), s.PutXMPPPort(5333), s.PutPair("web", pair), s.Close())
	if err != nil {
		t.Fatal(err)
	}
	s = openStore(t, dir)
	gotAccount, _, err1 := s.Account("focus")
	gotID, _, err2 := s.BridgeID()
	gotPort, _, err3 := s.XMPPPort()
	gotPair, _, err4 := s.Pair("web")
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(gotAccount, account) || gotID != "bridge-1" || gotPort != 5333 || !reflect.DeepEqual(gotPair, pair) {
		t.Errorf("got %+v %v %v %+v", gotAccount, gotID, gotPort, gotPair)
	}
	info, err := os.Stat(filepath.Join(dir, FileName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600: it has secrets", info.Mode(), err)
	}
}

func TestBusy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	openStore(t, dir)
	if _, err := Open(dir, false); !errors.Is(err, ErrBusy) {
		t.Errorf("second Open = %v, want %v", err, ErrBusy)
	}
}

// write makes a bbolt file with the given top-level buckets and keys.
func write(t *testing.T, dir string, buckets map[string]map[string]string) {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(dir, FileName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for name, keys := range buckets {
			b, err := tx.CreateBucket([]byte(name))
			if err != nil {
				return err
			}
			for k, v := range keys {
				if err := b.Put([]byte(k), []byte(v)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestOtherFiles(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		buckets map[string]map[string]string
		want    error
	}{
		{"another program's", map[string]map[string]string{"users": {"a": "b"}}, ErrForeign},
		{"another program's meta", map[string]map[string]string{"meta": {"schema": "1"}}, ErrForeign},
		{"newer", map[string]map[string]string{"meta": {"product": product, "schema": "99"}}, ErrNewer},
		{"schema not a number", map[string]map[string]string{"meta": {"product": product, "schema": "new"}}, ErrCorrupt},
		{"nothing in it", nil, nil},
	}
	for _, tc := range tests {
		dir := t.TempDir()
		write(t, dir, tc.buckets)
		s, err := Open(dir, false)
		if !errors.Is(err, tc.want) || (err != nil && !strings.Contains(err.Error(), dir)) {
			t.Errorf("%s: Open = %v, want %v with the file's name", tc.name, err, tc.want)
		}
		if err == nil {
			s.Close()
		}
	}
}

func TestCorrupt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, dir)
	for i := range 200 { // enough for several pages
		if err := s.PutPair(fmt.Sprint(i), Pair{Certificate: make([]byte, 300)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, len(good))
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	damage := map[string][]byte{
		"text":      []byte("this is not a database\n"),
		"noise":     noise,
		"cut short": good[:len(good)/2],
		"one page":  good[:4096],
	}
	for page := range len(good) / 4096 {
		b := append([]byte(nil), good...)
		copy(b[page*4096:(page+1)*4096], noise)
		damage[fmt.Sprintf("noise in page %d", page)] = b
	}
	refused := 0
	for name, b := range damage {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, FileName), b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(dir, false)
		if err == nil { // such as a page that nothing uses, or one of the two meta pages
			s.Close()
			continue
		}
		refused++
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: Open = %v, want %v", name, err, ErrCorrupt)
		}
	}
	if refused < 5 {
		t.Errorf("only %d of %d damaged files were refused", refused, len(damage))
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), FileName)
	db, err := bbolt.Open(name, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var ran []string
	note := func(what string, err error) step {
		return step{do: func(tx *bbolt.Tx) error {
			ran = append(ran, what)
			if _, berr := tx.CreateBucket([]byte(what)); berr != nil {
				return berr
			}
			return err
		}}
	}
	one, two := note("one", nil), note("two", nil)
	check := func(steps []step, wantRan string, wantVersion int) {
		t.Helper()
		ran = nil
		if err := migrate(db, name, steps); err != nil {
			t.Errorf("migrate: %v", err)
		}
		if got := strings.Join(ran, " "); got != wantRan {
			t.Errorf("ran %q, want %q", got, wantRan)
		}
		_ = db.View(func(tx *bbolt.Tx) error {
			if v, _, err := version(tx); v != wantVersion || err != nil {
				t.Errorf("version %d, %v, want %d", v, err, wantVersion)
			}
			return nil
		})
	}
	check([]step{one}, "one", 1)
	check([]step{one}, "", 1)

	// A step that fails takes everything back, also what it did itself.
	boom := errors.New("boom")
	if err := migrate(db, name, []step{one, two, note("three", boom)}); !errors.Is(err, boom) {
		t.Errorf("migrate = %v, want %v", err, boom)
	}
	_ = db.View(func(tx *bbolt.Tx) error {
		if v, _, err := version(tx); v != 1 || err != nil || tx.Bucket([]byte("two")) != nil {
			t.Errorf("after a failure: version %d, %v, bucket two %v", v, err, tx.Bucket([]byte("two")))
		}
		return nil
	})
	check([]step{one, two, note("three", nil)}, "two three", 3)

	before, err := bbolt.Open(name+".schema1", 0o600, nil)
	if err != nil {
		t.Fatalf("the copy from before: %v", err)
	}
	defer before.Close()
	_ = before.View(func(tx *bbolt.Tx) error {
		if v, _, err := version(tx); v != 1 || err != nil {
			t.Errorf("the copy has version %d, %v", v, err)
		}
		return nil
	})
	// Steps that only add leave the file to older programs, too.
	check([]step{one}, "", 3)
	breaks := note("four", nil)
	breaks.breaks = true
	check([]step{one, two, note("three", nil), breaks}, "four", 4)
	if err := migrate(db, name, []step{one}); !errors.Is(err, ErrNewer) {
		t.Errorf("older program: %v, want %v", err, ErrNewer)
	}
}

func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	a := Account{User: "focus", Password: "hunter2"}
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "account", a, "password", a.Password)
	fmt.Fprintf(&b, "%v %+v %#v %s %q %x", a, a, a, a.Password, a.Password, a.Password)
	if strings.Contains(b.String(), "hunter2") || strings.Contains(b.String(), fmt.Sprintf("%x", "hunter2")) {
		t.Errorf("printed: %s", b.String())
	}
}
