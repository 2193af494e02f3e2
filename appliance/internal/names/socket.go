package names

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// conn is the socket of one IP version.
type conn interface {
	read(b []byte) (n int, from netip.AddrPort, index int, err error)
	send(l Link, b []byte)
	sendTo(l Link, to netip.AddrPort, b []byte)
	join(Link) error
	leave(Link)
	Close() error
}

// Our own packets do not come back to us: nobody else on the box listens.

// listen opens port 5353 beside whoever has it already.
func listen(network, address string) (net.PacketConn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var errs []error
		err := c.Control(func(fd uintptr) {
			errs = append(errs, unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1), unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
		})
		return errors.Join(append(errs, err)...)
	}}
	return lc.ListenPacket(context.Background(), network, address)
}

type conn4 struct{ *ipv4.PacketConn }

func open4() (conn, error) {
	c, err := listen("udp4", "0.0.0.0:5353")
	if err != nil {
		return nil, err
	}
	p := ipv4.NewPacketConn(c)
	err = errors.Join(p.SetControlMessage(ipv4.FlagInterface, true), p.SetMulticastTTL(255), p.SetTTL(255), p.SetMulticastLoopback(false))
	if err != nil {
		c.Close()
		return nil, err
	}
	return conn4{p}, nil
}

func (c conn4) read(b []byte) (int, netip.AddrPort, int, error) {
	n, cm, from, err := c.ReadFrom(b)
	if err != nil {
		return 0, netip.AddrPort{}, 0, err
	}
	index := 0
	if cm != nil {
		index = cm.IfIndex
	}
	return n, address(from), index, nil
}

func address(a net.Addr) netip.AddrPort {
	u, ok := a.(*net.UDPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	p := u.AddrPort()
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}

// What cannot be sent is asked for again: errors of sending are dropped.

func (c conn4) send(l Link, b []byte) {
	_, _ = c.WriteTo(b, &ipv4.ControlMessage{IfIndex: l.Index}, udp(group4))
}

func (c conn4) sendTo(l Link, to netip.AddrPort, b []byte) {
	_, _ = c.WriteTo(b, &ipv4.ControlMessage{IfIndex: l.Index}, net.UDPAddrFromAddrPort(to))
}

func (c conn4) join(l Link) error {
	return joined(c.JoinGroup(&net.Interface{Index: l.Index}, udp(group4)))
}

func joined(err error) error {
	if errors.Is(err, unix.EADDRINUSE) {
		return nil // before already
	}
	return err
}

func (c conn4) leave(l Link) { _ = c.LeaveGroup(&net.Interface{Index: l.Index}, udp(group4)) } // with the link it ends anyway

type conn6 struct{ *ipv6.PacketConn }

func open6() (conn, error) {
	c, err := listen("udp6", "[::]:5353")
	if err != nil {
		return nil, err
	}
	p := ipv6.NewPacketConn(c)
	err = errors.Join(p.SetControlMessage(ipv6.FlagInterface, true), p.SetMulticastHopLimit(255), p.SetHopLimit(255), p.SetMulticastLoopback(false))
	if err != nil {
		c.Close()
		return nil, err
	}
	return conn6{p}, nil
}

func (c conn6) read(b []byte) (int, netip.AddrPort, int, error) {
	n, cm, from, err := c.ReadFrom(b)
	if err != nil {
		return 0, netip.AddrPort{}, 0, err
	}
	index := 0
	if cm != nil {
		index = cm.IfIndex
	}
	return n, address(from), index, nil
}

func (c conn6) send(l Link, b []byte) {
	_, _ = c.WriteTo(b, &ipv6.ControlMessage{IfIndex: l.Index}, udp(group6))
}

func (c conn6) sendTo(l Link, to netip.AddrPort, b []byte) {
	_, _ = c.WriteTo(b, &ipv6.ControlMessage{IfIndex: l.Index}, net.UDPAddrFromAddrPort(to))
}

func (c conn6) join(l Link) error {
	return joined(c.JoinGroup(&net.Interface{Index: l.Index}, udp(group6)))
}

func (c conn6) leave(l Link) { _ = c.LeaveGroup(&net.Interface{Index: l.Index}, udp(group6)) }
