package transport

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/pion/ice/v4"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// patience bounds every wait in these tests; on a busy machine a handshake
// may take seconds.
const patience = 30 * time.Second

var loopback = netip.MustParseAddr("127.0.0.1")

// openPort serves a port on loopback until the test ends.
func openPort(t testing.TB, addrs ...netip.Addr) *Port {
	t.Helper()
	if len(addrs) == 0 {
		addrs = []netip.Addr{loopback}
	}
	return open(t, Config{Addresses: addrs})
}

func open(t testing.TB, cfg Config) *Port {
	t.Helper()
	cfg.Metrics = metrics.NewSet()
	p, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); p.Serve(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return p
}

// recorder is a Peer that notes what it hears.
type recorder struct {
	states   chan State
	messages chan string
	packets  chan []byte
	rtcp     chan []byte
	session  atomic.Pointer[Session]
	echo     bool // send packets back instead of noting them
}

func newRecorder() *recorder {
	return &recorder{
		states: make(chan State, 16), messages: make(chan string, 64),
		packets: make(chan []byte, 1024), rtcp: make(chan []byte, 1024),
	}
}

// echoing is a session that sends media back, without a client yet.
func echoing(t *testing.T, p *Port, o Options) (*recorder, *Session) {
	t.Helper()
	r := newRecorder()
	r.echo = true
	s, err := p.NewSession(o, r)
	if err != nil {
		t.Fatal(err)
	}
	r.session.Store(s)
	return r, s
}

func (r *recorder) HandleRTP(out *Batch, b []byte, _ int64) {
	if r.echo {
		binary.BigEndian.PutUint32(b[8:], bridgeSSRC)
		n := 12 + 4*int(b[0]&15)
		if b[0]&0x10 != 0 {
			n += 4 + 4*int(binary.BigEndian.Uint16(b[n+2:]))
		}
		r.session.Load().Stream(bridgeSSRC).Send(out, b[:n], b[n:])
		return
	}
	note(r.packets, append([]byte(nil), b...))
}
func (r *recorder) HandleRTCP(_ *Batch, b []byte, _ int64) { note(r.rtcp, append([]byte(nil), b...)) }
func (r *recorder) HandleMessage(b []byte)                 { note(r.messages, string(b)) }
func (r *recorder) HandleState(s State)                    { r.states <- s }

func note[T any](c chan T, x T) {
	select {
	case c <- x:
	default:
	}
}

// next waits for something to happen.
func next[T any](t testing.TB, what string, c <-chan T) T {
	t.Helper()
	select {
	case x := <-c:
		return x
	case <-time.After(patience):
		t.Fatalf("%s: did not happen", what)
		panic("unreachable")
	}
}

func (r *recorder) wantState(t testing.TB, want State) {
	t.Helper()
	if got := next(t, want.String(), r.states); got != want {
		t.Fatalf("state %v, want %v", got, want)
	}
}

// client is a browser, as far as the transport can tell: it answers an offer
// made from the bridge's description.
type client struct {
	pc      *webrtc.PeerConnection
	track   *webrtc.TrackLocalStaticRTP
	channel *webrtc.DataChannel
	opened  chan struct{}
	texts   chan string
	packets chan *rtp.Packet
	socket  *movable
	mux     io.Closer
}

func (c *client) close() {
	c.pc.Close()
	c.mux.Close()
}

const (
	bridgeSSRC = 4001 // of what the bridge sends to a client
	clientPT   = 111
)

type clientOptions struct {
	channel bool
	v6      bool
	setup   func(*webrtc.SettingEngine)
}

func newClient(t testing.TB, o clientOptions) *client {
	t.Helper()
	c := &client{
		opened: make(chan struct{}), texts: make(chan string, 64), packets: make(chan *rtp.Packet, 4096),
		socket: newMovable(t, o.v6),
	}
	var se webrtc.SettingEngine
	se.SetIncludeLoopbackCandidate(true)
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: c.socket})
	c.mux = mux
	se.SetICEUDPMux(mux)
	se.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	if o.setup != nil {
		o.setup(&se)
	}
	var media webrtc.MediaEngine
	codec := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	if err := media.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: codec, PayloadType: clientPT}, webrtc.RTPCodecTypeAudio); err != nil {
		t.Fatal(err)
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(se), webrtc.WithMediaEngine(&media)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	c.pc = pc
	t.Cleanup(c.close)
	c.track, err = webrtc.NewTrackLocalStaticRTP(codec, "audio", "client")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pc.AddTrack(c.track); err != nil {
		t.Fatal(err)
	}
	pc.OnTrack(func(tr *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			p, _, err := tr.ReadRTP()
			if err != nil {
				return
			}
			note(c.packets, p)
		}
	})
	if o.channel {
		protocol := "http://jitsi.org/protocols/colibri"
		c.channel, err = pc.CreateDataChannel("JVB data channel", &webrtc.DataChannelInit{Protocol: &protocol})
		if err != nil {
			t.Fatal(err)
		}
		c.channel.OnOpen(func() { close(c.opened) })
		c.channel.OnMessage(func(m webrtc.DataChannelMessage) { note(c.texts, string(m.Data)) })
	}
	return c
}

