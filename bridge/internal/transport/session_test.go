package transport

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

func TestSession(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		setup func(*webrtc.SettingEngine)
	}{
		{"GCM", func(se *webrtc.SettingEngine) {
			// The order of Chrome, which prefers the other one.
			se.SetSRTPProtectionProfiles(dtls.SRTP_AES128_CM_HMAC_SHA1_80, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AEAD_AES_128_GCM)
		}},
		{"counter mode", func(se *webrtc.SettingEngine) { se.SetSRTPProtectionProfiles(dtls.SRTP_AES128_CM_HMAC_SHA1_80) }},
		{"bridge is DTLS client", func(se *webrtc.SettingEngine) {
			if err := se.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
				t.Error(err)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := openPort(t)
			r, s, c := connected(t, p, clientOptions{channel: true, setup: tc.setup})
			r.wantState(t, ChannelOpen)
			next(t, "client's channel opens", c.opened)

			var seq uint16 = 65530 // rolls over
			for range 20 {
				if got := c.talk(t, &seq, "hello"); got.SSRC != bridgeSSRC {
					t.Fatalf("SSRC %d came back, want %d", got.SSRC, bridgeSSRC)
				}
			}
			if err := c.channel.SendText(`{"colibriClass":"ClientHello"}`); err != nil {
				t.Fatal(err)
			}
			if got, want := next(t, "message", r.messages), `{"colibriClass":"ClientHello"}`; got != want {
				t.Errorf("message %q, want %q", got, want)
			}
			if err := s.SendMessage([]byte("to the client")); err != nil {
				t.Fatal(err)
			}
			if got, want := next(t, "text", c.texts), "to the client"; got != want {
				t.Errorf("text %q, want %q", got, want)
			}
			if s.LastActivity() == 0 || s.LastActivity() > Now() {
				t.Errorf("last activity %d, now %d", s.LastActivity(), Now())
			}

			s.Close()
			r.wantState(t, ChannelClosed)
			r.wantState(t, Closed)
			s.Wait()
			if err := s.SendMessage([]byte("x")); !errors.Is(err, ErrNoChannel) {
				t.Errorf("SendMessage after Close: %v, want %v", err, ErrNoChannel)
			}
			if err := s.SetRemote(Description{}); !errors.Is(err, ErrClosed) {
				t.Errorf("SetRemote after Close: %v, want %v", err, ErrClosed)
			}
		})
	}
}

// Twenty people on one port, half of them without a channel; each hears only
// itself.
func TestTwentySessions(t *testing.T) {
	t.Parallel()
	p := openPort(t)
	t.Run("all", func(t *testing.T) {
		for i := range 20 {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				r, s, c := connected(t, p, clientOptions{channel: i%2 == 0})
				if i%2 == 0 {
					r.wantState(t, ChannelOpen)
				}
				want := fmt.Sprintf("from %d", i)
				seq := uint16(1)
				for range 10 {
					if got := c.talk(t, &seq, want); string(got.Payload) != want {
						t.Errorf("client %d hears %q", i, got.Payload)
					}
				}
				s.Close()
				s.Wait()
			})
		}
	})
	if n := len(*p.locals[0].bindings.Load()); n != 0 {
		t.Errorf("%d addresses still bound", n)
	}
	if n := len(p.transactions); n != 0 {
		t.Errorf("%d transactions left", n)
	}
}

// A client whose address changes without its doing is found again, both ways.
func TestClientMoves(t *testing.T) {
	t.Parallel()
	p := openPort(t, loopback, loopback.Next())
	r, s, c := connected(t, p, clientOptions{channel: true})
	r.wantState(t, ChannelOpen)
	var seq uint16 = 1
	for range 3 {
		c.talk(t, &seq, "hello")
		before := s.path.Load().addr
		c.socket.move(t)
		for len(c.packets) > 0 {
			<-c.packets
		}
		c.talk(t, &seq, "hello")
		if now := s.path.Load().addr; now == before {
			t.Errorf("still sending to %v", now)
		}
	}
	if err := s.SendMessage([]byte("found you")); err != nil {
		t.Fatal(err)
	}
	next(t, "message on the new way", c.texts)
}

