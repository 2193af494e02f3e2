package transport

import (
	"encoding/binary"
	"net/netip"
	"sync/atomic"
)

// address is a remote address as the readers get it: comparable, without
// pointers, quick to hash. IPv4 is as in netip.Addr.As16.
type address struct {
	hi, lo uint64
	port   uint16
}

func addressOf(a netip.AddrPort) address {
	b := a.Addr().As16()
	return address{hi: binary.BigEndian.Uint64(b[:8]), lo: binary.BigEndian.Uint64(b[8:]), port: a.Port()}
}

func (a address) addrPort() netip.AddrPort {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], a.hi)
	binary.BigEndian.PutUint64(b[8:], a.lo)
	return netip.AddrPortFrom(netip.AddrFrom16(b).Unmap(), a.port)
}

const mappedPrefix = 0xffff << 32 // of IPv4 addresses, in address.lo

// binding is an address of a session's remote side that has answered one of
// our checks, as seen from one of our own addresses.
type binding struct {
	session *Session
	local   *local
	remote  address
	addr    netip.AddrPort // remote again
	to      sockaddr       // and again, as the kernel takes it
	noGSO   atomic.Bool    // the way to it takes no segmented messages
	conn    *streamConn    // over TCP; nil over UDP
	active  atomic.Int64   // last authentic packet, on the clock of Now

	nominated int // times in vain (see leaveRelay); guarded by session.mu
}

// bindings is a snapshot of who may send from where; it never changes.
type bindings map[address]*binding
