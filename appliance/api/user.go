package api

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// User is a person with an account for meetings and messages: an XMPP account
// NAME@meet.jitsi. Who administers the box is an [Account], which is another
// thing.
type User struct {
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
}

// Users is a list of users.
type Users struct {
	Users []User `json:"users"`
}

// NewUser makes a user.
type NewUser struct {
	Name     string `json:"name"`
	Password string `json:"password"`
}

// UserPassword is a new password for a user.
type UserPassword struct {
	Password string `json:"password"`
}

var (
	userName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	// Guests are called so; nobody may be taken for one.
	guestName = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
)

// Validate says what is wrong with which field.
func (u NewUser) Validate() error {
	f := FieldErrors{}
	if !userName.MatchString(u.Name) || guestName.MatchString(u.Name) {
		f.Add("name", "Take 1 to 64 of a–z, 0–9, dots, dashes and underscores, a letter or digit first.")
	}
	f.Join("", UserPassword{u.Password}.Validate())
	if u.Name != "" && strings.EqualFold(u.Name, u.Password) {
		f.Add("password", "This is the name. Take another password.")
	}
	return f.Err()
}

// Validate says what is wrong with which field.
func (p UserPassword) Validate() error {
	f := FieldErrors{}
	switch {
	case utf8.RuneCountInString(p.Password) < 10:
		f.Add("password", "Take at least 10 characters; three or four words are good.")
	case len(p.Password) > 256 || !utf8.ValidString(p.Password):
		f.Add("password", "Take at most 256 characters.")
	}
	return f.Err()
}
