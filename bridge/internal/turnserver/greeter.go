package turnserver

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxGreeting is the longest line of the PROXY protocol, version 1.
const maxGreeting = 107

// greeter is a listener whose connections say first from where they come.
type greeter struct {
	net.Listener
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	conns  chan net.Conn
	failed chan error
	log    *slog.Logger
}

func newGreeter(l net.Listener, log *slog.Logger) *greeter {
	ctx, cancel := context.WithCancel(context.Background())
	return &greeter{Listener: l, ctx: ctx, cancel: cancel, conns: make(chan net.Conn), failed: make(chan error, 1), log: log}
}

// run accepts until the listener is closed.
func (g *greeter) run() {
	var greeting sync.WaitGroup
	defer greeting.Wait()
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			g.failed <- err
			return
		}
		greeting.Go(func() { g.greet(c) })
	}
}

func (g *greeter) greet(c net.Conn) {
	defer context.AfterFunc(g.ctx, func() { c.Close() })()
	_ = c.SetReadDeadline(time.Now().Add(greetingWait))
	r := bufio.NewReaderSize(c, maxGreeting+1)
	line, err := r.ReadSlice('\n')
	if err == nil {
		var from netip.AddrPort
		if from, err = parseGreeting(string(line)); err == nil {
			_ = c.SetReadDeadline(time.Time{})
			select {
			case g.conns <- &greeted{c, r, net.TCPAddrFromAddrPort(from)}:
				return
			case <-g.ctx.Done():
			}
		}
	}
	if err != nil {
		g.log.Debug("TURN: nobody introduced", "err", err)
	}
	c.Close()
}

var errGreeting = errors.New("not a PROXY line")

// parseGreeting reads "PROXY TCP4 FROM TO FROMPORT TOPORT".
func parseGreeting(line string) (netip.AddrPort, error) {
	f := strings.Split(strings.TrimSuffix(line, "\r\n"), " ")
	if len(f) != 6 || f[0] != "PROXY" || f[1] != "TCP4" && f[1] != "TCP6" {
		return netip.AddrPort{}, errGreeting
	}
	addr, err := netip.ParseAddr(f[2])
	if err != nil || addr.Zone() != "" {
		return netip.AddrPort{}, errGreeting
	}
	port, err := strconv.ParseUint(f[4], 10, 16)
	if err != nil {
		return netip.AddrPort{}, errGreeting
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(port)), nil
}

// Accept implements net.Listener.
func (g *greeter) Accept() (net.Conn, error) {
	select {
	case c := <-g.conns:
		return c, nil
	case <-g.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Addr is an address that TURN can name; nobody is told it.
func (g *greeter) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero} }

// Close implements net.Listener.
func (g *greeter) Close() error {
	g.cancel()
	return g.Listener.Close()
}

// greeted is a connection with the address that it was introduced with.
type greeted struct {
	net.Conn
	r    *bufio.Reader
	from net.Addr
}

func (c *greeted) Read(b []byte) (int, error) { return c.r.Read(b) }

// RemoteAddr is the client's.
func (c *greeted) RemoteAddr() net.Addr { return c.from }

// LocalAddr is one that TURN can name.
func (c *greeted) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero} }
