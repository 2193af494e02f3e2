package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestComplaint(t *testing.T) {
	t.Parallel()
	good := make([]byte, 1024)
	good[superMagicAt], good[superMagicAt+1], good[superStateAt] = 0x53, 0xef, 1
	bad := slices.Clone(good)
	bad[superStateAt] = 3
	for _, tc := range []struct {
		name string
		b    []byte
		want string
	}{{"clean", good, ""}, {"errors", bad, "has errors"}, {"zeros", make([]byte, 1024), "is no file system"}} {
		if got := complaint(tc.b); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestRootID(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"console=tty1 root=PARTUUID=4D454554-424f-5800-8000-000000000001/PARTNROFF=2 ro": "4d454554-424f-5800-8000-000000000001",
		"root=/dev/sda2": "", "": "",
	} {
		if got, ok := rootID(line); got != want || ok != (want != "") {
			t.Errorf("rootID(%q) = %q, %v, want %q", line, got, ok, want)
		}
	}
}

func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestSave(t *testing.T) {
	t.Parallel()
	from := tree(t, map[string]string{"machine-id": "1", "appliance/appliance.db": "state", "signaling/big": "0123456789", "lost+found/x": "?"})
	if err := os.Symlink("/etc/passwd", filepath.Join(from, "link")); err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	kept, lost := save(from, to, 8)
	if kept != 2 || lost != 2 { // one is too large, one no file
		t.Errorf("kept %d, lost %d, want 2 and 2", kept, lost)
	}
	for name, want := range map[string]string{"machine-id": "1", "appliance/appliance.db": "state", "signaling/big": "", "lost+found/x": "", "link": ""} {
		b, err := os.ReadFile(filepath.Join(to, name))
		if string(b) != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v, want %q", name, b, err, want)
		}
	}
	if i, err := os.Stat(filepath.Join(to, "appliance")); err != nil || i.Mode().Perm() != 0o750 {
		t.Errorf("the folder's mode is %v, %v", i.Mode(), err)
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	files := map[string]string{"machine-id": "1", "life.json": "{}", "appliance/appliance.db": "state"}
	dir := tree(t, files)
	if err := forget(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "appliance/appliance.db")); err != nil {
		t.Error("forgotten without having been asked")
	}
	if err := os.WriteFile(filepath.Join(dir, resetMark), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := forget(dir); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 2 || list[0].Name() != "life.json" || list[1].Name() != "machine-id" {
		t.Errorf("left: %v, %v", list, err)
	}
}
