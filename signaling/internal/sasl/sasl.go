// Package sasl is the server side of the mechanisms that a client may log in
// with: ANONYMOUS for guests; for accounts SCRAM-SHA-256 and SCRAM-SHA-1, bound
// to the TLS connection where the server ends that itself (-PLUS), and PLAIN
// for old clients. It knows neither XML nor sockets, starts nothing, and keeps
// no password: accounts hold the two derived keys of RFC 5802.
package sasl

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/xdg-go/scram"
	"github.com/xdg-go/stringprep"
	"meetbox.local/signaling/xmpp/jid"
)

// Mechanisms, strongest first.
const (
	SHA256    = "SCRAM-SHA-256"
	SHA1      = "SCRAM-SHA-1"
	Plus      = "-PLUS" // after one of the above: bound to the TLS connection
	Plain     = "PLAIN" // only inside of TLS
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
	secret []byte        // makes up keys for users that are not there
	slots  chan struct{} // PLAIN costs a moment of a processor; no more than there are
}

// NewAccounts returns the users of a domain.
func NewAccounts(domain string, list []Account) *Accounts {
	a := &Accounts{domain: domain, users: map[string]Account{}, slots: make(chan struct{}, runtime.NumCPU())}
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

// Empty tells that nobody can log in.
func (a *Accounts) Empty() bool { return len(a.users) == 0 }

// canonical is how a user is written in addresses.
func (a *Accounts) canonical(user string) string {
	j, err := jid.New(user, a.domain, "")
	if err != nil {
		return ""
	}
	return j.Local()
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

// Start begins a login. The binding is that of the TLS connection, nil where
// there is none to bind to.
func (a *Accounts) Start(mechanism string, binding *scram.ChannelBinding) (*Conversation, error) {
	mechanism, plus := strings.CutSuffix(mechanism, Plus)
	if plus && binding == nil {
		return nil, ErrMechanism
	}
	hash := scram.SHA256
	switch mechanism {
	case SHA256:
	case SHA1:
		hash = scram.SHA1
	default:
		return nil, ErrMechanism
	}
	server, err := hash.NewServer(func(user string) (scram.StoredCredentials, error) {
		k := a.keys(a.canonical(user), mechanism)
		return scram.StoredCredentials{
			KeyFactors: scram.KeyFactors{Salt: string(k.Salt), Iters: k.Iterations},
			StoredKey:  k.StoredKey, ServerKey: k.ServerKey,
		}, nil
	})
	if err != nil {
		return nil, err
	}
	c := &Conversation{accounts: a}
	switch {
	case plus:
		c.c = server.NewConversationWithChannelBindingRequired(*binding)
	case binding != nil: // a client that could have bound, and was told it cannot, is being lied to
		c.c = server.NewConversationWithChannelBinding(*binding)
	default:
		c.c = server.NewConversation()
	}
	return c, nil
}

// PlainUser is who wants to log in by PLAIN, as an account's name is written; ""
// for nobody. Nothing is checked.
func (a *Accounts) PlainUser(message string) string {
	parts := strings.Split(message, "\x00")
	if len(parts) != 3 {
		return ""
	}
	return a.canonical(parts[1])
}

// Plain checks a login by PLAIN and returns the user.
func (a *Accounts) Plain(message string) (user string, err error) {
	parts := strings.Split(message, "\x00")
	if len(parts) != 3 || parts[1] == "" || len(parts[2]) > maxPassword {
		return "", ErrDenied
	}
	user = a.canonical(parts[1])
	if z := parts[0]; z != "" && z != user+"@"+a.domain {
		return "", ErrAuthzid
	}
	password, err := stringprep.SASLprep.Prepare(parts[2])
	if err != nil {
		return "", ErrDenied
	}
	a.slots <- struct{}{}
	defer func() { <-a.slots }()
	k := a.keys(user, SHA256)
	salted, err := pbkdf2.Key(sha256.New, password, k.Salt, k.Iterations, sha256.Size)
	if err != nil {
		return "", ErrDenied
	}
	client := hmac.New(sha256.New, salted)
	client.Write([]byte("Client Key"))
	stored := sha256.Sum256(client.Sum(nil))
	if subtle.ConstantTimeCompare(stored[:], k.StoredKey) != 1 {
		return "", ErrDenied
	}
	return user, nil
}

// maxPassword bounds the work of PLAIN.
const maxPassword = 1023

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
	if z := c.c.AuthzID(); z != "" && z != c.User()+"@"+c.accounts.domain {
		c.failed = true
		return "", false, ErrAuthzid
	}
	return out, true, nil
}

// User is who has logged in.
func (c *Conversation) User() string { return c.accounts.canonical(c.c.Username()) }
