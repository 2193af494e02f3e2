package im

import (
	"encoding/xml"
	"slices"
	"strconv"
	"strings"

	"meetbox.local/signaling/internal/store"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/internal/xmlscan"
	"meetbox.local/signaling/xmpp/form"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/stanza"
)

// Personal eventing: an account publishes items under names ("nodes"), and its
// contacts are told. There is one subscription, that to presence; what is
// published for nobody else (bookmarks) is told to the account's own sessions.

const (
	nsPubSub      = "http://jabber.org/protocol/pubsub"
	nsPubSubOwner = nsPubSub + "#owner"
	nsPubSubEvent = nsPubSub + "#event"
	nsPubSubNode  = nsPubSub + "#node_config"
	nsOptions     = nsPubSub + "#publish-options"
	nodeMetadata  = "urn:xmpp:avatar:metadata"
	nodeNick      = "http://jabber.org/protocol/nick"
)

const (
	maxNodes = 64
	maxItems = 256
	maxItem  = 160 << 10
)

func pubSubFeatures() []string {
	out := []string{nsPubSub}
	for _, f := range []string{"access-presence", "access-whitelist", "access-open", "auto-create", "auto-subscribe",
		"last-published", "persistent-items", "multi-items", "publish", "publish-options",
		"retrieve-items", "retract-items", "delete-nodes", "item-ids", "config-node", "create-nodes"} {
		out = append(out, nsPubSub+"#"+f)
	}
	return out
}

// node is a name under which an account publishes.
type node struct {
	Access string   `json:"access,omitempty"` // presence when empty, open, whitelist
	Max    int      `json:"max,omitempty"`    // items; 1 when zero
	Items  []string `json:"items,omitempty"`  // ids, oldest first
}

func (u *user) mayRead(n *node, bare jid.JID) bool {
	switch {
	case bare == u.addr, n.Access == "open":
		return true
	case n.Access == "":
		return u.shows(bare)
	}
	return false
}

type pubsub struct {
	XMLName xml.Name
	Publish *pubsubItems `xml:"publish"`
	Retract *pubsubItems `xml:"retract"`
	Items   *pubsubItems `xml:"items"`
	Create  *pubsubItems `xml:"create"`
	Delete  *pubsubItems `xml:"delete"`
	Config  *pubsubItems `xml:"configure"`
	Options *struct {
		Form form.Data `xml:"jabber:x:data x"`
	} `xml:"publish-options"`
}

type pubsubItems struct {
	Node  string     `xml:"node,attr"`
	Max   int        `xml:"max_items,attr"`
	Items []itemID   `xml:"item"`
	Form  *form.Data `xml:"jabber:x:data x"`
}

type itemID struct {
	ID string `xml:"id,attr"`
}

// pubsub takes what is asked of an account's nodes; only the account itself
// changes them.
func (sv *Service) pubsub(r *resource, u *user, st *wire.Stanza) *stanza.Error {
	var q pubsub
	if st.Decode(st.Children()[0], &q) != nil {
		return stanza.NewError(stanza.BadRequest, "")
	}
	get, owner := st.Type == stanza.Get, q.XMLName.Space == nsPubSubOwner
	switch {
	case q.Items != nil && get && !owner:
		return sv.getItems(r, u, st, q.Items)
	case u != r.u:
		return stanza.NewError(stanza.Forbidden, "")
	case q.Publish != nil && !get && !owner:
		return sv.publish(r, st, q)
	case q.Retract != nil && !get && !owner:
		return sv.retract(r, st, q.Retract)
	case q.Create != nil && !get && !owner:
		return sv.createNode(r, st, q)
	case q.Delete != nil && !get && owner:
		return sv.deleteNode(r, st, q.Delete.Node)
	case q.Config != nil && owner:
		return sv.configureNode(r, st, q.Config)
	}
	return stanza.NewError(stanza.FeatureNotImplemented, "")
}

func key(node, item string) []byte { return []byte(node + "\x00" + item) }

func (sv *Service) getItems(r *resource, u *user, st *wire.Stanza, ask *pubsubItems) *stanza.Error {
	n := u.Nodes[ask.Node]
	switch {
	case n == nil:
		return stanza.NewError(stanza.ItemNotFound, "")
	case !u.mayRead(n, r.u.addr):
		return stanza.NewError(stanza.Forbidden, "")
	}
	ids := slices.Clone(n.Items)
	if len(ask.Items) > 0 {
		ids = ids[:0]
		for _, i := range ask.Items {
			if slices.Contains(n.Items, i.ID) {
				ids = append(ids, i.ID)
			}
		}
	}
	if ask.Max > 0 && len(ids) > ask.Max {
		ids = ids[len(ids)-ask.Max:]
	}
	name, owner := ask.Node, u.addr.Local()
	open := `<pubsub xmlns="` + nsPubSub + `"><items node="` + string(wire.Escape(name)) + `">`
	sv.answerLater(r, st, u.escaped, nil, func(rd store.Reader) []byte {
		b := []byte(open)
		for _, id := range ids {
			b = append(b, rd.Get(bucketItems, owner, key(name, id))...)
		}
		return append(b, "</items></pubsub>"...)
	})
	return nil
}

