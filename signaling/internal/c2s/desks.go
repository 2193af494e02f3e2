package c2s

import (
	"runtime"
	"sync"

	"meetbox.local/signaling/internal/router"
	"meetbox.local/signaling/internal/xmlscan"
)

// desks are where WebSockets' messages are read and dealt with: goroutines
// whose stacks have grown with that. There are as many as are needed at a time;
// a client that is held back, or whose message comes slowly, has one meanwhile,
// and so no other waits for it.
type desks struct {
	mu    sync.Mutex
	free  []*desk
	done  bool
	group sync.WaitGroup
}

// desk is one of them, with its memory.
type desk struct {
	pool    *desks
	visits  chan *webSocket
	buf     []byte
	scanner *xmlscan.Scanner
}

// seat has a client heard who has begun to say something.
func (ds *desks) seat(f *webSocket) { ds.take().visits <- f }

func (ds *desks) take() *desk {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if n := len(ds.free); n > 0 {
		d := ds.free[n-1]
		ds.free = ds.free[:n-1]
		return d
	}
	d := &desk{pool: ds, visits: make(chan *webSocket), scanner: router.NewScanner()}
	ds.group.Go(d.work)
	return d
}

func (ds *desks) leave(d *desk) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.done || len(ds.free) >= runtime.GOMAXPROCS(0) {
		close(d.visits)
		return
	}
	ds.free = append(ds.free, d)
}

func (d *desk) work() {
	for f := range d.visits {
		f.visit(d)
		d.pool.leave(d)
	}
}

// wait ends the desks, when there are no connections any more.
func (ds *desks) wait() {
	ds.mu.Lock()
	ds.done = true
	for _, d := range ds.free {
		close(d.visits)
	}
	ds.free = nil
	ds.mu.Unlock()
	ds.group.Wait()
}
