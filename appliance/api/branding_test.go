package api

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
)

func drawn(t *testing.T, format string, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height)))
	if format == "jpeg" {
		b.Reset()
		err = jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, width, height)), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestLogo: what is not a whole, small picture is refused before a guest sees it.
func TestLogo(t *testing.T) {
	t.Parallel()
	whole := drawn(t, "png", 40, 30)
	tests := map[string]struct {
		file         []byte
		format, said string
	}{
		"png":                       {whole, "png", ""},
		"jpeg":                      {drawn(t, "jpeg", 40, 30), "jpeg", ""},
		"cut off":                   {whole[:len(whole)-20], "png", "damaged"},
		"svg":                       {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), "", "PNG or JPEG"},
		"html":                      {[]byte("<!doctype html>"), "", "PNG or JPEG"},
		"wide":                      {drawn(t, "png", 1025, 2), "png", "1024 × 1024"},
		"enormous, in a small file": {drawn(t, "png", 5000, 5000), "png", "1024 × 1024"},
		"large":                     {append(bytes.Clone(whole), make([]byte, maxLogo)...), "png", "64 kB"},
	}
	for name, tc := range tests {
		b := Branding{Logo: base64.StdEncoding.EncodeToString(tc.file)}
		if _, format := b.Picture(); format != tc.format {
			t.Errorf("%s: format %q, want %q", name, format, tc.format)
		}
		if got := b.checkLogo(); (got == "") != (tc.said == "") || !strings.Contains(got, tc.said) {
			t.Errorf("%s: %q, want %q", name, got, tc.said)
		}
	}
	if why := (Branding{Logo: "no base64!"}).checkLogo(); why == "" {
		t.Error("not even base64 passed")
	}
}

func FuzzLogo(f *testing.F) {
	f.Add([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"))
	f.Add([]byte("\xff\xd8\xff\xe0"))
	f.Fuzz(func(t *testing.T, file []byte) {
		b := Branding{Logo: base64.StdEncoding.EncodeToString(file)}
		if got, _ := b.Picture(); len(file) > 0 && b.checkLogo() == "" && !bytes.Equal(got, file) {
			t.Error("another file came out")
		}
	})
}
