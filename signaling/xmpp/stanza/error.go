package stanza

import (
	"encoding/xml"
	"slices"
)

// NSErrors is the namespace of the conditions of stanza errors.
const NSErrors = "urn:ietf:params:xml:ns:xmpp-stanzas"

// Condition is what went wrong, RFC 6120 §8.3.3.
type Condition string

// All conditions of RFC 6120.
const (
	BadRequest            Condition = "bad-request"
	Conflict              Condition = "conflict"
	FeatureNotImplemented Condition = "feature-not-implemented"
	Forbidden             Condition = "forbidden"
	Gone                  Condition = "gone"
	InternalServerError   Condition = "internal-server-error"
	ItemNotFound          Condition = "item-not-found"
	JIDMalformed          Condition = "jid-malformed"
	NotAcceptable         Condition = "not-acceptable"
	NotAllowed            Condition = "not-allowed"
	NotAuthorized         Condition = "not-authorized"
	PolicyViolation       Condition = "policy-violation"
	RecipientUnavailable  Condition = "recipient-unavailable"
	Redirect              Condition = "redirect"
	RegistrationRequired  Condition = "registration-required"
	RemoteServerNotFound  Condition = "remote-server-not-found"
	RemoteServerTimeout   Condition = "remote-server-timeout"
	ResourceConstraint    Condition = "resource-constraint"
	ServiceUnavailable    Condition = "service-unavailable"
	SubscriptionRequired  Condition = "subscription-required"
	UndefinedCondition    Condition = "undefined-condition"
	UnexpectedRequest     Condition = "unexpected-request"
)

// Types of errors: what the sender should do about it.
const (
	Auth     = "auth"
	Cancel   = "cancel"
	Continue = "continue"
	Modify   = "modify"
	Wait     = "wait"
)

// Type is the error type that RFC 6120 recommends for the condition, or ""
// for a condition it does not know.
func (c Condition) Type() string {
	switch c {
	case Conflict, FeatureNotImplemented, Gone, InternalServerError, ItemNotFound, NotAllowed,
		RemoteServerNotFound, ServiceUnavailable, UndefinedCondition:
		return Cancel
	case BadRequest, JIDMalformed, NotAcceptable, PolicyViolation, Redirect:
		return Modify
	case Forbidden, NotAuthorized, RegistrationRequired, SubscriptionRequired:
		return Auth
	case RecipientUnavailable, RemoteServerTimeout, ResourceConstraint, UnexpectedRequest:
		return Wait
	}
	return ""
}

// Error is a stanza error. As a Go error it is what an iq was answered with,
// and what a handler of iqs answers.
type Error struct {
	XMLName   xml.Name  `xml:"jabber:client error"`
	Type      string    `xml:"type,attr"`
	Code      string    `xml:"code,attr,omitempty"` // XEP-0086; Jitsi's client reads 407 and 406
	Condition Condition `xml:"-"`
	Address   string    `xml:"-"` // of Gone and Redirect
	Text      string    `xml:"-"`
	Specific  []Element `xml:"-"` // application-specific conditions and what comes along
}

// NewError makes an error of the condition's usual type.
func NewError(c Condition, text string) *Error {
	return &Error{Type: c.Type(), Condition: c, Text: text}
}

func (e *Error) Error() string {
	if e.Text == "" {
		return string(e.Condition)
	}
	return string(e.Condition) + ": " + e.Text
}

// Is makes errors.Is compare the condition only.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Condition == e.Condition
}

type wireError struct {
	XMLName  xml.Name  `xml:"jabber:client error"`
	Type     string    `xml:"type,attr"`
	Code     string    `xml:"code,attr,omitempty"`
	Children []Element `xml:",any"`
}

type text struct {
	XMLName xml.Name `xml:"urn:ietf:params:xml:ns:xmpp-stanzas text"`
	Text    string   `xml:",chardata"`
}

type condition struct {
	XMLName xml.Name
	Address string `xml:",chardata"`
}

// MarshalXML implements xml.Marshaler.
func (e Error) MarshalXML(enc *xml.Encoder, start xml.StartElement) error {
	c := e.Condition
	if c == "" {
		c = UndefinedCondition
	}
	typ := e.Type
	if typ == "" {
		typ = c.Type()
	}
	children, err := Encode(condition{XMLName: xml.Name{Space: NSErrors, Local: string(c)}, Address: e.Address})
	if err != nil {
		return err
	}
	if e.Text != "" {
		t, err := Encode(text{Text: e.Text})
		if err != nil {
			return err
		}
		children = append(children, t...)
	}
	return enc.Encode(wireError{Type: typ, Code: e.Code, Children: slices.Concat(children, e.Specific)})
}

// UnmarshalXML implements xml.Unmarshaler.
func (e *Error) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	var w wireError
	if err := d.DecodeElement(&w, &start); err != nil {
		return err
	}
	*e = Error{XMLName: w.XMLName, Type: w.Type, Code: w.Code}
	for _, c := range w.Children {
		switch {
		case c.XMLName.Space != NSErrors:
			e.Specific = append(e.Specific, c)
		case c.XMLName.Local == "text":
			e.Text = c.Text()
		case e.Condition == "":
			e.Condition, e.Address = Condition(c.XMLName.Local), c.Text()
		}
	}
	if e.Condition == "" {
		e.Condition = UndefinedCondition
	}
	return nil
}