// find makes a node, or finds it and checks that it is as the client thinks.
func (sv *Service) node(u *user, name string, f *form.Data) (*node, *stanza.Error) {
	n := u.Nodes[name]
	switch {
	case name == "" || len(name) > maxName || strings.Contains(name, "\x00"):
		return nil, stanza.NewError(stanza.BadRequest, "a node needs a name")
	case n == nil && len(u.Nodes) >= maxNodes:
		return nil, stanza.NewError(stanza.ResourceConstraint, "too many nodes")
	case n == nil:
		n = &node{}
		if u.Nodes == nil {
			u.Nodes = map[string]*node{}
		}
		u.Nodes[name] = n
	}
	n.configure(f)
	return n, nil
}

// configure takes over what it knows of a form.
func (n *node) configure(f *form.Data) {
	if f == nil {
		return
	}
	if v, ok := f.Value("pubsub#access_model"); ok {
		switch v {
		case "open":
			n.Access = "open"
		case "presence":
			n.Access = ""
		default: // who is on another list is for nobody here to say
			n.Access = "whitelist"
		}
	}
	if v, ok := f.Value("pubsub#max_items"); ok {
		n.Max = maxItems
		if i, err := strconv.Atoi(v); err == nil && i > 0 {
			n.Max = min(i, maxItems)
		}
	}
}

func (n *node) form() *form.Data {
	access := n.Access
	if access == "" {
		access = "presence"
	}
	return &form.Data{Type: form.Ask, Fields: []form.Field{
		{Var: "FORM_TYPE", Type: "hidden", Values: []string{nsPubSubNode}},
		{Var: "pubsub#access_model", Type: "list-single", Values: []string{access}, Options: []form.Option{{Value: "presence"}, {Value: "open"}, {Value: "whitelist"}}},
		{Var: "pubsub#max_items", Type: "text-single", Values: []string{strconv.Itoa(max(n.Max, 1))}},
		{Var: "pubsub#persist_items", Type: "boolean", Values: []string{"1"}},
	}}
}

func (sv *Service) publish(r *resource, st *wire.Stanza, q pubsub) *stanza.Error {
	if len(q.Publish.Items) > 1 {
		return stanza.NewError(stanza.BadRequest, "one item, please")
	}
	item, e := itemOf(st)
	if e != nil {
		return e
	}
	var options *form.Data
	if q.Options != nil {
		options = &q.Options.Form
	}
	name := q.Publish.Node
	n, e := sv.node(r.u, name, options)
	if e != nil {
		return e
	}
	answer := `<pubsub xmlns="` + nsPubSub + `"><publish node="` + string(wire.Escape(name)) + `">`
	var event []byte
	if item != nil {
		id := q.Publish.Items[0].ID
		if id == "" {
			id = sv.env.NewID()
		}
		if len(id) > maxName || strings.Contains(id, "\x00") {
			return stanza.NewError(stanza.BadRequest, "")
		}
		n.Items = append(slices.DeleteFunc(n.Items, func(o string) bool { return o == id }), id)
		event = []byte(`<item id="` + string(wire.Escape(id)) + `">`)
		event = append(append(event, item...), "</item>"...)
		sv.env.Write(store.Op{Bucket: bucketItems, Owner: r.u.addr.Local(), Key: key(name, id), Value: event})
		for len(n.Items) > max(n.Max, 1) {
			sv.env.Write(store.Op{Bucket: bucketItems, Owner: r.u.addr.Local(), Key: key(name, n.Items[0])})
			n.Items = n.Items[1:]
		}
		answer += `<item id="` + string(wire.Escape(id)) + `"/>`
	}
	sv.save(r.u)
	r.m.Send(wire.Result(st, r.u.escaped, []byte(answer+"</publish></pubsub>")))
	if event != nil {
		sv.notify(r.u, name, n, event)
	}
	return nil
}

// itemOf finds the content of the published item as it was written; nil when
// there is none.
func itemOf(st *wire.Stanza) ([]byte, *stanza.Error) {
	bad := stanza.NewError(stanza.BadRequest, "one item with one element, with its own namespace")
	if len(st.Decls()) > 0 {
		return nil, bad
	}
	b := st.Bytes(st.Children()[0])
	var def []byte
	for _, local := range []string{"publish", "item", ""} {
		sc := xmlscan.Scanner{Default: def}
		el, err := sc.Scan(b)
		if err != nil || len(el.Decls) > 0 {
			return nil, bad
		}
		def = append([]byte{}, el.Default...)
		found := false
		for _, c := range el.Children {
			if local == "" && string(c.NS) == nsPubSub {
				return nil, bad // has no namespace of its own
			}
			if local == "" || string(c.Local) == local {
				b, found = b[c.Start:c.End], true
				break
			}
		}
		switch {
		case !found && local == "publish", local == "" && len(el.Children) > 1:
			return nil, bad
		case !found:
			return nil, nil
		}
	}
	if len(b) > maxItem {
		return nil, stanza.NewError(stanza.NotAcceptable, "an item has up to 160 KiB")
	}
	return b, nil
}

