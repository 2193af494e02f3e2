package conf_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meetbox.local/appliance/kit/conf"
)

type settings struct {
	Port int `json:"port"`
}

func TestLoad(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, wrong string }{
		{"plain", `{"port": 7}`, ""},
		{"space around", " {\"port\": 7}\n\n", ""},
		{"unknown field", `{"port": 7, "prot": 8}`, "prot"},
		{"wrong type", `{"port": "7"}`, "port"},
		{"two documents", `{"port": 7}{"port": 8}`, "more than one"},
		{"cut off", `{"port": 7`, "unexpected EOF"},
		{"empty", ``, "EOF"},
	}
	for _, tc := range tests {
		name := filepath.Join(t.TempDir(), "web.json")
		if err := os.WriteFile(name, []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := conf.Load[settings](name)
		if tc.wrong == "" {
			if err != nil || got.Port != 7 {
				t.Errorf("%s: Load = %+v, %v", tc.name, got, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tc.wrong) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v, want one with %q and the file's name", tc.name, err, tc.wrong)
		}
	}
}

func TestWaitForFile(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "web.json")
	type result struct {
		s   settings
		err error
	}
	done := make(chan result, 1)
	go func() {
		s, err := conf.Wait[settings](t.Context(), name)
		done <- result{s, err}
	}()
	tmp := name + ".tmp"
	if err := errors.Join(os.WriteFile(tmp, []byte(`{"port": 9}`), 0o600), os.Rename(tmp, name)); err != nil {
		t.Fatal(err)
	}
	if r := <-done; r.err != nil || r.s.Port != 9 {
		t.Errorf("Wait = %+v, %v", r.s, r.err)
	}
}

func TestWaitEnds(t *testing.T) {
	t.Parallel()
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, err := conf.Wait[settings](ctx, filepath.Join(t.TempDir(), "web.json"))
	if !errors.Is(err, cause) {
		t.Errorf("Wait = %v, want %v", err, cause)
	}
	if _, err := conf.Load[settings](filepath.Join(t.TempDir(), "web.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load of nothing = %v", err)
	}
}
