// Package jid holds XMPP addresses (RFC 7622) as comparable values.
//
// A JID is one word: it can be a map key and be compared with ==. Parse and
// New bring an address into its canonical form (PRECIS) once, at the edge;
// everything behind that edge compares and never normalises again. The
// package starts nothing and keeps nothing but the interning table of the
// standard library.
package jid

import (
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unique"

	"mellium.im/xmpp/jid"
)

var errUnstable = errors.New("address has no canonical form")

// maxPart is RFC 7622's limit for each of the three parts, in bytes.
const maxPart = 1023

// JID is an address local@domain/resource of which only the domain is always
// there. The zero value is "no address".
type JID struct{ h unique.Handle[parts] }

type parts struct {
	text          string // canonical
	domain, slash int    // where the domain begins, and where it ends
}

func intern(local, domain, resource string) JID {
	p := parts{text: domain, slash: len(domain)}
	if local != "" {
		p.text = local + "@" + domain
		p.domain = len(local) + 1
		p.slash += p.domain
	}
	if resource != "" {
		p.text += "/" + resource
	}
	return JID{unique.Make(p)}
}

// New makes an address of its parts; local and resource may be empty.
func New(local, domain, resource string) (JID, error) {
	if plain(local, domain, resource) {
		return intern(local, domain, resource), nil
	}
	j, err := jid.New(local, domain, resource)
	if err != nil {
		return JID{}, fmt.Errorf("address: %w", err)
	}
	// Some text takes two rounds to settle ("a.." is "a." is "a"); two spellings
	// of one address must never be two values, so it is no address at all.
	again, err := jid.New(j.Localpart(), j.Domainpart(), j.Resourcepart())
	if err != nil || !again.Equal(j) || slices.Contains(strings.Split(j.Domainpart(), "."), "") {
		return JID{}, errUnstable
	}
	return intern(j.Localpart(), j.Domainpart(), j.Resourcepart()), nil
}

// Parse reads an address from its text.
func Parse(s string) (JID, error) {
	bare, resource, slash := strings.Cut(s, "/")
	if slash && resource == "" {
		return JID{}, fmt.Errorf("address %q: empty resource", s)
	}
	local, domain, at := strings.Cut(bare, "@")
	if !at {
		local, domain = "", bare
	} else if local == "" {
		return JID{}, fmt.Errorf("address %q: empty local part", s)
	}
	j, err := New(local, domain, resource)
	if err != nil {
		return JID{}, fmt.Errorf("address %q: %w", s, err)
	}
	return j, nil
}

// MustParse is Parse for constants; it panics on a bad one.
func MustParse(s string) JID {
	j, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return j
}

// IsZero tells whether j is no address at all.
func (j JID) IsZero() bool { return j == JID{} }

// Equal is ==, for packages that compare by method.
func (j JID) Equal(k JID) bool { return j == k }

func (j JID) String() string {
	if j.IsZero() {
		return ""
	}
	return j.h.Value().text
}

// Local is the part before the @, empty when there is none.
func (j JID) Local() string {
	if j.IsZero() {
		return ""
	}
	p := j.h.Value()
	return p.text[:max(p.domain-1, 0)]
}

// Domain is the part between the @ and the slash.
func (j JID) Domain() string {
	if j.IsZero() {
		return ""
	}
	p := j.h.Value()
	return p.text[p.domain:p.slash]
}

// Resource is the part behind the slash, empty for a bare address.
func (j JID) Resource() string {
	if j.IsZero() {
		return ""
	}
	p := j.h.Value()
	return p.text[min(p.slash+1, len(p.text)):]
}

// IsBare tells whether j has no resource.
func (j JID) IsBare() bool { return j.Resource() == "" }

// Bare is j without its resource.
func (j JID) Bare() JID {
	if j.IsBare() {
		return j
	}
	return intern(j.Local(), j.Domain(), "")
}

// Host is the address of j's domain.
func (j JID) Host() JID {
	if j.IsZero() {
		return j
	}
	return intern("", j.Domain(), "")
}

// WithResource is j with another resource, or with none.
func (j JID) WithResource(resource string) (JID, error) {
	return New(j.Local(), j.Domain(), resource)
}

// MarshalText implements encoding.TextMarshaler.
func (j JID) MarshalText() ([]byte, error) { return []byte(j.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; empty text is no address.
func (j *JID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*j = JID{}
		return nil
	}
	v, err := Parse(string(b))
	if err != nil {
		return err
	}
	*j = v
	return nil
}

// MarshalXMLAttr leaves the attribute out when there is no address.
func (j JID) MarshalXMLAttr(name xml.Name) (xml.Attr, error) {
	if j.IsZero() {
		return xml.Attr{}, nil
	}
	return xml.Attr{Name: name, Value: j.String()}, nil
}

// plain tells whether the parts are canonical as they stand, which nearly all
// addresses are: PRECIS costs a microsecond and five allocations.
func plain(local, domain, resource string) bool {
	if domain == "" || len(local) > maxPart || len(domain) > maxPart || len(resource) > maxPart {
		return false
	}
	for i := range len(local) {
		if c := local[i]; !lower(c) && !digit(c) && strings.IndexByte("-._%+~[]", c) < 0 {
			return false
		}
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || strings.HasPrefix(label, "xn--") {
			return false
		}
		for i := range len(label) {
			if c := label[i]; !lower(c) && !digit(c) && c != '-' {
				return false
			}
		}
	}
	for i := range len(resource) {
		if c := resource[i]; c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

func lower(c byte) bool { return 'a' <= c && c <= 'z' }
func digit(c byte) bool { return '0' <= c && c <= '9' }
