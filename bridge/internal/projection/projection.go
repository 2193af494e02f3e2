// Package projection makes one continuous video stream for one receiver out
// of the simulcast encodings of a source, and out of one source after another
// where SSRCs are rewritten.
//
// It decides, frame by frame, what goes out, and gives what goes out
// continuous sequence numbers, timestamps, picture ids and TL0PICIDX, so that
// no decoder can tell that the encoding changed. It switches only at
// keyframes. It is pure: packets and times in, decisions out.
//
// Where one encoding has spatial layers (VP9, AV1), one of them goes out with
// all that it builds on. Layers that are independent of each other after the
// keyframe, as in Jitsi's clients (L3T3_KEY), are thus like encodings: the
// lower ones are left out, and another is taken at a keyframe.
//
// The rules are those of a decoder's jitter buffer: frames are recognised by
// their timestamp, a frame is forwarded whole or not at all, and a packet
// that is left out leaves no gap in the sequence numbers. Where it is too
// late to close a gap, the packet goes out without its payload ([Empty]),
// which receivers take as padding.
package projection

import (
	"time"

	"meetbox.local/bridge/internal/rtp"
)

const (
	// clock is the RTP clock of every video codec.
	clock = 90_000
	// minStep keeps the first frame after a switch apart from the last one
	// before it: frames of one timestamp would be taken for one picture.
	minStep = clock / 1000
	// jump in sequence numbers is no loss but a sender that started again.
	jump = 3000
	// frames is how many decisions are remembered for late packets: 2 s.
	frames = 64
)

// Paused is the target of a stream of which nothing goes out.
const Paused = -1

// AllLayers is the highest temporal layer there can be.
const AllLayers = 7

// Packet is what a decision is made of.
type Packet struct {
	Encoding       int // which simulcast encoding of the source, lowest 0
	SequenceNumber uint16
	Timestamp      uint32
	Frame          rtp.Frame
	Layers         int   // spatial layers that the encoding has; 0 is unknown
	Marker         bool  // the last packet of its picture
	Late           bool  // newer packets of the encoding came before
	Now            int64 // ns
	// Clock is what the encoding's timestamps were at a moment that is the
	// same for all encodings of the source; Clocked, that it is known.
	Clock   uint32
	Clocked bool
}

// Action is what to do with a packet.
type Action uint8

// What to do with a packet.
const (
	Drop    Action = iota
	Forward        // with the numbers of Out
	Empty          // likewise, but without payload and marker
)

// Out is the numbers of a packet that goes out.
type Out struct {
	SequenceNumber uint16
	Timestamp      uint32
	PictureID      uint16
	Number         uint16 // of the frame, where the packet has one
	TL0            uint8
	Marker         bool // the last packet of what goes out of its picture
}

// Projection is the state of one outgoing stream.
type Projection struct {
	target  int8 // encoding wanted
	ceiling int8 // highest encoding that may go out
	tids    int8 // temporal layers wanted
	spare   bool // on the way down, only the lowest of them
	current int8 // encoding that goes out; Paused before a keyframe of it came
	tid     int8 // temporal layers that go out: rises only at a base layer frame
	spatial spatial
	started bool // something went out, ever

	// Incoming numbers of the current encoding, extended.
	seq, picture int64
	tl0Shift     uint8
	tsShift      uint32
	numberShift  uint16
	seqs         rtp.Mapper
	pictures     rtp.Mapper

	// The highest numbers that went out.
	outSeq, outPicture int64
	outTL0             uint8
	outNumber          uint16
	outTS              uint32
	outAt              int64 // when a frame last started to go out
	timeline           timeline

	decisions [frames]decision // a ring
	decided   int              // where the last one was put
	newest    int              // where that of the newest frame is
	topTS     uint32           // timestamp of the newest packet
	topSID    int8             // its spatial layer
}

// decision on one frame of the current encoding.
type decision struct {
	timestamp uint32
	made      bool
	keep      bool
	layers    stack
	picture   int64  // outgoing
	shift     uint32 // of the timestamp
}

// New is a stream that is paused.
func New() *Projection {
	return &Projection{target: Paused, ceiling: Paused, current: Paused, tids: AllLayers}
}

