package front

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// A client without UDP reaches the bridge by TURN over TCP. Its network is
// likely to let through no more than the port for HTTPS, so that TURN shares
// that: its messages start with a byte below turnBelow (RFC 8489 §5), a TLS
// handshake with handshakeByte, a request within TLS with a letter.
const (
	turnBelow     = 4
	handshakeByte = 22
	acceptPause   = 100 * time.Millisecond
)

// sorter is a listener that passes TURN on to the bridge, and leaves HTTPS to
// its server.
type sorter struct {
	net.Listener
	config *tls.Config
	turn   string // the bridge's socket
	passed *metrics.Counter
	log    *slog.Logger

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	conns  chan net.Conn
	failed chan error
}

func (s *Server) sort(l net.Listener) *sorter {
	config := s.tls()
	config.NextProtos = []string{"h2", "http/1.1"}
	ctx, cancel := context.WithCancel(context.Background())
	return &sorter{
		Listener: l, config: config, turn: s.turn, passed: s.meters.turn, log: s.log,
		ctx: ctx, cancel: cancel, conns: make(chan net.Conn), failed: make(chan error, 1),
	}
}

// run accepts until the listener is closed, and waits for what it passed on.
func (d *sorter) run() {
	var sorting sync.WaitGroup
	defer sorting.Wait()
	for {
		c, err := d.Listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			d.failed <- err
			return
		case err != nil: // too many open files, or the like
			d.log.Warn("nobody can come in for a moment", "err", err)
			select {
			case <-time.After(acceptPause):
			case <-d.ctx.Done():
			}
			continue
		}
		sorting.Go(func() {
			stop := context.AfterFunc(d.ctx, func() { c.Close() })
			if !d.one(c) {
				c.Close()
			}
			stop()
		})
	}
}

// one says whether the connection belongs to the HTTPS server now.
func (d *sorter) one(c net.Conn) bool {
	if err := c.SetDeadline(time.Now().Add(headerWait)); err != nil {
		return false
	}
	raw, first, err := peek(c)
	switch {
	case err != nil:
		return false
	case first < turnBelow:
		return d.pass(raw, c)
	case first != handshakeByte:
		return d.serve(tls.Server(raw, d.config), c) // whose handshake will say what is wrong
	}
	secure := tls.Server(raw, d.config)
	if err := secure.HandshakeContext(d.ctx); err != nil {
		d.log.Debug("TLS handshake", "peer", c.RemoteAddr(), "err", err)
		return false
	}
	if secure.ConnectionState().NegotiatedProtocol != "" {
		return d.serve(secure, c) // TURN negotiates none
	}
	inner, first, err := peek(secure)
	switch {
	case err != nil:
		return false
	case first < turnBelow:
		return d.pass(inner, c)
	}
	return d.serve(inner, c)
}

func (d *sorter) serve(c, raw net.Conn) bool {
	if err := raw.SetDeadline(time.Time{}); err != nil {
		return false
	}
	select {
	case d.conns <- c:
		return true
	case <-d.ctx.Done():
		return false
	}
}

// pass carries a client's TURN to the bridge until one of them has enough.
func (d *sorter) pass(c, raw net.Conn) bool {
	if err := raw.SetDeadline(time.Time{}); err != nil {
		return false
	}
	var dialer net.Dialer
	bridge, err := dialer.DialContext(d.ctx, "unix", d.turn)
	if err != nil {
		d.log.Debug("no TURN", "err", err)
		return false
	}
	defer bridge.Close()
	d.passed.Inc()
	from, ok := raw.RemoteAddr().(*net.TCPAddr)
	to, ok2 := raw.LocalAddr().(*net.TCPAddr)
	if !ok || !ok2 {
		return false
	}
	family := "TCP4"
	if from.AddrPort().Addr().Unmap().Is6() {
		family = "TCP6"
	}
	_, err = fmt.Fprintf(bridge, "PROXY %s %s %s %d %d\r\n", family, from.AddrPort().Addr().Unmap().WithZone(""), to.AddrPort().Addr().Unmap().WithZone(""), from.Port, to.Port)
	if err != nil {
		return false
	}
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(c, bridge) // whichever way it ends
		raw.Close()
	})
	_, _ = io.Copy(bridge, c)
	bridge.Close()
	back.Wait()
	return false
}

// Accept implements net.Listener.
func (d *sorter) Accept() (net.Conn, error) {
	select {
	case c := <-d.conns:
		return c, nil
	case err := <-d.failed:
		return nil, err
	case <-d.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (d *sorter) Close() error {
	d.cancel()
	return d.Listener.Close()
}

// peeked is a connection of which the first byte was looked at.
type peeked struct {
	net.Conn
	r *bufio.Reader
}

func (p *peeked) Read(b []byte) (int, error) { return p.r.Read(b) }

func peek(c net.Conn) (net.Conn, byte, error) {
	r := bufio.NewReader(c)
	b, err := r.Peek(1)
	if err != nil {
		return nil, 0, err
	}
	return &peeked{c, r}, b[0], nil
}
