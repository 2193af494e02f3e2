package conference

import (
	"time"

	"golang.org/x/time/rate"
)

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
	// maxCompounds of RTCP: 2,000 a second, of which a client that is sent forty
	// bad streams needs a third.
	maxCompounds = 200
	// maxReports of its streams, each of which goes to all who are sent the
	// stream. Clients make one a second and stream.
	maxReports = 50
	// maxFates of packets that it was sent: 40,000 a second. Some bytes of
	// feedback can claim 65,535, and take a millisecond.
	maxFates = 4000
)

const (
	// messagesPerSecond on the bridge channel is what a remote mouse makes, and
	// messagesBurst a key for each member of a large meeting. All of a burst
	// fits into the queue of whoever it goes to.
	messagesPerSecond, messagesBurst = 200, 250
	textPerSecond, textBurst         = 256 << 10, 1 << 20 // bytes
)

// ration counts what an endpoint did in the current window. It is under rx.
type ration struct {
	began                     int64
	packets, bytes, resent    int
	compounds, reports, fated int
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

// one says whether one more is within what the window allows.
func (r *ration) one(count *int, most int, now int64) bool {
	r.at(now)
	*count++
	return *count <= most
}

// resend says whether one more packet is sent again.
func (r *ration) resend(now int64) bool { return r.one(&r.resent, maxResent, now) }

// compound says whether one more of RTCP is taken.
func (r *ration) compound(now int64) bool { return r.one(&r.compounds, maxCompounds, now) }

// report says whether one more sender report is passed on.
func (r *ration) report(now int64) bool { return r.one(&r.reports, maxReports, now) }

// fate says whether the client may tell of one more packet what became of it.
func (r *ration) fate(now int64) bool { return r.one(&r.fated, maxFates, now) }

// flood counts what was too much of an endpoint's, and says once whose.
func (e *Endpoint) flood(what string) {
	if e.flooded.Add(1) == 1 {
		e.log.Warn("endpoint sends more than anybody could mean; the rest is dropped", "reason", what)
	}
}

// talk is how much a client may say on its channel, which every other may
// have to hear.
type talk struct{ messages, text *rate.Limiter }

func newTalk() talk {
	return talk{rate.NewLimiter(messagesPerSecond, messagesBurst), rate.NewLimiter(textPerSecond, textBurst)}
}

// may says whether one more text is read.
func (t talk) may(size int) bool {
	now := time.Now()
	return t.messages.AllowN(now, 1) && t.text.AllowN(now, size)
}
