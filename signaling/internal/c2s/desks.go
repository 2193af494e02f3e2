package c2s

import (
	"context"
	"runtime"
	"sync"

	"meetbox.local/signaling/internal/router"
	"meetbox.local/signaling/internal/xmlscan"
)

// desks are where WebSockets' messages are read and dealt with: goroutines
// whose stacks have grown with that, so that those of the connections, which
// wait most of the time, stay small. There are as many as are needed at a time;
// a client that is held back, or whose message comes slowly, has one meanwhile.
type desks struct {
	mu    sync.Mutex
	free  []*desk
	done  bool
	group sync.WaitGroup
}

// desk is one of them, with its memory.
type desk struct {
	visits  chan visit
	results chan error
	buf     []byte
	scanner *xmlscan.Scanner
}

// visit is a message that has begun to come.
type visit struct {
	ctx context.Context
	f   *webSocket
	l   *link
	st  *stream
}

// do has a message dealt with.
func (ds *desks) do(v visit) error {
	d := ds.take()
	d.visits <- v
	err := <-d.results
	ds.leave(d)
	return err
}

func (ds *desks) take() *desk {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if n := len(ds.free); n > 0 {
		d := ds.free[n-1]
		ds.free = ds.free[:n-1]
		return d
	}
	d := &desk{visits: make(chan visit), results: make(chan error), scanner: router.NewScanner()}
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
	for v := range d.visits {
		d.results <- v.f.message(v.ctx, v.l, v.st, d)
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