// RFC 7675: to a client that has not been heard of for half a minute nothing is
// sent any more, until it is heard of again.
func TestConsent(t *testing.T) {
	t.Parallel()
	p := openPort(t)
	_, s, c := connected(t, p, clientOptions{})
	var seq uint16 = 1
	c.talk(t, &seq, "hello")
	s.checkConsent(s.LastActivity() + int64(consentTime))
	if s.path.Load() == nil {
		t.Fatal("given up too early")
	}
	c.socket.silent.Store(true)
	out := newBatch(p.gauges, 0)
	header := []byte{0x80, clientPT, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1}
	binary.BigEndian.PutUint32(header[8:], bridgeSSRC+1)
	eventually(t, "nothing is sent any more", func() bool {
		s.checkConsent(Now() + int64(consentTime) + int64(time.Minute))
		before := p.dropped(dropSendPath)
		header[3]++
		s.Stream(bridgeSSRC+1).Send(out, header, []byte("into the dark"))
		out.Flush()
		return s.Path() == "" && p.dropped(dropSendPath) > before
	})
	for len(c.packets) > 0 {
		<-c.packets
	}
	c.socket.silent.Store(false)
	c.talk(t, &seq, "back")
	if s.Path() == "" {
		t.Error("no way back to it")
	}
}

func TestIPv6(t *testing.T) {
	t.Parallel()
	p := openPort(t, loopback, netip.IPv6Loopback())
	_, s, c := connected(t, p, clientOptions{v6: true})
	var seq uint16 = 1
	c.talk(t, &seq, "hello")
	if a := s.path.Load().addr; !a.Addr().Is6() {
		t.Errorf("sending to %v", a)
	}
}

// New sessions offer the new addresses, old ones live on where they can.
func TestAddressesChange(t *testing.T) {
	t.Parallel()
	p := openPort(t)
	_, s, c := connected(t, p, clientOptions{})
	second := loopback.Next()
	if err := p.SetAddresses([]netip.Addr{second, loopback}); err != nil {
		t.Fatal(err)
	}
	var seq uint16 = 1
	c.talk(t, &seq, "as before")
	// The address in use goes: the session goes on from the other one.
	if err := p.SetAddresses([]netip.Addr{second}); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	for string(c.talk(t, &seq, "moved").Payload) != "moved" { // what was under way before may still come
	}
	if d := time.Since(begun); d > 5*time.Second {
		t.Errorf("media was away for %v", d)
	}
	if got := s.path.Load(); got == nil || got.local.addr.Addr() != second {
		t.Errorf("sending from %+v, want %v", got, second)
	}
	if err := p.SetAddresses([]netip.Addr{netip.MustParseAddr("192.0.2.1")}); !errors.Is(err, ErrNoAddress) {
		t.Errorf("no address of ours: %v, want %v", err, ErrNoAddress)
	}
	r2 := newRecorder()
	r2.echo = true
	s2, c2 := join(t, p, r2, clientOptions{})
	if got := s2.Local().Candidates; len(got) != 1 || got[0].Addr.Addr() != second || int(got[0].Addr.Port()) != p.LocalPort() {
		t.Errorf("candidates %+v, want only %v", got, second)
	}
	r2.wantState(t, Connected)
	c2.talk(t, &seq, "new")
}

// A session that replaces another, while that one still says goodbye.
func TestCreatedAgain(t *testing.T) {
	t.Parallel()
	p := openPort(t)
	r, first, _ := connected(t, p, clientOptions{})
	again := newRecorder()
	again.echo = true
	second, c := join(t, p, again, clientOptions{})
	first.Close()
	if first.Local().Ufrag == second.Local().Ufrag {
		t.Errorf("two sessions are called %s", first.Local().Ufrag)
	}
	again.wantState(t, Connected)
	var seq uint16 = 1
	c.talk(t, &seq, "hello")
	r.wantState(t, Closed)
}

