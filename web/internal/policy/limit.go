package policy

import (
	"net"
	"net/netip"
	"sync"

	"meetbox.local/appliance/kit/tally"
)

// An office behind one address translator looks like one peer, and each of
// its people holds up to three connections; a flood from one host must still
// leave room for the others.
const (
	PerPeer = 1024
	InAll   = 8192
)

// Limiter counts open connections by peer. Safe for concurrent use.
type Limiter struct {
	perPeer, inAll int

	mu   sync.Mutex
	open map[netip.Prefix]int
	all  int
}

// NewLimiter returns a limiter with these bounds.
func NewLimiter(perPeer, inAll int) *Limiter {
	return &Limiter{perPeer: perPeer, inAll: inAll, open: map[netip.Prefix]int{}}
}

// Open returns how many connections are counted now.
func (l *Limiter) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all
}

// Listen returns the listener with connections beyond the bounds closed as
// they come; refused is called for each of them.
func (l *Limiter) Listen(inner net.Listener, refused func()) net.Listener {
	return &limited{Listener: inner, limiter: l, refused: refused}
}

func (l *Limiter) enter(p netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= l.inAll || l.open[p] >= l.perPeer {
		return false
	}
	l.all++
	l.open[p]++
	return true
}

func (l *Limiter) leave(p netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.open[p]--; l.open[p] == 0 {
		delete(l.open, p)
	}
}

func peer(a net.Addr) netip.Prefix {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	return tally.Home(tcp.AddrPort().Addr())
}

type limited struct {
	net.Listener
	limiter *Limiter
	refused func()
}

func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		p := peer(c.RemoteAddr())
		if l.limiter.enter(p) {
			return &counted{Conn: c, leave: sync.OnceFunc(func() { l.limiter.leave(p) })}, nil
		}
		l.refused()
		if err := c.Close(); err != nil {
			continue // it was not wanted anyway
		}
	}
}

type counted struct {
	net.Conn
	leave func()
}

func (c *counted) Close() error {
	c.leave()
	return c.Conn.Close()
}
