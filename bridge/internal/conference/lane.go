package conference

import (
	"encoding/binary"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"meetbox.local/bridge/internal/projection"
	"meetbox.local/bridge/internal/rtcp"
	"meetbox.local/bridge/internal/rtp"
	"meetbox.local/bridge/internal/transport"
)

// stream seals and sends the packets of one SSRC. It is *transport.Stream.
type stream interface {
	Send(out *transport.Batch, header, payload []byte)
}

// egress is what lanes have in common: one SSRC towards one receiver. All is
// under mu, the receiver's state excepted.
type egress struct {
	to   *Endpoint
	ssrc uint32
	mid  string

	mu      sync.Mutex
	stream  stream
	packets uint32
	octets  uint32
	resent  uint64          // retransmissions; not in packets
	report  rtcp.SenderInfo // the last sender report that went out
	reportA int64           // when
	loss    rtcp.Report     // the last report block about it
}

// report writes a sender report for the lane, with the lane's own numbers.
func (l *egress) senderReport(out *transport.Batch, info rtcp.SenderInfo, ts uint32, buf []byte, now int64) {
	if l.packets == 0 {
		return
	}
	info.SSRC, info.RTP, info.Packets, info.Octets = l.ssrc, ts, l.packets, l.octets
	l.report, l.reportA = info, now
	l.to.link.SendRTCP(out, rtcp.AppendSenderReport(buf[:0], info))
}

// reported takes a receiver's report block about the lane.
func (l *egress) reported(r rtcp.Report, now int64) (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loss = r
	return r.RoundTrip(l.report.NTP, l.reportA, now)
}

// audioLane carries one audio source.
type audioLane struct {
	egress
	source    *audioSource // what it carries; nil for none
	announced bool         // the conference's: the receiver knows whose it is

	// Under mu.
	started  bool // something went out, ever
	joined   bool // something of this source went out since it was put here
	base     int64
	seqShift int64
	tsShift  uint32
	seq      int64 // highest that went out
	ts       uint32
	at       int64 // when
}

// put makes the lane carry a source from now on.
func (l *audioLane) put(s *audioSource) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.source, l.joined = s, false
}

// audioPacket is a packet on its way to its lanes.
type audioPacket struct {
	source   *audioSource
	template *rtp.Template
	seq      int64
	stamp    rtp.Stamp
	clock    int64
	payload  []byte
	now      int64

	primary     []byte // of redundant audio: the packet without the older ones
	primaryType uint8
}

func (l *audioLane) send(out *transport.Batch, p *audioPacket, buf []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.source != p.source {
		return // the lane was given away a moment ago
	}
	ts := p.stamp.Timestamp
	if !l.joined {
		l.joined, l.base = true, p.seq
		if !l.started {
			l.started = true
			l.seqShift, l.tsShift = 0, 0
		} else {
			// Continue where the lane is, one packet at least after the last.
			elapsed := (p.now - l.at) / int64(time.Millisecond) * (p.clock / 1000)
			l.seqShift = l.seq + 1 - p.seq
			l.tsShift = l.ts + uint32(max(p.clock/50, min(elapsed, 1<<30))) - ts
		}
	}
	if p.seq < l.base {
		return
	}
	seq := p.seq + l.seqShift
	s := p.stamp
	s.SSRC, s.SequenceNumber, s.Timestamp = l.ssrc, uint16(seq), ts+l.tsShift
	s.MidID, s.Mid = 0, l.mid
	if l.mid != "" {
		s.MidID = l.to.media.Load().midID
	}
	if seq > l.seq || l.packets == 0 {
		l.seq, l.ts, l.at = seq, s.Timestamp, p.now
	}
	payload := p.payload
	if p.primary != nil && l.to.media.Load().types[s.PayloadType].kind == kindUnknown {
		payload, s.PayloadType = p.primary, p.primaryType // does not know redundancy
	}
	l.packets++
	l.octets += uint32(len(payload))
	l.stream.Send(out, buf[:p.template.Write(buf, &s)], payload)
}

const (
	// history is how many packets of a lane can be asked for again.
	history = 512
	// A lane's own requests while it waits for an encoding: rarer each time.
	waitMin = int64(200 * time.Millisecond)
	waitMax = int64(2 * time.Second)
)

// videoLane carries one video source, one encoding at a time.
type videoLane struct {
	egress
	rtxSSRC   uint32       // 0 where the receiver knows none
	source    *videoSource // what it carries; the conference's and under mu
	announced bool         // the conference's: the receiver knows whose it is
	target    aim          // the conference's: last given to proj

	// watch has a bit for each encoding whose packets matter now; keyframes
	// always do. It spares the others the lock.
	watch atomic.Uint32

	// Under mu.
	proj     projection.Projection
	codec    rtp.Codec
	rtx      stream
	rtxSeq   uint16
	sent     []sent // history; by outgoing number
	waits    int64  // between own keyframe requests
	asked    int64  // when the last one was made
	requests [pliMax]int64
	begged   bool // the receiver asked for a keyframe, too early
}