func TestWrongFingerprint(t *testing.T) {
	t.Parallel()
	p := openPort(t)
	r := newRecorder()
	s, err := p.NewSession(Options{Controlling: true}, r)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, clientOptions{})
	d := c.answer(t, s.Local())
	d.Fingerprints[0].Value = strings.Repeat("00:", 31) + "00"
	if err := s.SetRemote(d); err != nil {
		t.Fatal(err)
	}
	r.wantState(t, Failed)
	// CVE-2021-28681: after a handshake that failed there is nothing that could
	// carry anything.
	s.rx.Lock()
	if s.ingress != nil || s.egress.Load() != nil || s.open.Load() {
		t.Error("keys, or a channel, of a stranger")
	}
	s.rx.Unlock()
	s.Close()
	r.wantState(t, Closed)
	if got := p.gauges.handshakes[handshakeFingerprint].Get(); got != 1 {
		t.Errorf("%d handshakes failed for the fingerprint, want 1", got)
	}
}

// What strangers send is counted and touches nobody.
func TestGarbage(t *testing.T) {
	t.Parallel()
	p := openPort(t)
	r, s, c := connected(t, p, clientOptions{channel: true})
	r.wantState(t, ChannelOpen)

	stranger, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(p.locals[0].addr))
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	request := func(user, password string, more ...stun.Setter) []byte {
		m, err := stun.Build(append([]stun.Setter{stun.BindingRequest, stun.TransactionID, stun.NewUsername(user),
			ice.AttrControlled(1), stun.NewShortTermIntegrity(password), stun.Fingerprint}, more...)...)
		if err != nil {
			t.Fatal(err)
		}
		return m.Raw
	}
	success, err := stun.Build(stun.BindingSuccess, stun.TransactionID, stun.NewShortTermIntegrity("x"))
	if err != nil {
		t.Fatal(err)
	}
	known := s.current.ufrag + ":them"
	truncated := request(known, s.current.password)
	random := make([]byte, 200)
	rand.Read(random)
	random[0] = 100
	for _, tc := range []struct {
		name   string
		packet []byte
		want   reason
	}{
		{"random bytes", random, dropGarbage},
		{"one byte", []byte{0x80}, dropGarbage},
		{"cut STUN", truncated[:len(truncated)-5], dropSTUNMalformed},
		{"STUN with a wrong user", request("nobody:them", s.current.password), dropSTUNUser},
		{"STUN without a user", success.Raw[:0:0], dropGarbage},
		{"STUN with a wrong password", request(known, "wrong"), dropSTUNIntegrity},
		{"stray STUN response", success.Raw, dropSTUNStray},
		{"DTLS", append([]byte{22, 254, 253}, make([]byte, 60)...), dropDTLSStranger},
		{"RTP", append([]byte{0x80, clientPT}, make([]byte, 60)...), dropMediaStranger},
		{"RTCP", append([]byte{0x80, 201}, make([]byte, 60)...), dropMediaStranger},
		{"too large", append([]byte{0x80, clientPT}, make([]byte, slotSize)...), dropTruncated},
	} {
		before := p.dropped(tc.want)
		if _, err := stranger.Write(tc.packet); err != nil {
			t.Fatal(err)
		}
		eventually(t, tc.name+" counted as "+reasonNames[tc.want], func() bool { return p.dropped(tc.want) > before })
	}
	// The same from the address that may send, where the keys decide.
	forged := append([]byte{0x80, clientPT, 1, 2, 0, 0, 0, 0, 0, 0, 0, 1}, make([]byte, 60)...)
	conn, _ := c.socket.current()
	before := p.dropped(dropMediaAuth)
	if _, err := conn.WriteToUDPAddrPort(forged, p.locals[0].addr); err != nil {
		t.Fatal(err)
	}
	eventually(t, "forged RTP counted", func() bool { return p.dropped(dropMediaAuth) > before })

	var seq uint16 = 1
	c.talk(t, &seq, "hello")
	if err := s.SendMessage([]byte("still here")); err != nil {
		t.Fatal(err)
	}
	next(t, "text", c.texts)
	if len(r.states) > 0 {
		t.Errorf("state changed to %v", <-r.states)
	}
}

