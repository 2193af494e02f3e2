package accounts

import (
	"context"
	"errors"
	"net/http"
	"net/netip"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/directory"
	"meetbox.local/appliance/internal/state"
)

// Accounts are all people, in the order of their names.
func (b *Book) Accounts() (out []api.Account, err error) {
	err = b.store.View(func(tx *state.Tx) error {
		for _, p := range state.All[person](tx, "people") {
			out = append(out, p.account())
		}
		return nil
	})
	return out, err
}

// Add makes an account. Only an owner makes owners.
func (b *Book) Add(ctx context.Context, who state.Actor, q api.NewAccount) (a api.Account, err error) {
	f := api.FieldErrors{}
	checkName(f, q.Name)
	checkRole(f, q.Role)
	checkPassword(f, "password", q.Password, q.Name)
	if err := f.Err(); err != nil {
		return a, err
	}
	hash, err := b.hash(ctx, q.Password)
	if err != nil {
		return a, err
	}
	err = b.store.Update(func(tx *state.Tx) error {
		if _, err := state.Get[person](tx, "people", key(q.Name)); err == nil {
			return errTaken
		}
		n := 0
		for range state.All[person](tx, "people") {
			n++
		}
		if n >= maxPeople {
			return tooMany("accounts", n)
		}
		p := person{Name: q.Name, Role: q.Role, Password: hash, Created: tx.Now()}
		a = p.account()
		return errors.Join(state.Put(tx, "people", key(q.Name), p), tx.Audit(who, "account made", p.Name, p.Role.String()))
	})
	return a, err
}

func checkRole(f api.FieldErrors, r api.Role) {
	if r < api.Viewer || r > api.Owner {
		f.Add("role", "Choose viewer, auditor, operator, admin or owner.")
	}
}

// Change gives an account whose revision is still the given one another role or
// password; nil: whatever it is. A new password ends its sessions.
func (b *Book) Change(ctx context.Context, who state.Actor, name string, revision *uint64, q api.AccountChange) (a api.Account, err error) {
	f := api.FieldErrors{}
	var hash state.Secret
	if q.Role != nil {
		checkRole(f, *q.Role)
	}
	if q.Password != nil {
		checkPassword(f, "password", *q.Password, name)
	}
	if err := f.Err(); err != nil {
		return a, err
	}
	if q.Password != nil {
		if hash, err = b.hash(ctx, *q.Password); err != nil {
			return a, err
		}
	}
	err = b.store.Update(func(tx *state.Tx) error {
		p, err := state.Get[person](tx, "people", key(name))
		if err != nil {
			return err
		}
		if p.Source != "" {
			return errOutside
		}
		if revision != nil && *revision != p.Revision {
			return &state.Conflict{Last: api.Revision{Number: p.Revision, Section: "accounts", At: p.ChangedAt, Who: p.ChangedBy}}
		}
		if q.Role != nil && *q.Role != p.Role {
			if p.Role == api.Owner && owners(tx) == 1 {
				return errLast
			}
			if err := tx.Audit(who, "role changed", p.Name, p.Role.String()+" to "+q.Role.String()); err != nil {
				return err
			}
			p.Role = *q.Role
		}
		if q.Password != nil {
			p.Password = hash
			if err := errors.Join(tx.Audit(who, "password set", p.Name, ""), endSessions(tx, p.Name, "")); err != nil {
				return err
			}
		}
		p.changed(tx, who.Name)
		a = p.account()
		return state.Put(tx, "people", key(name), p)
	})
	return a, err
}

// Remove removes an account with its sessions and tokens, never the last
// owner.
func (b *Book) Remove(who state.Actor, name string) error {
	return b.store.Update(func(tx *state.Tx) error {
		p, err := state.Get[person](tx, "people", key(name))
		if err != nil {
			return err
		}
		if p.Role == api.Owner && p.Source == "" && owners(tx) == 1 {
			return errLast
		}
		var gone []string
		for id, t := range state.All[token](tx, "tokens") {
			if t.Owner == p.Name {
				gone = append(gone, id)
			}
		}
		for _, id := range gone {
			if err := state.Delete(tx, "tokens", id); err != nil {
				return err
			}
		}
		return errors.Join(endSessions(tx, p.Name, ""), state.Delete(tx, "people", key(name)), tx.Audit(who, "account removed", p.Name, ""))
	})
}

