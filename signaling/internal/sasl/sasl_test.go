package sasl

import (
	"errors"
	"strings"
	"testing"

	"github.com/xdg-go/scram"
)

func account(t *testing.T, user, password string) Account {
	t.Helper()
	a := Account{User: user, SCRAM: map[string]Keys{}}
	for name, hash := range map[string]scram.HashGeneratorFcn{SHA256: scram.SHA256, SHA1: scram.SHA1} {
		c, err := hash.NewClient(user, password, "")
		if err != nil {
			t.Fatal(err)
		}
		k, err := c.GetStoredCredentialsWithError(scram.KeyFactors{Salt: "salty" + user, Iters: 4096})
		if err != nil {
			t.Fatal(err)
		}
		a.SCRAM[name] = Keys{Salt: []byte("salty" + user), Iterations: 4096, StoredKey: k.StoredKey, ServerKey: k.ServerKey}
	}
	return a
}

// login plays both sides and returns the server's user and first challenge.
func login(t *testing.T, a *Accounts, mechanism, user, password, authzid string) (got, challenge string, err error) {
	t.Helper()
	hash := scram.SHA256
	if mechanism == SHA1 {
		hash = scram.SHA1
	}
	client, err := hash.NewClient(user, password, authzid)
	if err != nil {
		t.Fatal(err)
	}
	server, err := a.Start(mechanism, nil)
	if err != nil {
		return "", "", err
	}
	c := client.NewConversation()
	text := ""
	for done := false; !done; {
		if text, err = c.Step(text); err != nil {
			t.Fatalf("client: %v", err)
		}
		if text, done, err = server.Step(text); err != nil {
			if _, _, again := server.Step(text); again == nil {
				t.Error("goes on after a failure")
			}
			return "", challenge, err
		}
		if challenge == "" {
			challenge = text
		}
	}
	if _, err := c.Step(text); err != nil || !c.Valid() {
		t.Errorf("the server has not proved itself: %v", err)
	}
	return server.User(), challenge, nil
}

func TestLogin(t *testing.T) {
	t.Parallel()
	a := NewAccounts("auth.meet.jitsi", []Account{account(t, "focus", "right"), account(t, "jvb", "other")})
	for _, tc := range []struct {
		name, mechanism, user, password, authzid string
		want                                     error
	}{
		{"SHA-256", SHA256, "focus", "right", "", nil},
		{"SHA-1", SHA1, "jvb", "other", "", nil},
		{"own authzid", SHA256, "focus", "right", "focus@auth.meet.jitsi", nil},
		{"wrong password", SHA256, "focus", "other", "", ErrDenied},
		{"unknown user", SHA256, "root", "right", "", ErrDenied},
		{"another's authzid", SHA256, "jvb", "other", "focus@auth.meet.jitsi", ErrAuthzid},
		{"mechanism", "PLAIN", "focus", "right", "", ErrMechanism},
		{"channel binding", "SCRAM-SHA-256-PLUS", "focus", "right", "", ErrMechanism},
	} {
		user, _, err := login(t, a, tc.mechanism, tc.user, tc.password, tc.authzid)
		if !errors.Is(err, tc.want) || err == nil && user != tc.user {
			t.Errorf("%s: user %q, %v; want %v", tc.name, user, err, tc.want)
		}
	}
}

// TestUnknownUser: who asks twice gets the same salt, as from a real account,
// and so after a restart.
func TestUnknownUser(t *testing.T) {
	t.Parallel()
	list := []Account{account(t, "focus", "right")}
	salt := func(a *Accounts, user string) string {
		_, challenge, err := login(t, a, SHA256, user, "guess", "")
		if !errors.Is(err, ErrDenied) {
			t.Errorf("%s: %v", user, err)
		}
		_, s, _ := strings.Cut(challenge, ",s=")
		return s
	}
	a, b := NewAccounts("d", list), NewAccounts("d", list)
	if salt(a, "root") != salt(b, "root") {
		t.Error("the salt of an unknown user changes")
	}
	if salt(a, "root") == salt(a, "admin") {
		t.Error("all unknown users have one salt")
	}
}
