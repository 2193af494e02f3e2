package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// slack is how much a collection lets be allocated before the next, in bytes,
// while the heap is small.
const slack = 256 << 10

// heapSaver moves the runtime's memory limit along with the heap.
type heapSaver struct {
	mu      sync.Mutex
	ceiling int64 // of the limit, in bytes: GOMEMLIMIT's
	stopped bool
}

// saveMemory has the heap collected before it has grown by a tenth, or by
// slack if that is more, until stop is called. SetGCPercent alone does not do
// that for a heap of a megabyte: it lets at least another megabyte be
// allocated. The memory limit has no such floor, so that one is set anew after
// each collection.
func saveMemory() (stop func()) {
	percent := debug.SetGCPercent(10)
	s := &heapSaver{ceiling: debug.SetMemoryLimit(-1)}
	s.afterCollection()
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.stopped = true
		debug.SetMemoryLimit(s.ceiling)
		debug.SetGCPercent(percent)
	}
}

// afterCollection has follow called at the end of the next collection.
func (s *heapSaver) afterCollection() {
	runtime.AddCleanup(&struct{ _ [32]byte }{}, (*heapSaver).follow, s)
}

func (s *heapSaver) follow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	debug.SetMemoryLimit(min(limit(), s.ceiling))
	s.afterCollection()
}

// limit is the memory limit, in bytes, for the heap as the last collection has
// left it.
func limit() int64 {
	m := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/gc/heap/live:bytes"},
	}
	metrics.Read(m)
	v := func(i int) int64 { return int64(min(m[i].Value.Uint64(), math.MaxInt64)) }
	rest := v(0) - v(1) - v(2) - v(3) // stacks, tables, gaps between objects
	heap := v(4) + max(slack, v(4)/10)
	// The runtime keeps 3 %, or a megabyte if that is more, free below the limit.
	return rest + heap + max(1<<20, heap/32)
}
