package convo

import (
	"encoding/xml"
	"strings"
)

// Node is an element as a client understands it.
type Node struct {
	Name     xml.Name
	Attrs    map[string]string // "xml:lang" with its prefix, namespaces left out
	Text     string
	Children []*Node
	Source   string
}

// Parse reads one element.
func Parse(text string) (*Node, error) {
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		tok, err := d.Token()
		if err != nil {
			return nil, err
		}
		if start, ok := tok.(xml.StartElement); ok {
			n, err := read(d, start)
			if err != nil {
				return nil, err
			}
			n.Source = text
			return n, nil
		}
	}
}

// read reads the element that start begins.
func read(d *xml.Decoder, start xml.StartElement) (*Node, error) {
	n := &Node{Name: start.Name, Attrs: map[string]string{}}
	for _, a := range start.Attr {
		switch {
		case a.Name.Space == "xmlns" || a.Name.Local == "xmlns":
		case a.Name.Space == "http://www.w3.org/XML/1998/namespace":
			n.Attrs["xml:"+a.Name.Local] = a.Value
		default:
			n.Attrs[a.Name.Local] = a.Value
		}
	}
	var text strings.Builder
	for {
		tok, err := d.Token()
		if err != nil {
			return nil, err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			c, err := read(d, tok)
			if err != nil {
				return nil, err
			}
			n.Children = append(n.Children, c)
		case xml.CharData:
			text.Write(tok)
		case xml.EndElement:
			n.Text = strings.TrimSpace(text.String())
			return n, nil
		}
	}
}

// Find returns the first child of this name, or nil.
func (n *Node) Find(ns, local string) *Node {
	for _, c := range n.Children {
		if c.Name.Space == ns && c.Name.Local == local {
			return c
		}
	}
	return nil
}
