// Package keep lets the WebSockets of XMPP clients outlive signaling: when that
// process ends and another one begins, the front door takes each client's
// stream up there (appliance/kit/takeup), and the client sees a pause of a
// second instead of a broken connection, after which clients of Jitsi's wait up
// to three more before they try again.
//
// It reads along, and changes nothing: whole frames go through, in both
// directions, and a book counts stanzas as stream management does (XEP-0198).
// Who has not enabled that, or sends more than is kept, is cut off as before.
//
//	frames.go  frames and messages of RFC 6455, as bytes
//	book.go    what was sent and what was handled
//	keep.go    the stream, and how it is taken up
package keep

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"meetbox.local/appliance/kit/takeup"
)

const (
	// patience is how long a client may be without signaling. Its own pings
	// tell it after about as long.
	patience = 10 * time.Second
	// look is how often it is looked whether signaling is back.
	look = 20 * time.Millisecond

	maxMessage = 512 << 10 // of a client; signaling takes half of that
	maxPassed  = 16 << 20  // of signaling
	batch      = 16 << 10  // is written at once
	idleBuffer = 4 << 10   // is held while nobody says anything
)

// Transport makes handshakes with signaling by Next.
type Transport struct {
	Next http.RoundTripper
	Log  *slog.Logger

	taken, lost *metrics.Counter
}

// New returns a transport that counts in set what became of streams.
func New(next http.RoundTripper, set *metrics.Set, log *slog.Logger) *Transport {
	return &Transport{
		Next: next, Log: log,
		taken: set.NewCounter("web_streams_taken_up_total"),
		lost:  set.NewCounter("web_streams_lost_total"),
	}
}

// RoundTrip implements http.RoundTripper. The body of a handshake's answer is a
// stream that outlives signaling.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.Next.RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		return resp, err
	}
	back, ok := resp.Body.(io.ReadWriteCloser)
	if process := resp.Header.Get(takeup.Process); ok && process != "" {
		resp.Body = newStream(t, r, back, process)
	}
	takeup.Strip(resp.Header)
	return resp, nil
}

// stream is one client's, whatever process of signaling has it. Three use it:
// ReadFrom, which has the client's words, WriteTo, which has signaling's and
// takes the stream up, and who closes it.
type stream struct {
	t       *Transport
	request *http.Request // the client's handshake
	process string        // which has the stream; WriteTo's
	book    book

	ctx    context.Context
	cancel context.CancelFunc
	back   atomic.Pointer[backend]

	mu    sync.Mutex    // of writing to back
	other chan struct{} // closed when back is another one; under mu

	again sync.WaitGroup // what WriteTo has begun
}

type backend struct{ io.ReadWriteCloser }

func newStream(t *Transport, r *http.Request, back io.ReadWriteCloser, process string) *stream {
	s := &stream{t: t, request: r, process: process, other: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(r.Context())
	s.back.Store(&backend{back})
	return s
}

// Close ends the stream.
func (s *stream) Close() error {
	s.cancel()
	return s.back.Load().Close()
}

var errCopy = errors.New("a stream is copied by its ReadFrom and WriteTo")

// Read and Write are not for streams: io.Copy prefers WriteTo and ReadFrom.
func (s *stream) Read([]byte) (int, error)  { return 0, errCopy }
func (s *stream) Write([]byte) (int, error) { return 0, errCopy }

// ReadFrom passes on what the client says, until it has said everything.
func (s *stream) ReadFrom(client io.Reader) (n int64, err error) {
	var buf []byte
	for {
		m, err := readMessage(client, buf[:0], maxMessage)
		n += int64(len(m.raw))
		switch {
		case errors.Is(err, errTooLong):
			s.book.end() // signaling says why it takes no more
			rest, err := s.through(m.raw, client)
			return n + rest, err
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, err
		}
		if err := s.pass(m); err != nil {
			return n, err
		}
		if buf = m.raw; cap(buf) > idleBuffer {
			buf = nil
		}
	}
}

// pass gives a message to signaling, to the next process if this one has gone.
func (s *stream) pass(m frame) error {
	s.mu.Lock()
	kept := s.book.client(m)
	for {
		_, err := s.back.Load().Write(m.raw)
		other := s.other
		s.mu.Unlock()
		if err == nil {
			return nil
		}
		select {
		case <-s.ctx.Done():
			return err
		case <-other:
		}
		if kept {
			return nil // the other process has been sent it with the rest
		}
		s.mu.Lock()
	}
}

// through passes on bytes, not messages.
func (s *stream) through(begun []byte, client io.Reader) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	back := s.back.Load()
	if _, err := back.Write(begun); err != nil {
		return 0, err
	}
	return io.Copy(back.ReadWriteCloser, client)
}

