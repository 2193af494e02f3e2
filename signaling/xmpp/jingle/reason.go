package jingle

import "encoding/xml"

// Reason says why a session ends. Its condition is an element's name.
type Reason struct {
	XMLName   xml.Name `xml:"urn:xmpp:jingle:1 reason"`
	Condition string   `xml:"-"`
	Text      string   `xml:"-"`
}

// Conditions of Reason that Jitsi uses.
const (
	ReasonSuccess           = "success"
	ReasonExpired           = "expired"
	ReasonConnectivityError = "connectivity-error"
	ReasonGeneralError      = "general-error"
	ReasonGone              = "gone"
)

type reasonChild struct {
	XMLName xml.Name
	Text    string `xml:",chardata"`
}

type wireReason struct {
	XMLName  xml.Name      `xml:"urn:xmpp:jingle:1 reason"`
	Children []reasonChild `xml:",any"`
}

// MarshalXML implements xml.Marshaler.
func (r Reason) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	var w wireReason
	if r.Condition != "" {
		w.Children = append(w.Children, reasonChild{XMLName: xml.Name{Space: NS, Local: r.Condition}})
	}
	if r.Text != "" {
		w.Children = append(w.Children, reasonChild{XMLName: xml.Name{Space: NS, Local: "text"}, Text: r.Text})
	}
	return e.Encode(w)
}

// UnmarshalXML implements xml.Unmarshaler.
func (r *Reason) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	var w wireReason
	if err := d.DecodeElement(&w, &start); err != nil {
		return err
	}
	*r = Reason{XMLName: w.XMLName}
	for _, c := range w.Children {
		switch {
		case c.XMLName.Local == "text":
			r.Text = c.Text
		case r.Condition == "":
			r.Condition = c.XMLName.Local
		}
	}
	return nil
}

// UnknownSession is the application-specific condition of an error to an iq
// whose sid nobody knows.
type UnknownSession struct {
	XMLName xml.Name `xml:"urn:xmpp:jingle:errors:1 unknown-session"`
}
