package xmlscan

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func newScanner() *Scanner {
	return &Scanner{Default: []byte("jabber:client"), StreamPrefix: []byte("stream"), StreamNS: []byte("http://etherx.jabber.org/streams")}
}

func TestScanAccepts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, in, want string }{
		{"empty element", `<presence/>`, `jabber:client presence`},
		{"children", `<iq type='get'><a/>text<b xmlns="urn:b"><c/></b></iq>`, `jabber:client iq [jabber:client a][urn:b b]`},
		{"default on the root", `<open xmlns="urn:f"/>`, `urn:f open`},
		{"prefix on the root", `<p:x xmlns:p="urn:p"><p:y/><z/></p:x>`, `urn:p x [urn:p y][jabber:client z]`},
		{"prefix redeclared inside", `<x xmlns:p="urn:p"><p:y xmlns:p="urn:q"/><p:z/></x>`, `jabber:client x [urn:q y][urn:p z]`},
		{"default taken back", `<x xmlns="urn:x"><y xmlns=""/></x>`, `urn:x x [ y]`},
		{"stream prefix", `<stream:error><gone/></stream:error>`, `http://etherx.jabber.org/streams error [jabber:client gone]`},
		{"xml prefix", `<message xml:lang="en"/>`, `jabber:client message`},
		{"references", `<a b="&lt;&#x1F389;">&amp;&quot;&apos;&gt;&#9;</a>`, `jabber:client a`},
		{"CDATA", `<a><![CDATA[<b>&]]x]]></a>`, `jabber:client a`},
		{"white space around", " \n<a />\t", `jabber:client a`},
		{"end tag with space", `<a></a >`, `jabber:client a`},
		{"not ASCII in text", `<a b="ü">😀</a>`, `jabber:client a`},
		{"same local name, other namespace", `<a xmlns:p="urn:p" p:b="1" b="2"/>`, `jabber:client a`},
		{"deepest", strings.Repeat("<a>", MaxDepth) + strings.Repeat("</a>", MaxDepth), `jabber:client a [jabber:client a]`},
	} {
		el, err := newScanner().Scan([]byte(tc.in))
		if err != nil {
			t.Errorf("%s: Scan(%s): %v", tc.name, tc.in, err)
			continue
		}
		var got strings.Builder
		got.WriteString(string(el.NS) + " " + string(el.Local))
		for i, c := range el.Children {
			if i == 0 {
				got.WriteString(" ")
			}
			got.WriteString("[" + string(c.NS) + " " + string(c.Local) + "]")
		}
		if got.String() != tc.want {
			t.Errorf("%s: Scan(%s) = %s, want %s", tc.name, tc.in, got.String(), tc.want)
		}
	}
}

