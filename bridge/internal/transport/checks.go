package transport

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
)

// transaction is one of our unanswered connectivity checks. Responses carry
// nothing but its number.
type transaction struct {
	g     *generation
	local *local
	to    address
	own   bool // ours, not the agent's
}

// remoteKey is a remote address as seen from one of ours.
type remoteKey struct {
	local *local
	addr  address
}

// remoteAddress is what a session knows of one.
type remoteAddress struct {
	seen    int64
	checked int64    // when we last sent a check of our own
	bound   *binding // nil until it answered
}

// handleSTUN finds the session of a connectivity check or its response.
// Requests are found by the user they name, responses by their number, so
// that nobody has to be known by address; the rest is dropped for a reason.
func (p *Port) handleSTUN(l *local, b []byte, from address, now int64) (reason, bool) {
	m, ok := parseSTUN(b)
	if !ok {
		return dropSTUNMalformed, false
	}
	switch m.kind {
	case bindingRequest:
		if m.username == nil && m.integrity == 0 {
			return p.answer(l, m, from)
		}
		g := p.byUfrag(m.localUfrag())
		if g == nil || g.conn(l) == nil {
			return dropSTUNUser, false
		}
		if !m.authentic(g.password) {
			return dropSTUNIntegrity, false
		}
		return g.request(l, m, from, now)
	case bindingSuccess, bindingError:
		p.txMu.Lock()
		tx := p.transactions[m.id]
		p.txMu.Unlock()
		if tx == nil || tx.local != l || tx.to != from {
			return dropSTUNStray, false
		}
		return tx.g.response(tx, m, now)
	case bindingIndication:
		return 0, true // a keepalive of a NAT's mapping; nothing to do
	}
	return dropSTUNMalformed, false
}

const (
	// answersPerSecond and answersBurst bound what strangers are told: answers
	// are larger than questions, and may go to who did not ask.
	answersPerSecond = 100
	answersBurst     = 200
)

// answer tells anybody who asks its own address, as a STUN server (RFC 8489).
func (p *Port) answer(l *local, m stunMessage, from address) (reason, bool) {
	if !p.answers.Allow() {
		return dropSTUNRate, false
	}
	to := from.addrPort()
	if aliased(to.Addr()) {
		return dropSTUNUser, false // TCP is for sessions only
	}
	a, err := stun.Build(stun.NewTransactionIDSetter(m.id), stun.BindingSuccess,
		&stun.XORMappedAddress{IP: to.Addr().AsSlice(), Port: int(to.Port())}, stun.Fingerprint)
	if err != nil {
		return dropSTUNMalformed, false
	}
	if err := l.send(a.Raw, to); err != nil {
		return dropSendError, false
	}
	return 0, true
}

// attrNomination is libwebrtc's NOMINATION: of two ways that were nominated the
// one with the higher number is used. Others have not to know it.
const attrNomination stun.AttrType = 0xC001

// request handles an authentic check of the remote side. The agent answers
// it; an address that has not yet answered us is asked at once (RFC 8445's
// triggered check), which takes the agent longer or, once it has a pair, it
// does not do at all.
func (g *generation) request(l *local, m stunMessage, from address, now int64) (reason, bool) {
	s := g.session
	addr := from.addrPort()
	s.mu.Lock()
	r := s.remoteAt(remoteKey{l, from}, now)
	ufrag, password := g.theirs.Ufrag, g.theirs.Password
	bound := r.bound
	ask := ufrag != "" && bound == nil && now-r.checked > checkPause
	if ask {
		r.checked = now
	}
	s.mu.Unlock()
	s.active.Store(now)
	if bound != nil {
		s.heard(bound, now)
	}
	if ask {
		g.ask(check{g: g, from: l, to: from, addr: addr, ufrag: ufrag, password: password})
	}
	if c := g.conn(l); c == nil || !c.in.push(m.raw, addr, now) {
		return dropSTUNFlood, false
	}
	return 0, true
}

