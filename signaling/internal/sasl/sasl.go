// Package sasl is the server side of the mechanisms that a client may log in
// with: ANONYMOUS for guests, SCRAM-SHA-256 and SCRAM-SHA-1 for accounts. It
// knows neither XML nor sockets, starts nothing, and never sees a password:
// accounts hold the two derived keys of RFC 5802.
package sasl

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"maps"
	"slices"

	"github.com/xdg-go/scram"
)

// Mechanisms, strongest first.
const (
	SHA256    = "SCRAM-SHA-256"
	SHA1      = "SCRAM-SHA-1"
	Anonymous = "ANONYMOUS"
)

// Errors of a conversation; everything else is the client's malformed text.
var (
	ErrMechanism = errors.New("mechanism not offered")
	ErrAuthzid   = errors.New("may not act for somebody else")
	ErrDenied    = errors.New("not authorized")
)

// Keys are what an account holds for one mechanism.
type Keys struct {
	Salt       []byte `json:"salt"`
	Iterations int    `json:"iterations"`
	StoredKey  []byte `json:"stored_key"`
	ServerKey  []byte `json:"server_key"`
}

// Account is one user.
type Account struct {
	User  string          `json:"user"`
	SCRAM map[string]Keys `json:"scram"`
}

// Accounts are all users of one domain. They are never changed, only replaced.
type Accounts struct {
	domain string
	users  map[string]Account
	secret []byte // makes up keys for users that are not there
}

// NewAccounts returns the users of a domain.
func NewAccounts(domain string, list []Account) *Accounts {
	a := &Accounts{domain: domain, users: map[string]Account{}}
	h := sha256.New()
	for _, u := range list {
		a.users[u.User] = u
		for _, m := range slices.Sorted(maps.Keys(u.SCRAM)) {
			h.Write(u.SCRAM[m].ServerKey) // secret, and the same after a restart
		}
	}
	a.secret = h.Sum(nil)
	return a
}

// keys returns a user's keys, or made-up ones that are always the same for the
// same name: who asks does not learn which users there are.
func (a *Accounts) keys(user, mechanism string) Keys {
	if k, ok := a.users[user].SCRAM[mechanism]; ok {
		return k
	}
	iterations := 4096
	for _, u := range a.users {
		if k, ok := u.SCRAM[mechanism]; ok {
			iterations = k.Iterations
			break
		}
	}
	fake := func(what string, n int) []byte {
		h := hmac.New(sha256.New, a.secret)
		h.Write([]byte(what + "\x00" + mechanism + "\x00" + user))
		return h.Sum(nil)[:n]
	}
	size := 32
	if mechanism == SHA1 {
		size = 20
	}
	return Keys{Salt: fake("salt", 16), Iterations: iterations, StoredKey: fake("stored", size), ServerKey: fake("server", size)}
}

// Conversation is one login by SCRAM.
type Conversation struct {
	accounts *Accounts
	c        *scram.ServerConversation
	failed   bool
}

// Start begins a login.
func (a *Accounts) Start(mechanism string) (*Conversation, error) {
	hash := scram.SHA256
	switch mechanism {
	case SHA256:
	case SHA1:
		hash = scram.SHA1
	default:
		return nil, ErrMechanism
	}
	server, err := hash.NewServer(func(user string) (scram.StoredCredentials, error) {
		k := a.keys(user, mechanism)
		return scram.StoredCredentials{
			KeyFactors: scram.KeyFactors{Salt: string(k.Salt), Iters: k.Iterations},
			StoredKey:  k.StoredKey, ServerKey: k.ServerKey,
		}, nil
	})
	if err != nil {
		return nil, err
	}
	return &Conversation{accounts: a, c: server.NewConversation()}, nil
}

// Step takes what the client says and returns what to say to it. When done,
// the answer goes along with the success, and User is proven.
func (c *Conversation) Step(in string) (out string, done bool, err error) {
	if c.failed {
		return "", false, ErrDenied
	}
	out, err = c.c.Step(in)
	switch {
	case err != nil:
		c.failed = true
		return "", false, ErrDenied // its text may hold what nobody should read
	case !c.c.Done():
		return out, false, nil
	case !c.c.Valid():
		c.failed = true
		return "", false, ErrDenied
	}
	if z := c.c.AuthzID(); z != "" && z != c.c.Username()+"@"+c.accounts.domain {
		c.failed = true
		return "", false, ErrAuthzid
	}
	return out, true, nil
}

// User is who has logged in.
func (c *Conversation) User() string { return c.c.Username() }