// Target is what should go out: an encoding, or Paused for none, of it a
// spatial layer, and temporal layers up to one.
type Target struct {
	Encoding, SID, TID int
	// Spare has only the lowest temporal layer go out on the way down: what
	// goes out is more than the line takes.
	Spare bool
}

// SetTarget says what should go out. It takes effect at the next keyframe of
// it. A keyframe of a better encoding or layer is taken, too, up to the
// ceilings: a sender may start to send it any moment, and its first keyframe
// should not be lost.
func (p *Projection) SetTarget(t Target, encodings, layers int) {
	p.target, p.ceiling, p.tids = int8(t.Encoding), int8(max(t.Encoding, encodings)), int8(t.TID)
	p.spatial.target, p.spatial.ceiling = int8(t.SID), int8(max(t.SID, layers))
	p.spare = t.Spare
	if t.Encoding == Paused {
		p.current = Paused
	}
	if p.tid > p.tids {
		p.tid = p.tids
	}
}

// Leave makes the stream wait for a keyframe of whatever comes next: another
// source is put on it.
func (p *Projection) Leave() { p.current, p.timeline = Paused, timeline{} }

// Target is the encoding wanted.
func (p *Projection) Target() int { return int(p.target) }

// Current is the encoding that goes out, or Paused.
func (p *Projection) Current() int { return int(p.current) }

// Highest is the highest sequence number that went out.
func (p *Projection) Highest() uint16 { return uint16(p.outSeq) }

// NeedsKeyframe says whether a keyframe of the target would change what goes
// out.
func (p *Projection) NeedsKeyframe() bool {
	return p.target != Paused && (p.current != p.target || p.spatial.stuck())
}

// Descends says whether something better goes out than the target.
func (p *Projection) Descends() bool {
	return p.target != Paused && (p.current > p.target || p.current != Paused && p.spatial.current > p.spatial.target)
}

// Timestamp maps a timestamp of an encoding, for its sender reports; false
// when it is not what goes out.
func (p *Projection) Timestamp(encoding int, ts uint32) (uint32, bool) {
	return ts + p.tsShift, p.current != Paused && int(p.current) == encoding
}

// Push decides on one packet.
func (p *Projection) Push(in *Packet, keyframes bool) (Out, Action) {
	if p.target == Paused {
		return Out{}, Drop
	}
	if int8(in.Encoding) != p.current {
		if !p.better(in, keyframes) {
			return Out{}, Drop
		}
		p.enter(in)
	}
	seq := rtp.Extend(p.seq, in.SequenceNumber, 16)
	if d := seq - p.seq; d > jump || d < -jump {
		p.current = Paused // and wait for a keyframe
		return Out{}, Drop
	}
	late := seq < p.seqs.Next()
	p.seq = max(p.seq, seq)
	d := p.decide(in, late)
	keep := p.spatial.frame(in, &d.layers, late) && d.keep
	// What is missing right before a packet of the same frame belongs to it.
	joined := !late && p.topTS == in.Timestamp && p.topSID == in.Frame.SID
	if !late {
		p.topTS, p.topSID = in.Timestamp, in.Frame.SID
	}
	if keep {
		return p.out(in, seq, d, Forward)
	}
	if p.seqs.Skip(seq, joined) {
		return Out{}, Drop
	}
	return p.out(in, seq, d, Empty)
}

// Padding leaves out a packet without payload of the current encoding.
func (p *Projection) Padding(encoding int, number uint16, ts uint32) (Out, Action) {
	if p.current == Paused || int8(encoding) != p.current {
		return Out{}, Drop
	}
	seq := rtp.Extend(p.seq, number, 16)
	if d := seq - p.seq; d > jump || d < -jump {
		return Out{}, Drop // the packet after it will tell
	}
	p.seq = max(p.seq, seq)
	if p.seqs.Skip(seq, false) {
		return Out{}, Drop
	}
	in := Packet{Timestamp: ts}
	return p.out(&in, seq, &decision{shift: p.tsShift}, Empty)
}

