// Package archive is message archive management (XEP-0313) over the store:
// the messages of one owner, a user or a room, in the order in which the
// server has handled them, read a page at a time (XEP-0059).
//
// A message's key is its id: the time in microseconds and a number, in
// hexadecimal. Ids of one server are ordered and unlike, and a client that
// knows one can say where to go on. The package is state, not service: it
// starts nothing and decides nothing about who may read what.
package archive

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"time"

	"meetbox.local/signaling/internal/store"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/form"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/stanza"
)

// Namespaces.
const (
	NS        = "urn:xmpp:mam:2"
	NSSet     = "http://jabber.org/protocol/rsm"
	nsForward = "urn:xmpp:forward:0"
	nsDelay   = "urn:xmpp:delay"
	NSID      = "urn:xmpp:sid:0"
)

// Sizes of pages.
const (
	usual = 50
	most  = 200
)

// ID makes an archive id. Stamp tells apart what has the same microsecond.
func ID(at time.Time, stamp uint32) string { return fmt.Sprintf("%016x%08x", at.UnixMicro(), stamp) }

// timeOf is when the message with this id came.
func timeOf(id []byte) (time.Time, bool) {
	if len(id) != 24 {
		return time.Time{}, false
	}
	us, err := strconv.ParseInt(string(id[:16]), 16, 64)
	return time.UnixMicro(us).UTC(), err == nil
}

type entry struct {
	With string `json:"with"`
	XML  []byte `json:"xml"`
}

// Record is the change that keeps a message: whole XML, and whom the owner
// has exchanged it with. The oldest of more than keep go.
func Record(bucket, owner, id string, with jid.JID, message []byte, keep int) store.Op {
	b, err := json.Marshal(entry{with.String(), message})
	if err != nil {
		b = nil // text and bytes: cannot happen; nothing is kept
	}
	return store.Op{Bucket: bucket, Owner: owner, Key: []byte(id), Value: b, Keep: keep}
}

// StanzaID is the element that tells the id to those who get the message.
func StanzaID(id string, by []byte) []byte {
	return fmt.Appendf(nil, `<stanza-id xmlns="%s" id="%s" by="%s"/>`, NSID, id, by)
}

// Delay is the element that says when a message was sent that comes late.
func Delay(at time.Time, by []byte) []byte {
	return fmt.Appendf(nil, `<delay xmlns="%s" stamp="%s" from="%s"/>`, nsDelay, Stamp(at), by)
}

// Stamp is how XMPP writes a time (XEP-0082).
func Stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }

// Forwarded wraps a whole message.
func Forwarded(message, delay []byte) []byte {
	b := []byte(`<forwarded xmlns="` + nsForward + `">`)
	return append(append(append(b, delay...), message...), "</forwarded>"...)
}

type query struct {
	XMLName xml.Name   `xml:"urn:xmpp:mam:2 query"`
	ID      string     `xml:"queryid,attr"`
	Node    string     `xml:"node,attr"`
	Form    *form.Data `xml:"jabber:x:data x"`
	Set     *set       `xml:"http://jabber.org/protocol/rsm set"`
}

type set struct {
	Max    *int    `xml:"http://jabber.org/protocol/rsm max"`
	After  *string `xml:"http://jabber.org/protocol/rsm after"`
	Before *string `xml:"http://jabber.org/protocol/rsm before"`
}

// Query is a page asked for, understood.
type Query struct {
	id            string
	with          jid.JID
	start, end    []byte // keys: from this one on, below that one; nil without
	after, before string
	backward      bool
	max           int
}

// Parse reads a query. Its error is for the sender.
func Parse(st *wire.Stanza) (Query, *stanza.Error) {
	bad := stanza.NewError(stanza.BadRequest, "")
	var ask query
	if st.Decode(st.Children()[0], &ask) != nil || ask.Node != "" {
		return Query{}, bad
	}
	q := Query{id: ask.ID, max: usual}
	if ask.Form != nil {
		if ask.Form.Type != form.Submit || ask.Form.Kind() != NS {
			return Query{}, bad
		}
		if e := q.filter(ask.Form); e != nil {
			return Query{}, e
		}
	}
	if s := ask.Set; s != nil {
		if s.Max != nil {
			if *s.Max < 0 {
				return Query{}, bad
			}
			q.max = min(*s.Max, most)
		}
		if s.After != nil {
			q.after = *s.After
		}
		if s.Before != nil {
			q.backward, q.before = true, *s.Before
		}
	}
	return q, nil
}

func (q *Query) filter(f *form.Data) *stanza.Error {
	for _, field := range f.Fields {
		v, _ := f.Value(field.Var)
		switch field.Var {
		case "FORM_TYPE":
		case "with":
			with, err := jid.Parse(v)
			if err != nil {
				return stanza.NewError(stanza.BadRequest, "with")
			}
			q.with = with
		case "start", "end":
			at, err := time.Parse(time.RFC3339Nano, v)
			if err != nil {
				return stanza.NewError(stanza.BadRequest, field.Var)
			}
			if field.Var == "start" {
				q.start = []byte(ID(at, 0))
			} else {
				q.end = []byte(ID(at.Add(time.Microsecond), 0))
			}
		default:
			return stanza.NewError(stanza.FeatureNotImplemented, field.Var)
		}
	}
	return nil
}

