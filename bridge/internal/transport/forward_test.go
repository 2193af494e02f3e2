package transport

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

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
		if err := s.current.agent.GracefulClose(); err != nil { // else it gathers beside what is measured
			t.Fatal(err)
		}
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

// least is the least of a few measurements, and how many it took to get to
// nothing: the count is of the whole process, in which the runtime and the
// libraries' timers may stir at any time.
func least(runs int, f func()) (rounds int, allocs float64) {
	allocs = testing.AllocsPerRun(runs, f)
	for rounds = 1; rounds < 5 && allocs != 0; rounds++ {
		allocs = min(allocs, testing.AllocsPerRun(runs, f))
	}
	return rounds, allocs
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
	rounds, n := least(runs, func() { b.frame(t, 0, payload) })
	if n != 0 {
		t.Errorf("%v allocations for a frame of five packets to seven others", n)
	}
	if got, want := int(g.packetsOut.Get()-before), rounds*(runs+1)*5*7; got != want {
		t.Errorf("%d packets sent, want %d", got, want)
	}
	rtcp := []byte{0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2}
	if _, n := least(runs, func() {
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

// What the kernel is handed in few messages arrives packet by packet, in
// order, whatever the sizes.
func TestSegmentation(t *testing.T) {
	t.Parallel()
	for _, noGSO := range []bool{false, true} {
		t.Run(fmt.Sprintf("without GSO %v", noGSO), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, srtp.GCM128, 3)
			b.reader.local.noGSO.Store(noGSO)
			keys := randomKeys(srtp.GCM128)
			sender, err := srtp.NewSender(keys)
			if err != nil {
				t.Fatal(err)
			}
			receiver, err := srtp.NewReceiver(keys)
			if err != nil {
				t.Fatal(err)
			}
			p := b.reader.port
			var s *Session
			for _, x := range p.sessions {
				if x.session.path.Load().remote == b.from[0] {
					s = x.session
				}
			}
			s.egress.Store(sender)
			var sizes []int
			for _, n := range []int{1000, 1, 1, 2, 1100, 700, 0} {
				sizes = append(sizes, slices.Repeat([]int{n}, 1+n%7*5)...)
			}
			sizes = append(sizes, slices.Repeat([]int{300}, 70)...) // more than fit one message
			st, out := s.Stream(1), p.NewBatch()
			for i, n := range sizes {
				header := [12]byte{0: 0x80, 2: byte(i >> 8), 3: byte(i), 11: 1}
				st.Send(out, header[:], bytes.Repeat([]byte{byte(i)}, n))
			}
			s.SendRTCP(out, []byte{0x80, 201, 0, 1, 0, 0, 0, 1})
			st.Send(out, make([]byte, 12), make([]byte, maxDatagram))
			calls := p.gauges.writeCalls.Get()
			out.Flush()
			if calls = p.gauges.writeCalls.Get() - calls; runtime.GOOS == "linux" && calls > 2 {
				t.Errorf("%d calls for one flush", calls)
			}
			var buf [2048]byte
			if err := b.sinks[0].SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			for i, n := range sizes {
				got, err := b.sinks[0].Read(buf[:])
				if err != nil {
					t.Fatal(err)
				}
				plain, err := receiver.OpenRTP(buf[:got])
				if err != nil || len(plain) != 12+n || plain[2] != byte(i>>8) || plain[3] != byte(i) {
					t.Fatalf("packet %d: %d bytes, want %d: %v", i, len(plain), 12+n, err)
				}
			}
			got, err := b.sinks[0].Read(buf[:])
			if err != nil {
				t.Fatal(err)
			}
			if _, err := receiver.OpenRTCP(buf[:got]); err != nil {
				t.Errorf("RTCP: %v", err)
			}
			if got := p.dropped(dropSendSize); got != 1 {
				t.Errorf("%d packets too large, want 1", got)
			}
			if got := p.dropped(dropSendError); got != 0 {
				t.Errorf("%d packets refused", got)
			}
			if !noGSO && runtime.GOOS == "linux" && b.reader.local.noGSO.Load() {
				t.Error("the kernel refuses to segment")
			}
		})
	}
}

// A batch that fills up goes out in parts, and nothing of it is lost.
func TestBatchOverflows(t *testing.T) {
	t.Parallel()
	b := newBench(t, srtp.GCM128, 2)
	b.drain()
	p := b.reader.port
	out := p.NewBatch()
	for _, s := range p.sessions {
		st := s.session.Stream(7)
		for i := range 2*maxPackets + 10 {
			st.Send(out, []byte{0x80, 100, byte(i >> 8), byte(i), 0, 0, 0, 0, 0, 0, 0, 7}, make([]byte, 1100))
		}
	}
	out.Flush()
	if got := p.gauges.packetsOut.Get() + p.dropped(dropSendBuffer); got != 2*(2*maxPackets+10) {
		t.Errorf("%d packets sent", got)
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
