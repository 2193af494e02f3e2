package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
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

// wire is what went over the cables of all machines of this run.
var wire traffic

type traffic struct {
	mu      sync.Mutex
	packets int      // with IP in them
	strays  []string // addresses outside that the first few of them went to
}

// verdict is the check of it.
func (t *traffic) verdict(r *report) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var err error
	switch {
	case len(t.strays) > 0:
		err = fmt.Errorf("to %s", strings.Join(t.strays, ", "))
	case t.packets == 0:
		err = errors.New("no packet was captured")
	}
	r.check(fmt.Sprintf("no packet to an address outside the test's network, among %d", t.packets), err)
}

// take reads a packet capture (the classic format, Ethernet) and removes it.
func (t *traffic) take(name string) error {
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it was read after the first of two cuts
	}
	if err != nil {
		return err
	}
	here, err := net.InterfaceAddrs()
	if err != nil {
		return err
	}
	le := binary.LittleEndian
	if len(b) < 24 || le.Uint32(b) != 0xa1b2c3d4 {
		return errors.New("no packet capture")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
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
		t.packets++
		if !inside(to, here) && len(t.strays) < 20 {
			t.strays = append(t.strays, to.String())
		}
	}
	return os.Remove(name)
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
