package rtp

// PrimaryOfRED finds the newest block of a payload of redundant audio
// (RFC 2198): what a receiver gets who does not know redundancy. It points
// into b.
func PrimaryOfRED(b []byte) (primary []byte, payloadType uint8, ok bool) {
	redundant, at := 0, 0
	for ; at < len(b) && b[at]&0x80 != 0; at += 4 {
		if at+4 > len(b) {
			return nil, 0, false
		}
		redundant += int(b[at+2]&3)<<8 | int(b[at+3])
	}
	if at >= len(b) {
		return nil, 0, false
	}
	payloadType = b[at] & 0x7f
	start := at + 1 + redundant
	if start > len(b) {
		return nil, 0, false
	}
	return b[start:], payloadType, true
}
