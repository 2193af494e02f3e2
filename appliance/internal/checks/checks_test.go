package checks

import (
	"errors"
	"net/netip"
	"os"
	"testing"
	"time"

	"meetbox.local/appliance/api"
)

func TestBounds(t *testing.T) {
	t.Parallel()
	folder, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	now := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	b, err := Open(folder, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	one := netip.MustParseAddr("fd00::1")
	for range perAddress {
		if _, err := b.Add(one, api.CheckReport{Code: "OK"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Add(netip.MustParseAddr("fd00::2"), api.CheckReport{}); !errors.Is(err, ErrTooOften) {
		t.Errorf("one more from the same network: %v", err)
	}
	now = now.Add(time.Hour + time.Second)
	last := ""
	for i := range keep + 5 {
		if last, err = b.Add(netip.AddrFrom4([4]byte{192, 0, byte(i / 250), byte(i % 250)}), api.CheckReport{Code: "OK"}); err != nil {
			t.Fatal(err)
		}
	}
	again, err := Open(folder, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if l := again.List(); len(l) != keep || l[0].ID != last || l[0].From != "192.0.0.204" {
		t.Errorf("%d kept, the newest %+v", len(l), l[0])
	}
	if ok, err := again.Remove(last); !ok || err != nil {
		t.Errorf("remove: %v, %v", ok, err)
	}
	if ok, err := again.Remove(last); ok || err != nil {
		t.Errorf("remove again: %v, %v", ok, err)
	}
	if ok, err := again.Remove(""); !ok || err != nil || len(again.List()) != 0 {
		t.Errorf("remove all: %v, %v", ok, err)
	}
}
