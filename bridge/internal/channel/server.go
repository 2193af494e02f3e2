package channel

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/coder/websocket"
)

const (
	pathPrefix = "/colibri-ws/"
	pingEvery  = 15 * time.Second
	// pongWait: a socket that heard nothing for 60 s is dead.
	pongWait = 60*time.Second - pingEvery
	// closeWait is for the other side's close frame; nobody waits for it
	// but the goroutines of this socket, and the process when it ends.
	closeWait = time.Second
)

// Server is the colibri-ws server of one bridge.
type Server struct {
	id     string
	lookup func(conference, endpoint string) (Endpoint, bool)
	log    *slog.Logger

	refused, unauthorized, received, sent *metrics.Counter
	closed                                func(reason string) *metrics.Counter

	handlers sync.WaitGroup
	mu       sync.Mutex
	sockets  map[[2]string]*socket // by conference and endpoint
}

// NewServer returns a server for the bridge with this id. lookup finds an
// endpoint by the bridge's own conference id and the endpoint's.
func NewServer(id string, lookup func(conference, endpoint string) (Endpoint, bool), log *slog.Logger, set *metrics.Set) *Server {
	s := &Server{
		id:           id,
		lookup:       lookup,
		log:          log,
		refused:      set.GetOrCreateCounter(`bridge_colibri_ws_refused_total{reason="not_found"}`),
		unauthorized: set.GetOrCreateCounter(`bridge_colibri_ws_refused_total{reason="forbidden"}`),
		received:     set.GetOrCreateCounter("bridge_colibri_ws_messages_received_total"),
		sent:         set.GetOrCreateCounter("bridge_colibri_ws_messages_sent_total"),
		closed: func(reason string) *metrics.Counter {
			return set.GetOrCreateCounter(fmt.Sprintf("bridge_colibri_ws_closed_total{reason=%q}", reason))
		},
		sockets: map[[2]string]*socket{},
	}
	set.GetOrCreateGauge("bridge_colibri_ws_open", func() float64 { return float64(s.Open()) })
	return s
}

// Open is the number of open sockets.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sockets)
}

// Messages are the numbers of texts received and sent so far.
func (s *Server) Messages() (received, sent uint64) { return s.received.Get(), s.sent.Get() }

// Serve answers on the listener until ctx ends; then it closes all sockets
// with 1001 and waits for their goroutines.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 5 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	err := srv.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		s.handlers.Wait()
		return nil
	}
	return fmt.Errorf("colibri-ws: %w", err)
}

// ServeHTTP upgrades GET /colibri-ws/SERVER/CONFERENCE/ENDPOINT?pwd=….
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest, ok := strings.CutPrefix(r.URL.Path, pathPrefix)
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 3 || parts[0] != s.id || parts[1] == "" || parts[2] == "" {
		s.refused.Inc()
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	e, ok := s.lookup(parts[1], parts[2])
	pwd, given := strings.CutPrefix(r.URL.RawQuery, "pwd=")
	if !ok || !given || subtle.ConstantTimeCompare([]byte(pwd), []byte(e.Password())) != 1 {
		s.unauthorized.Inc()
		http.Error(w, "authentication failed", http.StatusForbidden)
		return
	}
	s.handlers.Add(1)
	defer s.handlers.Done()
	// Any origin may connect: who does has the password, and clients are
	// also served from elsewhere.
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil { // Accept has answered
		s.log.DebugContext(r.Context(), "upgrade refused", "endpoint", parts[2], "err", err)
		return
	}
	conn.SetReadLimit(MaxText + 1) // Decode says "too long" once, more ends the socket
	s.serve(r.Context(), [2]string{parts[1], parts[2]}, e, conn)
}

func (s *Server) serve(ctx context.Context, key [2]string, e Endpoint, conn *websocket.Conn) {
	ctx, cancel := context.WithCancelCause(ctx)
	sk := &socket{wake: make(chan struct{}, 1), cancel: cancel}
	s.mu.Lock()
	old := s.sockets[key]
	s.sockets[key] = sk
	s.mu.Unlock()
	if old != nil {
		old.end(errReplaced)
	}

	readCtx, stopReading := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	hello := Encode(&ServerHello{})
	sk.queue, sk.bytes = append(sk.queue, hello), len(hello)
	e.AttachChannel(sk)
	wg.Go(func() { sk.end(s.read(readCtx, e, conn)) })
	wg.Go(func() { sk.end(s.write(ctx, sk, conn)) })
	wg.Go(func() { sk.end(ping(ctx, conn)) })
	<-ctx.Done()
	cause := context.Cause(ctx)
	e.DetachChannel(sk)
	s.mu.Lock()
	if s.sockets[key] == sk {
		delete(s.sockets, key)
	}
	s.mu.Unlock()

	end := endOf(cause)
	s.closed(end.metric).Inc()
	s.log.DebugContext(ctx, "colibri-ws closed", "endpoint", key[1], "err", cause)
	late := time.AfterFunc(closeWait, stopReading) // ends a Read, and with it the connection
	conn.Close(end.code, end.text)                 // an error here says only that the client was gone first
	wg.Wait()
	late.Stop()
	stopReading()
}

func (s *Server) read(ctx context.Context, e Endpoint, conn *websocket.Conn) error {
	for {
		typ, text, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		s.received.Inc()
		if typ == websocket.MessageText {
			e.HandleMessage(text)
		}
	}
}

func (s *Server) write(ctx context.Context, sk *socket, conn *websocket.Conn) error {
	// A text that is on its way goes out whole even when the socket ends
	// meanwhile, so that the close frame can follow it.
	writeCtx := context.WithoutCancel(ctx)
	for {
		for text := sk.take(); text != nil; text = sk.take() {
			if err := write(writeCtx, conn, text); err != nil {
				return err
			}
			s.sent.Inc()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-sk.wake:
		}
	}
}

// writeWait ends a socket whose peer's window has been shut for so long.
const writeWait = 10 * time.Second

func write(ctx context.Context, conn *websocket.Conn, text []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeWait)
	defer cancel()
	return conn.Write(ctx, websocket.MessageText, text)
}

// ping asks for a sign of life, and ends without one.
func ping(ctx context.Context, conn *websocket.Conn) error {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		wait, cancel := context.WithTimeoutCause(ctx, pongWait, errIdle)
		err := conn.Ping(wait)
		cause := context.Cause(wait)
		cancel()
		if err != nil {
			return errors.Join(err, cause)
		}
	}
}
