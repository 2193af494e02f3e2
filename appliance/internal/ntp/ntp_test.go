package ntp

import (
	"context"
	"net"
	"testing"
	"time"
)

// serve answers on the loopback with a clock that is off.
func serve(t *testing.T, off time.Duration, s Source) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = Serve(c, func() time.Time { return time.Now().Add(off) }, func() Source { return s })
	}()
	t.Cleanup(func() { c.Close(); <-done })
	return c.LocalAddr().String()
}

func TestQuery(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{0, time.Hour, -time.Hour, 30 * 365 * 24 * time.Hour, -50 * 365 * 24 * time.Hour} {
		a, err := Query(t.Context(), serve(t, off, Source{Stratum: 3, Set: time.Now()}), time.Now)
		if err != nil || a.Stratum != 3 || (a.Offset-off).Abs() > time.Second/2 || a.Delay < 0 || a.Delay > time.Second {
			t.Errorf("off by %v: %+v, %v", off, a, err)
		}
	}
	if _, err := Query(t.Context(), serve(t, 0, Source{}), time.Now); err != errUnsure {
		t.Errorf("a server without the time: %v", err)
	}
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Query(ctx, silent.LocalAddr().String(), time.Now); err != context.DeadlineExceeded {
		t.Errorf("a silent server: %v", err)
	}
}

func TestMoment(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1970-01-01T00:00:00Z", "2026-11-22T12:00:00.5Z", "2036-02-07T06:28:15Z", "2036-02-07T06:28:17Z", "2090-01-01T00:00:00Z"} {
		want, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := moment(stamp(want)); got.Sub(want).Abs() > time.Microsecond {
			t.Errorf("moment(stamp(%v)) = %v", want, got.UTC())
		}
	}
}

// Whatever is asked gets an answer that its asker would take, or none.
func FuzzReply(f *testing.F) {
	q := make([]byte, size)
	q[0] = 4<<3 | modeClient
	f.Add(q)
	f.Fuzz(func(t *testing.T, q []byte) {
		now := time.Now()
		a := reply(q, now, Source{Stratum: 2, Set: now})
		if a == nil {
			return
		}
		if len(a) > len(q) {
			t.Errorf("%d bytes answered to %d", len(a), len(q))
		}
		if _, err := read(a, [8]byte(q[40:]), now, time.Millisecond); err != nil {
			t.Errorf("%x answered with %x: %v", q, a, err)
		}
	})
}

// No answer is taken for another's, or gives an impossible delay.
func FuzzRead(f *testing.F) {
	f.Add(reply(append([]byte{4<<3 | modeClient}, make([]byte, size)...), time.Now(), Source{Stratum: 1}), []byte("12345678"))
	f.Fuzz(func(t *testing.T, b, cookie []byte) {
		if len(cookie) != 8 {
			return
		}
		a, err := read(b, [8]byte(cookie), time.Now(), time.Second)
		if err == nil && (string(b[24:32]) != string(cookie) || a.Delay < 0 || a.Delay > time.Second || a.Stratum < 1 || a.Stratum > maxStratum) {
			t.Errorf("%x: %+v", b, a)
		}
	})
}
