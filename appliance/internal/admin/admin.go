// Package admin answers the admin API on the appliance's Unix socket.
//
// Everything under /api/v1/ is a [Route]: method, path, who may, a sentence,
// the types of request and answer, and the function. [Routes] lists them; the
// mux, the OpenAPI document (/api/v1/openapi.json) and the console's types
// (web/ui/src/admin/api.ts, by scripts/tsgen) are made from that list, so that
// they always agree.
//
// To add one: put the request and answer types into package api, in a file
// of their own; write the route in the topic's file here, with get, send,
// upload or download; add the file's function to Routes; then run
//
//	go run ./appliance openapi | go run ./scripts/tsgen > web/ui/src/admin/api.ts
//
// The function gets a [Call] (who asks, from where, with which parameters)
// and the checked request, and returns the answer or an error: an
// [api.Problem] or [api.FieldErrors] is shown as it is, everything else
// becomes "internal". A request type with a Validate method has been checked.
// A change that the function does not put into the audit log itself is put
// there for it. What a topic needs from the rest of the appliance is a field
// of [Parts], as an interface of the methods it calls; on a developer's
// machine it may be nil, and the route answers errElsewhere.
//
// A few routes directly under /api/ are for programs on this machine only
// (scripts/run); they need no sign-in, and web does not pass them on.
package admin

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/accounts"
	"meetbox.local/appliance/internal/certs"
	"meetbox.local/appliance/internal/checks"
	"meetbox.local/appliance/internal/directory"
	"meetbox.local/appliance/internal/history"
	"meetbox.local/appliance/internal/state"
	"meetbox.local/appliance/internal/timeline"
	"meetbox.local/appliance/kit/ctl"
)

// askWait is how long a service may take to say how it is. It is asked on a
// local socket; one that needs longer is not well.
const askWait = time.Second

// Source is what the handlers ask the appliance.
type Source interface {
	Status() api.Status
	Certificates() Leaves
}

// Leaves are the certificates in use.
type Leaves struct{ Authority, Web, XMPP *x509.Certificate }

// Parts are what the routes are about. Routes may be listed with none of
// them; calling one takes what it needs.
type Parts struct {
	Log      *slog.Logger
	Source   Source
	Services []string
	Control  func(service string) string // a service's control socket
	Store    *state.Store
	Accounts *accounts.Book
	// Directory knows people who have no account of the box.
	Directory *directory.Service
	Updates   Updates
	SelfCall  func(context.Context) (api.SelfCall, error)
	// Apply puts what is in the store into effect, and returns when it is.
	Apply func(context.Context) error
	Now   func() time.Time // nil: the system's clock
	// Proofs answers the site's certificate authority; SiteProblem says why
	// there is no certificate from outside although there should be one.
	Proofs      http.Handler
	SiteProblem func() string
	History     *history.History // nil where it cannot be kept
	Timeline    *timeline.Timeline
	Checks      *checks.Box
	LogDir      string // has NAME.log of each service
	Ports       Ports
	// Erase removes what other services keep, after a reset of everything, and
	// returns what starts the machine again a moment later.
	Erase func(keepAuthority bool) (restart func(), err error)

	uploaded uploaded
	// On the box only.
	Network Network
	Names   Names
	Clock   Clock
	Island  Island
	// Hardware and Installer are the box's own too.
	Hardware  Hardware
	Installer Installer
}

func (p *Parts) now() time.Time {
	if p.Now == nil {
		return time.Now()
	}
	return p.Now()
}

// Routes are all that can be asked.
func Routes(p *Parts) []Route {
	return slices.Concat(
		statusRoutes(p),
		sessionRoutes(p),
		directoryRoutes(p),
		accountRoutes(p),
		settingsRoutes(p),
		auditRoutes(p),
		meetingRoutes(p),
		certificateRoutes(p),
		backupRoutes(p),
		diagnosticsRoutes(p),
		supportRoutes(p),
		updateRoutes(p),
		networkRoutes(p),
		hardwareRoutes(p),
		userRoutes(p),
		scheduleRoutes(p),
		fileRoutes(p),
		checkRoutes(p),
		metricsRoutes(p),
	)
}

