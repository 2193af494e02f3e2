package router

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"meetbox.local/signaling/internal/component"
	"meetbox.local/signaling/internal/im"
	"meetbox.local/signaling/internal/journal"
	"meetbox.local/signaling/internal/muc"
	"meetbox.local/signaling/internal/sm"
	"meetbox.local/signaling/internal/store"
	"meetbox.local/signaling/internal/token"
	"meetbox.local/signaling/internal/upload"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/jid"
)

// Options are what a server is for and how patient it is.
type Options struct {
	Domain, AuthDomain, MUC, InternalMUC, Focus string
	FocusUser                                   string
	Files                                       *upload.Box  // nil: none are shared
	Store                                       *store.Store // nil: nothing outlives a power cut
	GuestDomain                                 string       // of guests, while the domain itself is for those who log in

	QueueBytes   int           // of one session
	Hibernate    time.Duration // a session without a connection
	Reload       time.Duration // a session whose page was closed, or is loaded again
	Linger       time.Duration // the focus' occupants without their session
	MaxSessions  int
	MaxOccupants int
}

// Defaults fills what is not set. The queue holds the presences of five
// hundred people at a kilobyte each, twice and more.
func (o *Options) Defaults() {
	def(&o.GuestDomain, "guest."+o.Domain)
	def(&o.QueueBytes, 4<<20)
	def(&o.Hibernate, 60*time.Second)
	def(&o.Reload, 5*time.Second)
	def(&o.Linger, 15*time.Second)
	def(&o.MaxSessions, 4000)
	def(&o.MaxOccupants, 1000)
}

func def[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

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
	partsNext time.Time // when Run knows that they have something to do
	tick      chan struct{}
	domainTo  []byte // the domain, escaped
}

func (r *Router) init() {
	r.sessions, r.byNum = map[jid.JID]*Session{}, map[uint32]*Session{}
	r.byToken, r.byUser = map[string]*Session{}, map[jid.JID][]*Session{}
	r.domainTo = wire.Escape(r.Domain)
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
		router: r, link: link, Box: box, pass: pass,
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
	r.begin(record{Kind: evStanza, Session: s.num, Payload: st.Raw()})
	r.handle(s, st)
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

// Enable turns stream management on, with resumption if token is not empty.
func (r *Router) Enable(s *Session, link Link, token, answer string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.ended || s.link != link {
		return ErrGone
	}
	if s.counting {
		return ErrEnabled
	}
	r.begin(record{Kind: evEnable, Session: s.num, Payload: []byte(token)})
	r.enable(s, token, answer)
	return nil
}

func (r *Router) enable(s *Session, token, answer string) {
	s.Box.Enable(answer)
	s.counting, s.in, s.token = true, 0, token
	if token != "" {
		r.byToken[token] = s
	}
}

// Ack takes in that the client has handled h stanzas.
func (r *Router) Ack(s *Session, h uint32) error {
	if err := s.Box.Ack(h); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s.acked = h
	if !s.ackDirty && r.journal != nil {
		s.ackDirty = true
		r.acks = append(r.acks, s) // into the journal with the next event
	}
	return nil
}

// Handled is how many stanzas of the session have been handled.
func (r *Router) Handled(s *Session) uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return s.in
}

// Resume gives the session of a token to another connection of the same
// account, after everything the client has not got.
func (r *Router) Resume(a Account, token string, h uint32, link Link, answer func(in uint32) string) (*Session, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.byToken[token]
	if s == nil || s.addr.Local() != a.User || s.addr.Domain() != a.Domain {
		return nil, ErrNotFound
	}
	old := s.link
	if err := s.Box.Resume(link, h, answer(s.in)); err != nil {
		r.begin(record{Kind: evEnd, Session: s.num, Payload: []byte("bad resume")})
		r.end(s, "undefined-condition", "bad resume")
		r.settle()
		return nil, err
	}
	s.link, s.deadline = link, time.Time{}
	if old != nil {
		old.Stop("conflict")
	}
	r.meter.resumed.Inc()
	r.logger().Info("session resumed", "jid", s.addr.String())
	r.tell(s, "connection back")
	return s, nil
}

// UserOf returns the account of a session that can be resumed, so that a guest
// who comes back is who it was. The account of somebody who has logged in by a
// password is not for anybody who knows a token.
func (r *Router) UserOf(token, domain string) (user string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.byToken[token]; s != nil && s.rank == muc.Guest && !s.pass.User && s.addr.Domain() == domain {
		return s.addr.Local(), true
	}
	return "", false
}

// Detach tells that a connection is gone. A session that can be resumed
// hibernates, only briefly if its page was closed; any other ends.
func (r *Router) Detach(s *Session, link Link, reason string, brief bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.ended || s.link != link {
		return
	}
	if s.token == "" {
		r.begin(record{Kind: evEnd, Session: s.num, Payload: []byte(reason)})
		r.end(s, "", reason)
		r.settle()
		return
	}
	s.Box.Detach(link)
	s.link = nil
	patience := r.Hibernate
	if brief {
		patience = min(patience, r.Reload)
	}
	s.deadline = time.Now().Add(patience)
	r.poke()
	r.logger().Info("session hibernates", "jid", s.addr.String(), "reason", reason)
	r.tell(s, "connection interrupted", "reason", reason)
}

