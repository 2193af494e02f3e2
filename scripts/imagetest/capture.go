package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
)

// inside are QEMU's networks, the addresses that no router passes on, and those
// of this machine, where the browsers are.
func inside(a netip.Addr, here []net.Addr) bool {
	for _, h := range here {
		if n, ok := h.(*net.IPNet); ok && n.IP.Equal(a.AsSlice()) {
			return true
		}
	}
	for _, p := range []string{"10.0.2.0/24", "255.255.255.255/32", "224.0.0.0/24", "fec0::/64", "fe80::/10", "ff02::/16"} {
		if netip.MustParsePrefix(p).Contains(a) {
			return true
		}
	}
	return false
}

// strangers reads a packet capture (the classic format, Ethernet) and returns
// the number of IP packets in it. The error names an address outside.
func strangers(name string) (packets int, err error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	here, err := net.InterfaceAddrs()
	if err != nil {
		return 0, err
	}
	le := binary.LittleEndian
	if len(b) < 24 || le.Uint32(b) != 0xa1b2c3d4 {
		return 0, errors.New("no packet capture")
	}
	for b = b[24:]; len(b) >= 16; {
		n := int(le.Uint32(b[8:]))
		if len(b) < 16+n {
			break // the power was cut in the middle of it
		}
		to, ok := destination(b[16 : 16+n])
		b = b[16+n:]
		if !ok {
			continue
		}
		packets++
		if !inside(to, here) {
			return packets, fmt.Errorf("a packet to %s", to)
		}
	}
	if packets == 0 {
		return 0, errors.New("the capture is empty")
	}
	return packets, nil
}

// destination of an Ethernet frame with an IP packet.
func destination(frame []byte) (netip.Addr, bool) {
	if len(frame) < 14 {
		return netip.Addr{}, false
	}
	kind, ip := binary.BigEndian.Uint16(frame[12:]), frame[14:]
	switch {
	case kind == 0x0800 && len(ip) >= 20:
		return netip.AddrFrom4([4]byte(ip[16:20])), true
	case kind == 0x86dd && len(ip) >= 40:
		return netip.AddrFrom16([16]byte(ip[24:40])), true
	}
	return netip.Addr{}, false
}