// WriteTo passes on what signaling says, until the stream ends.
func (s *stream) WriteTo(client io.Writer) (n int64, err error) {
	defer func() {
		_ = s.Close() // the other direction ends with this one
		s.again.Wait()
	}()
	in := bufio.NewReaderSize(s.back.Load(), idleBuffer)
	var out []byte
	for {
		f, err := readFrame(in, out, maxPassed)
		if err == nil {
			s.book.server(f)
			out = f.raw
		}
		if err != nil || in.Buffered() == 0 || len(out) >= batch {
			written, err := client.Write(out)
			n += int64(written)
			if err != nil {
				return n, err
			}
			if out = out[:0]; cap(out) > idleBuffer {
				out = nil
			}
		}
		if err == nil {
			continue
		}
		switch err := s.takeUp(in); {
		case errors.Is(err, errEnded):
			return n, nil
		case err != nil:
			s.t.lost.Inc()
			s.t.Log.Info("stream lost", "peer", s.request.Header.Get("X-Forwarded-For"), "err", err)
			return n, err
		}
		s.t.taken.Inc()
	}
}

var (
	errEnded   = errors.New("the stream has ended")
	errRefused = errors.New("signaling does not take the stream up")
)

// takeUp finds the next process of signaling, from which in reads then.
func (s *stream) takeUp(in *bufio.Reader) error {
	_ = s.back.Load().Close() // whoever writes to it notices
	token, sent, ok := s.book.resumption()
	if !ok {
		return errEnded
	}
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	back, err := s.shake(ctx, token, sent)
	if err != nil {
		return err
	}
	hurry := context.AfterFunc(ctx, func() { _ = back.Close() }) // the reader notices
	in.Reset(back)
	m, err := readFrame(in, nil, maxMessage)
	e, _ := of(m)
	if !hurry() || err != nil || e.XMLName.Local != "resumed" {
		return errors.Join(errRefused, err, back.Close())
	}
	s.mu.Lock()
	missed, ok := s.book.after(e.H)
	if !ok {
		s.mu.Unlock()
		return errors.Join(fmt.Errorf("stanzas after %d are not kept", e.H), back.Close())
	}
	s.back.Store(&backend{back})
	close(s.other)
	s.other = make(chan struct{})
	if s.ctx.Err() != nil { // closed meanwhile, with the one before
		_ = back.Close()
	}
	// Beside the reader: signaling may wait for the client to read before it
	// takes more.
	s.again.Go(func() {
		defer s.mu.Unlock()
		for _, raw := range missed {
			if _, err := back.Write(raw); err != nil {
				return // the reader sees its end, too
			}
		}
	})
	return nil
}

// shake makes the client's handshake again, as often as it takes.
func (s *stream) shake(ctx context.Context, token string, sent uint32) (io.ReadWriteCloser, error) {
	r := s.request.Clone(ctx)
	r.Header.Set(takeup.Process, s.process)
	r.Header.Set(takeup.Token, token)
	r.Header.Set(takeup.Sent, strconv.FormatUint(uint64(sent), 10))
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		resp, err := s.t.Next.RoundTrip(r)
		if err == nil {
			back, ok := resp.Body.(io.ReadWriteCloser)
			if ok && resp.StatusCode == http.StatusSwitchingProtocols {
				s.process = resp.Header.Get(takeup.Process)
				return back, nil
			}
			err = errors.Join(fmt.Errorf("signaling answers %d", resp.StatusCode), resp.Body.Close())
			switch resp.StatusCode {
			case http.StatusConflict:
				return nil, errEnded
			case http.StatusServiceUnavailable:
			default:
				return nil, err
			}
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-tick.C:
		}
	}
}
