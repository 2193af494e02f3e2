package hardware

import (
	"encoding/binary"
	"errors"
)

// Smart is what an NVMe disk says of its health (NVM Express base
// specification, log page 02h).
type Smart struct {
	Critical    bool
	Used        int // percent of the planned life; may exceed 100
	Hours       uint64
	UnsafeOff   uint64
	MediaErrors uint64
}

const smartSize = 512

func parseSmart(b []byte) (Smart, error) {
	if len(b) < smartSize {
		return Smart{}, errors.New("the disk's log is too short")
	}
	// Counters have 16 bytes, of which no disk ever fills the upper eight.
	le := binary.LittleEndian
	return Smart{
		Critical:    b[0]&^0x02 != 0, // all but "too hot", which the sensor says better
		Used:        int(b[5]),
		Hours:       le.Uint64(b[128:]),
		UnsafeOff:   le.Uint64(b[144:]),
		MediaErrors: le.Uint64(b[160:]),
	}, nil
}
