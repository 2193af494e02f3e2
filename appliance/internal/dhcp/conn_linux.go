package dhcp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

const (
	serverPort = 67
	clientPort = 68
	ipHeader   = 20
	udpHeader  = 8
)

// conn sends and hears DHCP on one link, whatever addresses it has.
type conn struct {
	conn *packet.Conn
	mac  net.HardwareAddr
}

func listen(link string) (*conn, error) {
	i, err := net.InterfaceByName(link)
	if err != nil {
		return nil, fmt.Errorf("DHCP on %s: %w", link, err)
	}
	filter, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 9, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.IPPROTO_UDP, SkipTrue: 6},
		bpf.LoadAbsolute{Off: 6, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: 0x3fff, SkipTrue: 4}, // a fragment
		bpf.LoadMemShift{Off: 0},
		bpf.LoadIndirect{Off: 2, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: clientPort, SkipTrue: 1},
		bpf.RetConstant{Val: 0xffff},
		bpf.RetConstant{Val: 0},
	})
	if err != nil {
		return nil, fmt.Errorf("DHCP on %s: %w", link, err)
	}
	c, err := packet.Listen(i, packet.Datagram, unix.ETH_P_IP, &packet.Config{Filter: filter})
	if err != nil {
		return nil, fmt.Errorf("DHCP on %s: %w", link, err)
	}
	return &conn{c, i.HardwareAddr}, nil
}

func (c *conn) Close() error { return c.conn.Close() }

func broadcastMAC() net.HardwareAddr { return net.HardwareAddr{255, 255, 255, 255, 255, 255} }

// send sends a message to a server, or with the zero values to all.
func (c *conn) send(m *dhcpv4.DHCPv4, from, to netip.Addr, mac net.HardwareAddr) error {
	if !from.Is4() {
		from = netip.IPv4Unspecified()
	}
	if !to.Is4() || mac == nil {
		to, mac = netip.AddrFrom4([4]byte{255, 255, 255, 255}), broadcastMAC()
	}
	_, err := c.conn.WriteTo(datagram(m.ToBytes(), from, to), &packet.Addr{HardwareAddr: mac})
	if err != nil {
		return fmt.Errorf("DHCP: %w", err)
	}
	return nil
}

// read returns the next answer for us and the machine that passed it on.
func (c *conn) read(b []byte) (*dhcpv4.DHCPv4, net.HardwareAddr, error) {
	for {
		n, from, err := c.conn.ReadFrom(b)
		if errors.Is(err, unix.ENETDOWN) {
			continue // the link may come back; if not, Close ends this
		}
		if err != nil {
			return nil, nil, err
		}
		m, err := answer(b[:n])
		if err != nil || string(m.ClientHWAddr) != string(c.mac) {
			continue
		}
		if a, ok := from.(*packet.Addr); ok {
			return m, a.HardwareAddr, nil
		}
	}
}

var errForm = errors.New("no DHCP answer")

// answer reads an IPv4 packet with an answer of a server.
func answer(b []byte) (*dhcpv4.DHCPv4, error) {
	if len(b) < ipHeader || b[0]>>4 != 4 {
		return nil, errForm
	}
	head, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if head < ipHeader || total > len(b) || total < head+udpHeader || b[9] != unix.IPPROTO_UDP || binary.BigEndian.Uint16(b[6:])&0x3fff != 0 {
		return nil, errForm
	}
	u := b[head:total]
	n := int(binary.BigEndian.Uint16(u[4:]))
	if binary.BigEndian.Uint16(u[2:]) != clientPort || n < udpHeader || n > len(u) {
		return nil, errForm
	}
	m, err := dhcpv4.FromBytes(u[udpHeader:n])
	if err != nil {
		return nil, err
	}
	if m.OpCode != dhcpv4.OpcodeBootReply || !serverOf(m).IsValid() {
		return nil, errForm
	}
	return m, nil
}

// datagram wraps a message in UDP and IPv4.
func datagram(payload []byte, from, to netip.Addr) []byte {
	b := make([]byte, ipHeader+udpHeader+len(payload))
	b[0], b[8], b[9] = 0x45, 64, unix.IPPROTO_UDP
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	copy(b[12:], from.AsSlice())
	copy(b[16:], to.AsSlice())
	binary.BigEndian.PutUint16(b[10:], ^sum(b[:ipHeader], 0))
	u := b[ipHeader:]
	binary.BigEndian.PutUint16(u, clientPort)
	binary.BigEndian.PutUint16(u[2:], serverPort)
	binary.BigEndian.PutUint16(u[4:], uint16(len(u)))
	copy(u[udpHeader:], payload)
	check := ^sum(u, uint32(sum(b[12:20], unix.IPPROTO_UDP+uint32(len(u)))))
	if check == 0 {
		check = 0xffff
	}
	binary.BigEndian.PutUint16(u[6:], check)
	return b
}

// sum is the internet checksum's sum (RFC 1071).
func sum(b []byte, s uint32) uint16 {
	for ; len(b) > 1; b = b[2:] {
		s += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
