package transport

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

func onlyTCP(se *webrtc.SettingEngine) {
	se.SetICEUDPMux(nil)
	se.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
}

// A client without UDP meets the others over TCP: media both ways, the data
// channel, and nothing is left of it.
func TestOverTCP(t *testing.T) {
	t.Parallel()
	p := open(t, Config{Addresses: []netip.Addr{loopback, loopback.Next()}, TCPPort: -1})
	r, s, c := connected(t, p, clientOptions{channel: true, setup: onlyTCP})
	r.wantState(t, ChannelOpen)
	var seq uint16 = 65530
	for range 20 {
		if got := c.talk(t, &seq, "over TCP"); string(got.Payload) != "over TCP" {
			t.Fatalf("%q came back", got.Payload)
		}
	}
	if err := s.SendMessage([]byte("to the client")); err != nil {
		t.Fatal(err)
	}
	if got := next(t, "text", c.texts); got != "to the client" {
		t.Errorf("text %q", got)
	}
	// From whichever of the machine's addresses the client came.
	kind, from, _ := strings.Cut(s.Path(), " ")
	if a, err := netip.ParseAddrPort(from); kind != "tcp" || err != nil || aliased(a.Addr()) {
		t.Errorf("path %q", s.Path())
	}
	// The client knows its own address, not the alias.
	for _, x := range c.pc.GetStats() {
		if local, ok := x.(webrtc.ICECandidateStats); ok && aliased(netip.MustParseAddr(local.IP)) {
			t.Errorf("candidate %+v", local)
		}
	}
	s.Close()
	s.Wait()
	eventually(t, "the connection ends", func() bool { return p.gauges.tcp.Get() == 0 })
}

// UDP comes first for who has both.
func TestTCPIsSecond(t *testing.T) {
	t.Parallel()
	p := open(t, Config{Addresses: []netip.Addr{loopback}, TCPPort: -1})
	_, s, c := connected(t, p, clientOptions{})
	var seq uint16 = 1
	c.talk(t, &seq, "hello")
	if path := s.Path(); !strings.HasPrefix(path, "udp ") {
		t.Errorf("path %q", path)
	}
	var udp, tcp []Candidate
	for _, x := range s.Local().Candidates {
		if x.TCP {
			tcp = append(tcp, x)
		} else {
			udp = append(udp, x)
		}
	}
	if len(udp) != 1 || len(tcp) != 1 || tcp[0].Priority >= udp[0].Priority || tcp[0].Addr != p.locals[0].tcp.addr {
		t.Errorf("candidates %+v and %+v", udp, tcp)
	}
}

func dialTCP(t *testing.T, p *Port) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.locals[0].tcp.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// framed is RFC 4571.
func framed(packets ...[]byte) (b []byte) {
	for _, x := range packets {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(x))), x...)
	}
	return b
}

// Who is nobody's client is sent away at the first packet, and there may only
// be so many of them.
func TestTCPStrangers(t *testing.T) {
	t.Parallel()
	p := open(t, Config{Addresses: []netip.Addr{loopback}, TCPPort: -1})
	s, err := p.NewSession(Options{Controlling: true}, newRecorder())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetRemote(Description{Ufrag: "x", Password: "the client's, which is long"}); err != nil {
		t.Fatal(err)
	}
	ufrag := s.Local().Ufrag
	for name, first := range map[string][]byte{
		"HTTP":              []byte("GET / HTTP/1.1\r\n\r\n"),
		"no check":          framed(make([]byte, 100)),
		"too large":         {0xff, 0xff, 0},
		"of nobody":         framed(check1(t, "nobody:x", "password")),
		"without password":  framed(check1(t, ufrag+":x", "guessed")),
		"own address asked": framed(check1(t, "", "")),
	} {
		c := dialTCP(t, p)
		if _, err := c.Write(first); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if n, err := c.Read(make([]byte, 100)); n != 0 || err == nil {
			t.Errorf("%s: is answered", name)
		} else if nerr, ok := err.(net.Error); ok && nerr.Timeout() {
			t.Errorf("%s: is kept", name)
		}
	}
	eventually(t, "all are gone", func() bool { return p.gauges.tcp.Get() == 0 })
	var many []net.Conn
	for range maxStrange {
		many = append(many, dialTCP(t, p))
	}
	eventually(t, "all are there", func() bool { return p.gauges.tcp.Get() == maxStrange })
	one := dialTCP(t, p)
	_ = one.SetReadDeadline(time.Now().Add(patience))
	if _, err := one.Read(make([]byte, 1)); err == nil {
		t.Error("one more is taken")
	}
	eventually(t, "it is counted", func() bool { return p.dropped(dropTCPMany) > 0 })
	// Somebody who belongs here still gets in once there is room.
	many[0].Close()
	eventually(t, "room", func() bool { return p.gauges.tcp.Get() == maxStrange-1 })
	c := dialTCP(t, p)
	if _, err := c.Write(framed(check1(t, ufrag+":x", s.Local().Password))); err != nil {
		t.Fatal(err)
	}
	var size [2]byte
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(c, size[:]); err != nil {
		t.Errorf("a client is not answered: %v", err)
	}
}

