package conference

import (
	"encoding/binary"
	"testing"
	"time"

	"meetbox.local/bridge/internal/channel"
	"meetbox.local/bridge/internal/rtcp"
	"meetbox.local/bridge/internal/rtp"
)

// narrow is a client's line of a rate, with a long queue. It reports on what
// the client is sent.
type narrow struct {
	*member
	rate     int64
	free     int64
	arrivals rtcp.Arrivals
	pending  []arrival
	padding  int // packets of it that were sent
	again    int // … of retransmissions, which the client never asks for
	bytes    int
}

type arrival struct {
	number uint16
	at     int64
}

// pump takes what was sent since, and gives feedback on what has arrived.
func (n *narrow) pump() {
	now := n.now()
	n.link.mu.Lock()
	var packets [][]byte
	for _, s := range n.link.streams {
		packets = append(packets, s.packets...)
		s.packets = nil
	}
	n.link.mu.Unlock()
	numbers := map[uint16]int{}
	first := uint16(0)
	for _, b := range packets {
		h, err := rtp.Parse(b)
		if err != nil {
			n.r.t.Fatal(err)
		}
		if _, video := n.r.FeedbackSSRCs(); h.SSRC == video {
			n.padding++
			if len(h.Payload(b)) != 0 || len(b) < 255 {
				n.r.t.Fatalf("padding %x", b)
			}
		}
		if h.PayloadType == vp8RTX {
			n.again++
		}
		for w := h.Elements(b); ; {
			x, ok := w.Next()
			if !ok {
				break
			}
			if x.ID == sequenceID {
				number := binary.BigEndian.Uint16(x.Data(b))
				if len(numbers) == 0 || int16(number-first) < 0 {
					first = number
				}
				numbers[number] = len(b)
			}
		}
	}
	for number := first; len(numbers) > 0; number++ {
		size, ok := numbers[number]
		delete(numbers, number)
		if !ok {
			continue
		}
		n.bytes += size
		n.free = max(n.free, now) + int64(size+40)*8*int64(time.Second)/n.rate
		n.pending = append(n.pending, arrival{number, n.free})
	}
	due := false
	for len(n.pending) > 0 && n.pending[0].at <= now {
		due = n.arrivals.Packet(n.pending[0].number, true, n.pending[0].at) || due
		n.pending = n.pending[1:]
	}
	if due {
		for {
			msg := n.arrivals.Append(nil, 1, 2, now)
			if len(msg) == 0 {
				break
			}
			n.HandleRTCP(nil, msg, now)
		}
	}
}

// shoot sends so many seconds of real pictures: 25 a second, of 100, 300 and
// 1000 kbit/s.
func shoot(from *member, to *narrow, seconds int) {
	for range 25 * seconds {
		key := from.keyframeAsked()
		from.frame++
		for i := range from.video {
			left := []int{500, 1500, 5000}[i]
			for part := 0; left > 0; part++ {
				size := min(left, 1000)
				left -= size
				pl := append(vp8Payload(part == 0, key, uint16(from.frame+100*i)&0x7fff, uint8(from.frame), 180<<i, ""), make([]byte, size)...)
				from.send(vp8, from.video[i].SSRC, uint32(from.frame*3600+i*1_000_000), left == 0, nil, pl)
			}
		}
		for range 4 {
			time.Sleep(10 * time.Millisecond)
			to.pump()
		}
	}
}

// height is of what the client is sent of the only camera.
func (n *narrow) height() int {
	n.r.settled()
	for _, l := range n.lanes.Load().video {
		if x := l.proj.Current(); x >= 0 {
			return 180 << x
		}
	}
	return 0
}

func TestLine(t *testing.T) {
	t.Parallel()
	for _, rewriting := range []bool{false, true} {
		inRoom(t, Options{}, func(t *testing.T, r *room) {
			a := r.join("a", 3, false)
			b := &narrow{member: r.join("b", 0, rewriting), rate: 100_000_000}
			b.wants(720)
			shoot(a, b, 5)
			if got := b.height(); got != 720 {
				t.Errorf("wide line: %d lines", got)
			}
			if got := b.Stats().Estimate; got < 10_000_000 {
				t.Errorf("estimate of a wide line: %d", got)
			}
			b.rate = 700_000
			shoot(a, b, 2)
			if got := b.height(); got > 360 || got == 0 {
				t.Errorf("narrow line: %d lines", got)
			}
			b.bytes = 0
			shoot(a, b, 10)
			if got := b.bytes * 8 / 10; got > 700_000 || got < 80_000 {
				t.Errorf("narrow line: %d bit/s", got)
			}
			b.rate = 100_000_000
			shoot(a, b, 10)
			if got := b.height(); got != 720 {
				t.Errorf("wide again: %d lines of %d bit/s", got, b.Stats().Estimate)
			}
			if b.padding == 0 || b.again == 0 {
				t.Errorf("%d packets of padding, %d sent again", b.padding, b.again)
			}
			if m := hears[*channel.ConnectionStats](b.member); len(m) != 2 || m[1].EstimatedDownlinkBandwidth <= 0 {
				t.Errorf("connection stats: %s", asJSON(m))
			}
		})
	}
}

// A client that gives no transport-wide feedback, but an estimate of its own.
func TestREMB(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 3, false), r.join("b", 0, false)
		types, extensions := offer()
		for i := range types {
			types[i].Feedback = []Feedback{{"goog-remb", ""}, {"nack", ""}, {"nack", "pli"}}
		}
		b.SetMedia(types, extensions)
		n := &narrow{member: b, rate: 1 << 40}
		b.wants(720)
		shoot(a, n, 3)
		if got := n.height(); got != 720 {
			t.Errorf("%d lines before any estimate", got)
		}
		remb := []byte{0x80 | rtcp.FormatREMB, rtcp.PSFB, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 0, 1<<2 | 3, 0x0d, 0x40}
		if bps, ok := rtcp.Packet(remb).REMB(); !ok || bps != 2*(3<<16|0x0d40) {
			t.Fatalf("remb %d", bps)
		}
		b.HandleRTCP(nil, remb, b.now())
		shoot(a, n, 3)
		if got := n.height(); got != 360 {
			t.Errorf("%d lines at 400 kbit/s", got)
		}
	})
}