// notify tells an event to who may read the node.
func (sv *Service) notify(u *user, name string, n *node, event []byte) {
	out := eventOf(u, name, event)
	for _, o := range sv.of[u.addr] {
		if o.available {
			o.m.Send(out)
		}
	}
	if n.Access == "whitelist" {
		return
	}
	for _, addr := range u.sorted() {
		if u.Contacts[addr].From && !u.blocks(addr) {
			sv.show(addr, u.addr, out)
		}
	}
}

func eventOf(u *user, name string, event []byte) *wire.Out {
	body := []byte(`<event xmlns="` + nsPubSubEvent + `"><items node="` + string(wire.Escape(name)) + `">`)
	return &wire.Out{
		Head: wire.Head{Kind: wire.Message, From: u.escaped, Type: "headline"}.Bytes(),
		Body: append(append(body, event...), "</items></event></message>"...),
	}
}

// tellItems sends a new session the newest of what people look at: pictures
// and names, its own and those of its contacts.
func (sv *Service) tellItems(r *resource) {
	type wanted struct {
		u        *user
		name, id string
	}
	var list []wanted
	for _, addr := range append([]jid.JID{r.u.addr}, r.u.sorted()...) {
		u := sv.users[addr]
		if u == nil || addr != r.u.addr && (!r.u.Contacts[addr].To || u.blocks(r.m.Addr())) {
			continue
		}
		for _, name := range []string{nodeMetadata, nodeNick} {
			if n := u.Nodes[name]; n != nil && len(n.Items) > 0 && u.mayRead(n, r.u.addr) {
				list = append(list, wanted{u, name, n.Items[len(n.Items)-1]})
			}
		}
	}
	if len(list) == 0 {
		return
	}
	sv.env.Ask(r.m, func(rd store.Reader) (out []*wire.Out) {
		for _, w := range list {
			if b := rd.Get(bucketItems, w.u.addr.Local(), key(w.name, w.id)); b != nil {
				out = append(out, eventOf(w.u, w.name, b))
			}
		}
		return out
	})
}

func (sv *Service) retract(r *resource, st *wire.Stanza, ask *pubsubItems) *stanza.Error {
	n := r.u.Nodes[ask.Node]
	if n == nil || len(ask.Items) != 1 || !slices.Contains(n.Items, ask.Items[0].ID) {
		return stanza.NewError(stanza.ItemNotFound, "")
	}
	id := ask.Items[0].ID
	n.Items = slices.DeleteFunc(n.Items, func(o string) bool { return o == id })
	sv.env.Write(store.Op{Bucket: bucketItems, Owner: r.u.addr.Local(), Key: key(ask.Node, id)})
	sv.save(r.u)
	r.m.Send(wire.Result(st, r.u.escaped))
	sv.notify(r.u, ask.Node, n, []byte(`<retract id="`+string(wire.Escape(id))+`"/>`))
	return nil
}

func (sv *Service) createNode(r *resource, st *wire.Stanza, q pubsub) *stanza.Error {
	if r.u.Nodes[q.Create.Node] != nil {
		return stanza.NewError(stanza.Conflict, "")
	}
	var f *form.Data
	if q.Config != nil {
		f = q.Config.Form
	}
	if _, e := sv.node(r.u, q.Create.Node, f); e != nil {
		return e
	}
	sv.save(r.u)
	r.m.Send(wire.Result(st, r.u.escaped))
	return nil
}

func (sv *Service) deleteNode(r *resource, st *wire.Stanza, name string) *stanza.Error {
	n := r.u.Nodes[name]
	if n == nil {
		return stanza.NewError(stanza.ItemNotFound, "")
	}
	for _, id := range n.Items {
		sv.env.Write(store.Op{Bucket: bucketItems, Owner: r.u.addr.Local(), Key: key(name, id)})
	}
	delete(r.u.Nodes, name)
	sv.save(r.u)
	r.m.Send(wire.Result(st, r.u.escaped))
	return nil
}

func (sv *Service) configureNode(r *resource, st *wire.Stanza, ask *pubsubItems) *stanza.Error {
	n := r.u.Nodes[ask.Node]
	if n == nil {
		return stanza.NewError(stanza.ItemNotFound, "")
	}
	if st.Type == stanza.Set {
		n.configure(ask.Form)
		sv.save(r.u)
		r.m.Send(wire.Result(st, r.u.escaped))
		return nil
	}
	r.m.Send(wire.Answer(st, r.u.escaped, struct {
		XMLName xml.Name `xml:"http://jabber.org/protocol/pubsub#owner pubsub"`
		Config  struct {
			Node string     `xml:"node,attr"`
			Form *form.Data `xml:"jabber:x:data x"`
		} `xml:"configure"`
	}{Config: struct {
		Node string     `xml:"node,attr"`
		Form *form.Data `xml:"jabber:x:data x"`
	}{ask.Node, n.form()}}))
	return nil
}
