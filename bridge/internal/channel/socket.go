package channel

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/coder/websocket"
)

const (
	// A client is sent some ten messages a second in a large meeting; more
	// than this waiting means that it has not read for long.
	maxQueue      = 1024
	maxQueueBytes = 1 << 20
)

// ErrClosed is what SendMessage returns once the socket is closing.
var ErrClosed = errors.New("channel closed")

// Why a socket ends.
var (
	errReplaced = errors.New("replaced by a newer socket")
	errExpired  = errors.New("endpoint expired")
	errSlow     = errors.New("client does not read")
	errIdle     = errors.New("no sign of life")
)

// ending is how the end of a socket is told to the client and counted.
type ending struct {
	code         websocket.StatusCode
	text, metric string
}

func endOf(cause error) ending {
	switch code := websocket.CloseStatus(cause); {
	case code >= 0:
		return ending{code, "", "client"}
	case errors.Is(cause, errReplaced):
		return ending{websocket.StatusNormalClosure, "replaced", "replaced"}
	case errors.Is(cause, errExpired):
		return ending{websocket.StatusGoingAway, "endpoint closed", "expired"}
	case errors.Is(cause, errSlow):
		return ending{websocket.StatusTryAgainLater, "too slow", "slow"}
	case errors.Is(cause, errIdle):
		return ending{websocket.StatusPolicyViolation, "idle", "idle"}
	case errors.Is(cause, websocket.ErrMessageTooBig):
		return ending{websocket.StatusMessageTooBig, "message too long", "too_long"}
	case errors.Is(cause, context.Canceled):
		return ending{websocket.StatusGoingAway, "bridge stopped", "stopped"}
	}
	return ending{websocket.StatusInternalError, "", "error"}
}

// socket is the sending half of one WebSocket.
type socket struct {
	wake   chan struct{} // one element while the queue may have something
	cancel context.CancelCauseFunc

	mu     sync.Mutex
	queue  [][]byte
	bytes  int
	closed bool
}

func (sk *socket) SendMessage(text []byte) error {
	sk.mu.Lock()
	if sk.closed {
		sk.mu.Unlock()
		return ErrClosed
	}
	if len(sk.queue) >= maxQueue || sk.bytes+len(text) > maxQueueBytes {
		sk.mu.Unlock()
		sk.end(errSlow)
		return ErrClosed
	}
	sk.queue = append(sk.queue, slices.Clone(text))
	sk.bytes += len(text)
	sk.mu.Unlock()
	select {
	case sk.wake <- struct{}{}:
	default:
	}
	return nil
}

// Expire closes the socket because its endpoint is gone.
func (sk *socket) Expire() { sk.end(errExpired) }

// end closes the socket with its first cause.
func (sk *socket) end(cause error) {
	sk.mu.Lock()
	sk.closed = true
	sk.mu.Unlock()
	sk.cancel(cause)
}

// take returns the text that waits longest; nil when none does. One at a time:
// what a client that does not read costs is the queue and one more.
func (sk *socket) take() []byte {
	sk.mu.Lock()
	defer sk.mu.Unlock()
	if len(sk.queue) == 0 {
		sk.queue = nil // with room for what came at once
		return nil
	}
	text := sk.queue[0]
	sk.queue[0], sk.queue = nil, sk.queue[1:]
	sk.bytes -= len(text)
	return text
}
