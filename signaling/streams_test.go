package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"meetbox.local/appliance/kit/ctl"
	"meetbox.local/signaling/xmpp/convo"
)

// browser is a bare WebSocket: what arrives is compared byte by byte.
type browser struct {
	t *testing.T
	c *websocket.Conn
}

func (w *world) browser(t *testing.T, query string) browser {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), "ws://meet.jitsi/xmpp-websocket?"+query, &websocket.DialOptions{HTTPClient: w.client(), Subprotocols: []string{"xmpp"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	if c.Subprotocol() != "xmpp" {
		t.Fatalf("subprotocol %q", c.Subprotocol())
	}
	c.SetReadLimit(-1)
	return browser{t, c}
}

func (b browser) send(frames ...string) {
	b.t.Helper()
	for _, f := range frames {
		if err := b.c.Write(b.t.Context(), websocket.MessageText, []byte(f)); err != nil {
			b.t.Fatalf("send %.100s: %v", f, err)
		}
	}
}

func (b browser) next() string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 5*time.Second)
	defer cancel()
	_, text, err := b.c.Read(ctx)
	if err != nil {
		b.t.Fatalf("receive: %v", err)
	}
	return string(text)
}

const open = `<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="meet.jitsi" version="1.0"/>`

const (
	auth = `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="ANONYMOUS"/>`
	bind = `<iq type="set" id="_bind_auth_2" xmlns="jabber:client"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`
)

// login goes all the way and returns the address.
func (b browser) login() string {
	b.t.Helper()
	b.send(open, auth, open, bind)
	for range 5 {
		b.next()
	}
	_, text, _ := strings.Cut(b.next(), "<jid>")
	text, _, _ = strings.Cut(text, "</jid>")
	return text
}

func streamError(condition string) string {
	return `<stream:error xmlns:stream="http://etherx.jabber.org/streams"><` + condition + ` xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></stream:error>`
}

// TestFrames is the login as Jitsi's strophe picks it apart: text, not XML.
func TestFrames(t *testing.T) {
	t.Parallel()
	b := newWorld(t).browser(t, "room=demo")
	b.send(open)
	if got := b.next(); !strings.HasPrefix(got, `<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" from="meet.jitsi" id="`) || !strings.HasSuffix(got, `" version="1.0" xml:lang="en"/>`) {
		t.Errorf("open: %s", got)
	}
	for _, step := range []struct{ send, want string }{
		{"", `<stream:features xmlns:stream="http://etherx.jabber.org/streams"><mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><mechanism>SCRAM-SHA-256</mechanism><mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism><mechanism>ANONYMOUS</mechanism></mechanisms></stream:features>`},
		{`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">AGEAYg==</auth>`, `<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><invalid-mechanism/></failure>`},
		{auth, `<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`},
	} {
		if step.send != "" {
			b.send(step.send)
		}
		if got := b.next(); got != step.want {
			t.Errorf("after %s:\n got %s\nwant %s", step.send, got, step.want)
		}
	}
	b.send(open)
	b.next()
	want := `<stream:features xmlns:stream="http://etherx.jabber.org/streams"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><required/></bind><sm xmlns="urn:xmpp:sm:3"><optional/></sm><c xmlns="http://jabber.org/protocol/caps" hash="sha-1" `
	if got := b.next(); !strings.HasPrefix(got, want) {
		t.Errorf("features:\n got %s\nwant %s…", got, want)
	}
	b.send(bind)
	if got := b.next(); !strings.HasPrefix(got, `<iq xmlns="jabber:client" id="_bind_auth_2" type="result" to="`) || !strings.Contains(got, `<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><jid>`) {
		t.Errorf("bind: %s", got)
	}
	b.send(`<enable xmlns="urn:xmpp:sm:3" resume="true"/>`)
	if got := b.next(); !strings.HasPrefix(got, `<enabled xmlns="urn:xmpp:sm:3" id="`) || !strings.HasSuffix(got, `" resume="true" max="60"/>`) {
		t.Errorf("enable: %s", got)
	}
	b.send(`<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>`)
	if got := b.next(); got != convo.CloseFrame {
		t.Errorf("close: %s", got)
	}
	if _, _, err := b.c.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("connection ends with %v", err)
	}
}

