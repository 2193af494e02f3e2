package rtp

import "encoding/binary"

// UnwrapRTX turns a retransmission (RFC 4588) back into the original packet,
// in place: the original sequence number moves into the header and its two
// bytes go. It returns the packet, which starts two bytes later than b, and
// its header. False means that it carries nothing but padding.
func UnwrapRTX(b []byte, h *Header, ssrc uint32, payloadType uint8) ([]byte, Header, bool) {
	if h.payloadEnd-h.extEnd < 2 {
		return nil, Header{}, false
	}
	osn := binary.BigEndian.Uint16(b[h.extEnd:])
	copy(b[2:h.extEnd+2], b[:h.extEnd])
	b = b[2:]
	o := *h
	o.SSRC, o.PayloadType, o.SequenceNumber = ssrc, payloadType, osn
	o.payloadEnd -= 2
	b[1] = b[1]&0x80 | payloadType
	binary.BigEndian.PutUint16(b[2:], osn)
	binary.BigEndian.PutUint32(b[8:], ssrc)
	return b, o, true
}
