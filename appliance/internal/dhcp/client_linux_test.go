package dhcp

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/server4"
	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/arp"
	"meetbox.local/appliance/internal/netnstest"
)

// server lends one address; what it hears it passes on.
type server struct {
	own   net.IP
	mu    sync.Mutex
	lends string
	mute  bool // to renewals from a leaseholder
	heard chan *dhcpv4.DHCPv4
}

func (s *server) set(lends string, mute bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lends, s.mute = lends, mute
}

func (s *server) answer(c net.PacketConn, _ net.Addr, m *dhcpv4.DHCPv4) {
	s.mu.Lock()
	lends, mute := net.ParseIP(s.lends).To4(), s.mute
	s.mu.Unlock()
	select {
	case s.heard <- m:
	default:
	}
	kind := dhcpv4.MessageTypeOffer
	switch m.MessageType() {
	case dhcpv4.MessageTypeDiscover:
	case dhcpv4.MessageTypeRequest:
		if id := m.ServerIdentifier(); id != nil && !id.Equal(s.own) || mute {
			return
		}
		want := m.ClientIPAddr
		if want.IsUnspecified() {
			want = m.RequestedIPAddress()
		}
		if kind = dhcpv4.MessageTypeAck; !want.Equal(lends) {
			kind = dhcpv4.MessageTypeNak
		}
	default:
		return
	}
	r, err := dhcpv4.NewReplyFromRequest(m, dhcpv4.WithMessageType(kind), dhcpv4.WithYourIP(lends),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(s.own)), dhcpv4.WithNetmask(net.CIDRMask(24, 32)),
		dhcpv4.WithRouter(s.own), dhcpv4.WithLeaseTime(1), dhcpv4.WithOption(dhcpv4.OptNTPServers(s.own)))
	if err != nil {
		panic(err)
	}
	_, _ = c.WriteTo(r.ToBytes(), &net.UDPAddr{IP: net.IPv4bcast, Port: clientPort}) // the end may have closed it
}

func serve(t *testing.T, h *netnstest.Host, link, own, lends string) *server {
	t.Helper()
	s := &server{own: net.ParseIP(own).To4(), lends: lends, heard: make(chan *dhcpv4.DHCPv4, 100)}
	var srv *server4.Server
	var err error
	h.Do(func() { srv, err = server4.NewServer(link, &net.UDPAddr{Port: serverPort}, s.answer) })
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); srv.Serve() }()
	t.Cleanup(func() { srv.Close(); <-done })
	return s
}

// start runs a client on the link; what it reports comes out.
func start(t *testing.T, link string, old api.Lease, quick timing) <-chan State {
	t.Helper()
	states := make(chan State, 100)
	c := &Client{Link: link, Host: "meetbox", Old: old, Report: func(s State) { states <- s }, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), timing: quick}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return states
}

// reach waits until a state is as wanted.
func reach(t *testing.T, states <-chan State, what string, want func(State) bool) State {
	t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	for {
		select {
		case s := <-states:
			if want(s) {
				return s
			}
		case <-limit.C:
			t.Fatalf("never: %s", what)
		}
	}
}

func has(addr string) func(State) bool {
	return func(s State) bool { return s.Lease.Address.String() == addr }
}

// brief keeps waiting short; the server's leases of a second are renewed after
// half of it.
func brief() timing {
	return timing{shortest: 400 * time.Millisecond, answer: 100 * time.Millisecond, last: 100 * time.Millisecond, declined: 100 * time.Millisecond}
}

func network(t *testing.T) *netnstest.Host {
	t.Helper()
	far := netnstest.NewHost(t)
	netnstest.Cable(t, nil, "near", "", far, "far", "192.0.2.1/24")
	netnstest.Capture(t, nil, "192.0.2.0/24")
	return far
}