func TestScanRefuses(t *testing.T) {
	t.Parallel()
	var attrs strings.Builder
	for i := range MaxAttrs + 1 {
		attrs.WriteString(" a" + strings.Repeat("x", i) + "='1'")
	}
	for _, tc := range []struct {
		name, in string
		want     error
	}{
		{"nothing", ``, ErrMalformed},
		{"text", `hello`, ErrMalformed},
		{"two elements", `<a/><b/>`, ErrMalformed},
		{"text behind", `<a/>x`, ErrMalformed},
		{"not closed", `<a><b></b>`, ErrMalformed},
		{"closed twice", `<a></a></a>`, ErrMalformed},
		{"wrong end", `<a></b>`, ErrMalformed},
		{"end of another prefix", `<p:a xmlns:p="u" xmlns:q="u"></q:a>`, ErrMalformed},
		{"end with more", `<a></ab>`, ErrMalformed},
		{"attribute twice", `<a b="1" b="2"/>`, ErrMalformed},
		{"attribute twice by namespace", `<a xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"/>`, ErrMalformed},
		{"attribute without quotes", `<a b=1/>`, ErrMalformed},
		{"attribute without value", `<a b/>`, ErrMalformed},
		{"no space between attributes", `<a b="1"c="2"/>`, ErrMalformed},
		{"less-than in attribute", `<a b="<"/>`, ErrMalformed},
		{"prefix undeclared", `<p:a/>`, ErrMalformed},
		{"attribute prefix undeclared", `<a p:b=""/>`, ErrMalformed},
		{"prefix out of scope", `<a><b xmlns:p="u"/><p:c/></a>`, ErrMalformed},
		{"prefix unbound", `<a xmlns:p=""/>`, ErrMalformed},
		{"prefix xmlns", `<xmlns:a/>`, ErrMalformed},
		{"prefix xmlns declared", `<a xmlns:xmlns="u"/>`, ErrMalformed},
		{"xml rebound", `<a xmlns:xml="u"/>`, ErrMalformed},
		{"other prefix for xml", `<a xmlns:p="http://www.w3.org/XML/1998/namespace"/>`, ErrMalformed},
		{"two colons", `<a:b:c xmlns:a="u"/>`, ErrMalformed},
		{"name starts with a digit", `<1/>`, ErrMalformed},
		{"name not ASCII", `<ä/>`, ErrMalformed},
		{"bare ampersand", `<a>&</a>`, ErrMalformed},
		{"character zero", `<a>&#0;</a>`, ErrMalformed},
		{"surrogate", `<a>&#xD800;</a>`, ErrMalformed},
		{"beyond Unicode", `<a>&#x110000;</a>`, ErrMalformed},
		{"control character", "<a>\x01</a>", ErrMalformed},
		{"not UTF-8", "<a>\xff</a>", ErrMalformed},
		{"not a character", "<a>\uffff</a>", ErrMalformed},
		{"CDATA end in text", `<a>]]></a>`, ErrMalformed},
		{"CDATA not closed", `<a><![CDATA[x</a>`, ErrMalformed},
		{"CDATA outside", `<![CDATA[x]]>`, ErrRestricted},
		{"document type", `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`, ErrRestricted},
		{"entity", `<a>&nbsp;</a>`, ErrRestricted},
		{"comment", `<a><!-- x --></a>`, ErrRestricted},
		{"processing instruction", `<a><?php x ?></a>`, ErrRestricted},
		{"XML declaration", `<?xml version="1.0"?><a/>`, ErrRestricted},
		{"too deep", strings.Repeat("<a>", MaxDepth+1) + strings.Repeat("</a>", MaxDepth+1), ErrLimit},
		{"too many attributes", "<a" + attrs.String() + "/>", ErrLimit},
		{"too many children", "<a>" + strings.Repeat("<b/>", MaxChildren+1) + "</a>", ErrLimit},
	} {
		if _, err := newScanner().Scan([]byte(tc.in)); !errors.Is(err, tc.want) {
			t.Errorf("%s: Scan(%.80s) = %v, want %v", tc.name, tc.in, err, tc.want)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, want string }{
		{`<a/>`, ``}, {`<a>x &amp; y</a>`, `x & y`}, {`<a b=">">x</a>`, `x`},
		{`<a>1<b>no<c/></b>2<![CDATA[<3>]]></a>`, `12<3>`}, {`<a b='/'>x</a>`, `x`},
	} {
		if got := Text([]byte(tc.in)); got != tc.want {
			t.Errorf("Text(%s) = %q, want %q", tc.in, got, tc.want)
		}
	}
}

func TestScanDoesNotAllocate(t *testing.T) {
	in := []byte(`<presence xmlns="jabber:client" to="demo@muc.meet.jitsi/a1b2c3d4" id="7"><x xmlns="http://jabber.org/protocol/muc"/>` +
		`<c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="https://jitsi.org/jitsi-meet" ver="abc="/><SourceInfo>{"a":1}</SourceInfo></presence>`)
	s := newScanner()
	n := testing.AllocsPerRun(100, func() {
		if _, err := s.Scan(in); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations a stanza", n)
	}
}

// judge reads in with encoding/xml and describes the root as describe does.
func judge(in []byte) (string, error) {
	d := xml.NewDecoder(strings.NewReader(`<w xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams">` + string(in) + `</w>`))
	var out strings.Builder
	for depth := 0; ; {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out.String(), nil
		}
		if err != nil {
			return "", err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if depth == 1 || depth == 2 {
				out.WriteString("<" + tok.Name.Space + " " + tok.Name.Local)
				for _, a := range tok.Attr {
					if depth == 1 && a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
						out.WriteString(" " + a.Name.Local + "=" + a.Value)
					}
				}
			}
			depth++
		case xml.EndElement:
			depth--
		}
	}
}

