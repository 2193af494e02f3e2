package policy

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTenant(t *testing.T) {
	t.Parallel()
	for part, want := range map[string]string{
		"acme":                          "acme",
		"Acme":                          "acme",
		"my%20team":                     "my%20team",
		"b%C3%BCro":                     "b%c3%bcro",
		"B%C3%9CRO":                     "b%c3%bcro",
		"bu%CC%88ro":                    "b%c3%bcro", // two characters for one
		"a.b":                           "a_b",
		"50%25":                         "50%25",
		"vpaas-magic-cookie-1":          "vpaas-magic-cookie-1",
		"a%5Bb%5D":                      "",
		"%5Ba%5D":                       "",
		"a%2Fb":                         "",
		"a%5Cb":                         "",
		"a@b":                           "",
		"a;b":                           "",
		"a%zz":                          "",
		"":                              "",
		strings.Repeat("a", 256):        "",
		strings.Repeat("%C3%BC", 50):    "",
		"%E2%84%AAelvin":                "kelvin", // a sign that is one of those for K
		"%EF%BC%8Fx%EF%BC%BBy%EF%BC%BD": "",       // other spellings of signs
	} {
		if got, ok := Tenant(part); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v, want %q", part, got, ok, want)
		}
	}
}

// FuzzTenant: a name has nothing in it that would end it within an address, and
// is its own spelling.
func FuzzTenant(f *testing.F) {
	f.Add("Acme.%C3%BC%20x")
	f.Fuzz(func(t *testing.T, part string) {
		name, ok := Tenant(part)
		if !ok {
			return
		}
		if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_~%") != "" {
			t.Errorf("%q is %q", part, name)
		}
		text, err := url.PathUnescape(name)
		if err != nil || !utf8.ValidString(part) {
			return
		}
		if again, ok := Tenant(name); ok && again != name {
			t.Errorf("%q is %q (%q) and %q", part, name, text, again)
		}
	})
}
