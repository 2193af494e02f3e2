package firewall

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vishvananda/netlink"
	"meetbox.local/appliance/internal/netnstest"
)

var errQuiet = errors.New("no answer")

// site is the box, a browser on its cable, and one behind the site's router.
type site struct{ near, far, router *netnstest.Host }

func newSite(t *testing.T) site {
	t.Helper()
	s := site{netnstest.NewHost(t), netnstest.NewHost(t), netnstest.NewHost(t)}
	netnstest.Cable(t, nil, "eth0", "192.0.2.1/24", s.near, "eth0", "192.0.2.2/24")
	netnstest.Cable(t, nil, "eth1", "198.51.100.1/24", s.router, "eth0", "198.51.100.254/24")
	netnstest.Cable(t, s.router, "eth1", "203.0.113.254/24", s.far, "eth0", "203.0.113.2/24")
	s.router.Do(func() {
		if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
			t.Fatal(err)
		}
	})
	via(t, nil, "203.0.113.0/24", "198.51.100.254")
	via(t, s.far, "198.51.100.0/24", "203.0.113.254")
	return s
}

func via(t *testing.T, h *netnstest.Host, to, gateway string) {
	t.Helper()
	_, dst, err := net.ParseCIDR(to)
	if err != nil {
		t.Fatal(err)
	}
	h.Do(func() {
		if err := netlink.RouteAdd(&netlink.Route{Dst: dst, Gw: net.ParseIP(gateway)}); err != nil {
			t.Fatal(err)
		}
	})
}

func policy() Policy {
	return Policy{
		Own:   []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24")},
		TCP:   []uint16{443},
		Media: []uint16{10000},
	}
}

func mustApply(t *testing.T, p Policy) {
	t.Helper()
	if err := Apply(p); err != nil {
		t.Fatal(err)
	}
}

