package front

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/web/internal/policy"
	"meetbox.local/web/internal/proxy"
)

// The console is an origin of its own, on a port of its own: a hole in the
// meeting's page is none in the console.
const (
	consolePage = "admin.html"
	// Bodies are JSON of at most this size, but for files.
	consoleBody = 256 << 10
	// A file is an update or a backup. The appliance has a limit for each.
	fileBody = 2 << 30
	// A file may take this long to come in over a slow line.
	fileWait = time.Hour
	// The box may think for this long: about a call to itself, a certificate
	// from a slow authority, a file on its way to the disk.
	thinkWait = 10 * time.Minute
	fileKind  = "application/octet-stream"
)

// console is the handler of the console's port.
func (s *Server) console(appliance http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	refused := s.meters.refused("cross-origin")
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refused.Inc()
		proxy.Problem(w, api.Problem{Status: http.StatusForbidden, Code: "cross-origin", Detail: "Another site's page sent this request."})
	}))
	mux := http.NewServeMux()
	mux.Handle("/api/v1/", s.sameOrigin(cross.Handler(bounded(appliance))))
	mux.Handle("GET /metrics", s.sameOrigin(bounded(metricsOf(appliance))))
	mux.HandleFunc("GET /assets/{name...}", func(w http.ResponseWriter, r *http.Request) {
		s.pages.Serve(w, r, "assets/"+r.PathValue("name"))
	})
	mux.Handle("GET "+api.BrandingPath, s.sameOrigin(appliance))
	mux.Handle("GET "+api.LogoPath+"{file}", s.sameOrigin(appliance))
	mux.HandleFunc("GET /ca.crt", s.getAuthority)
	mux.HandleFunc("POST "+policy.ReportPath, s.postReport)
	mux.HandleFunc("/", s.getConsole)
	return s.guard(s.ownHost(mux))
}

// metricsOf is where Prometheus looks by itself.
func metricsOf(appliance http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/api/v1/metrics"
		appliance.ServeHTTP(w, r)
	})
}

// sameOrigin refuses what another page sends, even to read: the meeting's
// page has the same host, and browsers count it as the same site.
func (s *Server) sameOrigin(next http.Handler) http.Handler {
	refused := s.meters.refused("cross-origin")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Sec-Fetch-Site") {
		case "", "same-origin", "none":
			next.ServeHTTP(w, r)
		default:
			refused.Inc()
			proxy.Problem(w, api.Problem{Status: http.StatusForbidden, Code: "cross-origin", Detail: "Another site's page sent this request."})
		}
	})
}

// bounded limits bodies and how long they may take to come in.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit, wait := int64(consoleBody), readWait
		if r.Header.Get("Content-Type") == fileKind {
			limit, wait = fileBody, fileWait
		}
		if r.ContentLength > limit {
			proxy.Problem(w, api.Problem{Status: http.StatusRequestEntityTooLarge, Code: "too-large", Detail: "The request is too large."})
			return
		}
		c := http.NewResponseController(w)
		err := errors.Join(c.SetReadDeadline(time.Now().Add(wait)), c.SetWriteDeadline(time.Now().Add(wait+thinkWait)))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		next.ServeHTTP(w, r)
	})
}

// getConsole answers with the console's page, whatever its path: the page
// finds its way by itself.
func (s *Server) getConsole(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "The console is only read here.", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	if s.pages.Has(name) && !s.pages.Page(name) {
		s.pages.Serve(w, r, name)
		return
	}
	if !s.pages.Has(consolePage) {
		http.Error(w, "This copy was built without the console's pages. Build it with make.", http.StatusNotFound)
		return
	}
	policy.SetConsole(w.Header())
	s.pages.Serve(w, r, consolePage)
}
