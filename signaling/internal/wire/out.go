package wire

import (
	"encoding/xml"
	"fmt"
	"strings"

	"meetbox.local/signaling/internal/xmlscan"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/stanza"
)

// Out is what sessions are sent: Head, the recipient's ` to="…">`, Body. With
// Whole it is Body alone.
type Out struct {
	Head, Body []byte
	Whole      bool
}

// Len is about what the Out costs in a queue.
func (o *Out) Len() int { return len(o.Head) + len(o.Body) }

// Whole makes an Out of complete bytes.
func Whole(b []byte) *Out { return &Out{Body: b, Whole: true} }

// Recipient is who can be sent something.
type Recipient interface {
	Addr() jid.JID
	Escaped() []byte // Addr, as it may stand in an attribute
	Send(*Out)
}

// Head describes a start tag. From must be escaped; ID and Lang are raw values
// and Decls is raw text, both from a Stanza.
type Head struct {
	Kind  Kind
	From  []byte
	ID    []byte
	Type  string
	Lang  []byte
	Decls []byte
}

// Bytes is the start tag up to where the recipient's address goes.
func (h Head) Bytes() []byte {
	b := make([]byte, 0, 64+len(h.From)+len(h.ID)+len(h.Lang)+len(h.Decls))
	b = append(append(append(b, '<'), h.Kind.String()...), ` xmlns="jabber:client"`...)
	b = attr(b, "from", h.From)
	b = attr(b, "id", h.ID)
	if h.Type != "" {
		b = append(b, ` type="`...)
		b = append(xmlscan.AppendEscaped(b, h.Type), '"')
	}
	b = attr(b, "xml:lang", h.Lang)
	return append(b, h.Decls...)
}

func attr(b []byte, name string, value []byte) []byte {
	if value == nil {
		return b
	}
	b = append(append(append(b, ' '), name...), `="`...)
	return append(append(b, value...), '"')
}

// To is what a recipient puts between Head and Body; to must be escaped.
func To(to []byte) []byte { return fmt.Appendf(nil, ` to="%s">`, to) }

// Escape returns text as it may stand between double quotes.
func Escape(text string) []byte { return xmlscan.AppendEscaped(nil, text) }

// JSON is encoded JSON as it may be sent to clients, which unescape %XX in it
// before they parse it: a percent sign is written in JSON's own way.
func JSON(encoded []byte) string { return strings.ReplaceAll(string(encoded), "%", `\u0025`) }

// Forward is s as its recipients get it: other addresses, the same content.
func Forward(s *Stanza, from []byte) *Out {
	return &Out{
		Head: Head{Kind: s.Kind, From: from, ID: s.ID, Type: s.Type, Lang: s.Lang, Decls: s.Decls()}.Bytes(),
		Body: s.Content(),
	}
}

// Result answers an iq. The payload must be whole elements, or nothing.
func Result(s *Stanza, from []byte, payload ...[]byte) *Out {
	o := &Out{Head: Head{Kind: IQ, From: from, ID: s.ID, Type: stanza.Result}.Bytes()}
	for _, p := range payload {
		o.Body = append(o.Body, p...)
	}
	o.Body = append(o.Body, "</iq>"...)
	return o
}

// Answer answers an iq with a value of the vocabulary.
func Answer(s *Stanza, from []byte, v any) *Out {
	b, err := xml.Marshal(v)
	if err != nil {
		return Failure(s, from, stanza.NewError(stanza.InternalServerError, ""))
	}
	return Result(s, from, b)
}

// Failure answers any stanza with an error. The echo, if any, comes first.
func Failure(s *Stanza, from []byte, e *stanza.Error, echo ...[]byte) *Out {
	o := &Out{Head: Head{Kind: s.Kind, From: from, ID: s.ID, Type: stanza.Failed}.Bytes()}
	for _, p := range echo {
		o.Body = append(o.Body, p...)
	}
	if b, err := xml.Marshal(e); err == nil {
		o.Body = append(o.Body, b...)
	}
	o.Body = fmt.Appendf(o.Body, "</%s>", s.Kind)
	return o
}
