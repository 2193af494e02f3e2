package rtp

// parseVP9 follows RFC 9628 §4.2. A keyframe starts with the lowest spatial
// layer of a picture that is predicted from none.
func parseVP9(b []byte) (Frame, bool) {
	f := Frame{TID: -1}
	bad := Frame{TID: -1}
	f.Predicted, f.Flexible, f.End, f.Needed = b[0]&0x40 != 0, b[0]&0x10 != 0, b[0]&0x04 != 0, b[0]&0x01 == 0
	at := 1
	if b[0]&0x80 != 0 {
		if at = f.picture(b, at); at < 0 {
			return bad, false
		}
	}
	if b[0]&0x20 != 0 {
		if at >= len(b) {
			return bad, false
		}
		f.Layered, f.Stacked = true, b[at]&1 != 0
		f.TID, f.SID = int8(b[at]>>5), int8(b[at]>>1&7)
		at++
		if b[0]&0x10 == 0 {
			if at >= len(b) {
				return bad, false
			}
			f.HasTL0, f.TL0, f.tl0At = true, b[at], uint16(at)
			at++
		}
	}
	if b[0]&0x50 == 0x50 { // flexible mode and predicted: reference differences
		for i := 0; ; i++ {
			if at >= len(b) || i == 3 {
				return bad, false
			}
			more := b[at]&1 != 0
			at++
			if !more {
				break
			}
		}
	}
	f.Start = b[0]&0x08 != 0 && f.SID == 0
	f.Keyframe = f.Start && !f.Predicted
	if b[0]&0x02 != 0 { // scalability structure
		if at >= len(b) {
			return bad, false
		}
		layers, sizes := int(b[at]>>5)+1, b[at]&0x10 != 0
		at++
		f.Layers = uint8(layers)
		if sizes {
			if at+4*layers > len(b) {
				return bad, false
			}
			for i := range min(layers, MaxSpatial) {
				size := b[at+4*i:]
				f.Heights[i] = min(uint16(size[0])<<8|uint16(size[1]), uint16(size[2])<<8|uint16(size[3]))
			}
		}
	}
	return f, true
}
