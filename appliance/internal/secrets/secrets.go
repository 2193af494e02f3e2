// Package secrets makes what a new box must not share with any other box:
// the passwords of its services and the name of its bridge.
//
// Pure but for the system's random numbers; the caller keeps the results.
package secrets

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"github.com/xdg-go/scram"
	"meetbox.local/appliance/internal/state"
)

// iterations is SCRAM's usual floor (RFC 7677 §4). More would buy nothing:
// the passwords are 130 random bits.
const iterations = 4096

// personIterations is for passwords that people think of: what an old phone
// computes within half a second.
const personIterations = 20_000

// mechanisms by SASL name.
var mechanisms = map[string]scram.HashGeneratorFcn{
	"SCRAM-SHA-1":   scram.SHA1,
	"SCRAM-SHA-256": scram.SHA256,
}

// Account makes an account with a random password and the credentials to
// check it with.
func Account(user string) (state.Account, error) {
	a := state.Account{User: user, Password: state.Secret(rand.Text())}
	var err error
	a.SCRAM, err = credentials(user, string(a.Password), iterations)
	return a, err
}

// Credentials are what it takes to check a person's password.
func Credentials(user, password string) (map[string]state.Credential, error) {
	return credentials(user, password, personIterations)
}

func credentials(user, password string, iterations int) (map[string]state.Credential, error) {
	out := map[string]state.Credential{}
	for name, hash := range mechanisms {
		c, err := hash.NewClient(user, password, "")
		if err != nil {
			return nil, fmt.Errorf("account %s: %w", user, err)
		}
		salt := rand.Text()[:16]
		stored, err := c.GetStoredCredentialsWithError(scram.KeyFactors{Salt: salt, Iters: iterations})
		if err != nil {
			return nil, fmt.Errorf("account %s: %s: %w", user, name, err)
		}
		out[name] = state.Credential{
			Salt:       []byte(salt),
			Iterations: iterations,
			StoredKey:  stored.StoredKey,
			ServerKey:  stored.ServerKey,
		}
	}
	return out, nil
}

// BridgeID makes a bridge's name: "bridge-" and eight hexadecimal digits,
// because bridges of several boxes may meet in one brewery.
func BridgeID() string {
	var b [4]byte
	rand.Read(b[:]) // never fails since Go 1.24
	return "bridge-" + hex.EncodeToString(b[:])
}
