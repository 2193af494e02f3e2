package c2s

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"meetbox.local/signaling/internal/router"
	"meetbox.local/signaling/internal/sm"
	"meetbox.local/signaling/internal/xmlscan"
)

// bosh is the framing of XEP-0124: what is to be sent waits for a request of
// the client, and requests wait for something to be sent.
//
// A request goes from early, where it waits for those before it, to todo,
// where it waits for the reader, and to held, where it waits for an answer.
// Answers are kept until the client cannot ask for them any more.
type bosh struct {
	srv  *Server
	sid  string
	link *link
	wait time.Duration
	hold int
	acks bool

	more chan struct{} // todo has something, or fault
	done chan struct{} // no more is read
	gone chan struct{} // no more is answered

	mu       sync.Mutex
	next     uint64 // rid
	key      string
	early    map[uint64]*request
	todo     []*request
	current  *request // the reader's
	held     []*request
	pending  []byte // rendered, for the next answer
	answers  []answered
	created  bool // the first answer is out
	ending   bool // the next answer is the last
	final    []byte
	fault    error
	inactive *time.Timer
}

type request struct {
	*body
	answer chan []byte // takes one
	timer  *time.Timer
}

type answered struct {
	rid  uint64
	text []byte
}

// errSilent is the end of a session whose client asks no more.
var errSilent = errors.New("client has gone")

// requests is how many a client may have open.
func (f *bosh) requests() int { return f.hold + 1 }

// accept takes a request in and returns where its answer will be.
func (f *bosh) accept(b *body) <-chan []byte {
	req := &request{body: b, answer: make(chan []byte, 1)}
	f.mu.Lock()
	defer f.mu.Unlock()
	open := len(f.early) + len(f.todo) + len(f.held)
	switch {
	case f.final != nil:
		req.answer <- f.final
	case b.rid < f.next:
		f.again(req)
	case f.early[b.rid] != nil:
		f.early[b.rid].swap(req)
	case !f.keyed(b), b.rid > f.next+uint64(f.requests()):
		f.refuse(req, "item-not-found")
	case open > f.requests():
		f.refuse(req, "policy-violation")
	default:
		f.early[b.rid] = req
		for f.early[f.next] != nil {
			f.todo = append(f.todo, f.early[f.next])
			delete(f.early, f.next)
			f.next++
		}
		f.inactive.Reset(f.wait + f.srv.Limits.Inactivity)
		f.poke()
	}
	return req.answer
}

// refuse ends the session because of a request.
func (f *bosh) refuse(req *request, condition string) {
	f.srv.Router.Drop("bosh_" + condition)
	f.hang(req, partingTime)
	f.fault, f.ending = streamError(condition), true
	f.poke()
}

// hang adds a request to those that are held, for a while.
func (f *bosh) hang(req *request, wait time.Duration) {
	req.timer = time.AfterFunc(wait, func() { f.expire(req) })
	f.held = append(f.held, req)
}

// swap answers the connection of a request that was made again on another.
func (r *request) swap(again *request) {
	r.answer <- fmt.Appendf(nil, `<body xmlns="%s"/>`, nsBOSH)
	r.answer = again.answer
}

// again answers a request that was made before: its answer was lost, or the
// connection that it waited on.
func (f *bosh) again(req *request) {
	for _, a := range f.answers {
		if a.rid == req.rid {
			req.answer <- a.text
			return
		}
	}
	for _, old := range slices.Concat(f.todo, f.held, []*request{f.current}) {
		if old != nil && old.rid == req.rid {
			old.swap(req)
			return
		}
	}
	f.refuse(req, "item-not-found")
}

func (f *bosh) poke() {
	select {
	case f.more <- struct{}{}:
	default:
	}
}

// fail makes the reader end with err.
func (f *bosh) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = err
	f.poke()
}

// read takes request after request.
func (f *bosh) read(ctx context.Context, st *stream) error {
	scanner := router.NewScanner()
	for first := true; ; first = false {
		req, err := f.take(ctx)
		if err != nil {
			return err
		}
		err = f.handle(ctx, st, scanner, req, first)
		f.keep(req, err != nil)
		if err != nil {
			return err
		}
	}
}

// take waits for the next request.
func (f *bosh) take(ctx context.Context) (*request, error) {
	for {
		f.mu.Lock()
		if f.fault != nil {
			defer f.mu.Unlock()
			return nil, f.fault
		}
		if len(f.todo) > 0 {
			defer f.mu.Unlock()
			f.current = f.todo[0]
			f.todo = f.todo[1:]
			return f.current, nil
		}
		f.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-f.done:
			return nil, errStopped
		case <-f.more:
		}
	}
}