// sent is what has to be known of a packet to send it again.
type sent struct {
	timestamp   uint32
	at          uint32 // ms; when it last left
	out, in     uint16
	departure   uint32 // its transport-wide number, or its send time
	picture     uint16
	number      uint16 // of the frame
	tl0         uint8
	encoding    uint8
	used, empty bool
	numbered    bool
	marker      bool
}

// put makes the lane carry a source from now on.
func (l *videoLane) put(s *videoSource) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.source = s
	l.proj.Leave()
	if l.sent == nil {
		l.sent = make([]sent, history)
	}
	clear(l.sent)
	l.rewatch()
}

// leave makes the lane wait for a keyframe.
func (l *videoLane) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.proj.Leave()
	l.rewatch()
}

// aim is what should go out on a lane, and up to which encoding and spatial
// layer better ones may.
type aim struct {
	projection.Target
	encodings, layers int
}

// nothing is the aim of a lane that is paused.
func nothing() aim {
	return aim{Target: projection.Target{Encoding: projection.Paused, TID: projection.AllLayers}, encodings: projection.Paused}
}

// aim changes what is wanted of the source. It says whether that takes a
// keyframe.
func (l *videoLane) aim(a aim) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.proj.SetTarget(a.Target, a.encodings, a.layers)
	l.waits, l.asked = 0, 0
	l.rewatch()
	return l.proj.NeedsKeyframe()
}

// descends says whether something better goes out than is wanted, until a
// keyframe of that comes.
func (l *videoLane) descends() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.proj.Descends()
}

func (l *videoLane) rewatch() {
	var w uint32
	switch current, target := l.proj.Current(), l.proj.Target(); {
	case target == projection.Paused:
	case current == projection.Paused:
		w = ^uint32(0) // anything that comes shows that a keyframe is missing
	default:
		w = 1<<current | 1<<target
	}
	l.watch.Store(w)
}

// videoPacket is a packet on its way to its lanes.
type videoPacket struct {
	encoding *encoding
	template *rtp.Template
	codec    rtp.Codec
	stamp    rtp.Stamp // as it came
	in       projection.Packet
	payload  []byte
}

// send forwards a packet if it belongs to what the lane carries.
func (l *videoLane) send(out *transport.Batch, p *videoPacket, buf []byte) {
	if !p.in.Frame.Keyframe && l.watch.Load()&(1<<p.in.Encoding) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.source != p.encoding.source {
		return // the lane was given away a moment ago
	}
	if l.codec != p.codec && !p.in.Late {
		l.codec = p.codec
		l.proj.Leave()
	}
	before := l.proj.Current()
	var o projection.Out
	var do projection.Action
	if len(p.payload) == 0 {
		o, do = l.proj.Padding(p.in.Encoding, p.in.SequenceNumber, p.in.Timestamp)
	} else {
		o, do = l.proj.Push(&p.in, p.codec != rtp.Unknown)
	}
	if l.proj.Current() != before {
		l.waits = 0
		l.rewatch()
	}
	if p.in.Frame.Keyframe && do == projection.Forward {
		l.begged = false
	}
	if l.begged {
		l.beg(out, p.in.Now)
	}
	if l.proj.NeedsKeyframe() && p.in.Now-l.asked >= l.waits && l.source.keyframes.request(out, p.in.Now) {
		l.asked, l.waits = p.in.Now, min(max(2*l.waits, waitMin), waitMax)
	}
	if do == projection.Drop {
		return
	}
	s := p.stamp
	body := p.payload
	if do == projection.Empty {
		s.Marker, body = false, nil
	} else {
		s.Marker = o.Marker
		p.in.Frame.Rewrite(body, o.PictureID, o.TL0)
	}
	s.SequenceNumber, s.Timestamp = o.SequenceNumber, o.Timestamp
	s.Numbered, s.Number = p.in.Frame.HasNumber, o.Number
	x := &l.sent[o.SequenceNumber%history]
	if x.used && x.out == o.SequenceNumber {
		return // under one number there is only ever one packet
	}
	*x = sent{
		timestamp: o.Timestamp, at: uint32(p.in.Now / int64(time.Millisecond)),
		out: o.SequenceNumber, in: p.in.SequenceNumber,
		picture: o.PictureID, tl0: o.TL0, encoding: uint8(p.in.Encoding),
		number: o.Number, numbered: s.Numbered, marker: s.Marker,
		used: true, empty: do == projection.Empty,
	}
	n := l.header(p.template, &s, l.ssrc, buf, len(body), p.in.Now)
	x.departure = s.SendTime
	if s.SequenceID != 0 {
		x.departure = uint32(s.TransportSeq)
	}
	l.packets++
	l.octets += uint32(len(body))
	l.stream.Send(out, buf[:n], body)
}

