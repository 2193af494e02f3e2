package accounts

import (
	"crypto/rand"
	"errors"
	"net/netip"
	"slices"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/state"
)

// session is a session as it is kept, under the hash of its secret.
type session struct {
	ID      string    `json:"id"`
	Account string    `json:"account"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"`
	Expires time.Time `json:"expires"`
	From    string    `json:"from,omitempty"`
	Agent   string    `json:"agent,omitempty"`
}

// begin makes a session; the oldest one goes when there are too many.
func (b *Book) begin(tx *state.Tx, p person, from netip.Addr, agent string) (out api.Session, secret string, err error) {
	secret = rand.Text() // 130 bits
	s := session{
		ID: rand.Text()[:10], Account: p.Name, Created: tx.Now(), Seen: tx.Now(), Expires: tx.Now().Add(life(p)),
		Agent: agent[:min(len(agent), 200)],
	}
	if from.IsValid() {
		s.From = from.String()
	}
	var oldest string
	var age time.Time
	n := 0
	var gone []string
	for k, other := range state.All[session](tx, "sessions") {
		if other.Expires.Before(tx.Now()) {
			gone = append(gone, k)
			continue
		}
		if n++; oldest == "" || other.Seen.Before(age) {
			oldest, age = k, other.Seen
		}
	}
	if n >= maxSessions {
		gone = append(gone, oldest)
	}
	for _, k := range gone {
		if err := state.Delete(tx, "sessions", k); err != nil {
			return out, "", err
		}
	}
	return s.public(p.Role, s.ID), secret, state.Put(tx, "sessions", digest(secret), s)
}

func (s session) public(role api.Role, current string) api.Session {
	return api.Session{
		ID: s.ID, Account: s.Account, Role: role, Created: s.Created, Seen: s.Seen, Expires: s.Expires,
		From: s.From, Agent: s.Agent, Current: s.ID == current,
	}
}

// Session says who has the cookie's secret; [state.ErrNone] when nobody does
// (any more).
func (b *Book) Session(secret string) (who Identity, err error) {
	k := digest(secret)
	var s session
	var source string
	idle := sessionIdle
	err = b.store.View(func(tx *state.Tx) error {
		if s, err = state.Get[session](tx, "sessions", k); err != nil {
			return err
		}
		p, err := state.Get[person](tx, "people", key(s.Account))
		who = Identity{Account: p.Name, Role: p.Role, Session: s.ID}
		source = p.Source
		return err
	})
	if err != nil {
		return Identity{}, err
	}
	set, err := b.store.Settings()
	if err != nil {
		return Identity{}, err
	}
	if !inUse(set.Settings.Directory, source) {
		return Identity{}, state.ErrNone
	}
	if n := set.Settings.Console.IdleMinutes; n > 0 {
		idle = time.Duration(n) * time.Minute
	}
	now := b.now().UTC()
	last := b.seen.touch(k, s.Seen, now)
	if now.After(s.Expires) || now.Sub(last) > idle {
		return Identity{}, errors.Join(state.ErrNone, b.store.Update(func(tx *state.Tx) error { return state.Delete(tx, "sessions", k) }))
	}
	// The disk should last: not every request is a write.
	if now.Sub(s.Seen) > min(time.Hour, idle/4) {
		s.Seen = now
		err = b.store.Update(func(tx *state.Tx) error {
			if _, err := state.Get[session](tx, "sessions", k); err != nil {
				return err // ended meanwhile
			}
			return state.Put(tx, "sessions", k, s)
		})
	}
	return who, err
}

// touch notes the use and returns the one before.
func (s *seen) touch(k string, kept, now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.at) > maxSessions+maxTokens {
		clear(s.at) // what is kept is near enough
	}
	last := kept
	if at, ok := s.at[k]; ok && at.After(last) {
		last = at
	}
	s.at[k] = now
	return last
}

// Current is the session with that id.
func (b *Book) Current(id string) (out api.Session, err error) {
	all, err := b.Sessions("", id)
	if err != nil {
		return out, err
	}
	i := slices.IndexFunc(all, func(s api.Session) bool { return s.ID == id })
	if i < 0 {
		return out, state.ErrNone
	}
	return all[i], nil
}

// Sessions are those of the account, or of all when account is "".
func (b *Book) Sessions(account, current string) (out []api.Session, err error) {
	err = b.store.View(func(tx *state.Tx) error {
		for _, s := range state.All[session](tx, "sessions") {
			p, err := state.Get[person](tx, "people", key(s.Account))
			if err != nil || account != "" && s.Account != account || s.Expires.Before(tx.Now()) {
				continue
			}
			out = append(out, s.public(p.Role, current))
		}
		return nil
	})
	slices.SortFunc(out, func(x, y api.Session) int { return y.Seen.Compare(x.Seen) })
	return out, err
}

// End ends a session: one's own, or as an owner anybody's.
func (b *Book) End(who state.Actor, id string) error {
	return b.store.Update(func(tx *state.Tx) error {
		for k, s := range state.All[session](tx, "sessions") {
			if s.ID == id && (s.Account == who.Name || who.Role == api.Owner) {
				return errors.Join(state.Delete(tx, "sessions", k), tx.Audit(who, "signed out", s.Account, s.ID))
			}
		}
		return state.ErrNone
	})
}

// endSessions ends the account's sessions but one.
func endSessions(tx *state.Tx, account, but string) error {
	var gone []string
	for k, s := range state.All[session](tx, "sessions") {
		if s.Account == account && s.ID != but {
			gone = append(gone, k)
		}
	}
	for _, k := range gone {
		if err := state.Delete(tx, "sessions", k); err != nil {
			return err
		}
	}
	return nil
}
