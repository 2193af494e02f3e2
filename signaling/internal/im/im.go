package im

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"meetbox.local/signaling/internal/archive"
	"meetbox.local/signaling/internal/store"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/disco"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/ping"
	"meetbox.local/signaling/xmpp/stanza"
)

// Buckets of the store; the owner is the local part of an account.
const (
	bucketUsers   = "users"
	bucketArchive = "archive"
	bucketCards   = "cards"
	bucketPrivate = "private"
	bucketItems   = "items"
)

// Member is a session of an account. Members are compared by identity.
type Member = wire.Recipient

// Env is what the service needs of the world around it.
type Env interface {
	Now() time.Time
	NewID() string
	Stamp() uint32 // another one at each call
	Count(what string)
	Write(...store.Op)
	// Ask reads the store, later, and sends what f returns.
	Ask(m Member, f func(store.Reader) []*wire.Out)
	// Stranger finds the session of a guest.
	Stranger(full jid.JID) Member
}

// Service is the accounts of one domain.
type Service struct {
	env    Env
	domain string
	names  map[string]bool // local parts of the accounts
	users  map[jid.JID]*user
	at     map[Member]*resource
	of     map[jid.JID][]*resource // by bare address, oldest first
}

// resource is a session.
type resource struct {
	m          Member
	u          *user
	available  bool
	interested bool // has asked for its contacts
	blocklist  bool // has asked for what is blocked
	carbons    bool
	priority   int
	shown      *wire.Out        // its presence
	directed   map[jid.JID]bool // who was told of it beside its contacts
}

// user is what an account has.
type user struct {
	addr     jid.JID
	escaped  []byte
	Contacts map[jid.JID]*contact `json:"contacts,omitempty"`
	Version  uint64               `json:"version,omitempty"`
	Blocked  []jid.JID            `json:"blocked,omitempty"`
	Offline  []waiting            `json:"offline,omitempty"`
	Keep     string               `json:"keep,omitempty"` // of the archive: always when empty, roster, never
	Nodes    map[string]*node     `json:"nodes,omitempty"`
}

// New returns a service without accounts.
func New(domain string, env Env) *Service {
	return &Service{
		env: env, domain: domain, names: map[string]bool{}, users: map[jid.JID]*user{},
		at: map[Member]*resource{}, of: map[jid.JID][]*resource{},
	}
}

// SetNames says which accounts there are. What somebody without an account has
// stays in the store, for an account of that name may be made again; nobody
// can write to it.
func (sv *Service) SetNames(names []string) {
	sv.names = map[string]bool{}
	for _, n := range names {
		sv.names[n] = true
	}
}

// Known tells whether an address is an account's.
func (sv *Service) Known(addr jid.JID) bool {
	return addr.Domain() == sv.domain && sv.names[addr.Local()]
}

// user finds or begins what an account has.
func (sv *Service) user(bare jid.JID) *user {
	u := sv.users[bare]
	if u == nil {
		u = &user{addr: bare, escaped: wire.Escape(bare.String())}
		sv.users[bare] = u
	}
	return u
}

// save writes what an account has behind.
func (sv *Service) save(u *user) {
	b, err := json.Marshal(u)
	if err != nil {
		sv.env.Count("not_saved") // only text, numbers and bytes: cannot happen
		return
	}
	sv.env.Write(store.Op{Bucket: bucketUsers, Owner: u.addr.Local(), Key: []byte("state"), Value: b})
}

// Load reads every account from the store.
func (sv *Service) Load(r store.Reader) error {
	var all []error
	r.Owners(bucketUsers, func(owner string) bool {
		bare, err := jid.New(owner, sv.domain, "")
		if err != nil {
			all = append(all, err)
			return true
		}
		if b := r.Get(bucketUsers, owner, []byte("state")); b != nil {
			all = append(all, json.Unmarshal(b, sv.user(bare)))
		}
		return true
	})
	return errors.Join(all...)
}

// Bound takes in a new session of an account.
func (sv *Service) Bound(m Member) {
	bare := m.Addr().Bare()
	r := &resource{m: m, u: sv.user(bare), directed: map[jid.JID]bool{}}
	sv.at[m] = r
	sv.of[bare] = append(sv.of[bare], r)
}

// Gone takes out a session that has ended.
func (sv *Service) Gone(m Member) {
	r := sv.at[m]
	if r == nil {
		return
	}
	sv.unavailable(r, nil)
	delete(sv.at, m)
	bare := m.Addr().Bare()
	if rest := slices.DeleteFunc(sv.of[bare], func(o *resource) bool { return o == r }); len(rest) > 0 {
		sv.of[bare] = rest
	} else {
		delete(sv.of, bare)
	}
}

// Handle takes a stanza of an account's session, addressed to nobody, to
// itself, or to somebody at the domain or a guest.
func (sv *Service) Handle(m Member, st *wire.Stanza) {
	r := sv.at[m]
	if r == nil {
		return
	}
	switch st.Kind {
	case wire.Presence:
		sv.presence(r, st)
	case wire.Message:
		sv.message(r, st)
	case wire.IQ:
		sv.iq(r, st)
	}
}

// refuse answers with an error, which comes from where the stanza went to.
func (sv *Service) refuse(r *resource, st *wire.Stanza, e *stanza.Error) {
	sv.env.Count("refused")
	if !st.Answerable() {
		return
	}
	from := r.u.escaped
	if !st.To.IsZero() {
		from = wire.Escape(st.To.String())
	}
	r.m.Send(wire.Failure(st, from, e))
}