// End ends a session at its own wish, or because of what it did.
func (r *Router) End(s *Session, link Link, condition, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.ended || s.link != link {
		return
	}
	r.begin(record{Kind: evEnd, Session: s.num, Payload: []byte(reason)})
	r.end(s, condition, reason)
	r.settle()
}

// end takes a session out of everything.
func (r *Router) end(s *Session, condition, reason string) {
	if s.ended {
		return
	}
	// Not sent its own departures: what they would say, the end says.
	s.ended = true
	delete(r.sessions, s.addr)
	delete(r.byNum, s.num)
	if s.token != "" {
		delete(r.byToken, s.token)
	}
	bare := s.addr.Bare()
	rest := r.byUser[bare][:0:0]
	for _, o := range r.byUser[bare] {
		if o != s {
			rest = append(rest, o)
		}
	}
	if r.byUser[bare] = rest; len(rest) == 0 {
		delete(r.byUser, bare)
	}
	if condition == "resource-constraint" {
		s.Box.Drop() // it is not reading; only the error is worth a try
	}
	if s.link != nil {
		s.link.Stop(condition)
		s.link = nil
	} else {
		s.Box.Drop()
	}
	if s.rank == muc.FocusBot && r.focus() == nil {
		r.focusLost = r.now
	}
	r.im.Gone(s)
	r.breakout.Gone(s, reason)
	r.rooms.Gone(s, reason)
	r.lobby.Gone(s, reason)
	r.internal.Gone(s, reason)
	r.poke()
	r.logger().Info("session ended", "jid", s.addr.String(), "reason", reason, "condition", condition)
}

// doom marks a session to be ended after this event.
func (r *Router) doom(s *Session, condition string) {
	if s.doomed == "" && !r.replaying { // a replay finds the end in the journal
		s.doomed = condition
		r.doomed = append(r.doomed, s)
	}
}

// settle ends the sessions that this event has doomed; their departures may
// doom others.
func (r *Router) settle() {
	for len(r.doomed) > 0 {
		s := r.doomed[0]
		r.doomed = r.doomed[1:]
		if s.ended {
			continue
		}
		reason := "server's mistake"
		if s.doomed == "resource-constraint" {
			r.meter.drop("slow_reader")
			reason = "does not read what it is sent"
		}
		r.begin(record{Kind: evEnd, Session: s.num, Payload: []byte(reason)})
		r.end(s, s.doomed, reason)
	}
	if next := r.parts.NextExpiry(); next != r.partsNext {
		r.partsNext = next
		r.poke()
	}
	r.rotate()
}

// Run ends hibernation and lingering in time, until ctx ends.
func (r *Router) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-r.tick:
		case <-timer.C:
		}
		timer.Reset(r.expire())
	}
}

// poke makes Run look at the deadlines again.
func (r *Router) poke() {
	select {
	case r.tick <- struct{}{}:
	default:
	}
}

// expire does what is due and returns when to look again.
func (r *Router) expire() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	next := now.Add(time.Hour)
	var due []*Session
	for _, s := range r.byNum {
		switch {
		case s.deadline.IsZero():
		case s.deadline.After(now):
			next = earlier(next, s.deadline)
		default:
			due = append(due, s)
		}
	}
	for _, s := range due {
		r.begin(record{Kind: evEnd, Session: s.num, Payload: []byte("did not come back")})
		r.end(s, "", "did not come back")
	}
	if at := r.nextExpiry(); !at.IsZero() && !at.After(now) {
		r.begin(record{Kind: evExpire})
		r.expired()
	}
	r.settle()
	if at := r.nextExpiry(); !at.IsZero() {
		next = earlier(next, at)
	}
	return max(time.Until(next), time.Millisecond)
}

// expired ends what waits in vain.
func (r *Router) expired() {
	r.breakout.Expire()
	r.rooms.Expire()
	r.parts.Expire()
	r.refuseWaiting()
}

// nextExpiry is when expired has something to do; zero for never.
func (r *Router) nextExpiry() time.Time {
	var next time.Time
	for _, at := range []time.Time{r.rooms.NextExpiry(), r.breakout.NextExpiry(), r.parts.NextExpiry(), r.nextRefusal()} {
		if next.IsZero() || !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	return next
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// env is the router as its rooms see it.
type env Router

func (e *env) Now() time.Time { return e.now }

func (e *env) NewID() string { return (*Router)(e).newID() }

func (e *env) Event(msg string, args ...any) {
	e.events.add(e.now, msg, args)
	(*Router)(e).logger().Info(msg, args...)
}

func (e *env) Count(what string) { e.meter.drop(what) }

func (r *Router) logger() *slog.Logger {
	if r.replaying {
		return r.quiet
	}
	return r.log
}

// newID makes a UUID that a replay makes again.
func (r *Router) newID() string {
	r.ids++
	b := r.derive(r.event, r.ids)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
