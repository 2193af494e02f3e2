// Package wire is a stanza on its way through the server: bytes that were
// checked once (xmlscan) and are forwarded as they came.
//
// A Stanza is what a session sent: root attributes read, content untouched.
// An Out is what a session is sent: a start tag without its "to", and the
// content with the end tag. Both halves are shared, read-only, by everybody
// who gets the stanza; the recipient's own "to" is put between them when the
// bytes are written to a socket. The package starts nothing and keeps nothing.
package wire

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"

	"meetbox.local/signaling/internal/xmlscan"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/stanza"
)

// Kind is one of the three stanzas.
type Kind uint8

// The three stanzas.
const (
	Message Kind = iota + 1
	Presence
	IQ
)

var kindNames = [...]string{"", "message", "presence", "iq"}

func (k Kind) String() string { return kindNames[k] }

// Errors of Parse.
var (
	ErrNotStanza = errors.New("not a stanza")
	ErrAddress   = errors.New("bad address")
	ErrNoID      = errors.New("iq without id or with a type unknown")
	ErrDefault   = errors.New("content of another default namespace")
)

// Stanza is one stanza from a session. Its bytes are never written to; the
// scanned element is valid only until the next Scan, so a Stanza is not kept.
type Stanza struct {
	Kind Kind
	To   jid.JID // zero when there is none
	Type string
	ID   []byte // as written, without its quotes; may stand between double quotes
	Lang []byte // likewise

	raw []byte
	el  *xmlscan.Element
}

// Parse reads the root of a scanned element. With ErrAddress the Stanza is
// good for an error reply.
func Parse(raw []byte, el *xmlscan.Element) (Stanza, error) {
	s := Stanza{raw: raw, el: el}
	if string(el.NS) != stanza.NS {
		return s, ErrNotStanza
	}
	switch string(el.Local) {
	case "message":
		s.Kind = Message
	case "presence":
		s.Kind = Presence
	case "iq":
		s.Kind = IQ
	default:
		return s, ErrNotStanza
	}
	var to []byte
	for _, a := range el.Attrs {
		switch {
		case a.Prefix != nil:
			if string(a.Prefix) == "xml" && string(a.Local) == "lang" {
				s.Lang = quoted(a.Raw)
			}
		case string(a.Local) == "to":
			to = a.Raw
		case string(a.Local) == "id":
			s.ID = quoted(a.Raw)
		case string(a.Local) == "type":
			s.Type = xmlscan.Unescape(a.Raw)
		}
	}
	if to != nil {
		var err error
		if s.To, err = jid.Parse(xmlscan.Unescape(to)); err != nil {
			return s, fmt.Errorf("%w: %w", ErrAddress, err)
		}
	}
	if string(el.Default) != stanza.NS {
		return s, ErrDefault // would mean something else where it is forwarded to
	}
	if s.Kind == IQ {
		switch s.Type {
		case stanza.Get, stanza.Set, stanza.Result, stanza.Failed:
		default:
			return s, ErrNoID
		}
		if s.ID == nil {
			return s, ErrNoID
		}
	}
	return s, nil
}

func quoted(raw []byte) []byte {
	if bytes.IndexByte(raw, '"') < 0 {
		return raw
	}
	return xmlscan.AppendRawAttr(nil, raw)
}

// Raw is the whole stanza as it came.
func (s *Stanza) Raw() []byte { return s.raw }

// Children are the stanza's child elements.
func (s *Stanza) Children() []xmlscan.Child { return s.el.Children }

// Bytes are those of one child.
func (s *Stanza) Bytes(c xmlscan.Child) []byte { return s.raw[c.Start:c.End] }

// Find returns the first child with this name.
func (s *Stanza) Find(ns, local string) (xmlscan.Child, bool) {
	for _, c := range s.el.Children {
		if string(c.NS) == ns && string(c.Local) == local {
			return c, true
		}
	}
	return xmlscan.Child{}, false
}

// Is tells whether the stanza is an iq request whose only child has this name.
func (s *Stanza) Is(ns, local string) bool {
	return len(s.el.Children) == 1 && string(s.el.Children[0].NS) == ns && string(s.el.Children[0].Local) == local
}

// Request tells whether the stanza is an iq that must be answered.
func (s *Stanza) Request() bool {
	return s.Kind == IQ && (s.Type == stanza.Get || s.Type == stanza.Set)
}

// Answerable tells whether an error may be sent back: an error, or an answer,
// is never answered by an error.
func (s *Stanza) Answerable() bool {
	return s.Type != stanza.Failed && (s.Kind != IQ || s.Type != stanza.Result)
}

// Decode fills v from a child, whose prefixes may be declared on the root.
func (s *Stanza) Decode(c xmlscan.Child, v any) error {
	b := append([]byte{}, `<x xmlns="jabber:client"`...)
	b = append(appendDecls(b, s.el.Decls), '>')
	b = append(append(b, s.Bytes(c)...), "</x>"...)
	d := xml.NewDecoder(bytes.NewReader(b))
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("decode %s: %w", c.Local, err)
	}
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("decode %s: %w", c.Local, err)
	}
	return nil
}

// Decls are the namespace prefixes that the content may use.
func (s *Stanza) Decls() []byte { return appendDecls(nil, s.el.Decls) }

func appendDecls(b []byte, decls [][]byte) []byte {
	for _, d := range decls {
		b = append(append(b, ' '), d...)
	}
	return b
}

// Content is everything after the start tag, end tag included: for an Out.
func (s *Stanza) Content() []byte {
	if s.el.Prefix == nil && !s.el.Empty {
		return s.raw[s.el.OpenEnd:] // the end tag is already the right one
	}
	return fmt.Appendf(nil, "%s</%s>", s.Inner(), s.Kind)
}

// Inner is what stands between the tags.
func (s *Stanza) Inner() []byte { return s.raw[s.el.OpenEnd:s.el.CloseStart] }
