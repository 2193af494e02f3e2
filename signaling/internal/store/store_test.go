package store

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// running opens a store and runs it until the returned function is called.
func running(t *testing.T, dir string) (s *Store, stop func()) {
	t.Helper()
	s, err := Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Run(ctx) // ctx's end
	}()
	return s, func() {
		cancel()
		<-done
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func read[T any](s *Store, f func(Reader) T) T {
	got := make(chan T)
	s.Read(func(r Reader) { got <- f(r) })
	return <-got
}

func keys(r Reader) (out []string) {
	r.Each("b", "o", nil, func(k, v []byte) bool {
		out = append(out, string(k)+"="+string(v))
		return true
	})
	return out
}

func TestWriteReadAndOutlive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, stop := running(t, dir)
	for i := range 5 {
		s.Write(Op{Bucket: "b", Owner: "o", Key: fmt.Append(nil, i), Value: []byte("v"), Keep: 3})
	}
	s.Write(Op{Bucket: "b", Owner: "o", Key: []byte("3"), Value: []byte("w"), Keep: 3}, Op{Bucket: "b", Owner: "p", Key: []byte("x"), Value: []byte("y")})
	want := []string{"2=v", "3=w", "4=v"}
	if got := read(s, keys); !slices.Equal(got, want) {
		t.Errorf("keys = %v, want %v", got, want)
	}
	if n := len(s.Pending()); n != 7 {
		t.Errorf("%d pending, want 7", n)
	}
	stop()

	s, stop = running(t, dir)
	if got := read(s, keys); !slices.Equal(got, want) {
		t.Errorf("after a restart keys = %v, want %v", got, want)
	}
	var back []string
	read(s, func(r Reader) int {
		r.Back("b", "o", []byte("4"), func(k, _ []byte) bool {
			back = append(back, string(k))
			return true
		})
		r.Owners("b", func(o string) bool {
			back = append(back, o)
			return true
		})
		return 0
	})
	if d := cmp.Diff([]string{"3", "2", "o", "p"}, back); d != "" {
		t.Error(d)
	}
	s.Write(Op{Bucket: "b", Owner: "o", Key: []byte("3")}, Op{Bucket: "b", Owner: "p"})
	if n := read(s, func(r Reader) int { return r.Count("b", "o") + 10*r.Count("b", "p") }); n != 2 {
		t.Errorf("counts = %d", n)
	}
	stop()
}

func TestDamagedFileIsPutAside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, FileName), []byte("no database at all, but longer than nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, stop := running(t, dir)
	s.Write(Op{Bucket: "b", Owner: "o", Key: []byte("k"), Value: []byte("v")})
	if got := read(s, keys); !slices.Equal(got, []string{"k=v"}) {
		t.Errorf("keys = %v", got)
	}
	stop()
	if aside, err := filepath.Glob(filepath.Join(dir, "*.damaged")); err != nil || len(aside) != 1 {
		t.Errorf("put aside: %v, %v", aside, err)
	}
}

func TestWithoutFolder(t *testing.T) {
	t.Parallel()
	s, stop := running(t, "")
	s.Write(Op{Bucket: "b", Owner: "o", Key: []byte("k"), Value: []byte("v")})
	if got := read(s, keys); got != nil {
		t.Errorf("keys = %v", got)
	}
	stop()
}