// A stranger who has overheard an authentic check and repeats it from its own
// address gets neither media nor a say in DTLS.
func TestOverheardCheck(t *testing.T) {
	t.Parallel()
	p := openPort(t)
	_, s, c := connected(t, p, clientOptions{})
	var seq uint16 = 1
	c.talk(t, &seq, "hello")
	path := s.path.Load()
	s.mu.Lock()
	user := s.current.ufrag + ":" + s.current.theirs.Ufrag
	s.mu.Unlock()
	m, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername(user), ice.PriorityAttr(1),
		ice.AttrControlled(1), stun.NewShortTermIntegrity(s.current.password), stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(p.locals[0].addr))
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	for range 3 {
		if _, err := stranger.Write(m.Raw); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := stranger.Write(append([]byte{22, 254, 253}, make([]byte, 60)...)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "DTLS from the stranger counted", func() bool { return p.dropped(dropDTLSStranger) == 1 })
	c.talk(t, &seq, "hello")
	if s.path.Load() != path {
		t.Error("the path has moved")
	}
}

// The address that a client has reached already is offered first, and to it
// only; one that the bridge has not changes nothing.
func TestReachedFirst(t *testing.T) {
	t.Parallel()
	a := []netip.Addr{loopback, netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3")}
	p := openPort(t, a...)
	for _, c := range []struct {
		reached netip.Addr
		want    []netip.Addr
	}{
		{a[2], []netip.Addr{a[2], a[0], a[1]}},
		{a[0], a},
		{netip.Addr{}, a},
		{netip.MustParseAddr("192.0.2.1"), a},
	} {
		s, err := p.NewSession(Options{Controlling: true, Reached: c.reached}, newRecorder())
		if err != nil {
			t.Fatal(err)
		}
		var got []netip.Addr
		before := ^uint32(0)
		for _, o := range s.Local().Candidates {
			if got = append(got, o.Addr.Addr()); o.Priority >= before {
				t.Errorf("reached %v: %v is not below the one before", c.reached, o)
			}
			before = o.Priority
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("reached %v: offered %v, want %v", c.reached, got, c.want)
		}
	}
}

func TestDescription(t *testing.T) {
	t.Parallel()
	outside := netip.MustParseAddr("192.0.2.1")
	p := openPort(t, loopback, outside, netip.MustParseAddr("::1"))
	s, err := p.NewSession(Options{Controlling: true, SCTP: true}, newRecorder())
	if err != nil {
		t.Fatal(err)
	}
	d := s.Local()
	if len(d.Candidates) != 3 {
		t.Fatalf("candidates %+v, want 3", d.Candidates)
	}
	for i, want := range []struct {
		typ      CandidateType
		addr     netip.Addr
		priority uint32
	}{
		{Host, loopback, 2122317823}, {Host, netip.MustParseAddr("::1"), 2122317567}, {ServerReflexive, outside, 1686110207},
	} {
		c := d.Candidates[i]
		if c.Type != want.typ || c.Addr.Addr() != want.addr || c.Priority != want.priority || int(c.Addr.Port()) != p.LocalPort() {
			t.Errorf("candidate %d: %+v, want %+v", i, c, want)
		}
	}
	if f := d.Fingerprints[0]; f.Setup != ActPass || f.Hash != "sha-256" || len(f.Value) != 95 || f.Value != strings.ToUpper(f.Value) {
		t.Errorf("fingerprint %+v", f)
	}
	if d.SCTPPort != 5000 {
		t.Errorf("SCTP port %d", d.SCTPPort)
	}
	if _, err := Open(Config{Port: p.LocalPort(), Addresses: []netip.Addr{loopback}}); !errors.Is(err, ErrPortInUse) {
		t.Errorf("opening the port again: %v, want %v", err, ErrPortInUse)
	}
	if _, err := Open(Config{Addresses: []netip.Addr{outside}}); !errors.Is(err, ErrNoAddress) {
		t.Errorf("opening without an address of ours: %v, want %v", err, ErrNoAddress)
	}
}

// Candidates that cannot be reached, or have no address, do no harm, and
// those that are signalled are checked without the client having to start.
func TestRemoteCandidates(t *testing.T) {
	t.Parallel()
	p := openPort(t)
	r, s := echoing(t, p, Options{Controlling: true})
	c := newClient(t, clientOptions{})
	local := s.Local()
	local.Candidates = nil // the client cannot start
	d := c.answer(t, local)
	here := c.socket.LocalAddr().(*net.UDPAddr).AddrPort()
	parts := []Description{
		{Fingerprints: d.Fingerprints},
		{Candidates: []Candidate{{Type: Host}, {Type: Host, Addr: netip.MustParseAddrPort("[2001:db8::1]:9")}}},
		{Ufrag: d.Ufrag, Password: d.Password},
		{Candidates: []Candidate{{Type: Host, Addr: here, Priority: 1, Foundation: "1"}}},
		{Ufrag: "other", Password: "ignored"},
	}
	for _, part := range parts {
		if err := s.SetRemote(part); err != nil {
			t.Fatal(err)
		}
	}
	r.wantState(t, Connected)
	var seq uint16 = 1
	c.talk(t, &seq, "hello")
}

// A thousand sessions come and go over real sockets, many at a time, and
// nothing stays: no goroutine, no memory, no entry in a table.
func TestNothingStays(t *testing.T) {
	const total, together = 1000, 50
	p := openPort(t)
	// Of its own, so that what is kept for the test's end goes after each round.
	round := func() {
		t.Run("", func(t *testing.T) {
			sessions, clients := make([]*Session, together), make([]*client, together)
			recorders := make([]*recorder, together)
			for i := range sessions {
				recorders[i] = newRecorder()
				sessions[i], clients[i] = join(t, p, recorders[i], clientOptions{channel: true})
			}
			for _, r := range recorders {
				r.wantState(t, Connected)
				r.wantState(t, ChannelOpen)
			}
			for i, s := range sessions {
				s.Close()
				s.Wait()
				clients[i].close()
			}
		})
	}
	heap := func() uint64 {
		runtime.GC()
		runtime.GC() // what the first one took out of pools
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	round()
	eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= 100 })
	goroutines, memory := runtime.NumGoroutine(), heap()
	for range total / together {
		round()
	}
	// One that never got anywhere.
	s, err := p.NewSession(Options{Controlling: true}, newRecorder())
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	s.Wait()
	eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= goroutines+2 })
	// A kilobyte for each would be more than nothing.
	if after := heap(); after > memory+1<<20 {
		t.Errorf("%d bytes in use, %d before", after, memory)
	} else {
		t.Logf("%d goroutines, %d bytes in use; %d and %d before", runtime.NumGoroutine(), after, goroutines, memory)
	}
	if n := p.gauges.sessions.Get(); n != 0 {
		t.Errorf("%d sessions counted, want 0", n)
	}
	if len(p.sessions) != 0 || p.indexes != together {
		t.Errorf("%d sessions and %d indexes left, want 0 and %d", len(p.sessions), p.indexes, together)
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	der := []byte("certificate")
	print := func(i int) Fingerprint {
		return Fingerprint{Hash: hashes[i].name, Value: fingerprint(hashes[i].hash, der)}
	}
	lower := Fingerprint{Hash: "SHA-256", Value: strings.ToLower(print(2).Value)}
	wrong := Fingerprint{Hash: "sha-512", Value: "00"}
	for _, tc := range []struct {
		name string
		in   []Fingerprint
		want bool
	}{
		{"none", nil, false},
		{"sha-512", []Fingerprint{print(0)}, true},
		{"sha-384", []Fingerprint{print(1)}, true},
		{"sha-256, other case", []Fingerprint{lower}, true},
		{"sha-1", []Fingerprint{print(3)}, true},
		{"one of two of a hash", []Fingerprint{wrong, print(0)}, true},
		{"the strongest decides", []Fingerprint{print(2), wrong}, false},
		{"unknown hash beside", []Fingerprint{{Hash: "md5", Value: "00"}, print(2)}, true},
	} {
		if got := matches(tc.in, der); got != tc.want {
			t.Errorf("%s: matches(%+v) = %v, want %v", tc.name, tc.in, got, tc.want)
		}
	}
	if !bytes.Contains([]byte(print(3).Value), []byte(":")) {
		t.Error("fingerprint without colons")
	}
}
