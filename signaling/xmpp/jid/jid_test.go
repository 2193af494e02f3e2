package jid

import (
	"encoding/xml"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, in, want string }{
		{"full", "ann@meet.jitsi/a1b2", "ann@meet.jitsi/a1b2"},
		{"domain", "meet.jitsi", "meet.jitsi"},
		{"domain with resource", "focus.meet.jitsi/ann@meet.jitsi/r", "focus.meet.jitsi/ann@meet.jitsi/r"},
		{"case", "Ann@Meet.Jitsi/Res", "ann@meet.jitsi/Res"},
		{"percent room", "caf%c3%a9@muc.meet.jitsi", "caf%c3%a9@muc.meet.jitsi"},
		{"umlaut", "Käthe@meet.jitsi", "käthe@meet.jitsi"},
		{"space in resource", "a@b/x y", "a@b/x y"},
		{"address", "a@127.0.0.1", "a@127.0.0.1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			j, err := Parse(tc.in)
			if err != nil || j.String() != tc.want {
				t.Fatalf("Parse(%q) = %q, %v, want %q", tc.in, j, err, tc.want)
			}
			if again := MustParse(j.String()); again != j {
				t.Errorf("Parse(%q) is not stable: %q", tc.in, again)
			}
		})
	}
	for _, in := range []string{"", "@meet.jitsi", "a@", "a@b/", "a b@c", "a<@b", "a@b/\x00", "\xff@b", "a\"@b"} {
		if j, err := Parse(in); err == nil {
			t.Errorf("Parse(%q) = %q, want an error", in, j)
		}
	}
}

func TestParts(t *testing.T) {
	t.Parallel()
	j := MustParse("ann@meet.jitsi/a1b2")
	if j.Local() != "ann" || j.Domain() != "meet.jitsi" || j.Resource() != "a1b2" {
		t.Errorf("parts of %q: %q %q %q", j, j.Local(), j.Domain(), j.Resource())
	}
	if j.Bare() != MustParse("ann@meet.jitsi") || j.Host() != MustParse("meet.jitsi") || j.Bare().Bare() != j.Bare() {
		t.Errorf("Bare and Host of %q: %q %q", j, j.Bare(), j.Host())
	}
	var zero JID
	if !zero.IsZero() || zero.String() != "" || zero.Local() != "" || zero.Domain() != "" || zero.Resource() != "" || !zero.Bare().IsZero() || !zero.Host().IsZero() {
		t.Error("the zero JID has parts")
	}
	if w, err := j.WithResource("z"); err != nil || w != MustParse("ann@meet.jitsi/z") {
		t.Errorf("WithResource = %q, %v", w, err)
	}
}

func TestAttribute(t *testing.T) {
	t.Parallel()
	type stanza struct {
		XMLName xml.Name `xml:"m"`
		To      JID      `xml:"to,attr"`
		From    JID      `xml:"from,attr"`
	}
	v := stanza{XMLName: xml.Name{Local: "m"}, To: MustParse("a@b")}
	b, err := xml.Marshal(v)
	if want := `<m to="a@b"></m>`; err != nil || string(b) != want {
		t.Fatalf("Marshal = %s, %v, want %s", b, err, want)
	}
	var back stanza
	if err := xml.Unmarshal(b, &back); err != nil || back != v {
		t.Errorf("Unmarshal(%s) = %v, %v, want %v", b, back, err, v)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a@b/c", "b", "Ä@b.c/ /", "a@xn--bcher-kva.example", "a%@b/@/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		j, err := Parse(s)
		if err != nil {
			return
		}
		if k, err := Parse(j.String()); err != nil || k != j {
			t.Errorf("Parse(%q) = %q, which parses to %q, %v", s, j, k, err)
		}
		if k, err := New(j.Local(), j.Domain(), j.Resource()); err != nil || k != j {
			t.Errorf("New of the parts of %q = %q, %v", j, k, err)
		}
	})
}
