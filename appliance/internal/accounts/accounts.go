// Package accounts knows who may administer the box: people with passwords,
// their sessions, programs with tokens, and the setup code that makes the
// first owner.
//
// Everything is kept in the appliance's state, so that a session outlives a
// restart of any process. Of passwords, sessions and tokens only hashes are
// kept. Wrong guesses slow down whoever makes them, by address; many on one
// account slow that account down by seconds, never more: nobody can lock the
// last owner out. All methods are safe for concurrent use.
package accounts

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/state"
)

const (
	sessionLife  = 7 * 24 * time.Hour
	sessionIdle  = 12 * time.Hour // where the settings say nothing else
	maxSessions  = 200
	maxPeople    = 200
	maxTokens    = 100
	recoveryKeys = 8
)

// What callers read.
var (
	errWrong = api.Problem{Status: http.StatusUnauthorized, Code: "wrong", Detail: "The name, the password or the code is wrong."}
	// ErrOneTime asks for the second step of signing in.
	ErrOneTime = api.Problem{Status: http.StatusUnauthorized, Code: "one-time-needed", Detail: "Enter the six digits that your authenticator shows."}
	errToken   = api.Problem{Status: http.StatusUnauthorized, Code: "token", Detail: "This token is unknown, was taken back, or has expired."}
	errClaimed = api.Problem{Status: http.StatusConflict, Code: "claimed", Detail: "This box has an owner already. Sign in instead."}
	errLast    = api.Problem{Status: http.StatusConflict, Code: "last-owner", Detail: "This is the last owner. Make somebody else an owner first."}
	errTaken   = api.FieldErrors{"name": "Somebody is called so already."}
	errOutside = api.Problem{Status: http.StatusConflict, Code: "directory-account", Detail: "This person is known by the directory, which decides on password and role."}
)

// Identity is who is behind a session or a token.
type Identity struct {
	Account string
	Role    api.Role
	Session string   // id; "" for a token
	Scopes  []string // of a token
}

// person is an account as it is kept.
type person struct {
	Name     string       `json:"name"`
	Role     api.Role     `json:"role"`
	Password state.Secret `json:"password"` // argon2id, in PHC's form
	Created  time.Time    `json:"created"`
	Recovery []string     `json:"recovery,omitempty"` // hashes
	OneTime  state.Secret `json:"one_time,omitempty"` // key, base32
	Pending  state.Secret `json:"pending,omitempty"`  // key that no code confirmed yet
	LastStep int64        `json:"last_step,omitempty"`
	// How often role or password were changed by who manages accounts, and
	// when last, by whom. What people change of their own does not get in
	// the way of that.
	Revision  uint64    `json:"revision,omitempty"`
	ChangedAt time.Time `json:"changed_at,omitzero"`
	ChangedBy string    `json:"changed_by,omitempty"`
	// Of somebody whom a directory knows: which one, and under what id. The
	// role is the one of the last time.
	Source  string `json:"source,omitempty"`
	Subject string `json:"subject,omitempty"`
}

func (p person) account() api.Account {
	return api.Account{Name: p.Name, Role: p.Role, Created: p.Created, OneTime: p.OneTime != "", Recovery: len(p.Recovery), Revision: p.Revision, Source: p.Source}
}

// changed notes a change of role or password by somebody else, which another who
// has seen the account before does not know.
func (p *person) changed(tx *state.Tx, by string) {
	p.Revision, p.ChangedAt, p.ChangedBy = p.Revision+1, tx.Now(), by
}

// Book is all that is known of people.
type Book struct {
	store *state.Store
	now   func() time.Time
	slow  slowness
	work  chan struct{} // password checks at a time; each takes memory
	hosts chan struct{} // questions to outside at a time, see Host
	seen  seen
	// Outside is asked for people who have no account of the box; nil: nobody
	// is. Set it before the first use.
	Outside Outside
}

// seen is when sessions and tokens were used last, finer than the state has it.
type seen struct {
	mu sync.Mutex
	at map[string]time.Time
}

// New makes the book that is kept in the store.
func New(store *state.Store, now func() time.Time) *Book {
	return &Book{store: store, now: now, slow: slowness{now: now}, work: make(chan struct{}, 2), hosts: make(chan struct{}, hostQuestions), seen: seen{at: map[string]time.Time{}}}
}

// Claimed says whether the box has an owner.
func (b *Book) Claimed() (claimed bool, err error) {
	err = b.store.View(func(tx *state.Tx) error {
		claimed = owners(tx) > 0
		return nil
	})
	return claimed, err
}

// owners are those with an account of the box: the way in that always is.
func owners(tx *state.Tx) (n int) {
	for _, p := range state.All[person](tx, "people") {
		if p.Role == api.Owner && p.Source == "" {
			n++
		}
	}
	return n
}

