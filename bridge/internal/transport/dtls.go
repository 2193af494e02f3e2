package transport

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/dtls/v3"

	"meetbox.local/bridge/internal/srtp"
)

const (
	// dtlsQueue is how many records may wait: a handshake flight is four or
	// five, the rest is for SCTP bursts.
	dtlsQueue = 128
	// dtlsRate of them in each inboxWindow: 40 Mbit/s. A client that sends more
	// through its data channel loses some, and SCTP then slows it down.
	dtlsRate = 400
	// dtlsMTU keeps handshake fragments below every tunnel's size.
	dtlsMTU          = 1200
	handshakeTimeout = 30 * time.Second
	// flightInterval before a flight is repeated, doubling. One second, as
	// DTLS has it, is long for who waits to see somebody.
	flightInterval = 200 * time.Millisecond

	exporterLabel = "EXTRACTOR-dtls_srtp" // RFC 5764 §4.2
)

// secure runs the DTLS connection from the handshake to its end.
func (s *Session) secure(ctx context.Context, client bool, events chan<- event) {
	ctx, cancel := context.WithCancel(ctx)
	pc := &dtlsPort{s}
	conn, keys, err := s.handshake(ctx, pc, client)
	e := event{kind: shaken, err: err, keys: keys, proceed: make(chan struct{})}
	var closer sync.WaitGroup
	if conn != nil {
		closer.Go(func() {
			<-ctx.Done()
			_ = conn.Close() // says goodbye; whether it arrives does not matter
		})
	}
	defer closer.Wait()
	defer cancel()
	if !s.emit(ctx, events, e) || err != nil {
		return
	}
	select {
	case <-e.proceed: // the peer hears Connected before it hears of a channel
	case <-ctx.Done():
		return
	}
	if s.opts.SCTP {
		s.serveSCTP(ctx, conn, events)
	}
	// Alerts must be read even when nobody has anything to say.
	var buf [2048]byte
	for {
		if _, err := conn.Read(buf[:]); err != nil {
			return
		}
	}
}

// emit hands an event to run, unless that has ended.
func (s *Session) emit(ctx context.Context, events chan<- event, e event) bool {
	select {
	case events <- e:
		return true
	case <-ctx.Done():
		return false
	}
}

// handshake shakes hands and derives the SRTP keys.
func (s *Session) handshake(ctx context.Context, pc net.PacketConn, client bool) (*dtls.Conn, *sessionKeys, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	conn, err := s.dtlsConn(pc, client)
	if err != nil {
		return nil, nil, fmt.Errorf("setting up DTLS: %w", err)
	}
	g := s.port.gauges
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		switch {
		case errors.Is(err, ErrFingerprint):
			g.handshakes[handshakeFingerprint].Inc()
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			g.handshakes[handshakeLate].Inc()
		default:
			g.handshakes[handshakeError].Inc()
		}
		return nil, nil, fmt.Errorf("DTLS handshake: %w", err)
	}
	keys, err := exportKeys(conn, client)
	if err != nil {
		g.handshakes[handshakeError].Inc()
		_ = conn.Close()
		return nil, nil, err
	}
	g.handshakes[handshakeOK].Inc()
	return conn, keys, nil
}

func (s *Session) dtlsConn(pc net.PacketConn, client bool) (*dtls.Conn, error) {
	common := []dtls.Option{
		dtls.WithCertificates(s.cert.tls),
		// The first of these that the client offers is taken. Chrome lists GCM
		// last; it costs half as much.
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80),
		dtls.WithExtendedMasterSecret(dtls.RequestExtendedMasterSecret),
		dtls.WithInsecureSkipVerify(true), // the fingerprint is what is verified
		dtls.WithVerifyPeerCertificate(s.verify),
		dtls.WithMTU(dtlsMTU),
		dtls.WithFlightInterval(flightInterval),
		dtls.WithLoggerFactory(silent()),
	}
	if client {
		var opts []dtls.ClientOption
		for _, o := range common {
			opts = append(opts, o)
		}
		return dtls.ClientWithOptions(pc, noAddr{}, opts...)
	}
	opts := []dtls.ServerOption{
		dtls.WithClientAuth(dtls.RequireAnyClientCert),
		dtls.WithInsecureSkipVerifyHello(true), // ICE has verified the address
	}
	for _, o := range common {
		opts = append(opts, o)
	}
	return dtls.ServerWithOptions(pc, noAddr{}, opts...)
}

// verify accepts the certificate that was signalled, and from then on no other.
func (s *Session) verify(raw [][]byte, _ [][]*x509.Certificate) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(raw) == 0 || !matches(s.fingerprints, raw[0]) {
		return ErrFingerprint
	}
	s.handshook = true
	return nil
}

// exportKeys is RFC 5764 §4.2.
func exportKeys(conn *dtls.Conn, client bool) (*sessionKeys, error) {
	selected, ok := conn.SelectedSRTPProtectionProfile()
	if !ok {
		return nil, errors.New("no common SRTP profile")
	}
	profile := srtp.Profile(selected)
	state, ok := conn.ConnectionState()
	if !ok {
		return nil, errors.New("no DTLS connection state")
	}
	k, n := srtp.KeySize, profile.SaltSize()
	b, err := state.ExportKeyingMaterial(exporterLabel, nil, 2*(k+n))
	if err != nil {
		return nil, fmt.Errorf("exporting SRTP keys: %w", err)
	}
	theirs := srtp.Keys{Profile: profile, Key: b[:k], Salt: b[2*k : 2*k+n]}
	ours := srtp.Keys{Profile: profile, Key: b[k : 2*k], Salt: b[2*k+n:]}
	if client {
		theirs, ours = ours, theirs
	}
	sender, err := srtp.NewSender(ours)
	if err != nil {
		return nil, fmt.Errorf("SRTP keys: %w", err)
	}
	receiver, err := srtp.NewReceiver(theirs)
	if err != nil {
		return nil, fmt.Errorf("SRTP keys: %w", err)
	}
	return &sessionKeys{sender, receiver}, nil
}

// dtlsPort is what DTLS takes for a socket: the session's queue, and its path.
type dtlsPort struct{ s *Session }

func (c *dtlsPort) ReadFrom(b []byte) (int, net.Addr, error) {
	n, _, err := c.s.dtlsIn.pop(b)
	return n, noAddr{}, err
}

func (c *dtlsPort) WriteTo(b []byte, _ net.Addr) (int, error) {
	if path := c.s.path.Load(); path != nil {
		if err := path.local.send(b, path.addr); err != nil {
			c.s.port.gauges.drop(dropSendError)
		}
	} else {
		c.s.port.gauges.drop(dropSendPath)
	}
	return len(b), nil // what is lost is repeated
}

func (c *dtlsPort) Close() error                       { c.s.dtlsIn.close(); return nil }
func (c *dtlsPort) LocalAddr() net.Addr                { return noAddr{} }
func (c *dtlsPort) SetDeadline(t time.Time) error      { c.s.dtlsIn.setDeadline(t); return nil }
func (c *dtlsPort) SetReadDeadline(t time.Time) error  { c.s.dtlsIn.setDeadline(t); return nil }
func (c *dtlsPort) SetWriteDeadline(_ time.Time) error { return nil }

// noAddr stands for the remote side, whose address may change.
type noAddr struct{}

func (noAddr) Network() string { return "udp" }
func (noAddr) String() string  { return netip.AddrPort{}.String() }
