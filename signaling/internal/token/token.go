// Package token checks the JSON Web Tokens with which somebody may come into
// meetings without an account here: signed by the box, or by another system
// that invites people.
//
// Each key says for which one algorithm it is good. A token that names another
// algorithm is refused, whatever its signature: a public key is never taken
// for a shared secret, and "none" is nobody's. A token must expire, and must
// name the room it is for, or "*".
//
// The package does no I/O and keeps nothing. A Verifier is never changed, only
// replaced, and is safe for concurrent use.
package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"meetbox.local/signaling/xmpp/tenant"
)

// Key is one that tokens may be signed with.
type Key struct {
	ID        string   `json:"id,omitempty"` // "kid" of the tokens; empty: of those without
	Algorithm string   `json:"algorithm"`    // HS256 with a secret; RS256, PS256, ES256 or EdDSA with a public key
	Secret    string   `json:"secret,omitempty"`
	Public    string   `json:"public,omitempty"` // PEM
	Issuers   []string `json:"issuers,omitempty"`
	Audiences []string `json:"audiences,omitempty"` // empty: any
}

// Claims are what a checked token says.
type Claims struct {
	Room      string          `json:"room"` // lower case; "*" for every one
	ID        string          `json:"id,omitempty"`
	Name      string          `json:"name,omitempty"`
	Email     string          `json:"email,omitempty"`
	Avatar    string          `json:"avatar,omitempty"`
	Group     string          `json:"group,omitempty"`
	Moderator bool            `json:"moderator,omitempty"`
	Guest     bool            `json:"guest,omitempty"` // expressly no moderator
	Features  map[string]bool `json:"features,omitempty"`
	Expires   time.Time       `json:"expires"`
}

// For tells whether the token is good for a room, by the local part of its
// address. Whose room it is, Verify has seen.
func (c Claims) For(local string) bool {
	_, room := tenant.Split(local)
	return c.Room == "*" || tenant.Same(c.Room, room)
}

// What is wrong with a token; the texts are shown to people.
var (
	ErrRequired = errors.New("token required")
	ErrNoRoom   = errors.New("'room' claim is missing")
	ErrExpired  = errors.New("token is expired")
	ErrEarly    = errors.New("token is not valid yet")
	ErrKey      = errors.New("token is signed by nobody known here")
	ErrInvalid  = errors.New("invalid token")
)

// leeway is how far two clocks may differ.
const leeway = 30 * time.Second

// maxToken is how long a token may be: it is part of a URL.
const maxToken = 8 << 10

type key struct {
	Key
	material any
}

// Verifier knows the keys.
type Verifier struct {
	domain string
	keys   []key
}

// New reads the keys. The domain is one that tokens may name as their subject.
func New(domain string, keys []Key) (*Verifier, error) {
	v := &Verifier{domain: domain}
	for _, k := range keys {
		m, err := material(k)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", k.ID, err)
		}
		v.keys = append(v.keys, key{k, m})
	}
	return v, nil
}

// Empty tells that there is no key, so no token is good.
func (v *Verifier) Empty() bool { return v == nil || len(v.keys) == 0 }

// minSecret is RFC 7518 §3.2's for HS256: as long as the hash.
const minSecret = 32

func material(k Key) (any, error) {
	if k.Algorithm == "HS256" {
		if len(k.Secret) < minSecret {
			return nil, fmt.Errorf("a secret for HS256 has at least %d characters", minSecret)
		}
		return []byte(k.Secret), nil
	}
	block, _ := pem.Decode([]byte(k.Public))
	if block == nil {
		return nil, errors.New("public is no PEM text")
	}
	public, err := public(block)
	if err != nil {
		return nil, err
	}
	fits := false
	switch p := public.(type) {
	case *rsa.PublicKey:
		fits = (k.Algorithm == "RS256" || k.Algorithm == "PS256") && p.N.BitLen() >= 2048
	case *ecdsa.PublicKey:
		fits = k.Algorithm == "ES256" && p.Curve.Params().BitSize == 256
	case ed25519.PublicKey:
		fits = k.Algorithm == "EdDSA"
	}
	if !fits {
		return nil, fmt.Errorf("a key of type %T is not one for %q", public, k.Algorithm)
	}
	return public, nil
}

