package rtcp

import "encoding/binary"

// MaxReports is how many report blocks one packet holds.
const MaxReports = 31

// AppendSenderReport appends a sender report without blocks.
func AppendSenderReport(b []byte, s SenderInfo) []byte {
	b = append(b, 0x80, SR, 0, 6)
	b = binary.BigEndian.AppendUint32(b, s.SSRC)
	b = binary.BigEndian.AppendUint64(b, s.NTP)
	b = binary.BigEndian.AppendUint32(b, s.RTP)
	b = binary.BigEndian.AppendUint32(b, s.Packets)
	return binary.BigEndian.AppendUint32(b, s.Octets)
}

// AppendReceiverReport appends a receiver report with at most MaxReports
// blocks.
func AppendReceiverReport(b []byte, sender uint32, reports []Report) []byte {
	n := len(reports)
	b = append(b, 0x80|byte(n), RR, 0, byte(1+6*n))
	b = binary.BigEndian.AppendUint32(b, sender)
	for _, r := range reports {
		b = binary.BigEndian.AppendUint32(b, r.SSRC)
		b = binary.BigEndian.AppendUint32(b, uint32(r.FractionLost)<<24|uint32(r.Lost)&0xffffff)
		b = binary.BigEndian.AppendUint32(b, r.Highest)
		b = binary.BigEndian.AppendUint32(b, r.Jitter)
		b = binary.BigEndian.AppendUint32(b, r.LastSR)
		b = binary.BigEndian.AppendUint32(b, r.Delay)
	}
	return b
}

// AppendNACK appends a request for the packets with these numbers, which are
// in order.
func AppendNACK(b []byte, sender, media uint32, lost []uint16) []byte {
	start := len(b)
	b = append(b, 0x80|FormatNACK, RTPFB, 0, 0)
	b = binary.BigEndian.AppendUint32(b, sender)
	b = binary.BigEndian.AppendUint32(b, media)
	for i := 0; i < len(lost); {
		first, mask := lost[i], uint16(0)
		for i++; i < len(lost); i++ {
			d := lost[i] - first
			if d == 0 || d > 16 {
				break
			}
			mask |= 1 << (d - 1)
		}
		b = binary.BigEndian.AppendUint16(b, first)
		b = binary.BigEndian.AppendUint16(b, mask)
	}
	binary.BigEndian.PutUint16(b[start+2:], uint16((len(b)-start)/4-1))
	return b
}

// AppendPLI appends a request for a keyframe.
func AppendPLI(b []byte, sender, media uint32) []byte {
	b = append(b, 0x80|FormatPLI, PSFB, 0, 2)
	b = binary.BigEndian.AppendUint32(b, sender)
	return binary.BigEndian.AppendUint32(b, media)
}

// AppendFIR appends a request for a keyframe in the older form; number grows
// with every new request.
func AppendFIR(b []byte, sender, media uint32, number uint8) []byte {
	b = append(b, 0x80|FormatFIR, PSFB, 0, 4)
	b = binary.BigEndian.AppendUint32(b, sender)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, media)
	return append(b, number, 0, 0, 0)
}
