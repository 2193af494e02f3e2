package conference

import (
	"time"

	"meetbox.local/bridge/internal/projection"
	"meetbox.local/bridge/internal/rtcp"
	"meetbox.local/bridge/internal/rtp"
	"meetbox.local/bridge/internal/speech"
	"meetbox.local/bridge/internal/transport"
)

// receiving is the state of what an endpoint sends. It is under rx, which the
// endpoint's reader holds while it handles a packet, and the conference's
// goroutine for moments.
type receiving struct {
	arrivals rtcp.Arrivals
	template rtp.Template
	audio    audioPacket
	video    videoPacket
	// dependency is the packet's dependency descriptor, of length 0 for none.
	dependency rtp.Element
	header     [rtp.MaxHeader]byte
	rtcp       [1200]byte
	lost       [100]uint16
	ration     ration
	voice      speech.Voice
	spoke      bool // a level came, ever
	packets    uint64
	bytes      uint64
	frames     uint64 // keyframes
}

// silenceAfter is how many packets of silence in a row are still forwarded;
// the rest would only cost every receiver.
const silenceAfter = 4

const silence = 127

// HandleRTP takes a packet of this endpoint and sends it to whom it concerns.
func (e *Endpoint) HandleRTP(out *transport.Batch, packet []byte, now int64) {
	drops := &e.conf.bridge.drops
	if e.gone.Load() {
		return
	}
	h, err := rtp.Parse(packet)
	if err != nil {
		drops.malformed.Inc()
		return
	}
	m := e.media.Load()
	p := &m.types[h.PayloadType]
	if p.kind == kindUnknown || e.cfg.Visitor {
		drops.payloadType.Inc()
		return
	}
	e.rx.Lock()
	defer e.rx.Unlock()
	r := &e.receiving
	if !r.ration.packet(len(packet), now) {
		drops.flood.Inc()
		e.flood("packets")
		return
	}
	r.packets++
	r.bytes += uint64(len(packet))
	level := uint8(silence + 1)
	r.dependency = rtp.Element{}
	r.template.Reset(packet, &h)
	for w := h.Elements(packet); ; {
		x, ok := w.Next()
		if !ok {
			break
		}
		switch m.extensions[x.ID] {
		case extensionLevel:
			if x.Len > 0 && p.kind == kindAudio {
				level = x.Data(packet)[0] & 0x7f
				r.template.Retain(x)
			}
		case extensionRetained:
			r.template.Retain(x)
		case extensionDependency:
			r.template.RetainDependency(x)
			r.dependency = x
		case extensionSequence:
			if x.Len >= 2 && m.transportCC {
				d := x.Data(packet)
				e.arrived(out, uint16(d[0])<<8|uint16(d[1]), &h, out.Arrived(now))
			}
		}
	}
	to, ok := (*e.routes.Load())[h.SSRC]
	switch {
	case !ok:
		drops.unsignalled.Inc()
	case to.audio != nil && p.kind == kindAudio:
		e.audio(out, to.audio, &h, packet, level, p, now)
	case to.encoding != nil && p.kind == kindVideo && !to.rtx:
		e.video(out, to.encoding, &h, packet, p.codec, false, now)
	case to.encoding != nil && p.kind == kindRTX && to.rtx:
		enc := to.encoding
		enc.rtxSeq = rtp.Extend(enc.rtxSeq, h.SequenceNumber, 16)
		enc.rtxStats.Packet(enc.rtxSeq, h.Timestamp, int(p.clock), now)
		packet, h, ok = rtp.UnwrapRTX(packet, &h, enc.ssrc, p.apt)
		if !ok {
			return // padding: it has done its work for the sender's estimate
		}
		// The elements kept their offsets; the packet moved.
		r.template.Rebase(packet)
		e.video(out, enc, &h, packet, m.types[p.apt].codec, true, now)
	default:
		drops.payloadType.Inc()
	}
}

// arrived notes a transport-wide number and answers with feedback in time.
func (e *Endpoint) arrived(out *transport.Batch, number uint16, h *rtp.Header, now int64) {
	r := &e.receiving
	if !r.arrivals.Packet(number, h.Marker, now) {
		return
	}
	for {
		msg := r.arrivals.Append(r.rtcp[:0], e.conf.feedbackVideo, h.SSRC, now)
		if len(msg) == 0 {
			return
		}
		e.link.SendRTCP(out, msg)
	}
}

