package transport

import (
	"meetbox.local/bridge/internal/srtp"
)

const (
	// maxPackets in a batch is what one sendmmsg takes (UIO_MAXIOV).
	maxPackets = 1024
	// arenaSize is what they may weigh together: 1,024 packets of a video.
	arenaSize = maxPackets * 1152
	// maxDatagram is the largest packet that is sent: Ethernet without the
	// smallest headers.
	maxDatagram = 1472
)

// Batch collects sealed packets to many receivers until they are sent
// together. It flushes by itself when it is full. It belongs to one goroutine
// at a time.
//
// Packets to one receiver keep their order and are sent next to each other,
// so that the kernel takes a frame's packets as one message (UDP GSO).
type Batch struct {
	gauges  *gauges
	lane    int // which of an address's sockets it sends through
	scratch srtp.Scratch
	arena   []byte
	used    uint32
	packets []sealed
	chains  []chain
	slots   []slot // by session's index
	round   uint32 // of flushing; a slot of another round is empty
	out     *outgoing
	dropped [reasons]int
	arrived int64 // of the packet that is handled; 0 is when it was read
}

// Arrived is when the packet that is being handled came to this machine, on
// the clock of [Now]. That is earlier than now, when it was read, where the
// reader had to wait for the processor.
func (b *Batch) Arrived(now int64) int64 {
	if b == nil || b.arrived == 0 {
		return now
	}
	return b.arrived
}

// sealed is a packet in the arena.
type sealed struct {
	at, size uint32
	next     int32 // to the same receiver; -1 is none
}

// chain is what one receiver gets.
type chain struct {
	session     *Session
	path        *binding
	first, last int32
	count       int
}

type slot struct {
	round uint32
	chain int32
}

func newBatch(g *gauges, lane int) *Batch {
	return &Batch{
		gauges:  g,
		lane:    lane,
		arena:   make([]byte, arenaSize),
		packets: make([]sealed, 0, maxPackets),
		chains:  make([]chain, 0, maxPackets),
		slots:   make([]slot, maxSessions),
		round:   1,
		out:     newOutgoing(),
	}
}

// reserve returns room for a packet of at most size bytes.
func (b *Batch) reserve(size int) []byte {
	if len(b.packets) == maxPackets || int(b.used)+size > len(b.arena) {
		b.Flush()
	}
	return b.arena[b.used : b.used : int(b.used)+size]
}

// commit takes over what was sealed into the reserved room.
func (b *Batch) commit(s *Session, size int) {
	i := int32(len(b.packets))
	b.packets = append(b.packets, sealed{at: b.used, size: uint32(size), next: -1})
	// Round up, so that the next packet starts where AES likes it.
	b.used += uint32(size+15) &^ 15
	at := &b.slots[s.index]
	// The session is compared, too: its index may have changed hands.
	if at.round == b.round && b.chains[at.chain].session == s {
		c := &b.chains[at.chain]
		b.packets[c.last].next = i
		c.last = i
		c.count++
		return
	}
	*at = slot{b.round, int32(len(b.chains))}
	b.chains = append(b.chains, chain{session: s, first: i, last: i, count: 1})
}

// Flush sends what has been collected. Readers flush theirs themselves at the
// end of each read; only the holder of a [Port.NewBatch] needs to call it.
func (b *Batch) Flush() {
	if len(b.packets) > 0 {
		b.send()
	}
	for r, n := range b.dropped {
		if n > 0 {
			b.gauges.dropped[r].Add(n)
			b.dropped[r] = 0
		}
	}
}

func (b *Batch) send() {
	var sent int
	for i := range b.chains {
		c := &b.chains[i]
		c.path = c.session.path.Load()
		if c.path == nil {
			b.dropped[dropSendPath] += c.count
			continue
		}
		sent += c.count
		if c.path.conn != nil {
			late := c.path.conn.sendBatch(b, c.first)
			sent -= late
			b.dropped[dropSendBuffer] += late
			c.path = nil
		}
	}
	// One pass for each of our addresses that somebody is reached from: one,
	// as a rule.
	for i := range b.chains {
		if b.chains[i].path == nil {
			continue
		}
		l := b.chains[i].path.local
		for j := range b.chains[i:] {
			c := &b.chains[i+j]
			if c.path != nil && c.path.local == l {
				b.out.add(b, c.first, c.path)
				c.path = nil
			}
		}
		b.out.flush(l, b.lane)
	}
	o := b.out
	b.dropped[dropSendError] += o.refused
	b.dropped[dropSendBuffer] += o.late
	b.gauges.packetsOut.Add(sent - o.refused - o.late)
	b.gauges.bytesOut.Add(int(b.used))
	b.gauges.writeCalls.Add(o.calls)
	o.refused, o.late, o.calls = 0, 0, 0
	clear(b.chains) // let go of the sessions
	b.chains = b.chains[:0]
	b.packets = b.packets[:0]
	b.used = 0
	b.round++
}
