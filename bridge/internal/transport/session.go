package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"meetbox.local/bridge/internal/srtp"
)

const (
	// maxStreams is how many outgoing SSRCs a session keeps counters of. A
	// client that is shown a hundred others without SSRC rewriting hears of 700.
	maxStreams = 4096
	// maxCandidates of the remote side are tried: each is checked from each of
	// our addresses, and whoever signals them chooses where those checks go.
	maxCandidates = 24
	// consentTime without a sign of life ends sending (RFC 7675 §5.1).
	consentTime = 30 * time.Second
	consentTick = 5 * time.Second
)

// Session is the transport of one endpoint. All methods may be called from
// any goroutine.
type Session struct {
	port  *Port
	opts  Options
	log   *slog.Logger
	peer  Peer
	index int // below maxSessions; the batches' shortcut to the session's chain
	cert  *certificate
	// What the readers use.
	path        atomic.Pointer[binding]     // where to send to
	egress      atomic.Pointer[srtp.Sender] // nil before the handshake is done
	active      atomic.Int64
	nominations atomic.Uint32  // of ours, beside the agents'
	rx          sync.Mutex     // held while the peer handles a packet
	ingress     *srtp.Receiver // guarded by rx; nil before the handshake and after the end

	dtlsIn   *inbox
	wake     chan struct{} // something changed that run waits for
	stop     chan struct{}
	stopOnce sync.Once
	done     chan struct{}
	messages chan []byte  // to the data channel
	waiting  atomic.Int64 // bytes of them
	open     atomic.Bool  // the data channel is

	mu           sync.Mutex
	closing      bool
	current      *generation   // never nil
	pending      *generation   // a restart's, until it has a way
	retired      *generation   // the one before, for a moment
	dropped      []*generation // for run to close
	restarts     int
	moves        int           // of ours, to other addresses
	nominated    int64         // when a way without a relay was last
	fingerprints []Fingerprint // the remote side's
	setup        Setup         // its role
	streams      map[uint32]*Stream
	remotes      map[remoteKey]*remoteAddress
	relays       map[netip.AddrPort]bool // addresses that the remote side calls a relay's
	handshook    bool                    // fingerprints have been checked and no longer change

	ring   [maxTransactions]transactionID // guarded by port.txMu
	ringAt int
}

func newSession(p *Port, o Options, peer Peer, index int, cert *certificate) (*Session, error) {
	s := &Session{
		port: p, opts: o, log: o.Log, peer: peer, index: index, cert: cert,
		dtlsIn:   newInbox(dtlsQueue, dtlsRate),
		wake:     make(chan struct{}, 1),
		stop:     make(chan struct{}),
		done:     make(chan struct{}),
		messages: make(chan []byte, messageQueue),
		streams:  map[uint32]*Stream{},
		remotes:  map[remoteKey]*remoteAddress{},
		relays:   map[netip.AddrPort]bool{},

		nominated: -nominatePause,
	}
	var err error
	s.current, err = s.newGeneration(0, p.locals, p.extra)
	return s, err
}

// Local describes our side, for the signalling. It changes only with
// [Session.Restart], once the new generation is in use.
func (s *Session) Local() Description {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current.local
}

// SetRemote tells what the signalling said of the remote side; it may be
// called again with more. Of each generation of ICE the first user fragment
// and password stay, and candidates are added; a generation that is over, or
// was never begun, is ignored, and 0 means the one in use. The first setup
// role stays; fingerprints replace the earlier ones until the handshake is
// done. It does not block.
func (s *Session) SetRemote(d Description) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return ErrClosed
	}
	g := s.current
	if d.Generation != 0 && d.Generation != g.number {
		g = s.pending
		if g == nil || g.number != d.Generation {
			return nil
		}
	}
	if err := g.remember(d); err != nil {
		return err
	}
	if len(d.Fingerprints) > 0 && !s.handshook {
		if !usable(d.Fingerprints) {
			return fmt.Errorf("no fingerprint of a known hash: %w", ErrFingerprint)
		}
		s.fingerprints = d.Fingerprints
		for _, f := range d.Fingerprints {
			// actpass is an offer, not a choice: it leaves the role open.
			if s.setup == 0 && (f.Setup == Active || f.Setup == Passive) {
				s.setup = f.Setup
			}
		}
	}
	s.nudge()
	return nil
}

