package c2s

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"golang.org/x/sys/unix"
	"meetbox.local/signaling/internal/router"
	"meetbox.local/signaling/internal/websocket"
)

const (
	openFrame = `<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="meet.jitsi" version="1.0"/>`
	authFrame = `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="ANONYMOUS"/>`
	bindFrame = `<iq xmlns="jabber:client" type="set" id="1"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`
	pingFrame = "\x89\x80\x00\x00\x00\x00" // of WebSocket, masked with zeros
	pongFrame = "\x8a\x00"
)

// house is a server behind a socket, as the web process reaches it.
type house struct {
	server *Server
	socket string
	end    func() // ends the server and waits for all of it
}

func newHouse(t *testing.T, limits Limits) *house {
	t.Helper()
	r, err := router.Open(router.Options{
		Domain: "meet.jitsi", AuthDomain: "auth.meet.jitsi", MUC: "muc.meet.jitsi", InternalMUC: "internal-muc.meet.jitsi", Focus: "focus.meet.jitsi", FocusUser: "focus",
	}, "", slog.New(slog.DiscardHandler), metrics.NewSet())
	if err != nil {
		t.Fatal(err)
	}
	h := &house{server: New(r, limits, slog.New(slog.DiscardHandler)), socket: filepath.Join(t.TempDir(), "s")}
	l, err := net.Listen("unix", h.socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.server.ServeWeb(ctx, l) }()
	over := false
	h.end = func() {
		if over {
			return
		}
		over = true
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		h.server.Wait()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(h.end)
	return h
}

// visitor is a client that says bytes, and has no goroutine.
type visitor struct {
	net.Conn
	t  *testing.T
	in *bufio.Reader
}

func (h *house) visitor(t *testing.T) *visitor {
	t.Helper()
	conn, err := net.Dial("unix", h.socket)
	if err != nil {
		t.Fatal(err)
	}
	return upgraded(t, conn)
}

func upgraded(t *testing.T, conn net.Conn) *visitor {
	t.Helper()
	v := &visitor{conn, t, bufio.NewReader(conn)}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	v.say("GET " + WebSocketPath + " HTTP/1.1\r\nHost: meet.jitsi\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n")
	res, err := http.ReadResponse(v.in, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("handshake: %v, %v", res, err)
	}
	return v
}

// masked is a message as a client sends it, masked with zeros.
func masked(text string) string {
	b := websocket.AppendHeader(nil, websocket.Text, len(text))
	b[1] |= 0x80
	return string(b) + "\x00\x00\x00\x00" + text
}

func (v *visitor) say(s string) {
	v.t.Helper()
	if _, err := io.WriteString(v, s); err != nil {
		v.t.Fatal(err)
	}
}

// hears reads up to something.
func (v *visitor) hears(want string) {
	v.t.Helper()
	var got strings.Builder
	for !strings.HasSuffix(got.String(), want) {
		c, err := v.in.ReadByte()
		if err != nil {
			v.t.Fatalf("hears %q and then %v, want %q", got.String(), err, want)
		}
		got.WriteByte(c)
	}
}

// hearsNoMore reads up to the end.
func (v *visitor) hearsNoMore() {
	v.t.Helper()
	if _, err := io.Copy(io.Discard, v.in); err != nil && !errors.Is(err, unix.ECONNRESET) {
		v.t.Fatal(err)
	}
}

// wasHeard waits until the server has read all that was said.
func (v *visitor) wasHeard() {
	v.t.Helper()
	raw, err := v.Conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		v.t.Fatal(err)
	}
	for left := 1; left > 0; runtime.Gosched() {
		if failed := raw.Control(func(fd uintptr) { left, err = unix.IoctlGetInt(int(fd), unix.TIOCOUTQ) }); failed != nil || err != nil {
			v.t.Fatal(failed, err)
		}
	}
}

// login makes a session.
func (v *visitor) login() {
	v.t.Helper()
	v.say(masked(openFrame))
	v.hears("</stream:features>")
	v.say(masked(authFrame))
	v.hears("<success xmlns=\"urn:ietf:params:xml:ns:xmpp-sasl\"/>")
	v.say(masked(openFrame))
	v.hears("</stream:features>")
	v.say(masked(bindFrame))
	v.hears("</iq>")
}

