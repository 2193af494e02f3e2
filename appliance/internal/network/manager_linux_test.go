package network

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/netnstest"
	"meetbox.local/appliance/internal/state"
)

// memory is a store as the disk would be: it outlives managers.
type memory struct {
	mu      sync.Mutex
	network api.Network
	pending *Pending
}

func (m *memory) Network() (api.Network, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.network, nil
}

func (m *memory) Pending() (Pending, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pending == nil {
		return Pending{}, false, nil
	}
	return *m.pending, true, nil
}

func (m *memory) SetPending(p Pending) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pending = &p
	return nil
}
func (m *memory) DropPending() error { m.mu.Lock(); defer m.mu.Unlock(); m.pending = nil; return nil }

func (m *memory) Keep(p Pending) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.network, m.pending = p.Network, nil
	return nil
}

// world is a manager on the machine of the test.
type world struct {
	t     *testing.T
	m     *Manager
	store *memory
	stop  func()
}

func start(t *testing.T, store *memory, limit time.Duration) *world {
	t.Helper()
	m := NewManager(store, filepath.Join(t.TempDir(), "resolv.conf"), slog.New(slog.NewTextHandler(t.Output(), nil)))
	m.answer, m.limit = 10*time.Millisecond, limit
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	w := &world{t: t, m: m, store: store}
	w.stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(w.stop)
	return w
}

// until waits for the state of a port.
func (w *world) until(what string, want func(api.NetworkStatus) bool) api.NetworkStatus {
	w.t.Helper()
	limit := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		s := w.m.Status()
		if want(s) {
			return s
		}
		if time.Now().After(limit) {
			w.t.Fatalf("never: %s; it is %+v", what, s)
		}
	}
	return api.NetworkStatus{}
}

func on(link, addr string) func(api.NetworkStatus) bool {
	return func(s api.NetworkStatus) bool {
		p := of(s, link)
		return slices.ContainsFunc(p.Addresses, func(a netip.Prefix) bool { return a.String() == addr })
	}
}

func of(s api.NetworkStatus, link string) api.PortStatus {
	for _, p := range s.Ports {
		if p.Name == link {
			return p
		}
	}
	return api.PortStatus{}
}

func fixed(card, addr, gateway string) api.Port {
	p := api.Port{Card: card, IPv4: api.IPv4{Mode: api.Static, Address: netip.MustParsePrefix(addr)}, IPv6: api.IPv6{Mode: api.NoIP}}
	if gateway != "" {
		p.IPv4.Gateway = netip.MustParseAddr(gateway)
	}
	return p
}

func network(ports ...api.Port) api.Network { return api.Network{Ports: ports} }

// events are what the kernel says it changed: on its addresses, links, routes.
func events(t *testing.T) func() []string {
	t.Helper()
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	addrs, links, routes := make(chan netlink.AddrUpdate, 1000), make(chan netlink.LinkUpdate, 1000), make(chan netlink.RouteUpdate, 1000)
	if err := errors.Join(netlink.AddrSubscribe(addrs, done), netlink.LinkSubscribe(links, done), netlink.RouteSubscribe(routes, done)); err != nil {
		t.Fatal(err)
	}
	return func() (out []string) {
		for {
			select {
			case a := <-addrs:
				out = append(out, fmt.Sprintf("address %v new %v", a.LinkAddress, a.NewAddr))
			case l := <-links:
				out = append(out, fmt.Sprintf("link %s", l.Attrs().Name))
			case r := <-routes:
				out = append(out, fmt.Sprintf("route %v", r.Route))
			default:
				return out
			}
		}
	}
}

