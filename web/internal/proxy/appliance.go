package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"meetbox.local/appliance/api"
	"meetbox.local/web/internal/policy"
)

// applianceWait is how long the appliance may think: a certificate from a
// slow authority, or a file that is being written to the disk.
const applianceWait = 10 * time.Minute

// Appliance returns the proxy to the admin API on that socket. Unlike the
// other backends it is for one origin only, so nothing is said of others.
func Appliance(socket string, set *metrics.Set, log *slog.Logger) *httputil.ReverseProxy {
	failed := set.NewCounter(`web_proxy_errors_total{backend="appliance"}`)
	var d net.Dialer
	return &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme = "http"
			p.Out.URL.Host = "appliance"
			p.Out.Host = p.In.Host // the appliance compares it with Origin
			addresses(p)
		},
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return d.DialContext(ctx, "unix", socket)
			},
			ResponseHeaderTimeout: applianceWait,
			DisableCompression:    true,
			IdleConnTimeout:       90 * time.Second,
		},
		FlushInterval: -1, // progress is read while it happens
		ModifyResponse: func(r *http.Response) error {
			policy.DropCORS(r.Header)
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() != nil {
				return // the client left first
			}
			failed.Inc()
			w.Header().Set("Cache-Control", "no-store")
			if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
				Problem(w, api.Problem{Status: http.StatusRequestEntityTooLarge, Code: "too-large", Detail: "The request is too large."})
				return
			}
			log.InfoContext(r.Context(), "appliance does not answer", "err", err)
			w.Header().Set("Retry-After", "1")
			Problem(w, api.Problem{Status: http.StatusServiceUnavailable, Code: "restarting", Detail: "The box is restarting. This page goes on by itself in a moment."})
		},
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// Problem writes the answer to a request that is not passed on.
func Problem(w http.ResponseWriter, p api.Problem) {
	p.Title = http.StatusText(p.Status)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	if err := json.NewEncoder(w).Encode(p); err != nil {
		return // the client went away
	}
}
