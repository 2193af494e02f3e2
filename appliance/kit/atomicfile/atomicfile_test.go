package atomicfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"meetbox.local/appliance/kit/atomicfile"
)

func openRoot(t *testing.T) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

func TestWriteReplaces(t *testing.T) {
	t.Parallel()
	root := openRoot(t)
	for _, text := range []string{"first, and longer", "second", ""} {
		if err := atomicfile.Write(root, "a.json", []byte(text), 0o640); err != nil {
			t.Fatalf("Write(%q): %v", text, err)
		}
		got, err := root.ReadFile("a.json")
		if err != nil || string(got) != text {
			t.Errorf("after Write(%q) the file has %q, %v", text, got, err)
		}
	}
	info, err := root.Stat("a.json")
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v, want 0640", info.Mode(), err)
	}
}

func TestWriteLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	root := openRoot(t)
	if err := root.MkdirAll("taken/inside", 0o755); err != nil {
		t.Fatal(err)
	}
	// A folder with something in it cannot be replaced by a file.
	if err := atomicfile.Write(root, "taken", []byte("x"), 0o600); err == nil {
		t.Error("Write over a folder: no error")
	}
	for _, name := range []string{"../out", "/etc/out", "missing/folder/file"} {
		if err := atomicfile.Write(root, name, []byte("x"), 0o600); err == nil {
			t.Errorf("Write(%q): no error", name)
		}
	}
	left, err := filepath.Glob(filepath.Join(root.Name(), "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