// SetupCode is the code for the screen: "" on a box that has an owner, unless
// somebody in front of it asked for one.
func (b *Book) SetupCode() (code string, err error) {
	var claimed bool
	err = b.store.View(func(tx *state.Tx) error {
		code, claimed, err = setupCode(tx)
		return err
	})
	if err != nil || code != "" || claimed {
		return code, err
	}
	err = b.store.Update(func(tx *state.Tx) error {
		// Again, now that nobody else can make one meanwhile.
		if code, claimed, err = setupCode(tx); err != nil || code != "" || claimed {
			return err
		}
		code = newCode()
		return state.Put(tx, "machine", "setup_code", code)
	})
	return code, err
}

func setupCode(tx *state.Tx) (code string, claimed bool, err error) {
	code, err = state.Get[string](tx, "machine", "setup_code")
	if errors.Is(err, state.ErrNone) {
		return "", owners(tx) > 0, nil
	}
	return code, owners(tx) > 0, err
}

// NewSetupCode makes a code with which anybody becomes an owner, once: for
// people in front of a box whose owners lost their passwords.
func (b *Book) NewSetupCode() (string, error) {
	code := newCode()
	return code, b.store.Update(func(tx *state.Tx) error {
		return errors.Join(state.Put(tx, "machine", "setup_code", code), tx.Audit(state.Actor{Name: "screen"}, "setup code made", "", ""))
	})
}

func newCode() string {
	digits := make([]byte, 8)
	for i := range digits {
		digits[i] = '0' + digit()
	}
	return string(digits[:4]) + "-" + string(digits[4:])
}

// digit is one of ten, each as likely.
func digit() byte {
	for {
		var b [1]byte
		rand.Read(b[:])
		if b[0] < 250 {
			return b[0] % 10
		}
	}
}

// Claim makes an owner of whoever knows the setup code. An account of that
// name gets the new password and becomes an owner.
func (b *Book) Claim(ctx context.Context, from netip.Addr, agent string, q api.Claim) (api.Claimed, string, error) {
	var out api.Claimed
	f := api.FieldErrors{}
	checkName(f, q.Name)
	checkPassword(f, "password", q.Password, q.Name)
	if err := f.Err(); err != nil {
		return out, "", err
	}
	// The code has eight digits: guesses slow everybody down.
	guess, err := b.slow.try(ctx, from, "setup code", true)
	if err != nil {
		return out, "", err
	}
	hash, err := b.hash(ctx, q.Password)
	if err != nil {
		guess.None()
		return out, "", err
	}
	codes, hashes := recovery()
	var secret string
	err = b.store.Update(func(tx *state.Tx) error {
		code, err := state.Get[string](tx, "machine", "setup_code")
		switch {
		case errors.Is(err, state.ErrNone):
			return errClaimed
		case err != nil:
			return err
		case subtle.ConstantTimeCompare([]byte(digits(q.Code)), []byte(digits(code))) != 1:
			return api.FieldErrors{"code": "This is not the code on the box's screen."}
		}
		p, err := state.Get[person](tx, "people", key(q.Name))
		if errors.Is(err, state.ErrNone) {
			p = person{Name: q.Name, Created: tx.Now()}
		} else if err != nil {
			return err
		}
		p.Role, p.Password, p.Recovery, p.OneTime, p.Pending, p.Source, p.Subject = api.Owner, hash, hashes, "", "", "", ""
		p.changed(tx, p.Name)
		if err := endSessions(tx, p.Name, ""); err != nil {
			return err
		}
		out.Session, secret, err = b.begin(tx, p, from, agent)
		return errors.Join(err, state.Put(tx, "people", key(q.Name), p), state.Delete(tx, "machine", "setup_code"),
			tx.Audit(state.Actor{Name: p.Name, From: from}, "box claimed", p.Name, ""))
	})
	if err != nil {
		if _, code := errors.AsType[api.FieldErrors](err); !code {
			guess.None()
		}
		return out, "", err
	}
	guess.Settle()
	out.Recovery = codes
	return out, secret, nil
}

// digits is what a person means by a code, however it is written.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// key is a name in one spelling.
func key(name string) string { return strings.ToLower(name) }

func checkName(f api.FieldErrors, name string) {
	n := utf8.RuneCountInString(name)
	bad := strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(".-_@ ", r)
	})
	if n < 1 || n > 64 || bad || strings.TrimSpace(name) != name || !utf8.ValidString(name) {
		f.Add("name", "Give a name of 1 to 64 letters, digits, or . - _ @ and blanks inside.")
	}
}

