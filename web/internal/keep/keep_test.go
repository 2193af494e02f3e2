package keep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/coder/websocket"
	"meetbox.local/appliance/kit/takeup"
)

// world is a front door with this transport, and processes of signaling behind
// it, one after the other.
type world struct {
	t      *testing.T
	socket string
	door   *httptest.Server
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "mb") // t.TempDir is too long for a socket's name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w := &world{t: t, socket: filepath.Join(dir, "s")}
	next := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", w.socket)
	}}
	w.door = httptest.NewTLSServer(&httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host = "http", "signaling"
			takeup.Strip(p.Out.Header)
		},
		Transport: New(next, metrics.NewSet(), slog.New(slog.DiscardHandler)),
		ErrorLog:  slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	})
	t.Cleanup(w.door.Close)
	return w
}

// process is one of signaling.
type process struct {
	t    *testing.T
	srv  *http.Server
	conn chan handshake
	stop context.CancelFunc
}

// handshake is one with its headers.
type handshake struct {
	peer
	header http.Header
}

func (w *world) process(name string) *process {
	w.t.Helper()
	l, err := net.Listen("unix", w.socket)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(w.t.Context())
	p := &process{t: w.t, conn: make(chan handshake, 8), stop: stop}
	p.srv = &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get(takeup.Process) == name {
			http.Error(rw, "", http.StatusConflict)
			return
		}
		rw.Header().Set(takeup.Process, name)
		c, err := websocket.Accept(rw, r, &websocket.AcceptOptions{Subprotocols: []string{"xmpp"}})
		if err != nil {
			w.t.Error(err)
			return
		}
		c.SetReadLimit(-1)
		p.conn <- handshake{peer{w.t, c}, r.Header}
		<-ctx.Done()
		_ = c.CloseNow()
	})}
	go p.srv.Serve(l)
	w.t.Cleanup(p.kill)
	return p
}

// kill ends it without a word to anybody.
func (p *process) kill() {
	_ = p.srv.Close() // first: nobody must find it still answering
	p.stop()
}

func (p *process) next() handshake {
	p.t.Helper()
	select {
	case h := <-p.conn:
		return h
	case <-time.After(20 * time.Second):
		p.t.Fatal("no handshake")
		return handshake{}
	}
}

// peer is an end of a WebSocket.
type peer struct {
	t *testing.T
	c *websocket.Conn
}

func (w *world) client() peer {
	w.t.Helper()
	c, resp, err := websocket.Dial(w.t.Context(), "wss"+strings.TrimPrefix(w.door.URL, "https")+"/xmpp-websocket", &websocket.DialOptions{
		HTTPClient: w.door.Client(), Subprotocols: []string{"xmpp"},
		HTTPHeader: http.Header{takeup.Token: {"a client's lie"}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if got := resp.Header.Get(takeup.Process); got != "" {
		w.t.Errorf("the client is told %s", got)
	}
	w.t.Cleanup(func() { _ = c.CloseNow() })
	c.SetReadLimit(-1)
	return peer{w.t, c}
}

func (p peer) say(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		if err := p.c.Write(p.t.Context(), websocket.MessageText, []byte(text)); err != nil {
			p.t.Fatalf("%.80s: %v", text, err)
		}
	}
}

func (p peer) hears(texts ...string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 20*time.Second)
	defer cancel()
	for _, want := range texts {
		_, got, err := p.c.Read(ctx)
		if err != nil {
			p.t.Fatalf("%v instead of %.200s", err, want)
		}
		if string(got) != want {
			p.t.Fatalf("got %.200s, want %.200s", got, want)
		}
	}
}

func (p peer) ends() error {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 20*time.Second)
	defer cancel()
	_, got, err := p.c.Read(ctx)
	if err == nil {
		p.t.Fatalf("got %.200s, want the end", got)
	}
	return err
}

const (
	enable  = `<enable xmlns="urn:xmpp:sm:3" resume="true"/>`
	enabled = `<enabled xmlns="urn:xmpp:sm:3" id="t1" resume="true" max="60"/>`
)

func message(n int) string { return fmt.Sprintf(`<message id="%d"/>`, n) }
func ack(h int) string     { return fmt.Sprintf(`<a xmlns="urn:xmpp:sm:3" h="%d"/>`, h) }
func resumed(h int) string {
	return fmt.Sprintf(`<resumed xmlns="urn:xmpp:sm:3" previd="t1" h="%d"/>`, h)
}

