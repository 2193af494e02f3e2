package c2s

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"meetbox.local/signaling/internal/router"
)

// pipes is a listener whose connections come from wherever the test says.
type pipes struct {
	conns chan net.Conn
	over  chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.over:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { close(p.over); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

type from struct {
	net.Conn
	addr net.Addr
}

func (f from) RemoteAddr() net.Addr { return f.addr }

// dial connects from an address; the other end is the client's.
func (p pipes) dial(address string) net.Conn {
	here, there := net.Pipe()
	p.conns <- from{there, &net.TCPAddr{IP: net.ParseIP(address), Port: 1}}
	return here
}

// TestStrangersOfTheLAN: those who only connect have an end, and leave room for
// the focus and the bridges, which come from the box itself.
func TestStrangersOfTheLAN(t *testing.T) {
	t.Parallel()
	r, err := router.Open(router.Options{
		Domain: "meet.jitsi", AuthDomain: "auth.meet.jitsi", MUC: "muc.meet.jitsi", InternalMUC: "internal-muc.meet.jitsi", Focus: "focus.meet.jitsi", FocusUser: "focus",
	}, "", slog.New(slog.DiscardHandler), metrics.NewSet())
	if err != nil {
		t.Fatal(err)
	}
	limits := DefaultLimits()
	limits.Unlogged = 20
	s := New(r, limits, slog.New(slog.DiscardHandler))
	l := pipes{conns: make(chan net.Conn), over: make(chan struct{})}
	ctx, end := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.ServeTCP(ctx, l, &tls.Config{}) }()
	t.Cleanup(func() {
		end()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		s.Wait()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	for range 20 {
		l.dial("192.0.2.7")
	}
	var one [1]byte
	if n, err := l.dial("192.0.2.8").Read(one[:]); !errors.Is(err, io.EOF) {
		t.Errorf("one too many reads %d, %v", n, err)
	}
	bridge := l.dial("127.0.0.1")
	if err := bridge.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = io.WriteString(bridge, `<stream:stream xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams" to="auth.meet.jitsi" version="1.0">`)
	}()
	b := make([]byte, 1000)
	text := ""
	for !strings.Contains(text, "<starttls") {
		n, err := bridge.Read(b)
		if err != nil {
			t.Fatalf("a bridge beside strangers hears %q, %v", text, err)
		}
		text += string(b[:n])
	}
}
