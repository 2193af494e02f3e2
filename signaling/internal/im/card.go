package im

import (
	"meetbox.local/signaling/internal/store"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/internal/xmlscan"
	"meetbox.local/signaling/xmpp/stanza"
)

const (
	nsCard    = "vcard-temp"
	nsPrivate = "jabber:iq:private"
)

const (
	maxCard    = 192 << 10 // with a picture
	maxPrivate = 64 << 10
	keepCards  = 100
)

// declared is an element that stands by itself: prefixes declared above it
// come along.
func declared(st *wire.Stanza, element []byte) []byte {
	decls := st.Decls()
	if len(decls) == 0 {
		return append([]byte{}, element...)
	}
	for i, c := range element[1:] {
		if c == ' ' || c == '/' || c == '>' || c == '\n' || c == '\t' || c == '\r' {
			out := append([]byte{}, element[:i+1]...)
			return append(append(out, decls...), element[i+1:]...)
		}
	}
	return nil // no element; it has passed a scan
}

// answerLater answers an iq with what is stored, or with what is there
// without it.
func (sv *Service) answerLater(r *resource, st *wire.Stanza, from []byte, otherwise *wire.Out, find func(store.Reader) []byte) {
	head := wire.Result(st, from).Head
	sv.env.Ask(r.m, func(rd store.Reader) []*wire.Out {
		b := find(rd)
		if b == nil {
			return []*wire.Out{otherwise}
		}
		return []*wire.Out{{Head: head, Body: append(b, "</iq>"...)}}
	})
}

// card reads or replaces a vCard.
func (sv *Service) card(r *resource, u *user, st *wire.Stanza) *stanza.Error {
	owner, key := u.addr.Local(), []byte("vcard")
	if st.Type == stanza.Get {
		empty := wire.Result(st, u.escaped, []byte(`<vCard xmlns="`+nsCard+`"/>`))
		if u != r.u {
			empty = wire.Failure(st, u.escaped, stanza.NewError(stanza.ItemNotFound, ""))
		}
		sv.answerLater(r, st, u.escaped, empty, func(rd store.Reader) []byte { return rd.Get(bucketCards, owner, key) })
		return nil
	}
	b := declared(st, st.Bytes(st.Children()[0]))
	if len(b) > maxCard {
		return stanza.NewError(stanza.NotAcceptable, "a vCard has up to 192 KiB")
	}
	sv.env.Write(store.Op{Bucket: bucketCards, Owner: owner, Key: key, Value: b})
	r.m.Send(wire.Result(st, u.escaped))
	return nil
}

// private keeps XML of a client's own, by its name.
func (sv *Service) private(r *resource, st *wire.Stanza) *stanza.Error {
	element := st.Bytes(st.Children()[0])
	sc := xmlscan.Scanner{Default: []byte(stanza.NS)}
	el, err := sc.Scan(element)
	if err != nil || len(el.Children) != 1 || len(st.Decls()) > 0 {
		return stanza.NewError(stanza.BadRequest, "one element, with its own namespace")
	}
	c := el.Children[0]
	b := append([]byte{}, element[c.Start:c.End]...)
	key := []byte(string(c.NS) + " " + string(c.Local))
	owner := r.u.addr.Local()
	if st.Type == stanza.Set {
		if len(b) > maxPrivate {
			return stanza.NewError(stanza.NotAcceptable, "up to 64 KiB are kept")
		}
		sv.env.Write(store.Op{Bucket: bucketPrivate, Owner: owner, Key: key, Value: b, Keep: keepCards})
		r.m.Send(wire.Result(st, r.u.escaped))
		return nil
	}
	wrap := func(b []byte) []byte {
		out := append([]byte(`<query xmlns="`+nsPrivate+`">`), b...)
		return append(out, "</query>"...)
	}
	empty := wire.Result(st, r.u.escaped, wrap(b)) // an empty element of this name is what was asked with
	sv.answerLater(r, st, r.u.escaped, empty, func(rd store.Reader) []byte {
		if v := rd.Get(bucketPrivate, owner, key); v != nil {
			return wrap(v)
		}
		return nil
	})
	return nil
}
