package api

import "strings"

// HostPath is where somebody whom the directory knows gets a token to begin a
// meeting with: a POST of a [HostSignIn], on the meetings' port; below a
// tenant's name for that one's rooms, which web says in the query (prefix).
const HostPath = "/host.json"

// HostSignIn asks for the token.
type HostSignIn struct {
	Room     string `json:"room"` // local part of its address
	Name     string `json:"name"`
	Password string `json:"password"`
}

// Validate says what is wrong with which field.
func (h HostSignIn) Validate() error {
	f := FieldErrors{}
	if !roomName.MatchString(h.Room) || len(h.Room) > 1023 || h.Room != strings.ToLower(h.Room) || h.Room == "*" { // a token for "*" is one for all
		f.Add("room", "Give the local part of the room's address, in lower case.")
	}
	for name, text := range map[string]string{"name": h.Name, "password": h.Password} {
		if text == "" || len(text) > 1000 || strings.ContainsRune(text, 0) {
			f.Add(name, "Give 1 to 1000 characters.")
		}
	}
	return f.Err()
}

// HostToken opens the room for whoever has it, and makes a moderator of them:
// a JSON Web Token as Jitsi's clients take one (?jwt=).
type HostToken struct {
	Token string `json:"token"`
	Name  string `json:"name"` // as the directory spells it for others to read
}
