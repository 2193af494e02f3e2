// Package proxy passes requests on to the other services of this machine,
// over their Unix sockets: XMPP over WebSocket and whiteboards to signaling, the
// bridge channel to the bridge, conference requests to the focus.
//
// A backend that is being restarted is an everyday event: a request waits for
// it at the door, so that a client's first try is the one that succeeds. Only
// if that takes long it gets 503 with a reason in words, and comes back later.
package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"meetbox.local/appliance/kit/takeup"
	"meetbox.local/web/internal/keep"
	"meetbox.local/web/internal/policy"
)

// maxBody bounds a request's body. The largest that clients send is a BOSH
// body with one Jingle answer, well below this.
const maxBody = 256 << 10

// FilesPath is where files come and go, which signaling measures by itself.
const FilesPath = "/upload/"

// maxFile bounds those, whatever is agreed: the largest that an administrator
// can allow, in a form.
const maxFile = 1<<30 + 64<<10

// headerWait is how long a backend may take to begin its answer: BOSH holds
// a request for up to 60 s.
const headerWait = 75 * time.Second

// restart is how long a request waits for a backend that nobody answers for: a
// service is back after a second or two. Clients whose first try to resume
// fails wait three to nine seconds for the second.
const restart = 4 * time.Second

// look is how often it looks whether the backend is back.
const look = 20 * time.Millisecond

// Backend is one service behind the front.
type Backend struct {
	name       string
	proxy      *httputil.ReverseProxy
	requests   *metrics.Counter
	errors     *metrics.Counter
	webSockets atomic.Int64
}

// New returns the proxy to the service of that name on that socket.
func New(name, socket string, set *metrics.Set, log *slog.Logger) *Backend {
	return through(transport(socket), name, set, log)
}

// Signaling returns the proxy to signaling, whose WebSockets outlive it.
func Signaling(socket string, set *metrics.Set, log *slog.Logger) *Backend {
	return through(keep.New(transport(socket), set, log), "signaling", set, log)
}

func through(rt http.RoundTripper, name string, set *metrics.Set, log *slog.Logger) *Backend {
	b := &Backend{
		name:     name,
		requests: set.NewCounter(`web_proxy_requests_total{backend="` + name + `"}`),
		errors:   set.NewCounter(`web_proxy_errors_total{backend="` + name + `"}`),
	}
	set.NewGauge(`web_proxy_websockets{backend="`+name+`"}`, func() float64 { return float64(b.webSockets.Load()) })
	b.proxy = &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme = "http"
			p.Out.URL.Host = name
			p.Out.Host = p.In.Host
			p.Out.Header.Del("Cookie") // none is ours, so none is theirs
			takeup.Strip(p.Out.Header)
			addresses(p)
		},
		Transport: rt,
		ModifyResponse: func(r *http.Response) error {
			policy.DropCORS(r.Header)
			if r.StatusCode != http.StatusSwitchingProtocols {
				policy.SetCORS(r.Header)
			}
			return nil
		},
		ErrorHandler: b.failed(log),
		ErrorLog:     slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return b
}

// addresses says where a request came from, and at which address of the box it
// came in. What the client itself said of that is forgotten.
func addresses(p *httputil.ProxyRequest) {
	p.SetXForwarded() // Rewrite has removed what the client sent
	p.Out.Header.Del("X-Local-Address")
	if a, ok := p.In.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		p.Out.Header.Set("X-Local-Address", a.AddrPort().Addr().Unmap().WithZone("").String())
	}
}

func transport(socket string) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dial(ctx, socket)
		},
		ResponseHeaderTimeout: headerWait,
		DisableCompression:    true,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       90 * time.Second,
	}
}

// dial connects to a socket, waiting for a backend that is being restarted.
func dial(ctx context.Context, socket string) (net.Conn, error) {
	var d net.Dialer
	tick := time.NewTicker(look)
	defer tick.Stop()
	for until := time.Now().Add(restart); ; {
		conn, err := d.DialContext(ctx, "unix", socket)
		if err == nil || !down(err) || time.Now().After(until) {
			return conn, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// ServeHTTP passes one request on. Preflights are answered here.
func (b *Backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.requests.Inc()
	if r.Method == http.MethodOptions {
		policy.SetCORS(w.Header())
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if isWebSocket(r) {
		b.webSockets.Add(1)
		defer b.webSockets.Add(-1)
	}
	most := int64(maxBody)
	if strings.HasPrefix(r.URL.Path, FilesPath) {
		most = maxFile
	}
	r.Body = http.MaxBytesReader(w, r.Body, most)
	b.proxy.ServeHTTP(w, r)
}

func isWebSocket(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// failed answers for a backend that did not.
func (b *Backend) failed(log *slog.Logger) func(http.ResponseWriter, *http.Request, error) {
	return func(w http.ResponseWriter, r *http.Request, err error) {
		if r.Context().Err() != nil {
			return // the client left first
		}
		b.errors.Inc()
		policy.SetCORS(w.Header())
		w.Header().Set("Cache-Control", "no-store")
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			answer(w, http.StatusRequestEntityTooLarge, "The request is too large.")
			return
		}
		if down(err) {
			log.InfoContext(r.Context(), "backend is down", "peer", b.name)
			w.Header().Set("Retry-After", "1")
			answer(w, http.StatusServiceUnavailable, "The "+b.name+" service is starting. Try again in a second.")
			return
		}
		log.WarnContext(r.Context(), "backend failed", "peer", b.name, "err", err)
		w.Header().Set("Retry-After", "2")
		answer(w, http.StatusBadGateway, "The "+b.name+" service did not answer as expected.")
	}
}

// down reports whether nobody listens: no socket file, or one that a killed
// process left behind.
func down(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}

func answer(w http.ResponseWriter, code int, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(map[string]string{"error": reason}); err != nil {
		return // the client went away
	}
}
