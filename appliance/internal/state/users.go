package state

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// User is a person with an account for meetings and messages.
type User struct {
	Name    string                `json:"name"`
	SCRAM   map[string]Credential `json:"scram"`
	Created time.Time             `json:"created"`
}

// ErrExists means that there is one already.
var ErrExists = errors.New("exists already")

// maxUsers is how many users a box has; every one of them is in a file that
// signaling reads.
const maxUsers = 2000

// Users are all users, by name.
func (s *Store) Users() (out []User, err error) {
	err = s.View(func(tx *Tx) error {
		for _, u := range All[User](tx, "users") {
			out = append(out, u)
		}
		return nil
	})
	return out, err
}

// AddUser makes a user.
func (s *Store) AddUser(who Actor, u User) error {
	return s.Update(func(tx *Tx) error {
		n := 0
		for name := range All[User](tx, "users") {
			if n++; name == u.Name {
				return fmt.Errorf("user %s: %w", name, ErrExists)
			}
		}
		if n >= maxUsers {
			return fmt.Errorf("more than %d users", maxUsers)
		}
		u.Created = tx.Now()
		return errors.Join(Put(tx, "users", u.Name, u), tx.Audit(who, "user made", u.Name, ""))
	})
}

// SetUserCredentials changes a user's password.
func (s *Store) SetUserCredentials(who Actor, name string, scram map[string]Credential) error {
	return s.Update(func(tx *Tx) error {
		u, err := Get[User](tx, "users", name)
		if err != nil {
			return err
		}
		u.SCRAM = scram
		return errors.Join(Put(tx, "users", name, u), tx.Audit(who, "user's password changed", name, ""))
	})
}

// RemoveUser removes a user.
func (s *Store) RemoveUser(who Actor, name string) error {
	return s.Update(func(tx *Tx) error {
		if _, err := Get[User](tx, "users", name); err != nil {
			return err
		}
		return errors.Join(Delete(tx, "users", name), tx.Audit(who, "user removed", name, ""))
	})
}

// TokenSecret is what the box signs invitations with; made when first asked for.
func (s *Store) TokenSecret() (Secret, error) { return s.secret("token_secret") }

// TURNSecret is what the credentials of the box's TURN server are made with;
// made when first asked for.
func (s *Store) TURNSecret() (Secret, error) { return s.secret("turn_secret") }

func (s *Store) secret(name string) (secret Secret, err error) {
	// It is asked for twice a minute: only the first time is a write.
	secret, ok, err := get[Secret](s, "machine", name)
	if err != nil || ok {
		return secret, err
	}
	err = s.Update(func(tx *Tx) error {
		if secret, err = Get[Secret](tx, "machine", name); err == nil || !isNone(err) {
			return err // made meanwhile
		}
		secret = Secret(rand.Text() + rand.Text())
		return Put(tx, "machine", name, secret)
	})
	return secret, err
}