// nudge makes run look at what has changed.
func (s *Session) nudge() {
	select {
	case s.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// LastActivity is when the remote side last proved to be there (authentic
// RTP, RTCP or connectivity check), on the clock of [Now]; 0 is never.
func (s *Session) LastActivity() int64 { return s.active.Load() }

// Close ends the session and returns at once. Closed is the last the peer
// hears, from the session's goroutine; calls of HandleRTP that are under way
// may still end after Close returns.
func (s *Session) Close() {
	s.stopOnce.Do(func() {
		s.mu.Lock()
		s.closing = true
		list := s.generations()
		s.mu.Unlock()
		s.egress.Store(nil)
		s.port.hide(list...)
		close(s.stop)
	})
}

// Wait blocks until the peer has been told Closed and nothing of the session
// runs any more. It must not be called from the Peer's methods.
func (s *Session) Wait() { <-s.done }

// run owns the session: it starts ICE and DTLS when what they need is there,
// and is the only one to call HandleState and HandleMessage.
func (s *Session) run() {
	defer close(s.done)
	ctx, cancel := context.WithCancel(context.Background())
	var children sync.WaitGroup
	s.serve(ctx, &children)
	cancel()
	children.Wait() // DTLS says goodbye while there is still a path
	s.mu.Lock()
	list := s.generations()
	s.mu.Unlock()
	for _, g := range list {
		g.close()
	}
	s.forgetTransactions()
	s.unbindAll()
	s.path.Store(nil)
	s.rx.Lock() // whoever handles a packet now is the last
	s.ingress = nil
	s.rx.Unlock()
	if s.open.Swap(false) {
		s.peer.HandleState(ChannelClosed)
	}
	s.peer.HandleState(Closed)
	s.port.release(s)
}

func (s *Session) serve(ctx context.Context, children *sync.WaitGroup) {
	consent := time.NewTicker(consentTick)
	defer consent.Stop()
	var shaking, failed bool
	fail := func(err error) {
		if !failed {
			failed = true
			s.log.Info("transport failed", "err", err)
			s.peer.HandleState(Failed)
		}
	}
	events := make(chan event)
	for {
		select {
		case <-s.stop:
			return
		case <-consent.C:
			s.checkConsent(Now())
		case e := <-events:
			switch e.kind {
			case shaken:
				if e.err != nil {
					fail(e.err)
					break
				}
				s.install(e.keys)
				s.peer.HandleState(Connected)
				close(e.proceed)
			case message:
				s.port.gauges.messagesIn.Inc()
				s.peer.HandleMessage(e.text)
			case opened:
				s.open.Store(true)
				s.port.gauges.channels.Inc()
				s.peer.HandleState(ChannelOpen)
			case closed:
				s.open.Store(false)
				s.peer.HandleState(ChannelClosed)
			}
		case <-s.wake:
			if err := s.tend(time.Now()); err != nil {
				if !failed {
					s.port.gauges.iceFailed.Inc()
				}
				fail(err)
				continue
			}
			s.leaveRelay(Now())
			fingerprints, setup := s.signalled()
			if !shaking && s.path.Load() != nil && setup != 0 && fingerprints > 0 {
				shaking = true
				children.Go(func() { s.secure(ctx, setup == Passive, events) })
			}
		}
	}
}

var errICE = errors.New("ICE found no way, or lost it")

// signalled is what DTLS needs to know of the remote side.
func (s *Session) signalled() (fingerprints int, setup Setup) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.fingerprints), s.setup
}

// eventKind is what the session's other goroutines have to say to run.
type eventKind int

const (
	shaken  eventKind = iota + 1 // the DTLS handshake is over
	opened                       // the data channel is there
	message                      // it brought a message
	closed                       // it is gone
)

type event struct {
	kind    eventKind
	err     error
	keys    *sessionKeys
	proceed chan struct{} // of shaken: closed when the peer knows
	text    []byte
}

// sessionKeys are what the handshake leaves behind.
type sessionKeys struct {
	sender   *srtp.Sender
	receiver *srtp.Receiver
}

