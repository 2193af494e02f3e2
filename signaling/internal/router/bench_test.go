package router

import (
	"fmt"
	"testing"
)

// crowd is a room of n guests and the focus, everybody reading.
func crowd(b *testing.B, n int) []*peer {
	b.Helper()
	r := openWith(b, b.TempDir(), 4<<20)
	focus := join(b, r, "focus", "auth.meet.jitsi", "focus", "")
	focus.enter("focus")
	peers := []*peer{focus}
	for i := range n {
		p := join(b, r, fmt.Sprintf("%08x", i), "meet.jitsi", "r", fmt.Sprint("token", i))
		peers = append(peers, p)
		if err := p.say(presence, p.s.addr.Local(), `<x xmlns="http://jabber.org/protocol/muc"/>`, 0); err != nil {
			b.Fatal(err)
		}
		read(b, peers)
	}
	return peers
}

const presence = `<presence to="demo@muc.meet.jitsi/%s">%s<stats-id>Ann-9Qx</stats-id>` +
	`<c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="https://jitsi.org/jitsi-meet" ver="qWvE5a2y7Dp0mZ8H4K1n3U6t9Bs="/>` +
	`<jitsi_participant_codecList>av1,vp9,vp8,h264</jitsi_participant_codecList>` +
	`<SourceInfo>{"a1b2c3d4-a0":{"muted":true},"a1b2c3d4-v0":{"muted":false},"n":%d}</SourceInfo>` +
	`<nick xmlns="http://jabber.org/protocol/nick">Ann</nick></presence>`

// read takes and renders everything, as the writers of the links do, and
// acknowledges it.
func read(b *testing.B, peers []*peer) (n int) {
	b.Helper()
	var buf []byte
	for _, p := range peers {
		items, _ := p.s.Box.Take(p, nil)
		for _, it := range items {
			if buf = p.s.Box.Append(buf[:0], it); buf[2] != ' ' { // all but <r …>
				p.got++
				n++
			}
		}
		if p.s.counting {
			if err := p.r.Ack(p.s, p.got); err != nil {
				b.Fatal(err)
			}
		}
	}
	return n
}

// BenchmarkFanout is one presence update to a room, journal included, sockets
// not.
func BenchmarkFanout(b *testing.B) {
	for _, n := range []int{10, 100, 500} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			peers := crowd(b, n)
			delivered, i := 0, 0
			b.ResetTimer()
			b.ReportAllocs()
			for b.Loop() {
				p := peers[1+i%n]
				if err := p.say(presence, p.s.addr.Local(), "", i); err != nil {
					b.Fatal(err)
				}
				delivered += read(b, peers)
				i++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(delivered), "ns/delivery")
		})
	}
}

// BenchmarkJoin is a whole room coming together.
func BenchmarkJoin(b *testing.B) {
	for _, n := range []int{10, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				crowd(b, n)
			}
		})
	}
}