// From whatever there was, each network is reached, and reached again changes
// nothing: the kernel has nothing to report.
func TestApply(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		far := netnstest.NewHost(t)
		netnstest.Cable(t, nil, "near", "198.51.100.9/24 198.51.100.10/24 2001:db8:9::9/64", far, "far", "192.0.2.1/24")
		netnstest.Cable(t, nil, "more", "", far, "rest", "")
		netnstest.Capture(t, nil, "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "10.77.0.0/24", "2001:db8::/32", "fd00::/64")
		six := fixed("near", "192.0.2.7/24", "192.0.2.1")
		six.IPv6 = api.IPv6{Mode: api.Static, Addresses: []netip.Prefix{netip.MustParsePrefix("2001:db8::7/64"), netip.MustParsePrefix("fd00::7/64")}, Gateway: netip.MustParseAddr("fe80::1")}
		six.MTU = 1400
		networks := map[string]api.Network{
			"nothing":     network(api.Port{Card: "near", IPv6: api.IPv6{Mode: api.NoIP}, IPv4: api.IPv4{Mode: api.NoIP}}, api.Port{Card: "more", Role: api.PortOff}),
			"fixed":       network(fixed("near", "192.0.2.7/24", "192.0.2.1"), fixed("more", "203.0.113.7/24", "")),
			"both":        network(six, fixed("more", "203.0.113.8/25", "203.0.113.1")),
			"other order": network(fixed("more", "192.0.2.7/24", "192.0.2.1"), fixed("near", "203.0.113.7/24", "")),
			"off":         network(api.Port{Card: "near", Role: api.PortOff}, api.Port{Card: "more", Role: api.PortOff}),
			"island":      network(api.Port{Card: "near", Role: api.IslandPort, IPv4: api.IPv4{Address: netip.MustParsePrefix("10.77.0.1/24")}}, fixed("more", "192.0.2.9/24", "")),
		}
		once := func(n api.Network) {
			t.Helper()
			all, cards, err := links()
			if err != nil {
				t.Fatal(err)
			}
			ports, missing := plan(n, cards, nil)
			if err := tidy(all, ports); err != nil || len(missing) > 0 {
				t.Errorf("%v, missing %v", err, missing)
			}
			for _, p := range ports {
				if _, err := apply(all[p.name], p); err != nil {
					t.Errorf("%s: %v", p.name, err)
				}
			}
		}
		changed := events(t)
		names := []string{"fixed", "nothing", "both", "off", "both", "other order", "island", "fixed", "island", "both", "fixed", "off", "fixed", "nothing"}
		for _, name := range names {
			once(networks[name])
			// What the kernel does by itself after a link came up has to be over.
			settled(t, changed)
			once(networks[name])
			if e := changed(); len(e) > 0 {
				t.Errorf("%s: the second time changed %q", name, e)
			}
			all, cards, err := links()
			if err != nil {
				t.Fatal(err)
			}
			ports, _ := plan(networks[name], cards, nil)
			for _, p := range ports {
				s, err := look(all[p.name], p)
				if err != nil {
					t.Fatal(err)
				}
				have := slices.DeleteFunc(s.Addresses, func(a netip.Prefix) bool { return a.Addr().IsLinkLocalUnicast() })
				slices.SortFunc(have, netip.Prefix.Compare)
				want := slices.Clone(p.addrs)
				slices.SortFunc(want, netip.Prefix.Compare)
				gateways, wanted := s.Gateways, p.gateways
				slices.SortFunc(gateways, netip.Addr.Compare)
				slices.SortFunc(wanted, netip.Addr.Compare)
				up := all[p.name].Attrs().RawFlags&1 != 0
				if !slices.Equal(have, want) || !slices.Equal(gateways, wanted) || up != (p.role != api.PortOff) || up && s.MTU != p.mtu {
					t.Errorf("%s: %s has %v by %v, MTU %d, up %v; want %v by %v, MTU %d", name, p.name, have, gateways, s.MTU, up, want, wanted, p.mtu)
				}
			}
		}
	})
}

// settled waits until the kernel had nothing to report for a while.
func settled(t *testing.T, changed func() []string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	tentative := func() bool {
		addrs, err := netlink.AddrList(nil, netlink.FAMILY_V6)
		return err == nil && slices.ContainsFunc(addrs, func(a netlink.Addr) bool { return a.Flags&0x40 != 0 })
	}
	for quiet := 0; quiet < 5; {
		<-tick.C
		if quiet++; len(changed()) > 0 || tentative() {
			quiet = 0
		}
	}
}

