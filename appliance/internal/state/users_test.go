package state

import (
	"testing"

	"go.etcd.io/bbolt"
)

// A secret is written once, and only read from then on: the appliance asks
// for it twice a minute, and disks wear.
func TestSecretsWrittenOnce(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir())
	transactions := func() (id int) {
		if err := s.db.View(func(tx *bbolt.Tx) error { id = tx.ID(); return nil }); err != nil {
			t.Fatal(err)
		}
		return id
	}
	first, err := s.TURNSecret()
	if err != nil || first == "" {
		t.Fatalf("no secret: %v", err)
	}
	before := transactions()
	again, err := s.TURNSecret()
	if err != nil || again != first {
		t.Errorf("another secret, %v", err)
	}
	if n := transactions() - before; n != 0 {
		t.Errorf("%d writes for reading", n)
	}
	if other, err := s.TokenSecret(); err != nil || other == first {
		t.Errorf("one secret for two purposes, %v", err)
	}
}
