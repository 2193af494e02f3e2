package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
)

const (
	// readBatch is how many messages one system call may bring. At full load
	// five come per wake-up of a reader, and it looks for more by itself.
	readBatch = 16
	// slotSize is the longest datagram that is taken: an Ethernet frame's payload
	// and some slack. WebRTC clients stay below 1,500 bytes.
	slotSize = 1600
	// socketBuffer is asked of the kernel for each direction: what 40 Mbit/s
	// bring in a second of trouble, twice over. It may grant less.
	socketBuffer = 10 << 20
)

// local is one of the machine's addresses with its sockets, one for each
// reader. The kernel spreads the clients over them by their addresses.
type local struct {
	addr     netip.AddrPort
	sockets  []*socket
	bindings atomic.Pointer[bindings]
	noGSO    atomic.Bool // the kernel or the network card cannot segment
	tcp      *streams    // nil: none
}

type socket struct {
	conn *net.UDPConn
	raw  syscall.RawConn
}

func (l *local) close() {
	for _, s := range l.sockets {
		s.conn.Close() // nothing is lost with it; its reader ends
	}
	if l.tcp != nil {
		l.tcp.close()
	}
}

// send is for single datagrams of the control protocols. Their senders repeat
// what is lost, so they need not hear of it.
func (l *local) send(b []byte, to netip.AddrPort) error {
	if l.tcp != nil && aliased(to.Addr()) {
		if c := l.tcp.at(to); c != nil && !c.put(b) {
			return errStreamFull
		}
		return nil
	}
	_, err := l.sockets[0].conn.WriteToUDPAddrPort(b, to)
	return err
}

// arrival is what one place of a read holds: a datagram, or several of one
// client that the kernel has merged, each but the last of the same length.
type arrival struct {
	bytes  []byte
	from   address
	part   int // bytes of each datagram; none is longer
	merged bool
	cut    bool  // there is nothing, for it was too long
	came   int64 // ns of the system's clock; 0 if the kernel does not say
}

// next takes the next datagram off. Nobody may write behind its end, where the
// one after it begins.
func (m *arrival) next() []byte {
	n := min(m.part, len(m.bytes))
	b := m.bytes[:n:n]
	m.bytes = m.bytes[n:]
	return b
}

func network(a netip.Addr) string {
	if a.Is4() {
		return "udp4"
	}
	return "udp6"
}

// listen binds count sockets to one address. It fails with
// syscall.EADDRNOTAVAIL when the address is not the machine's, and with
// ErrPortInUse when another process has the port: sockets that share a port
// would otherwise silently share its clients, too.
func listen(a netip.AddrPort, count int) (*local, error) {
	var plain net.ListenConfig
	probe, err := plain.ListenPacket(context.Background(), network(a.Addr()), a.String())
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			err = fmt.Errorf("%w: %w", ErrPortInUse, err)
		}
		return nil, err
	}
	a = netip.AddrPortFrom(a.Addr(), uint16(probe.LocalAddr().(*net.UDPAddr).Port))
	if err := probe.Close(); err != nil {
		return nil, err
	}
	l := &local{addr: a}
	l.bindings.Store(&bindings{})
	shared := net.ListenConfig{Control: sharePort}
	for range count {
		c, err := shared.ListenPacket(context.Background(), network(a.Addr()), a.String())
		if err != nil {
			l.close()
			return nil, err
		}
		conn := c.(*net.UDPConn)
		raw, err := conn.SyscallConn()
		if err != nil {
			conn.Close()
			l.close()
			return nil, err
		}
		enlarge(conn, raw)
		l.noGSO.Store(!canSegment(raw))
		l.sockets = append(l.sockets, &socket{conn: conn, raw: raw})
	}
	return l, nil
}
