package transport

import (
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/stun/v4"
)

const (
	// stunQueue is how many checks may wait for an agent. A client sends a
	// few at once to each address.
	stunQueue = 32
	// stunRate of them in each inboxWindow: a thousand a second, where a client
	// with twenty addresses of its own sends four hundred.
	stunRate = 100
	// maxTransactions is how many of a session's requests may be unanswered
	// before the oldest is forgotten: a second of checks to a dozen pairs.
	maxTransactions = 128
	// maxRemotes is how many of the remote side's addresses (times ours) are
	// remembered. Who has more is not a browser.
	maxRemotes = 64
	// checkPause is the least time between two of our own checks of one
	// address; a client's first checks come closer than that.
	checkPause = int64(20 * time.Millisecond)
	// nominatePause is the least time between two nominations of a way without
	// a relay: the client may take a moment to follow.
	nominatePause = int64(time.Second)
	// maxNominations of one way that the client has not followed to: enough for
	// a line that loses half of all packets. Who answers ten and stays on its
	// relay does not want to leave it.
	maxNominations = 10

	checkInterval = 100 * time.Millisecond
	// maxChecks of one pair, at checkInterval: a firewall on the client's side
	// may open only when the client starts to send, seconds later.
	maxChecks         = 100
	keepalive         = 2 * time.Second
	disconnectedAfter = 6 * time.Second
	// failedAfter that. Together one minute, after which the bridge gives an
	// endpoint up anyway; until then a client may come back out of a tunnel.
	failedAfter = 54 * time.Second
	// relayedWait gives better pairs the time to be found before one through
	// a relay is nominated.
	relayedWait = 500 * time.Millisecond
)

// newAgent makes the pion agent: it answers checks, sends its own, nominates
// and keeps consent. It gets STUN only; media and DTLS never pass through it.
func (g *generation) newAgent() (*ice.Agent, error) {
	agent, err := ice.NewAgentWithOptions(
		ice.WithUDPMux(agentMux{g}),
		ice.WithNet(g.session.port.net),
		ice.WithLocalCredentials(g.ufrag, g.password),
		ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4, ice.NetworkTypeUDP6}),
		ice.WithCandidateTypes([]ice.CandidateType{ice.CandidateTypeHost}),
		ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled),
		ice.WithIncludeLoopback(),
		ice.WithDisableActiveTCP(),
		ice.WithCheckInterval(checkInterval),
		ice.WithMaxBindingRequests(maxChecks),
		ice.WithKeepaliveInterval(keepalive),
		ice.WithDisconnectedTimeout(disconnectedAfter),
		ice.WithFailedTimeout(failedAfter),
		ice.WithSrflxAcceptanceMinWait(0),
		ice.WithPrflxAcceptanceMinWait(0),
		ice.WithRelayAcceptanceMinWait(relayedWait),
		ice.WithBindingRequestHandler(g.preferPath),
		ice.WithLoggerFactory(silent()),
	)
	if err != nil {
		return nil, err
	}
	err = agent.OnConnectionStateChange(func(st ice.ConnectionState) {
		if st == ice.ConnectionStateFailed {
			g.session.mu.Lock()
			g.failed = true
			g.session.mu.Unlock()
			g.session.nudge()
		}
	})
	if err == nil {
		err = agent.OnSelectedCandidatePairChange(g.selected)
	}
	if err == nil {
		err = agent.OnCandidate(func(ice.Candidate) {}) // the agent insists
	}
	if err == nil {
		err = agent.GatherCandidates()
	}
	if err != nil {
		_ = agent.Close()
		return nil, err
	}
	return agent, nil
}

// silent keeps the libraries quiet: what they have to say about a stranger's
// packets is for the counters.
func silent() logging.LoggerFactory {
	return &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}
}

func (g *generation) startChecks(ufrag, password string) error {
	start := g.agent.StartAccept
	if g.session.opts.Controlling {
		start = g.agent.StartDial
	}
	_, err := start(ufrag, password)
	return err
}

func (g *generation) addCandidates(list []Candidate) {
	for _, c := range list {
		cand, err := remoteCandidate(c)
		if err != nil {
			g.session.log.Debug("remote candidate ignored", "err", err)
			continue
		}
		_ = g.agent.AddRemoteCandidate(cand) // fails only on mDNS names, which have no address here
	}
}

