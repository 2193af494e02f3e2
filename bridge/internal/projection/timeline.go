package projection

// timeline places the frames of all encodings of a source where their sender
// captured them, as its reports tell. When a packet comes says less: a keyframe
// is large, and late, and what then is sent in time would seem early, or after
// the next change late, and be left out by the receiver.
type timeline struct {
	known bool
	base  uint32 // what goes out at the common moment of the encodings' clocks
}

// apart is how far the sender's reports may be from what is seen. What is
// further away is no clock.
const apart = clock / 2

// since is how long after a time that went out a packet of another encoding
// was captured, given what the clock here says.
func (t *timeline) since(in *Packet, out uint32, elapsed int64) int64 {
	if !t.known || !in.Clocked {
		return elapsed
	}
	d := int64(int32(in.Timestamp - in.Clock + t.base - out))
	if d-elapsed > apart || elapsed-d > apart {
		t.known = false
		return elapsed
	}
	return d
}

// align is the shift of a frame's timestamp. It returns to the timeline from
// what a change of the encoding had to do for time not to stand still.
func (t *timeline) align(in *Packet, shift, out uint32) uint32 {
	if !in.Clocked {
		return shift
	}
	exact := t.base - in.Clock
	d := int32(exact - shift)
	switch {
	case !t.known || d > apart || d < -apart:
		t.known, t.base = true, shift+in.Clock
	case int32(in.Timestamp+exact-out) >= minStep:
		return exact
	}
	return shift
}
