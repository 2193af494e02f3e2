package projection

import "meetbox.local/bridge/internal/rtp"

// shortMost is how many pictures in a row may end below the layer that goes
// out before it counts as gone: an encoder drops single frames now and then.
const shortMost = 3

// spatial is which spatial layer goes out of an encoding that has several.
type spatial struct {
	target, ceiling int8
	current         int8
	layers          int8 // that there are; 0 is unknown
	short           int8 // pictures in a row that ended below current
	// whole says of each layer whether all of it went out since the last
	// keyframe, so that its frames can be decoded.
	whole [rtp.MaxSpatial]bool
}

// stack is what was decided on the frames of one picture.
type stack struct {
	top   int8 // the layer that goes out
	open  bool // … or one above it, if it turns out that there is one
	kept  uint8
	asked uint8
}

// wanted is the target among the layers that there are.
func (s *spatial) wanted() int8 {
	if s.layers > 0 {
		return min(s.target, s.layers-1)
	}
	return s.target
}

// stuck says whether only a keyframe brings what is wanted.
func (s *spatial) stuck() bool {
	if s.layers == 0 {
		return false // one layer, or nobody knows
	}
	w := s.wanted()
	return w > s.current || w < s.current && !s.whole[w] || s.short >= shortMost
}

// picture begins a new picture with its first packet.
func (s *spatial) picture(in *Packet) stack {
	f := &in.Frame
	s.layers = int8(min(in.Layers, rtp.MaxSpatial))
	switch {
	case f.Keyframe || f.Layered && f.SID == 0 && !f.Predicted:
		s.whole, s.short = [rtp.MaxSpatial]bool{}, 0
		if s.layers == 0 {
			s.current = 0
			return stack{open: f.Layered}
		}
		s.current = min(s.ceiling, s.layers-1)
		s.target = max(s.target, s.current)
	case s.wanted() < s.current && s.whole[s.wanted()]:
		s.current = s.wanted()
	}
	return stack{top: s.current}
}

// frame decides on one packet of a picture, the same for all of its frame.
func (s *spatial) frame(in *Packet, d *stack, late bool) bool {
	f := &in.Frame
	if f.SID >= rtp.MaxSpatial || f.SID < 0 {
		return false
	}
	if in.Marker && !late {
		if s.short++; f.SID >= d.top {
			s.short = 0
		}
	}
	bit := uint8(1) << f.SID
	if d.asked&bit == 0 {
		d.asked |= bit
		if s.goesOut(f, d) {
			d.kept |= bit
		}
		if !late {
			s.whole[f.SID] = d.kept&bit != 0 && (!f.Predicted || s.whole[f.SID])
		}
	}
	return d.kept&bit != 0
}

func (s *spatial) goesOut(f *rtp.Frame, d *stack) bool {
	if d.open && f.SID == d.top+1 && f.SID <= s.ceiling && !f.Predicted {
		d.top = f.SID
		s.current, s.target = f.SID, max(s.target, f.SID)
	}
	below := uint8(1) << f.SID >> 1
	switch {
	case f.SID > d.top:
		return false
	case f.SID < d.top && f.Predicted && !f.Needed:
		return false
	case f.Stacked && d.asked&below != 0 && d.kept&below == 0:
		return false
	}
	return true
}

// ends says whether a packet is the last that goes out of its picture.
func (d *stack) ends(f *rtp.Frame) bool { return f.Layered && f.End && f.SID == d.top && !d.open }
