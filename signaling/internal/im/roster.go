package im

import (
	"encoding/xml"
	"slices"
	"strconv"
	"strings"

	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/stanza"
)

// NSRoster is the namespace of contacts (RFC 6121 §2).
const NSRoster = "jabber:iq:roster"

// Limits of one account.
const (
	maxContacts = 1000
	maxGroups   = 32
	maxName     = 1023
)

// contact is one line of a roster. From means that the contact is told of the
// account's presence, To that the account is told of the contact's.
type contact struct {
	Name     string   `json:"name,omitempty"`
	Groups   []string `json:"groups,omitempty"`
	From     bool     `json:"from,omitempty"`
	To       bool     `json:"to,omitempty"`
	Ask      bool     `json:"ask,omitempty"`      // has asked, and waits for the contact's yes
	Approved bool     `json:"approved,omitempty"` // has said yes before the contact has asked
	Asked    []byte   `json:"asked,omitempty"`    // content of the contact's request, which waits
	Listed   bool     `json:"listed,omitempty"`   // is in the roster, not only a request
}

type rosterQuery struct {
	XMLName xml.Name     `xml:"jabber:iq:roster query"`
	Version string       `xml:"ver,attr,omitempty"`
	Items   []rosterItem `xml:"jabber:iq:roster item"`
}

type rosterItem struct {
	XMLName      xml.Name `xml:"jabber:iq:roster item"`
	JID          jid.JID  `xml:"jid,attr"`
	Name         string   `xml:"name,attr,omitempty"`
	Subscription string   `xml:"subscription,attr,omitempty"`
	Ask          string   `xml:"ask,attr,omitempty"`
	Approved     bool     `xml:"approved,attr,omitempty"`
	Groups       []string `xml:"jabber:iq:roster group"`
}

func (c *contact) item(addr jid.JID) rosterItem {
	i := rosterItem{JID: addr, Name: c.Name, Groups: c.Groups, Approved: c.Approved, Subscription: "none"}
	switch {
	case c.From && c.To:
		i.Subscription = "both"
	case c.From:
		i.Subscription = "from"
	case c.To:
		i.Subscription = "to"
	}
	if c.Ask {
		i.Ask = "subscribe"
	}
	return i
}

// shows tells whether an address is told of the account's presence.
func (u *user) shows(bare jid.JID) bool {
	c := u.Contacts[bare]
	return bare == u.addr || c != nil && c.From
}

// contact finds or begins a line.
func (u *user) contact(bare jid.JID) *contact {
	c := u.Contacts[bare]
	if c == nil {
		if u.Contacts == nil {
			u.Contacts = map[jid.JID]*contact{}
		}
		c = &contact{}
		u.Contacts[bare] = c
	}
	return c
}

// sorted are the contacts in an order that a replay finds again.
func (u *user) sorted() []jid.JID {
	out := make([]jid.JID, 0, len(u.Contacts))
	for a := range u.Contacts {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b jid.JID) int { return strings.Compare(a.String(), b.String()) })
	return out
}

// roster reads or changes the contacts.
func (sv *Service) roster(r *resource, st *wire.Stanza) *stanza.Error {
	var q rosterQuery
	if st.Decode(st.Children()[0], &q) != nil {
		return stanza.NewError(stanza.BadRequest, "")
	}
	if st.Type == stanza.Set {
		return sv.setContact(r, st, q)
	}
	r.interested = true
	version := strconv.FormatUint(r.u.Version, 10)
	if q.Version != "" && q.Version == version {
		r.m.Send(wire.Result(st, r.u.escaped))
		return nil
	}
	answer := rosterQuery{Version: version}
	for _, addr := range r.u.sorted() {
		if c := r.u.Contacts[addr]; c.Listed {
			answer.Items = append(answer.Items, c.item(addr))
		}
	}
	r.m.Send(wire.Answer(st, r.u.escaped, answer))
	return nil
}

func (sv *Service) setContact(r *resource, st *wire.Stanza, q rosterQuery) *stanza.Error {
	if len(q.Items) != 1 {
		return stanza.NewError(stanza.BadRequest, "one contact, please")
	}
	i := q.Items[0]
	addr := i.JID.Bare()
	switch {
	case addr.IsZero():
		return stanza.NewError(stanza.BadRequest, "")
	case addr == r.u.addr:
		return stanza.NewError(stanza.NotAllowed, "nobody is a contact of oneself")
	case i.Subscription == "remove":
		return sv.removeContact(r, st, addr)
	case len(i.Name) > maxName || len(i.Groups) > maxGroups ||
		slices.ContainsFunc(i.Groups, func(g string) bool { return g == "" || len(g) > maxName }):
		return stanza.NewError(stanza.NotAcceptable, "names have 1 to 1023 bytes, and a contact up to 32 groups")
	case r.u.Contacts[addr] == nil && len(r.u.Contacts) >= maxContacts:
		return stanza.NewError(stanza.ResourceConstraint, "too many contacts")
	}
	slices.Sort(i.Groups)
	c := r.u.contact(addr)
	c.Listed, c.Name, c.Groups = true, i.Name, slices.Compact(i.Groups)
	sv.push(r.u, addr)
	r.m.Send(wire.Result(st, r.u.escaped))
	return nil
}

// removeContact ends both subscriptions with it.
func (sv *Service) removeContact(r *resource, st *wire.Stanza, addr jid.JID) *stanza.Error {
	c := r.u.Contacts[addr]
	if c == nil || !c.Listed {
		return stanza.NewError(stanza.ItemNotFound, "")
	}
	r.m.Send(wire.Result(st, r.u.escaped))
	c.Listed = false // one push says it all
	if c.To || c.Ask {
		sv.unsubscribe(r.u, addr, nil)
	}
	if c.From || c.Asked != nil {
		sv.unsubscribed(r.u, addr, nil)
	}
	delete(r.u.Contacts, addr)
	sv.push(r.u, addr)
	return nil
}

// push tells the account's sessions what has become of a contact, and keeps it.
func (sv *Service) push(u *user, addr jid.JID) {
	c := u.Contacts[addr]
	if c != nil && !c.Listed {
		sv.save(u)
		return
	}
	u.Version++
	sv.save(u)
	q := rosterQuery{Version: strconv.FormatUint(u.Version, 10), Items: []rosterItem{{JID: addr, Subscription: "remove"}}}
	if c != nil {
		q.Items[0] = c.item(addr)
	}
	b, err := xml.Marshal(q)
	if err != nil {
		return // text: cannot happen
	}
	for _, o := range sv.of[u.addr] {
		if o.interested {
			o.m.Send(&wire.Out{
				Head: wire.Head{Kind: wire.IQ, ID: []byte(sv.env.NewID()), Type: stanza.Set}.Bytes(),
				Body: append(slices.Clone(b), "</iq>"...),
			})
		}
	}
}
