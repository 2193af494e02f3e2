package accounts

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/state"
)

// Argon2id as OWASP's password storage cheat sheet has it for small
// machines: 19 MiB, two passes, one lane.
const (
	argonMemory = 19 << 10 // KiB
	argonTime   = 2
	argonLanes  = 1
	argonKey    = 32
)

const minPassword, maxPassword = 10, 256

// usual are what most people take when they are asked for a password; digits
// and signs around them make them no better.
var usual = []string{
	"password", "passwort", "motdepasse", "contrasena", "wachtwoord", "qwerty", "qwertz", "azerty", "qwertyuiop", "asdfghjkl",
	"letmein", "welcome", "willkommen", "administrator", "admin", "meetbox", "jitsi", "changeme", "iloveyou", "sunshine",
	"princess", "football", "baseball", "dragon", "monkey", "superman", "batman", "master", "secret", "geheim", "abcdefgh", "abcdefghij",
}

// checkPassword notes what is wrong with a new password. There are no rules
// on kinds of characters: length is what counts.
func checkPassword(f api.FieldErrors, field, password, name string) {
	n := utf8.RuneCountInString(password)
	base := strings.TrimFunc(strings.ToLower(password), func(r rune) bool { return !unicode.IsLetter(r) })
	different := map[rune]bool{}
	for _, r := range password {
		different[r] = true
	}
	switch {
	case n < minPassword:
		f.Add(field, fmt.Sprintf("Take at least %d characters; three or four words are good.", minPassword))
	case len(password) > maxPassword:
		f.Add(field, fmt.Sprintf("Take at most %d characters.", maxPassword))
	case len(different) < 5:
		f.Add(field, "These are the same few characters again and again. Take other ones.")
	case name != "" && strings.Contains(strings.ToLower(password), strings.ToLower(name)) && n < 2*utf8.RuneCountInString(name):
		f.Add(field, "This is little more than the name. Take another password.")
	case base == "" && n < 16:
		f.Add(field, "Only digits and signs: take 16 of them, or some words.")
	default:
		for _, u := range usual {
			if base == u || base == u+u {
				f.Add(field, "This is one of the first passwords that anybody would try. Take another one.")
			}
		}
	}
}

// enter waits for a place to work in: each hash takes 19 MiB.
func (b *Book) enter(ctx context.Context) error {
	select {
	case b.work <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (b *Book) hash(ctx context.Context, password string) (state.Secret, error) {
	if err := b.enter(ctx); err != nil {
		return "", err
	}
	defer func() { <-b.work }()
	salt := make([]byte, 16)
	rand.Read(salt)
	sum := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonLanes, argonKey)
	e := base64.RawStdEncoding
	return state.Secret(fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes,
		e.EncodeToString(salt), e.EncodeToString(sum))), nil
}

// check compares the password with a hash. Without a hash it takes as long
// and says no: nobody learns which names there are.
func (b *Book) check(ctx context.Context, hash state.Secret, password string) (bool, error) {
	if err := b.enter(ctx); err != nil {
		return false, err
	}
	defer func() { <-b.work }()
	if len(password) > maxPassword {
		password = "" // never one of ours
	}
	memory, time, lanes := uint32(argonMemory), uint32(argonTime), uint8(argonLanes)
	salt, want := make([]byte, 16), make([]byte, argonKey)
	known := hash != ""
	if known {
		var err error
		if memory, time, lanes, salt, want, err = parse(string(hash)); err != nil {
			return false, err
		}
	}
	got := argon2.IDKey([]byte(password), salt, time, memory, lanes, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

// parse reads PHC's form of an argon2id hash.
func parse(hash string) (memory, time uint32, lanes uint8, salt, sum []byte, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return 0, 0, 0, nil, nil, fmt.Errorf("a password's hash is not argon2id's")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &time, &lanes); err != nil {
		return 0, 0, 0, nil, nil, fmt.Errorf("a password's hash: %w", err)
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err == nil {
		sum, err = base64.RawStdEncoding.DecodeString(parts[5])
	}
	if err == nil && (len(sum) < 16 || lanes == 0 || time == 0) {
		err = fmt.Errorf("a password's hash is too short")
	}
	return memory, time, lanes, salt, sum, err
}