// SetPassword is a person's own change; it ends the other sessions.
func (b *Book) SetPassword(ctx context.Context, who state.Actor, session string, q api.PasswordChange) error {
	f := api.FieldErrors{}
	checkPassword(f, "new", q.New, who.Name)
	if err := f.Err(); err != nil {
		return err
	}
	if err := b.confirm(ctx, who.From, who.Name, "old", q.Old); err != nil {
		return err
	}
	hash, err := b.hash(ctx, q.New)
	if err != nil {
		return err
	}
	return b.store.Update(func(tx *state.Tx) error {
		p, err := state.Get[person](tx, "people", key(who.Name))
		if err != nil {
			return err
		}
		p.Password = hash
		return errors.Join(state.Put(tx, "people", key(who.Name), p), endSessions(tx, p.Name, session), tx.Audit(who, "password changed", p.Name, ""))
	})
}

// confirm checks a signed-in person's password once more.
func (b *Book) confirm(ctx context.Context, from netip.Addr, name, field, password string) error {
	p, err := b.person(key(name))
	if err != nil {
		return err
	}
	if p.Source != "" {
		return errOutside
	}
	guess, err := b.slow.try(ctx, from, key(name), false)
	if err != nil {
		return err
	}
	ok, err := b.check(ctx, p.Password, password)
	if err == nil && !ok {
		return api.FieldErrors{field: "This is not your password."}
	}
	guess.None()
	return err
}

// NewRecovery replaces the person's recovery codes.
func (b *Book) NewRecovery(who state.Actor) (codes []string, err error) {
	codes, hashes := recovery()
	return codes, b.change(who, "recovery codes made", func(p *person) error {
		if p.Source != "" {
			return errOutside
		}
		p.Recovery = hashes
		return nil
	})
}

// BeginOneTime makes a key for the person's authenticator.
func (b *Book) BeginOneTime(who state.Actor, box string) (out api.OneTimeKey, err error) {
	out = newKey(box, who.Name)
	return out, b.change(who, "authenticator key made", func(p *person) error {
		if p.Source == directory.OIDC {
			return errOutside // its provider asks for whatever it wants
		}
		p.Pending = state.Secret(out.Key)
		return nil
	})
}

// ConfirmOneTime puts the key into use: from now on signing in takes a code.
func (b *Book) ConfirmOneTime(who state.Actor, code string) error {
	return b.change(who, "authenticator in use", func(p *person) error {
		if p.Pending == "" {
			return api.Problem{Status: http.StatusConflict, Code: "no-key", Detail: "Make a new key first."}
		}
		step, ok := codeStep(string(p.Pending), code, b.now(), 0)
		if !ok {
			return api.FieldErrors{"code": "This is not the code. Compare the clocks of the box and of your phone."}
		}
		p.OneTime, p.Pending, p.LastStep = p.Pending, "", step
		return nil
	})
}

// EndOneTime takes an account's authenticator out of use.
func (b *Book) EndOneTime(who state.Actor, name string) error {
	return b.store.Update(func(tx *state.Tx) error {
		p, err := state.Get[person](tx, "people", key(name))
		if err != nil {
			return err
		}
		p.OneTime, p.Pending = "", ""
		return errors.Join(state.Put(tx, "people", key(name), p), tx.Audit(who, "authenticator out of use", p.Name, ""))
	})
}

// change changes who's own account.
func (b *Book) change(who state.Actor, action string, f func(*person) error) error {
	return b.store.Update(func(tx *state.Tx) error {
		p, err := state.Get[person](tx, "people", key(who.Name))
		if err != nil {
			return err
		}
		if err := f(&p); err != nil {
			return err
		}
		return errors.Join(state.Put(tx, "people", key(who.Name), p), tx.Audit(who, action, p.Name, ""))
	})
}
