//go:build !linux

package transport

import (
	"net"
	"net/netip"
	"syscall"
)

// canSharePort is false: elsewhere SO_REUSEPORT does not spread datagrams
// over sockets, so there is one reader for each address.
const canSharePort = false

func sharePort(_, _ string, _ syscall.RawConn) error { return nil }

func enlarge(conn *net.UDPConn, _ syscall.RawConn) {
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
}

func canSegment(syscall.RawConn) bool { return false }

type sockaddr struct{ addr netip.AddrPort }

func sockaddrOf(a netip.AddrPort) sockaddr { return sockaddr{a} }

// incoming reads one datagram a call.
type incoming struct {
	conn *net.UDPConn
	slot [slotSize + 1]byte // one more, to notice what was cut short
	n    int
	from address
}

func newIncoming(s *socket) *incoming { return &incoming{conn: s.conn} }

func (in *incoming) read() (int, error) {
	n, from, err := in.conn.ReadFromUDPAddrPort(in.slot[:])
	if err != nil {
		return 0, err
	}
	in.n, in.from = n, addressOf(from)
	return 1, nil
}

func (in *incoming) more() int { return 0 }

func (in *incoming) message(int) arrival {
	m := arrival{from: in.from, part: slotSize, cut: in.n > slotSize}
	if !m.cut {
		m.bytes = in.slot[:in.n:in.n]
	}
	return m
}

// outgoing sends each packet by itself.
type outgoing struct {
	queue          []single
	calls, refused int
	late           int
}

type single struct {
	b  []byte
	to netip.AddrPort
}

func newOutgoing() *outgoing { return &outgoing{queue: make([]single, 0, maxPackets)} }

func (o *outgoing) add(b *Batch, first int32, to *binding) {
	for i := first; i >= 0; i = b.packets[i].next {
		p := &b.packets[i]
		o.queue = append(o.queue, single{b.arena[p.at : p.at+p.size], to.to.addr})
	}
}

func (o *outgoing) flush(l *local, lane int) {
	conn := l.sockets[lane%len(l.sockets)].conn
	for _, s := range o.queue {
		o.calls++
		if _, err := conn.WriteToUDPAddrPort(s.b, s.to); err != nil {
			o.refused++
		}
	}
	o.queue = o.queue[:0]
}