// install lets media flow, unless the session is being closed.
func (s *Session) install(k *sessionKeys) {
	s.mu.Lock()
	if !s.closing {
		s.egress.Store(k.sender)
	}
	s.mu.Unlock()
	s.rx.Lock()
	s.ingress = k.receiver
	s.rx.Unlock()
}

// receive opens a packet from a validated address and hands it to the peer.
func (s *Session) receive(out *Batch, from *binding, k kind, packet []byte, now int64) {
	s.rx.Lock()
	defer s.rx.Unlock()
	if s.ingress == nil {
		out.dropped[dropMediaEarly]++
		return
	}
	var plain []byte
	var err error
	if k == rtpPacket {
		plain, err = s.ingress.OpenRTP(packet)
	} else {
		plain, err = s.ingress.OpenRTCP(packet)
	}
	if err != nil {
		out.dropped[dropReason(err)]++
		return
	}
	s.active.Store(now)
	from.active.Store(now)
	// The client decides which of its ways it uses. A packet that was neither
	// forged nor replayed, from an address that answered us, says so.
	if s.path.Load() != from {
		s.follow(from)
	}
	if k == rtpPacket {
		s.peer.HandleRTP(out, plain, now)
	} else {
		s.peer.HandleRTCP(out, plain, now)
	}
}

func dropReason(err error) reason {
	switch err {
	case srtp.ErrReplayed:
		return dropMediaReplayed
	case srtp.ErrAuth:
		return dropMediaAuth
	}
	return dropMediaMalformed
}

// Stream is the outgoing SRTP state of one SSRC towards one session. It may
// be used by several goroutines.
type Stream struct {
	session *Session
	counter srtp.Counter
}

// Stream is the outgoing SRTP state (rollover counter) of one SSRC, the same
// for the same ssrc. Look it up once and keep it: this takes a lock.
func (s *Session) Stream(ssrc uint32) *Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.streams[ssrc]
	if st == nil {
		st = &Stream{session: s}
		if len(s.streams) < maxStreams {
			s.streams[ssrc] = st
		} else {
			s.log.Warn("too many outgoing streams", "ssrc", ssrc)
		}
	}
	return st
}

// Send seals header and payload as one SRTP packet into the batch, without
// another copy. header is the RTP header with CSRCs and extensions, its SSRC
// the stream's; payload includes any padding. Neither is changed or kept. It
// does nothing before Connected.
//
// A sequence number may be sent again (retransmission) as long as it is at
// most 32,767 behind the newest. It must then be the very same packet, header
// extensions included: GCM under one nonce must never see two plaintexts. A
// packet that has to differ goes out as RTX on its own SSRC.
func (st *Stream) Send(out *Batch, header, payload []byte) {
	s := st.session
	tx := s.egress.Load()
	if tx == nil {
		out.dropped[dropSendEarly]++
		return
	}
	size := len(header) + len(payload) + srtp.Overhead
	if size > maxDatagram {
		out.dropped[dropSendSize]++
		return
	}
	sealed, ok := tx.SealRTP(&out.scratch, out.reserve(size), &st.counter, header, payload)
	if !ok {
		out.dropped[dropSendIndex]++
		return
	}
	out.commit(s, len(sealed))
}

// SendRTCP seals a compound packet into the batch. It does nothing before
// Connected.
func (s *Session) SendRTCP(out *Batch, compound []byte) {
	tx := s.egress.Load()
	if tx == nil {
		out.dropped[dropSendEarly]++
		return
	}
	size := len(compound) + srtp.OverheadRTCP
	if size > maxDatagram {
		out.dropped[dropSendSize]++
		return
	}
	sealed, ok := tx.SealRTCP(&out.scratch, out.reserve(size), compound)
	if !ok {
		out.dropped[dropSendIndex]++
		return
	}
	out.commit(s, len(sealed))
}

// Path tells how the remote side is reached: "udp ADDRESS:PORT", or "tcp"; "" while it
// is not.
func (s *Session) Path() string {
	path := s.path.Load()
	if path == nil {
		return ""
	}
	if path.conn != nil {
		return "tcp " + path.conn.remote.String()
	}
	return "udp " + path.addr.String()
}
