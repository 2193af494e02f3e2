package transport

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"

	"meetbox.local/bridge/internal/srtp"
)

// way is a client's side of a pair of candidates.
type way struct {
	t    *testing.T
	conn net.Conn
	to   Description // the bridge's
	// The number of each nomination; 0 is one without.
	nominated chan uint32
	media     chan []byte // what is no STUN
}

// framedConn has a packet in each write and read.
type framedConn struct{ net.Conn }

func (c framedConn) Write(b []byte) (int, error) { return c.Conn.Write(framed(b)) }

func (c framedConn) Read(b []byte) (int, error) {
	var size [frameHeader]byte
	if _, err := io.ReadFull(c.Conn, size[:]); err != nil {
		return 0, err
	}
	return io.ReadFull(c.Conn, b[:binary.BigEndian.Uint16(size[:])])
}

const wayUfrag, wayPassword = "them", "the client's own password"

func newWay(t *testing.T, p *Port, to Description) *way {
	t.Helper()
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(p.locals[0].addr))
	if err != nil {
		t.Fatal(err)
	}
	return startWay(t, c, to)
}

func startWay(t *testing.T, c net.Conn, to Description) *way {
	w := &way{t, c, to, make(chan uint32, 64), make(chan []byte, 64)}
	done := make(chan struct{})
	go func() { defer close(done); w.answer() }()
	t.Cleanup(func() { c.Close(); <-done })
	return w
}

func (w *way) addr() netip.AddrPort { return netip.MustParseAddrPort(w.conn.LocalAddr().String()) }

// check asks the bridge.
func (w *way) check() {
	w.t.Helper()
	m, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername(w.to.Ufrag+":"+wayUfrag),
		ice.AttrControlled(1), ice.PriorityAttr(1), stun.NewShortTermIntegrity(w.to.Password), stun.Fingerprint)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.conn.Write(m.Raw); err != nil {
		w.t.Fatal(err)
	}
}

// answer tells the bridge that it is heard, until the end.
func (w *way) answer() {
	b := make([]byte, 1500)
	for {
		n, err := w.conn.Read(b)
		if err != nil {
			return
		}
		m := &stun.Message{Raw: append([]byte(nil), b[:n]...)}
		if !stun.IsMessage(m.Raw) {
			note(w.media, m.Raw)
		}
		if m.Decode() != nil || m.Type != stun.BindingRequest {
			continue
		}
		if m.Contains(stun.AttrUseCandidate) {
			var number uint32
			if v, err := m.Get(attrNomination); err == nil {
				number = binary.BigEndian.Uint32(v)
			}
			note(w.nominated, number)
		}
		a, err := stun.Build(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess,
			&stun.XORMappedAddress{IP: net.IPv4(127, 0, 0, 1), Port: int(w.addr().Port())},
			stun.NewShortTermIntegrity(wayPassword), stun.Fingerprint)
		if err != nil {
			w.t.Error(err)
			return
		}
		_, _ = w.conn.Write(a.Raw) // the bridge asks again
	}
}

// A relay that answered first is left for a way that needs none, however late
// that comes; and two ways without a relay are left to the client.
func TestRelayIsLeft(t *testing.T) {
	t.Parallel()
	for _, first := range []CandidateType{Relayed, Host} {
		p := openPort(t)
		s, err := p.NewSession(Options{Controlling: true}, newRecorder())
		if err != nil {
			t.Fatal(err)
		}
		relay, direct := newWay(t, p, s.Local()), newWay(t, p, s.Local())
		if err := s.SetRemote(Description{Ufrag: wayUfrag, Password: wayPassword, Candidates: []Candidate{
			{Foundation: "1", Type: first, Addr: relay.addr(), Priority: 1},
		}}); err != nil {
			t.Fatal(err)
		}
		relay.check()
		if got := next(t, "nomination", relay.nominated); got != 0 {
			t.Errorf("the first nomination has the number %d", got)
		}
		eventually(t, "the way in use", func() bool {
			path := s.path.Load()
			return path != nil && path.addr == relay.addr()
		})
		// The client goes on asking by both ways, as it does.
		var got []uint32
		eventually(t, "the other way's nomination, or that it is known", func() bool {
			direct.check()
			select {
			case n := <-direct.nominated:
				got = append(got, n)
			default:
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			r := s.remotes[remoteKey{p.locals[0], addressOf(direct.addr())}]
			return len(got) > 0 || first == Host && r != nil && r.bound != nil
		})
		if first == Host {
			s.mu.Lock()
			if s.outdoes(s.remotes[remoteKey{p.locals[0], addressOf(direct.addr())}].bound) {
				t.Error("a second way without a relay is to take the place of the first")
			}
			s.mu.Unlock()
			continue
		}
		if got[0] != 2 {
			t.Errorf("nominated with the numbers %v", got)
		}
		// The client has followed; nobody goes back to the relay.
		s.mu.Lock()
		path := s.remotes[remoteKey{p.locals[0], addressOf(direct.addr())}].bound
		bound := s.remotes[remoteKey{p.locals[0], addressOf(relay.addr())}].bound
		s.mu.Unlock()
		s.follow(path)
		s.mu.Lock()
		if s.outdoes(bound) || s.outdoes(path) {
			t.Error("a relay is to take the place of the way without one")
		}
		s.mu.Unlock()
	}
}

// A client that has chosen a relay asks by no other way any more; the way that
// answered the bridge is nominated all the same, and media follows.
func TestRelayIsLeftUnasked(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			p := open(t, Config{Addresses: []netip.Addr{loopback}, TCPPort: -1})
			_, s := echoing(t, p, Options{Controlling: true})
			talk := media(t, s)
			relay := newWay(t, p, s.Local())
			var direct *way
			if network == "tcp" {
				direct = startWay(t, framedConn{dialTCP(t, p)}, s.Local())
			} else {
				direct = newWay(t, p, s.Local())
			}
			d := Description{Ufrag: wayUfrag, Password: wayPassword}
			if network == "tcp" { // the relay is our own, and the client says nothing of it
				p.SetRelay(relay.addr(), true)
			} else {
				d.Candidates = []Candidate{{Foundation: "1", Type: Relayed, Addr: relay.addr(), Priority: 1}}
			}
			if err := s.SetRemote(d); err != nil {
				t.Fatal(err)
			}
			relay.check()
			next(t, "nomination of the relay", relay.nominated)
			talk(relay)
			next(t, "media through the relay", relay.media)
			direct.check() // once
			if got := next(t, "nomination of the other way", direct.nominated); got != 2 {
				t.Errorf("nominated with the number %d", got)
			}
			// Said once more to a client that has not heard it.
			if got := next(t, "another nomination", direct.nominated); got != 3 {
				t.Errorf("nominated again with the number %d", got)
			}
			talk(direct)
			next(t, "media by the other way", direct.media)
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.outdoing(Now()) != nil || s.path.Load().addr == relay.addr() {
				t.Error("the client has followed and is to be nominated another way")
			}
		})
	}
}

