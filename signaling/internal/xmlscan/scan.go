package xmlscan

import (
	"bytes"
	"errors"
	"unicode/utf8"
)

// Limits of one element. Jingle with forty sources is 7 deep; the widest
// element of any client is a candidate with 14 attributes.
const (
	MaxDepth    = 64
	MaxAttrs    = 64   // of one element
	MaxChildren = 2048 // of the root
	maxBindings = 256  // prefixes in scope
)

// What is wrong with an element. ErrRestricted is well-formed XML that XMPP
// forbids (RFC 6120 §4.9.3.18); ErrLimit is one of the constants above.
var (
	ErrMalformed  = errors.New("not well-formed")
	ErrRestricted = errors.New("restricted XML")
	ErrLimit      = errors.New("XML limit exceeded")
)

const (
	nsXML   = "http://www.w3.org/XML/1998/namespace"
	nsXMLNS = "http://www.w3.org/2000/xmlns/"
)

// Attr is one attribute of the root that is not a namespace declaration.
type Attr struct {
	Prefix, Local []byte
	Raw           []byte // the value as written, entities included
}

// Child is a direct child element of the root.
type Child struct {
	Start, End int // of the whole child in the input
	NS, Local  []byte
}

// Element is what a Scan found.
type Element struct {
	NS, Prefix, Local []byte
	Default           []byte // namespace of unprefixed names in the root's content
	Attrs             []Attr
	Decls             [][]byte // the root's xmlns:prefix="…" as written
	OpenEnd           int      // where the root's content starts
	CloseStart        int      // where the root's end tag starts; OpenEnd of an empty-element tag
	Empty             bool     // the root is an empty-element tag
	Children          []Child
}

type binding struct{ prefix, ns []byte }

type frame struct {
	name     []byte // as written, to match the end tag
	bindings int    // how many were in scope outside
	def      []byte // default namespace inside
}

type rawAttr struct {
	prefix, local, raw, whole []byte
	ns                        []byte
}

// Scanner checks elements. The zero value is ready; its memory is reused.
type Scanner struct {
	// Default is the namespace of unprefixed names outside every declaration,
	// and StreamPrefix, if not nil, is bound to StreamNS there: what a stream
	// header has declared.
	Default      []byte
	StreamPrefix []byte
	StreamNS     []byte

	b        []byte
	pos      int
	el       Element
	frames   []frame
	bindings []binding
	attrs    []rawAttr
}

