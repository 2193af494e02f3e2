package transport

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
)

// way is a client's side of a pair of candidates, in STUN only.
type way struct {
	t    *testing.T
	conn *net.UDPConn
	to   Description // the bridge's
	// The number of each nomination; 0 is one without.
	nominated chan uint32
}

const wayUfrag, wayPassword = "them", "the client's own password"

func newWay(t *testing.T, p *Port, to Description) *way {
	t.Helper()
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(p.locals[0].addr))
	if err != nil {
		t.Fatal(err)
	}
	w := &way{t, c, to, make(chan uint32, 64)}
	done := make(chan struct{})
	go func() { defer close(done); w.answer() }()
	t.Cleanup(func() { c.Close(); <-done })
	return w
}

func (w *way) addr() netip.AddrPort { return w.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

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
