package conference

import "sync"

// mailbox holds functions for a conference's goroutine. Posting never blocks.
type mailbox struct {
	wake chan struct{} // one element when something may be waiting

	mu     sync.Mutex
	queue  []func()
	closed bool
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

// post tells whether the function will be run, as far as that depends on the
// conference.
func (b *mailbox) post(f func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.queue = append(b.queue, f)
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return true
}

// take empties the mailbox.
func (b *mailbox) take() []func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := b.queue
	b.queue = nil
	return q
}

// close refuses what comes, and returns what is left.
func (b *mailbox) close() []func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	q := b.queue
	b.queue = nil
	return q
}
