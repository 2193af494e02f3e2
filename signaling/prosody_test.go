package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meetbox.local/signaling/internal/prosody"
	"meetbox.local/signaling/xmpp/convo"
)

// other is Debian's prosody as a world.
type other struct {
	*prosody.Server
	root *x509.CertPool
}

func newOther(t *testing.T, people map[string]string) *other {
	t.Helper()
	dir := t.TempDir()
	w := &world{dir: dir, root: x509.NewCertPool()}
	cert, key := w.certificate(t)
	s, err := prosody.Start(prosody.Options{
		Dir: dir, Certificate: cert, Key: key, Accounts: map[string]string{"focus": password, "jvb": password}, People: people, RoomArchive: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return &other{s, w.root}
}

// WebSocket implements convo.World.
func (o *other) WebSocket(ctx context.Context, query string) (convo.Wire, error) {
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", o.HTTP)
		},
	}}
	return convo.DialWebSocket(ctx, client, "ws://meet.jitsi/xmpp-websocket?room=demo&"+query)
}

// TCP implements convo.World.
func (o *other) TCP(ctx context.Context) (convo.Wire, error) {
	return convo.DialTCP(ctx, o.Server.TCP, &tls.Config{RootCAs: o.root, ServerName: "auth.meet.jitsi"})
}

// BOSH implements convo.World; the plain conversations do without.
func (o *other) BOSH(string) convo.Wire { panic("prosody has no BOSH here") }

// Password implements convo.World.
func (o *other) Password(string) string { return password }

// Restart implements convo.World.
func (o *other) Restart(t *testing.T) { t.Fatal("prosody forgets everything when it restarts") }

// TestPlainConversations: what is nothing but XEP-0045, XEP-0198, XEP-0199 or XEP-0313
// goes the same way against Debian's prosody, word for word, so the files say
// what the standards do and not what we do. Every server is one for all files,
// each of which has a room of its own.
func TestPlainConversations(t *testing.T) {
	t.Parallel()
	ours := newWorld(t)
	ours.Change(t, `{"rooms":{"archive":true}}`) // rooms may keep what is said
	sideBySide(t, "testdata/plain/*.txt", ours, newOther(t, nil))
}

// TestPlainMessenger: likewise what people with an account do, by XEP-0198 and
// XEP-0313, RFC 6121 and the extensions of messengers. Each file has people of
// its own.
func TestPlainMessenger(t *testing.T) {
	t.Parallel()
	people := map[string]string{}
	for _, user := range users {
		people[user] = password
	}
	sideBySide(t, "testdata/messenger/*.txt", newWorld(t), newOther(t, people))
}

func sideBySide(t *testing.T, pattern string, ours, theirs convo.World) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".txt")
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(b), "demo@", name+"@")
		for _, server := range []struct {
			name  string
			world convo.World
		}{{"meetbox", ours}, {"prosody", theirs}} {
			t.Run(name+"/"+server.name, func(t *testing.T) { convo.PlayText(t, server.world, f, text) })
		}
	}
}
