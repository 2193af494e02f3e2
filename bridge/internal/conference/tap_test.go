package conference

import (
	"errors"
	"fmt"
	"testing"

	"meetbox.local/bridge/internal/rtp"
)

// heard takes all that waits.
func heard(t *testing.T, tap *Tap) (list []TapPacket) {
	t.Helper()
	for {
		p, _, ok, err := tap.Next(nil)
		if err != nil && !errors.Is(err, ErrTapClosed) {
			t.Fatal(err)
		}
		if !ok {
			return list
		}
		list = append(list, p)
	}
}

// A tap hears all that is forwarded, once, and says whose it is.
func TestTap(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 2, false), r.join("b", 0, true)
		b.wants(360)
		a.film(8) // longer ago than requests are merged
		a.keyframeAsked()
		tap, err := r.Tap()
		if err != nil {
			t.Fatal(err)
		}
		if !a.keyframeAsked() {
			t.Error("no keyframe is asked for at the beginning")
		}
		if _, err := r.Tap(); !errors.Is(err, ErrTapped) {
			t.Errorf("a second tap: %v", err)
		}
		a.film(5)
		a.speak(40, 7)
		b.speak(40, 2)
		a.SetForceMute(true, true)
		a.film(5)
		a.speak(40, 7)
		count := map[string]int{}
		last := map[string]uint16{}
		for _, p := range heard(t, tap) {
			h, err := rtp.Parse(p.RTP)
			if err != nil {
				t.Fatal(err)
			}
			key := fmt.Sprint(p.Endpoint, " ", p.Source, " ", p.Media, " ", p.Encoding)
			if count[key]++; count[key] > 1 && h.SequenceNumber != last[key]+1 {
				t.Errorf("%s: %d after %d", key, h.SequenceNumber, last[key])
			}
			last[key] = h.SequenceNumber
			if p.Media == Audio && string(h.Payload(p.RTP)) != p.Endpoint {
				t.Errorf("%s: %q", key, h.Payload(p.RTP))
			}
			if p.Arrived == 0 || p.Arrived > r.bridge.port.now() {
				t.Errorf("%s came at %d", key, p.Arrived)
			}
		}
		for key, want := range map[string]int{"a a-a0 audio 0": 7, "b b-a0 audio 0": 2, "a a-v0 video 0": 10, "a a-v0 video 1": 10} {
			if count[key] != want {
				t.Errorf("%s: %d packets, want %d", key, count[key], want)
			}
		}
		if len(count) != 4 || tap.Lost() != 0 {
			t.Errorf("heard %v, %d lost", count, tap.Lost())
		}
		tap.Close()
		tap.Close()
		a.SetForceMute(false, false)
		a.speak(40, 1)
		if list := heard(t, tap); len(list) != 0 {
			t.Errorf("a closed tap hears %d packets", len(list))
		}
		if _, ok := <-tap.Ready(); ok {
			<-tap.Ready()
		}
		again, err := r.Tap()
		if err != nil {
			t.Fatal(err)
		}
		r.Expire()
		if _, _, ok, err := again.Next(nil); ok || !errors.Is(err, ErrTapClosed) {
			t.Errorf("after the conference: %v, %v", ok, err)
		}
		if _, err := r.Tap(); !errors.Is(err, ErrExpired) {
			t.Errorf("of an expired conference: %v", err)
		}
	})
}

// A reader that does not read loses packets; the meeting loses none.
func TestSlowTap(t *testing.T) {
	t.Parallel()
	inRoom(t, Options{}, func(t *testing.T, r *room) {
		a, b := r.join("a", 0, false), r.join("b", 0, false)
		tap, err := r.Tap()
		if err != nil {
			t.Fatal(err)
		}
		tap.mu.Lock()
		tap.ring = make([]byte, 1000) // many rounds of it
		tap.mu.Unlock()
		for round := range 50 {
			a.speak(40, 30)
			if n := len(b.gets(a.audio)); n != 30 {
				t.Fatalf("%d packets of 30 are forwarded", n)
			}
			list := heard(t, tap)
			if lost := tap.Lost(); len(list) == 0 || lost == 0 || uint64(len(list))+lost != 30 {
				t.Fatalf("round %d: %d heard, %d lost", round, len(list), lost)
			}
			tap.lost.Store(0)
			for _, p := range list {
				if h, err := rtp.Parse(p.RTP); err != nil || p.Endpoint != "a" || p.Source != "a-a0" || string(h.Payload(p.RTP)) != "a" {
					t.Fatalf("round %d: %+v, %v", round, p, err)
				}
			}
		}
	})
}
