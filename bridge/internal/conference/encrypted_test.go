package conference

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"meetbox.local/bridge/internal/channel"
	"meetbox.local/bridge/internal/rtcp"
)

// What members have encrypted for each other comes out as it went in, whatever
// else of a packet is rewritten: clear are only the descriptor, and of a VP8
// frame the first bytes.
func TestEncryptedPayloads(t *testing.T) {
	t.Parallel()
	for _, rewriting := range []bool{false, true} {
		inRoom(t, Options{}, func(t *testing.T, r *room) {
			a, b := r.join("a", 3, false), r.join("b", 0, rewriting)
			rnd := rand.NewChaCha8([32]byte{1})
			sent := map[string]int{} // encrypted payloads, by encoding
			primary, rtx := a.video[0].SSRC, a.video[0].RTX
			b.wants(180)
			if rewriting {
				m := hears[*channel.VideoSourcesMap](b)[0].MappedSources[0]
				primary, rtx = m.SSRC, m.RTX
			}
			const descriptor = 6
			film := func(n int) {
				for range n {
					key := a.keyframeAsked()
					a.frame++
					for i := range a.video {
						for part := range 2 {
							secret := make([]byte, 300)
							rnd.Read(secret)
							pl := vp8Payload(part == 0, key, uint16(a.frame+100*i)&0x7fff, uint8(a.frame), 180<<i, string(secret))
							sent[string(pl[descriptor:])] = i
							a.send(vp8, a.video[i].SSRC, uint32(a.frame*3600+i*1_000_000), part == 1, nil, pl)
						}
					}
					time.Sleep(40 * time.Millisecond)
				}
			}
			encodings := map[int]bool{}
			var numbers []uint16
			for _, height := range []int{180, 720, 360, 180, 720} {
				b.wants(height)
				film(25)
				for _, x := range b.gets(primary) {
					i, ok := sent[string(x.payload[descriptor:])]
					if !ok {
						t.Fatalf("%d lines: %x was never sent", height, x.payload)
					}
					encodings[i] = true
					numbers = append(numbers, x.SequenceNumber)
				}
			}
			if len(encodings) != 3 || len(numbers) < 100 {
				t.Errorf("%d packets of encodings %v", len(numbers), encodings)
			}
			lost := numbers[len(numbers)-40:]
			b.HandleRTCP(nil, rtcp.AppendNACK(nil, 1, primary, lost), b.now())
			again := b.gets(rtx)
			if len(again) != len(lost) {
				t.Errorf("%d of %d packets again", len(again), len(lost))
			}
			for i, x := range again {
				if _, ok := sent[string(x.payload[2+descriptor:])]; !ok || binary.BigEndian.Uint16(x.payload) != lost[i] {
					t.Errorf("%x was never sent", x.payload)
				}
			}

			// Sound, which has nothing in the clear.
			heard := a.audio
			secrets := map[string]bool{}
			for range 20 {
				secret := make([]byte, 90)
				rnd.Read(secret)
				secrets[string(secret)] = true
				a.send(opus, a.audio, uint32(a.seqs[a.audio]+1)*960, false, []byte{levelID << 4, 30}, secret)
				time.Sleep(20 * time.Millisecond)
				r.settled()
			}
			if rewriting {
				heard = hears[*channel.AudioSourcesMap](b)[0].MappedSources[0].SSRC
			}
			got := b.gets(heard)
			if len(got) < 15 {
				t.Errorf("%d packets of sound", len(got))
			}
			for _, x := range got {
				if !secrets[string(x.payload)] {
					t.Errorf("%x was never said", x.payload)
				}
			}
		})
	}
}

// A source that is signalled anew with retransmissions, or with others, is
// retransmitted as signalled.
func TestRetransmissionsSignalledLater(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 1, false), r.join("b", 0, false)
		for _, rtx := range []uint32{a.video[0].RTX, 0, 4711, 4712} {
			a.video[0].RTX = rtx
			if err := a.SetSources(a.describe()); err != nil {
				t.Fatal(err)
			}
			b.wants(180)
			a.film(10)
			sent := b.gets(a.video[0].SSRC)
			if len(sent) < 10 {
				t.Fatalf("%d: %d packets", rtx, len(sent))
			}
			x := sent[len(sent)-2]
			time.Sleep(time.Second)
			b.HandleRTCP(nil, rtcp.AppendNACK(nil, 1, a.video[0].SSRC, []uint16{x.SequenceNumber}), b.now())
			want := a.video[0].SSRC
			if rtx != 0 {
				want = rtx
			}
			again := 0
			for _, y := range b.gets(want) {
				if rtx == 0 && y.SequenceNumber == x.SequenceNumber || rtx != 0 && binary.BigEndian.Uint16(y.payload) == x.SequenceNumber {
					again++
				}
			}
			if again != 1 {
				t.Errorf("%d: sent again %d times", rtx, again)
			}
		}
	})
}
