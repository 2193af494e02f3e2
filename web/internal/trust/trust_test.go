package trust

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"testing"
)

func file(certificates ...string) []byte {
	var b []byte
	for _, c := range certificates {
		b = append(b, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte(c)})...)
	}
	return b
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	// printf x | sha256sum
	if got := Fingerprint(file("x")); !strings.HasPrefix(got, "2D:71:16:42:B7:26:B0:44:") || len(got) != 95 {
		t.Errorf("Fingerprint(x) = %s", got)
	}
	if got := Fingerprint([]byte("nothing")); got != "" {
		t.Errorf("Fingerprint of nothing = %s", got)
	}
}

func TestProfile(t *testing.T) {
	t.Parallel()
	got := Profile(append([]byte("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"), file("first", "second")...))
	for d := xml.NewDecoder(bytes.NewReader(got)); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("not XML: %v\n%s", err, got)
		}
	}
	for _, want := range []string{base64.StdEncoding.EncodeToString([]byte("first")), base64.StdEncoding.EncodeToString([]byte("second"))} {
		if !bytes.Contains(got, []byte("<data>"+want+"</data>")) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if bytes.Contains(got, []byte("c2VjcmV0")) {
		t.Error("the key is in the profile")
	}
	ids := regexp.MustCompile(`<string>([0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12})</string>`).FindAllSubmatch(got, -1)
	seen := map[string]bool{}
	for _, id := range ids {
		seen[string(id[1])] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d identifiers, want 3 different ones: %s", len(seen), ids)
	}
	if !bytes.Equal(Profile(file("first", "second")), got) {
		t.Error("the same certificates give another profile")
	}
}