// TestTheWaitingRoom: those who say nothing have no goroutine each, are there
// when they say something again, and go with the server, which keeps nothing.
func TestTheWaitingRoom(t *testing.T) { // not in parallel: it counts goroutines
	atFirst := runtime.NumGoroutine()
	fewer := func(than int) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() >= than; runtime.Gosched() {
			if time.Now().After(deadline) {
				t.Fatalf("%d goroutines, want fewer than %d", runtime.NumGoroutine(), than)
			}
		}
	}
	h := newHouse(t, DefaultLimits())
	const many = 100
	all := make([]*visitor, many)
	for i := range all {
		all[i] = h.visitor(t)
		all[i].login()
	}
	fewer(atFirst + many/4)
	for _, v := range all {
		v.say(pingFrame)
	}
	for _, v := range all {
		v.hears(pongFrame)
	}
	fewer(atFirst + many/4)
	h.end()
	for _, v := range all {
		v.hearsNoMore()
	}
	fewer(atFirst + 1)
	if n := len(h.server.room.here); n != 0 {
		t.Errorf("%d are still in the room", n)
	}
}

// TestKilledWhileWaiting: whom the server gives up leaves the room, though the
// client does nothing for it.
func TestKilledWhileWaiting(t *testing.T) {
	t.Parallel()
	t.Run("no login", func(t *testing.T) {
		t.Parallel()
		limits := DefaultLimits()
		limits.Login = 10 * time.Millisecond
		h := newHouse(t, limits)
		v := h.visitor(t)
		v.hears("connection-timeout xmlns=\"" + nsStreams + "\"/></stream:error>")
		v.hearsNoMore()
		h.server.links.Wait() // nobody is left
	})
	t.Run("no answer", func(t *testing.T) {
		t.Parallel()
		limits := DefaultLimits()
		limits.Idle, limits.Answer = time.Second, 10*time.Millisecond // the login is quicker
		h := newHouse(t, limits)
		v := h.visitor(t)
		v.login()
		v.hearsNoMore()
		h.server.links.Wait()
	})
}

// TestHalves: what comes in two parts is whole in the end, wherever it was cut,
// and nobody else waits for the second.
func TestHalves(t *testing.T) {
	t.Parallel()
	h := newHouse(t, DefaultLimits())
	other := h.visitor(t)
	other.login()
	first, second := masked(openFrame), masked(authFrame)
	n := len(first)
	for _, cut := range []int{1, 2, 5, 6, 7, n - 1, n, n + 1, n + 2, n + 5, n + 6, n + 7, n + len(second) - 1} {
		v := h.visitor(t)
		both := first + second
		v.say(both[:cut])
		v.wasHeard()
		other.say(pingFrame)
		other.hears(pongFrame)
		v.say(both[cut:])
		v.hears("<success xmlns=\"urn:ietf:params:xml:ns:xmpp-sasl\"/>")
	}
}

// TestWithoutDescriptor: a connection that cannot wait in the room, as one of
// TLS, is served all the same, and ends with the server.
func TestWithoutDescriptor(t *testing.T) {
	t.Parallel()
	h := newHouse(t, DefaultLimits())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	srv := httptest.NewTLSServer(h.server.Handler(ctx))
	defer srv.Close()
	conn, err := tls.Dial("tcp", srv.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	v := upgraded(t, conn)
	v.login()
	ping := masked(`<iq xmlns="jabber:client" type="get" id="2"><ping xmlns="urn:xmpp:ping"/></iq>`)
	v.say(ping[:20])
	v.say(ping[20:] + pingFrame)
	v.hears(pongFrame)
	cancel()
	v.hearsNoMore()
	h.server.links.Wait()
}

// TestHeldBack: a client that sends without end and reads nothing is given up,
// also while the server reads no more of it.
func TestHeldBack(t *testing.T) {
	t.Parallel()
	limits := DefaultLimits()
	limits.Pause, limits.Write = 1<<10, 500*time.Millisecond
	limits.Rate, limits.Burst, limits.ByteRate, limits.ByteBurst = 1e6, 1e6, 1e9, 1e9
	h := newHouse(t, limits)
	v := h.visitor(t)
	v.login()
	ping := masked(`<iq xmlns="jabber:client" type="get" id="2"><ping xmlns="urn:xmpp:ping"/></iq>`)
	for {
		if _, err := io.WriteString(v, ping); err != nil {
			break
		}
	}
	h.server.links.Wait()
}
