package c2s

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"meetbox.local/signaling/internal/upload"
)

// WebSocketPath is where clients connect, as Jitsi's expect it.
const WebSocketPath = "/xmpp-websocket"

// ServeWeb serves clients that come through the web process, until ctx ends.
// Their connections end with ctx too, so that clients resume elsewhere.
func (s *Server) ServeWeb(ctx context.Context, l net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle(WebSocketPath, s.Handler(ctx))
	mux.Handle(BOSHPath, s.BOSH(ctx))
	if s.Router.Files != nil {
		mux.Handle(upload.Path, s.Router.Files)
	}
	srv := &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
	}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(corkListener{l, &s.buffers}); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("web: %w", err)
	}
	return context.Cause(ctx)
}

type connKey struct{}

// lean takes a connection over from net/http without its buffers, 8 KiB for
// each client: a batch is put together in a corkConn anyhow.
type lean struct{ http.ResponseWriter }

// Hijack implements http.Hijacker.
func (l lean) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(l.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	// What the client has said early, in the new buffer.
	n := rw.Reader.Buffered()
	early, err := rw.Reader.Peek(n)
	r := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(bytes.Clone(early)), conn), max(512, n))
	if err == nil {
		_, err = r.Peek(n)
	}
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	return conn, bufio.NewReadWriter(r, bufio.NewWriterSize(conn, 512)), nil
}

type corkListener struct {
	net.Listener
	buffers *sync.Pool // of *[]byte
}

func (l corkListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &corkConn{Conn: c, buffers: l.buffers}, nil
}

// corkConn writes a batch of frames with one system call: the WebSocket
// library flushes after each, and who joins a room of a hundred is sent as many.
// Between batches it has no buffer: there are far fewer batches than clients.
type corkConn struct {
	net.Conn
	buffers *sync.Pool

	mu  sync.Mutex
	buf *[]byte // nil: not corked
}

func (c *corkConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.buf == nil {
		return c.Conn.Write(b)
	}
	*c.buf = append(*c.buf, b...)
	if len(*c.buf) < 64<<10 {
		return len(b), nil
	}
	return len(b), c.flush()
}

func (c *corkConn) flush() error {
	if len(*c.buf) == 0 {
		return nil
	}
	_, err := c.Conn.Write(*c.buf)
	*c.buf = (*c.buf)[:0]
	return err
}

func (c *corkConn) cork() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buf = c.buffers.Get().(*[]byte)
	*c.buf = (*c.buf)[:0]
}

func (c *corkConn) uncork() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.flush()
	c.buffers.Put(c.buf)
	c.buf = nil
	return err
}
