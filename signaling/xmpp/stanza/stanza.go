// Package stanza holds the three stanzas of RFC 6120, their errors, and
// Element, an XML element whose meaning is for somebody else to find.
//
// A received stanza keeps its children as Elements; Child finds one by the
// name that a Go type declares in its XMLName tag and decodes it:
//
//	x, err := stanza.Child[muc.User](p.Children)
//
// To send, give Message, Presence or IQ children made by Encode, or embed
// Header in a struct of one's own. The package is data only.
package stanza

import (
	"encoding/xml"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"meetbox.local/signaling/xmpp/jid"
)

// NS is the namespace of stanzas between a client and its server.
const NS = "jabber:client"

// Types of iq stanzas.
const (
	Get    = "get"
	Set    = "set"
	Result = "result"
	Failed = "error" // of all three kinds
)

// Types of presence and message stanzas; an available presence has none.
const (
	Unavailable = "unavailable"
	Chat        = "chat"
	GroupChat   = "groupchat"
	Normal      = "normal"
)

// IQ is a question, an order, or the answer to one.
type IQ struct {
	XMLName  xml.Name  `xml:"jabber:client iq"`
	To       jid.JID   `xml:"to,attr"`
	From     jid.JID   `xml:"from,attr"`
	ID       string    `xml:"id,attr"`
	Type     string    `xml:"type,attr"`
	Error    *Error    `xml:"jabber:client error"`
	Children []Element `xml:",any"`
}

// Payload is the first child of an iq; a zero Element when there is none.
func (q IQ) Payload() Element {
	if len(q.Children) == 0 {
		return Element{}
	}
	return q.Children[0]
}

// Presence says that somebody is there, and how.
type Presence struct {
	XMLName  xml.Name  `xml:"jabber:client presence"`
	To       jid.JID   `xml:"to,attr"`
	From     jid.JID   `xml:"from,attr"`
	ID       string    `xml:"id,attr,omitempty"`
	Type     string    `xml:"type,attr,omitempty"`
	Error    *Error    `xml:"jabber:client error"`
	Children []Element `xml:",any"`
}

// Message is text, or whatever else is pushed.
type Message struct {
	XMLName  xml.Name  `xml:"jabber:client message"`
	To       jid.JID   `xml:"to,attr"`
	From     jid.JID   `xml:"from,attr"`
	ID       string    `xml:"id,attr,omitempty"`
	Type     string    `xml:"type,attr,omitempty"`
	Subject  *string   `xml:"jabber:client subject"`
	Body     *string   `xml:"jabber:client body"`
	Error    *Error    `xml:"jabber:client error"`
	Children []Element `xml:",any"`
}

// Element is an element not looked into: its name, its attributes, and its
// content as the bytes that came. Decode looks into it.
type Element struct {
	XMLName xml.Name
	Attr    []xml.Attr `xml:",any,attr"`
	Inner   []byte     `xml:",innerxml"`
}

// UnmarshalXML implements xml.Unmarshaler. The namespace is in XMLName, so
// the attribute that declared it is dropped. Declared prefixes stay, written
// in a way that encoding/xml leaves alone (golang/go#43168): the content may
// use them.
func (e *Element) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	type plain Element
	if err := d.DecodeElement((*plain)(e), &start); err != nil {
		return err
	}
	e.Attr = slices.DeleteFunc(e.Attr, func(a xml.Attr) bool { return a.Name.Space == "" && a.Name.Local == "xmlns" })
	for i, a := range e.Attr {
		if a.Name.Space == "xmlns" {
			e.Attr[i].Name = xml.Name{Local: "xmlns:" + a.Name.Local}
		}
	}
	if len(e.Attr) == 0 {
		e.Attr = nil
	}
	return nil
}

// Attribute returns the value of an attribute without namespace, or "".
func (e Element) Attribute(name string) string {
	for _, a := range e.Attr {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// Is tells whether e has this name.
func (e Element) Is(space, local string) bool {
	return e.XMLName.Space == space && e.XMLName.Local == local
}

// Decode fills v from the element, which must have the name that v declares.
func (e Element) Decode(v any) error {
	b, err := xml.Marshal(e)
	if err != nil {
		return fmt.Errorf("decode %s: %w", e.XMLName.Local, err)
	}
	if err := xml.Unmarshal(b, v); err != nil {
		return fmt.Errorf("decode %s: %w", e.XMLName.Local, err)
	}
	return nil
}

// Text is the element's character data, without that of its children.
func (e Element) Text() string {
	var v struct {
		Text string `xml:",chardata"`
	}
	if err := e.Decode(&v); err != nil {
		return ""
	}
	return v.Text
}

// Encode turns values into elements.
func Encode(values ...any) ([]Element, error) {
	out := make([]Element, 0, len(values))
	for _, v := range values {
		if e, ok := v.(Element); ok {
			out = append(out, e)
			continue
		}
		b, err := xml.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("encode %T: %w", v, err)
		}
		var e Element
		if err := xml.Unmarshal(b, &e); err != nil {
			return nil, fmt.Errorf("encode %T: %w", v, err)
		}
		out = append(out, e)
	}
	return out, nil
}

// Child decodes the first element that has the name declared by T. It
// returns nil and no error when there is none.
func Child[T any](elements []Element) (*T, error) {
	name := nameOf(reflect.TypeFor[T]())
	for _, e := range elements {
		if e.XMLName == name {
			v := new(T)
			if err := e.Decode(v); err != nil {
				return nil, err
			}
			return v, nil
		}
	}
	return nil, nil
}

// Text returns the text of the first element with this name, whether it is
// there at all. Jitsi's presence children mostly have the stanza's namespace.
func Text(elements []Element, space, local string) (string, bool) {
	for _, e := range elements {
		if e.Is(space, local) {
			return e.Text(), true
		}
	}
	return "", false
}

func nameOf(t reflect.Type) xml.Name {
	f, ok := t.FieldByName("XMLName")
	if !ok {
		panic(t.String() + " has no XMLName") // a programmer's error, and the first test finds it
	}
	space, local, ok := strings.Cut(f.Tag.Get("xml"), " ")
	if !ok {
		space, local = "", space
	}
	return xml.Name{Space: space, Local: local}
}