func (e *Endpoint) audio(out *transport.Batch, s *audioSource, h *rtp.Header, packet []byte, level uint8, p *payload, now int64) {
	clock := int(p.clock)
	r := &e.receiving
	ext, first := s.window.First(h.SequenceNumber)
	if !first {
		return
	}
	s.stats.Packet(ext, h.Timestamp, clock, now)
	if !s.seqs.Started() {
		s.seqs.Restart(ext, ext)
	}
	switch {
	case level == silence:
		s.silent++
	default:
		s.silent = 0
	}
	payload := h.Payload(packet)
	if e.muteAudio.Load() || s.silent > silenceAfter || len(payload) == 0 || !e.heard(s, level, now) {
		s.seqs.Skip(ext, true)
		return
	}
	seq, ok := s.seqs.Keep(ext)
	if !ok {
		return
	}
	s.last = now
	if t := e.conf.tap.Load(); t != nil {
		t.hear(Audio, 0, e.cfg.ID, s.Name, packet, h, now)
	}
	if s.wanted.Load() && s.wanted.CompareAndSwap(true, false) {
		e.conf.post(func() { e.conf.audioWanted(s) })
	}
	subs := *s.subs.Load()
	if len(subs) == 0 {
		return
	}
	r.audio = audioPacket{
		source: s, template: &r.template, seq: seq, clock: int64(clock), payload: payload, now: now,
		stamp: rtp.Stamp{Timestamp: h.Timestamp, PayloadType: h.PayloadType, Marker: h.Marker},
	}
	if p.red {
		var ok bool
		if r.audio.primary, r.audio.primaryType, ok = rtp.PrimaryOfRED(payload); !ok {
			e.conf.bridge.drops.malformed.Inc()
			return
		}
	}
	for _, l := range subs {
		l.send(out, &r.audio, r.header[:])
	}
}

// heard notes the level of a packet, and says whether it is loud enough to be
// forwarded.
func (e *Endpoint) heard(s *audioSource, level uint8, now int64) bool {
	if level > silence || s.Synthetic {
		return true
	}
	r := &e.receiving
	r.spoke = true
	r.voice.Level(level, now)
	return e.conf.loudest.Admit(&r.voice, e.floor.Load(), now) || s.included.Load()
}

func (e *Endpoint) video(out *transport.Batch, enc *encoding, h *rtp.Header, packet []byte, codec rtp.Codec, again bool, now int64) {
	r := &e.receiving
	drops := &e.conf.bridge.drops
	top := enc.window.Highest()
	ext, first := enc.window.First(h.SequenceNumber)
	if !again {
		enc.stats.Packet(ext, h.Timestamp, 90_000, now)
	}
	if !first {
		drops.duplicate.Inc()
		return
	}
	if enc.missing.Came(ext, now) || enc.missing.Due(now) {
		e.askAgain(out, enc, now)
	}
	if e.muteVideo.Load() {
		return
	}
	payload := h.Payload(packet)
	v := &r.video
	*v = videoPacket{encoding: enc, template: &r.template, codec: codec, payload: payload}
	v.stamp = rtp.Stamp{Timestamp: h.Timestamp, PayloadType: h.PayloadType, Marker: h.Marker}
	v.in = projection.Packet{
		Encoding: enc.index, SequenceNumber: h.SequenceNumber, Timestamp: h.Timestamp,
		Marker: h.Marker, Late: ext < top, Now: now, Clock: enc.clock, Clocked: enc.clocked,
	}
	subs := *enc.source.subs.Load()
	if len(payload) > 0 {
		var ok bool
		if v.in.Frame, ok = rtp.ParseFrame(codec, payload); !ok {
			drops.malformed.Inc()
			return
		}
		if r.dependency.Len > 0 && codec != rtp.VP8 && codec != rtp.VP9 {
			enc.dependencies.Read(r.dependency.Data(packet), h.Timestamp, v.in.Late, &v.in.Frame)
		}
		if n := v.in.Frame.Layers; n > 0 && !v.in.Late && n != enc.layers {
			enc.layers = n
			e.conf.layers.Store(true)
		}
		v.in.Layers = int(enc.layers)
		e.measure(enc, &v.in.Frame, len(packet), now)
		if t := e.conf.tap.Load(); t != nil {
			t.hear(Video, enc.index, e.cfg.ID, enc.source.name, packet, h, now)
		}
		if len(subs) > 0 {
			packet[0] &^= 0x20 // without its padding
			enc.cacheMu.Lock()
			enc.cache.Put(h.SequenceNumber, packet[:h.Size()], now)
			enc.cacheMu.Unlock()
		}
	}
	for _, l := range subs {
		l.send(out, v, r.header[:])
	}
}

// activeFor is how long an encoding counts as sent after its last packet. A
// shared screen that does not change sends a frame a second at least.
const activeFor = int64(1500 * time.Millisecond)

// measure notes what the allocation has to know of an encoding.
func (e *Endpoint) measure(enc *encoding, f *rtp.Frame, size int, now int64) {
	changed := false
	if f.Keyframe {
		e.receiving.frames++
		for i, h := range f.Heights {
			if x := &enc.spatial[i]; h > 0 && int32(h) != x.height.Load() {
				x.height.Store(int32(h))
				changed = true
			}
		}
	}
	// Between keyframes the lowest layer shows how the sender has it now.
	if f.Layered && f.Predicted && f.SID == 0 && f.Needed != enc.stacked {
		enc.stacked, changed = f.Needed, true
	}
	if f.SID < rtp.MaxSpatial && enc.spatial[f.SID].came(int(f.TID), size, now) || changed {
		e.conf.layers.Store(true)
	}
}

// askAgain sends a NACK for what is missing of an encoding now.
func (e *Endpoint) askAgain(out *transport.Batch, enc *encoding, now int64) {
	r := &e.receiving
	lost := enc.missing.Ask(r.lost[:0], now)
	if len(lost) > 0 {
		e.link.SendRTCP(out, rtcp.AppendNACK(r.rtcp[:0], e.conf.feedbackVideo, enc.ssrc, lost))
	}
}
