package bwe_test

import (
	"encoding/binary"
	"testing"
	"time"

	"meetbox.local/bridge/internal/bwe"
)

// Whatever a client reports, the estimate stays within its bounds.
func FuzzEstimator(f *testing.F) {
	f.Add([]byte("0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"))
	f.Fuzz(func(t *testing.T, b []byte) {
		e := bwe.New()
		now := second
		for len(b) >= 12 {
			v := binary.BigEndian.Uint64(b)
			now += int64(b[8]) * msec(1)
			e.Packet(bwe.Packet{
				Number: binary.BigEndian.Uint16(b[9:]), Size: 1 + int(b[10])*8, Sent: now - int64(b[8])*msec(2),
				Came: b[11]&1 != 0, Arrived: int64(v >> (b[11] >> 4 << 2)),
			})
			if b[11]&2 != 0 {
				e.Update(now, time.Duration(v%uint64(second)))
			}
			e.Need(int64(v >> 20))
			if p, ok := e.Probe(now); ok && b[11]&4 != 0 {
				first := binary.BigEndian.Uint16(b[9:]) + 1
				e.Probing(p, first, first+uint16(b[8]), int(b[8])+1, p.Bytes, now)
			}
			if got := e.Target(); got < bwe.Least || got > bwe.Most {
				t.Fatalf("target %d", got)
			}
			b = b[12:]
		}
	})
}
