package main

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"meetbox.local/signaling/xmpp/convo"
)

// TestGuessedLogin: who guesses the password of somebody's account is slowed
// down, also with a new connection for each guess; its person is not.
func TestGuessedLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	login := func(from, user, password string) string {
		t.Helper()
		c, _, err := websocket.Dial(t.Context(), "ws://meet.jitsi/xmpp-websocket", &websocket.DialOptions{
			HTTPClient: w.client(), Subprotocols: []string{"xmpp"}, HTTPHeader: http.Header{"X-Forwarded-For": {from}},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.CloseNow() }()
		b := browser{t, c}
		text := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
		b.send(open, `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">`+text+`</auth>`)
		for {
			got := b.next()
			for _, word := range []string{"<success", "not-authorized", "temporary-auth-failure"} {
				if strings.Contains(got, word) {
					return word
				}
			}
			if strings.HasPrefix(got, "<stream:error") || got == convo.CloseFrame {
				t.Fatalf("%s", got)
			}
		}
	}
	const wrong, slow, in = "not-authorized", "temporary-auth-failure", "<success"
	for i, tc := range []struct{ from, user, password, want string }{
		{"192.0.2.66", "oslo", "1", wrong},
		{"192.0.2.66", "oslo", "2", wrong},
		{"192.0.2.66", "rome", "3", wrong},
		{"192.0.2.66", "nobody", "4", wrong},
		{"192.0.2.66", "lima", "5", wrong},
		{"192.0.2.66", "OSLO", "6", wrong},
		{"192.0.2.66", "oslo", password, slow},
		{"192.0.2.66", "bern", password, slow},
		{"192.0.2.67", "oslo", password, in},
	} {
		if got := login(tc.from, tc.user, tc.password); got != tc.want {
			t.Errorf("%d: %s from %s: %s, want %s", i, tc.user, tc.from, got, tc.want)
		}
	}
}