// A change is in force at once, kept when it is confirmed from where the box
// is, and gone when nobody confirms it, also over a restart.
func TestConfirm(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		far := netnstest.NewHost(t)
		netnstest.Cable(t, nil, "near", "", far, "far", "192.0.2.1/24")
		netnstest.Capture(t, nil, "192.0.2.0/24")
		store := &memory{network: network(fixed("near", "192.0.2.7/24", ""))}
		old, fresh := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("192.0.2.8")
		w := start(t, store, time.Minute)
		w.until("the first address", on("near", "192.0.2.7/24"))
		next := network(fixed("near", "192.0.2.8/24", ""))

		p, err := w.m.Propose(t.Context(), next, state.Actor{Name: "owner"}, nil, old)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.m.Propose(t.Context(), next, state.Actor{}, nil, old); !errors.Is(err, ErrPending) {
			t.Errorf("a second change: %v", err)
		}
		s := w.until("the new address", on("near", "192.0.2.8/24"))
		if on("near", "192.0.2.7/24")(s) || s.Pending == nil || s.Pending.ID != p.ID || s.Pending.Seconds < 50 {
			t.Errorf("while pending: %+v", s)
		}
		for _, tc := range []struct {
			id   string
			at   netip.Addr
			want error
		}{{"x", fresh, ErrNone}, {p.ID, old, ErrElsewhere}, {p.ID, netip.MustParseAddr("127.0.0.1"), ErrElsewhere}, {p.ID, netip.Addr{}, ErrElsewhere}} {
			if err := w.m.Confirm(t.Context(), tc.id, tc.at); !errors.Is(err, tc.want) {
				t.Errorf("Confirm(%s, %v) = %v, want %v", tc.id, tc.at, err, tc.want)
			}
		}

		// The appliance dies and comes back: the change still waits.
		w.stop()
		w = start(t, store, time.Minute)
		w.until("the change after a restart", func(s api.NetworkStatus) bool { return s.Pending != nil && on("near", "192.0.2.8/24")(s) })
		if err := w.m.Confirm(t.Context(), p.ID, fresh); err != nil {
			t.Fatal(err)
		}
		if store.pending != nil || store.network.Ports[0].IPv4.Address.Addr() != fresh {
			t.Errorf("stored: %+v", store.network)
		}
		w.stop()

		// Nobody confirms: the old address comes back by itself.
		w = start(t, store, 2*time.Second) // long enough to be seen
		if _, err := w.m.Propose(t.Context(), network(fixed("near", "192.0.2.9/24", "")), state.Actor{}, nil, fresh); err != nil {
			t.Fatal(err)
		}
		w.until("the unconfirmed address", on("near", "192.0.2.9/24"))
		w.until("the address before", func(s api.NetworkStatus) bool { return on("near", "192.0.2.8/24")(s) && s.Pending == nil })
		w.stop()

		// The time ran out while the box was off; and a clock that jumped.
		for name, until := range map[string]time.Duration{"over": -time.Hour, "clock was set back": 1000 * time.Hour} {
			store.pending = &Pending{PendingNetwork: api.PendingNetwork{ID: "id", Network: network(fixed("near", "192.0.2.9/24", "")), Until: time.Now().Add(until)}}
			w = start(t, store, 200*time.Millisecond)
			w.until(name, func(s api.NetworkStatus) bool { return on("near", "192.0.2.8/24")(s) && s.Pending == nil })
			w.stop()
			if store.pending != nil {
				t.Errorf("%s: still pending", name)
			}
		}
	})
}

// DHCP from Debian's dnsmasq, to a fixed address, and back; the card goes and
// comes again meanwhile.
func TestLifeOfACard(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		far := netnstest.NewHost(t)
		netnstest.Cable(t, nil, "near", "", far, "far", "192.0.2.1/24")
		netnstest.Capture(t, nil, "192.0.2.0/24")
		netnstest.Dnsmasq(t, far, "far", "--dhcp-range=192.0.2.100,192.0.2.120,5m", "--dhcp-option=option:ntp-server,192.0.2.1", "--dhcp-option=option:dns-server,192.0.2.1", "--dhcp-option=option:router,192.0.2.1")
		w := start(t, &memory{}, time.Minute)
		leased := func(s api.NetworkStatus) bool {
			p := of(s, "near")
			return p.Lease != nil && on("near", p.Lease.Address.String())(s) && len(p.Gateways) == 1 && len(s.DNS) == 1
		}
		first := of(w.until("a lease", leased), "near").Lease.Address
		if got := w.m.NTP(); len(got) != 1 || got[0].String() != "192.0.2.1" {
			t.Errorf("NTP %v", got)
		}
		if b, err := os.ReadFile(w.m.resolv); err != nil || !strings.HasPrefix(string(b), "nameserver 192.0.2.1\n") {
			t.Errorf("resolv.conf %q, %v", b, err)
		}
		near, err := netlink.LinkByName("near")
		if err != nil {
			t.Fatal(err)
		}
		if err := netlink.LinkDel(near); err != nil {
			t.Fatal(err)
		}
		w.until("no card", func(s api.NetworkStatus) bool { return len(s.Ports) == 0 })
		attrs := netlink.LinkAttrs{Name: "near", HardwareAddr: near.Attrs().HardwareAddr}
		netnstest.CableAs(t, nil, attrs, far, "far", "192.0.2.1/24")
		again := of(w.until("a lease for the card that came back", leased), "near").Lease.Address
		if again != first {
			t.Logf("%v, before %v (dnsmasq may choose)", again, first)
		}
		p, err := w.m.Propose(t.Context(), network(fixed("near", "192.0.2.7/24", "")), state.Actor{}, nil, again.Addr())
		if err != nil {
			t.Fatal(err)
		}
		w.until("the fixed address alone", func(s api.NetworkStatus) bool {
			return on("near", "192.0.2.7/24")(s) && len(of(s, "near").Addresses) == 1 && len(of(s, "near").Gateways) == 0
		})
		if err := w.m.TakeBack(t.Context(), p.ID); err != nil {
			t.Fatal(err)
		}
		w.until("the lease again", leased)
	})
}

