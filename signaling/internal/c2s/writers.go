package c2s

import (
	"runtime"
	"sync"

	"meetbox.local/signaling/internal/sm"
)

// writers write what links have to say. There are at most as many at a time as
// there are processors, however many links are told something: a meeting's
// links do without a goroutine each that waits for words. A writer that has to
// wait for a peer does not count, and ends after that.
type writers struct {
	mu    sync.Mutex
	queue []*link
	next  int // in queue
	busy  int
	spare []*writer // that have nothing to do, for their memory
	done  bool
	group sync.WaitGroup
}

// writer is one of them, with its memory.
type writer struct {
	pool   *writers
	batch  []sm.Item
	buf    []byte
	waited bool
}

// add queues a link. Nothing is written after wait has begun.
func (ws *writers) add(l *link) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.queue = append(ws.queue, l)
	ws.staff()
}

// staff starts a writer if one is missing.
func (ws *writers) staff() {
	if ws.next == len(ws.queue) || ws.busy == runtime.GOMAXPROCS(0) || ws.done {
		return
	}
	ws.busy++
	w := &writer{pool: ws}
	if n := len(ws.spare); n > 0 {
		w, ws.spare = ws.spare[n-1], ws.spare[:n-1]
	} else {
		w.buf = make([]byte, 0, full+full/4)
	}
	ws.group.Go(w.work)
}

func (w *writer) work() {
	w.waited = false
	for l := w.pool.take(); l != nil; l = w.pool.take() {
		if l.flush(w); w.waited {
			break
		}
	}
	w.pool.leave(w)
}

// leave keeps a writer for later, if it is like a new one.
func (ws *writers) leave(w *writer) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if !w.waited {
		ws.busy--
		ws.staff() // what has come since it looked
	}
	if len(ws.spare) < 2*runtime.GOMAXPROCS(0) && cap(w.buf) <= 2*full && cap(w.batch) <= 1024 {
		ws.spare = append(ws.spare, w)
	}
}

// take is the next link; nil if there is none, and the writer ends.
func (ws *writers) take() *link {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.next == len(ws.queue) {
		if cap(ws.queue) > 1024 {
			ws.queue = nil
		}
		ws.queue, ws.next = ws.queue[:0], 0
		return nil
	}
	l := ws.queue[ws.next]
	ws.queue[ws.next] = nil
	ws.next++
	return l
}

// wait says that the writer is about to wait for a peer: another may take its
// place.
func (w *writer) wait() {
	if w.waited {
		return
	}
	w.waited = true
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	w.pool.busy--
	w.pool.staff()
}

// wait waits for the writers to end, for good.
func (ws *writers) wait() {
	ws.mu.Lock()
	ws.done = true
	ws.mu.Unlock()
	ws.group.Wait()
}
