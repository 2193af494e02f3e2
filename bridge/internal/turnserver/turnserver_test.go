package turnserver

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
	"meetbox.local/bridge/internal/transport"
)

const secret = "not a secret"

// echo is a socket that answers everything.
func echo(t *testing.T) netip.AddrPort {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { c.Close(); <-done })
	go func() {
		defer close(done)
		b := make([]byte, 1500)
		for {
			n, from, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			if _, err := c.WriteToUDPAddrPort(b[:n], from); err != nil {
				return
			}
		}
	}()
	return c.LocalAddr().(*net.UDPAddr).AddrPort()
}

// mediaPort notes what it is told of relays.
type mediaPort struct {
	at     netip.AddrPort
	relays sync.Map
	gone   chan netip.AddrPort
}

func (m *mediaPort) Listening() []netip.AddrPort { return []netip.AddrPort{m.at} }

func (m *mediaPort) SetRelay(a netip.AddrPort, there bool) {
	if there {
		m.relays.Store(a, true)
	} else {
		m.relays.Delete(a)
		m.gone <- a
	}
}

// serve runs a server for one media port, and returns its socket's name.
func serve(t *testing.T, media netip.AddrPort) (*Server, string) { return serveBoth(t, media, nil) }

func serveBoth(t *testing.T, media netip.AddrPort, udp net.PacketConn) (*Server, string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "mb")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "turn.sock")
	l, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	s := New(secret, &mediaPort{at: media, gone: make(chan netip.AddrPort, inAll)}, slog.New(slog.DiscardHandler), metrics.NewSet())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.Serve(ctx, l, udp); close(done) }()
	t.Cleanup(func() { cancel(); <-done; os.RemoveAll(dir) })
	return s, name
}

var clients = 40_000

// dial connects as web does for a client.
func dial(t *testing.T, socket, user, password string) *turn.Client {
	t.Helper()
	return dialFrom(t, socket, user, password, "TCP4 192.0.2.7 192.0.2.1")
}

func dialFrom(t *testing.T, socket, user, password, way string) *turn.Client {
	t.Helper()
	c, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	clients++
	if _, err := fmt.Fprintf(c, "PROXY %s %d 443\r\n", way, clients); err != nil {
		t.Fatal(err)
	}
	client, err := turn.NewClient(&turn.ClientConfig{
		TURNServerAddr: "192.0.2.1:443", STUNServerAddr: "192.0.2.1:443",
		Username: user, Password: password, Realm: Realm, Conn: turn.NewSTUNConn(named{c}), LoggerFactory: quiet{},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); c.Close() })
	if err := client.Listen(); err != nil {
		t.Fatal(err)
	}
	return client
}

// named is a connection whose ends have addresses.
type named struct{ net.Conn }

func (named) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 40000} }
func (named) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443} }

func credentials(t *testing.T, valid time.Duration) (user, password string) {
	t.Helper()
	user, password, err := turn.GenerateLongTermTURNRESTCredentials(secret, "guest", valid)
	if err != nil {
		t.Fatal(err)
	}
	return user, password
}

// Not parallel inside: clients is counted.
func TestRelay(t *testing.T) {
	media, other := echo(t), echo(t)
	s, socket := serve(t, media)
	user, password := credentials(t, time.Minute)
	conn, err := dial(t, socket, user, password).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	relay := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	relay = netip.AddrPortFrom(relay.Addr().Unmap(), relay.Port())
	if _, there := s.media.(*mediaPort).relays.Load(relay); !there {
		t.Errorf("the media port does not know the relay at %v", relay)
	}
	// The same address, another port: not a media port.
	if _, err := conn.WriteTo([]byte("to another"), net.UDPAddrFromAddrPort(other)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.WriteTo([]byte("to the bridge"), net.UDPAddrFromAddrPort(media)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1500)
	n, from, err := conn.ReadFrom(b)
	if err != nil || string(b[:n]) != "to the bridge" || from.String() != media.String() {
		t.Errorf("%q from %v, %v", b[:n], from, err)
	}
	if _, err := conn.WriteTo([]byte("out of the house"), &net.UDPAddr{IP: net.IPv4(192, 0, 2, 99), Port: 9}); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("relaying to a third party: %v, want it forbidden", err)
	}

	for i := range perUser {
		c, err := dial(t, socket, user, password).Allocate()
		if last := i == perUser-1; (err != nil) != last {
			t.Errorf("allocation %d: %v", i+2, err)
		}
		if err == nil {
			defer c.Close()
		}
	}
	if s.refused.Get() == 0 || s.allocations.Get() != perUser {
		t.Errorf("%d refused, %d allocations", s.refused.Get(), s.allocations.Get())
	}
	conn.Close()
	select {
	case a := <-s.media.(*mediaPort).gone:
		if a != relay {
			t.Errorf("%v is gone, not %v", a, relay)
		}
	case <-time.After(10 * time.Second):
		t.Error("the media port is not told that the relay is gone")
	}
}