// offer renders a description as a focus would have a browser see it.
func offer(d Description) string {
	var b strings.Builder
	f := d.Fingerprints[0]
	section := func(mid, media string) {
		fmt.Fprintf(&b, "m=%s\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:%s %s\r\na=setup:%v\r\n",
			media, mid, d.Ufrag, d.Password, f.Hash, f.Value, f.Setup)
		for _, c := range d.Candidates {
			proto, more := "udp", ""
			if c.TCP {
				proto, more = "tcp", " tcptype passive"
			}
			fmt.Fprintf(&b, "a=candidate:%s 1 %s %d %s %d typ %v%s\r\n", c.Foundation, proto, c.Priority, c.Addr.Addr(), c.Addr.Port(), c.Type, more)
		}
	}
	b.WriteString("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n")
	section("0", fmt.Sprintf("audio 9 UDP/TLS/RTP/SAVPF %d", clientPT))
	fmt.Fprintf(&b, "a=rtcp-mux\r\na=sendrecv\r\na=rtpmap:%d opus/48000/2\r\na=ssrc:%d cname:bridge\r\na=ssrc:%d msid:mixed audio\r\n", clientPT, bridgeSSRC, bridgeSSRC)
	if d.SCTPPort != 0 {
		section("1", "application 9 UDP/DTLS/SCTP webrtc-datachannel")
		fmt.Fprintf(&b, "a=sctp-port:%d\r\n", d.SCTPPort)
	}
	return b.String()
}

// answer lets the client see the offer and returns its description.
func (c *client) answer(t testing.TB, d Description) Description {
	t.Helper()
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer(d)}); err != nil {
		t.Fatal(err)
	}
	a, err := c.pc.CreateAnswer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.pc.SetLocalDescription(a); err != nil {
		t.Fatal(err)
	}
	var r Description
	for line := range strings.SplitSeq(c.pc.LocalDescription().SDP, "\r\n") {
		switch key, value, _ := strings.Cut(line, ":"); key {
		case "a=ice-ufrag":
			r.Ufrag = value
		case "a=ice-pwd":
			r.Password = value
		case "a=fingerprint":
			hash, value, _ := strings.Cut(value, " ")
			r.Fingerprints = []Fingerprint{{Hash: hash, Value: strings.ToLower(value)}}
		case "a=setup":
			if err := r.Fingerprints[0].Setup.UnmarshalText([]byte(value)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return r
}

// send sends one RTP packet.
func (c *client) send(t testing.TB, seq uint16, payload string) {
	t.Helper()
	if err := c.track.WriteRTP(&rtp.Packet{
		Header: rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: uint32(seq) * 960}, Payload: []byte(payload),
	}); err != nil {
		t.Fatal(err)
	}
}

// talk sends packets until one comes back.
func (c *client) talk(t testing.TB, seq *uint16, text string) *rtp.Packet {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for {
		select {
		case <-tick.C:
			c.send(t, *seq, text)
			*seq++
		case p := <-c.packets:
			return p
		case <-late:
			t.Fatal("nothing came back")
		}
	}
}

// dropped reads a counter of p.
func (p *Port) dropped(r reason) uint64 { return p.gauges.dropped[r].Get() }

// eventually waits for a condition that nothing tells of.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s: did not happen", what)
		}
	}
}

// join connects a new client to the port.
func join(t testing.TB, p *Port, r *recorder, o clientOptions) (*Session, *client) {
	t.Helper()
	s, err := p.NewSession(Options{Controlling: true, SCTP: o.channel}, r)
	if err != nil {
		t.Fatal(err)
	}
	r.session.Store(s)
	c := newClient(t, o)
	if err := s.SetRemote(c.answer(t, s.Local())); err != nil {
		t.Fatal(err)
	}
	return s, c
}

// connected joins, to be sent back what is sent.
func connected(t testing.TB, p *Port, o clientOptions) (*recorder, *Session, *client) {
	t.Helper()
	r := newRecorder()
	r.echo = true
	s, c := join(t, p, r, o)
	r.wantState(t, Connected)
	return r, s, c
}

// movable is a client's socket that can get another port without the client
// knowing, as behind a NAT that forgot it.
type movable struct {
	ip     net.IP
	mu     sync.Mutex
	conn   *net.UDPConn
	closed bool
	seen   func([]byte) // each datagram that comes; may be nil
	silent atomic.Bool  // nothing goes out
}

// watch has a look at all that comes from now on.
func (m *movable) watch(seen func([]byte)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = seen
}

func newMovable(t testing.TB, v6 bool) *movable {
	m := &movable{ip: net.IPv4(127, 0, 0, 1)}
	if v6 {
		m.ip = net.IPv6loopback
	}
	m.move(t)
	return m
}

func (m *movable) move(t testing.TB) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: m.ip})
	if err != nil {
		t.Fatal(err)
	}
	m.mu.Lock()
	old := m.conn
	m.conn = conn
	m.mu.Unlock()
	if old != nil {
		old.Close()
	}
}

func (m *movable) current() (*net.UDPConn, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.conn, m.closed
}

func (m *movable) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		conn, _ := m.current()
		n, from, err := conn.ReadFrom(b)
		if now, closed := m.current(); err != nil && !closed && now != conn {
			continue
		}
		m.mu.Lock()
		if m.seen != nil && err == nil {
			m.seen(b[:n])
		}
		m.mu.Unlock()
		return n, from, err
	}
}

func (m *movable) WriteTo(b []byte, to net.Addr) (int, error) {
	if m.silent.Load() {
		return len(b), nil
	}
	conn, _ := m.current()
	if n, err := conn.WriteTo(b, to); err == nil {
		return n, nil
	}
	return len(b), nil // moved under our feet: lost on the way
}

func (m *movable) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return m.conn.Close()
}

// LocalAddr stays the first one: the client does not notice.
func (m *movable) LocalAddr() net.Addr {
	conn, _ := m.current()
	return conn.LocalAddr()
}
func (m *movable) SetDeadline(time.Time) error      { return nil }
func (m *movable) SetReadDeadline(time.Time) error  { return nil }
func (m *movable) SetWriteDeadline(time.Time) error { return nil }

var _ io.Closer = (*movable)(nil)
