package transport

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
)

const (
	// restartTimeout is how long a restart may take before it is given up; the
	// way that there was stays.
	restartTimeout = 20 * time.Second
	// restartOverlap is how long the old way's checks are still answered.
	restartOverlap = 3 * time.Second
)

// generation is ICE of a session under one set of credentials: the first, or
// that of a restart. While a restart looks for its way the generation before
// keeps the one it has; what ICE carries does not notice. Checks are told
// apart by their user fragment, addresses that answered are the session's.
type generation struct {
	session         *Session
	number          int // 0: the first
	ufrag, password string
	tie             uint64
	locals          []*local
	agents          map[netip.Addr]*muxConn // as the agent knows them: never changes
	conns           atomic.Pointer[conns]   // as they are reached: follows the port
	local           Description
	agent           *ice.Agent
	selection       atomic.Pointer[binding] // the agent's
	checking        bool                    // of run: the agent has the remote credentials

	// Guarded by session.mu.
	theirs    Description // what was signalled; candidates are those not yet handed to the agent
	taken     int         // candidates
	connected bool        // has a pair, or had one
	failed    bool
	ends      time.Time // when it is dropped, if it is not current by then
}

// newGeneration makes one that answers checks as soon as the port knows it.
func (s *Session) newGeneration(number int, locals []*local, extra []netip.Addr) (*generation, error) {
	var tie [8]byte
	rand.Read(tie[:])
	locals = reachedFirst(locals, s.opts.Reached)
	g := &generation{
		session: s, number: number,
		ufrag:    strings.ToLower(rand.Text()[:12]), // 60 bits: the key that the port finds the session by
		password: rand.Text(),                       // 128 bits
		tie:      binary.BigEndian.Uint64(tie[:]),
		locals:   locals,
		agents:   make(map[netip.Addr]*muxConn),
	}
	list := make(conns, len(locals))
	for _, l := range locals {
		c := &muxConn{g: g, addr: l.addr, in: newInbox(stunQueue, stunRate)}
		c.local.Store(l)
		list[l], g.agents[l.addr.Addr()] = c, c
	}
	g.conns.Store(&list)
	g.local = Description{
		Generation: number, Ufrag: g.ufrag, Password: g.password,
		Candidates:   describe(locals, extra),
		Fingerprints: []Fingerprint{{Hash: "sha-256", Value: s.cert.fingerprint, Setup: ActPass}},
	}
	if s.opts.SCTP {
		g.local.SCTPPort = sctpPort
	}
	agent, err := g.newAgent()
	if err != nil {
		return nil, fmt.Errorf("making an ICE agent: %w", err)
	}
	g.agent = agent
	return g, nil
}

// Restart begins a new generation of ICE, for a client that may have moved to
// another network, and returns our side of it. Media goes on over the old way
// until the new generation has one. Asked again before the client has
// answered, it returns the same generation. While the first generation still
// looks for its way there is nothing to restart: its description, of
// generation 0, is returned.
func (s *Session) Restart() (Description, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closing:
		return Description{}, ErrClosed
	case s.current.failed && s.pending == nil:
		return Description{}, errICE
	case !s.current.connected:
		return s.current.local, nil
	case s.pending != nil && s.pending.theirs.Ufrag == "":
		return s.pending.local, nil
	}
	g, err := s.port.restart(s, s.restarts+1)
	if err != nil {
		return Description{}, err
	}
	s.restarts++
	if s.pending != nil {
		s.dropped = append(s.dropped, s.pending)
	}
	g.ends = time.Now().Add(restartTimeout)
	s.pending = g
	s.port.gauges.restarts.Inc()
	time.AfterFunc(restartTimeout, s.nudge)
	return g.local, nil
}

// cutOver makes a restart's generation the current one when it has a way. It
// reports whether g is current.
func (s *Session) cutOver(g *generation) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.connected = true
	if g != s.pending {
		return g == s.current
	}
	s.log.Info("transport restarted", "generation", g.number)
	s.port.gauges.restarted.Inc()
	if s.retired != nil {
		s.dropped = append(s.dropped, s.retired)
	}
	s.retired, s.current, s.pending = s.current, g, nil
	s.retired.ends = time.Now().Add(restartOverlap)
	time.AfterFunc(restartOverlap, s.nudge)
	return true
}

// due is what run must do for the generations.
type due struct {
	start []*generation // have credentials to check with
	with  []Description
	drop  []*generation
	err   error // there is no way, and nobody looks for one
}

func (s *Session) due(now time.Time) due {
	s.mu.Lock()
	defer s.mu.Unlock()
	var d due
	if p := s.pending; p != nil && (p.failed || !now.Before(p.ends)) {
		s.log.Info("transport not restarted; the old way stays", "generation", p.number)
		s.pending, d.drop = nil, append(d.drop, p)
	}
	if r := s.retired; r != nil && !now.Before(r.ends) {
		s.retired, d.drop = nil, append(d.drop, r)
	}
	d.drop = append(d.drop, s.dropped...)
	s.dropped = nil
	if s.current.failed && s.pending == nil {
		d.err = errICE
	}
	for _, g := range []*generation{s.current, s.pending} {
		if g != nil && g.theirs.Ufrag != "" {
			d.start, d.with = append(d.start, g), append(d.with, g.theirs)
			g.theirs.Candidates = nil
		}
	}
	return d
}

// tend does it.
func (s *Session) tend(now time.Time) error {
	d := s.due(now)
	for _, g := range d.drop {
		s.port.hide(g)
		g.close()
	}
	for i, g := range d.start {
		theirs := d.with[i]
		if !g.checking {
			g.checking = true
			if err := g.startChecks(theirs.Ufrag, theirs.Password); err != nil {
				return err
			}
		}
		g.addCandidates(theirs.Candidates)
	}
	return d.err
}

// close ends the agent, and waits for it.
func (g *generation) close() { _ = g.agent.GracefulClose() }

// generations are all there are. The caller holds s.mu.
func (s *Session) generations() []*generation {
	list := append([]*generation(nil), s.dropped...)
	for _, g := range []*generation{s.current, s.pending, s.retired} {
		if g != nil {
			list = append(list, g)
		}
	}
	return list
}

// remember takes what was signalled of the remote side for one generation.
// The caller holds s.mu.
func (g *generation) remember(d Description) error {
	if g.theirs.Ufrag == "" && d.Ufrag != "" && d.Password != "" {
		if len(d.Ufrag) > 256 || len(d.Password) > 256 { // RFC 8839 §5.4
			return errors.New("user fragment or password is too long")
		}
		g.theirs.Ufrag, g.theirs.Password = d.Ufrag, d.Password
	}
	for _, c := range d.Candidates {
		if c.Addr.IsValid() && c.Addr.Port() != 0 && g.taken < maxCandidates {
			g.taken++
			if c.Type == Relayed && len(g.session.relays) < maxRemotes {
				g.session.relays[c.Addr] = true
			}
			g.theirs.Candidates = append(g.theirs.Candidates, c)
		}
	}
	return nil
}
