package router

import (
	"errors"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"meetbox.local/signaling/internal/component"
	"meetbox.local/signaling/internal/guesses"
	"meetbox.local/signaling/internal/im"
	"meetbox.local/signaling/internal/journal"
	"meetbox.local/signaling/internal/muc"
	"meetbox.local/signaling/internal/sm"
	"meetbox.local/signaling/internal/token"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/jid"
)

// Errors of the entry points.
var (
	ErrGone     = errors.New("session has ended")
	ErrNotFound = errors.New("no such session")
	ErrFull     = errors.New("too many sessions")
	ErrEnabled  = errors.New("stream management is on already")
)

// Router is the server's state. See the package.
type Router struct {
	Options
	log   *slog.Logger
	quiet *slog.Logger
	meter *meter

	mu        sync.Mutex
	dir       string           // of the journal; empty: nothing survives
	journal   *journal.Journal // nil: it failed
	rotateAt  int64
	broken    time.Time // when writing the journal failed
	replaying bool
	seed      [32]byte // of ids
	event     uint64   // number of the event
	ids       uint32   // made in this event
	now       time.Time
	lastNum   uint32
	sessions  map[jid.JID]*Session
	byNum     map[uint32]*Session
	byToken   map[string]*Session
	byUser    map[jid.JID][]*Session // bare address, oldest first
	doomed    []*Session
	acks      []*Session // with ackDirty
	focusLost time.Time  // when the focus' last session ended; zero while one is there
	waiting   []request  // for the focus
	rooms     *muc.Service
	lobby     *muc.Service
	internal  *muc.Service
	breakout  *muc.Service
	im        *im.Service
	config    Config
	permits   map[jid.JID]time.Time // rooms that somebody may open, until when
	tickets   map[string]ticket
	asked     map[uint64]question
	lastAsk   uint64
	parts     *component.Set
	events    events
	guesses   guesses.Book // of meetings' passwords; a restart forgets them
	partsNext time.Time    // when Run knows that they have something to do
	tick      chan struct{}
}

func (r *Router) init() {
	r.sessions, r.byNum = map[jid.JID]*Session{}, map[uint32]*Session{}
	r.byToken, r.byUser = map[string]*Session{}, map[jid.JID][]*Session{}
	r.permits, r.tickets, r.asked = map[jid.JID]time.Time{}, map[string]ticket{}, map[uint64]question{}
	r.im = im.New(r.Domain, (*env)(r))
	r.parts = component.New(r.Domain, (*env)(r))
	r.rooms = muc.New(muc.Options{Domain: r.MUC, MaxOccupants: r.MaxOccupants, Linger: r.Linger, Watcher: r.parts, Door: (*door)(r)}, (*env)(r))
	r.parts.Watch(r.rooms)
	r.lobby = muc.New(muc.Options{Domain: "lobby." + r.Domain, Waiting: true, Main: r.rooms, MaxOccupants: r.MaxOccupants}, (*env)(r))
	r.rooms.Lobby = r.lobby
	r.breakout = muc.New(muc.Options{
		Domain: "breakout." + r.Domain, Main: r.rooms, MainOf: r.parts.MainOf,
		MaxOccupants: r.MaxOccupants, Linger: r.Linger, Watcher: r.parts,
	}, (*env)(r))
	r.parts.WatchBreakouts(r.breakout)
	r.internal = muc.New(muc.Options{Domain: r.InternalMUC, Internal: true, MaxOccupants: r.MaxOccupants}, (*env)(r))
}

// Account says who a connection has proved to be.
type Account struct {
	User, Domain string
	Pass         Pass
}

// Pass is what a login has proved beyond a name.
type Pass struct {
	User  bool          `json:"user,omitempty"`  // by the password of an account of the box
	Token *token.Claims `json:"token,omitempty"` // by a JSON Web Token
	Host  string        `json:"host,omitempty"`  // under which the client came to the box, by the web
	// Tenant is below which name it came (xmpp/tenant); empty without one.
	Tenant string `json:"tenant,omitempty"`
}

// Bind makes a session. An older one of the same address ends.
func (r *Router) Bind(a Account, resource string, link Link, box *sm.Box) (*Session, error) {
	addr, err := jid.New(a.User, a.Domain, resource)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.sessions) >= r.MaxSessions && r.sessions[addr] == nil {
		r.meter.drop("too_many_sessions")
		return nil, ErrFull
	}
	r.begin(record{Kind: evBind, Payload: a.Pass.with(addr)})
	s := r.bind(addr, a.Pass, link, box)
	r.settle()
	return s, nil
}

func (r *Router) bind(addr jid.JID, pass Pass, link Link, box *sm.Box) *Session {
	if old := r.sessions[addr]; old != nil {
		r.end(old, "conflict", "replaced by a new session")
	}
	r.lastNum++
	s := &Session{
		num: r.lastNum, addr: addr, escaped: wire.Escape(addr.String()), rank: r.rankOf(addr),
		router: r, link: link, Box: box, pass: pass, view: r.viewOf(pass),
	}
	if link != nil {
		s.peer, s.reached = link.Peer(), link.Reached()
	}
	box.SetTo(wire.To(s.escaped))
	r.add(s)
	if pass.User {
		r.im.Bound(s)
	}
	return s
}

func (r *Router) add(s *Session) {
	r.sessions[s.addr], r.byNum[s.num] = s, s
	bare := s.addr.Bare()
	r.byUser[bare] = append(r.byUser[bare], s)
	if s.token != "" {
		r.byToken[s.token] = s
	}
}

func (r *Router) rankOf(addr jid.JID) muc.Rank {
	switch {
	case addr.Domain() != r.AuthDomain:
		return muc.Guest
	case addr.Local() == r.FocusUser:
		return muc.FocusBot
	}
	return muc.Trusted
}

// Handle takes one stanza of a session. The bytes belong to the router from
// now on; the element may be reused after the call.
func (r *Router) Handle(s *Session, link Link, st *wire.Stanza) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.ended || s.link != link {
		return ErrGone
	}
	if wait := r.patience(s, st); wait > 0 {
		r.begin(record{Kind: evHeld, Session: s.num, Payload: held{guesses.Seconds(wait), st.Raw()}.payload()})
		r.hold(s, st, guesses.Seconds(wait))
	} else {
		r.begin(record{Kind: evStanza, Session: s.num, Payload: st.Raw()})
		r.handle(s, st)
	}
	r.settle()
	return nil
}

func (r *Router) handle(s *Session, st *wire.Stanza) {
	if s.counting {
		s.in++
	}
	r.meter.in[st.Kind].Inc()
	defer func() {
		// A stanza that finds a mistake of ours costs its sender the session,
		// and nobody else the meeting; a replay goes the same way.
		if p := recover(); p != nil {
			r.meter.drop("panic")
			r.logger().Error("stanza has hit a mistake", "jid", s.addr.String(), "err", p, "stack", string(debug.Stack()))
			r.doom(s, "internal-server-error")
		}
	}()
	r.route(s, st)
	if s.rank == muc.FocusBot {
		r.giveWaiting(s)
	}
}
