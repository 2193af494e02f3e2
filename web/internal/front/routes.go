package front

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"meetbox.local/appliance/api"
	"meetbox.local/web/internal/configjs"
	"meetbox.local/web/internal/policy"
	"meetbox.local/web/internal/proxy"
)

// maxReport bounds a violation report; browsers cut samples at 40 characters.
const maxReport = 16 << 10

// routes is the handler of the secure port.
func (s *Server) routes(signaling, focus, bridge http.Handler) http.Handler {
	mux := newTaken()
	mux.Handle("/xmpp-websocket", withPrefix(signaling))
	mux.Handle("/http-bind", withPrefix(signaling))
	mux.Handle(proxy.FilesPath, moving(signaling, readWait, writeWait))
	mux.Handle("/socket.io/", signaling) // whiteboards
	mux.Handle("/conference-request/v1", focus)
	mux.Handle("/colibri-ws/", bridge)
	own := &taken{http.NewServeMux(), mux.names}
	mux.Handle("/", s.ownHost(own))

	own.HandleFunc("GET /{path...}", s.getPage)
	own.HandleFunc("GET /assets/{name...}", func(w http.ResponseWriter, r *http.Request) {
		s.pages.Serve(w, r, "assets/"+r.PathValue("name"))
	})
	own.HandleFunc("GET /config.js", s.getConfig)
	own.HandleFunc("GET /ca.crt", s.getAuthority)
	own.HandleFunc("GET /ca.mobileconfig", s.getProfile)
	mux.HandleFunc("GET "+trustedPath, getTrusted)
	own.HandleFunc("GET "+api.CaptivePath, s.getCaptive)
	own.HandleFunc("GET /check", s.getCheck)
	own.Handle("GET "+api.CheckPath+"box.json", s.appliance)
	own.Handle("POST "+api.CheckPath+"report", s.appliance)
	own.Handle("POST "+api.HostPath, withPrefix(s.appliance))
	own.Handle("GET "+api.SchedulePath, s.appliance)
	own.Handle("GET "+api.CalendarPath+"{file}", s.appliance)
	own.Handle("GET "+api.BrandingPath, s.appliance)
	own.Handle("GET "+api.LogoPath+"{file}", s.appliance)
	own.HandleFunc("POST "+policy.ReportPath, s.postReport)
	for _, later := range []string{"/external_api.js", "/interface_config.js", "/libs/", "/static/", "/.well-known/", "/favicon.ico"} {
		own.HandleFunc("GET "+later, s.getFile) // a room must never take these names
	}
	for _, elsewhere := range []string{"api", "index.html"} { // the console's, and the page itself
		mux.names[elsewhere] = true
	}
	return s.guard(s.tenants(mux, mux.names))
}

// guard sets the common headers and refuses paths that a browser never
// sends, before any route sees them.
func (s *Server) guard(next http.Handler) http.Handler {
	tricks := s.meters.refused("path")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		policy.SetCommon(w.Header())
		if _, ok := policy.Room(r.URL.Path); !ok || strings.Contains(r.URL.EscapedPath(), "//") {
			tricks.Inc()
			http.Error(w, "This address cannot be a meeting: it has characters or parts that no meeting's name can have.", http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostKey marks the checked Host of a request in its context.
type hostKey struct{}

// ownHost lets a request pass only under one of the box's names.
func (s *Server) ownHost(next http.Handler) http.Handler {
	foreign := s.meters.refused("host")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site := s.site.Load()
		host, err := site.hosts.Own(r.Host)
		if err != nil {
			foreign.Inc()
			s.log.DebugContext(r.Context(), "foreign host", "peer", r.RemoteAddr, "err", err)
			http.Error(w, "This box does not answer under the name in the address bar. Open "+
				site.hosts.SecureURL("", site.port, "/")+
				" instead, or have the administrator add the name.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r.WithContext(withHost(r.Context(), host)))
	})
}

// getPage answers for the start page, rooms, and the build's files outside
// assets/.
func (s *Server) getPage(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name != "" && s.pages.Has(name) && !s.pages.Page(name) {
		s.pages.Serve(w, r, name)
		return
	}
	// Parts are counted in the escaped path: a room may be called "a/b",
	// which arrives as a%2Fb.
	escaped := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	below := tenantOf(r.Context())
	room, slash := strings.CutSuffix(escaped, "/")
	if !strings.Contains(room, "/") && (slash || below.deep) {
		to := below.path() + room
		if r.URL.RawQuery != "" {
			to += "?" + r.URL.RawQuery
		}
		http.Redirect(w, r, to, http.StatusFound)
		return
	}
	if strings.Contains(escaped, "/") {
		http.Error(w, "There is no such page on this box.", http.StatusNotFound)
		return
	}
	policy.SetPage(w.Header(), hostOf(r.Context()), s.site.Load().config.Frames)
	s.pages.Serve(w, r, "index.html")
}

// checkPage tries whether meetings work on this device.
const checkPage = "check.html"

func (s *Server) getCheck(w http.ResponseWriter, r *http.Request) {
	policy.SetPage(w.Header(), hostOf(r.Context()), nil)
	s.pages.Serve(w, r, checkPage)
}

func (s *Server) getFile(w http.ResponseWriter, r *http.Request) {
	s.pages.Serve(w, r, strings.TrimPrefix(r.URL.Path, "/"))
}

func (s *Server) getConfig(w http.ResponseWriter, r *http.Request) {
	b, err := configjs.Script(placeOf(r.Context()), s.site.Load().config)
	if err != nil {
		s.log.ErrorContext(r.Context(), "no config.js", "err", err)
		http.Error(w, "The configuration could not be made.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	write(w, b)
}

func (s *Server) getAuthority(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-x509-ca-cert")
	w.Header().Set("Content-Disposition", `attachment; filename="meetbox-ca.crt"`)
	w.Header().Set("Cache-Control", "no-store")
	write(w, s.site.Load().ca)
}

// trustedPath answers any page that asks whether this device trusts the box;
// that the answer arrives is all of it.
const trustedPath = "/.well-known/meetbox-trusted"

func getTrusted(w http.ResponseWriter, _ *http.Request) {
	policy.SetCORS(w.Header())
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

// postReport counts a violation of the page's content policy: there is no
// harmless one, the page is all ours.
func (s *Server) postReport(w http.ResponseWriter, r *http.Request) {
	var report struct {
		Body struct {
			Directive string `json:"violated-directive"`
			Blocked   string `json:"blocked-uri"`
		} `json:"csp-report"`
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReport))
	if err == nil {
		err = json.Unmarshal(b, &report)
	}
	if err != nil {
		http.Error(w, "This is not a report.", http.StatusBadRequest)
		return
	}
	s.meters.reports.Inc()
	s.log.DebugContext(r.Context(), "content policy violated", "peer", r.RemoteAddr,
		"directive", report.Body.Directive, "blocked", report.Body.Blocked)
	w.WriteHeader(http.StatusNoContent)
}

func write(w http.ResponseWriter, b []byte) {
	if _, err := w.Write(b); err != nil {
		return // the browser went away
	}
}
