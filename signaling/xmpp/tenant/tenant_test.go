package tenant

import (
	"bytes"
	"strings"
	"testing"
)

const rooms = "muc.meet.jitsi"

func TestView(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, outer, inner string }{
		{"address", `<presence to="demo@muc.acme.meet.jitsi/ann">`, `<presence to="[acme]demo@muc.meet.jitsi/ann">`},
		{"bare", `'demo@muc.acme.meet.jitsi'`, `'[acme]demo@muc.meet.jitsi'`},
		{"the service", `<iq to="muc.acme.meet.jitsi">`, `<iq to="muc.meet.jitsi">`},
		{"JSON", `{&quot;room&quot;:&quot;demo@muc.acme.meet.jitsi&quot;}`, `{&quot;room&quot;:&quot;[acme]demo@muc.meet.jitsi&quot;}`},
		{"JSON in a text", `{"demo@muc.acme.meet.jitsi/ann":1}`, `{"[acme]demo@muc.meet.jitsi/ann":1}`},
		{"two", `a@muc.acme.meet.jitsi b@muc.acme.meet.jitsi`, `[acme]a@muc.meet.jitsi [acme]b@muc.meet.jitsi`},
		{"percent signs", `gr%c3%b6%c3%9fe@muc.acme.meet.jitsi`, `[acme]gr%c3%b6%c3%9fe@muc.meet.jitsi`},
		{"a name with a semicolon", `>a;b@muc.acme.meet.jitsi<`, `>[acme]a;b@muc.meet.jitsi<`},
		{"a name with brackets", `"[x]demo@muc.acme.meet.jitsi"`, `"[acme][x]demo@muc.meet.jitsi"`},
		{"a sentence", `come to demo@muc.acme.meet.jitsi.`, `come to [acme]demo@muc.meet.jitsi.`},
		{"a number as an entity", `&#34;demo@muc.acme.meet.jitsi`, `&#34;[acme]demo@muc.meet.jitsi`},
		{"nothing", `<presence/>`, `<presence/>`},
		{"another service", `x@lobby.meet.jitsi internal-muc.meet.jitsi`, `x@lobby.meet.jitsi internal-muc.meet.jitsi`},
		{"a longer domain", `x@muc.acme.meet.jitsi.example x@muc.acme.meet.jitsix`, `x@muc.acme.meet.jitsi.example x@muc.acme.meet.jitsix`},
		{"a domain below", `x@a.muc.acme.meet.jitsi`, `x@a.muc.acme.meet.jitsi`},
		{"another tenant", `demo@muc.other.meet.jitsi`, `demo@muc.other.meet.jitsi`},
		{"no name", `"@muc.acme.meet.jitsi"`, `"@muc.acme.meet.jitsi"`},
	} {
		v := NewView("acme", rooms)
		if got := string(v.Inward([]byte(tc.outer))); got != tc.inner {
			t.Errorf("%s: inward %s, want %s", tc.name, got, tc.inner)
		}
		if got := string(v.Outward([]byte(tc.inner))); got != tc.outer {
			t.Errorf("%s: outward %s, want %s", tc.name, got, tc.outer)
		}
	}
}

// TestPercentSigns: JSON that is pushed to clients has none (signaling's
// wire.JSON), addresses elsewhere have.
func TestPercentSigns(t *testing.T) {
	t.Parallel()
	v := NewView("b%c3%bcro", rooms)
	inner := `<m from="[b%c3%bcro]x%20y@muc.meet.jitsi">{"room":"[b\u0025c3\u0025bcro]x\u002520y@muc.meet.jitsi"}</m>`
	outer := `<m from="x%20y@muc.b%c3%bcro.meet.jitsi">{"room":"x\u002520y@muc.b\u0025c3\u0025bcro.meet.jitsi"}</m>`
	if got := string(v.Outward([]byte(inner))); got != outer {
		t.Errorf("outward %s, want %s", got, outer)
	}
	said := strings.ReplaceAll(outer, `\u0025`, "%")
	if got, want := string(v.Inward([]byte(said))), strings.ReplaceAll(inner, `\u0025`, "%"); got != want {
		t.Errorf("inward %s, want %s", got, want)
	}
}

// TestOthersRooms: a room of another tenant, or of none, is not shown as if it
// were one of this tenant.
func TestOthersRooms(t *testing.T) {
	t.Parallel()
	v := NewView("acme", rooms)
	for _, s := range []string{`"demo@muc.meet.jitsi"`, `"[other]demo@muc.meet.jitsi/x"`, `"[acme]@muc.meet.jitsi"`} {
		if got := string(v.Outward([]byte(s))); got != s {
			t.Errorf("%s is shown as %s", s, got)
		}
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for local, want := range map[string][3]string{
		"demo":       {"", "demo", "demo"},
		"[acme]demo": {"acme", "demo", "acme/demo"},
		"[acme][x]y": {"acme", "[x]y", "acme/[x]y"},
		"[acme]":     {"", "[acme]", "[acme]"},
		"[]demo":     {"", "[]demo", "[]demo"},
		"[acme":      {"", "[acme", "[acme"},
		"a[b]c":      {"", "a[b]c", "a[b]c"},
		"":           {"", "", ""},
	} {
		name, room := Split(local)
		if got := [3]string{name, room, Path(local)}; got != want {
			t.Errorf("%q: %q, want %q", local, got, want)
		}
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	if v := Of("demo@muc.acme.meet.jitsi", rooms); v == nil || string(v.prefix) != "[acme]" {
		t.Errorf("view %+v", v)
	}
	for _, s := range []string{"demo@muc.meet.jitsi", "demo@muc..meet.jitsi", "demo@muc.a.b.meet.jitsi", "demo@muc.A.meet.jitsi", "demo@lobby.a.meet.jitsi", "muc.a.meet", "", "@"} {
		if v := Of(s, rooms); v != nil {
			t.Errorf("%q has the view %+v", s, v)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"acme", "a", "a_b-c", "b%c3%bcro", "50%25", "~x"} {
		if err := Check(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"", "Acme", "a.b", "a]b", "[a", "a b", "a/b", "a@b", "büro", "a\x00", string(bytes.Repeat([]byte("a"), 256))} {
		if Check(s) == nil {
			t.Errorf("%q is good", s)
		}
	}
}

// TestNothingIsFree: what has no address in it is not copied.
func TestNothingIsFree(t *testing.T) {
	v := NewView("acme", rooms)
	b := []byte(`<presence to="x@lobby.meet.jitsi"><x/></presence>`)
	if n := testing.AllocsPerRun(100, func() { v.Inward(b); v.Outward(b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzView: what a client is shown of what it has written is what it has
// written, but for addresses in the services' spelling.
func FuzzView(f *testing.F) {
	f.Add([]byte(`<iq to="demo@muc.a.meet.jitsi/x" id="[a]b@muc.meet.jitsi">muc.a.meet.jitsi</iq>`))
	f.Add([]byte(`&amp;x@muc.a.meet.jitsi;y@muc.a.meet.jitsi.`))
	f.Fuzz(func(t *testing.T, b []byte) {
		v := NewView("a", rooms)
		in := v.Inward(b)
		if bytes.Equal(v.Outward(b), b) && !bytes.Equal(v.Outward(in), b) {
			t.Errorf("%q is %q inside and %q again", b, in, v.Outward(in))
		}
		for _, s := range [][]byte{in, v.Outward(b)} {
			for _, c := range []byte(`<>&"'/`) {
				if bytes.Count(s, []byte{c}) != bytes.Count(b, []byte{c}) {
					t.Errorf("%q has become %q", b, s)
				}
			}
		}
	})
}
