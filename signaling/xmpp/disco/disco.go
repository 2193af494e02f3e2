// Package disco holds service discovery (XEP-0030) and entity capabilities
// (XEP-0115). Data, and the hash that names a set of capabilities.
package disco

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/xml"
	"io"
	"slices"
	"strings"

	"meetbox.local/signaling/xmpp/form"
	"meetbox.local/signaling/xmpp/jid"
)

// Namespaces of the three elements.
const (
	NSInfo  = "http://jabber.org/protocol/disco#info"
	NSItems = "http://jabber.org/protocol/disco#items"
	NSCaps  = "http://jabber.org/protocol/caps"
)

// Info says what an entity is and can do; empty, it asks.
type Info struct {
	XMLName    xml.Name    `xml:"http://jabber.org/protocol/disco#info query"`
	Node       string      `xml:"node,attr,omitempty"`
	Identities []Identity  `xml:"http://jabber.org/protocol/disco#info identity"`
	Features   []Feature   `xml:"http://jabber.org/protocol/disco#info feature"`
	Forms      []form.Data `xml:"jabber:x:data x"`
}

// Identity is a category and type of the registry, with a name.
type Identity struct {
	XMLName  xml.Name `xml:"http://jabber.org/protocol/disco#info identity"`
	Category string   `xml:"category,attr"`
	Type     string   `xml:"type,attr"`
	Lang     string   `xml:"http://www.w3.org/XML/1998/namespace lang,attr,omitempty"`
	Name     string   `xml:"name,attr,omitempty"`
}

// Feature is one thing an entity supports.
type Feature struct {
	XMLName xml.Name `xml:"http://jabber.org/protocol/disco#info feature"`
	Var     string   `xml:"var,attr"`
}

// Items lists what belongs to an entity; empty, it asks.
type Items struct {
	XMLName xml.Name `xml:"http://jabber.org/protocol/disco#items query"`
	Node    string   `xml:"node,attr,omitempty"`
	Items   []Item   `xml:"http://jabber.org/protocol/disco#items item"`
}

// Item is one of them.
type Item struct {
	XMLName xml.Name `xml:"http://jabber.org/protocol/disco#items item"`
	JID     jid.JID  `xml:"jid,attr"`
	Name    string   `xml:"name,attr,omitempty"`
	Node    string   `xml:"node,attr,omitempty"`
}

// Caps names, in a presence, the capabilities of its sender.
type Caps struct {
	XMLName xml.Name `xml:"http://jabber.org/protocol/caps c"`
	Hash    string   `xml:"hash,attr"`
	Node    string   `xml:"node,attr"`
	Ver     string   `xml:"ver,attr"`
}

// Features makes the feature list of plain names.
func Features(names ...string) []Feature {
	out := make([]Feature, len(names))
	for i, n := range names {
		out[i].Var = n
	}
	return out
}

// Has tells whether the feature is listed.
func (i Info) Has(feature string) bool {
	return slices.ContainsFunc(i.Features, func(f Feature) bool { return f.Var == feature })
}

// Ver is the hash of an entity's capabilities, XEP-0115 §5.1 with sha-1.
func (i Info) Ver() string {
	var list []string
	for _, d := range i.Identities {
		list = append(list, d.Category+"/"+d.Type+"/"+d.Lang+"/"+d.Name+"<")
	}
	slices.Sort(list)
	var s strings.Builder
	s.WriteString(strings.Join(list, ""))
	list = list[:0]
	for _, f := range i.Features {
		list = append(list, f.Var+"<")
	}
	slices.Sort(list)
	s.WriteString(strings.Join(list, ""))
	forms := slices.Clone(i.Forms)
	slices.SortFunc(forms, func(a, b form.Data) int { return strings.Compare(a.Kind(), b.Kind()) })
	for _, f := range forms {
		s.WriteString(formText(f))
	}
	h := sha1.New()
	io.WriteString(h, s.String())
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func formText(f form.Data) string {
	var list []string
	for _, fd := range f.Fields {
		if fd.Var == "FORM_TYPE" {
			continue
		}
		values := slices.Sorted(slices.Values(fd.Values))
		list = append(list, fd.Var+"<"+strings.Join(values, "<")+"<")
	}
	slices.Sort(list)
	return f.Kind() + "<" + strings.Join(list, "")
}