func remoteCandidate(c Candidate) (ice.Candidate, error) {
	addr, port := c.Addr.Addr().Unmap().WithZone("").String(), int(c.Addr.Port())
	switch c.Type {
	case ServerReflexive:
		return ice.NewCandidateServerReflexive(&ice.CandidateServerReflexiveConfig{
			Network: "udp", Address: addr, Port: port, Component: ice.ComponentRTP, Priority: c.Priority, Foundation: c.Foundation,
		})
	case PeerReflexive:
		return ice.NewCandidatePeerReflexive(&ice.CandidatePeerReflexiveConfig{
			Network: "udp", Address: addr, Port: port, Component: ice.ComponentRTP, Priority: c.Priority, Foundation: c.Foundation,
		})
	case Relayed:
		return ice.NewCandidateRelay(&ice.CandidateRelayConfig{
			Network: "udp", Address: addr, Port: port, Component: ice.ComponentRTP, Priority: c.Priority, Foundation: c.Foundation,
		})
	}
	return ice.NewCandidateHost(&ice.CandidateHostConfig{
		Network: "udp", Address: addr, Port: port, Component: ice.ComponentRTP, Priority: c.Priority, Foundation: c.Foundation,
	})
}

const (
	hostPreference, reflexivePreference = 126, 100 // RFC 8445 §5.1.2.2
	// TCP is for who has no UDP: below all of UDP (RFC 6544 §4.2).
	tcpPreference, passivePreference = 90, 4
	// offeredPreference is the first candidate's among those of its type. It
	// leaves room above for addresses that come later.
	offeredPreference = 32767
)

// reachedFirst puts the address first that the client is known to reach; the
// others stay in the configured order. The client checks the way in that works
// before those behind which it may find nothing.
func reachedFirst(locals []*local, reached netip.Addr) []*local {
	i := slices.IndexFunc(locals, func(l *local) bool { return l.addr.Addr() == reached })
	if i <= 0 {
		return locals
	}
	return append(append([]*local{locals[i]}, locals[:i]...), locals[i+1:]...)
}

// describe makes the candidates we offer: a host candidate for each of our
// addresses, the best first, and one that looks server-reflexive for each
// address that a port forward in front of us has.
func describe(locals []*local, extra []netip.Addr) []Candidate {
	priority := func(preference, i int) uint32 { return uint32(preference<<24 | (offeredPreference-i)<<8 | 255) }
	var list []Candidate
	for i, l := range locals {
		list = append(list, Candidate{
			Foundation: strconv.Itoa(i + 1), Type: Host, Addr: l.addr, Priority: priority(hostPreference, i),
		})
	}
	for i, l := range locals {
		if l.tcp != nil {
			list = append(list, Candidate{
				Foundation: strconv.Itoa(len(locals) + len(extra) + i + 1), Type: Host, TCP: true, Addr: l.tcp.addr,
				Priority: uint32(tcpPreference<<24 | (passivePreference<<13|(8191-i))<<8 | 255),
			})
		}
	}
	for i, a := range extra {
		c := Candidate{
			Foundation: strconv.Itoa(len(locals) + i + 1), Type: ServerReflexive,
			Addr: netip.AddrPortFrom(a, locals[0].addr.Port()), Priority: priority(reflexivePreference, i),
		}
		for _, l := range locals {
			if l.addr.Addr().Is4() == a.Is4() && !l.addr.Addr().IsLoopback() {
				c.Related = l.addr
				break
			}
		}
		list = append(list, c)
	}
	return list
}

// selected follows the agent's nomination; it runs on the agent's goroutine.
func (g *generation) selected(l, r ice.Candidate) {
	b := g.bindingAt(l, r)
	if b == nil {
		return
	}
	g.selection.Store(b)
	if g.session.cutOver(g) {
		g.session.follow(b)
	}
}