// TestBadInput: each gets the error of the standard and is cut off; somebody
// else in the same room does not notice, and it is counted.
func TestBadInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	witness := w.browser(t, "")
	witness.login()
	bomb := `<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><message to="meet.jitsi"><body>&c;</body></message>`
	for _, tc := range []struct{ name, send, condition, counter string }{
		{"not XML", `hello`, "not-well-formed", "malformed"},
		{"half an element", `<message to="meet.jitsi"><body>`, "not-well-formed", "malformed"},
		{"two elements", `<presence/><presence/>`, "not-well-formed", "malformed"},
		{"attribute twice", `<message to="a" to="b"/>`, "not-well-formed", "malformed"},
		{"prefix undeclared", `<x:message/>`, "not-well-formed", "malformed"},
		{"document type", bomb, "restricted-xml", "restricted_xml"},
		{"entity", `<message><body>&nbsp;</body></message>`, "restricted-xml", "restricted_xml"},
		{"comment", `<message><!-- x --></message>`, "restricted-xml", "restricted_xml"},
		{"processing instruction", `<message><?x y?></message>`, "restricted-xml", "restricted_xml"},
		{"too deep", `<message>` + strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100) + `</message>`, "policy-violation", "xml_limit"},
		{"too long", `<message><body>` + strings.Repeat("x", 300<<10) + `</body></message>`, "policy-violation", "too_long"},
		{"unknown element", `<order xmlns="urn:x"/>`, "unsupported-stanza-type", "unknown_element"},
		{"stanza of another namespace", `<message xmlns="jabber:server"/>`, "unsupported-stanza-type", "unknown_element"},
		{"acknowledges what was not sent", `<a xmlns="urn:xmpp:sm:3" h="9"/>`, "undefined-condition", "bad_ack"},
		{"stream header in the middle", open, "policy-violation", ""},
	} {
		b := w.browser(t, "")
		b.login()
		b.send(tc.send)
		if got := b.next(); got != streamError(tc.condition) {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.condition)
		}
		if got := b.next(); got != convo.CloseFrame {
			t.Errorf("%s: got %s, want the close frame", tc.name, got)
		}
		if tc.counter != "" && !strings.Contains(w.metrics(t), `signaling_drops_total{reason="`+tc.counter+`"}`) {
			t.Errorf("%s: not counted as %s", tc.name, tc.counter)
		}
	}
	witness.send(`<iq type="get" to="meet.jitsi" id="p"><ping xmlns="urn:xmpp:ping"/></iq>`)
	if got := witness.next(); !strings.Contains(got, `id="p" type="result"`) {
		t.Errorf("the witness was told %s", got)
	}
}

// TestBeforeLogin: what an unknown peer may say is little.
func TestBeforeLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tc := range []struct {
		name      string
		send      []string
		condition string
	}{
		{"another host", []string{strings.Replace(open, "meet.jitsi", "example.org", 1)}, "host-unknown"},
		{"accounts by WebSocket", []string{strings.Replace(open, "meet.jitsi", "auth.meet.jitsi", 1)}, "host-unknown"},
		{"another version", []string{strings.Replace(open, "1.0", "0.9", 1)}, "unsupported-version"},
		{"stanza first", []string{`<presence/>`}, "not-authorized"},
		{"stanza instead of login", []string{open, `<presence/>`}, "not-authorized"},
		{"stanza instead of bind", []string{open, auth, open, `<message to="demo@muc.meet.jitsi"/>`}, "not-authorized"},
		{"long", []string{open, `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="ANONYMOUS">` + strings.Repeat("A", 11_000) + `</auth>`}, "policy-violation"},
		{"five wrong logins", []string{open, bad, bad, bad, bad, bad}, "policy-violation"},
	} {
		b := w.browser(t, "")
		b.send(tc.send...)
		got := b.next()
		for !strings.HasPrefix(got, "<stream:error") && got != convo.CloseFrame {
			got = b.next()
		}
		if got != streamError(tc.condition) {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.condition)
		}
	}
}

const bad = `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">AGEAYg==</auth>`

