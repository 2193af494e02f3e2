package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/pion/transport/v5/stdnet"
	"golang.org/x/time/rate"
)

const (
	// maxSessions bounds the port. A core carries a few hundred people at
	// most; each session costs some hundred kilobytes.
	maxSessions = 4096
	// maxAddresses of one machine are offered and served.
	maxAddresses = 16
)

// epoch is where the clock of [Now] starts.
var epoch = time.Now()

// Now is the bridge's monotonic clock in nanoseconds. The readers read it
// once for each batch and hand it to the peers.
func Now() int64 { return int64(time.Since(epoch)) }

// Port is the one UDP port that all sessions share.
type Port struct {
	cfg    Config
	log    *slog.Logger
	gauges *gauges
	net    *stdnet.Net // for the ICE agents, which would each list the interfaces anew
	lanes  atomic.Uint32

	running sync.WaitGroup // readers and sessions

	mu       sync.RWMutex
	port     uint16
	locals   []*local
	extra    []netip.Addr // offered, but not this machine's
	serving  bool
	closed   bool
	sessions map[string]*generation // by our user fragment
	free     []int                  // indexes that sessions gave back
	indexes  int                    // handed out so far
	cert     *certificate

	answers   *rate.Limiter                    // to requests for addresses
	listening atomic.Pointer[[]netip.AddrPort] // of locals; immutable
	relayed   atomic.Pointer[relayed]          // nil: no TURN server
	relays    sync.Map                         // netip.AddrPort: where a TURN server of ours relays

	txMu         sync.Mutex
	transactions map[transactionID]*transaction

	// streamBatches are shared by the connections of TCP: as many as cores.
	streamBatches chan *Batch
	aliases       atomic.Uint32 // of connections so far
}

// Open binds the sockets. Nothing is read before [Port.Serve].
func Open(cfg Config) (*Port, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Metrics == nil {
		cfg.Metrics = metrics.NewSet()
	}
	if cfg.Readers <= 0 {
		cfg.Readers = runtime.GOMAXPROCS(0)
	}
	if !canSharePort {
		cfg.Readers = 1
	}
	n, err := stdnet.NewNet()
	if err != nil {
		return nil, fmt.Errorf("listing network interfaces: %w", err)
	}
	p := &Port{
		cfg:          cfg,
		log:          cfg.Log,
		gauges:       newGauges(cfg.Metrics),
		net:          n,
		port:         uint16(cfg.Port),
		sessions:     map[string]*generation{},
		answers:      rate.NewLimiter(answersPerSecond, answersBurst),
		transactions: map[transactionID]*transaction{},
	}
	if cfg.TCPPort != 0 {
		p.streamBatches = make(chan *Batch, runtime.GOMAXPROCS(0))
		for range cap(p.streamBatches) {
			p.streamBatches <- p.NewBatch()
		}
	}
	if err := p.SetAddresses(cfg.Addresses); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// SetAddresses follows a change of the machine's addresses. New sessions offer
// the new ones. Sessions that exist keep the addresses they have; where one of
// those is gone, they go on from another.
func (p *Port) SetAddresses(addrs []netip.Addr) error {
	locals, gone, err := p.setAddresses(addrs)
	for _, s := range gone {
		s.rehome(locals)
	}
	return err
}

// setAddresses returns the addresses in use and, when some have gone, all
// sessions.
func (p *Port) setAddresses(addrs []netip.Addr) ([]*local, []*Session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, nil, ErrClosed
	}
	var locals []*local
	var extra []netip.Addr
	var errs []error
	for _, a := range addrs {
		a = a.Unmap()
		if !a.IsValid() || a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() || len(locals) == maxAddresses {
			continue
		}
		if i := slices.IndexFunc(p.locals, func(l *local) bool { return l.addr.Addr() == a }); i >= 0 {
			if !slices.Contains(locals, p.locals[i]) {
				locals = append(locals, p.locals[i])
			}
			continue
		}
		l, err := listen(netip.AddrPortFrom(a, p.port), p.cfg.Readers)
		switch {
		case errors.Is(err, syscall.EADDRNOTAVAIL):
			extra = append(extra, a)
		case err != nil:
			errs = append(errs, fmt.Errorf("binding %v: %w", a, err))
		default:
			p.port = l.addr.Port()
			p.offerTCP(l)
			locals = append(locals, l)
		}
	}
	if len(locals) == 0 {
		return nil, nil, errors.Join(append(errs, ErrNoAddress)...)
	}
	old := p.locals
	p.locals, p.extra = locals, extra
	listening := make([]netip.AddrPort, len(locals))
	for i, l := range locals {
		listening[i] = netip.AddrPortFrom(l.addr.Addr().Unmap(), l.addr.Port())
	}
	p.listening.Store(&listening)
	lost := false
	for _, l := range old {
		if !slices.Contains(locals, l) {
			lost = true
			l.close()
		}
	}
	if p.serving {
		for _, l := range locals {
			if !slices.Contains(old, l) {
				p.read(l)
			}
		}
	}
	var sessions []*Session
	for _, g := range p.sessions {
		if lost && !slices.Contains(sessions, g.session) {
			sessions = append(sessions, g.session)
		}
	}
	return locals, sessions, errors.Join(errs...)
}