// Handler serves the API.
func Handler(p *Parts) http.Handler {
	mux := http.NewServeMux()
	routes := Routes(p)
	for _, r := range routes {
		mux.HandleFunc(r.Method+" "+r.Path, p.serve(r))
	}
	document := OpenAPI(routes, "1")
	mux.HandleFunc("GET /api/v1/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		write(w, document)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, api.Problem{Status: http.StatusNotFound, Code: "no-route", Detail: "The API has nothing at this address, or not with this method; /api/v1/openapi.json lists what it has."})
	})
	for path, f := range map[string]http.HandlerFunc{
		"/api/health":       p.localHealth,
		"/api/status":       func(w http.ResponseWriter, _ *http.Request) { p.json(w, http.StatusOK, p.Source.Status()) },
		"/api/certificates": func(w http.ResponseWriter, _ *http.Request) { p.json(w, http.StatusOK, p.certificates()) },
		"/api/ca.pem":       p.localAuthority,
	} {
		mux.HandleFunc("GET "+path, local(f))
	}
	mux.HandleFunc("GET "+api.CheckPath+"box.json", p.publicCheck)
	mux.HandleFunc("POST "+api.CheckPath+"report", p.publicReport)
	mux.HandleFunc("POST "+api.HostPath, p.publicHost)
	mux.HandleFunc("GET "+api.SchedulePath, p.publicSchedule)
	mux.HandleFunc("GET "+api.CalendarPath+"{file}", p.publicCalendar)
	mux.HandleFunc("GET "+api.BrandingPath, p.publicBranding)
	mux.HandleFunc("GET "+api.LogoPath+"{file}", p.publicLogo)
	if p.Proofs != nil {
		mux.Handle("GET /.well-known/acme-challenge/{token}", p.Proofs)
	}
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, api.Problem{Status: http.StatusForbidden, Code: "cross-origin", Detail: "Another site's page sent this request."})
	}))
	return cross.Handler(mux)
}

// local lets only programs on this machine pass: web, which speaks for
// others, always says for whom.
func local(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Forwarded-For") != "" {
			writeProblem(w, api.Problem{Status: http.StatusForbidden, Code: "local", Detail: "This is for programs on the box only."})
			return
		}
		next(w, r)
	}
}

func (p *Parts) localHealth(w http.ResponseWriter, r *http.Request) {
	all := Ask(r.Context(), p.Services, p.Control)
	code := http.StatusOK
	if !all.OK {
		code = http.StatusServiceUnavailable
	}
	p.json(w, code, all)
}

// Ask asks all services at the same time how they are.
func Ask(ctx context.Context, services []string, control func(string) string) api.Health {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	out := api.Health{OK: true, Services: make([]api.Service, len(services))}
	var wg sync.WaitGroup
	for i, name := range services {
		wg.Go(func() {
			s, err := ctl.Ask(ctx, control(name))
			if err != nil { // the text would only name the socket
				out.Services[i] = api.Service{Name: name, Detail: "not running, or does not answer"}
				return
			}
			out.Services[i] = api.Service{Name: name, OK: s.OK, Detail: s.Detail, Since: s.Since, PID: s.PID, Confined: s.Confined}
		})
	}
	wg.Wait()
	for _, s := range out.Services {
		out.OK = out.OK && s.OK
	}
	return out
}

func (p *Parts) certificates() api.Certificates {
	l := p.Source.Certificates()
	return api.Certificates{Authority: describe(l.Authority), Web: describe(l.Web), XMPP: describe(l.XMPP)}
}

func describe(c *x509.Certificate) api.Certificate {
	out := api.Certificate{
		Subject:     c.Subject.String(),
		Names:       c.DNSNames,
		Addresses:   certs.Addresses(c),
		NotBefore:   c.NotBefore,
		NotAfter:    c.NotAfter,
		Fingerprint: certs.Fingerprint(c.Raw),
	}
	if !c.IsCA {
		out.RenewAt = certs.RenewAt(c)
	}
	return out
}

func (p *Parts) localAuthority(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-pem-file")
	w.Header().Set("Content-Disposition", `attachment; filename="meetbox-ca.pem"`)
	write(w, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Source.Certificates().Authority.Raw}))
}

func (p *Parts) json(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		p.Log.Debug("answer not delivered", "err", err)
	}
}

// publicFailure answers people who are not to learn more than that it failed.
func (p *Parts) publicFailure(w http.ResponseWriter, r *http.Request, what string, err error) {
	p.Log.ErrorContext(r.Context(), what, "err", err)
	http.Error(w, "The box could not do this. Its log says why.", http.StatusInternalServerError)
}

func write(w http.ResponseWriter, b []byte) {
	if _, err := w.Write(b); err != nil {
		return // the caller went away
	}
}
