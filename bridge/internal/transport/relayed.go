package transport

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"time"
)

// TURN over UDP shares the media port, as STUN does: one port to open in a
// firewall. What belongs to it is told by its methods, and its channels by
// their first byte (RFC 7983); a server reads it from [Port.Relayed].

const (
	// maxRelayed is how many clients' addresses are remembered: twice what the
	// server allows, so that strangers push out nobody who is active.
	maxRelayed = 1024
	// relayedQueue is what waits for the server: some 10 ms of 40 Mbit/s, and a
	// burst.
	relayedQueue = 512
	// maxAsked is how many requests of one client are answered in a second. The
	// answers are larger than requests, and may go to who did not ask.
	maxAsked = 50
)

// The methods and classes of TURN that clients send (RFC 8656 §17).
const (
	allocateRequest         = 0x0003
	refreshRequest          = 0x0004
	createPermissionRequest = 0x0008
	channelBindRequest      = 0x0009
	sendIndication          = 0x0016
)

// relaying says whether a STUN message is TURN's.
func relaying(b []byte) bool {
	switch binary.BigEndian.Uint16(b) {
	case allocateRequest, refreshRequest, createPermissionRequest, channelBindRequest, sendIndication:
		return true
	}
	return false
}

// relayed is the media port as a TURN server sees it.
type relayed struct {
	port *Port
	in   *inbox

	mu      sync.Mutex
	clients map[netip.AddrPort]*relayedClient
}

// relayedClient is by which of our addresses a client came.
type relayedClient struct {
	local *local
	seen  int64
	since int64 // when the current second began
	asked int   // … in it
}

// Relayed is the media port for a TURN server: from now on what clients send
// to such a server is read here. Closing it ends that. It is called once.
func (p *Port) Relayed() net.PacketConn {
	r := &relayed{port: p, in: newInbox(relayedQueue, 0), clients: map[netip.AddrPort]*relayedClient{}}
	p.relayed.Store(r)
	return r
}

// SetRelay tells from where a TURN server of ours sends what it relays, or no
// longer does. Clients need not say so: some signal no candidates.
func (p *Port) SetRelay(a netip.AddrPort, there bool) {
	if there {
		p.relays.Store(a, true)
	} else {
		p.relays.Delete(a)
	}
}

// asking says whether a datagram wants an answer.
func asking(b []byte) bool { return b[0] < 4 && binary.BigEndian.Uint16(b) != sendIndication }

// handleRelayed hands a datagram to the TURN server.
func (p *Port) handleRelayed(l *local, b []byte, from address, now int64) (reason, bool) {
	r := p.relayed.Load()
	if r == nil {
		return dropTURNOff, false
	}
	to := from.addrPort()
	// Only what asks for something makes a client known, and not too often:
	// the answer may go to who did not ask.
	if why, ok := r.note(l, to, asking(b), now); !ok {
		return why, false
	}
	if !r.in.push(b, to, now) {
		return dropTURNFlood, false
	}
	return 0, true
}

// note remembers by which address a client came. It refuses a stranger who may
// not be let in now, and who asks too often.
func (r *relayed) note(l *local, from netip.AddrPort, asks bool, now int64) (reason, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.clients[from]
	if c == nil {
		if !asks || !r.port.answers.Allow() {
			return dropTURNStranger, false
		}
		if len(r.clients) >= maxRelayed {
			r.forget()
		}
		c = new(relayedClient)
		r.clients[from] = c
	}
	c.local, c.seen = l, now
	if asks {
		if now-c.since >= int64(time.Second) {
			c.since, c.asked = now, 0
		}
		if c.asked++; c.asked > maxAsked {
			return dropTURNFlood, false
		}
	}
	return 0, true
}

// forget lets go of the client that was silent for longest.
func (r *relayed) forget() {
	var oldest netip.AddrPort
	at := int64(-1)
	for a, c := range r.clients {
		if at < 0 || c.seen < at {
			oldest, at = a, c.seen
		}
	}
	delete(r.clients, oldest)
}

// ReadFrom implements net.PacketConn.
func (r *relayed) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := r.in.pop(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// WriteTo answers a client from the address that it came to. What is for
// others is left out.
func (r *relayed) WriteTo(b []byte, to net.Addr) (int, error) {
	a, ok := to.(*net.UDPAddr)
	if !ok {
		return len(b), nil
	}
	addr := netip.AddrPortFrom(a.AddrPort().Addr().Unmap(), uint16(a.Port))
	r.mu.Lock()
	c := r.clients[addr]
	var l *local
	if c != nil {
		l = c.local
	}
	r.mu.Unlock()
	if l == nil {
		return len(b), nil
	}
	if err := l.send(b, addr); err != nil {
		r.port.gauges.drop(dropSendError) // as on the way: the server goes on
	}
	return len(b), nil
}

// Close implements net.PacketConn.
func (r *relayed) Close() error {
	r.port.relayed.CompareAndSwap(r, nil)
	r.in.close()
	return nil
}

// LocalAddr implements net.PacketConn.
func (r *relayed) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(r.port.Listening()[0]) }

// SetDeadline implements net.PacketConn. Writing never waits.
func (r *relayed) SetDeadline(t time.Time) error { return r.SetReadDeadline(t) }

// SetReadDeadline implements net.PacketConn.
func (r *relayed) SetReadDeadline(t time.Time) error { r.in.setDeadline(t); return nil }

// SetWriteDeadline implements net.PacketConn.
func (r *relayed) SetWriteDeadline(time.Time) error { return nil }
