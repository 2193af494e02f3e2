package accounts

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/state"
)

// tokenPrefix lets scanners for lost secrets know ours.
const tokenPrefix = "meetbox_"

// token is a token as it is kept, under the hash of its secret.
type token struct {
	api.Token
}

// MakeToken makes a token of at most the maker's own role.
func (b *Book) MakeToken(who state.Actor, q api.NewToken) (out api.MadeToken, err error) {
	f := api.FieldErrors{}
	checkName(f, q.Name)
	checkRole(f, q.Role)
	if q.Role > api.Nobody && !who.Role.May(q.Role) {
		f.Add("role", "You cannot give more than you have yourself.")
	}
	if len(q.Scopes) == 0 || len(q.Scopes) > 50 {
		f.Add("scopes", "Name what the token is for, such as meetings or settings:read; * is everything.")
	}
	for _, s := range q.Scopes {
		if !scope.MatchString(s) {
			f.Add("scopes", "A scope is the word after /api/v1/ in a path, or *; followed by :read it lets only look.")
		}
	}
	if q.Days < 0 || q.Days > 3650 {
		f.Add("days", "Give 1 to 3650 days, or 0 for a token that does not expire.")
	}
	if err := f.Err(); err != nil {
		return out, err
	}
	out.Secret = tokenPrefix + rand.Text()
	err = b.store.Update(func(tx *state.Tx) error {
		// A token would go on when the directory knows its person no more.
		if p, err := state.Get[person](tx, "people", key(who.Name)); err != nil || p.Source != "" {
			return errors.Join(errOutsideToken, err)
		}
		n := 0
		for range state.All[token](tx, "tokens") {
			n++
		}
		if n >= maxTokens {
			return tooMany("tokens", n)
		}
		t := api.Token{ID: rand.Text()[:10], Name: q.Name, Owner: who.Name, Role: q.Role, Scopes: q.Scopes, Created: tx.Now()}
		if q.Days > 0 {
			t.Expires = tx.Now().AddDate(0, 0, q.Days)
		}
		out.Token = t
		return errors.Join(state.Put(tx, "tokens", digest(out.Secret), token{t}),
			tx.Audit(who, "token made", t.Name, t.Role.String()+": "+strings.Join(t.Scopes, " ")))
	})
	return out, err
}

var errOutsideToken = api.Problem{Status: http.StatusConflict, Code: "directory-account", Detail: "Tokens belong to accounts of the box, so that none outlives its person. Ask an owner for one."}

var scope = regexp.MustCompile(`^(\*|[a-z][a-z0-9-]{0,40})(:read)?$`)

// InScope says whether the scopes cover a request on the topic.
func InScope(scopes []string, topic string, changes bool) bool {
	return slices.ContainsFunc(scopes, func(s string) bool {
		s, only := strings.CutSuffix(s, ":read")
		return (s == topic || s == "*") && !(only && changes)
	})
}

// Token says who has the secret. A token has at most the role that its maker
// has now.
func (b *Book) Token(from netip.Addr, secret string) (who Identity, err error) {
	if err := b.slow.refused(from); err != nil {
		return who, err
	}
	k := digest(secret)
	var t token
	err = b.store.View(func(tx *state.Tx) error {
		if t, err = state.Get[token](tx, "tokens", k); err != nil {
			return err
		}
		p, err := state.Get[person](tx, "people", key(t.Owner))
		if err == nil && !p.Role.May(t.Role) {
			t.Role = p.Role
		}
		return err
	})
	now := b.now().UTC()
	if errors.Is(err, state.ErrNone) || err == nil && !t.Expires.IsZero() && now.After(t.Expires) {
		b.slow.failed(from)
		return who, errToken
	}
	if err != nil {
		return who, err
	}
	if now.Sub(t.Seen) > time.Hour {
		err = b.store.Update(func(tx *state.Tx) error {
			kept, err := state.Get[token](tx, "tokens", k)
			if err != nil {
				return errToken // taken back meanwhile
			}
			kept.Seen = now
			return state.Put(tx, "tokens", k, kept)
		})
	}
	return Identity{Account: "token " + t.Name, Role: t.Role, Scopes: t.Scopes}, err
}

// Tokens are those of the account, or of all when account is "".
func (b *Book) Tokens(account string) (out []api.Token, err error) {
	err = b.store.View(func(tx *state.Tx) error {
		for _, t := range state.All[token](tx, "tokens") {
			if account == "" || t.Owner == account {
				out = append(out, t.Token)
			}
		}
		return nil
	})
	slices.SortFunc(out, func(x, y api.Token) int { return x.Created.Compare(y.Created) })
	return out, err
}

// DropToken takes a token back: one's own, or as an owner anybody's.
func (b *Book) DropToken(who state.Actor, id string) error {
	return b.store.Update(func(tx *state.Tx) error {
		for k, t := range state.All[token](tx, "tokens") {
			if t.ID == id && (t.Owner == who.Name || who.Role == api.Owner) {
				return errors.Join(state.Delete(tx, "tokens", k), tx.Audit(who, "token taken back", t.Name, ""))
			}
		}
		return state.ErrNone
	})
}
