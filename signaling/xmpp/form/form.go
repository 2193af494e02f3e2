// Package form holds data forms (XEP-0004). Data only.
package form

import "encoding/xml"

// NS is the namespace of data forms.
const NS = "jabber:x:data"

// Types of forms.
const (
	Ask    = "form"
	Submit = "submit"
	Cancel = "cancel"
	Result = "result"
)

// Data is a form: asked for, submitted, or a result.
type Data struct {
	XMLName      xml.Name `xml:"jabber:x:data x"`
	Type         string   `xml:"type,attr"`
	Title        string   `xml:"jabber:x:data title,omitempty"`
	Instructions []string `xml:"jabber:x:data instructions"`
	Fields       []Field  `xml:"jabber:x:data field"`
}

// Field is one line of a form.
type Field struct {
	XMLName  xml.Name  `xml:"jabber:x:data field"`
	Var      string    `xml:"var,attr,omitempty"`
	Type     string    `xml:"type,attr,omitempty"`
	Label    string    `xml:"label,attr,omitempty"`
	Desc     string    `xml:"jabber:x:data desc,omitempty"`
	Required *Required `xml:"jabber:x:data required"`
	Values   []string  `xml:"jabber:x:data value"`
	Options  []Option  `xml:"jabber:x:data option"`
}

// Required marks a field that must be filled in.
type Required struct {
	XMLName xml.Name `xml:"jabber:x:data required"`
}

// Option is one of the values to choose from.
type Option struct {
	XMLName xml.Name `xml:"jabber:x:data option"`
	Label   string   `xml:"label,attr,omitempty"`
	Value   string   `xml:"jabber:x:data value"`
}

// Value returns the first value of a field, and whether the field is there.
func (d Data) Value(name string) (string, bool) {
	for _, f := range d.Fields {
		if f.Var == name {
			if len(f.Values) == 0 {
				return "", true
			}
			return f.Values[0], true
		}
	}
	return "", false
}

// Kind is the form's FORM_TYPE (XEP-0068), or "".
func (d Data) Kind() string {
	v, _ := d.Value("FORM_TYPE")
	return v
}
