package xmlscan

import "errors"

// ErrTooLong is an element longer than the Splitter takes.
var ErrTooLong = errors.New("element too long")

type splitState uint8

const (
	between   splitState = iota // outside of markup
	opened                      // after '<'
	openTag                     // in a start tag
	openQuote                   // in a quoted value of a start tag
	closeTag                    // in an end tag
	bang                        // after "<!"
	inCDATA
)

// Splitter finds top-level elements in a stream of bytes that arrives in
// pieces of any size. The zero value expects the start of an element.
type Splitter struct {
	state   splitState
	quote   byte
	depth   int
	slash   bool // the byte before was '/', in a start tag
	matched int  // of "[CDATA[" or "]]>"
}

// Kind says what Next found.
type Kind uint8

const (
	More      Kind = iota // nothing is complete yet
	Whole                 // b[:n] is one element, with white space before it
	StreamEnd             // b[:n] ends with the stream's end tag
)

// Next looks through b, of which the first seen bytes were given to it
// before, for the end of an element. max bounds the element's length.
func (s *Splitter) Next(b []byte, seen, max int) (Kind, int, error) {
	for i := seen; i < len(b); i++ {
		c := b[i]
		switch s.state {
		case between:
			if c == '<' {
				s.state = opened
			} else if s.depth == 0 && !isSpace(c) {
				return More, 0, ErrMalformed
			}
		case opened:
			switch c {
			case '/':
				s.state = closeTag
			case '!':
				s.state, s.matched = bang, 0
			case '?':
				return More, 0, ErrRestricted
			default:
				s.state, s.slash = openTag, false
			}
		case openTag:
			switch c {
			case '"', '\'':
				s.state, s.quote = openQuote, c
			case '>':
				s.state = between
				if !s.slash {
					s.depth++
				} else if s.depth == 0 {
					return Whole, i + 1, nil
				}
			}
			s.slash = c == '/'
		case openQuote:
			if c == s.quote {
				s.state = openTag
			}
		case closeTag:
			if c != '>' {
				break
			}
			s.state = between
			if s.depth == 0 {
				return StreamEnd, i + 1, nil
			}
			if s.depth--; s.depth == 0 {
				return Whole, i + 1, nil
			}
		case bang:
			if s.depth == 0 || c != "[CDATA["[s.matched] {
				return More, 0, ErrRestricted
			}
			if s.matched++; s.matched == len("[CDATA[") {
				s.state, s.matched = inCDATA, 0
			}
		case inCDATA:
			switch {
			case c == ']':
				s.matched = min(s.matched+1, 2)
			case c == '>' && s.matched == 2:
				s.state = between
			default:
				s.matched = 0
			}
		}
		if i >= max {
			return More, 0, ErrTooLong
		}
	}
	return More, 0, nil
}

// Header returns the length of the stream header at the start of b, with the
// XML declaration that may precede it; 0 while it is not complete.
func Header(b []byte) (n int, tag []byte, err error) {
	i := 0
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	if len(b)-i >= 5 && string(b[i:i+5]) == "<?xml" {
		for i+1 < len(b) && (b[i] != '?' || b[i+1] != '>') {
			i++
		}
		if i+1 >= len(b) {
			return 0, nil, nil
		}
		for i += 2; i < len(b) && isSpace(b[i]); {
			i++
		}
	} else if len(b)-i >= 2 && b[i+1] == '?' && len(b)-i < 5 {
		return 0, nil, nil
	}
	if i < len(b) && b[i] != '<' {
		return 0, nil, ErrMalformed
	}
	if i+1 < len(b) && (b[i+1] == '!' || b[i+1] == '?' && len(b)-i >= 5) {
		return 0, nil, ErrRestricted
	}
	end := tagEnd(b[i:])
	if end < 0 {
		return 0, nil, nil
	}
	return i + end, b[i : i+end], nil
}