// counting starts a stream with stream management on both sides.
func (w *world) counting(p *process) (client peer, back handshake) {
	client = w.client()
	back = p.next()
	client.say(`<iq id="bind"/>`, enable)
	back.hears(`<iq id="bind"/>`, enable)
	back.say(`<iq id="bind"/>`, enabled)
	client.hears(`<iq id="bind"/>`, enabled)
	return client, back
}

// TestTakenUp: the client's connection lives through three processes, and
// neither side misses anything or gets it twice.
func TestTakenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.process("first")
	client, back := w.counting(first)
	if got := back.header.Get(takeup.Token); got != "" {
		t.Errorf("a client can say %s", got)
	}
	client.say(message(1), message(2), message(3))
	back.hears(message(1), message(2), message(3))
	back.say(message(11), ack(1), message(12))
	client.hears(message(11), ack(1), message(12))
	first.kill()
	client.say(`<c:message xmlns:c="jabber:client" id="4"/>`) // while nobody is there

	second := w.process("second")
	back = second.next()
	for name, want := range map[string]string{takeup.Process: "first", takeup.Token: "t1", takeup.Sent: "2"} {
		if got := back.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	back.say(resumed(2), message(13)) // the third had not been handled
	back.hears(message(3), `<c:message xmlns:c="jabber:client" id="4"/>`)
	client.say(message(5))
	back.hears(message(5))
	client.hears(message(13))
	second.kill()

	third := w.process("third")
	back = third.next()
	if got := back.header.Get(takeup.Sent); got != "3" {
		t.Errorf("sent %s", got)
	}
	back.say(resumed(5))
	client.say(`<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>`)
	back.hears(`<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>`)
	if err := back.c.Close(websocket.StatusNormalClosure, ""); err != nil && !errors.Is(err, context.Canceled) {
		t.Log(err) // the client answers only when it reads
	}
	if err := client.ends(); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("ends with %v", err)
	}
}

// TestResumedStream: a client that has resumed its stream by itself is taken up
// as well.
func TestResumedStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.process("first")
	client := w.client()
	back := first.next()
	resume := `<resume xmlns="urn:xmpp:sm:3" h="40" previd="t1"/>`
	client.say(resume)
	back.hears(resume)
	back.say(resumed(70), message(1))
	client.hears(resumed(70), message(1))
	client.say(message(71), message(72))
	back.hears(message(71), message(72))
	first.kill()
	back = w.process("second").next()
	if got := back.header.Get(takeup.Sent); got != "41" {
		t.Errorf("sent %s", got)
	}
	back.say(resumed(71))
	back.hears(message(72))
}

// TestCutOff: these clients' connections end with signaling's, as they always
// did.
func TestCutOff(t *testing.T) {
	t.Parallel()
	long := `<message>` + strings.Repeat("a", maxMessage) + `</message>`
	for name, tc := range map[string]func(w *world, first *process) peer{
		"no stream management": func(w *world, first *process) peer {
			client := w.client()
			back := first.next()
			client.say(message(1))
			back.hears(message(1))
			first.kill()
			w.process("second")
			return client
		},
		"cut by the same process": func(w *world, first *process) peer {
			client, back := w.counting(first)
			_ = back.c.CloseNow()
			return client
		},
		"unknown to the next process": func(w *world, first *process) peer {
			client, _ := w.counting(first)
			first.kill()
			back := w.process("second").next()
			_ = back.c.CloseNow()
			return client
		},
		"one stanza longer than is kept": func(w *world, first *process) peer {
			client, back := w.counting(first)
			client.say(long)
			back.hears(long)
			first.kill()
			w.process("second")
			return client
		},
		"more than is kept": func(w *world, first *process) peer {
			client, back := w.counting(first)
			half := `<message>` + strings.Repeat("a", mostKept/2) + `</message>`
			for range 2 {
				client.say(half)
				back.hears(half)
			}
			first.kill()
			w.process("second").next().say(resumed(0))
			return client
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if err := tc(w, w.process("first")).ends(); websocket.CloseStatus(err) == websocket.StatusNormalClosure {
				t.Errorf("ends with %v", err)
			}
		})
	}
}
