// Package admin answers the admin API on the appliance's Unix socket. Who may
// open the socket may ask everything.
package admin

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/certs"
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

// Handler serves the API. control names each service's control socket.
func Handler(src Source, services []string, control func(service string) string, log *slog.Logger) http.Handler {
	h := handler{src, services, control, log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/health", h.health)
	mux.HandleFunc("GET /api/status", func(w http.ResponseWriter, _ *http.Request) { h.json(w, http.StatusOK, src.Status()) })
	mux.HandleFunc("GET /api/certificates", h.certificates)
	mux.HandleFunc("GET /api/ca.pem", h.authority)
	return http.NewCrossOriginProtection().Handler(mux)
}

type handler struct {
	src      Source
	services []string
	control  func(string) string
	log      *slog.Logger
}

func (h handler) health(w http.ResponseWriter, r *http.Request) {
	all := Ask(r.Context(), h.services, h.control)
	code := http.StatusOK
	if !all.OK {
		code = http.StatusServiceUnavailable
	}
	h.json(w, code, all)
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
			out.Services[i] = api.Service{Name: name, OK: s.OK, Detail: s.Detail, Since: s.Since, PID: s.PID}
		})
	}
	wg.Wait()
	for _, s := range out.Services {
		out.OK = out.OK && s.OK
	}
	return out
}

func (h handler) certificates(w http.ResponseWriter, _ *http.Request) {
	l := h.src.Certificates()
	h.json(w, http.StatusOK, api.Certificates{
		Authority: describe(l.Authority),
		Web:       describe(l.Web),
		XMPP:      describe(l.XMPP),
	})
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

func (h handler) authority(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-pem-file")
	w.Header().Set("Content-Disposition", `attachment; filename="meetbox-ca.pem"`)
	if err := pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: h.src.Certificates().Authority.Raw}); err != nil {
		h.log.Debug("answer not delivered", "err", err)
	}
}

func (h handler) json(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		h.log.Debug("answer not delivered", "err", err)
	}
}
