package accounts

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/directory"
	"meetbox.local/appliance/internal/state"
)

// outsideLife is how long somebody whom a directory knows stays signed in:
// it is asked again every working day.
const outsideLife = 12 * time.Hour

// hostQuestions is how many the directory is asked at a time for people who
// want to begin meetings: everybody on the network can ask.
const hostQuestions = 4

var (
	errLocal   = api.Problem{Status: http.StatusConflict, Code: "name-taken", Detail: "An account of the box has this name already. Ask an owner of the box to rename or remove one of the two."}
	errNotHost = api.Problem{Status: http.StatusForbidden, Code: "not-host", Detail: "The directory knows you, but you are in none of the groups that may begin meetings here."}
)

// Outside knows people who have no account of the box. Its methods return
// [directory.ErrWrong], or why it could not be asked; Host also
// [directory.ErrGroup].
type Outside interface {
	SignIn(ctx context.Context, name, password string) (directory.Person, error)
	Host(ctx context.Context, name, password string) (directory.Person, error)
}

// Host asks outside whether somebody may begin the meeting in a room. Wrong
// guesses count together with those at the console: it is the same password.
func (b *Book) Host(ctx context.Context, from netip.Addr, q api.HostSignIn) (who directory.Person, err error) {
	guess, err := b.slow.try(ctx, from, key(q.Name), false)
	if err != nil {
		return who, err
	}
	// Not before: while somebody's guesses are held back, others are asked for.
	select {
	case b.hosts <- struct{}{}:
		defer func() { <-b.hosts }()
	case <-ctx.Done():
		guess.None()
		return who, context.Cause(ctx)
	}
	who, err = b.Outside.Host(ctx, q.Name, q.Password)
	switch {
	case errors.Is(err, directory.ErrWrong):
		// The name may be a password in the wrong field: not in the log.
		return who, errors.Join(errWrong, b.store.Audit(state.Actor{From: from}, "sign-in to a meeting refused", q.Room, ""))
	case errors.Is(err, directory.ErrGroup):
		guess.Known() // nothing was guessed, but each time is a line in the audit log
		return who, errors.Join(errNotHost, b.store.Audit(state.Actor{Name: who.Name, From: from}, "sign-in to a meeting refused", q.Room, "in no group that may"))
	case err != nil:
		guess.None()
		return who, err
	}
	guess.Settle()
	return who, b.store.Audit(state.Actor{Name: who.Name, From: from}, "signed in to a meeting", q.Room, who.Source)
}

// vouch finds out whether name and password belong together. known is what
// the directory says of somebody who has no account of the box.
func (b *Book) vouch(ctx context.Context, name string, q api.SignIn) (p person, known *directory.Person, ok bool, err error) {
	p, err = b.person(name)
	if err != nil && !errors.Is(err, state.ErrNone) {
		return p, nil, false, err
	}
	if b.Outside == nil || err == nil && p.Source == "" {
		ok, err = b.check(ctx, p.Password, q.Password)
		return p, nil, ok, err
	}
	found, err := b.Outside.SignIn(ctx, q.Name, q.Password)
	if errors.Is(err, directory.ErrWrong) {
		return p, nil, false, nil
	}
	if err != nil {
		return p, nil, false, err
	}
	if p, err = b.person(key(found.Name)); err != nil && !errors.Is(err, state.ErrNone) {
		return p, nil, false, err
	}
	return p, &found, true, nil
}

// SignInAs begins a session of somebody whom a provider vouched for.
func (b *Book) SignInAs(from netip.Addr, agent string, who directory.Person) (s api.Session, secret string, err error) {
	err = b.store.Update(func(tx *state.Tx) error {
		p, err := welcome(tx, who)
		if err != nil {
			return err
		}
		s, secret, err = b.begin(tx, p, from, agent)
		return errors.Join(err, tx.Audit(state.Actor{Name: p.Name, From: from}, "signed in", p.Name, p.Source))
	})
	return s, secret, err
}

// welcome keeps what a directory says of a person, for lists and sessions.
func welcome(tx *state.Tx, who directory.Person) (person, error) {
	f := api.FieldErrors{}
	if checkName(f, who.Name); f.Err() != nil {
		return person{}, f
	}
	p, err := state.Get[person](tx, "people", key(who.Name))
	switch {
	case errors.Is(err, state.ErrNone):
		n := 0
		for range state.All[person](tx, "people") {
			n++
		}
		if n >= maxPeople {
			return p, tooMany("accounts", n)
		}
		p = person{Name: who.Name, Created: tx.Now(), Source: who.Source, Subject: who.ID}
	case err != nil:
		return p, err
	case p.Source == "":
		return p, errLocal
	case p.Source != who.Source || p.Subject != who.ID:
		// Somebody else got the name: nothing of the other one is theirs.
		if err := endSessions(tx, p.Name, ""); err != nil {
			return p, err
		}
		p = person{Name: who.Name, Created: tx.Now(), Source: who.Source, Subject: who.ID}
	}
	p.Role = who.Role
	return p, state.Put(tx, "people", key(who.Name), p)
}

func life(p person) time.Duration {
	if p.Source != "" {
		return outsideLife
	}
	return sessionLife
}

// inUse says whether people of the source may sign in at all.
func inUse(set api.Directory, source string) bool {
	switch source {
	case directory.LDAP:
		return set.LDAP.URL != ""
	case directory.OIDC:
		return set.OIDC.Issuer != ""
	}
	return true
}