func (f *bosh) handle(ctx context.Context, st *stream, scanner *xmlscan.Scanner, req *request, first bool) error {
	st.link.heard()
	switch {
	case first:
		version := req.version
		if version == "" {
			version = "1.0" // XEP-0124 alone, without XEP-0206
		}
		if err := st.header(req.to, version); err != nil {
			return err
		}
	case req.restart:
		if err := st.header(st.domain, "1.0"); err != nil {
			return err
		}
	}
	if len(req.elements) == 0 {
		if err := st.link.pace(ctx, 0, f.srv.Router.Drop); err != nil {
			return err
		}
	}
	for _, raw := range req.elements {
		if len(raw) > st.limit() {
			return st.tooLong()
		}
		raw = st.inward(raw)
		el, err := st.check(scanner, raw)
		if err != nil {
			return err
		}
		if err := st.element(ctx, raw, el); err != nil {
			return err
		}
	}
	if req.kind == "terminate" {
		return errClosed
	}
	return nil
}

// keep holds a request that was read until there is an answer to it.
func (f *bosh) keep(req *request, ending bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.current = nil
	if f.final != nil { // ended meanwhile
		req.answer <- f.final
		return
	}
	if ending {
		f.ending = true
		f.hang(req, partingTime) // finish answers
		return
	}
	f.hang(req, f.wait)
	switch {
	case req.pause > 0:
		f.inactive.Reset(min(req.pause, f.srv.Limits.MaxPause))
		for len(f.held) > 0 {
			f.give()
		}
		return
	}
	if len(f.pending) > 0 {
		f.give()
	}
	for len(f.held) > f.hold && f.link.current().Waiting() == 0 {
		f.give()
	}
	f.link.Wake()
}

// expire answers a request that has waited for long.
func (f *bosh) expire(req *request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.held) > 0 && slices.Contains(f.held, req) {
		f.give()
	}
}

// give answers the oldest request with what is pending.
func (f *bosh) give() {
	req := f.held[0]
	f.held = f.held[1:]
	req.timer.Stop()
	text := f.head(req.rid)
	if len(f.pending) == 0 {
		text = append(text, "/>"...)
	} else {
		text = append(append(append(text, '>'), f.pending...), "</body>"...)
		f.pending = nil
	}
	f.answers = append(f.answers, answered{req.rid, text})
	// The client has the answer to a request when it makes the next but one.
	if n := len(f.answers) - f.requests(); n > 0 {
		f.answers = slices.Delete(f.answers, 0, n)
	}
	req.answer <- text
}

// open implements framing: a body's attributes are the stream header.
func (f *bosh) open(string, string) string { return "" }

// ready implements framing.
func (f *bosh) ready() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.held) > 0
}

func (f *bosh) writeBatch(box *sm.Box, items []sm.Item, _ *writer) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, it := range items {
		f.pending = box.Append(f.pending, it)
	}
	if len(f.held) > 0 && len(f.pending) > 0 && !f.ending {
		f.give()
	}
	return nil
}

// finish answers every request with the end.
func (f *bosh) finish(condition string, _ bool, _ *writer) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := f.head(0)
	text = append(text, ` type="terminate"`...)
	name := boshCondition(condition)
	if condition != "" {
		text = fmt.Appendf(text, ` condition="%s"`, name)
	}
	text = append(append(text, '>'), f.pending...)
	if name == "remote-stream-error" && condition != "" {
		text = append(text, streamErrorText(condition)...)
	}
	f.final, f.pending = append(text, "</body>"...), nil
	for _, req := range f.held {
		req.timer.Stop()
		req.answer <- f.final
	}
	for _, req := range f.todo {
		req.answer <- f.final
	}
	for _, req := range f.early {
		req.answer <- f.final
	}
	f.held, f.todo, f.early = nil, nil, nil
	f.inactive.Stop()
	close(f.done)
	// Who has no request open now hears of the end with the next one.
	time.AfterFunc(f.srv.Limits.Inactivity, f.forget)
	return nil
}

func (f *bosh) drain() {}

// kill implements framing: the session ends without a word.
func (f *bosh) kill() {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.gone:
		return
	default:
		close(f.gone)
	}
	f.inactive.Stop()
	if f.final == nil {
		f.forget()
	}
}

func (f *bosh) forget() {
	f.srv.boshMu.Lock()
	defer f.srv.boshMu.Unlock()
	delete(f.srv.boshes, f.sid)
}

var _ framing = (*bosh)(nil)
