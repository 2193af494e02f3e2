package main

import (
	"slices"
	"strings"
	"testing"
)

func TestParseSettings(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		set        []string
		wrong      int
	}{
		{"empty", "", nil, 0},
		{"comments", "# no\n\n  # no\n", nil, 0},
		{"as shipped", "#MEETBOX_MEDIA_ADDRS=203.0.113.7\n", nil, 0},
		{"addresses", "MEETBOX_MEDIA_ADDRS=203.0.113.7, 2001:db8::1\n", []string{"MEETBOX_MEDIA_ADDRS=203.0.113.7, 2001:db8::1"}, 0},
		{"another system's editor", "\ufeffMEETBOX_MEDIA_ADDRS = 203.0.113.7\r\n", []string{"MEETBOX_MEDIA_ADDRS=203.0.113.7"}, 0},
		{"no end of line", "MEETBOX_MEDIA_ADDRS=::1", []string{"MEETBOX_MEDIA_ADDRS=::1"}, 0},
		{"a name", "MEETBOX_MEDIA_ADDRS=example.org\n", nil, 1},
		{"all addresses", "MEETBOX_MEDIA_ADDRS=0.0.0.0\n", nil, 1},
		{"port", "MEETBOX_MEDIA_PORT=20000\n", []string{"MEETBOX_MEDIA_PORT=20000"}, 0},
		{"bad ports", "MEETBOX_MEDIA_PORT=80\nMEETBOX_MEDIA_PORT=\nMEETBOX_MEDIA_PORT=70000\n", nil, 3},
		{"unknown", "GODEBUG=x\nPATH=/perm\n", nil, 2},
		{"no value", "MEETBOX_MEDIA_ADDRS\n", []string{"MEETBOX_MEDIA_ADDRS="}, 0},
	}
	for _, tc := range tests {
		set, wrong := parseSettings(tc.text)
		if !slices.Equal(set, tc.set) || len(wrong) != tc.wrong {
			t.Errorf("%s: parseSettings(%q) = %q, %q, want %q and %d wrong", tc.name, tc.text, set, wrong, tc.set, tc.wrong)
		}
	}
}

func table(structures ...string) []byte { return []byte(strings.Join(structures, "")) }

func TestParseSMBIOS(t *testing.T) {
	t.Parallel()
	const (
		bios  = "\x00\x06\x00\x00\x01\x02Vendor\x001.0\x00\x00"
		plain = "\x20\x04\x01\x00\x00\x00" // no texts
		owner = "\x0b\x05\x02\x00\x02meetbox:A=1\x00other\x00\x00"
	)
	tests := []struct {
		name string
		b    []byte
		want []string
	}{
		{"nothing", nil, nil},
		{"no owner", table(bios, plain), nil},
		{"owner last", table(bios, plain, owner), []string{"meetbox:A=1", "other"}},
		{"owner first", table(owner, bios), []string{"meetbox:A=1", "other"}},
		{"cut off", table(owner)[:12], nil},
		{"length beyond the end", []byte("\x0b\xff\x00\x00"), nil},
		{"length of nothing", []byte("\x0b\x00\x00\x00\x00\x00"), nil},
	}
	for _, tc := range tests {
		if got := parseSMBIOS(tc.b); !slices.Equal(got, tc.want) {
			t.Errorf("%s: parseSMBIOS(%q) = %q, want %q", tc.name, tc.b, got, tc.want)
		}
	}
}

// Texts come from the table, whatever is in it.
func FuzzParseSMBIOS(f *testing.F) {
	f.Add([]byte("\x0b\x05\x02\x00\x02meetbox:A=1\x00other\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, text := range parseSMBIOS(b) {
			if !strings.Contains(string(b), text) {
				t.Errorf("%q is not in %q", text, b)
			}
		}
	})
}
