package channel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/coder/websocket"
)

// endpoint echoes, and tells of sockets.
type endpoint struct {
	attached, detached chan Socket
	current            chan Socket // holds the attached one
}

func newEndpoint() *endpoint {
	return &endpoint{make(chan Socket, 8), make(chan Socket, 8), make(chan Socket, 1)}
}

func (*endpoint) Password() string { return "secret" }

func (e *endpoint) HandleMessage(text []byte) {
	s := <-e.current
	s.SendMessage(text)
	e.current <- s
}

func (e *endpoint) AttachChannel(s Socket) {
	select {
	case <-e.current:
	default:
	}
	e.current <- s
	e.attached <- s
}

func (e *endpoint) DetachChannel(s Socket) { e.detached <- s }

// pipes is a network of net.Pipe, for a bubble of fake time.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.done)
	return nil
}

func (*pipes) Addr() net.Addr { return &net.UnixAddr{} }

func (p *pipes) client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			a, b := net.Pipe()
			p.conns <- a
			return b, nil
		},
	}}
}

// start serves one endpoint "e" of the conference "c", and returns how to
// reach and how to stop it.
func start(t *testing.T, e *endpoint) (dial func(path string) (*websocket.Conn, error), stop func()) {
	t.Helper()
	p := newPipes()
	s := NewServer("b1", func(conference, id string) (Endpoint, bool) { return e, conference == "c" && id == "e" }, slog.New(slog.DiscardHandler), metrics.NewSet())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, p) }()
	dial = func(path string) (*websocket.Conn, error) {
		c, r, err := websocket.Dial(ctx, "ws://bridge"+path, &websocket.DialOptions{HTTPClient: p.client()})
		if err != nil && r != nil {
			return nil, fmt.Errorf("%d: %w", r.StatusCode, err)
		}
		return c, err
	}
	return dial, func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if n := s.Open(); n != 0 {
			t.Errorf("%d sockets are still open", n)
		}
	}
}

func expect(t *testing.T, c *websocket.Conn, want string) {
	t.Helper()
	if _, got, err := c.Read(t.Context()); err != nil || string(got) != want {
		t.Fatalf("read %q, %v; want %q", got, err, want)
	}
}

func expectClose(t *testing.T, c *websocket.Conn, code websocket.StatusCode, reason string) {
	t.Helper()
	_, got, err := c.Read(t.Context())
	if e, ok := errors.AsType[websocket.CloseError](err); !ok || e.Code != code || e.Reason != reason {
		t.Fatalf("read %q, %v; want close %v %q", got, err, code, reason)
	}
}

const (
	good  = "/colibri-ws/b1/c/e?pwd=secret"
	hello = `{"colibriClass":"ServerHello"}`
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dial, stop := start(t, newEndpoint())
		for path, want := range map[string]string{
			"/":                                   "404",
			"/colibri-ws/b1/c":                    "404",
			"/colibri-ws/b1/c/":                   "404",
			"/colibri-ws/b1/c/e/f?pwd=secret":     "404",
			"/colibri-ws/b2/c/e?pwd=secret":       "404",
			"/colibri-relay-ws/b1/c/e?pwd=secret": "404",
			"/colibri-ws/b1/d/e?pwd=secret":       "403",
			"/colibri-ws/b1/c/f?pwd=secret":       "403",
			"/colibri-ws/b1/c/e?pwd=wrong":        "403",
			"/colibri-ws/b1/c/e?pwd=secret&a=1":   "403",
			"/colibri-ws/b1/c/e?a=1&pwd=secret":   "403",
			"/colibri-ws/b1/c/e":                  "403",
		} {
			if _, err := dial(path); err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("dial %s: %v, want %s", path, err, want)
			}
		}
		stop()
	})
}

func TestConversation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint()
		dial, stop := start(t, e)
		c, err := dial(good)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, c, hello)
		if err := c.Write(t.Context(), websocket.MessageText, []byte("1")); err != nil {
			t.Fatal(err)
		}
		expect(t, c, "1")
		first := <-e.attached

		second, err := dial(good)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, second, hello)
		expectClose(t, c, websocket.StatusNormalClosure, "replaced")
		if s := <-e.detached; s != first {
			t.Errorf("the newer socket was detached")
		}
		if err := first.SendMessage([]byte("2")); !errors.Is(err, ErrClosed) {
			t.Errorf("SendMessage on a closed socket: %v", err)
		}

		(<-e.attached).Expire()
		expectClose(t, second, websocket.StatusGoingAway, "endpoint closed")

		third, err := dial(good)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, third, hello)
		if err := third.Write(t.Context(), websocket.MessageText, bytes.Repeat([]byte("x"), MaxText+2)); err != nil {
			t.Fatal(err)
		}
		expectClose(t, third, websocket.StatusMessageTooBig, "read limited at 65538 bytes")

		fourth, err := dial(good)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, fourth, hello)
		go stop()
		expectClose(t, fourth, websocket.StatusGoingAway, "bridge stopped")
		synctest.Wait()
	})
}

// A client that does not read costs a bounded queue, then its socket; nobody
// waits for it.
func TestSlowClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint()
		dial, stop := start(t, e)
		if _, err := dial(good); err != nil {
			t.Fatal(err)
		}
		s := <-e.attached
		text := make([]byte, 8<<10)
		n := 0
		for s.SendMessage(text) == nil {
			n++
		}
		if most := maxQueueBytes/len(text) + 1; n > most { // one is on its way
			t.Errorf("%d texts were queued, want at most %d", n, most)
		}
		<-e.detached
		stop()
	})
}

// Pings keep a quiet socket; without an answer it ends after 60 s.
func TestIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint()
		dial, stop := start(t, e)
		c, err := dial(good)
		if err != nil {
			t.Fatal(err)
		}
		reading, stopReading := context.WithCancel(t.Context())
		go func() {
			for { // answers pings
				if _, _, err := c.Read(reading); err != nil {
					return
				}
			}
		}()
		time.Sleep(10 * time.Minute)
		select {
		case <-e.detached:
			t.Fatal("a client that answers was closed")
		default:
		}
		stopReading()

		if _, err := dial(good); err != nil { // never reads
			t.Fatal(err)
		}
		<-e.detached // of the first
		before := time.Now()
		<-e.detached
		if d := time.Since(before); d > time.Minute {
			t.Errorf("a dead client was kept for %v", d)
		}
		stop()
	})
}
