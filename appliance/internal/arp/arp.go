// Package arp finds out whether somebody else on the cable has an IPv4
// address (RFC 5227), before the box uses it and while it does.
//
// A Conn belongs to one goroutine; closing it ends a call that waits.
package arp

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
)

const (
	request = 1
	reply   = 2
	size    = 28 // of a message about IPv4 over Ethernet
)

// message is one ARP message.
type message struct {
	op         uint16
	sender     net.HardwareAddr
	senderAddr netip.Addr
	targetAddr netip.Addr
}

var errForm = errors.New("no ARP message about IPv4 over Ethernet")

func parse(b []byte) (message, error) {
	if len(b) < size || binary.BigEndian.Uint16(b) != 1 || binary.BigEndian.Uint16(b[2:]) != 0x0800 || b[4] != 6 || b[5] != 4 {
		return message{}, errForm
	}
	return message{
		op:         binary.BigEndian.Uint16(b[6:]),
		sender:     net.HardwareAddr(append([]byte(nil), b[8:14]...)),
		senderAddr: netip.AddrFrom4([4]byte(b[14:18])),
		targetAddr: netip.AddrFrom4([4]byte(b[24:28])),
	}, nil
}

func (m message) bytes() []byte {
	b := make([]byte, size)
	binary.BigEndian.PutUint16(b, 1)
	binary.BigEndian.PutUint16(b[2:], 0x0800)
	b[4], b[5] = 6, 4
	binary.BigEndian.PutUint16(b[6:], m.op)
	copy(b[8:14], m.sender)
	if m.senderAddr.Is4() {
		copy(b[14:18], m.senderAddr.AsSlice())
	}
	copy(b[24:28], m.targetAddr.AsSlice())
	return b
}

// claims says whether the message shows that its sender has the address or,
// while we only want it, wants it too.
func (m message) claims(addr netip.Addr, own net.HardwareAddr, wanting bool) bool {
	if string(m.sender) == string(own) {
		return false
	}
	return m.senderAddr == addr || wanting && m.op == request && m.senderAddr.IsUnspecified() && m.targetAddr == addr
}
