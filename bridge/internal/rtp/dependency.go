package rtp

import "math/bits"

// Limits of the dependency descriptor (AV1 RTP specification, appendix A).
const (
	maxTemplates = 64
	maxTargets   = 32
	// descriptorLeast is a descriptor without its extended fields.
	descriptorLeast = 3
)

// Dependencies reads the dependency descriptors of one encoding, an extension
// of the header that says of each frame in which layer it is and who builds on
// it (AV1 RTP specification, appendix A). It remembers the structure that
// keyframes bring, to which the other frames refer.
type Dependencies struct {
	structure structure
	known     bool
	active    uint32 // decode targets that are sent
	key       uint32 // timestamp of the picture that brought the structure
}

// structure is the template dependency structure.
type structure struct {
	offset             uint8
	templates, targets int
	layers             int
	sid, tid           [maxTemplates]int8
	present            [maxTemplates]uint32 // the decode targets that the frame is for
	above              [MaxSpatial]uint32   // the decode targets of higher layers
	heights            [MaxSpatial]uint16
}

// Read completes what ParseFrame said. Late packets do
// not change which layers there are. False means that the descriptor is malformed, or refers to a structure that
// never came.
func (d *Dependencies) Read(data []byte, timestamp uint32, late bool, f *Frame) bool {
	if len(data) < descriptorLeast {
		return false
	}
	start, end, template := data[0]&0x80 != 0, data[0]&0x40 != 0, data[0]&0x3f
	custom, targets, own := false, uint32(0), false
	if len(data) > descriptorLeast {
		r := bitReader{b: data[descriptorLeast:]}
		brings, actives := r.flag(), r.flag()
		custom = r.flag()
		r.bits(2) // own frame differences, own chains
		s, active := &d.structure, d.active
		if brings {
			s = new(structure)
			if !s.read(&r) {
				return false
			}
			active = 1<<s.targets - 1
		} else if !d.known {
			return false
		}
		if actives {
			active = r.bits(s.targets)
		}
		if custom {
			targets, own = r.targets(s.targets), true
		}
		if r.short {
			return false
		}
		if brings && d.known && int32(timestamp-d.key) < 0 {
			return false // a structure that is outdated
		}
		if brings {
			d.structure, d.known, d.key = *s, true, timestamp
		}
		if brings || !late {
			d.active = active
		}
		f.Keyframe = f.Keyframe || brings && start
	}
	if !d.known {
		return false
	}
	s := &d.structure
	i := int(template+maxTemplates-s.offset) % maxTemplates
	if i >= s.templates {
		return false
	}
	if !own {
		targets = s.present[i]
	}
	f.Layered, f.End = true, end
	f.SID, f.TID = s.sid[i], s.tid[i]
	f.Number, f.HasNumber = uint16(data[1])<<8|uint16(data[2]), true
	f.Predicted = timestamp != d.key
	f.Stacked = !f.Predicted && f.SID > 0
	if f.SID < MaxSpatial {
		f.Needed = targets&s.above[f.SID] != 0
	}
	f.Start = start && f.SID == 0
	f.Keyframe = f.Keyframe && f.Start
	f.Layers = uint8(s.sent(d.active))
	if f.Keyframe {
		f.Heights = s.heights
	}
	return true
}

// sent is how many spatial layers the active decode targets need.
func (s *structure) sent(active uint32) int {
	for sid := s.layers - 1; sid > 0; sid-- {
		if active&s.above[sid-1] != 0 {
			return sid + 1
		}
	}
	return 1
}

func (s *structure) read(r *bitReader) bool {
	s.offset = uint8(r.bits(6))
	s.targets = int(r.bits(5)) + 1
	if !s.readLayers(r) {
		return false
	}
	for i := range s.templates {
		s.present[i] = r.targets(s.targets)
	}
	for range s.templates {
		for r.flag() && !r.short { // frame differences
			r.bits(4)
		}
	}
	if chains := r.below(s.targets + 1); chains > 0 {
		for range s.targets {
			r.below(chains)
		}
		for range s.templates * chains {
			r.bits(4)
		}
	}
	for target := range s.targets {
		top := int8(0)
		for i := range s.templates {
			if s.present[i]>>target&1 != 0 {
				top = max(top, s.sid[i])
			}
		}
		for sid := range min(top, MaxSpatial) {
			s.above[sid] |= 1 << target
		}
	}
	if r.flag() { // resolutions
		for i := range s.layers {
			h := min(r.bits(16), r.bits(16)) + 1
			if i < MaxSpatial {
				s.heights[i] = uint16(min(h, 1<<16-1))
			}
		}
	}
	s.layers = min(s.layers, MaxSpatial)
	return !r.short
}

// readLayers reads in which layer each template is.
func (s *structure) readLayers(r *bitReader) bool {
	const same, nextTemporal, nextSpatial, end = 0, 1, 2, 3
	var sid, tid int8
	for {
		if r.short || s.templates == maxTemplates {
			return false
		}
		s.sid[s.templates], s.tid[s.templates] = sid, tid
		s.templates++
		switch r.bits(2) {
		case same:
		case nextTemporal:
			tid++
		case nextSpatial:
			sid, tid = sid+1, 0
		case end:
			s.layers = int(sid) + 1
			return true
		}
	}
}

// bitReader reads bits, the highest first. Beyond the end they are 0.
type bitReader struct {
	b     []byte
	at    int
	short bool
}

func (r *bitReader) bits(n int) (v uint32) {
	for range n {
		v <<= 1
		if r.at>>3 < len(r.b) {
			v |= uint32(r.b[r.at>>3] >> (7 - r.at&7) & 1)
		} else {
			r.short = true
		}
		r.at++
	}
	return v
}

func (r *bitReader) flag() bool { return r.bits(1) != 0 }

// below reads a number below n in as few bits as that takes.
func (r *bitReader) below(n int) int {
	w := bits.Len(uint(n))
	m := 1<<w - n
	v := int(r.bits(w - 1))
	if v < m {
		return v
	}
	return v<<1 - m + int(r.bits(1))
}

// targets reads for which of n decode targets a frame is.
func (r *bitReader) targets(n int) (mask uint32) {
	const notPresent = 0
	for i := range n {
		if r.bits(2) != notPresent {
			mask |= 1 << i
		}
	}
	return mask
}