// A client that came by IPv6 is relayed to a bridge that has only IPv4.
func TestOtherFamily(t *testing.T) {
	media := echo(t)
	_, socket := serve(t, media)
	user, password := credentials(t, time.Minute)
	conn, err := dialFrom(t, socket, user, password, "TCP6 2001:db8::7 2001:db8::1").Allocate()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.WriteTo([]byte("hello"), net.UDPAddrFromAddrPort(media)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1500)
	if n, _, err := conn.ReadFrom(b); err != nil || string(b[:n]) != "hello" {
		t.Errorf("%q, %v", b[:n], err)
	}
}

func TestCredentials(t *testing.T) {
	_, socket := serve(t, echo(t))
	user, password := credentials(t, time.Minute)
	expired, itsPassword := credentials(t, -time.Minute)
	for _, tc := range []struct{ name, user, password string }{
		{"wrong password", user, password + "x"},
		{"another's password", user + "x", password},
		{"expired", expired, itsPassword},
		{"no expiry", "guest", password},
	} {
		if conn, err := dial(t, socket, tc.user, tc.password).Allocate(); err == nil {
			conn.Close()
			t.Errorf("%s: allocated", tc.name)
		}
	}
}

func TestGreeting(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"PROXY TCP4 192.0.2.7 192.0.2.1 40000 443\r\n":     "192.0.2.7:40000",
		"PROXY TCP6 2001:db8::7 2001:db8::1 40000 443\r\n": "[2001:db8::7]:40000",
		"PROXY UNKNOWN\r\n":                            "",
		"PROXY TCP4 192.0.2.7 192.0.2.1 70000 443\r\n": "",
		"PROXY TCP4 example 192.0.2.1 1 443\r\n":       "",
		"GET / HTTP/1.1\r\n":                           "",
		"":                                             "",
	} {
		got, err := parseGreeting(line)
		if (err == nil) != (want != "") || err == nil && got.String() != want {
			t.Errorf("parseGreeting(%q) = %v, %v, want %q", line, got, err, want)
		}
	}
}

// What is taken for an address can be written as one.
func FuzzGreeting(f *testing.F) {
	f.Add("PROXY TCP4 192.0.2.7 192.0.2.1 40000 443\r\n")
	f.Fuzz(func(t *testing.T, line string) {
		a, err := parseGreeting(line)
		if err != nil {
			return
		}
		again, err := parseGreeting(fmt.Sprintf("PROXY TCP6 %s :: %d 1\r\n", a.Addr(), a.Port()))
		if err != nil || again != a || !a.IsValid() {
			t.Fatalf("%q: %v, then %v, %v", line, a, again, err)
		}
	})
}

// A client may come over UDP, to the media port itself.
func TestRelayOverUDP(t *testing.T) {
	port, err := transport.Open(transport.Config{Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, Readers: 2})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan struct{})
	go func() { port.Serve(ctx); close(served) }()
	t.Cleanup(func() { cancel(); <-served })
	media := port.Listening()[0]
	_, socket := serveBoth(t, media, port.Relayed())
	user, password := credentials(t, time.Minute)

	client := func(user, password string) *turn.Client {
		c, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		client, err := turn.NewClient(&turn.ClientConfig{
			TURNServerAddr: media.String(), STUNServerAddr: media.String(),
			Username: user, Password: password, Realm: Realm, Conn: c, LoggerFactory: quiet{},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close(); c.Close() })
		if err := client.Listen(); err != nil {
			t.Fatal(err)
		}
		return client
	}
	if _, err := client(user, "wrong").Allocate(); err == nil {
		t.Error("a wrong password is taken")
	}
	conn, err := client(user, password).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// The media port, asked through the relay, answers through it: first by
	// indications, then by a channel.
	for range 3 {
		ask, err := stun.Build(stun.BindingRequest, stun.TransactionID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.WriteTo(ask.Raw, net.UDPAddrFromAddrPort(media)); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 1500)
		n, _, err := conn.ReadFrom(b)
		if err != nil {
			t.Fatal(err)
		}
		m := &stun.Message{Raw: b[:n]}
		var x stun.XORMappedAddress
		if err := m.Decode(); err != nil || x.GetFrom(m) != nil || x.String() != conn.LocalAddr().String() {
			t.Fatalf("answer %v (%v), the relay is %v", m, err, conn.LocalAddr())
		}
	}
	if _, err := conn.WriteTo([]byte("out of the house"), &net.UDPAddr{IP: net.IPv4(192, 0, 2, 99), Port: 9}); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("relaying to a third party: %v, want it forbidden", err)
	}
	// One quota for both ways.
	for i := 1; i < perUser-1; i++ {
		c, err := client(user, password).Allocate()
		if err != nil {
			t.Fatalf("allocation %d: %v", i+1, err)
		}
		defer c.Close()
	}
	c, err := dial(t, socket, user, password).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := client(user, password).Allocate(); err == nil {
		t.Error("more than the quota")
	}
}
