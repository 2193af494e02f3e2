package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func contents(t *testing.T, dir string) (snapshot string, records []string) {
	t.Helper()
	p, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if p == nil {
		return "", nil
	}
	for r := range p.Records() {
		records = append(records, fmt.Sprintf("%d/%d %s", r.Kind, r.Session, r.Payload))
	}
	return string(p.Snapshot), records
}

func write(t *testing.T, dir, snapshot string, records ...Record) *Journal {
	t.Helper()
	j, err := Create(dir, []byte(snapshot))
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Append(records...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func TestJournal(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	if s, r := contents(t, dir); s != "" || r != nil {
		t.Errorf("an empty folder holds %q %q", s, r)
	}
	at := time.Unix(1, 2)
	write(t, dir, "one", Record{Kind: 1, Session: 7, At: at, Payload: []byte("a")}, Record{Kind: 2, Session: 8, At: at})
	if s, r := contents(t, dir); s != "one" || !slices.Equal(r, []string{"1/7 a", "2/8 "}) {
		t.Errorf("first generation: %q %q", s, r)
	}
	write(t, dir, "two", Record{Kind: 3, Session: 9, At: at, Payload: []byte("b")})
	if s, r := contents(t, dir); s != "two" || !slices.Equal(r, []string{"3/9 b"}) {
		t.Errorf("second generation: %q %q", s, r)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("%d files are left, %v", len(files), err)
	}
}

// TestTorn: a kill may leave any part of the last write.
func TestTorn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "snapshot", Record{Kind: 1, Payload: []byte("whole")}, Record{Kind: 2, Payload: []byte("the last one")})
	names, err := generations(dir)
	if err != nil || len(names) != 1 {
		t.Fatalf("%q %v", names, err)
	}
	b, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	last := len(b) - head - len("the last one")
	for cut := last; cut < len(b); cut++ {
		if err := os.WriteFile(names[0], b[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if s, r := contents(t, dir); s != "snapshot" || !slices.Equal(r, []string{"1/0 whole"}) {
			t.Fatalf("cut at %d: %q %q", cut, s, r)
		}
	}
	// A generation whose snapshot is torn does not count.
	if err := os.WriteFile(names[0], b[:20], 0o600); err != nil {
		t.Fatal(err)
	}
	if s, r := contents(t, dir); s != "" || r != nil {
		t.Errorf("torn snapshot: %q %q", s, r)
	}
}

// FuzzRead: whatever is in the file, reading ends, and what it returns is
// what would be written.
func FuzzRead(f *testing.F) {
	f.Add(Record{Kind: 1, Session: 2, At: time.Unix(3, 4), Payload: []byte("x")}.append(nil))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, n, ok := read(in)
		if ok && string(r.append(nil)) != string(in[:n]) {
			t.Errorf("%q reads as %+v", in, r)
		}
	})
}
