package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/datachannel"
	"github.com/pion/sctp"
)

const (
	sctpPort = 5000
	// maxMessage is the largest message in either direction: what a side may
	// send that was told no limit (RFC 8841 §6).
	maxMessage = 64 << 10
	// messageQueue is how many messages may wait for a client that is slow to
	// acknowledge; a busy conference makes some ten a second.
	messageQueue = 256
	// messageBytes is how much they may weigh together: what a client may say in
	// a burst, so that one text of it cannot be refused for another.
	messageBytes = 1 << 20
	// receiveWindow is what a client may send ahead of us.
	receiveWindow = 256 << 10
	// rtoMax in milliseconds: a client out of a tunnel is to be found again soon.
	rtoMax = 3000
)

// serveSCTP waits for the client's association and serves its data channel.
func (s *Session) serveSCTP(ctx context.Context, conn net.Conn, events chan<- event) {
	assoc, err := sctp.ServerWithOptions(
		sctp.WithNetConn(conn),
		sctp.WithLoggerFactory(silent()),
		sctp.WithMaxReceiveBufferSize(receiveWindow),
		sctp.WithMaxMessageSize(maxMessage),
		sctp.WithRTOMax(rtoMax),
		sctp.WithBlockWrite(true), // else what the client does not take piles up in there
	)
	if err != nil {
		return // the connection ended before the client wanted a channel
	}
	var channels sync.WaitGroup
	defer channels.Wait()
	defer func() { _ = assoc.Close() }()
	var busy atomic.Bool
	for {
		stream, err := assoc.AcceptStream()
		if err != nil {
			return
		}
		if !busy.CompareAndSwap(false, true) {
			s.port.gauges.extraChannel.Inc()
			_ = stream.Close()
			continue
		}
		channels.Go(func() {
			defer busy.Store(false)
			s.serveChannel(ctx, stream, events)
		})
	}
}

// serveChannel acknowledges the client's DATA_CHANNEL_OPEN and carries
// messages until either side closes.
func (s *Session) serveChannel(ctx context.Context, stream *sctp.Stream, events chan<- event) {
	dc, err := datachannel.Server(stream, &datachannel.Config{LoggerFactory: silent()})
	if err != nil {
		_ = stream.Close()
		return
	}
	s.discardMessages() // of a channel before this one
	if !s.emit(ctx, events, event{kind: opened}) {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	var writer sync.WaitGroup
	writer.Go(func() { s.writeMessages(ctx, dc) })
	buf := make([]byte, maxMessage)
	for {
		n, text, err := dc.ReadDataChannel(buf)
		if errors.Is(err, io.ErrShortBuffer) {
			continue // larger than anything that is for us
		}
		if err != nil {
			break
		}
		if text && !s.emit(ctx, events, event{kind: message, text: bytes.Clone(buf[:n])}) {
			break
		}
	}
	cancel()
	_ = dc.SetWriteDeadline(time.Now()) // wakes the writer
	_ = dc.Close()
	writer.Wait()
	s.emitClosed(events)
}

// emitClosed does not go by the context that has just been cancelled: the
// peer has to hear of the channel's end unless the session ends, too.
func (s *Session) emitClosed(events chan<- event) {
	select {
	case events <- event{kind: closed}:
	case <-s.stop:
	}
}

func (s *Session) writeMessages(ctx context.Context, dc *datachannel.DataChannel) {
	for {
		select {
		case <-ctx.Done():
			return
		case text := <-s.messages:
			s.waiting.Add(-int64(len(text)))
			if _, err := dc.WriteDataChannel(text, true); err != nil {
				return // the reader will see the same
			}
			s.port.gauges.messagesOut.Inc()
		}
	}
}

func (s *Session) discardMessages() {
	for {
		select {
		case text := <-s.messages:
			s.waiting.Add(-int64(len(text)))
		default:
			return
		}
	}
}

// Waiting is how many bytes of messages wait for the data channel.
func (s *Session) Waiting() int64 { return s.waiting.Load() }

// SendMessage queues one text message for the data channel. It never blocks.
func (s *Session) SendMessage(text []byte) error {
	switch {
	case len(text) > maxMessage:
		return ErrTooLarge
	case !s.open.Load():
		return ErrNoChannel
	}
	if s.waiting.Add(int64(len(text))) <= messageBytes {
		select {
		case s.messages <- bytes.Clone(text):
			return nil
		default:
		}
	}
	s.waiting.Add(-int64(len(text)))
	s.port.gauges.messagesLost.Inc()
	return ErrQueueFull
}