// media lets RTP flow without a handshake. What it returns sends a packet.
func media(t *testing.T, s *Session) func(*way) {
	t.Helper()
	keys := randomKeys(srtp.GCM128)
	client, err := srtp.NewSender(keys)
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := srtp.NewReceiver(keys)
	if err != nil {
		t.Fatal(err)
	}
	sender, err := srtp.NewSender(randomKeys(srtp.GCM128))
	if err != nil {
		t.Fatal(err)
	}
	s.install(&sessionKeys{sender, receiver})
	var scratch srtp.Scratch
	var count srtp.Counter
	header := [12]byte{0: 0x80, 1: clientPT, 11: 1}
	return func(w *way) {
		t.Helper()
		header[3]++
		packet, ok := client.SealRTP(&scratch, make([]byte, 0, slotSize), &count, header[:], []byte("hello"))
		if !ok {
			t.Fatal("client cannot seal")
		}
		if _, err := w.conn.Write(packet); err != nil {
			t.Fatal(err)
		}
	}
}

// Who stays on its relay whatever it is told, or answers no more, is not told
// for ever; who has followed once is told again when it is back on the relay.
func TestRelayIsKept(t *testing.T) {
	t.Parallel()
	p, err := Open(Config{Addresses: []netip.Addr{loopback}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	sink := netip.AddrPortFrom(loopback, uint16(p.LocalPort())) // reads nothing
	relay, direct := addressOf(netip.AddrPortFrom(loopback.Next(), sink.Port())), addressOf(sink)
	cert, err := newCertificate(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSession(p, Options{Controlling: true}, newRecorder(), 0, cert) // nobody runs it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.current.close)
	if err := s.SetRemote(Description{Ufrag: wayUfrag, Password: wayPassword, Candidates: []Candidate{
		{Foundation: "1", Type: Relayed, Addr: relay.addrPort(), Priority: 1},
	}}); err != nil {
		t.Fatal(err)
	}
	now := int64(0)
	// told is how often the way without a relay is nominated in a minute.
	told := func(answers bool) uint32 {
		t.Helper()
		before := s.nominations.Load()
		for end := now + int64(time.Minute); now < end; now += nominatePause / 4 {
			s.validate(p.locals[0], relay, now)
			if answers {
				s.validate(p.locals[0], direct, now)
			}
			s.leaveRelay(now)
		}
		return s.nominations.Load() - before
	}
	if got := told(true); got != 0 {
		t.Errorf("nominated %d times before the agent has chosen", got)
	}
	way, relayed := s.remotes[remoteKey{p.locals[0], direct}].bound, s.remotes[remoteKey{p.locals[0], relay}].bound
	if s.path.Load() != relayed || !s.cutOver(s.current) {
		t.Fatal("the relay is not in use")
	}
	if got := told(true); got != maxNominations {
		t.Errorf("nominated %d times in vain, not %d", got, maxNominations)
	}
	if got := told(true); got != 0 {
		t.Errorf("nominated %d times more", got)
	}
	s.follow(way)
	if got := told(true); got != 0 {
		t.Errorf("nominated %d times after the client has followed", got)
	}
	s.follow(relayed)
	if got, most := told(false), uint32(int64(disconnectedAfter)/nominatePause+1); got == 0 || got > most {
		t.Errorf("nominated %d times without an answer, not up to %d", got, most)
	}
	if got := told(true); got == 0 || got > maxNominations {
		t.Errorf("nominated %d times when it answers again", got)
	}
}