// Scan checks that b is exactly one element, with nothing but white space
// around it.
func (s *Scanner) Scan(b []byte) (*Element, error) {
	s.b, s.pos = b, 0
	s.el = Element{Attrs: s.el.Attrs[:0], Decls: s.el.Decls[:0], Children: s.el.Children[:0]}
	s.frames, s.bindings = s.frames[:0], s.bindings[:0]
	if s.StreamPrefix != nil {
		s.bindings = append(s.bindings, binding{s.StreamPrefix, s.StreamNS})
	}
	s.space()
	if s.pos >= len(b) || b[s.pos] != '<' {
		return nil, ErrMalformed
	}
	if err := s.markup(); err != nil {
		return nil, err
	}
	for len(s.frames) > 0 {
		if err := s.text(); err != nil {
			return nil, err
		}
		if err := s.markup(); err != nil {
			return nil, err
		}
	}
	s.space()
	if s.pos != len(b) {
		return nil, ErrMalformed
	}
	return &s.el, nil
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func (s *Scanner) space() {
	for s.pos < len(s.b) && isSpace(s.b[s.pos]) {
		s.pos++
	}
}

// text checks character data up to the next '<'.
func (s *Scanner) text() error {
	start := s.pos
	for s.pos < len(s.b) {
		switch c := s.b[s.pos]; {
		case c == '<':
			return nil
		case c == '&':
			if err := s.reference(); err != nil {
				return err
			}
		case c == '>':
			if s.pos-start >= 2 && s.b[s.pos-1] == ']' && s.b[s.pos-2] == ']' {
				return ErrMalformed
			}
			s.pos++
		case c >= 0x20 && c < 0x80:
			s.pos++
		default:
			if err := s.char(); err != nil {
				return err
			}
		}
	}
	return ErrMalformed // the root is still open
}

// char checks one character that is not printable ASCII.
func (s *Scanner) char() error {
	r, n := utf8.DecodeRune(s.b[s.pos:])
	if r == utf8.RuneError && n <= 1 || !legal(r) {
		return ErrMalformed
	}
	s.pos += n
	return nil
}

// legal is production 2 of XML 1.0.
func legal(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' ||
		r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF
}

// reference checks a character reference or one of XML's five entities.
func (s *Scanner) reference() error {
	rest := s.b[s.pos+1:]
	n := bytes.IndexByte(rest[:min(len(rest), 12)], ';') // &#x0010FFFF; is the longest anyone writes
	if n <= 0 {
		return ErrMalformed
	}
	name := rest[:n]
	s.pos += n + 2
	if name[0] != '#' {
		switch string(name) {
		case "lt", "gt", "amp", "apos", "quot":
			return nil
		}
		return ErrRestricted
	}
	if r, ok := charRef(name[1:]); !ok || !legal(r) {
		return ErrMalformed
	}
	return nil
}

// charRef reads what stands between "&#" and ";".
func charRef(digits []byte) (rune, bool) {
	base := rune(10)
	if len(digits) > 0 && digits[0] == 'x' {
		base, digits = 16, digits[1:]
	}
	if len(digits) == 0 {
		return 0, false
	}
	var r rune
	for _, c := range digits {
		var d rune
		switch {
		case c >= '0' && c <= '9':
			d = rune(c - '0')
		case base == 16 && c >= 'a' && c <= 'f':
			d = rune(c-'a') + 10
		case base == 16 && c >= 'A' && c <= 'F':
			d = rune(c-'A') + 10
		default:
			return 0, false
		}
		if r = r*base + d; r > utf8.MaxRune {
			return 0, false
		}
	}
	return r, true
}

// markup checks what starts with the '<' at pos.
func (s *Scanner) markup() error {
	if s.pos+1 >= len(s.b) {
		return ErrMalformed
	}
	switch s.b[s.pos+1] {
	case '/':
		return s.endTag()
	case '?':
		return ErrRestricted
	case '!':
		if len(s.frames) > 0 && bytes.HasPrefix(s.b[s.pos:], cdataOpen) {
			return s.cdata()
		}
		return ErrRestricted // a comment or a document type
	}
	return s.startTag()
}

var (
	cdataOpen  = []byte("<![CDATA[")
	cdataClose = []byte("]]>")
	xmlnsName  = []byte("xmlns")
	xmlName    = []byte("xml")
)

func (s *Scanner) cdata() error {
	s.pos += len(cdataOpen)
	n := bytes.Index(s.b[s.pos:], cdataClose)
	if n < 0 {
		return ErrMalformed
	}
	for end := s.pos + n; s.pos < end; {
		if c := s.b[s.pos]; c >= 0x20 && c < 0x80 {
			s.pos++
		} else if err := s.char(); err != nil {
			return err
		}
	}
	s.pos += len(cdataClose)
	return nil
}

func (s *Scanner) endTag() error {
	start := s.pos
	s.pos += 2
	if len(s.frames) == 0 {
		return ErrMalformed
	}
	f := &s.frames[len(s.frames)-1]
	if !bytes.HasPrefix(s.b[s.pos:], f.name) {
		return ErrMalformed
	}
	s.pos += len(f.name)
	s.space()
	if s.pos >= len(s.b) || s.b[s.pos] != '>' {
		return ErrMalformed
	}
	s.pos++
	s.pop(start)
	return nil
}

// pop closes the innermost element, whose end tag starts at start.
func (s *Scanner) pop(start int) {
	f := s.frames[len(s.frames)-1]
	s.bindings = s.bindings[:f.bindings]
	s.frames = s.frames[:len(s.frames)-1]
	switch len(s.frames) {
	case 0:
		s.el.CloseStart = start
	case 1:
		s.el.Children[len(s.el.Children)-1].End = s.pos
	}
}

func isNameStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

func isName(c byte) bool {
	return isNameStart(c) || c >= '0' && c <= '9' || c == '-' || c == '.'
}

// ncName reads a name without colon; empty if there is none.
func (s *Scanner) ncName() []byte {
	start := s.pos
	if s.pos < len(s.b) && isNameStart(s.b[s.pos]) {
		for s.pos++; s.pos < len(s.b) && isName(s.b[s.pos]); s.pos++ {
		}
	}
	return s.b[start:s.pos]
}

// qName reads [prefix:]local.
func (s *Scanner) qName() (prefix, local []byte, err error) {
	local = s.ncName()
	if len(local) > 0 && s.pos < len(s.b) && s.b[s.pos] == ':' {
		s.pos++
		prefix, local = local, s.ncName()
	}
	if len(local) == 0 {
		return nil, nil, ErrMalformed
	}
	return prefix, local, nil
}

func (s *Scanner) startTag() error {
	start := s.pos
	if len(s.frames) == MaxDepth {
		return ErrLimit
	}
	s.pos++
	prefix, local, err := s.qName()
	if err != nil {
		return err
	}
	f := frame{name: s.b[start+1 : s.pos], bindings: len(s.bindings), def: s.Default}
	if n := len(s.frames); n > 0 {
		f.def = s.frames[n-1].def
	}
	empty, err := s.attributes(&f)
	if err != nil {
		return err
	}
	ns := f.def
	if prefix != nil {
		if ns = s.lookup(prefix); ns == nil || string(prefix) == "xmlns" {
			return ErrMalformed
		}
	}
	if err := s.resolve(); err != nil {
		return err
	}
	switch len(s.frames) {
	case 0:
		s.root(prefix, local, ns, empty)
		s.el.Default = f.def
	case 1:
		if len(s.el.Children) == MaxChildren {
			return ErrLimit
		}
		s.el.Children = append(s.el.Children, Child{Start: start, NS: ns, Local: local})
	}
	s.frames = append(s.frames, f)
	if empty {
		s.pop(s.pos)
	}
	return nil
}

func (s *Scanner) root(prefix, local, ns []byte, empty bool) {
	s.el.NS, s.el.Prefix, s.el.Local, s.el.Empty, s.el.OpenEnd = ns, prefix, local, empty, s.pos
	for _, a := range s.attrs {
		switch {
		case string(a.prefix) == "xmlns":
			s.el.Decls = append(s.el.Decls, a.whole)
		case a.prefix == nil && string(a.local) == "xmlns":
		default:
			s.el.Attrs = append(s.el.Attrs, Attr{Prefix: a.prefix, Local: a.local, Raw: a.raw})
		}
	}
}
