package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"meetbox.local/appliance/kit/ctl"
	"meetbox.local/focus/internal/conference"
	"meetbox.local/signaling/xmpp/convo"
)

// stage is a world for conversations with the focus as clients have them:
// signaling, the focus and bridges are the real ones, in processes of their
// own.
type stage struct {
	*world
	trust    *x509.CertPool
	machines map[string]*process // bridges
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{world: newWorld(t), trust: x509.NewCertPool(), machines: map[string]*process{}}
	pem, err := os.ReadFile(s.path("xmpp.crt"))
	if err != nil || !s.trust.AppendCertsFromPEM(pem) {
		t.Fatalf("certificate: %v", err)
	}
	s.serving()
	return s
}

// serving waits until the focus has logged in.
func (w *world) serving() {
	w.t.Helper()
	w.until("a focus that serves", func() bool {
		code, _ := w.control(http.MethodGet, "ctl/focus.sock", "/health")
		return code == http.StatusOK
	})
}

// until asks again and again, what answers only when asked.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	late := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			w.t.Fatalf("%s did not come", what)
		}
	}
}

// WebSocket implements convo.World.
func (s *stage) WebSocket(ctx context.Context, query string) (convo.Wire, error) {
	return convo.DialWebSocket(ctx, ctl.Client(s.path("signaling.sock")), "ws://meet.jitsi/xmpp-websocket?room=demo&"+query)
}

// BOSH implements convo.World.
func (s *stage) BOSH(query string) convo.Wire {
	return convo.DialBOSH(ctl.Client(s.path("signaling.sock")), "http://meet.jitsi/http-bind?room=demo&"+query)
}

// TCP implements convo.World.
func (s *stage) TCP(ctx context.Context) (convo.Wire, error) {
	return convo.DialTCP(ctx, s.address, &tls.Config{RootCAs: s.trust, ServerName: "auth.meet.jitsi"})
}

// Password implements convo.World.
func (s *stage) Password(user string) string { return "secret-" + user }

// Restart implements convo.World.
func (s *stage) Restart(*testing.T) {
	s.signaling.kill()
	s.signaling.start()
}

// Order implements convo.Stage: "bridge: start NAME", "bridge: kill NAME",
// "bridge: pretend NAME" (a bridge without media), "focus: kill", "focus:
// start", "focus: settings JSON".
func (s *stage) Order(t *testing.T, name string, words []string) bool {
	t.Helper()
	if len(words) == 0 {
		return false
	}
	switch name + " " + words[0] {
	case "bridge start":
		s.machines[words[1]] = s.realBridge(words[1])
		s.useful(words[1])
	case "bridge pretend":
		s.bridge(words[1]).restarts = 1
		s.useful(words[1])
	case "bridge kill":
		s.machines[words[1]].kill()
	case "focus kill":
		s.focus.kill()
	case "focus start":
		s.focus.start()
	case "focus settings":
		s.settings(words[1])
	default:
		return false
	}
	return true
}

// useful waits until the focus can use a bridge.
func (s *stage) useful(name string) {
	s.t.Helper()
	s.bridges("the bridge "+name, func(l []conference.Bridge) bool {
		return slices.ContainsFunc(l, func(b conference.Bridge) bool { return b.Name == name && b.Usable })
	})
}

// settings changes some of the focus's; it ends for that, and is started.
func (s *stage) settings(text string) {
	s.t.Helper()
	var all, more map[string]any
	b, err := os.ReadFile(s.path("focus.json"))
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &more)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	maps.Copy(all, more)
	s.focus.kill()
	s.write("focus.json", all)
	s.focus.start()
	s.serving()
}

// TestConversations plays what clients and the focus say to each other; each
// file is one behaviour. signaling/testdata/README.md lists them with the others.
func TestConversations(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/conversations/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			t.Parallel()
			convo.Play(t, newStage(t), f)
		})
	}
}
