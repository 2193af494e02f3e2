package c2s

import "sync"

// waitingRoom is where WebSockets are whose clients say nothing. They wait
// together, for a goroutine each would take half of the memory of a session.
// One that cannot wait there, such as one without a descriptor of its own (TLS),
// is waited for at its desk.
type waitingRoom struct {
	mu    sync.Mutex
	poll  *poll // nil until the first waits
	last  int32
	here  map[int32]*webSocket // all of them by their numbers, also those at a desk
	group sync.WaitGroup
}

// enter takes a connection in and gives it a number. Descriptors would not do:
// they are used again.
func (r *waitingRoom) enter(f *webSocket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.here == nil {
		r.here = map[int32]*webSocket{}
	}
	r.last++
	for r.here[r.last] != nil {
		r.last++
	}
	f.number = r.last
	r.here[f.number] = f
}

// wait has a connection seated once something comes. When it has returned
// without an error, the connection is another desk's.
func (r *waitingRoom) wait(f *webSocket) error {
	r.mu.Lock() // what this desk has done is before what the next does
	defer r.mu.Unlock()
	if r.poll == nil {
		p, err := openPoll()
		if err != nil {
			return err
		}
		r.poll = p
		r.group.Go(func() { r.watch(p) })
	}
	err := f.conn.Control(func(fd uintptr) error { return r.poll.arm(fd, f.number, f.watched) })
	f.watched = f.watched || err == nil
	return err
}

// watch seats those who have said something, until the room is closed.
func (r *waitingRoom) watch(p *poll) {
	for {
		come, err := p.next()
		if err != nil {
			return
		}
		for _, number := range come {
			r.mu.Lock()
			f := r.here[number]
			r.mu.Unlock()
			// It is here: who leaves was seated before, and does not wait again.
			f.stream.srv.desks.seat(f)
		}
	}
}

// leave forgets a connection, which is to be closed after that.
func (r *waitingRoom) leave(f *webSocket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.here, f.number)
}

// clear ends the connections whose context has ended.
func (r *waitingRoom) clear() {
	r.mu.Lock()
	var over []*webSocket
	for _, f := range r.here {
		if f.ctx.Err() != nil {
			over = append(over, f)
		}
	}
	r.mu.Unlock()
	for _, f := range over {
		f.kill()
	}
}

// close ends the room, when nobody is in it any more.
func (r *waitingRoom) close() {
	r.mu.Lock()
	if r.poll != nil {
		r.poll.close()
	}
	r.mu.Unlock()
	r.group.Wait()
}
