package transport

import "time"

// reader is one socket's goroutine: it reads a batch, works it off, and sends
// what came of it.
type reader struct {
	port  *Port
	local *local
	in    *incoming
	out   *Batch
}

// rounds is how often a reader looks for more before it sends. A frame's
// packets come some microseconds apart, and the first one wakes the reader;
// while it is worked off the others arrive, and all go out to each receiver as
// one message. It never waits for them.
const rounds = 4

// longestWait is how long a datagram may have waited to be read. More is a
// system clock that was set.
const longestWait = int64(time.Second)

func (r *reader) run() {
	for {
		n, err := r.in.read()
		if err != nil {
			return // closed
		}
		for range rounds {
			r.work(n)
			if n = r.in.more(); n == 0 {
				break
			}
		}
		r.work(n) // what the last look brought
		r.out.Flush()
	}
}

// work handles the n messages of one system call.
func (r *reader) work(n int) {
	if n == 0 {
		return
	}
	now, clock := Now(), time.Now().UnixNano()
	packets, bytes := 0, 0
	for i := range n {
		m := r.in.message(i)
		bytes += len(m.bytes)
		r.out.arrived = now
		if ago := clock - m.came; ago > 0 && ago < longestWait {
			r.out.arrived -= ago
		}
		if m.cut {
			r.out.dropped[dropTruncated]++
			continue
		}
		for more := true; more; more = len(m.bytes) > 0 { // a datagram may be empty
			r.handle(m.next(), m.from, now)
			packets++
		}
	}
	g := r.port.gauges
	g.readCalls.Inc()
	g.packetsIn.Add(packets)
	g.bytesIn.Add(bytes)
}

// handle sorts one datagram.
func (r *reader) handle(b []byte, from address, now int64) {
	switch k := classify(b); k {
	case rtpPacket, rtcpPacket:
		bound := (*r.local.bindings.Load())[from]
		if bound == nil {
			r.out.dropped[dropMediaStranger]++
			return
		}
		bound.session.receive(r.out, bound, k, b, now)
	case dtlsPacket:
		bound := (*r.local.bindings.Load())[from]
		if bound == nil {
			r.out.dropped[dropDTLSStranger]++
			return
		}
		if !bound.session.dtlsIn.push(b, bound.addr, now) {
			r.out.dropped[dropDTLSFlood]++
		}
	case stunPacket, turnPacket:
		if k == turnPacket || relaying(b) {
			if why, ok := r.port.handleRelayed(r.local, b, from, now); !ok {
				r.out.dropped[why]++
			}
			return
		}
		if why, ok := r.port.handleSTUN(r.local, b, from, now); !ok {
			r.out.dropped[why]++
		}
	default:
		r.out.dropped[dropGarbage]++
	}
}
