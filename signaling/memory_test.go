package main

import (
	"runtime"
	"testing"
	"time"
)

// TestHeapStaysSmall: without the limit, a heap this small is collected once
// for each megabyte or four that are allocated.
func TestHeapStaysSmall(t *testing.T) {
	t.Cleanup(saveMemory())
	collections := func() uint32 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.NumGC
	}
	before := collections()
	deadline := time.Now().Add(time.Minute)
	var allocated int
	for collections() < before+100 {
		if time.Now().After(deadline) {
			t.Fatal("hardly any collection")
		}
		for range 256 {
			garbage = make([]byte, 1<<10)
			allocated += len(garbage)
		}
	}
	if each := allocated / 100; each > 1<<20-64<<10 {
		t.Errorf("%d bytes between two collections", each)
	}
}

var garbage []byte
