// Package muc holds multi-user chat (XEP-0045): what a room and its occupants
// say to each other beside plain stanzas. Data only.
package muc

import (
	"encoding/xml"
	"slices"

	"meetbox.local/signaling/xmpp/form"
	"meetbox.local/signaling/xmpp/jid"
)

// Namespaces of the four payloads.
const (
	NS      = "http://jabber.org/protocol/muc"
	NSUser  = "http://jabber.org/protocol/muc#user"
	NSAdmin = "http://jabber.org/protocol/muc#admin"
	NSOwner = "http://jabber.org/protocol/muc#owner"
)

// Affiliation is a user's standing with a room; it outlives the visit.
type Affiliation string

// All affiliations.
const (
	Owner         Affiliation = "owner"
	Admin         Affiliation = "admin"
	Member        Affiliation = "member"
	Outcast       Affiliation = "outcast"
	NoAffiliation Affiliation = "none"
)

// Role is what an occupant may do during this visit.
type Role string

// All roles.
const (
	Moderator   Role = "moderator"
	Participant Role = "participant"
	Visitor     Role = "visitor"
	NoRole      Role = "none"
)

// Status codes of XEP-0045 that this system uses.
const (
	StatusNonAnonymous   = 100
	StatusConfigChanged  = 104
	StatusSelf           = 110
	StatusCreated        = 201
	StatusBanned         = 301
	StatusNickChanged    = 303
	StatusKicked         = 307
	StatusAffiliation    = 321
	StatusMembersOnly    = 322
	StatusSystemShutdown = 332
)

// Join asks, within a presence, to become an occupant.
type Join struct {
	XMLName   xml.Name `xml:"http://jabber.org/protocol/muc x"`
	History   *History `xml:"http://jabber.org/protocol/muc history"`
	Password  string   `xml:"http://jabber.org/protocol/muc password,omitempty"`
	BillingID string   `xml:"http://jabber.org/protocol/muc billingid,omitempty"` // Jitsi, after an HTTP conference request
	Continue  *Continue
}

// Continue is a focus' word that it knows its meeting from before and takes
// its place there over, if that is kept; one that does not say it begins anew.
type Continue struct {
	XMLName xml.Name `xml:"https://meetbox.local/focus continue"`
}

// History limits what a joining occupant is told of the past.
type History struct {
	XMLName    xml.Name `xml:"http://jabber.org/protocol/muc history"`
	MaxStanzas *int     `xml:"maxstanzas,attr"`
	MaxChars   *int     `xml:"maxchars,attr"`
	Seconds    *int     `xml:"seconds,attr"`
	Since      string   `xml:"since,attr,omitempty"`
}

// User is what the room adds to an occupant's presence, and the envelope of
// invitations and notices in messages.
type User struct {
	XMLName  xml.Name `xml:"http://jabber.org/protocol/muc#user x"`
	Items    []Item   `xml:"http://jabber.org/protocol/muc#user item"`
	Invites  []Invite `xml:"http://jabber.org/protocol/muc#user invite"`
	Decline  *Decline `xml:"http://jabber.org/protocol/muc#user decline"`
	Destroy  *Destroy `xml:"http://jabber.org/protocol/muc#user destroy"`
	Password string   `xml:"http://jabber.org/protocol/muc#user password,omitempty"`
	Statuses []Status `xml:"http://jabber.org/protocol/muc#user status"`

	// Reached is told to the focus only: the box's address that the occupant's
	// connection came in at.
	Reached string `xml:"https://meetbox.local/focus reached,omitempty"`
}

// Has tells whether the status code is there.
func (u User) Has(code int) bool {
	return slices.ContainsFunc(u.Statuses, func(s Status) bool { return s.Code == code })
}

// Item describes one occupant, or orders a change of one.
type Item struct {
	XMLName     xml.Name    `xml:"http://jabber.org/protocol/muc#user item"`
	Affiliation Affiliation `xml:"affiliation,attr,omitempty"`
	Role        Role        `xml:"role,attr,omitempty"`
	JID         jid.JID     `xml:"jid,attr"`
	Nick        string      `xml:"nick,attr,omitempty"`
	Actor       *Actor      `xml:"http://jabber.org/protocol/muc#user actor"`
	Reason      string      `xml:"http://jabber.org/protocol/muc#user reason,omitempty"`
}

// Actor is who caused a change.
type Actor struct {
	XMLName xml.Name `xml:"http://jabber.org/protocol/muc#user actor"`
	JID     jid.JID  `xml:"jid,attr"`
	Nick    string   `xml:"nick,attr,omitempty"`
}

// Status is a code of XEP-0045's registry.
type Status struct {
	XMLName xml.Name `xml:"http://jabber.org/protocol/muc#user status"`
	Code    int      `xml:"code,attr"`
}

// Invite is a mediated invitation.
type Invite struct {
	XMLName xml.Name `xml:"http://jabber.org/protocol/muc#user invite"`
	To      jid.JID  `xml:"to,attr"`
	From    jid.JID  `xml:"from,attr"`
	Reason  string   `xml:"http://jabber.org/protocol/muc#user reason,omitempty"`
}

// Decline answers an invitation.
type Decline struct {
	XMLName xml.Name `xml:"http://jabber.org/protocol/muc#user decline"`
	To      jid.JID  `xml:"to,attr"`
	From    jid.JID  `xml:"from,attr"`
	Reason  string   `xml:"http://jabber.org/protocol/muc#user reason,omitempty"`
}

// Destroy says that a room is gone, and perhaps where to go instead.
type Destroy struct {
	XMLName xml.Name `xml:"http://jabber.org/protocol/muc#user destroy"`
	JID     jid.JID  `xml:"jid,attr"`
	Reason  string   `xml:"http://jabber.org/protocol/muc#user reason,omitempty"`
}

// AdminQuery reads or changes roles and affiliations.
type AdminQuery struct {
	XMLName xml.Name    `xml:"http://jabber.org/protocol/muc#admin query"`
	Items   []AdminItem `xml:"http://jabber.org/protocol/muc#admin item"`
}

// AdminItem is one change, or one line of a list.
type AdminItem struct {
	XMLName     xml.Name    `xml:"http://jabber.org/protocol/muc#admin item"`
	Affiliation Affiliation `xml:"affiliation,attr,omitempty"`
	Role        Role        `xml:"role,attr,omitempty"`
	JID         jid.JID     `xml:"jid,attr"`
	Nick        string      `xml:"nick,attr,omitempty"`
	Reason      string      `xml:"http://jabber.org/protocol/muc#admin reason,omitempty"`
}

// OwnerQuery reads or changes a room's configuration, or destroys the room.
type OwnerQuery struct {
	XMLName xml.Name      `xml:"http://jabber.org/protocol/muc#owner query"`
	Form    *form.Data    `xml:"jabber:x:data x"`
	Destroy *OwnerDestroy `xml:"http://jabber.org/protocol/muc#owner destroy"`
}

// OwnerDestroy orders the end of a room.
type OwnerDestroy struct {
	XMLName  xml.Name `xml:"http://jabber.org/protocol/muc#owner destroy"`
	JID      jid.JID  `xml:"jid,attr"`
	Reason   string   `xml:"http://jabber.org/protocol/muc#owner reason,omitempty"`
	Password string   `xml:"http://jabber.org/protocol/muc#owner password,omitempty"`
}
