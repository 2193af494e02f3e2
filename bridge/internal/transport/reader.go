package transport

// reader is one socket's goroutine: it reads a batch, works it off, and sends
// what came of it.
type reader struct {
	port  *Port
	local *local
	in    *incoming
	out   *Batch
}

func (r *reader) run() {
	g := r.port.gauges
	for {
		n, err := r.in.read()
		if err != nil {
			return // closed
		}
		now := Now()
		bytes := 0
		for i := range n {
			b, from := r.in.packet(i)
			bytes += len(b)
			r.handle(b, from, now)
		}
		g.readCalls.Inc()
		g.packetsIn.Add(n)
		g.bytesIn.Add(bytes)
		r.out.Flush()
	}
}

// handle sorts one datagram. What came cut short is nil.
func (r *reader) handle(b []byte, from address, now int64) {
	if b == nil {
		r.out.dropped[dropTruncated]++
		return
	}
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
		if !bound.session.dtlsIn.push(b, bound.addr) {
			r.out.dropped[dropDTLSFlood]++
		}
	case stunPacket:
		if why, ok := r.port.handleSTUN(r.local, b, from, now); !ok {
			r.out.dropped[why]++
		}
	default:
		r.out.dropped[dropGarbage]++
	}
}