// preferPath makes the agent's selected pair follow the path that media
// takes, so that its consent checks go where they matter: after a client
// moved, its old address would let the agent fail.
func (g *generation) preferPath(_ *stun.Message, l, r ice.Candidate, _ *ice.CandidatePair) bool {
	s := g.session
	b := g.bindingAt(l, r)
	if b == nil || !s.isCurrent(g) {
		return false
	}
	if path := s.path.Load(); path != b {
		// Nothing but checks from a client that neither sends media nor uses
		// its old address any more.
		if path != nil && b.active.Load()-path.active.Load() > int64(disconnectedAfter) {
			s.follow(b)
		} else {
			return false
		}
	}
	if sel := g.selection.Load(); sel == nil || sel == b {
		return false
	}
	g.selection.Store(b)
	return true
}

func (s *Session) isCurrent(g *generation) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current == g
}

func (g *generation) bindingAt(l, r ice.Candidate) *binding {
	la, err := netip.ParseAddr(l.Address())
	if err != nil {
		return nil
	}
	ra, err := netip.ParseAddr(r.Address())
	if err != nil {
		return nil
	}
	s := g.session
	s.mu.Lock()
	defer s.mu.Unlock()
	c := g.agents[la]
	if c == nil {
		return nil
	}
	if known := s.remotes[remoteKey{c.local.Load(), addressOf(netip.AddrPortFrom(ra, uint16(r.Port())))}]; known != nil {
		return known.bound
	}
	return nil
}

// follow makes an address the one to send to.
func (s *Session) follow(b *binding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing && s.path.Load() == nil {
		return
	}
	if old := s.path.Swap(b); old != nil && old != b {
		s.port.gauges.moved.Inc()
	}
	b.nominated = 0
	s.nudge()
}

// checkConsent stops sending to a side that has not been heard of for long.
// Whatever is heard of it later makes a path again.
func (s *Session) checkConsent(now int64) {
	if s.path.Load() != nil && now-s.active.Load() > int64(consentTime) {
		s.path.Store(nil)
	}
}

// agentMux is the agent's view of the port, for one generation.
type agentMux struct{ g *generation }

func (m agentMux) GetListenAddresses() []net.Addr { return listenAddresses(m.g.locals) }

func (m agentMux) GetConn(_ string, addr net.Addr) (net.PacketConn, error) {
	if a, ok := addr.(*net.UDPAddr); ok {
		if c := m.g.agents[a.AddrPort().Addr().Unmap()]; c != nil {
			return c, nil
		}
	}
	return nil, net.ErrClosed
}

func (m agentMux) RemoveConnByUfrag(string) {} // the session ends its conns itself

func (m agentMux) Close() error { return nil }

// muxConn is what the agent takes for a socket: one of our addresses, one
// generation of a session, STUN only. The agent knows it by addr for ever;
// local is where it is now.
type muxConn struct {
	g     *generation
	addr  netip.AddrPort
	local atomic.Pointer[local]
	in    *inbox
}

func (c *muxConn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) { return c.in.pop(b) }

func (c *muxConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.in.pop(b)
	if err != nil {
		return n, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// WriteToAddrPort sends the agent's STUN and remembers its requests, so that
// their responses find back.
func (c *muxConn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	l := c.local.Load()
	m, ok := parseSTUN(b)
	if ok && m.kind == bindingRequest {
		c.g.expect(m.id, l, addressOf(to), false)
	}
	if l.tcp != nil && aliased(to.Addr()) {
		if conn := l.tcp.at(to); conn != nil {
			conn.sendControl(b, c.g.password)
		}
		return len(b), nil
	}
	if err := l.send(b, to); err != nil {
		c.g.session.port.gauges.drop(dropSendError) // the agent need not hear: it asks again
	}
	return len(b), nil
}

func (c *muxConn) WriteTo(b []byte, to net.Addr) (int, error) {
	a, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, net.ErrClosed
	}
	return c.WriteToAddrPort(b, a.AddrPort())
}

func (c *muxConn) Close() error                       { c.in.close(); return nil }
func (c *muxConn) LocalAddr() net.Addr                { return net.UDPAddrFromAddrPort(c.addr) }
func (c *muxConn) SetDeadline(t time.Time) error      { c.in.setDeadline(t); return nil }
func (c *muxConn) SetReadDeadline(t time.Time) error  { c.in.setDeadline(t); return nil }
func (c *muxConn) SetWriteDeadline(_ time.Time) error { return nil }
