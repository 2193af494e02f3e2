package netnstest

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Capture looks at every packet of the machine, on all links, from now until
// the test ends, which fails when one is addressed outside the networks.
// Multicast of the link and broadcast stay on the cable by themselves.
func Capture(t *testing.T, h *Host, networks ...string) *Packets {
	t.Helper()
	p := &Packets{}
	for _, n := range networks {
		p.inside = append(p.inside, netip.MustParsePrefix(n))
	}
	var fd int
	var err error
	h.Do(func() {
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, int(htons(unix.ETH_P_ALL)))
	})
	if err != nil {
		t.Fatalf("capture: %v", err)
	}
	f := os.NewFile(uintptr(fd), "capture")
	var wg sync.WaitGroup
	wg.Go(func() { p.read(f) })
	t.Cleanup(func() {
		// What was sent a moment ago waits in the socket already.
		if err := f.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
			t.Error(err)
		}
		wg.Wait()
		f.Close()
		for _, s := range p.strays {
			t.Errorf("a packet went outside the test's networks: %s", s)
		}
		if p.count == 0 {
			t.Error("no packet was captured at all")
		}
		t.Logf("%d packets looked at, %d outside the test's networks", p.count, len(p.strays))
	})
	return p
}

// Packets is what was captured.
type Packets struct {
	inside []netip.Prefix
	strays []string
	count  int
}

func (p *Packets) read(f *os.File) {
	b := make([]byte, 65536)
	for {
		n, err := f.Read(b)
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil {
			continue // a link went away
		}
		p.look(b[:n])
	}
}

func (p *Packets) look(b []byte) {
	if len(b) < 20 {
		return
	}
	var to netip.Addr
	switch b[0] >> 4 {
	case 4:
		to = netip.AddrFrom4([4]byte(b[16:20]))
	case 6:
		if len(b) < 40 {
			return
		}
		to = netip.AddrFrom16([16]byte(b[24:40]))
	default:
		return // ARP and the like
	}
	p.count++
	if to.IsLoopback() || to.IsLinkLocalUnicast() || to.IsLinkLocalMulticast() || to.IsInterfaceLocalMulticast() ||
		to == netip.AddrFrom4([4]byte(net.IPv4bcast.To4())) ||
		slices.ContainsFunc(p.inside, func(n netip.Prefix) bool { return n.Contains(to) }) {
		return
	}
	if len(p.strays) < 20 {
		p.strays = append(p.strays, to.String())
	}
}

func htons(n uint16) uint16 { return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, n)) }
