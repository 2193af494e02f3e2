package accounts

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/state"
	"meetbox.local/appliance/kit/tally"
)

const (
	ownersPassword = "correct horse battery"
	attempts       = 30
)

// world is a box with the owners ada, who has an authenticator, and ben, and
// with a setup code that somebody in front of it asked for.
type world struct {
	*Book
	key      string // of ada's authenticator
	code     string // on the screen
	recovery []string
	token    string
}

func newWorld(t *testing.T) world {
	t.Helper()
	store, err := state.Open(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	w := world{Book: New(store, time.Now)}
	code, err := w.SetupCode()
	if err != nil {
		t.Fatal(err)
	}
	claimed, _, err := w.Claim(t.Context(), netip.Addr{}, "", api.Claim{Code: code, Name: "ben", Password: ownersPassword})
	if err != nil {
		t.Fatal(err)
	}
	w.recovery = claimed.Recovery
	who := state.Actor{Name: "ben", Role: api.Owner}
	if _, err := w.Add(t.Context(), who, api.NewAccount{Name: "ada", Role: api.Owner, Password: ownersPassword}); err != nil {
		t.Fatal(err)
	}
	key, err := w.BeginOneTime(state.Actor{Name: "ada", Role: api.Owner}, "box")
	if err != nil {
		t.Fatal(err)
	}
	w.key = key.Key
	if err := w.ConfirmOneTime(state.Actor{Name: "ada", Role: api.Owner}, w.digits(t)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute) // each step's code counts once
	if w.code, err = w.NewSetupCode(); err != nil {
		t.Fatal(err)
	}
	made, err := w.MakeToken(who, api.NewToken{Name: "fleet", Role: api.Viewer, Scopes: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	w.token = made.Secret
	return w
}

// digits are what ada's authenticator shows now.
func (w world) digits(t *testing.T) string {
	t.Helper()
	raw, err := keyText.DecodeString(w.key)
	if err != nil {
		t.Fatal(err)
	}
	return oneTime(raw, time.Now().Unix()/stepTime)
}

// guess is one attempt on the account.
func (w world) guess(t *testing.T, kind string, from netip.Addr, account string, n int) error {
	t.Helper()
	var err error
	switch kind {
	case "password":
		_, _, err = w.SignIn(t.Context(), from, "", api.SignIn{Name: account, Password: fmt.Sprint("wrong ", n)})
	case "one-time code": // whoever has the password guesses at the digits
		_, _, err = w.SignIn(t.Context(), from, "", api.SignIn{Name: account, Password: ownersPassword, OneTime: "00000x"})
	case "recovery code":
		_, _, err = w.Recover(t.Context(), from, "", api.Recover{Name: account, Code: fmt.Sprint("AAAA-", n), Password: "another long one"})
	case "setup code":
		_, _, err = w.Claim(t.Context(), from, "", api.Claim{Code: "x", Name: "eve", Password: ownersPassword})
	case "token":
		_, err = w.Token(from, fmt.Sprint("meetbox_", n))
	case "own password": // a stolen session, whose thief wants to keep it
		err = w.SetPassword(t.Context(), state.Actor{Name: "ben", Role: api.Owner, From: from}, "", api.PasswordChange{Old: fmt.Sprint(n), New: "another long one"})
	default:
		t.Fatal(kind)
	}
	if err == nil {
		t.Fatalf("%s: a guess is right", kind)
	}
	return err
}

// TestAttackFromOneAddress: whatever is guessed at, whomever it belongs to, one
// address gets a handful of guesses, and then also the right one has to wait;
// from elsewhere everybody gets in.
func TestAttackFromOneAddress(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"password", "one-time code", "recovery code", "setup code", "token", "own password"} {
		for name, account := range map[string]func(int) string{
			"one account":   func(int) string { return "ada" },
			"many accounts": func(n int) string { return fmt.Sprint("person", n) },
		} {
			t.Run(kind+", "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					eve := netip.MustParseAddr("192.0.2.66")
					looked := 0
					for n := range attempts {
						if _, slow := errors.AsType[*SlowDown](w.guess(t, kind, eve, account(n), n)); !slow {
							looked++
						}
					}
					if looked > tally.Free+1 {
						t.Errorf("%d of %d guesses were looked at", looked, attempts)
					}
					_, _, err := w.SignIn(t.Context(), eve, "", api.SignIn{Name: "ben", Password: ownersPassword})
					if s, slow := errors.AsType[*SlowDown](err); !slow || s.Wait > tally.Longest {
						t.Errorf("the right password from there: %v", err)
					}
					w.everybodyGetsIn(t)
				})
			})
		}
	}
}

// TestAttackFromManyAddresses: a crowd that guesses at the owner holds the owner
// up by seconds.
func TestAttackFromManyAddresses(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"password", "one-time code", "recovery code", "setup code", "token"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				begin, from := time.Now(), netip.MustParseAddr("192.0.2.66")
				slowed := 0
				for n := range attempts {
					from = from.Next()
					before := time.Now()
					_, refused := errors.AsType[*SlowDown](w.guess(t, kind, from, "ada", n))
					if refused || time.Since(before) >= time.Second {
						slowed++
					}
				}
				// Nobody guesses a token of 130 bits; the others are slowed by account.
				if kind != "token" && slowed < attempts-tally.Crowd-2 {
					t.Errorf("%d of %d were slowed, in %v", slowed, attempts, time.Since(begin))
				}
				w.everybodyGetsIn(t)
			})
		})
	}
}

// everybodyGetsIn signs in from an address where nobody guessed.
func (w world) everybodyGetsIn(t *testing.T) {
	t.Helper()
	home := netip.MustParseAddr("198.51.100.1")
	begin := time.Now()
	if _, _, err := w.SignIn(t.Context(), home, "", api.SignIn{Name: "ada", Password: ownersPassword, OneTime: w.digits(t)}); err != nil {
		t.Errorf("ada: %v", err)
	}
	if _, _, err := w.SignIn(t.Context(), home, "", api.SignIn{Name: "ben", Password: ownersPassword}); err != nil {
		t.Errorf("ben: %v", err)
	}
	if _, err := w.Token(home, w.token); err != nil {
		t.Errorf("the token: %v", err)
	}
	if _, _, err := w.Recover(t.Context(), home, "", api.Recover{Name: "ben", Code: w.recovery[0], Password: "another long one"}); err != nil {
		t.Errorf("a recovery code: %v", err)
	}
	// The setup code has few digits: guesses at it are spaced for all, by seconds.
	claim := func() error {
		_, _, err := w.Claim(t.Context(), home, "", api.Claim{Code: w.code, Name: "cleo", Password: ownersPassword})
		return err
	}
	err := claim()
	if s, slow := errors.AsType[*SlowDown](err); slow {
		time.Sleep(s.Wait)
		err = claim()
	}
	if err != nil {
		t.Errorf("the setup code: %v", err)
	}
	if d := time.Since(begin); d > 5*accountLongest {
		t.Errorf("it took them %v", d)
	}
}