func describe(el *Element) string {
	var out strings.Builder
	out.WriteString("<" + string(el.NS) + " " + string(el.Local))
	for _, a := range el.Attrs {
		out.WriteString(" " + string(a.Local) + "=" + Unescape(a.Raw))
	}
	for _, c := range el.Children {
		out.WriteString("<" + string(c.NS) + " " + string(c.Local))
	}
	return out.String()
}

// FuzzScan: what Scan accepts, encoding/xml reads in the same way, the pieces
// put together again too, and the splitter agrees on where it ends.
func FuzzScan(f *testing.F) {
	for _, s := range []string{
		`<iq type="get" id="1"><ping xmlns="urn:xmpp:ping"/></iq>`,
		`<p:x xmlns:p="urn:p" p:a="1" b='2'><p:y>&lt;<![CDATA[x]]></p:y><z/> </p:x>`,
		`<stream:error><gone xmlns="urn:s"/></stream:error>`, `<a b="&#x41;" xml:lang="en">ü]]&gt;</a>`,
		`<message><body>]]</body><x xmlns=""/></message>`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		el, err := newScanner().Scan(in)
		if err != nil {
			return
		}
		got := describe(el)
		want, err := judge(in)
		if err != nil {
			t.Fatalf("accepted, but encoding/xml says %v: %q", err, in)
		}
		if got != want {
			t.Fatalf("%q:\n got %s\nwant %s", in, got, want)
		}
		var again []byte
		again = append(again, in[:el.OpenEnd]...)
		for _, c := range el.Children {
			again = append(again, in[c.Start:c.End]...)
		}
		if !el.Empty {
			again = append(again, in[el.CloseStart:]...)
		}
		if want, err = judge(again); err != nil || got != want {
			t.Fatalf("children of %q put together: %v\n got %s\nwant %s", in, err, got, want)
		}
		var s Splitter
		stream := append(append([]byte{}, in...), "<next"...)
		kind, n, err := s.Next(stream, 0, len(stream))
		if err != nil || kind != Whole || strings.TrimSpace(string(in[n:])) != "" {
			t.Fatalf("splitter of %q: kind %d, %d bytes, %v", in, kind, n, err)
		}
	})
}

// FuzzSplit: it does not matter in which pieces the bytes come.
func FuzzSplit(f *testing.F) {
	f.Add([]byte(`<a b=">"><c/>x<![CDATA[]]>]]></a><d/></stream:stream>`), uint8(3))
	f.Fuzz(func(t *testing.T, in []byte, piece uint8) {
		var whole, parts Splitter
		k1, n1, err1 := whole.Next(in, 0, 1000)
		var k2 Kind
		var n2 int
		var err2 error
		for end := 0; end < len(in) && k2 == More && err2 == nil; {
			seen := end
			end = min(end+int(piece)%7+1, len(in))
			k2, n2, err2 = parts.Next(in[:end], seen, 1000)
		}
		if k1 != k2 || n1 != n2 || !errors.Is(err2, err1) {
			t.Fatalf("%q: whole %d %d %v, in pieces %d %d %v", in, k1, n1, err1, k2, n2, err2)
		}
	})
}

func BenchmarkScan(b *testing.B) {
	in := []byte(`<presence xmlns="jabber:client" to="demo@muc.meet.jitsi/a1b2c3d4" id="7"><x xmlns="http://jabber.org/protocol/muc"/>` +
		`<c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="https://jitsi.org/jitsi-meet" ver="abc="/><SourceInfo>{"a":1}</SourceInfo></presence>`)
	s := newScanner()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if _, err := s.Scan(in); err != nil {
			b.Fatal(err)
		}
	}
}
