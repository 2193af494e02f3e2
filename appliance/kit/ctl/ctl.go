// Package ctl is a service's control socket: HTTP over a Unix socket that
// only this machine's administrator can open.
//
//	GET  /health      {"name","ok","detail","since","pid"}; 503 while not ok
//	GET  /metrics     Prometheus text
//	POST /reload      read the settings file again
//	GET  /log-level   DEBUG, INFO, WARN or ERROR; PUT sets it
//	GET  /trace       the last seconds, for go tool trace
//	GET  /debug/pprof/…   heap and allocs?seconds=N: what was allocated meanwhile
package ctl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"path/filepath"
	"runtime"
	"runtime/trace"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// maxSocketPath is what the kernel takes for a Unix socket's name (unix(7)).
const maxSocketPath = 107

// Health is what a service says of itself.
type Health struct {
	Name   string    `json:"name"`
	OK     bool      `json:"ok"`
	Detail string    `json:"detail"` // what is missing, or a word on the state
	Since  time.Time `json:"since"`  // of this state
	PID    int       `json:"pid"`    // who answered: tells a restarted service from the old one
	// What keeps an intruder in (landlock, seccomp), and what is missing.
	Confined string `json:"confined,omitempty"`
}

// Server answers on the control socket of one service.
type Server struct {
	Metrics *metrics.Set
	Level   *slog.LevelVar
	Reload  func() // called for each POST /reload

	mu     sync.Mutex
	health Health
	flight *trace.FlightRecorder

	sampling sync.Mutex // of allocations

	mux *http.ServeMux
}

// New returns a server for the named service, not healthy yet.
func New(name string) *Server {
	s := &Server{
		Metrics: metrics.NewSet(),
		Level:   new(slog.LevelVar),
		Reload:  func() {},
		health:  Health{Name: name, Detail: "starting", Since: time.Now(), PID: os.Getpid()},
		flight:  trace.NewFlightRecorder(trace.FlightRecorderConfig{}),
		mux:     http.NewServeMux(),
	}
	s.routes()
	return s
}

// Handle adds a page of the service's own. Safe while serving.
func (s *Server) Handle(pattern string, h http.Handler) { s.mux.Handle(pattern, h) }

// SetHealth changes what GET /health answers. Safe for concurrent use.
func (s *Server) SetHealth(ok bool, detail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.health.OK != ok {
		s.health.Since = time.Now()
	}
	s.health.OK, s.health.Detail = ok, detail
}

// SetConfined changes what GET /health says of the process's confinement.
func (s *Server) SetConfined(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health.Confined = text
}

// Health returns the current state. Safe for concurrent use.
func (s *Server) Health() Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.health
}

// Serve answers on the socket until ctx ends. A socket file left by a killed
// predecessor is replaced.
func (s *Server) Serve(ctx context.Context, socket string) error {
	l, err := Listen(socket)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: s.mux, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	defer s.stopFlight()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("control socket: %w", err)
	}
	return nil
}

// CheckPath says whether the kernel takes the path for a Unix socket.
func CheckPath(socket string) error {
	if len(socket) > maxSocketPath {
		return fmt.Errorf("socket %s: the path has %d bytes, the kernel takes %d; choose a shorter state folder", socket, len(socket), maxSocketPath)
	}
	return nil
}

// Listen opens a Unix socket for one service, mode 0660, in a folder that it
// makes. The old file is removed first: sockets outlive a killed process.
func Listen(socket string) (net.Listener, error) {
	if err := CheckPath(socket); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(socket), 0o750); err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("socket: %w", err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	if err := os.Chmod(socket, 0o660); err != nil {
		return nil, errors.Join(fmt.Errorf("socket: %w", err), l.Close())
	}
	return l, nil
}

// Client returns an HTTP client whose every request goes to the socket; the
// host of the URL is ignored ("http://ctl/health").
func Client(socket string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
	}}
}

// Ask returns what the service behind the control socket says of itself. An
// error means that nobody answers there.
func Ask(ctx context.Context, socket string) (Health, error) {
	var h Health
	resp, err := request(ctx, socket, http.MethodGet, "/health")
	if err != nil {
		return h, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&h); err != nil {
		return h, fmt.Errorf("health from %s: %w", socket, err)
	}
	return h, nil
}

// maxFetch bounds a page of a control socket.
const maxFetch = 8 << 20

// Fetch returns a page that the service behind the control socket serves.
func Fetch(ctx context.Context, socket, path string) ([]byte, error) {
	resp, err := request(ctx, socket, http.MethodGet, path)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxFetch))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s from %s: %s", path, socket, resp.Status)
	}
	return b, err
}

// Post sends a request without a body to the control socket, and returns the
// answer's status.
func Post(ctx context.Context, socket, path string) (status int, err error) {
	resp, err := request(ctx, socket, http.MethodPost, path)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// PostReload asks the service behind the control socket to read its settings
// file again. It does not wait until that has happened.
func PostReload(ctx context.Context, socket string) error {
	resp, err := request(ctx, socket, http.MethodPost, "/reload")
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("reload at %s: %s", socket, resp.Status)
	}
	return errors.Join(err, resp.Body.Close())
}

func request(ctx context.Context, socket, method, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://ctl"+path, nil)
	if err != nil {
		return nil, err
	}
	req.Close = true // one question, one connection: nothing idles in a client nobody keeps
	return Client(socket).Do(req)
}

func (s *Server) routes() {
	mux := s.mux
	mux.HandleFunc("GET /health", s.getHealth)
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		s.Metrics.WritePrometheus(w)
		metrics.WriteProcessMetrics(w)
	})
	mux.HandleFunc("POST /reload", func(http.ResponseWriter, *http.Request) { s.Reload() })
	mux.HandleFunc("GET /log-level", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, s.Level.Level()) })
	mux.HandleFunc("PUT /log-level", s.putLevel)
	mux.HandleFunc("GET /trace", s.getTrace)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/heap", s.getAllocations)
	mux.HandleFunc("GET /debug/pprof/allocs", s.getAllocations)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
}

// sampled is how many bytes are allocated between two samples of a service
// that only takes them when it is asked.
const sampled = 4 << 10

// getAllocations is pprof's heap and allocs. A service whose
// runtime.MemProfileRate is 0 samples while the profile is taken.
func (s *Server) getAllocations(w http.ResponseWriter, r *http.Request) {
	s.sampling.Lock()
	defer s.sampling.Unlock()
	if runtime.MemProfileRate == 0 {
		runtime.MemProfileRate = sampled
		defer func() { runtime.MemProfileRate = 0 }()
	}
	pprof.Index(w, r)
}

func (s *Server) getHealth(w http.ResponseWriter, _ *http.Request) {
	h := s.Health()
	w.Header().Set("Content-Type", "application/json")
	if !h.OK {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	if err := json.NewEncoder(w).Encode(h); err != nil {
		slog.Debug("health not delivered", "err", err)
	}
}

func (s *Server) putLevel(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(io.LimitReader(r.Body, 16))
	if err == nil {
		err = s.Level.UnmarshalText(bytes.TrimSpace(b))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

// stopFlight ends the recording, of which a process has one.
func (s *Server) stopFlight() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flight.Enabled() {
		s.flight.Stop()
	}
}

func (s *Server) getTrace(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.flight.Enabled() {
		if err := s.flight.Start(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		http.Error(w, "recording from now on; ask again for the last seconds", http.StatusAccepted)
		return
	}
	if _, err := s.flight.WriteTo(w); err != nil {
		slog.Debug("trace not delivered", "err", err)
	}
}