// A lease is got, renewed from its server, then from any, refused and
// replaced; and one from before a restart is asked for again.
func TestLife(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		s := serve(t, network(t), "far", "192.0.2.1", "192.0.2.50")
		states := start(t, "near", api.Lease{}, brief())
		first := reach(t, states, "a lease", has("192.0.2.50/24"))
		if l := first.Lease; l.Gateway.String() != "192.0.2.1" || len(l.NTP) != 1 || l.Server != l.Gateway || first.Problem != "" {
			t.Errorf("lease %+v, problem %q", l, first.Problem)
		}
		s.set("192.0.2.60", false) // refuses all others from now on
		reach(t, states, "an empty state after the refusal", func(s State) bool { return !s.Lease.Address.IsValid() })
		second := reach(t, states, "the other address", has("192.0.2.60/24"))

		s.set("192.0.2.61", false)
		again := start(t, "near", second.Lease, brief())
		reach(t, again, "the old one refused", func(s State) bool { return !s.Lease.Address.IsValid() })
		reach(t, again, "another one", has("192.0.2.61/24"))
	})
}

// Renewal goes to the server alone and from the address, rebinding to all;
// a lease whose server is silent stays past its end, and says so.
func TestRenewal(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		s := serve(t, network(t), "far", "192.0.2.1", "192.0.2.50")
		netnstest.Up(t, nil, "near", "192.0.2.50/24")
		states := start(t, "near", api.Lease{}, brief())
		lease := reach(t, states, "a lease", has("192.0.2.50/24")).Lease
		reach(t, states, "the lease renewed", func(s State) bool { return s.Lease.Begun.After(lease.Begun) })
		for lost := false; !lost; {
			if m := <-s.heard; m.MessageType() == dhcpv4.MessageTypeRequest && !m.ClientIPAddr.IsUnspecified() {
				lost = m.ClientIPAddr.Equal(net.IPv4(192, 0, 2, 50)) && !m.IsBroadcast()
			}
		}
		s.set("192.0.2.50", true)
		gone := reach(t, states, "word that the server is gone", func(s State) bool { return s.Problem != "" })
		if !has("192.0.2.50/24")(gone) || !strings.Contains(gone.Problem, "keeps the address") {
			t.Errorf("%+v", gone)
		}
		s.set("192.0.2.50", false)
		reach(t, states, "the server back", func(s State) bool { return has("192.0.2.50/24")(s) && s.Problem == "" })
	})
}

func TestTimes(t *testing.T) {
	t.Parallel()
	const h = time.Hour
	tests := []struct{ life, t1, t2, renew, rebind, end time.Duration }{
		{h, 0, 0, h / 2, h / 8 * 7, h},
		{8 * 24 * h, 0, 0, h, 7 * 24 * h, 8 * 24 * h},
		{time.Second, 0, 0, 30 * time.Second, 52500 * time.Millisecond, time.Minute},
		{h, 10 * time.Minute, 20 * time.Minute, 10 * time.Minute, 20 * time.Minute, h},
		{h, 2 * h, 3 * h, h / 2, h / 8 * 7, h}, // nonsense from the server
	}
	for _, tc := range tests {
		renew, rebind, end := usual().times(tc.life, tc.t1, tc.t2)
		if renew != tc.renew || rebind != tc.rebind || end != tc.end {
			t.Errorf("times(%v, %v, %v) = %v, %v, %v, want %v, %v, %v", tc.life, tc.t1, tc.t2, renew, rebind, end, tc.renew, tc.rebind, tc.end)
		}
	}
}

// Two servers on one cable: one is used, and both are named.
func TestTwoServers(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		far, other := netnstest.NewHost(t), netnstest.NewHost(t)
		netnstest.Cable(t, nil, "p1", "", far, "far", "192.0.2.1/24")
		netnstest.Cable(t, nil, "p2", "", other, "other", "192.0.2.2/24")
		netnstest.Cable(t, nil, "near", "", nil, "p3", "")
		netnstest.Bridge(t, nil, "switch", "p1", "p2", "p3")
		netnstest.Capture(t, nil, "192.0.2.0/24")
		serve(t, far, "far", "192.0.2.1", "192.0.2.50")
		serve(t, other, "other", "192.0.2.2", "192.0.2.80")
		servers, err := Servers(t.Context(), "near", time.Second)
		if slices.SortFunc(servers, netip.Addr.Compare); err != nil || fmt.Sprint(servers) != "[192.0.2.1 192.0.2.2]" {
			t.Errorf("Servers = %v, %v", servers, err)
		}
		s := reach(t, start(t, "near", api.Lease{}, usual()), "a lease", func(s State) bool { return s.Lease.Address.IsValid() })
		if !strings.Contains(s.Problem, "More than one DHCP server") || !strings.Contains(s.Problem, "192.0.2.1") || !strings.Contains(s.Problem, "192.0.2.2") {
			t.Errorf("problem %q", s.Problem)
		}
	})
}

