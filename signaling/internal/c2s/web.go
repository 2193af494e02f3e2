package c2s

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// WebSocketPath is where clients connect, as Jitsi's expect it.
const WebSocketPath = "/xmpp-websocket"

// ServeWeb serves clients that come through the web process, until ctx ends.
// Their connections end with ctx too, so that clients resume elsewhere.
func (s *Server) ServeWeb(ctx context.Context, l net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle(WebSocketPath, s.Handler(ctx))
	mux.Handle(BOSHPath, s.BOSH(ctx))
	srv := &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
	}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(corkListener{l}); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("web: %w", err)
	}
	return context.Cause(ctx)
}

type connKey struct{}

type corkListener struct{ net.Listener }

func (l corkListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &corkConn{Conn: c}, nil
}

// corkConn writes a batch of frames with one system call: the WebSocket
// library flushes after each, and who joins a room of a hundred is sent as many.
type corkConn struct {
	net.Conn

	mu     sync.Mutex
	corked bool
	buf    []byte
}

func (c *corkConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.corked {
		return c.Conn.Write(b)
	}
	c.buf = append(c.buf, b...)
	if len(c.buf) < 64<<10 {
		return len(b), nil
	}
	return len(b), c.flush()
}

func (c *corkConn) flush() error {
	if len(c.buf) == 0 {
		return nil
	}
	_, err := c.Conn.Write(c.buf)
	if c.buf = c.buf[:0]; cap(c.buf) > 16<<10 {
		c.buf = nil // one big join must not keep its memory for ever
	}
	return err
}

func (c *corkConn) cork() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked = true
}

func (c *corkConn) uncork() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked = false
	return c.flush()
}
