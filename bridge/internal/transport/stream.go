package transport

import (
	"bufio"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/stun/v4"
)

// ICE over TCP (RFC 6544), for clients whose networks let no UDP through: each
// of the port's addresses listens on a TCP port, too, and is offered as a
// passive candidate. Packets on a connection have their length before them, two
// bytes (RFC 4571).
//
// To the rest of the port a connection is a remote address like others: an
// alias that exists nowhere (aliasPrefix), under which ICE, DTLS and media work
// as over UDP. Its packets are read by a goroutine of its own and sent through
// a bounded queue, so that a slow connection holds up nobody else; the way of
// packets over UDP is the same with and without it.

const (
	// maxStreamConns is how many connections an address has at a time, and
	// maxStrange how many of those may not have proved yet whom they belong to.
	maxStreamConns = 1024
	maxStrange     = 128
	// strangeTime is how long they have for that: a client sends its check with
	// the first packet, and again for some seconds.
	strangeTime = 10 * time.Second
	// streamIdle ends a connection on which nothing comes: checks of consent
	// come each few seconds.
	streamIdle = time.Minute
	// streamQueue is what waits for a connection that is slow: half a second of
	// a good picture. More would only be late.
	streamQueue = 256 << 10
	// streamWrite is how long the kernel may take none of it before the
	// connection is given up.
	streamWrite = 10 * time.Second
	// burstFrames is how many packets leave together at most.
	burstFrames = 64
	// frameHeader is RFC 4571's.
	frameHeader = 2
)

// aliasPrefix is RFC 6666's for discarded traffic, and alias4 a part of the
// reserved 240.0.0.0/4: nobody can be at such an address.
var (
	aliasPrefix = netip.MustParsePrefix("100::/64")
	alias4      = netip.MustParsePrefix("240.0.0.0/8")
)

// alias is the address of the nth connection of a family.
func alias(v4 bool, n uint32) netip.AddrPort {
	port := uint16(n>>24)%255 + 1
	if v4 {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{240, byte(n >> 16), byte(n >> 8), byte(n)}), port)
	}
	a := aliasPrefix.Addr().As16()
	binary.BigEndian.PutUint32(a[12:], n)
	return netip.AddrPortFrom(netip.AddrFrom16(a), port)
}

// aliased says whether an address is a connection's.
func aliased(a netip.Addr) bool { return alias4.Contains(a) || aliasPrefix.Contains(a) }

// streams are the connections of one address of the port.
type streams struct {
	port     *Port
	local    *local
	listener *net.TCPListener
	addr     netip.AddrPort

	mu      sync.RWMutex
	conns   map[netip.AddrPort]*streamConn // by alias
	strange int
	closed  bool
}

// listenTCP opens the TCP port of an address.
func (p *Port) listenTCP(l *local) (*streams, error) {
	ln, err := net.ListenTCP(tcpNetwork(l.addr.Addr()), net.TCPAddrFromAddrPort(netip.AddrPortFrom(l.addr.Addr(), uint16(max(0, p.cfg.TCPPort)))))
	if err != nil {
		return nil, err
	}
	return &streams{port: p, local: l, listener: ln, addr: ln.Addr().(*net.TCPAddr).AddrPort(), conns: map[netip.AddrPort]*streamConn{}}, nil
}

func tcpNetwork(a netip.Addr) string {
	if a.Is4() {
		return "tcp4"
	}
	return "tcp6"
}

// serve accepts connections until the listener is closed.
func (t *streams) serve() {
	var pause time.Duration
	for {
		conn, err := t.listener.AcceptTCP()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // no more files: those who have one may end
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			time.Sleep(pause)
			continue
		}
		pause = 0
		c := t.admit(conn)
		if c == nil {
			t.port.gauges.drop(dropTCPMany)
			conn.Close()
			continue
		}
		t.port.running.Go(c.read)
		t.port.running.Go(c.write)
	}
}

// admit gives a new connection its alias; nil when there are too many.
func (t *streams) admit(conn *net.TCPConn) *streamConn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || len(t.conns) >= maxStreamConns || t.strange >= maxStrange {
		return nil
	}
	c := &streamConn{streams: t, conn: conn, remote: conn.RemoteAddr().(*net.TCPAddr).AddrPort(), wake: make(chan struct{}, 1), strange: true}
	// Of the whole port: an agent asks everybody from all of its addresses.
	c.alias = alias(t.local.addr.Addr().Is4(), t.port.aliases.Add(1))
	t.strange++
	t.conns[c.alias] = c
	t.port.gauges.tcp.Inc()
	return c
}

// at is the connection of an alias; nil when it is gone.
func (t *streams) at(a netip.AddrPort) *streamConn {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.conns[a]
}

// known notes that a connection belongs to a session.
func (t *streams) known(c *streamConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.strange {
		c.strange = false
		t.strange--
	}
}

func (t *streams) remove(c *streamConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conns[c.alias] != c {
		return
	}
	delete(t.conns, c.alias)
	if c.strange {
		c.strange = false
		t.strange--
	}
	t.port.gauges.tcp.Dec()
}

// close ends the listener and all connections.
func (t *streams) close() {
	t.mu.Lock()
	t.closed = true
	list := make([]*streamConn, 0, len(t.conns))
	for _, c := range t.conns {
		list = append(list, c)
	}
	t.mu.Unlock()
	t.listener.Close()
	for _, c := range list {
		c.close()
	}
}