// heard notes that an address that has answered us is still there. It is where
// we send to if there is nothing else, and may be better than what there is.
func (s *Session) heard(b *binding, now int64) {
	b.active.Store(now)
	if s.path.Load() == nil {
		s.follow(b)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outdoes(b) {
		s.nudge()
	}
}

// outdoes says whether media goes through a relay and need not, because there is
// this way. The caller holds s.mu.
func (s *Session) outdoes(b *binding) bool {
	path := s.path.Load()
	return s.opts.Controlling && path != nil && path != b && s.relay(path.addr) && !s.relay(b.addr)
}

// relay says whether an address is a relay's: of the remote side's candidates
// or of our own TURN server. The caller holds s.mu.
func (s *Session) relay(a netip.AddrPort) bool {
	_, ours := s.port.relays.Load(a)
	return ours || s.relays[a]
}

// leaveRelay nominates a way that works and needs no relay while media goes
// through one, and again until the client has followed. The agent does not
// nominate a second time; nor may this wait for a check of the client's, which
// may ask by no other way once it has one that was nominated. run calls it.
func (s *Session) leaveRelay(now int64) {
	s.mu.Lock()
	g := s.current
	b := s.outdoing(now)
	if b == nil || !g.connected || now-s.nominated < nominatePause {
		s.mu.Unlock()
		return
	}
	s.nominated = now
	b.nominated++
	c := check{g: g, from: b.local, to: b.remote, addr: b.addr, ufrag: g.theirs.Ufrag, password: g.theirs.Password, nominate: true, move: s.moves}
	s.mu.Unlock()
	g.ask(c)
	time.AfterFunc(time.Duration(nominatePause), s.nudge)
}

// outdoing is the best of the ways that outdo the one in use, are alive and
// have not been nominated in vain: over UDP before TCP, then the one heard of
// last. The caller holds s.mu.
func (s *Session) outdoing(now int64) (best *binding) {
	for _, r := range s.remotes {
		b := r.bound
		if b == nil || !s.outdoes(b) || b.nominated >= maxNominations || now-b.active.Load() > int64(disconnectedAfter) {
			continue
		}
		if best == nil || best.conn != nil && b.conn == nil ||
			(best.conn == nil) == (b.conn == nil) && best.active.Load() < b.active.Load() {
			best = b
		}
	}
	return best
}

// response handles a response from where one of our checks went. A success
// proves that the remote side is there and may send.
func (g *generation) response(tx *transaction, m stunMessage, now int64) (reason, bool) {
	s := g.session
	s.mu.Lock()
	password := g.theirs.Password
	s.mu.Unlock()
	if !m.authentic(password) {
		return dropSTUNIntegrity, false
	}
	s.port.txMu.Lock()
	delete(s.port.transactions, m.id)
	s.port.txMu.Unlock()
	s.active.Store(now)
	if m.kind == bindingSuccess {
		s.validate(tx.local, tx.to, now)
	}
	if tx.own {
		return 0, true
	}
	if c := g.conn(tx.local); c == nil || !c.in.push(m.raw, tx.to.addrPort(), now) {
		return dropSTUNFlood, false
	}
	return 0, true
}

// ask sends a connectivity check of our own.
func (g *generation) ask(c check) {
	role := stun.Setter(ice.AttrControlled(g.tie))
	if g.session.opts.Controlling {
		role = ice.AttrControlling(g.tie)
	}
	const peerReflexive = 110<<24 | 65535<<8 | 255 // RFC 8445 §7.1.1: as if found by this check
	setters := []stun.Setter{stun.BindingRequest, stun.TransactionID, stun.NewUsername(c.ufrag + ":" + g.ufrag), role}
	if c.nominate {
		setters = append(setters, ice.PriorityAttr(movedPriority(c.move)), ice.UseCandidate(), stun.RawAttribute{
			Type: attrNomination, Value: binary.BigEndian.AppendUint32(nil, 1+g.session.nominations.Add(1)), // the agent's first has none, which counts as 1
		})
	} else {
		setters = append(setters, ice.PriorityAttr(peerReflexive))
	}
	m, err := stun.Build(append(setters, stun.NewShortTermIntegrity(c.password), stun.Fingerprint)...)
	if err != nil {
		return // the name is too long for an attribute: SetRemote has seen to that
	}
	g.expect(m.TransactionID, c.from, c.to, true)
	if err := c.from.send(m.Raw, c.addr); err != nil {
		g.session.port.gauges.drop(dropSendError)
	}
}

// expect remembers a check, and forgets the oldest of too many.
func (g *generation) expect(id transactionID, l *local, to address, own bool) {
	s := g.session
	p := s.port
	p.txMu.Lock()
	defer p.txMu.Unlock()
	if s.ringAt < 0 {
		return // the session is over
	}
	if old := p.transactions[s.ring[s.ringAt]]; old != nil && old.g.session == s {
		delete(p.transactions, s.ring[s.ringAt])
	}
	s.ring[s.ringAt] = id
	s.ringAt = (s.ringAt + 1) % maxTransactions
	p.transactions[id] = &transaction{g: g, local: l, to: to, own: own}
}

func (s *Session) forgetTransactions() {
	s.port.txMu.Lock()
	defer s.port.txMu.Unlock()
	for _, id := range s.ring {
		if tx := s.port.transactions[id]; tx != nil && tx.g.session == s {
			delete(s.port.transactions, id)
		}
	}
	s.ringAt = -1
}

// remoteAt finds or makes the entry of a remote address; of too many, the one
// that was silent for longest goes. The caller holds s.mu.
func (s *Session) remoteAt(k remoteKey, now int64) *remoteAddress {
	r := s.remotes[k]
	if r == nil {
		if len(s.remotes) >= maxRemotes {
			s.forgetRemote()
		}
		r = &remoteAddress{checked: -checkPause}
		s.remotes[k] = r
	}
	r.seen = now
	return r
}

func (s *Session) forgetRemote() {
	var oldest remoteKey
	var at *remoteAddress
	for k, r := range s.remotes {
		if (at == nil || r.seen < at.seen) && (r.bound == nil || r.bound != s.path.Load()) {
			oldest, at = k, r
		}
	}
	if at == nil {
		return
	}
	delete(s.remotes, oldest)
	if at.bound != nil {
		s.port.unbind([]*binding{at.bound})
		if at.bound.conn != nil {
			at.bound.conn.close()
		}
	}
}

// validate lets media and DTLS in from an address that answered us. The first
// such address is also where we send to, until something better is known.
func (s *Session) validate(l *local, from address, now int64) {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return
	}
	r := s.remoteAt(remoteKey{l, from}, now)
	if r.bound == nil {
		addr := from.addrPort()
		r.bound = &binding{session: s, local: l, remote: from, addr: addr, to: sockaddrOf(addr)}
		if l.tcp != nil && aliased(addr.Addr()) {
			conn := l.tcp.at(addr)
			if conn == nil {
				r.bound = nil
				s.mu.Unlock()
				return // it has just ended
			}
			r.bound.conn = conn
			conn.bound.Store(r.bound)
		}
		s.port.bind(r.bound)
	}
	b := r.bound
	s.mu.Unlock()
	s.heard(b, now)
}

func (s *Session) unbindAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	var gone []*binding
	for _, r := range s.remotes {
		if r.bound != nil {
			gone = append(gone, r.bound)
		}
	}
	s.port.unbind(gone)
	for _, b := range gone {
		if b.conn != nil {
			b.conn.close()
		}
	}
}

// abandon forgets a way that has ended, as only those over TCP do. The next
// that proves to be one takes its place.
func (s *Session) abandon(b *binding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := remoteKey{b.local, b.remote}
	if r := s.remotes[k]; r == nil || r.bound != b {
		return
	}
	delete(s.remotes, k)
	s.port.unbind([]*binding{b})
	s.path.CompareAndSwap(b, nil)
}
