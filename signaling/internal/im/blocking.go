package im

import (
	"encoding/xml"
	"slices"

	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/stanza"
)

const nsBlocking = "urn:xmpp:blocking"

const maxBlocked = 500

type blockItem struct {
	XMLName xml.Name `xml:"urn:xmpp:blocking item"`
	JID     jid.JID  `xml:"jid,attr"`
}

type blockOrder struct {
	XMLName xml.Name
	Items   []blockItem `xml:"urn:xmpp:blocking item"`
}

// blocks tells whether an account wants nothing of an address.
func (u *user) blocks(addr jid.JID) bool {
	if len(u.Blocked) == 0 || addr.IsZero() {
		return false
	}
	for _, b := range u.Blocked {
		if b == addr || b == addr.Bare() || b.Local() == "" && b.IsBare() && b.Domain() == addr.Domain() {
			return true
		}
	}
	return false
}

// blockedError tells who blocks somebody that it cannot write there either.
func blockedError() *stanza.Error {
	e := stanza.NewError(stanza.NotAcceptable, "you have blocked this address")
	e.Type = stanza.Cancel
	var c stanza.Element
	c.XMLName.Space, c.XMLName.Local = nsBlocking+":errors", "blocked"
	e.Specific = append(e.Specific, c)
	return e
}

func (sv *Service) blocking(r *resource, st *wire.Stanza) *stanza.Error {
	if st.Type == stanza.Get {
		r.blocklist = true
		answer := blockOrder{XMLName: xml.Name{Space: nsBlocking, Local: "blocklist"}}
		for _, b := range r.u.Blocked {
			answer.Items = append(answer.Items, blockItem{JID: b})
		}
		r.m.Send(wire.Answer(st, r.u.escaped, answer))
		return nil
	}
	var order blockOrder
	if st.Decode(st.Children()[0], &order) != nil {
		return stanza.NewError(stanza.BadRequest, "")
	}
	block := order.XMLName.Local == "block"
	var list []jid.JID
	for _, i := range order.Items {
		if i.JID.IsZero() || i.JID == r.u.addr || i.JID.Bare() == r.u.addr {
			return stanza.NewError(stanza.BadRequest, "")
		}
		list = append(list, i.JID)
	}
	switch {
	case block && len(list) == 0:
		return stanza.NewError(stanza.BadRequest, "nobody to block")
	case block && len(r.u.Blocked)+len(list) > maxBlocked:
		return stanza.NewError(stanza.ResourceConstraint, "too many blocked addresses")
	case !block && len(list) == 0:
		list = slices.Clone(r.u.Blocked)
	}
	sv.setBlocked(r, list, block)
	r.m.Send(wire.Result(st, r.u.escaped))
	sv.pushBlocked(r.u, order)
	return nil
}

// setBlocked changes the list. Who is blocked sees the account leave, and who
// is not any more sees it come back.
func (sv *Service) setBlocked(r *resource, list []jid.JID, block bool) {
	u := r.u
	for _, addr := range list {
		has := slices.Contains(u.Blocked, addr)
		if has == block {
			continue
		}
		if block {
			sv.tellContact(u, addr, false)
			u.Blocked = append(u.Blocked, addr)
		} else {
			u.Blocked = slices.DeleteFunc(u.Blocked, func(b jid.JID) bool { return b == addr })
			sv.tellContact(u, addr, true)
		}
	}
	sv.save(u)
}

// tellContact says the presence of all of an account's sessions to an address,
// if it may know it.
func (sv *Service) tellContact(u *user, addr jid.JID, present bool) {
	if !u.shows(addr.Bare()) || u.blocks(addr) {
		return
	}
	for _, o := range sv.of[u.addr] {
		switch {
		case !o.available:
		case present:
			sv.show(addr.Bare(), o.m.Addr(), o.shown)
		default:
			sv.show(addr.Bare(), o.m.Addr(), gone(o))
		}
	}
}

func (sv *Service) pushBlocked(u *user, order blockOrder) {
	b, err := xml.Marshal(order)
	if err != nil {
		return // addresses: cannot happen
	}
	for _, o := range sv.of[u.addr] {
		if o.blocklist {
			o.m.Send(&wire.Out{
				Head: wire.Head{Kind: wire.IQ, ID: []byte(sv.env.NewID()), Type: stanza.Set}.Bytes(),
				Body: append(slices.Clone(b), "</iq>"...),
			})
		}
	}
}
