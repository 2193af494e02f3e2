package conference

import (
	"runtime"
	"testing"
	"testing/synctest"
)

// A thousand joins and leaves leave nothing behind.
func TestLeak(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRoom(t, Options{})
		stay := r.join("z", 1, true)
		stay.wants(720)
		round := func() {
			a := r.join("a", 3, false)
			a.wants(720)
			a.film(2)
			a.speak(40, 2)
			stay.film(1)
			r.ExpireEndpoint("a")
		}
		size := func() uint64 {
			runtime.GC()
			var s runtime.MemStats
			runtime.ReadMemStats(&s)
			return s.HeapAlloc
		}
		for range 50 {
			round()
			stay.link.mu.Lock()
			stay.link.rtcp, stay.link.messages, stay.link.streams = nil, nil, map[uint32]*fakeStream{}
			stay.link.mu.Unlock()
		}
		before, goroutines := size(), runtime.NumGoroutine()
		for range 1000 {
			round()
			stay.link.mu.Lock()
			stay.link.rtcp, stay.link.messages, stay.link.streams = nil, nil, map[uint32]*fakeStream{}
			stay.link.mu.Unlock()
		}
		if n := runtime.NumGoroutine(); n > goroutines+5 {
			t.Errorf("%d goroutines, %d before", n, goroutines)
		}
		// Less than an endpoint takes.
		if after := size(); after > before+500<<10 {
			t.Errorf("%d bytes, %d before", after, before)
		}
		stop()
	})
}