// An address that a device has already is not taken; one that a device takes
// later is given up.
func TestConflict(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		far := network(t)
		netnstest.Up(t, far, "far", "192.0.2.50/24")
		s := serve(t, far, "far", "192.0.2.1", "192.0.2.50")
		calm := brief()
		calm.shortest = time.Minute // no renewal in between
		states := start(t, "near", api.Lease{}, calm)
		bad := reach(t, states, "a conflict", func(s State) bool { return strings.Contains(s.Problem, "uses it already") })
		if bad.Lease.Address.IsValid() || !strings.Contains(bad.Problem, "192.0.2.50") {
			t.Errorf("%+v", bad)
		}
		for (<-s.heard).MessageType() != dhcpv4.MessageTypeDecline { // the server is told
		}
		s.set("192.0.2.51", false)
		good := reach(t, states, "another address", has("192.0.2.51/24"))
		if good.Problem != "" {
			t.Errorf("problem %q stays", good.Problem)
		}
		// Somebody takes it.
		s.set("192.0.2.52", false)
		far.Do(func() {
			link, err := net.InterfaceByName("far")
			if err != nil {
				t.Fatal(err)
			}
			other, err := arp.Listen(link)
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			if err := other.Announce(netip.MustParseAddr("192.0.2.51")); err != nil {
				t.Error(err)
			}
		})
		lost := reach(t, states, "the conflict noticed", func(s State) bool { return !s.Lease.Address.IsValid() })
		if !strings.Contains(lost.Problem, "192.0.2.51") {
			t.Errorf("%+v", lost)
		}
		reach(t, states, "a third address", has("192.0.2.52/24"))
	})
}

// Debian's dnsmasq lends to us as to anybody.
func TestDnsmasq(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		far := network(t)
		netnstest.Dnsmasq(t, far, "far", "--dhcp-range=192.0.2.100,192.0.2.120,255.255.255.0,5m",
			"--dhcp-option=option:ntp-server,192.0.2.1", "--dhcp-option=option:dns-server,192.0.2.1")
		quick := brief()
		states := start(t, "near", api.Lease{}, quick)
		s := reach(t, states, "a lease", func(s State) bool { return s.Lease.Address.IsValid() })
		l := s.Lease
		if !netip.MustParsePrefix("192.0.2.96/27").Contains(l.Address.Addr()) || l.Server.String() != "192.0.2.1" ||
			len(l.NTP) != 1 || len(l.DNS) != 1 || l.Until.Sub(l.Begun) != 5*time.Minute || s.Problem != "" {
			t.Errorf("%+v", s)
		}
		// The same client later: dnsmasq confirms the address it had.
		reach(t, start(t, "near", l, quick), "the same address", has(l.Address.String()))
		// One that dnsmasq never lent it is refused.
		foreign := l
		foreign.Address = netip.MustParsePrefix("198.51.100.9/24")
		reach(t, start(t, "near", foreign, quick), "an address of this network", has(l.Address.String()))
	})
}

// Whatever arrives is read or refused; what we send we can read.
func FuzzAnswer(f *testing.F) {
	m, err := dhcpv4.New(dhcpv4.WithMessageType(dhcpv4.MessageTypeAck), dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.IPv4(192, 0, 2, 1))))
	if err != nil {
		f.Fatal(err)
	}
	m.OpCode = dhcpv4.OpcodeBootReply
	b := datagram(m.ToBytes(), netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("255.255.255.255"))
	b[ipHeader+3] = clientPort
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := answer(b)
		if err != nil {
			return
		}
		l, err := read(m, time.Now())
		if err == nil && (!l.Address.IsValid() || l.Address.Addr().IsUnspecified() || l.Gateway.IsValid() && !l.Address.Contains(l.Gateway)) {
			t.Errorf("lease %+v", l)
		}
	})
}
