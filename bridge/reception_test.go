package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/pion/rtp"
	"github.com/pion/transport/v5/packetio"
)

// lane is one SSRC that the client receives.
type lane struct {
	video     bool
	keyframes int
	sources   map[uint32]int // packets by what the sender's SSRC was
	arrivals  []arrival
}

// arrival is one packet.
type arrival struct {
	seq       uint16
	timestamp uint32
	vp8       vp8
	tag       tag
	err       error
}

// buffer is where pion's SRTP puts what it has opened of one SSRC.
func (p *peer) buffer(typ packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser {
	if typ != packetio.RTPBufferPacket {
		return plain{packetio.NewBuffer()}
	}
	return &sink{p: p, ssrc: ssrc, closed: make(chan struct{})}
}

// plain is pion's own buffer behind the interface of a foreign one.
type plain struct{ *packetio.Buffer }

func (b plain) Read(p []byte) (int, error) {
	n, _, err := b.Buffer.Read(p, nil)
	return n, err
}

func (b plain) Write(p []byte) (int, error) { return b.Buffer.Write(p, nil) }

// sink hands packets to the peer instead of to pion's tracks.
type sink struct {
	p      *peer
	ssrc   uint32
	closed chan struct{}
	once   sync.Once
}

func (s *sink) Write(b []byte) (int, error) {
	s.p.receive(s.ssrc, b)
	return len(b), nil
}

func (s *sink) Read([]byte) (int, error) {
	<-s.closed
	return 0, io.EOF
}

func (s *sink) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// receive is the client's loudspeaker and screen.
func (p *peer) receive(ssrc uint32, b []byte) {
	packet := new(rtp.Packet)
	if err := packet.Unmarshal(slices.Clone(b)); err != nil {
		p.w.t.Errorf("%s: %v", p.id, err)
		return
	}
	p.board.Lock()
	defer p.board.Unlock()
	defer p.board.post()
	into := p.lanes
	if packet.PayloadType == ptRTX {
		if len(packet.Payload) < 2 {
			return // padding
		}
		packet.SequenceNumber = binary.BigEndian.Uint16(packet.Payload)
		packet.Payload = packet.Payload[2:]
		into = p.repairs
	}
	l := into[ssrc]
	if l == nil {
		l = &lane{sources: map[uint32]int{}}
		into[ssrc] = l
	}
	l.take(packet)
}

func (l *lane) take(packet *rtp.Packet) {
	a := arrival{seq: packet.SequenceNumber, timestamp: packet.Timestamp}
	payload := packet.Payload
	if packet.PayloadType != ptOpus {
		l.video = true
		if len(payload) == 0 {
			return // padding
		}
		if a.vp8, payload, a.err = parseVP8(payload); a.err != nil {
			l.arrivals = append(l.arrivals, a)
			return
		}
	}
	a.tag, a.err = parseTag(payload)
	l.arrivals = append(l.arrivals, a)
	l.sources[a.tag.source]++
	if a.vp8.start && a.vp8.key {
		l.keyframes++
	}
}

// faults are what a decoder would stumble over, in the packets' own order: the
// network may reorder, and lose a few, even here when the machine is busy.
func (l *lane) faults() (list []string) {
	fault := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	in := slices.Clone(l.arrivals)
	slices.SortStableFunc(in, func(a, b arrival) int { return int(int16(a.seq - b.seq)) })
	in = slices.CompactFunc(in, func(a, b arrival) bool { return a.seq == b.seq })
	if l.video && !(in[0].vp8.start && in[0].vp8.key) {
		fault("begins with %+v, which is no keyframe", in[0])
	}
	missing, picture := 0, -1
	for i, a := range in {
		if a.err != nil {
			fault("packet %d: %v", a.seq, a.err)
			continue
		}
		if i > 0 {
			last := in[i-1]
			if gap := int(a.seq - last.seq - 1); gap > 0 {
				missing += gap
				picture = -1
			}
			if int32(a.timestamp-last.timestamp) < 0 {
				fault("packet %d has timestamp %d after %d", a.seq, a.timestamp, last.timestamp)
			}
		}
		if a.vp8.start {
			if picture >= 0 && int(a.vp8.picture) != (picture+1)&0x7fff {
				fault("packet %d has picture %d after %d", a.seq, a.vp8.picture, picture)
			}
			picture = int(a.vp8.picture)
		}
	}
	if missing > len(in)/50+2 {
		fault("%d packets of %d are missing", missing, len(in)+missing)
	}
	return list
}
