package transport

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"meetbox.local/bridge/internal/srtp"
)

// fan is a Peer that forwards what it gets to all others, as an SFU would at
// its leanest.
type fan struct {
	streams []*Stream
	seq     uint16
	header  [12]byte
}

func (f *fan) HandleRTP(out *Batch, b []byte, _ int64) {
	copy(f.header[:], b)
	f.seq++
	binary.BigEndian.PutUint16(f.header[2:], f.seq)
	for _, st := range f.streams {
		st.Send(out, f.header[:], b[12:])
	}
}
func (f *fan) HandleRTCP(out *Batch, b []byte, _ int64) {
	for _, st := range f.streams {
		st.session.SendRTCP(out, b)
	}
}
func (f *fan) HandleMessage([]byte) {}
func (f *fan) HandleState(State)    {}

// bench is n people on a port who need no handshakes: keys and addresses are
// put in by hand, and their packets handed to a reader.
type bench struct {
	reader  *reader
	senders []*srtp.Sender // the clients' ends
	from    []address
	sinks   []*net.UDPConn
	scratch srtp.Scratch
	count   [64]srtp.Counter
	seq     uint16
	packet  []byte
}

func randomKeys(p srtp.Profile) srtp.Keys {
	k := srtp.Keys{Profile: p, Key: make([]byte, srtp.KeySize), Salt: make([]byte, p.SaltSize())}
	rand.Read(k.Key)
	rand.Read(k.Salt)
	return k
}

func newBench(t testing.TB, profile srtp.Profile, n int) *bench {
	t.Helper()
	p, err := Open(Config{Addresses: []netip.Addr{loopback}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	b := &bench{packet: make([]byte, 0, slotSize)}
	b.reader = &reader{port: p, local: p.locals[0], out: newBatch(p.gauges, 0)}
	fans := make([]*fan, n)
	sessions := make([]*Session, n)
	for i := range n {
		fans[i] = &fan{}
		s, err := p.NewSession(Options{Controlling: true}, fans[i])
		if err != nil {
			t.Fatal(err)
		}
		sessions[i] = s
		up := randomKeys(profile)
		client, err := srtp.NewSender(up)
		if err != nil {
			t.Fatal(err)
		}
		receiver, err := srtp.NewReceiver(up)
		if err != nil {
			t.Fatal(err)
		}
		sender, err := srtp.NewSender(randomKeys(profile))
		if err != nil {
			t.Fatal(err)
		}
		s.install(&sessionKeys{sender, receiver})
		sink, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { sink.Close() })
		from := addressOf(sink.LocalAddr().(*net.UDPAddr).AddrPort())
		s.validate(p.locals[0], from, Now())
		b.senders, b.from, b.sinks = append(b.senders, client), append(b.from, from), append(b.sinks, sink)
	}
	for i, f := range fans {
		for j, s := range sessions {
			if i != j {
				f.streams = append(f.streams, s.Stream(uint32(i)))
			}
		}
	}
	return b
}

// frame lets client i send a frame of five packets, and sends what comes of it.
func (b *bench) frame(t testing.TB, i int, payload []byte) {
	header := [12]byte{0: 0x80, 1: 100, 8: 1, 11: byte(i)}
	now := Now()
	for range 5 {
		b.seq++
		binary.BigEndian.PutUint16(header[2:], b.seq)
		packet, ok := b.senders[i].SealRTP(&b.scratch, b.packet, &b.count[i], header[:], payload)
		if !ok {
			t.Fatal("client cannot seal")
		}
		b.reader.handle(packet, b.from[i], now)
	}
	b.reader.out.Flush()
}

func (b *bench) drain() {
	for _, s := range b.sinks {
		go func() {
			var buf [2048]byte
			for {
				if _, err := s.Read(buf[:]); err != nil {
					return
				}
			}
		}()
	}
}

// Not one allocation from a packet's arrival to its departure to seven others.
func TestForwardingDoesNotAllocate(t *testing.T) {
	b := newBench(t, srtp.GCM128, 8)
	b.drain()
	payload := make([]byte, 1100)
	g := b.reader.port.gauges
	b.frame(t, 0, payload) // the first of each SSRC
	before := g.packetsOut.Get()
	const runs = 200
	if n := testing.AllocsPerRun(runs, func() { b.frame(t, 0, payload) }); n != 0 {
		t.Errorf("%v allocations for a frame of five packets to seven others", n)
	}
	if got, want := int(g.packetsOut.Get()-before), (runs+1)*5*7; got != want {
		t.Errorf("%d packets sent, want %d", got, want)
	}
	rtcp := []byte{0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2}
	if n := testing.AllocsPerRun(runs, func() {
		packet, ok := b.senders[0].SealRTCP(&b.scratch, b.packet, rtcp)
		if !ok {
			t.Fatal("client cannot seal")
		}
		b.reader.handle(packet, b.from[0], 1)
		b.reader.out.Flush()
	}); n != 0 {
		t.Errorf("%v allocations for RTCP to seven others", n)
	}
}

func BenchmarkForward(b *testing.B) {
	for _, profile := range []srtp.Profile{srtp.GCM128, srtp.CM80} {
		for _, n := range []int{4, 12, 40} {
			b.Run(fmt.Sprintf("%v/%d", profile, n), func(b *testing.B) {
				x := newBench(b, profile, n)
				x.drain()
				payload := make([]byte, 1100)
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					x.frame(b, i%n, payload)
					i++
				}
				sent := float64(i) * 5 * float64(n-1)
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1000/sent, "µs/packet")
				g := x.reader.port.gauges
				b.ReportMetric(float64(g.packetsOut.Get())/float64(g.writeCalls.Get()), "packets/call")
				if lost := g.dropped[dropSendBuffer].Get() + g.dropped[dropSendError].Get(); lost > 0 {
					b.Errorf("%d packets not sent", lost)
				}
			})
		}
	}
}