func (sv *Service) deny(r *resource, st *wire.Stanza, c stanza.Condition) {
	sv.refuse(r, st, stanza.NewError(c, ""))
}

// full finds a session by its address.
func (sv *Service) full(addr jid.JID) *resource {
	for _, o := range sv.of[addr.Bare()] {
		if o.m.Addr() == addr {
			return o
		}
	}
	return nil
}

// iq is a question or an order; own ones go by their content.
func (sv *Service) iq(r *resource, st *wire.Stanza) {
	own := st.To.IsZero() || st.To == r.u.addr
	switch {
	case own && !st.Request(): // an answer to a push
	case own:
		if e := sv.own(r, st); e != nil {
			sv.refuse(r, st, e)
		}
	case r.u.blocks(st.To):
		sv.refuse(r, st, blockedError())
	case st.To.IsBare():
		if !st.Request() {
			return
		}
		if e := sv.other(r, st); e != nil {
			sv.refuse(r, st, e)
		}
	default:
		if to := sv.full(st.To); to != nil && !to.u.blocks(r.m.Addr()) {
			to.m.Send(wire.Forward(st, r.m.Escaped()))
		} else if to := sv.env.Stranger(st.To); to != nil {
			to.Send(wire.Forward(st, r.m.Escaped()))
		} else {
			sv.deny(r, st, stanza.ServiceUnavailable)
		}
	}
}

const nsSession = "urn:ietf:params:xml:ns:xmpp-session"

// own is an iq to the session's own account.
func (sv *Service) own(r *resource, st *wire.Stanza) *stanza.Error {
	get := st.Type == stanza.Get
	switch {
	case st.Is(NSRoster, "query"):
		return sv.roster(r, st)
	case get && st.Is(ping.NS, "ping"), !get && st.Is(nsSession, "session"):
		r.m.Send(wire.Result(st, r.u.escaped))
	case get && st.Is(disco.NSInfo, "query"):
		return sv.info(r, r.u, st)
	case get && st.Is(disco.NSItems, "query"):
		return sv.items(r, r.u, st)
	case st.Is(nsCard, "vCard"):
		return sv.card(r, r.u, st)
	case st.Is(nsPrivate, "query"):
		return sv.private(r, st)
	case get && st.Is(nsBlocking, "blocklist"), !get && (st.Is(nsBlocking, "block") || st.Is(nsBlocking, "unblock")):
		return sv.blocking(r, st)
	case !get && (st.Is(nsCarbons, "enable") || st.Is(nsCarbons, "disable")):
		r.carbons = string(st.Children()[0].Local) == "enable"
		r.m.Send(wire.Result(st, r.u.escaped))
	case st.Is(archive.NS, "query"), st.Is(archive.NS, "prefs"):
		return sv.history(r, st)
	case st.Is(nsPubSub, "pubsub"), st.Is(nsPubSubOwner, "pubsub"):
		return sv.pubsub(r, r.u, st)
	default:
		return stanza.NewError(stanza.ServiceUnavailable, "")
	}
	return nil
}

// other is an iq to somebody else's account.
func (sv *Service) other(r *resource, st *wire.Stanza) *stanza.Error {
	none := stanza.NewError(stanza.ServiceUnavailable, "")
	if !sv.Known(st.To) {
		return none
	}
	u := sv.user(st.To)
	get := st.Type == stanza.Get
	switch {
	case u.blocks(r.m.Addr()):
		return none
	case get && st.Is(nsCard, "vCard"):
		return sv.card(r, u, st)
	case get && st.Is(nsPubSub, "pubsub"):
		return sv.pubsub(r, u, st)
	case get && st.Is(disco.NSInfo, "query") && u.shows(r.u.addr):
		return sv.info(r, u, st)
	case get && st.Is(disco.NSItems, "query") && u.shows(r.u.addr):
		return sv.items(r, u, st)
	}
	return none
}

// Features are what the domain's disco#info lists of the service.
func Features() []string {
	return []string{nsCarbons, nsBlocking, nsCard, nsPrivate, NSRoster, "msgoffline"}
}

// info describes an account.
func (sv *Service) info(r *resource, u *user, st *wire.Stanza) *stanza.Error {
	var ask disco.Info
	if st.Decode(st.Children()[0], &ask) != nil {
		return stanza.NewError(stanza.BadRequest, "")
	}
	info := disco.Info{Node: ask.Node}
	if ask.Node != "" {
		if u.Nodes[ask.Node] == nil || !u.mayRead(u.Nodes[ask.Node], r.u.addr) {
			return stanza.NewError(stanza.ItemNotFound, "")
		}
		info.Identities = []disco.Identity{{Category: "pubsub", Type: "leaf"}}
		info.Features = disco.Features(nsPubSub)
	} else {
		info.Identities = []disco.Identity{{Category: "account", Type: "registered"}, {Category: "pubsub", Type: "pep"}}
		info.Features = disco.Features(append([]string{disco.NSInfo, disco.NSItems, ping.NS, archive.NS, archive.NSID, nsCard}, pubSubFeatures()...)...)
	}
	r.m.Send(wire.Answer(st, u.escaped, info))
	return nil
}

// items lists what an account publishes.
func (sv *Service) items(r *resource, u *user, st *wire.Stanza) *stanza.Error {
	var list disco.Items
	for _, name := range slices.Sorted(maps.Keys(u.Nodes)) {
		if u.mayRead(u.Nodes[name], r.u.addr) {
			list.Items = append(list.Items, disco.Item{JID: u.addr, Node: name})
		}
	}
	r.m.Send(wire.Answer(st, u.escaped, list))
	return nil
}
