package xmlscan

import (
	"bytes"
	"unicode/utf8"
)

// Unescape returns the characters that raw text or a raw attribute value,
// which has passed a Scan, stands for. CDATA sections are taken as text.
func Unescape(raw []byte) string {
	if bytes.IndexByte(raw, '&') < 0 && !bytes.Contains(raw, cdataOpen) {
		return string(raw)
	}
	out := make([]byte, 0, len(raw))
	for len(raw) > 0 {
		i := bytes.IndexAny(raw, "&<")
		if i < 0 {
			return string(append(out, raw...))
		}
		out, raw = append(out, raw[:i]...), raw[i:]
		if raw[0] == '<' {
			body, rest, _ := bytes.Cut(bytes.TrimPrefix(raw, cdataOpen), cdataClose)
			out, raw = append(out, body...), rest
			continue
		}
		name, rest, _ := bytes.Cut(raw[1:], []byte{';'})
		out, raw = appendReference(out, name), rest
	}
	return string(out)
}

func appendReference(out, name []byte) []byte {
	switch string(name) {
	case "lt":
		return append(out, '<')
	case "gt":
		return append(out, '>')
	case "amp":
		return append(out, '&')
	case "apos":
		return append(out, '\'')
	case "quot":
		return append(out, '"')
	}
	if len(name) > 1 {
		if r, ok := charRef(name[1:]); ok {
			return utf8.AppendRune(out, r)
		}
	}
	return out
}

// AppendEscaped appends text so that it may stand in an element or between
// double quotes. Characters that XML cannot carry become U+FFFD.
func AppendEscaped[T ~string | ~[]byte](out []byte, text T) []byte {
	for _, r := range string(text) {
		switch {
		case r == '<':
			out = append(out, "&lt;"...)
		case r == '>':
			out = append(out, "&gt;"...)
		case r == '&':
			out = append(out, "&amp;"...)
		case r == '"':
			out = append(out, "&quot;"...)
		case r == '\'':
			out = append(out, "&apos;"...)
		case r < 0x20:
			if legal(r) {
				out = append(out, "&#x"...)
				out = append(out, "0123456789ABCDEF"[r], ';')
			} else {
				out = utf8.AppendRune(out, utf8.RuneError)
			}
		case !legal(r):
			out = utf8.AppendRune(out, utf8.RuneError)
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}

// AppendRawAttr appends a raw attribute value so that it may stand between
// double quotes, whatever quotes it stood between.
func AppendRawAttr(out, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '"')
		if i < 0 {
			return append(out, raw...)
		}
		out = append(append(out, raw[:i]...), "&quot;"...)
		raw = raw[i+1:]
	}
}

// Text returns the character data directly inside an element that has passed
// a Scan, given whole as bytes; what stands in child elements is left out.
func Text(element []byte) string {
	// An element cut out of a stanza may use prefixes that are declared
	// outside of it, so it is walked here instead of scanned again.
	i := tagEnd(element)
	if i < 0 || element[i-2] == '/' {
		return ""
	}
	j := bytes.LastIndex(element, []byte("</"))
	if j < i {
		return ""
	}
	inner := element[i:j]
	if bytes.IndexByte(inner, '<') < 0 {
		return Unescape(inner)
	}
	var out []byte
	for depth := 0; len(inner) > 0; {
		n := bytes.IndexByte(inner, '<')
		if n < 0 {
			n = len(inner)
		}
		if depth == 0 {
			out = append(out, Unescape(inner[:n])...)
		}
		inner = inner[n:]
		if bytes.HasPrefix(inner, cdataOpen) {
			body, rest, _ := bytes.Cut(inner[len(cdataOpen):], cdataClose)
			if depth == 0 {
				out = append(out, body...)
			}
			inner = rest
			continue
		}
		end := tagEnd(inner)
		if end < 0 {
			break
		}
		switch {
		case inner[1] == '/':
			depth--
		case inner[end-2] != '/':
			depth++
		}
		inner = inner[end:]
	}
	return string(out)
}

// tagEnd returns the offset after the '>' of the tag at the start of b.
func tagEnd(b []byte) int {
	var quote byte
	for i, c := range b {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i + 1
		}
	}
	return -1
}