// serve answers on the machine's port: every connection is accepted.
func serve(t *testing.T, h *netnstest.Host, address string) {
	t.Helper()
	var l net.Listener
	var err error
	h.Do(func() { l, err = net.Listen("tcp", address) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
}

func dial(h *netnstest.Host, address string) error {
	var c net.Conn
	var err error
	h.Do(func() {
		d := net.Dialer{Timeout: 500 * time.Millisecond}
		c, err = d.Dial("tcp", address)
	})
	if err == nil {
		c.Close()
	}
	return err
}

func socket(t *testing.T, h *netnstest.Host, address string) *net.UDPConn {
	t.Helper()
	var c *net.UDPConn
	var err error
	h.Do(func() {
		c, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// sent says whether a datagram gets from one to the other.
func sent(from, to *net.UDPConn) error {
	if _, err := from.WriteTo([]byte("x"), to.LocalAddr()); err != nil {
		return err
	}
	if err := to.SetReadDeadline(time.Now().Add(500 * time.Millisecond)); err != nil {
		return err
	}
	if _, _, err := to.ReadFrom(make([]byte, 10)); err != nil {
		return errQuiet
	}
	return nil
}

func TestPackets(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		s := newSite(t)
		for _, a := range []string{"192.0.2.1:443", "198.51.100.1:443", "192.0.2.1:22"} {
			serve(t, nil, a)
		}
		serve(t, s.near, "192.0.2.2:636")
		serve(t, s.far, "203.0.113.2:443")
		media, otherMedia := socket(t, nil, "192.0.2.1:10000"), socket(t, nil, "198.51.100.1:10000")
		stray := socket(t, nil, "192.0.2.1:9999")
		near, far := socket(t, s.near, "192.0.2.2:5000"), socket(t, s.far, "203.0.113.2:5000")
		mustApply(t, policy())

		check := func(what string, err error, want bool) {
			t.Helper()
			if (err == nil) != want {
				t.Errorf("%s: %v, want passing %v", what, err, want)
			}
		}
		check("HTTPS from the own network", dial(s.near, "192.0.2.1:443"), true)
		check("HTTPS from another network", dial(s.far, "198.51.100.1:443"), true)
		check("another port", dial(s.near, "192.0.2.1:22"), false)
		check("the box to itself", dial(nil, "192.0.2.1:22"), true)
		check("the box to a neighbour", dial(nil, "192.0.2.2:636"), false)
		check("the box to another network", dial(nil, "203.0.113.2:443"), false)
		check("media into the own network", sent(media, near), true)
		check("media from the own network", sent(near, media), true)
		check("datagram to another port", sent(near, stray), false)
		check("datagram from another port", sent(stray, near), false)
		// The bridge cannot call anybody outside, only answer.
		check("media to another network before a packet from there", sent(otherMedia, far), false)
		check("media from another network", sent(far, otherMedia), true)
		check("media to another network as an answer", sent(otherMedia, far), true)

		// What the administrator names, and nothing else.
		p := policy()
		p.Out = []Target{{netip.MustParseAddr("192.0.2.2"), false, 636}}
		mustApply(t, p)
		check("the box to the LDAP server", dial(nil, "192.0.2.2:636"), true)
		check("still not to another network", dial(nil, "203.0.113.2:443"), false)
		check("HTTPS after the change", dial(s.near, "192.0.2.1:443"), true)

		// An answer at once, not a wait, for who asks from the box.
		begun := time.Now()
		if err := dial(nil, "203.0.113.2:443"); !errors.Is(err, syscall.EHOSTUNREACH) && !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, syscall.EACCES) && !errors.Is(err, syscall.EPERM) {
			t.Errorf("refused with %v after %s, want an error of the network", err, time.Since(begun))
		}

		// Closed again.
		mustApply(t, policy())
		check("the LDAP server no more", dial(nil, "192.0.2.2:636"), false)
	})
}

// Nothing of one rule's text is lost in the kernel's, and the kernel takes
// every kind of rule.
func TestIsland(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		s := newSite(t)
		p := policy()
		p.Own = append(p.Own, netip.MustParsePrefix("2001:db8::/64"))
		p.Island = []string{"eth0"}
		mustApply(t, p)
		dns, ntp := socket(t, nil, "192.0.2.1:53"), socket(t, nil, "198.51.100.1:123")
		near, router := socket(t, s.near, "192.0.2.2:5001"), socket(t, s.router, "198.51.100.254:5001")
		for what, err := range map[string]error{
			"a name on the island": sent(near, dns),
			"its answer":           sent(dns, near),
		} {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := sent(router, ntp); err == nil {
			t.Error("the box answers on the uplink what it serves on the island")
		}
	})
}

func TestString(t *testing.T) {
	t.Parallel()
	p := policy()
	p.Out = []Target{{netip.MustParseAddr("2001:db8::5"), true, 123}}
	text := p.String()
	for _, want := range []string{
		"ct state established,related accept\n",
		"from 192.0.2.0/24 udp dport 10000 notrack\n",
		"to 192.0.2.0/24 udp sport 10000 accept\n",
		"tcp dport 443 accept\n",
		"to 2001:db8::5/128 udp dport 123 uid 0 accept\n",
		"\treject\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// Names are looked up after their servers were let through, again when they
// are old, and the old addresses stay when nobody answers.
func TestKeep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := netip.MustParseAddr("192.0.2.53")
		var mu sync.Mutex // for what the keeper's goroutine uses too
		var applied []Policy
		known := []netip.Addr{netip.MustParseAddr("203.0.113.7")}
		var failing error
		k := NewKeeper(func() Wanted {
			return Wanted{Policy: policy(), Hosts: []Host{{"ldap.example.org", false, 636}, {"192.0.2.9", true, 123}}, DNS: []netip.Addr{server}}
		}, slog.New(slog.DiscardHandler))
		k.apply = func(p Policy) error {
			mu.Lock()
			defer mu.Unlock()
			applied = append(applied, p)
			return failing
		}
		k.lookup = func(context.Context, string) ([]netip.Addr, error) {
			mu.Lock()
			defer mu.Unlock()
			if len(applied) == 0 {
				t.Error("asked before the servers were let through")
			}
			if known == nil {
				return nil, io.EOF
			}
			return slices.Clone(known), nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); k.Run(ctx) }()
		pass := func(d time.Duration) {
			mu.Unlock()
			time.Sleep(d)
			mu.Lock()
		}
		mu.Lock()
		defer mu.Unlock()
		pass(3 * lookEvery)
		if len(applied) != 2 || len(applied[0].Out) != 3 || len(applied[1].Out) != 4 || applied[1].Out[0].Addr != known[0] {
			t.Fatalf("applied %v", applied)
		}
		known = nil
		pass(2 * keepNames)
		if len(applied) != 2 {
			t.Errorf("the addresses were forgotten: %v", applied)
		}
		known = []netip.Addr{netip.MustParseAddr("203.0.113.8")}
		failing = ErrKernel
		pass(2 * keepNames)
		if k.Problem() == "" {
			t.Error("no problem, though the kernel refuses")
		}
		failing = nil
		pass(3 * lookEvery)
		if last := applied[len(applied)-1]; k.Problem() != "" || last.Out[0].Addr != known[0] {
			t.Errorf("problem %q, policy %v", k.Problem(), last)
		}
		cancel()
		mu.Unlock()
		<-done
		mu.Lock()
	})
}
