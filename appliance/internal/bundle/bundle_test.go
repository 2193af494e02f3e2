package bundle

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"aead.dev/minisign"
	"github.com/google/go-cmp/cmp"
)

const (
	kernel = "a kernel"
	root   = "a root file system, somewhat longer"
)

func newKey(t testing.TB) (minisign.PublicKey, minisign.PrivateKey) {
	t.Helper()
	public, private, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return public, private
}

func manifest(t testing.TB) Manifest {
	t.Helper()
	m := Manifest{Version: "1.2", Counter: 7, Options: "quiet"}
	if err := m.Describe(strings.NewReader(kernel), strings.NewReader(root)); err != nil {
		t.Fatal(err)
	}
	return m
}

func signed(t testing.TB, key minisign.PrivateKey) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Sign(&b, key, manifest(t), strings.NewReader(kernel), strings.NewReader(root)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// whole reads a file as the box does.
func whole(r io.Reader, keys ...minisign.PublicKey) (Manifest, string, error) {
	f, err := Open(r, keys)
	if err != nil {
		return Manifest{}, "", err
	}
	b, err := io.ReadAll(f)
	if err == nil {
		err = f.Verify()
	}
	return f.Manifest, string(b), err
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	other, _ := newKey(t)
	public, private := newKey(t)
	file := signed(t, private)
	if again := signed(t, private); !bytes.Equal(again, file) {
		t.Error("the same content and key gave other bytes")
	}
	for name, r := range map[string]io.Reader{
		"at once": bytes.NewReader(file), "byte by byte": iotest.OneByteReader(bytes.NewReader(file)), "end with data": iotest.DataErrReader(bytes.NewReader(file)),
	} {
		m, content, err := whole(r, other, public)
		if diff := cmp.Diff(manifest(t), m); err != nil || content != kernel+root || diff != "" {
			t.Errorf("%s: %q, %v, manifest -want +got:\n%s", name, content, err, diff)
		}
	}
	key, err := ParseKey(public.String())
	if text, _ := public.MarshalText(); err != nil || !key.Equal(public) {
		t.Errorf("ParseKey(%s) = %v, %v", text, key, err)
	} else if key, err = ParseKey(string(text) + "\n"); err != nil || !key.Equal(public) {
		t.Errorf("ParseKey(%q) = %v, %v", text, key, err)
	}
}

// Whatever single byte is changed, and wherever the file is cut off, it is
// refused.
func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	public, private := newKey(t)
	file := signed(t, private)
	for i := range file {
		for _, flip := range []byte{1, 0x20, 0x80} {
			b := bytes.Clone(file)
			b[i] ^= flip
			if _, _, err := whole(bytes.NewReader(b), public); err == nil {
				t.Errorf("byte %d (%q) ^ %#x was not noticed", i, file[i], flip)
			}
		}
		if _, _, err := whole(bytes.NewReader(file[:i]), public); err == nil || i >= len(mark) && !errors.Is(err, errTruncated) {
			t.Errorf("cut off at %d: %v", i, err)
		}
	}
	if _, _, err := whole(bytes.NewReader(append(file, 0)), public); !errors.Is(err, errLonger) {
		t.Errorf("with one byte more: %v", err)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	public, private := newKey(t)
	other, _ := newKey(t)
	file := signed(t, private)
	_, content, _ := bytes.Cut(file, []byte("{"))
	content = append([]byte("{"), content...)
	unhashed := append([]byte(mark), append(minisign.SignWithComments(private, content, "x", comment), content...)...)
	if _, _, err := whole(bytes.NewReader(file), other); err == nil || !strings.Contains(err.Error(), KeyName(public.ID())) {
		t.Errorf("another key: %v", err)
	} else if e, ok := errors.AsType[*KeyError](err); !ok || e.ID != public.ID() {
		t.Errorf("another key: %v", err)
	}
	for name, tc := range map[string]struct {
		file []byte
		want error
	}{
		"nothing":                     {nil, errForeign},
		"a disk image":                {make([]byte, 1<<16), errForeign},
		"minisign's old algorithm":    {unhashed, errDamaged},
		"no signature":                {[]byte(mark + strings.Repeat("\n", 4) + string(content)), errDamaged},
		"endless lines":               {[]byte(mark + strings.Repeat("x", 1<<16)), errDamaged},
		"carriage returns":            {bytes.Replace(file, []byte("\n"), []byte("\r\n"), 2), errForeign},
		"content of another manifest": {append(bytes.Clone(file[:len(file)-len(content)]), bytes.Replace(content, []byte(`"counter":7`), []byte(`"counter":9`), 1)...), errDamaged},
	} {
		if _, _, err := whole(bytes.NewReader(tc.file), public); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	broken := errors.New("line gone")
	if _, _, err := whole(io.MultiReader(bytes.NewReader(file[:len(file)-9]), iotest.ErrReader(broken)), public); !errors.Is(err, broken) {
		t.Errorf("a broken line: %v", err)
	}
}

// A signer's mistakes are found before anybody gets the file.
func TestSignRefuses(t *testing.T) {
	t.Parallel()
	_, private := newKey(t)
	for name, change := range map[string]func(*Manifest){
		"no version":        func(m *Manifest) { m.Version = "" },
		"two lines":         func(m *Manifest) { m.Version = "1\n2" },
		"no counter":        func(m *Manifest) { m.Counter = 0 },
		"a root of its own": func(m *Manifest) { m.Options = "quiet root=/dev/sda1" },
		"line in options":   func(m *Manifest) { m.Options = "quiet\nlinux /x" },
		"too large":         func(m *Manifest) { m.Root.Size = MaxRoot + 1 },
		"no hash":           func(m *Manifest) { m.Kernel.SHA256 = "" },
		"another size":      func(m *Manifest) { m.Kernel.Size++ },
	} {
		m := manifest(t)
		change(&m)
		if err := Sign(io.Discard, private, m, strings.NewReader(kernel), strings.NewReader(root)); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
}

func TestParseKeyRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "RWQ", "hello\nworld", strings.Repeat("A", 56), "\xff"} {
		if k, err := ParseKey(text); err == nil {
			t.Errorf("ParseKey(%q) = %v", text, k)
		}
	}
}

// Whatever is read, nothing passes that the key did not sign.
func FuzzOpen(f *testing.F) {
	public, private := newKey(f)
	file := signed(f, private)
	f.Add(file)
	f.Add([]byte(mark))
	f.Add(file[:len(file)-3])
	line, err := json.Marshal(manifest(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append([]byte(mark+"a\nb\nc\nd\n"), line...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, _, err := whole(bytes.NewReader(b), public); err == nil && !bytes.Equal(b, file) {
			t.Errorf("accepted %q", b)
		}
		if k, err := ParseKey(string(b)); err == nil {
			if again, err := ParseKey(k.String()); err != nil || !again.Equal(k) {
				t.Errorf("%q is key %v, and that is %v, %v", b, k, again, err)
			}
		}
	})
}
