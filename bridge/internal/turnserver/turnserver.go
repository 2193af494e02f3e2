// Package turnserver is a TURN server (RFC 8656) for clients whose network lets no
// UDP through, and for those that want a relay. It relays to the bridge's own
// media port and to nowhere else, so that nobody can use it to reach a third
// party.
//
// Its clients come over streams that web hands on: it tells TURN from HTTPS on
// the port that every network lets through. Each stream starts with a line
// that says from where the client came (PROXY protocol, version 1). Or they
// come over UDP, to the media port itself.
//
// Credentials are those of the TURN REST scheme: a user name that starts with
// its expiry, and as password its HMAC-SHA1 under a secret that signaling,
// which hands them out, shares.
package turnserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/pion/turn/v5"
)

const (
	// Realm is what clients mix into their keys.
	Realm = "meetbox"
	// perUser is how many allocations one credential may have: a client makes
	// two per network interface, and as many again for an ICE restart.
	perUser = 24
	// inAll bounds sockets and memory.
	inAll = 512
	// greetingWait is how long web may take to say who comes.
	greetingWait = 5 * time.Second
)

// Server relays. Make it with New.
type Server struct {
	secret string
	media  Media
	log    *slog.Logger

	allocations *metrics.Counter // up and down
	refused     *metrics.Counter

	mu    sync.Mutex
	users map[string]int // allocations by credential
	all   int
}

// Media is the bridge's media port.
type Media interface {
	// Listening is where it listens now.
	Listening() []netip.AddrPort
	// SetRelay tells it from where a client is relayed, or no longer.
	SetRelay(a netip.AddrPort, there bool)
}

// New makes a server with the secret of its credentials, for one media port.
func New(secret string, media Media, log *slog.Logger, set *metrics.Set) *Server {
	return &Server{
		secret: secret, media: media, log: log, users: map[string]int{},
		allocations: set.NewCounter("bridge_turn_allocations"),
		refused:     set.NewCounter("bridge_turn_refused_total"),
	}
}

// Serve answers on the listener, and on the socket where there is one, until
// ctx ends or the listener fails. It closes both.
func (s *Server) Serve(ctx context.Context, l net.Listener, udp net.PacketConn) error {
	g := newGreeter(l, s.log)
	var wg sync.WaitGroup
	wg.Go(g.run)
	may := func(_ net.Addr, peer net.IP) bool { return s.isMedia(peer) }
	var sockets []turn.PacketConnConfig
	if udp != nil {
		defer udp.Close() // twice is fine
		sockets = []turn.PacketConnConfig{{PacketConn: udp, RelayAddressGenerator: generator{s.media}, PermissionHandler: may}}
	}
	server, err := turn.NewServer(turn.ServerConfig{
		Realm:        Realm,
		AuthHandler:  turn.LongTermTURNRESTAuthHandler(s.secret, quiet{}),
		QuotaHandler: s.admit,
		// Browsers say nothing of a family and mean IPv4, however they came.
		StrictAddressFamily: true,
		LoggerFactory:       quiet{},
		EventHandler: turn.EventHandler{
			OnAllocationCreated: func(_, _ net.Addr, _, user, _ string, _ net.Addr, _ int) { s.count(user, 1) },
			OnAllocationDeleted: func(_, _ net.Addr, _, user, _ string) { s.count(user, -1) },
		},
		ListenerConfigs: []turn.ListenerConfig{{
			Listener: g, RelayAddressGenerator: generator{s.media}, PermissionHandler: may,
		}},
		PacketConnConfigs: sockets,
	})
	if err != nil {
		g.Close()
		wg.Wait()
		return fmt.Errorf("TURN: %w", err)
	}
	select {
	case <-ctx.Done():
		err = context.Cause(ctx)
	case err = <-g.failed:
	}
	if closing := server.Close(); closing != nil && !errors.Is(closing, net.ErrClosed) {
		err = errors.Join(err, closing)
	}
	g.Close()
	wg.Wait()
	return err
}

// admit is asked before each allocation.
func (s *Server) admit(user, _ string, from net.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users[user] < perUser && s.all < inAll {
		return true
	}
	s.refused.Inc()
	s.log.Warn("TURN refused: too many", "user", user, "peer", from, "of_user", s.users[user], "in_all", s.all)
	return false
}

func (s *Server) count(user string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all += n
	if s.users[user] += n; s.users[user] <= 0 {
		delete(s.users, user)
	}
	s.allocations.Add(n)
}

func (s *Server) isMedia(peer net.IP) bool {
	a, ok := netip.AddrFromSlice(peer)
	return ok && slices.ContainsFunc(s.media.Listening(), func(m netip.AddrPort) bool { return m.Addr() == a.Unmap() })
}

// generator opens the sockets that relay.
type generator struct{ media Media }

var (
	errFamily   = errors.New("no media address of this family")
	errStreamed = errors.New("only UDP is relayed")
)

// Validate implements turn.RelayAddressGenerator.
func (generator) Validate() error { return nil }

// AllocatePacketConn opens a socket on an address of the media port, from
// which that can be reached for sure.
func (g generator) AllocatePacketConn(c turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	media := g.media.Listening()
	i := slices.IndexFunc(media, func(m netip.AddrPort) bool { return m.Addr().Is4() == (c.Network == "udp4") })
	if i < 0 {
		return nil, nil, errFamily
	}
	conn, err := net.ListenUDP(c.Network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(media[i].Addr(), 0)))
	if err != nil {
		return nil, nil, fmt.Errorf("relay socket: %w", err)
	}
	at := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	relay := &mediaOnly{UDPConn: conn, media: g.media, at: netip.AddrPortFrom(at.Addr().Unmap(), at.Port())}
	g.media.SetRelay(relay.at, true)
	return relay, conn.LocalAddr(), nil
}

// AllocateListener implements turn.RelayAddressGenerator.
func (generator) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errStreamed
}

// AllocateConn implements turn.RelayAddressGenerator.
func (generator) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) { return nil, errStreamed }

// mediaOnly is a socket that talks to the media port only: permissions name
// addresses without ports.
type mediaOnly struct {
	*net.UDPConn
	media Media
	at    netip.AddrPort
	once  sync.Once
}

// Close ends the relay, once: another may get its address.
func (c *mediaOnly) Close() (err error) {
	c.once.Do(func() {
		c.media.SetRelay(c.at, false)
		err = c.UDPConn.Close()
	})
	return err
}

// WriteTo leaves out what is for anybody else.
func (c *mediaOnly) WriteTo(b []byte, to net.Addr) (int, error) {
	if a, ok := to.(*net.UDPAddr); !ok || !c.may(a.AddrPort()) {
		return len(b), nil
	}
	return c.UDPConn.WriteTo(b, to)
}

// ReadFrom leaves out what is from anybody else.
func (c *mediaOnly) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := c.UDPConn.ReadFromUDPAddrPort(b)
		if err != nil {
			return n, nil, err
		}
		if c.may(from) {
			return n, net.UDPAddrFromAddrPort(from), nil
		}
	}
}

func (c *mediaOnly) may(a netip.AddrPort) bool {
	return slices.Contains(c.media.Listening(), netip.AddrPortFrom(a.Addr().Unmap(), a.Port()))
}