func public(block *pem.Block) (crypto.PublicKey, error) {
	if block.Type == "CERTIFICATE" {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("public: %w", err)
		}
		return c.PublicKey, nil
	}
	p, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("public: %w", err)
	}
	return p, nil
}

// payload is what Jitsi's tokens look like.
type payload struct {
	jwt.RegisteredClaims
	Room    *string `json:"room"`
	Context struct {
		User struct {
			ID          text `json:"id"`
			Name        text `json:"name"`
			Email       text `json:"email"`
			Avatar      text `json:"avatar"`
			Moderator   flag `json:"moderator"`
			Affiliation text `json:"affiliation"`
		} `json:"user"`
		Group    text            `json:"group"`
		Features map[string]flag `json:"features"`
	} `json:"context"`
}

// text is one that may have been written as a number.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*t = text(s)
		return nil
	}
	var n json.Number
	if json.Unmarshal(b, &n) == nil {
		*t = text(n)
	}
	return nil // of another type: as if it were not there
}

// flag is a boolean that may have been written as a text.
type flag struct{ set, on bool }

func (f *flag) UnmarshalJSON(b []byte) error {
	switch strings.Trim(string(b), `"`) {
	case "true", "1":
		*f = flag{true, true}
	case "false", "0":
		*f = flag{true, false}
	}
	return nil
}

// Verify checks a token of somebody who came below a tenant's name, or none.
func (v *Verifier) Verify(token, below string, now time.Time) (Claims, error) {
	if token == "" {
		return Claims{}, ErrRequired
	}
	if v.Empty() || len(token) > maxToken {
		return Claims{}, ErrInvalid
	}
	var p payload
	var used key
	_, err := jwt.NewParser(
		jwt.WithTimeFunc(func() time.Time { return now }),
		jwt.WithLeeway(leeway), jwt.WithExpirationRequired(),
	).ParseWithClaims(token, &p, func(t *jwt.Token) (any, error) {
		id, _ := t.Header["kid"].(string)
		algorithm := t.Method.Alg()
		for _, k := range v.keys {
			if k.ID == id && k.Algorithm == algorithm {
				used = k
				return k.material, nil
			}
		}
		return nil, ErrKey
	})
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return Claims{}, ErrExpired
	case errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return Claims{}, ErrEarly
	case errors.Is(err, ErrKey):
		return Claims{}, ErrKey
	case err != nil:
		return Claims{}, ErrInvalid
	}
	subject := v.domain
	if below != "" {
		subject = below
	}
	return read(p, used.Key, subject)
}

// read takes in a payload that is signed. The subject is whose rooms the token
// must be for: a tenant's, or the domain's.
func read(p payload, k Key, subject string) (Claims, error) {
	switch {
	case len(k.Issuers) > 0 && !slices.Contains(k.Issuers, p.Issuer):
		return Claims{}, fmt.Errorf("%w: issuer", ErrInvalid)
	case len(k.Audiences) > 0 && !slices.ContainsFunc(k.Audiences, func(a string) bool { return slices.Contains(p.Audience, a) }):
		return Claims{}, fmt.Errorf("%w: audience", ErrInvalid)
	case p.Subject != "" && p.Subject != "*" && !tenant.Same(p.Subject, subject):
		return Claims{}, fmt.Errorf("%w: subject", ErrInvalid)
	case p.Room == nil || *p.Room == "":
		return Claims{}, ErrNoRoom
	}
	u := p.Context.User
	c := Claims{
		Room: strings.ToLower(*p.Room), ID: string(u.ID), Name: string(u.Name), Email: string(u.Email), Avatar: string(u.Avatar),
		Group: string(p.Context.Group), Expires: p.ExpiresAt.Time,
	}
	switch u.Affiliation {
	case "owner", "moderator":
		c.Moderator = true
	case "member", "none", "participant":
		c.Guest = true
	}
	if u.Moderator.set {
		c.Moderator, c.Guest = u.Moderator.on, !u.Moderator.on
	}
	for name, f := range p.Context.Features {
		if c.Features == nil {
			c.Features = map[string]bool{}
		}
		c.Features[name] = f.on
	}
	return c, nil
}
