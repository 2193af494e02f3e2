package perm

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestBegin(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		before      Life
		count, cuts int
	}{
		{"first start", Life{}, 1, 0},
		{"after the plug was pulled", Life{Boot: "a", Open: true, Count: 3, Cuts: 1}, 4, 2},
		{"after being turned off", Life{Boot: "a", Count: 3, Cuts: 1}, 4, 1},
		{"the program was started again", Life{Boot: "now", Count: 3, Cuts: 1}, 3, 1},
		{"the program was killed", Life{Boot: "now", Open: true, Count: 3, Cuts: 1}, 3, 1},
	}
	for _, tc := range tests {
		if got := tc.before.begin("now"); got.Count != tc.count || got.Cuts != tc.cuts || !got.Open || got.Boot != "now" {
			t.Errorf("%s: %+v, want %d starts and %d cuts", tc.name, got, tc.count, tc.cuts)
		}
	}
}

func TestLife(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := Begin(dir)
	if err != nil || first.Count != 1 || first.Cuts != 0 {
		t.Fatalf("Begin = %+v, %v", first, err)
	}
	if again, err := Begin(dir); err != nil || again != first {
		t.Errorf("the second time %+v, %v, want %+v", again, err, first)
	}
	if err := first.End(dir); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	if !first.TrimDue(now) {
		t.Error("a new box is not trimmed")
	}
	first.Trimmed = now // by Trim; here it would be about the whole disk of whoever runs this test
	if first.TrimDue(now.Add(time.Hour)) || !first.TrimDue(now.Add(trimEvery)) || !first.TrimDue(now.Add(-time.Hour)) {
		t.Error("trimming is due at the wrong times")
	}
	if err := os.WriteFile(filepath.Join(dir, lifeFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := Begin(dir); err != nil || l.Count != 1 {
		t.Errorf("after damage %+v, %v", l, err)
	}
}

func TestStorage(t *testing.T) {
	t.Parallel()
	s, err := Storage(t.TempDir())
	if err != nil || s.Size <= 0 || s.Free > s.Size || s.ReadOnly {
		t.Errorf("Storage = %+v, %v", s, err)
	}
}
