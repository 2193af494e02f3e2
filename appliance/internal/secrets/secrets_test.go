package secrets

import (
	"regexp"
	"testing"

	"github.com/xdg-go/scram"
)

// The credentials let in who has the password, and nobody else.
func TestAccountLogsIn(t *testing.T) {
	t.Parallel()
	a, err := Account("focus")
	if err != nil {
		t.Fatal(err)
	}
	if len(a.SCRAM) != len(mechanisms) {
		t.Fatalf("mechanisms %v", a.SCRAM)
	}
	for name, hash := range mechanisms {
		c := a.SCRAM[name]
		server, err := hash.NewServer(func(user string) (scram.StoredCredentials, error) {
			return scram.StoredCredentials{
				KeyFactors: scram.KeyFactors{Salt: string(c.Salt), Iters: c.Iterations},
				StoredKey:  c.StoredKey,
				ServerKey:  c.ServerKey,
			}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, tc := range []struct {
			password string
			ok       bool
		}{{string(a.Password), true}, {string(a.Password) + "x", false}, {"", false}} {
			client, err := hash.NewClient("focus", tc.password, "")
			if err != nil {
				t.Fatal(err)
			}
			if ok := talk(client.NewConversation(), server.NewConversation()); ok != tc.ok {
				t.Errorf("%s, password of %d characters: logged in %v, want %v", name, len(tc.password), ok, tc.ok)
			}
		}
	}
}

// talk plays a login and says whether both sides are satisfied.
func talk(c *scram.ClientConversation, s *scram.ServerConversation) bool {
	text := ""
	for !c.Done() {
		out, err := c.Step(text)
		if err != nil {
			return false
		}
		if s.Done() {
			break
		}
		if text, err = s.Step(out); err != nil {
			return false
		}
	}
	return c.Valid() && s.Valid()
}

func TestEachBoxIsDifferent(t *testing.T) {
	t.Parallel()
	a, err1 := Account("jvb")
	b, err2 := Account("jvb")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if a.Password == b.Password || string(a.SCRAM["SCRAM-SHA-1"].Salt) == string(b.SCRAM["SCRAM-SHA-1"].Salt) {
		t.Error("two accounts share a password or a salt")
	}
	if len(a.Password) < 26 {
		t.Errorf("password of %d characters, want 130 bits", len(a.Password))
	}
	x, y := BridgeID(), BridgeID()
	if x == y || !regexp.MustCompile(`^bridge-[0-9a-f]{8}$`).MatchString(x) {
		t.Errorf("bridge ids %s, %s", x, y)
	}
}