// A connection that takes nothing loses packets and holds up nobody.
func TestSlowTCP(t *testing.T) {
	t.Parallel()
	p := open(t, Config{Addresses: []netip.Addr{loopback}, TCPPort: -1})
	dialTCP(t, p)
	eventually(t, "connected", func() bool { return p.gauges.tcp.Get() == 1 })
	var conn *streamConn
	tcp := p.locals[0].tcp
	tcp.mu.RLock()
	for _, c := range tcp.conns {
		conn = c
	}
	tcp.mu.RUnlock()
	packet := make([]byte, 1200)
	lost := 0
	for range 100_000 { // 120 MB, which no socket takes
		if !conn.put(packet) {
			lost++
		}
	}
	conn.mu.Lock()
	size := cap(conn.queue) + cap(conn.spare)
	conn.mu.Unlock()
	if lost == 0 || size > 4*streamQueue {
		t.Errorf("%d lost, %d bytes kept", lost, size)
	}
}

// FuzzStream: whatever a stranger writes, at most one check of a session that
// knows its password gets any further, and nothing is read beyond what is
// there.
func FuzzStream(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0})
	f.Add(framed([]byte{0x80, 0, 0, 0}))
	f.Add(framed(make([]byte, 20), make([]byte, 1600)))
	f.Add([]byte{0xff, 0xff, 1, 2})
	p, err := Open(Config{Addresses: []netip.Addr{loopback}, TCPPort: -1})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(p.Close)
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, strange := range []bool{true, false} {
			c := &streamConn{streams: p.locals[0].tcp, alias: alias(true, 1), strange: strange}
			in := bufio.NewReaderSize(bytes.NewReader(b), 1<<16)
			_, _ = in.Peek(min(len(b), 1<<16))
			before := in.Buffered()
			ok := c.burst(in)
			whole := before >= frameHeader && before >= frameHeader+int(binary.BigEndian.Uint16(b)) && int(binary.BigEndian.Uint16(b)) <= slotSize
			switch {
			case strange && whole && ok:
				t.Fatal("a stranger gets further")
			case !whole && in.Buffered() != before:
				t.Fatal("half a packet is taken")
			case !strange && (!ok || whole && in.Buffered() == before):
				t.Fatal("a packet is not taken")
			}
		}
		// Its first packet is what all framers agree on.
		if len(b) > 0 && len(b) <= slotSize {
			in := bufio.NewReader(bytes.NewReader(framed(b)))
			_, _ = in.Peek(len(b) + frameHeader)
			c := &streamConn{streams: p.locals[0].tcp, alias: alias(true, 1)}
			if c.burst(in); in.Buffered() != 0 {
				t.Fatal("a framed packet is not taken whole")
			}
		}
	})
}

// check1 is a connectivity check; without a user it asks for its address only.
func check1(t *testing.T, user, password string) []byte {
	t.Helper()
	if user != "" {
		return binding4(t, user, password)
	}
	m, err := stun.Build(stun.BindingRequest, stun.TransactionID)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}