// What a router announces for IPv6 (Debian's dnsmasq) is taken, and given up
// when the port is not to have it any more.
func TestSLAAC(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		far := netnstest.NewHost(t)
		netnstest.Cable(t, nil, "near", "", far, "far", "192.0.2.1/24 2001:db8:5::1/64")
		netnstest.Capture(t, nil, "192.0.2.0/24", "2001:db8:5::/64")
		netnstest.Dnsmasq(t, far, "far", "--enable-ra", "--dhcp-range=2001:db8:5::,ra-only,64,5m", "--dhcp-range=192.0.2.100,192.0.2.120,5m")
		w := start(t, &memory{}, time.Minute)
		prefix := netip.MustParsePrefix("2001:db8:5::/64")
		announced := func(s api.NetworkStatus) bool {
			p := of(s, "near")
			return slices.ContainsFunc(p.Addresses, func(a netip.Prefix) bool { return prefix.Contains(a.Addr()) }) &&
				slices.ContainsFunc(p.Gateways, netip.Addr.IsLinkLocalUnicast)
		}
		w.until("an address of the announced network, and its router", announced)
		p, err := w.m.Propose(t.Context(), network(fixed("near", "192.0.2.7/24", "")), state.Actor{}, nil, netip.Addr{})
		if err != nil {
			t.Fatal(err)
		}
		w.until("none of it", func(s api.NetworkStatus) bool { return on("near", "192.0.2.7/24")(s) && !announced(s) })
		if err := w.m.TakeBack(t.Context(), p.ID); err != nil {
			t.Fatal(err)
		}
		w.until("all of it again", announced)
	})
}

// Fixed addresses that somebody has are refused before, and not used after.
func TestFixedConflict(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		far := netnstest.NewHost(t)
		netnstest.Cable(t, nil, "near", "", far, "far", "192.0.2.1/24 192.0.2.50/24")
		netnstest.Capture(t, nil, "192.0.2.0/24")
		w := start(t, &memory{network: network(fixed("near", "192.0.2.7/24", ""))}, time.Minute)
		w.until("an address", on("near", "192.0.2.7/24"))
		_, err := w.m.Propose(t.Context(), network(fixed("near", "192.0.2.50/24", "")), state.Actor{}, nil, netip.Addr{})
		fields, _ := errors.AsType[api.FieldErrors](err)
		if !strings.Contains(fields["ports.0.ipv4.address"], "has this address already") {
			t.Errorf("Propose = %v", err)
		}
		w.stop()
		w = start(t, &memory{network: network(fixed("near", "192.0.2.50/24", ""))}, time.Minute)
		w.until("a warning", func(s api.NetworkStatus) bool {
			return !on("near", "192.0.2.50/24")(s) && strings.Contains(strings.Join(of(s, "near").Problems, " "), "has the address 192.0.2.50")
		})
	})
}

// A VLAN works where the kernel has VLANs; elsewhere it is refused with a
// sentence that says so.
func TestVLAN(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		far := netnstest.NewHost(t)
		netnstest.Cable(t, nil, "near", "", far, "far", "192.0.2.1/24")
		netnstest.Capture(t, nil, "192.0.2.0/24", "203.0.113.0/24")
		w := start(t, &memory{network: network(fixed("near", "192.0.2.7/24", ""))}, time.Minute)
		w.until("an address", on("near", "192.0.2.7/24"))
		v := fixed("near", "203.0.113.7/24", "")
		v.VLAN = 12
		p, err := w.m.Propose(t.Context(), network(fixed("near", "192.0.2.7/24", ""), v), state.Actor{}, nil, netip.Addr{})
		if fields, ok := errors.AsType[api.FieldErrors](err); ok {
			if !strings.Contains(fields["ports.1.vlan"], "has no VLANs") {
				t.Errorf("Propose = %v", err)
			}
			// The same from the disk of a box that had another kernel.
			w.stop()
			w = start(t, &memory{network: network(fixed("near", "192.0.2.7/24", ""), v)}, time.Minute)
			w.until("a problem", func(s api.NetworkStatus) bool {
				return on("near", "192.0.2.7/24")(s) && strings.Contains(strings.Join(of(s, "near.12").Problems, " "), "has no VLANs")
			})
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		w.until("the VLAN's address", on("near.12", "203.0.113.7/24"))
		if err := w.m.TakeBack(t.Context(), p.ID); err != nil {
			t.Fatal(err)
		}
		w.until("no VLAN", func(s api.NetworkStatus) bool { return of(s, "near.12").Name == "" })
	})
}