// header completes the stamp and writes the header.
func (l *videoLane) header(t *rtp.Template, s *rtp.Stamp, ssrc uint32, buf []byte, payload int, now int64) int {
	m := l.to.media.Load()
	s.SSRC, s.Mid, s.MidID, s.SequenceID = ssrc, l.mid, 0, 0
	if l.mid != "" {
		s.MidID = m.midID
	}
	switch {
	case !m.transportCC: // it estimates by itself
		s.SendTimeID, s.SendTime = m.sendTimeID, rtp.AbsoluteSendTime(now)
	case m.sequenceID != 0:
		s.SequenceID = m.sequenceID
		s.TransportSeq = l.to.departures.Tag(payload+40, now)
	}
	return t.Write(buf, s)
}

// resend answers a NACK for one packet.
func (l *videoLane) resend(out *transport.Batch, seq uint16, spacing time.Duration, scratch *resender, now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.source == nil {
		return
	}
	x := &l.sent[seq%history]
	ms := uint32(now / int64(time.Millisecond))
	if time.Duration(ms-x.at)*time.Millisecond < spacing {
		return // on its way
	}
	if l.again(out, seq, math.MaxInt, scratch, now) > 0 {
		l.resent++
	}
}

// repeat sends the latest packets again, up to so many bytes, where the
// receiver can tell that from a packet sent twice. It returns how many bytes.
func (l *videoLane) repeat(out *transport.Batch, bytes int, scratch *resender, now int64) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.source == nil || l.rtxSSRC == 0 || l.packets == 0 {
		return 0
	}
	for seq, i := l.proj.Highest(), 0; i < history/4; i++ {
		size := l.again(out, seq, bytes-n, scratch, now)
		if size == 0 {
			return n
		}
		n += size
		seq--
	}
	return n
}

// again sends a packet another time and returns its size; 0 when it is not
// there any more or larger than allowed. The lane is locked.
func (l *videoLane) again(out *transport.Batch, seq uint16, most int, scratch *resender, now int64) int {
	x := &l.sent[seq%history]
	ms := uint32(now / int64(time.Millisecond))
	if !x.used || x.out != seq || int(x.encoding) >= len(l.source.encodings) {
		return 0
	}
	enc := l.source.encodings[x.encoding]
	enc.cacheMu.Lock()
	packet := enc.cache.Get(x.in, scratch.packet[2:])
	enc.cacheMu.Unlock()
	if packet == nil {
		return 0
	}
	h, err := rtp.Parse(packet)
	if err != nil {
		return 0
	}
	owner, m := enc.source.owner.media.Load(), l.to.media.Load()
	body := h.Payload(packet)
	if len(body) > most {
		return 0
	}
	s := rtp.Stamp{
		Timestamp: x.timestamp, SequenceNumber: x.out,
		PayloadType: h.PayloadType, Marker: x.marker,
		Numbered: x.numbered, Number: x.number,
	}
	if x.empty {
		body = nil
	} else if f, ok := rtp.ParseFrame(owner.types[h.PayloadType].codec, body); ok {
		f.Rewrite(body, x.picture, x.tl0)
	}
	t := &scratch.template
	retain(t, packet, &h, owner)
	buf := scratch.header[:]
	x.at = ms
	rtx := m.types[h.PayloadType].rtx
	if rtx == 0 || l.rtxSSRC == 0 {
		// Without RTX the very same packet goes out again; under one nonce
		// there must never be another.
		s.SSRC, s.Mid = l.ssrc, l.mid
		if l.mid != "" {
			s.MidID = m.midID
		}
		if m.transportCC {
			s.SequenceID, s.TransportSeq = m.sequenceID, uint16(x.departure)
		} else {
			s.SendTimeID, s.SendTime = m.sendTimeID, x.departure
		}
		l.stream.Send(out, buf[:t.Write(buf, &s)], body)
		return max(1, len(body))
	}
	l.rtxSeq++
	s.PayloadType, s.SequenceNumber = rtx, l.rtxSeq
	n := l.header(t, &s, l.rtxSSRC, buf, len(body)+2, now)
	// The original number goes before the payload: into the two bytes there,
	// which the header has been copied from, or which are spare.
	full := scratch.packet[:2]
	if len(body) > 0 {
		at := 2 + h.Size() - len(body)
		full = scratch.packet[at-2 : at+len(body)]
	}
	binary.BigEndian.PutUint16(full, x.out)
	l.rtx.Send(out, buf[:n], full)
	return max(1, len(full))
}

// resender is scratch space for retransmissions of one receiver.
type resender struct {
	packet   [2048]byte
	header   [rtp.MaxHeader]byte
	template rtp.Template
}

// retain starts a template with what is passed on of a packet's extensions.
func retain(t *rtp.Template, packet []byte, h *rtp.Header, m *mediaTable) {
	t.Reset(packet, h)
	for w := h.Elements(packet); ; {
		e, ok := w.Next()
		if !ok {
			return
		}
		switch m.extensions[e.ID] {
		case extensionLevel, extensionRetained:
			t.Retain(e)
		case extensionDependency:
			t.RetainDependency(e)
		}
	}
}
