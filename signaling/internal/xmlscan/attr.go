package xmlscan

import "bytes"

// attributes reads up to and with the tag's end and takes in its namespace
// declarations.
func (s *Scanner) attributes(f *frame) (empty bool, err error) {
	s.attrs = s.attrs[:0]
	for {
		before := s.pos
		s.space()
		if s.pos >= len(s.b) {
			return false, ErrMalformed
		}
		switch s.b[s.pos] {
		case '>':
			s.pos++
			return false, nil
		case '/':
			if s.pos+1 >= len(s.b) || s.b[s.pos+1] != '>' {
				return false, ErrMalformed
			}
			s.pos += 2
			return true, nil
		}
		if s.pos == before { // two attributes need space between them
			return false, ErrMalformed
		}
		if len(s.attrs) == MaxAttrs {
			return false, ErrLimit
		}
		a, err := s.attribute()
		if err != nil {
			return false, err
		}
		for _, o := range s.attrs {
			if bytes.Equal(o.local, a.local) && bytes.Equal(o.prefix, a.prefix) {
				return false, ErrMalformed
			}
		}
		if err := s.declare(f, a); err != nil {
			return false, err
		}
		s.attrs = append(s.attrs, a)
	}
}

func (s *Scanner) attribute() (rawAttr, error) {
	start := s.pos
	prefix, local, err := s.qName()
	if err != nil {
		return rawAttr{}, err
	}
	s.space()
	if s.pos >= len(s.b) || s.b[s.pos] != '=' {
		return rawAttr{}, ErrMalformed
	}
	s.pos++
	s.space()
	if s.pos >= len(s.b) || s.b[s.pos] != '"' && s.b[s.pos] != '\'' {
		return rawAttr{}, ErrMalformed
	}
	quote := s.b[s.pos]
	s.pos++
	value := s.pos
	for s.pos < len(s.b) {
		switch c := s.b[s.pos]; {
		case c == quote:
			s.pos++
			return rawAttr{prefix: prefix, local: local, raw: s.b[value : s.pos-1], whole: s.b[start:s.pos]}, nil
		case c == '<':
			return rawAttr{}, ErrMalformed
		case c == '&':
			if err := s.reference(); err != nil {
				return rawAttr{}, err
			}
		case c >= 0x20 && c < 0x80:
			s.pos++
		default:
			if err := s.char(); err != nil {
				return rawAttr{}, err
			}
		}
	}
	return rawAttr{}, ErrMalformed
}

// declare takes in a, if it is a namespace declaration. A namespace with a
// reference in it is refused: it is compared as bytes from here on.
func (s *Scanner) declare(f *frame, a rawAttr) error {
	isDefault := a.prefix == nil && string(a.local) == "xmlns"
	if !isDefault && string(a.prefix) != "xmlns" {
		return nil
	}
	if bytes.ContainsAny(a.raw, "&\t\n\r") || string(a.raw) == nsXML || string(a.raw) == nsXMLNS {
		return ErrMalformed
	}
	if isDefault {
		f.def = a.raw
		return nil
	}
	if len(a.raw) == 0 || string(a.local) == "xml" || string(a.local) == "xmlns" {
		return ErrMalformed
	}
	if len(s.bindings) == maxBindings {
		return ErrLimit
	}
	s.bindings = append(s.bindings, binding{a.local, a.raw})
	return nil
}

var xmlNamespace = []byte(nsXML)

// lookup returns what a prefix is bound to, nil if nothing.
func (s *Scanner) lookup(prefix []byte) []byte {
	for i := len(s.bindings) - 1; i >= 0; i-- {
		if bytes.Equal(s.bindings[i].prefix, prefix) {
			return s.bindings[i].ns
		}
	}
	if bytes.Equal(prefix, xmlName) {
		return xmlNamespace
	}
	return nil
}

// resolve checks the prefixes of the tag's attributes, and that no two mean
// the same name.
func (s *Scanner) resolve() error {
	for i := range s.attrs {
		a := &s.attrs[i]
		if a.prefix == nil || bytes.Equal(a.prefix, xmlnsName) {
			continue
		}
		if a.ns = s.lookup(a.prefix); a.ns == nil {
			return ErrMalformed
		}
		for _, o := range s.attrs[:i] {
			if o.ns != nil && bytes.Equal(o.local, a.local) && bytes.Equal(o.ns, a.ns) {
				return ErrMalformed
			}
		}
	}
	return nil
}
