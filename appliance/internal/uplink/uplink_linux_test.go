package uplink

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/server4"
	"github.com/vishvananda/netlink"
)

const insideEnv = "MEETBOX_TEST_UPLINK"

// A real kernel and a DHCP server on a cable, in a network namespace of their
// own: the test runs itself once more inside.
func TestLease(t *testing.T) {
	if os.Getenv(insideEnv) != "" {
		leaseInside(t)
		return
	}
	t.Parallel()
	cmd := exec.Command(os.Args[0], "-test.run=^TestLease$", "-test.v")
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNET | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skip("needs a system that lets its users make network namespaces")
	}
	if err != nil {
		t.Errorf("inside: %v\n%s", err, out)
	}
}

// server lends one address at a time, and refuses to renew any other.
type server struct{ address atomic.Pointer[net.IP] }

func (s *server) answer(conn net.PacketConn, _ net.Addr, m *dhcpv4.DHCPv4) {
	kind := dhcpv4.MessageTypeOffer
	if m.MessageType() == dhcpv4.MessageTypeRequest {
		kind = dhcpv4.MessageTypeAck
		want := m.ClientIPAddr
		if want.IsUnspecified() {
			want = m.RequestedIPAddress()
		}
		if !want.Equal(*s.address.Load()) {
			kind = dhcpv4.MessageTypeNak
		}
	}
	own := net.IPv4(192, 0, 2, 1)
	reply, err := dhcpv4.NewReplyFromRequest(m,
		dhcpv4.WithMessageType(kind), dhcpv4.WithYourIP(*s.address.Load()), dhcpv4.WithServerIP(own),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(own)), dhcpv4.WithNetmask(net.CIDRMask(24, 32)),
		dhcpv4.WithRouter(own), dhcpv4.WithLeaseTime(3600))
	if err != nil {
		panic(err)
	}
	if _, err := conn.WriteTo(reply.ToBytes(), &net.UDPAddr{IP: net.IPv4bcast, Port: 68}); err != nil {
		panic(err)
	}
}

func leaseInside(t *testing.T) {
	// The kernel makes the peer first: it is the first card.
	cable := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "far"}, PeerName: "near"}
	far := &netlink.Addr{IPNet: &net.IPNet{IP: net.IPv4(192, 0, 2, 1), Mask: net.CIDRMask(24, 32)}}
	if err := errors.Join(netlink.LinkAdd(cable), netlink.AddrAdd(cable, far), netlink.LinkSetUp(cable)); err != nil {
		t.Fatal(err)
	}
	s := &server{}
	lend := func(last byte) { s.address.Store(new(net.IPv4(192, 0, 2, last))) }
	lend(50)
	srv, err := server4.NewServer("far", &net.UDPAddr{Port: 67}, s.answer)
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	go srv.Serve()

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	u := &uplink{log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	reach := func(want ...string) {
		t.Helper()
		for !slices.Equal(addresses(t, "near"), want) {
			if err := u.step(ctx); err != nil {
				t.Log(err)
			}
			select {
			case <-ctx.Done():
				t.Fatalf("addresses %v, want %v", addresses(t, "near"), want)
			case <-tick.C:
			}
		}
	}
	reach("192.0.2.50/24")
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil || !slices.ContainsFunc(routes, func(r netlink.Route) bool { return r.Gw.Equal(net.IPv4(192, 0, 2, 1)) }) {
		t.Errorf("routes %v, %v, want one by 192.0.2.1", routes, err)
	}

	// Nothing is due: nothing is asked. Then the lease is due and stays.
	due := u.due
	if err := u.step(ctx); err != nil || u.due != due {
		t.Errorf("step before the lease is due: %v, due %v, want %v", err, u.due, due)
	}
	u.due = time.Time{}
	if err := u.step(ctx); err != nil || !u.due.After(due) {
		t.Errorf("step when it is due: %v, due %v, want later than %v", err, u.due, due)
	}

	// The server lends another address only: that one takes the old one's place.
	lend(60)
	u.due = time.Time{}
	reach("192.0.2.60/24")
}

func addresses(t *testing.T, link string) []string {
	t.Helper()
	l, err := netlink.LinkByName(link)
	if err != nil {
		t.Fatal(err)
	}
	list, err := netlink.AddrList(l, netlink.FAMILY_V4)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, a := range list {
		out = append(out, a.IPNet.String())
	}
	return out
}