// better says whether the stream changes to the packet's encoding, which is
// not the current one: at a keyframe that brings it nearer to the target.
func (p *Projection) better(in *Packet, keyframes bool) bool {
	e := int8(in.Encoding)
	// After a late keyframe, frames that build on it were left out already.
	if keyframes && (!in.Frame.Keyframe || in.Late) {
		return false
	}
	if !keyframes { // the codec does not show them: only ever one encoding
		return p.current == Paused && e == p.target
	}
	switch {
	case e > p.ceiling:
		return false
	case p.current == Paused:
		return true
	case p.current > p.target: // going down: anything that fits
		return true
	}
	return e > p.current
}

// enter continues the outgoing numbers with the packet's encoding.
func (p *Projection) enter(in *Packet) {
	p.current, p.tid = int8(in.Encoding), p.tids
	p.target = max(p.target, p.current)
	p.seq = 1<<16 + int64(in.SequenceNumber)
	p.picture = 1<<16 + int64(in.Frame.PictureID)
	if !p.started {
		p.started = true
		p.outSeq, p.outPicture = p.seq-1, p.picture-1
		p.outTL0 = in.Frame.TL0 - 1
		p.outTS = in.Timestamp
		p.tsShift = 0
	} else {
		elapsed := (in.Now - p.outAt) / int64(time.Millisecond) * (clock / 1000)
		p.outTS += uint32(max(minStep, p.timeline.since(in, p.outTS, min(elapsed, 1<<30))))
		p.tsShift = p.outTS - in.Timestamp
	}
	p.outAt, p.topTS = in.Now, in.Timestamp
	p.seqs.Restart(p.seq, p.outSeq+1)
	p.pictures.Restart(p.picture, p.outPicture+1)
	p.tl0Shift = p.outTL0 + 1 - in.Frame.TL0
	if in.Frame.HasNumber {
		p.numberShift = p.outNumber + 1 - in.Frame.Number
	}
	p.decisions = [frames]decision{}
}

// decide finds or makes the decision on the packet's frame.
func (p *Projection) decide(in *Packet, late bool) *decision {
	if d := &p.decisions[p.newest]; d.made && d.timestamp == in.Timestamp {
		return d
	}
	if late {
		for i := range p.decisions {
			if d := &p.decisions[i]; d.made && d.timestamp == in.Timestamp {
				return d
			}
		}
	}
	tid := max(in.Frame.TID, 0)
	if !late && tid == 0 && p.tid < p.tids {
		p.tid = p.tids
	}
	keep := tid <= p.tid
	layers := stack{top: p.spatial.current}
	if !late {
		layers = p.spatial.picture(in)
	}
	if p.spare && p.Descends() {
		keep = keep && tid == 0
	}
	p.decided = (p.decided + 1) % frames
	if !late {
		p.newest = p.decided
		p.tsShift = p.timeline.align(in, p.tsShift, p.outTS)
	}
	d := &p.decisions[p.decided]
	*d = decision{timestamp: in.Timestamp, made: true, keep: keep, layers: layers, shift: p.tsShift}
	if in.Frame.PictureBits != 0 {
		picture := rtp.Extend(p.picture, in.Frame.PictureID, uint(in.Frame.PictureBits))
		p.picture = max(p.picture, picture)
		if keep {
			out, ok := p.pictures.Keep(picture)
			d.keep, d.picture = ok, out
		} else if !in.Frame.Flexible {
			p.pictures.Skip(picture, false)
		}
	}
	return d
}

func (p *Projection) out(in *Packet, seq int64, d *decision, a Action) (Out, Action) {
	number, ok := p.seqs.Keep(seq)
	if !ok {
		return Out{}, Drop
	}
	o := Out{
		SequenceNumber: uint16(number),
		Timestamp:      in.Timestamp + d.shift,
		PictureID:      uint16(d.picture),
		TL0:            in.Frame.TL0 + p.tl0Shift,
		Number:         in.Frame.Number + p.numberShift,
		Marker:         in.Marker || d.layers.ends(&in.Frame),
	}
	if number > p.outSeq {
		p.outSeq = number
	}
	if a == Forward {
		if int32(o.Timestamp-p.outTS) > 0 {
			p.outTS, p.outAt = o.Timestamp, in.Now
		}
		p.outPicture = max(p.outPicture, d.picture)
		if int8(o.TL0-p.outTL0) > 0 {
			p.outTL0 = o.TL0
		}
		if in.Frame.HasNumber && int16(o.Number-p.outNumber) > 0 {
			p.outNumber = o.Number
		}
	}
	return o, a
}
