package c2s

import (
	"crypto/rand"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"meetbox.local/signaling/internal/board"
	"meetbox.local/signaling/internal/guesses"
	"meetbox.local/signaling/internal/router"
	"meetbox.local/signaling/internal/sasl"
	"meetbox.local/signaling/internal/token"
	"meetbox.local/signaling/xmpp/disco"
)

// Limits of one connection.
type Limits struct {
	Login      time.Duration // from the connection to a session
	Idle       time.Duration // without a word, until the client is asked whether it is there
	Answer     time.Duration // for that
	Write      time.Duration // for one batch
	Early      int           // bytes of an element before login
	Element    int           // bytes of one after
	Pause      int           // bytes that wait for a client, above which it is not read
	Rate       float64       // stanzas a second of a guest
	Burst      int
	ByteRate   float64 // bytes a second of a guest
	ByteBurst  int
	Logins     int   // tries on one connection
	Unlogged   int64 // connections without a session
	TrustedMax int   // bytes of an element of the box's own accounts

	Wait       time.Duration // a BOSH request, for an answer, at most
	Inactivity time.Duration // a BOSH session without a request
	MaxPause   time.Duration // one that has asked for it
}

// DefaultLimits are generous to clients: one that joins a room of a hundred
// sends a dozen stanzas.
func DefaultLimits() Limits {
	return Limits{
		Login: 30 * time.Second, Idle: 45 * time.Second, Answer: 15 * time.Second, Write: 30 * time.Second,
		Early: 10_000, Element: 256 << 10, Pause: 256 << 10,
		Rate: 50, Burst: 300, ByteRate: 256 << 10, ByteBurst: 1 << 20,
		Logins: 5, Unlogged: 512, TrustedMax: 4 << 20,
		// Less than the 30 s after which the web process gives a request of HTTP/1.1 up.
		Wait: 25 * time.Second, Inactivity: 60 * time.Second, MaxPause: 120 * time.Second,
	}
}

// Server accepts connections of clients. Its fields are set before the first.
type Server struct {
	Router *router.Router
	Boards *board.Relay // nil: there are no whiteboards
	Limits Limits
	Log    *slog.Logger

	name     string // of this process, among those before and after it
	links    sync.WaitGroup
	endMu    sync.Mutex
	ended    bool // nothing is added to links from outside any more
	accounts atomic.Pointer[sasl.Accounts]
	users    atomic.Pointer[sasl.Accounts]
	tokens   atomic.Pointer[token.Verifier]
	guesses  guesses.Book // of people's passwords
	// Counted apart: strangers of the web, or of the LAN, must not keep the box's
	// own accounts out.
	webUnlogged, lanUnlogged, tcpUnlogged atomic.Int64
	caps                                  string

	writers writers
	desks   desks
	room    waitingRoom

	boshMu sync.Mutex
	boshes map[string]*bosh // by sid
}

// New returns a server for a router.
func New(r *router.Router, limits Limits, log *slog.Logger) *Server {
	s := &Server{
		Router: r, Limits: limits, Log: log, name: rand.Text(), boshes: map[string]*bosh{},
		caps: `<c xmlns="` + disco.NSCaps + `" hash="sha-1" node="` + router.CapsNode + `" ver="` + r.Info().Ver() + `"/>`,
	}
	s.SetAccounts(sasl.NewAccounts(r.AuthDomain, nil))
	s.SetUsers(sasl.NewAccounts(r.Domain, nil))
	s.SetTokens(&token.Verifier{})
	return s
}

// SetAccounts replaces the accounts of the auth domain. Safe at any time.
func (s *Server) SetAccounts(a *sasl.Accounts) { s.accounts.Store(a) }

// SetUsers replaces the accounts of people. Safe at any time.
func (s *Server) SetUsers(a *sasl.Accounts) { s.users.Store(a) }

// SetTokens replaces the keys of JSON Web Tokens. Safe at any time.
func (s *Server) SetTokens(v *token.Verifier) { s.tokens.Store(v) }

// Wait waits for the connections to end, after the contexts given to Handler
// and ServeTCP have.
func (s *Server) Wait() {
	s.endMu.Lock()
	s.ended = true
	s.endMu.Unlock()
	s.links.Wait()
	if s.Boards != nil {
		s.Boards.Wait()
	}
	s.room.close()
	s.desks.wait()
	s.writers.wait()
}

// admit has Wait wait for a request of the web too, which ends with
// links.Done. It reports false when Wait has begun.
func (s *Server) admit() bool {
	s.endMu.Lock()
	defer s.endMu.Unlock()
	if !s.ended {
		s.links.Add(1)
	}
	return !s.ended
}