// streamConn is one connection.
type streamConn struct {
	streams *streams
	conn    *net.TCPConn
	alias   netip.AddrPort
	remote  netip.AddrPort
	strange bool                    // of streams.mu
	bound   atomic.Pointer[binding] // once it answered a check
	once    sync.Once

	mu     sync.Mutex
	queue  []byte // frames
	spare  []byte // the array that was written last
	closed bool
	wake   chan struct{}
}

// close ends the connection; its goroutines follow.
func (c *streamConn) close() {
	c.once.Do(func() {
		c.conn.Close()
		c.mu.Lock()
		c.closed = true
		close(c.wake)
		c.mu.Unlock()
	})
}

// read hands what comes to where packets of UDP go.
func (c *streamConn) read() {
	defer c.gone()
	in := bufio.NewReaderSize(c.conn, 1<<16)
	begun := time.Now()
	for {
		deadline := begun.Add(strangeTime)
		if c.bound.Load() != nil {
			deadline = time.Now().Add(streamIdle)
		}
		if c.conn.SetReadDeadline(deadline) != nil {
			return
		}
		head, err := in.Peek(frameHeader)
		if err != nil {
			return
		}
		size := int(binary.BigEndian.Uint16(head))
		if size > slotSize {
			c.streams.port.gauges.drop(dropTruncated)
			return
		}
		if _, err := in.Peek(frameHeader + size); err != nil {
			return
		}
		if !c.burst(in) {
			return
		}
	}
}

// burst handles the packets that are there, without waiting for more, as one
// batch; false when they show no session.
func (c *streamConn) burst(in *bufio.Reader) bool {
	p := c.streams.port
	out := <-p.streamBatches
	defer func() {
		out.Flush()
		p.streamBatches <- out
	}()
	r := reader{port: p, local: c.streams.local, out: out}
	from, now := addressOf(c.alias), Now()
	for range burstFrames {
		there, _ := in.Peek(in.Buffered()) // cannot fail
		if len(there) < frameHeader {
			break
		}
		size := int(binary.BigEndian.Uint16(there))
		if size > slotSize || len(there) < frameHeader+size {
			break // the reader sees to it
		}
		packet := there[frameHeader : frameHeader+size : frameHeader+size]
		if c.strange && !c.introduced(packet) {
			return false
		}
		p.gauges.packetsIn.Inc()
		p.gauges.bytesIn.Add(size)
		r.handle(packet, from, now)
		_, _ = in.Discard(frameHeader + size) // is there
	}
	return true
}

// introduced says whether a packet shows whose connection this is: as long as
// none has, nothing but checks of a session's user is taken.
func (c *streamConn) introduced(b []byte) bool {
	p := c.streams.port
	m, ok := parseSTUN(b)
	if !ok || m.kind != bindingRequest {
		p.gauges.drop(dropSTUNMalformed)
		return false
	}
	g := p.byUfrag(m.localUfrag())
	switch {
	case g == nil:
		p.gauges.drop(dropSTUNUser)
		return false
	case !m.authentic(g.password):
		p.gauges.drop(dropSTUNIntegrity)
		return false
	}
	c.streams.known(c)
	return true
}

// gone is when the connection has ended.
func (c *streamConn) gone() {
	c.close()
	c.streams.remove(c)
	if b := c.bound.Load(); b != nil {
		b.session.abandon(b)
	}
}

// put queues one packet, or drops it when the connection is slow.
func (c *streamConn) put(packet []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || len(c.queue)+frameHeader+len(packet) > streamQueue {
		return false
	}
	c.queue = binary.BigEndian.AppendUint16(c.queue, uint16(len(packet)))
	c.queue = append(c.queue, packet...)
	select {
	case c.wake <- struct{}{}:
	default: // it is awake
	}
	return true
}

// write sends what is queued.
func (c *streamConn) write() {
	defer c.close()
	for range c.wake {
		c.mu.Lock()
		queue := c.queue
		if len(queue) == 0 {
			c.mu.Unlock()
			continue
		}
		// The array on its way belongs to this goroutine alone until it is spare again.
		c.queue, c.spare = c.spare[:0], nil
		c.mu.Unlock()
		if c.conn.SetWriteDeadline(time.Now().Add(streamWrite)) != nil {
			return
		}
		if _, err := c.conn.Write(queue); err != nil {
			return
		}
		c.mu.Lock()
		c.spare = queue[:0]
		c.mu.Unlock()
	}
}

var errStreamFull = errors.New("the connection is slow")

// sendBatch queues a chain of a batch, and says how many found no room.
func (c *streamConn) sendBatch(b *Batch, first int32) (late int) {
	for i := first; i >= 0; i = b.packets[i].next {
		p := &b.packets[i]
		if !c.put(b.arena[p.at : p.at+p.size]) {
			late++
		}
	}
	return late
}

// sendControl is for ICE's own messages: of a response the address that the
// client is told is made its own instead of the alias.
func (c *streamConn) sendControl(b []byte, password string) {
	if m, ok := parseSTUN(b); ok && m.kind == bindingSuccess && password != "" {
		told, err := stun.Build(stun.NewTransactionIDSetter(m.id), stun.BindingSuccess,
			&stun.XORMappedAddress{IP: c.remote.Addr().Unmap().AsSlice(), Port: int(c.remote.Port())},
			stun.NewShortTermIntegrity(password), stun.Fingerprint)
		if err != nil {
			return
		}
		b = told.Raw
	}
	if !c.put(b) {
		c.streams.port.gauges.drop(dropSendBuffer)
	}
}