// TestSameResource: the newer session wins, and the older one is told.
func TestSameResource(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, err := convo.Account(t.Context(), w, "jvb")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := convo.Account(t.Context(), w, "jvb"); err != nil {
		t.Fatal(err)
	}
	n, err := first.Next(t.Context())
	if err != nil || n.Name.Local != "error" || n.Find("urn:ietf:params:xml:ns:xmpp-streams", "conflict") == nil {
		t.Errorf("the first session got %+v, %v", n, err)
	}
}

// TestStop: asked to stop, the process does so at once with clients connected,
// and its meetings are there for the next one.
func TestStop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, err := convo.Guest(t.Context(), w, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := ann.Enable(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := convo.Account(t.Context(), w, "focus"); err != nil {
		t.Fatal(err)
	}
	if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := w.cmd.Wait(); err != nil {
		t.Errorf("exit: %v", err)
	}
	w.start(t)
	if err := ann.Resume(t.Context(), w); err != nil {
		t.Error(err)
	}
	if err := ann.Silent(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestReload: new accounts count from the next login on; bad settings change
// nothing.
func TestReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	name := filepath.Join(w.dir, "signaling.json")
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, settings string
		want           string // in the log
		login          bool
	}{
		{"not JSON", "{", "settings refused", true},
		{"no accounts", strings.Replace(string(good), `"user":"focus"`, `"user":"other"`, 1), "settings taken over", false},
		{"as before", string(good), "settings taken over", true},
	} {
		if err := os.WriteFile(name, []byte(tc.settings), 0o600); err != nil {
			t.Fatal(err)
		}
		w.mu.Lock()
		w.log.Reset()
		w.mu.Unlock()
		logged := w.await(tc.want)
		if err := w.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		select {
		case <-logged:
		case <-time.After(5 * time.Second):
			t.Fatalf("%s: the log does not say %q", tc.name, tc.want)
		}
		if _, err := convo.Account(t.Context(), w, "focus"); (err == nil) != tc.login {
			t.Errorf("%s: login: %v", tc.name, err)
		}
	}
}

// TestPlainTCP: without TLS there is nothing but the way to TLS.
func TestPlainTCP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const header = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='auth.meet.jitsi' version='1.0'>`
	for _, tc := range []struct{ name, send, want string }{
		{"login in the clear", header + `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="SCRAM-SHA-1">x</auth>`, "policy-violation"},
		{"words smuggled in before TLS", header + `<starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"/><presence/>`, "policy-violation"},
		{"not XMPP", "GET / HTTP/1.1\r\n\r\n", "not-well-formed"},
		{"document type", `<!DOCTYPE a><stream:stream>`, "not-well-formed"},
	} {
		conn, err := net.Dial("tcp", w.tcp)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, tc.send); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(conn)
		if !strings.Contains(string(b), streamError(tc.want)) || err != nil && !errors.Is(err, net.ErrClosed) && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: got %s, %v", tc.name, b, err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestHTTP: the WebSocket's address answers a plain GET, from anywhere.
func TestHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tc := range []struct {
		method, protocol string
		want             int
	}{
		{http.MethodGet, "", http.StatusOK}, {http.MethodOptions, "", http.StatusNoContent},
		{http.MethodPost, "", http.StatusMethodNotAllowed}, {http.MethodGet, "soap", http.StatusBadRequest},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tc.method, "http://meet.jitsi/xmpp-websocket?room=demo", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", "https://elsewhere.example")
		if tc.protocol != "" {
			req.Header.Set("Connection", "Upgrade")
			req.Header.Set("Upgrade", "websocket")
			req.Header.Set("Sec-WebSocket-Protocol", tc.protocol)
		}
		res, err := w.client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != tc.want || res.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s %q: %s, origin %q", tc.method, tc.protocol, res.Status, res.Header.Get("Access-Control-Allow-Origin"))
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
	}
}

// metrics is what the control socket says.
func (w *world) metrics(t testing.TB) string {
	t.Helper()
	res, err := ctl.Client(filepath.Join(w.dir, "ctl", "signaling.sock")).Get("http://ctl/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
