package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
)

const secret = "a secret that is long enough for it"

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type world struct {
	t        *testing.T
	private  *ecdsa.PrivateKey
	public   string
	verifier *Verifier
}

func newWorld(t *testing.T) *world {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, private: k, public: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))}
	w.verifier, err = New("meet.jitsi", []Key{
		{Algorithm: "HS256", Secret: secret, Issuers: []string{"box"}},
		{ID: "partner", Algorithm: "ES256", Public: w.public, Audiences: []string{"jitsi"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) sign(method jwt.SigningMethod, kid string, key crypto.PrivateKey, claims jwt.MapClaims) string {
	w.t.Helper()
	tok := jwt.NewWithClaims(method, claims)
	if kid != "" {
		tok.Header["kid"] = kid
	}
	s, err := tok.SignedString(key)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func claims(more jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{"iss": "box", "aud": "jitsi", "sub": "meet.jitsi", "room": "Demo", "exp": now.Add(time.Hour).Unix()}
	for k, v := range more {
		if v == nil {
			delete(c, k)
		} else {
			c[k] = v
		}
	}
	return c
}

func TestVerify(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hs := func(more jwt.MapClaims) string {
		return w.sign(jwt.SigningMethodHS256, "", []byte(secret), claims(more))
	}
	tests := []struct {
		name, token string
		err         error
	}{
		{"good", hs(nil), nil},
		{"good with another key", w.sign(jwt.SigningMethodES256, "partner", w.private, claims(nil)), nil},
		{"every room", hs(jwt.MapClaims{"room": "*"}), nil},
		{"none given", "", ErrRequired},
		{"no text of a token", "a.b", ErrInvalid},
		{"expired", hs(jwt.MapClaims{"exp": now.Add(-time.Minute).Unix()}), ErrExpired},
		{"clocks differ", hs(jwt.MapClaims{"exp": now.Add(-10 * time.Second).Unix()}), nil},
		{"never expires", hs(jwt.MapClaims{"exp": nil}), ErrInvalid},
		{"too early", hs(jwt.MapClaims{"nbf": now.Add(time.Hour).Unix()}), ErrEarly},
		{"no room", hs(jwt.MapClaims{"room": nil}), ErrNoRoom},
		{"another issuer", hs(jwt.MapClaims{"iss": "elsewhere"}), ErrInvalid},
		{"another audience", w.sign(jwt.SigningMethodES256, "partner", w.private, claims(jwt.MapClaims{"aud": "x"})), ErrInvalid},
		{"another domain", hs(jwt.MapClaims{"sub": "elsewhere"}), ErrInvalid},
		{"another secret", w.sign(jwt.SigningMethodHS256, "", []byte(strings.ToUpper(secret)), claims(nil)), ErrInvalid},
		{"unknown key", w.sign(jwt.SigningMethodHS256, "nobody", []byte(secret), claims(nil)), ErrKey},
		// CVE-2021-39215: algorithm confusion.
		{"no signature", w.sign(jwt.SigningMethodNone, "", jwt.UnsafeAllowNoneSignatureType, claims(nil)), ErrKey},
		{"no signature, with a key's name", w.sign(jwt.SigningMethodNone, "partner", jwt.UnsafeAllowNoneSignatureType, claims(nil)), ErrKey},
		{"public key as a secret", w.sign(jwt.SigningMethodHS256, "partner", []byte(w.public), claims(nil)), ErrKey},
		{"stronger than agreed", w.sign(jwt.SigningMethodHS512, "", []byte(secret), claims(nil)), ErrKey},
		{"signature cut off", strings.TrimRight(hs(nil), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), ErrInvalid},
		{"too long", hs(jwt.MapClaims{"context": strings.Repeat("x", maxToken)}), ErrInvalid},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if _, err := w.verifier.Verify(tc.token, "", now); !errors.Is(err, tc.err) {
				t.Errorf("Verify = %v, want %v", err, tc.err)
			}
		})
	}
}

func TestClaims(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got, err := w.verifier.Verify(w.sign(jwt.SigningMethodHS256, "", []byte(secret), claims(jwt.MapClaims{
		"context": map[string]any{
			"user":     map[string]any{"id": 7, "name": "Oslo", "email": "oslo@example.org", "avatar": true, "moderator": "true"},
			"group":    "north",
			"features": map[string]any{"recording": "false", "livestreaming": true},
		},
	})), "", now)
	want := Claims{
		Room: "demo", ID: "7", Name: "Oslo", Email: "oslo@example.org", Group: "north", Moderator: true,
		Features: map[string]bool{"recording": false, "livestreaming": true}, Expires: now.Add(time.Hour),
	}
	if err != nil {
		t.Fatal(err)
	}
	got.Expires = got.Expires.UTC()
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if !got.For("demo") || !got.For("[acme]demo") || got.For("demo2") || got.For("*") || got.For("[demo]x") {
		t.Error("For")
	}
}

// TestNames: a room is named as people do, or as it is in addresses.
func TestNames(t *testing.T) {
	t.Parallel()
	for name, local := range map[string]string{"größe": "gr%c3%b6%c3%9fe", "gr%c3%b6%c3%9fe": "gr%c3%b6%c3%9fe", "weekly sync": "[b%c3%bcro]weekly%20sync", "50%25": "50%25"} {
		if !(Claims{Room: name}).For(local) || (Claims{Room: name}).For(local+"x") {
			t.Errorf("%q is not for %q alone", name, local)
		}
	}
}

// TestTenants: a token names whose rooms it is good for, those of a tenant or
// those of the box itself, or does not say, or says "*".
func TestTenants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tc := range []struct {
		subject any
		below   string
		good    bool
	}{
		{"acme", "acme", true},
		{"Acme", "acme", true},
		{"büro", "b%c3%bcro", true},
		{"Büro", "b%c3%bcro", true},
		{"b%c3%bcro", "b%c3%bcro", true},
		{"*", "acme", true},
		{nil, "acme", true},
		{"meet.jitsi", "acme", false},
		{"other", "acme", false},
		{"acme", "", false},
		{"meet.jitsi", "", true},
	} {
		_, err := w.verifier.Verify(w.sign(jwt.SigningMethodHS256, "", []byte(secret), claims(jwt.MapClaims{"sub": tc.subject})), tc.below, now)
		if good := err == nil; good != tc.good || !good && !errors.Is(err, ErrInvalid) {
			t.Errorf("sub %v below %q: %v", tc.subject, tc.below, err)
		}
	}
}

func TestBadKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, k := range map[string]Key{
		"short secret":        {Algorithm: "HS256", Secret: "short"},
		"no key":              {Algorithm: "RS256"},
		"key for another":     {Algorithm: "RS256", Public: w.public},
		"no algorithm":        {Public: w.public},
		"none":                {Algorithm: "none", Public: w.public},
		"no PEM":              {Algorithm: "ES256", Public: "x"},
		"PEM of nothing good": {Algorithm: "ES256", Public: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"},
	} {
		if _, err := New("meet.jitsi", []Key{k}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Whatever the text, only a signature of ours gets through.
func FuzzVerify(f *testing.F) {
	v, err := New("meet.jitsi", []Key{{Algorithm: "HS256", Secret: secret}})
	if err != nil {
		f.Fatal(err)
	}
	part := base64.RawURLEncoding.EncodeToString
	f.Add(part([]byte(`{"alg":"none"}`)) + "." + part([]byte(`{"room":"*","exp":99999999999}`)) + ".")
	f.Add(part([]byte(`{"alg":"HS256","kid":1}`)) + "." + part([]byte(`{"room":1,"exp":"x","context":[]}`)) + ".AAAA")
	f.Fuzz(func(t *testing.T, s string) {
		if c, err := v.Verify(s, "", now); err == nil {
			t.Errorf("Verify(%q) = %+v", s, c)
		}
	})
}
