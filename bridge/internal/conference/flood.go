package conference

import "time"

// What one endpoint may make the bridge do, in each floodWindow: whoever has a
// place in a meeting may still be broken, or mean it badly, and the others pay.
const (
	floodWindow = int64(100 * time.Millisecond)
	// maxPackets and maxBytes of it: 10,000 packets and 100 Mbit a second, ten
	// times a camera and a shared screen in three encodings each.
	maxPackets = 1000
	maxBytes   = 1_250_000
	// maxResent packets to it: 4,000 a second, a third of all it could lack of a
	// meeting in good resolution.
	maxResent = 400
)

// ration counts what an endpoint did in the current window. It is under rx.
type ration struct {
	began                  int64
	packets, bytes, resent int
}

func (r *ration) at(now int64) {
	if now-r.began >= floodWindow {
		*r = ration{began: now}
	}
}

// packet says whether one more packet is taken.
func (r *ration) packet(size int, now int64) bool {
	r.at(now)
	r.packets++
	r.bytes += size
	return r.packets <= maxPackets && r.bytes <= maxBytes
}

// resend says whether one more packet is sent again.
func (r *ration) resend(now int64) bool {
	r.at(now)
	r.resent++
	return r.resent <= maxResent
}
