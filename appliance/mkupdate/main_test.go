package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A key is made, a file signed with it, and checked; nothing of it works with
// another key.
func TestSignAndCheck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{"kernel": "kernel", "root": "root file system"} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	do := func(args ...string) error {
		t.Helper()
		out.Reset()
		return run(args, strings.NewReader(""), &out)
	}
	for _, name := range []string{"one", "two"} {
		if err := do("key", at(name)); err != nil {
			t.Fatal(err)
		}
		if err := do("key", at(name)); err == nil {
			t.Error("a key was written over")
		}
	}
	if info, err := os.Stat(at("one")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("secret key: %v, %v", info.Mode(), err)
	}
	signIt := func(key string) error {
		return do("sign", "-key", at(key), "-version", "3", "-counter", "3", "-kernel", at("kernel"), "-root", at("root"), "-options", "quiet", "-o", at("update"))
	}
	if err := signIt("one"); err != nil {
		t.Fatal(err)
	}
	if err := do("public", at("one")); err != nil {
		t.Fatal(err)
	}
	public := strings.TrimSpace(out.String())
	for key, ok := range map[string]bool{at("one.pub"): true, public: true, at("two.pub"): false} {
		if err := do("check", "-key", key, at("update")); (err == nil) != ok || ok && !strings.Contains(out.String(), `"counter": 3`) {
			t.Errorf("checked with %s: %v, %s", key, err, &out)
		}
	}
	for _, args := range [][]string{{}, {"sign"}, {"what", "ever"}, {"public", at("kernel")}, {"check", at("kernel")}, {"check", "-key", "x", at("update")}} {
		if err := do(args...); err == nil {
			t.Errorf("%q worked", args)
		}
	}
}