// Form answers what a query may contain.
func Form(st *wire.Stanza, from []byte) *wire.Out {
	return wire.Answer(st, from, struct {
		XMLName xml.Name `xml:"urn:xmpp:mam:2 query"`
		Form    form.Data
	}{Form: form.Data{Type: form.Ask, Fields: []form.Field{
		{Var: "FORM_TYPE", Type: "hidden", Values: []string{NS}},
		{Var: "with", Type: "jid-single"}, {Var: "start", Type: "text-single"}, {Var: "end", Type: "text-single"},
	}}})
}

// Asker is where the answer goes.
type Asker struct {
	From    []byte    // the archive's address, escaped
	Answer  wire.Out  // an empty result for the iq; its head is used
	Refusal *wire.Out // when a page follows a message that is not there
}

// NewAsker prepares the answer to an iq.
func NewAsker(st *wire.Stanza, from []byte) Asker {
	return Asker{
		From: from, Answer: *wire.Result(st, from),
		Refusal: wire.Failure(st, from, stanza.NewError(stanza.ItemNotFound, "no such message")),
	}
}

// Run reads the page and renders the answer.
func (q Query) Run(r store.Reader, bucket, owner string, to Asker) []*wire.Out {
	for _, id := range []string{q.after, q.before} {
		if id != "" && r.Get(bucket, owner, []byte(id)) == nil {
			return []*wire.Out{to.Refusal}
		}
	}
	page, complete := q.page(r, bucket, owner)
	out := make([]*wire.Out, 0, len(page)+1)
	head := wire.Head{Kind: wire.Message, From: to.From}.Bytes()
	for _, f := range page {
		at, _ := timeOf([]byte(f.id))
		body := fmt.Appendf(nil, `<result xmlns="%s"`, NS)
		if q.id != "" {
			body = fmt.Appendf(body, ` queryid="%s"`, wire.Escape(q.id))
		}
		body = fmt.Appendf(body, ` id="%s">`, f.id)
		body = append(body, Forwarded(f.XML, fmt.Appendf(nil, `<delay xmlns="%s" stamp="%s"/>`, nsDelay, Stamp(at)))...)
		out = append(out, &wire.Out{Head: head, Body: append(body, "</result></message>"...)})
	}
	fin := fmt.Appendf(nil, `<fin xmlns="%s"`, NS)
	if complete {
		fin = append(fin, ` complete="true"`...)
	}
	fin = fmt.Appendf(fin, `><set xmlns="%s">`, NSSet)
	if len(page) > 0 {
		fin = fmt.Appendf(fin, "<first>%s</first><last>%s</last>", page[0].id, page[len(page)-1].id)
	}
	if q.with.IsZero() && q.start == nil && q.end == nil {
		fin = fmt.Appendf(fin, "<count>%d</count>", r.Count(bucket, owner))
	}
	return append(out, &wire.Out{Head: to.Answer.Head, Body: append(fin, "</set></fin></iq>"...)})
}

type found struct {
	id string
	entry
}

// page finds the messages, oldest first; complete tells that there are no more
// in the direction of reading.
func (q Query) page(r store.Reader, bucket, owner string) (page []found, complete bool) {
	complete = true
	take := func(k, v []byte) bool {
		var e entry
		if json.Unmarshal(v, &e) != nil || !q.matches(e.With) {
			return true
		}
		if len(page) == q.max {
			complete = false
			return false
		}
		page = append(page, found{string(k), e})
		return true
	}
	if !q.backward {
		from := q.start
		if after := append([]byte(q.after), 0); q.after != "" && bytes.Compare(after, from) > 0 {
			from = after
		}
		r.Each(bucket, owner, from, func(k, v []byte) bool {
			return (q.end == nil || bytes.Compare(k, q.end) < 0) && take(k, v)
		})
		return page, complete
	}
	below := q.end
	if q.before != "" && (below == nil || bytes.Compare([]byte(q.before), below) < 0) {
		below = []byte(q.before)
	}
	r.Back(bucket, owner, below, func(k, v []byte) bool {
		return bytes.Compare(k, q.start) >= 0 && (q.after == "" || bytes.Compare(k, []byte(q.after)) > 0) && take(k, v)
	})
	slices.Reverse(page)
	return page, complete
}

// matches: a bare address means every session of it.
func (q Query) matches(with string) bool {
	if q.with.IsZero() {
		return true
	}
	j, err := jid.Parse(with)
	return err == nil && (j == q.with || q.with.IsBare() && j.Bare() == q.with)
}
