// Package front is the box's door for browsers: HTTPS with the pages, the
// client configuration and the ways to the other services, and a plain port
// that brings devices to trust the box and sends everything else to HTTPS.
//
// Routes on the secure port:
//
//	/  /ROOM                   the meeting page
//	/assets/…                  its files
//	/config.js                 made for the request's Host
//	/ca.crt                    the authority's certificate
//	/xmpp-websocket            → signaling
//	/http-bind                 → signaling
//	/upload/…                  → signaling
//	/conference-request/v1     → focus
//	/colibri-ws/…              → bridge
//	/host.json                 → appliance
//	/schedule.json, /schedule/ID.ics  → appliance
//	/branding.json, /branding/LOGO    → appliance
//	/TENANT/…                  any of these for a tenant, whose rooms are its own
//
// TURN on the same port, with TLS or without, goes to the bridge, too: see
// sorter.
//
// The console has a port, and so an origin, of its own: its page, and
// /api/v1/… → appliance; and how the box presents itself, as above.
//
// Pages are served only under the box's own names, so that a name that an
// attacker points at the box (DNS rebinding) never becomes an origin here.
// The three services are open to any origin: upstream clients come from
// elsewhere, and guests are anonymous.
package front

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"meetbox.local/web/internal/assets"
	"meetbox.local/web/internal/policy"
	"meetbox.local/web/internal/proxy"
)

// None of these touches a WebSocket: the server lifts its deadlines when a
// connection changes hands.
const (
	headerWait = 10 * time.Second
	readWait   = 30 * time.Second  // a whole request; bodies are small
	writeWait  = 120 * time.Second // a whole answer; BOSH may hold one for 60 s
	idleWait   = 2 * time.Minute
	stopWait   = time.Second // for answers under way when asked to stop
)

// maxHeader leaves room for a JWT in the query, which is how clients of
// secured rooms send it.
const maxHeader = 32 << 10

// Options are what a server is made of.
type Options struct {
	Settings Settings
	Pages    fs.FS                       // the built page
	Socket   func(service string) string // where the other services listen
	Metrics  *metrics.Set
	Log      *slog.Logger
}

// Server is the front. Its methods are safe for concurrent use.
type Server struct {
	log     *slog.Logger
	pages   *assets.Set
	limiter *policy.Limiter
	meters  meters
	site    atomic.Pointer[site]
	leaf    atomic.Pointer[tls.Certificate]
	outside atomic.Pointer[tls.Certificate] // from another authority; nil: none
	secure  http.Handler
	admin   http.Handler
	turn    string // the bridge's socket for TURN

	appliance http.Handler
	probes    probes
}

// New makes a server from the settings, certificate and page it is given.
func New(o Options) (*Server, error) {
	pages, err := assets.Load(o.Pages)
	if err != nil {
		return nil, err
	}
	s := &Server{
		log:     o.Log,
		pages:   pages,
		limiter: policy.NewLimiter(policy.PerPeer, policy.InAll),
		meters:  newMeters(o.Metrics),
		probes:  newProbes(),
	}
	o.Metrics.NewGauge("web_connections", func() float64 { return float64(s.limiter.Open()) })
	if err := s.Apply(o.Settings); err != nil {
		return nil, err
	}
	backend := func(name string) http.Handler { return proxy.New(name, o.Socket(name), o.Metrics, o.Log) }
	s.appliance = proxy.Appliance(o.Socket("appliance"), o.Metrics, o.Log)
	signaling := proxy.Signaling(o.Socket("signaling"), o.Metrics, o.Log)
	s.secure = s.routes(signaling, backend("focus"), backend("bridge"))
	s.turn = o.Socket("turn")
	s.admin = s.console(s.appliance)
	return s, nil
}

// Apply puts other settings and the certificate on disk into effect for the
// connections and requests that come from now on. With an error, everything
// stays as it was. Listen addresses are the caller's.
func (s *Server) Apply(set Settings) error {
	site, err := set.site()
	if err != nil {
		return fmt.Errorf("web settings: %w", err)
	}
	leaf, err := tls.LoadX509KeyPair(set.Certificate, set.Key)
	if err != nil {
		return fmt.Errorf("certificate %s: %w", set.Certificate, err)
	}
	var outside *tls.Certificate
	if set.Site != nil {
		c, err := tls.LoadX509KeyPair(set.Site.Certificate, set.Site.Key)
		if err != nil {
			return fmt.Errorf("certificate %s: %w", set.Site.Certificate, err)
		}
		outside = &c
	}
	s.site.Store(site)
	s.leaf.Store(&leaf)
	s.outside.Store(outside)
	return nil
}

// Serve answers on the listeners until ctx ends or one of them fails, and
// closes them. admin, the console's, may be nil.
func (s *Server) Serve(ctx context.Context, secure, plain, admin net.Listener) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	refused := s.meters.refused("connections").Inc
	https := s.server(s.count("https", s.secure))
	door := s.sort(s.limiter.Listen(secure, refused))
	http1 := s.server(s.count("http", s.plainRoutes()))
	var wg sync.WaitGroup
	wg.Go(door.run)
	wg.Go(func() { cancel(fmt.Errorf("https: %w", https.Serve(door))) })
	wg.Go(func() { cancel(fmt.Errorf("http: %w", http1.Serve(s.limiter.Listen(plain, refused)))) })
	console := s.server(s.count("console", s.admin))
	console.ReadTimeout, console.WriteTimeout = 0, 0 // see bounded
	console.TLSConfig = s.tls()
	if admin != nil {
		wg.Go(func() {
			cancel(fmt.Errorf("console: %w", console.ServeTLS(s.limiter.Listen(admin, refused), "", "")))
		})
	}
	<-ctx.Done()
	err := errors.Join(stop(https), stop(http1), stop(console))
	wg.Wait()
	return errors.Join(context.Cause(ctx), err)
}

func (s *Server) tls() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			// Under its addresses, and names that nobody else vouches for, the
			// box's own authority does.
			if c := s.outside.Load(); c != nil && hello.ServerName != "" && c.Leaf.VerifyHostname(hello.ServerName) == nil {
				return c, nil
			}
			return s.leaf.Load(), nil
		},
	}
}

func (s *Server) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerWait,
		ReadTimeout:       readWait,
		WriteTimeout:      writeWait,
		IdleTimeout:       idleWait,
		MaxHeaderBytes:    maxHeader,
		// Failed handshakes are what every device does that does not trust
		// the box yet.
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// stop lets short answers end, and cuts what is left. WebSockets are not
// the server's any more; they end with the process.
func stop(srv *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopWait)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		return srv.Close()
	}
	return nil
}
