package conference

import (
	"testing"
	"time"

	"meetbox.local/bridge/internal/rtcp"
)

// Whoever floods is forwarded no more than could be meant, and heard again
// when it stops.
func TestFloodOfPackets(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 0, false), r.join("b", 0, false)
		a.speak(40, 1)
		b.gets(a.audio)
		for range 5 {
			for range 4 * maxPackets {
				a.send(opus, a.audio, uint32(a.seqs[a.audio]+1)*960, false, []byte{levelID << 4, 40}, []byte("a"))
			}
			if n := len(b.gets(a.audio)); n == 0 || n > maxPackets {
				t.Errorf("%d packets of %d are forwarded, at most %d may be", n, 4*maxPackets, maxPackets)
			}
			time.Sleep(time.Duration(floodWindow))
		}
		if n := r.bridge.drops.flood.Get(); n < 5*3*maxPackets {
			t.Errorf("%d packets counted as flood", n)
		}
		a.speak(40, 5)
		if n := len(b.gets(a.audio)); n != 5 {
			t.Errorf("%d packets of 5 after the flood", n)
		}
	})
}

// Whoever asks for everything again and again gets so much and no more.
func TestFloodOfNACKs(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 1, false), r.join("b", 0, false)
		b.wants(180)
		a.film(50)
		got := b.gets(a.video[0].SSRC)
		if len(got) < 90 {
			t.Fatalf("%d packets", len(got))
		}
		var numbers []uint16
		for _, p := range got[len(got)-90:] {
			numbers = append(numbers, p.SequenceNumber)
		}
		nack := rtcp.AppendNACK(nil, 1, a.video[0].SSRC, numbers)
		for range 100 {
			b.HandleRTCP(nil, append([]byte(nil), nack...), b.now())
		}
		if n := len(b.gets(a.video[0].RTX)); n == 0 || n > maxResent {
			t.Errorf("%d packets are sent again, at most %d may be", n, maxResent)
		}
		if r.bridge.drops.flood.Get() == 0 {
			t.Error("no flood is counted")
		}
	})
}