// Serve reads until ctx ends, then closes all sessions and sockets and waits
// for every goroutine it or a session started.
func (p *Port) Serve(ctx context.Context) error {
	p.mu.Lock()
	if p.closed || p.serving {
		p.mu.Unlock()
		return ErrClosed
	}
	p.serving = true
	for _, l := range p.locals {
		p.read(l)
	}
	p.mu.Unlock()
	<-ctx.Done()
	p.Close()
	return context.Cause(ctx)
}

// offerTCP lets clients come over TCP to an address. Where that cannot be they
// come over UDP only.
func (p *Port) offerTCP(l *local) {
	if p.cfg.TCPPort == 0 {
		return
	}
	var err error
	if l.tcp, err = p.listenTCP(l); err != nil {
		p.log.Warn("no ICE over TCP", "address", l.addr.Addr(), "port", p.cfg.TCPPort, "err", err)
	}
}

// read starts the readers of one address.
func (p *Port) read(l *local) {
	if l.tcp != nil {
		p.running.Go(l.tcp.serve)
	}
	for i, s := range l.sockets {
		p.running.Go(func() { (&reader{port: p, local: l, in: newIncoming(s), out: newBatch(p.gauges, i)}).run() })
	}
}

// Close ends all sessions and sockets and waits for them. Only a port that is
// not served needs it.
func (p *Port) Close() {
	p.mu.Lock()
	p.closed = true
	sessions := make([]*Session, 0, len(p.sessions))
	for _, g := range p.sessions {
		sessions = append(sessions, g.session)
	}
	p.mu.Unlock()
	for _, s := range sessions {
		s.Close()
	}
	for _, s := range sessions {
		s.Wait() // they still say goodbye through the sockets
	}
	p.mu.Lock()
	for _, l := range p.locals {
		l.close()
	}
	p.mu.Unlock()
	p.running.Wait()
}

// LocalPort is the number of the bound port.
func (p *Port) LocalPort() int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return int(p.port)
}

// Listening is where the port can be reached on this machine. It is cheap
// enough for every packet, and the list is not to be changed.
func (p *Port) Listening() []netip.AddrPort { return *p.listening.Load() }

// NewBatch is for goroutines other than the readers, that is, timers. A batch
// belongs to one goroutine at a time. It is expensive (a megabyte of address
// space): make few and keep them.
func (p *Port) NewBatch() *Batch { return newBatch(p.gauges, int(p.lanes.Add(1))) }

// NewSession starts a session: it answers connectivity checks from now on,
// and sends its own as soon as [Session.SetRemote] has named the remote user
// fragment and password.
func (p *Port) NewSession(o Options, peer Peer) (*Session, error) {
	if o.Log == nil {
		o.Log = p.log
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	cert, err := p.certificate(time.Now())
	if err != nil {
		return nil, err
	}
	var index int
	switch {
	case len(p.free) > 0:
		index = p.free[len(p.free)-1]
		p.free = p.free[:len(p.free)-1]
	case p.indexes < maxSessions:
		index = p.indexes
		p.indexes++
	default:
		return nil, ErrTooMany
	}
	s, err := newSession(p, o, peer, index, cert)
	if err != nil {
		p.free = append(p.free, index)
		return nil, err
	}
	p.sessions[s.current.ufrag] = s.current
	p.gauges.sessions.Inc()
	p.gauges.sessionsTotal.Inc()
	p.running.Go(s.run)
	return s, nil
}

// certificate is the one of the day. The caller holds p.mu.
func (p *Port) certificate(now time.Time) (*certificate, error) {
	if p.cert == nil || now.Sub(p.cert.made) > certificateAge {
		c, err := newCertificate(now)
		if err != nil {
			return nil, fmt.Errorf("making a DTLS certificate: %w", err)
		}
		p.cert = c
	}
	return p.cert, nil
}

// restart makes another generation of a session, at the addresses of today.
func (p *Port) restart(s *Session, number int) (*generation, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	g, err := s.newGeneration(number, p.locals, p.extra)
	if err != nil {
		return nil, err
	}
	p.sessions[g.ufrag] = g
	return g, nil
}

// hide makes generations unknown to the readers' STUN, at once.
func (p *Port) hide(list ...*generation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range list {
		delete(p.sessions, g.ufrag)
	}
}

// release takes back all that a session that has ended held.
func (p *Port) release(s *Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, s.index)
	p.gauges.sessions.Dec()
}

// byUfrag finds the session that a connectivity check names.
func (p *Port) byUfrag(ufrag []byte) *generation {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.sessions[string(ufrag)]
}

// bind lets a validated address in. A session that had the address before
// loses it: whoever is there now has proved to be the newer one.
func (p *Port) bind(b *binding) {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := make(bindings, len(*b.local.bindings.Load())+1)
	maps.Copy(next, *b.local.bindings.Load())
	next[b.remote] = b
	b.local.bindings.Store(&next)
}

// unbind takes addresses out again, unless others have them by now.
func (p *Port) unbind(gone []*binding) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(gone) > 0 {
		l := gone[0].local
		next := make(bindings, len(*l.bindings.Load()))
		for a, x := range *l.bindings.Load() {
			if !slices.Contains(gone, x) {
				next[a] = x
			}
		}
		l.bindings.Store(&next)
		gone = slices.DeleteFunc(slices.Clone(gone), func(b *binding) bool { return b.local == l })
	}
}

// listenAddresses is what the ICE agents gather.
func listenAddresses(locals []*local) []net.Addr {
	addrs := make([]net.Addr, len(locals))
	for i, l := range locals {
		addrs[i] = net.UDPAddrFromAddrPort(l.addr)
	}
	return addrs
}
