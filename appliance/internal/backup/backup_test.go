package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/state"
)

const phrase = "correct horse battery"

func sealed(t *testing.T, content []byte) []byte {
	t.Helper()
	to, err := age.NewScryptRecipient(phrase)
	if err != nil {
		t.Fatal(err)
	}
	to.SetWorkFactor(10)
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWriteRead(t *testing.T) {
	t.Parallel()
	w := state.Whole{Settings: map[string]json.RawMessage{"console": json.RawMessage(`{"idle_minutes":30}`)}}
	var b bytes.Buffer
	if err := Write(io.Discard, New(time.Now(), "meetbox.local", "v1", w), "short"); err == nil {
		t.Error("a short passphrase is taken")
	}
	if err := Write(&b, New(time.Now(), "meetbox.local", "v1", w), phrase); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(b.String(), "age-encryption.org/v1\n") || strings.Contains(b.String(), "idle") {
		t.Error("not age's format, or not encrypted")
	}
	d, err := Read(b.Bytes(), phrase)
	if err != nil || d.Name != "meetbox.local" || string(d.State.Settings["console"]) != `{"idle_minutes":30}` {
		t.Errorf("Read = %+v, %v", d, err)
	}
	good := b.Bytes()
	flipped := bytes.Clone(good)
	flipped[len(flipped)-20] ^= 1
	for _, tc := range []struct {
		name, phrase string
		file         []byte
		has          string
	}{
		{"wrong passphrase", "correct horse batterz", good, "not the passphrase"},
		{"no passphrase", "", good, "Give the passphrase"},
		{"a flipped bit", phrase, flipped, "damaged"},
		{"cut short", phrase, good[:len(good)-10], "damaged"},
		{"another file", phrase, []byte("PK\x03\x04 a zip"), "not a backup"},
		{"empty", phrase, nil, "not a backup"},
		{"another age file", phrase, sealed(t, []byte("hello")), "damaged"},
	} {
		_, err := Read(tc.file, tc.phrase)
		if err == nil || !strings.Contains(err.Error(), tc.has) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.has)
		}
	}
	newer := New(time.Now(), "x", "v9", w)
	newer.Format = format + 1
	b.Reset()
	if err := Write(&b, newer, phrase); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(b.Bytes(), phrase); err == nil || !strings.Contains(err.Error(), "newer version of Meetbox (v9)") {
		t.Errorf("a newer backup: %v", err)
	}
	if _, ok := errors.AsType[api.Problem](unfit("x")); !ok {
		t.Error("not a problem")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 15\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if d, err := Read(file, phrase); err == nil && d.Product != product {
			t.Errorf("read %+v", d)
		}
	})
}