// SignIn checks the password and begins a session; the secret is the cookie's
// value. Who has no account of the box is asked for outside.
func (b *Book) SignIn(ctx context.Context, from netip.Addr, agent string, q api.SignIn) (s api.Session, secret string, err error) {
	name := key(q.Name)
	guess, err := b.slow.try(ctx, from, name, false)
	if err != nil {
		return s, "", err
	}
	p, known, ok, err := b.vouch(ctx, name, q)
	if err != nil {
		guess.None()
		return s, "", err
	}
	if known != nil {
		name = key(known.Name)
	}
	var step int64
	if ok && p.OneTime != "" {
		if q.OneTime == "" {
			guess.None()
			return s, "", ErrOneTime
		}
		step, ok = codeStep(string(p.OneTime), q.OneTime, b.now(), p.LastStep)
	}
	if !ok {
		// The name may be a password in the wrong field: not in the log.
		object := p.Name
		return s, "", errors.Join(errWrong, b.store.Audit(state.Actor{From: from}, "sign-in refused", object, ""))
	}
	err = b.store.Update(func(tx *state.Tx) error {
		// Again, now that nobody can change it meanwhile.
		now, err := state.Get[person](tx, "people", name)
		if known != nil {
			if now, err = welcome(tx, *known); err != nil {
				return err
			}
		}
		if err != nil || now.Password != p.Password || step > 0 && now.LastStep >= step {
			return errors.Join(errWrong, err)
		}
		if step > 0 {
			now.LastStep = step
			if err := state.Put(tx, "people", name, now); err != nil {
				return err
			}
		}
		s, secret, err = b.begin(tx, now, from, agent)
		return errors.Join(err, tx.Audit(state.Actor{Name: now.Name, From: from}, "signed in", now.Name, now.Source))
	})
	if err == nil {
		guess.Settle()
	} else if !wrong(err) {
		guess.None()
	}
	return s, secret, err
}

// wrong says whether what was refused was a guess.
func wrong(err error) bool {
	p, ok := errors.AsType[api.Problem](err)
	return ok && p.Code == errWrong.Code
}

func (b *Book) person(name string) (p person, err error) {
	err = b.store.View(func(tx *state.Tx) error {
		p, err = state.Get[person](tx, "people", name)
		return err
	})
	return p, err
}

// Recover sets a new password for whoever has one of the account's recovery
// codes, and signs in.
func (b *Book) Recover(ctx context.Context, from netip.Addr, agent string, q api.Recover) (s api.Session, secret string, err error) {
	name := key(q.Name)
	f := api.FieldErrors{}
	checkPassword(f, "password", q.Password, q.Name)
	if err := f.Err(); err != nil {
		return s, "", err
	}
	guess, err := b.slow.try(ctx, from, name, false)
	if err != nil {
		return s, "", err
	}
	hash, err := b.hash(ctx, q.Password)
	if err != nil {
		guess.None()
		return s, "", err
	}
	given := digest(recoveryText(q.Code))
	err = b.store.Update(func(tx *state.Tx) error {
		p, err := state.Get[person](tx, "people", name)
		if err != nil && !errors.Is(err, state.ErrNone) {
			return err
		}
		i := slices.Index(p.Recovery, given)
		if i < 0 {
			return errWrong
		}
		p.Recovery = slices.Delete(p.Recovery, i, i+1)
		// The codes are for who lost the authenticator, too.
		p.Password, p.OneTime, p.Pending = hash, "", ""
		if err := endSessions(tx, p.Name, ""); err != nil {
			return err
		}
		s, secret, err = b.begin(tx, p, from, agent)
		return errors.Join(err, state.Put(tx, "people", name, p),
			tx.Audit(state.Actor{Name: p.Name, From: from}, "password recovered with a code", p.Name, ""))
	})
	if err != nil {
		if !wrong(err) {
			guess.None()
		}
		return s, "", err
	}
	guess.Settle()
	return s, secret, nil
}

// recovery makes codes and what is kept of them.
func recovery() (codes, hashes []string) {
	for range recoveryKeys {
		t := rand.Text()[:12] // 60 bits; nobody guesses that at our speed
		codes = append(codes, t[:4]+"-"+t[4:8]+"-"+t[8:])
		hashes = append(hashes, digest(t))
	}
	return codes, hashes
}

// recoveryText is what a person means by a code.
func recoveryText(s string) string {
	return strings.Map(func(r rune) rune {
		if r = unicode.ToUpper(r); (r < 'A' || r > 'Z') && (r < '0' || r > '9') {
			return -1
		}
		return r
	}, s)
}

func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func tooMany(what string, n int) error {
	return api.Problem{Status: http.StatusConflict, Code: "too-many", Detail: fmt.Sprintf("There are %d %s already. Remove one first.", n, what)}
}
