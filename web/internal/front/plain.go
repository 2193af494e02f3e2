package front

import (
	"encoding/json"
	"net/http"
	"strings"

	"meetbox.local/appliance/api"
	"meetbox.local/web/internal/policy"
	"meetbox.local/web/internal/trust"
)

// trustPage is the built page that brings a device to trust the box.
const trustPage = "trust.html"

// Where is the answer to GET /trust.json: what the trust page has to know of
// the secure side.
type where struct {
	Origin      string `json:"origin"` // https://HOST:PORT, as this browser reaches it
	Fingerprint string `json:"sha256"` // of the authority
}

// plainRoutes is the handler of the port without TLS. It has what a device
// needs before it trusts the box, and sends everything else to HTTPS:
//
//	/trust            the trust page; / too, for who typed the box's name
//	/trust.json       where the secure side is
//	/assets/…         the page's files
//	/ca.crt           the authority's certificate
//	/ca.mobileconfig  the same as a profile for Apple's devices
//	/branding.json, /branding/…  → appliance: how the page looks
//	/.well-known/acme-challenge/…  → appliance: proofs for the site's authority
func (s *Server) plainRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /trust", s.getTrust)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		// The page goes on by itself where the box is trusted already.
		if strings.Contains(r.Header.Get("Accept"), "text/html") && s.pages.Has(trustPage) {
			s.getTrust(w, r)
			return
		}
		s.toSecure(w, r)
	})
	mux.HandleFunc("GET /trust.json", s.getWhere)
	mux.HandleFunc("GET /ca.crt", s.getAuthority)
	mux.HandleFunc("GET /ca.mobileconfig", s.getProfile)
	mux.Handle("GET /.well-known/acme-challenge/{token}", s.appliance)
	mux.Handle("GET "+api.BrandingPath, s.appliance)
	mux.Handle("GET "+api.LogoPath+"{file}", s.appliance)
	for _, files := range []string{"/assets/{name...}", "/favicon.svg"} {
		mux.HandleFunc("GET "+files, s.getFile)
	}
	mux.HandleFunc("GET /", s.toSecure)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.captive(w, r) {
			return
		}
		policy.SetCommon(w.Header())
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "Use https.", http.StatusMethodNotAllowed)
			return
		}
		if _, ok := policy.Room(r.URL.Path); !ok || strings.Contains(r.URL.EscapedPath(), "//") {
			s.redirect(w, r, "/") // the mux would clean the path, and lead somewhere
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (s *Server) getTrust(w http.ResponseWriter, r *http.Request) {
	site := s.site.Load()
	if _, err := site.hosts.Own(r.Host); err != nil || !s.pages.Has(trustPage) {
		s.redirect(w, r, "/") // to one of the box's own names
		return
	}
	policy.SetTrustPage(w.Header(), strings.TrimPrefix(site.hosts.SecureURL(r.Host, site.port, ""), "https://"))
	s.pages.Serve(w, r, trustPage)
}

func (s *Server) getWhere(w http.ResponseWriter, r *http.Request) {
	site := s.site.Load()
	b, err := json.Marshal(where{site.hosts.SecureURL(r.Host, site.port, ""), trust.Fingerprint(site.ca)})
	if err != nil {
		s.log.ErrorContext(r.Context(), "no trust.json", "err", err)
		http.Error(w, "This could not be made.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	write(w, b)
}

func (s *Server) getProfile(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-apple-aspen-config")
	w.Header().Set("Content-Disposition", `attachment; filename="meetbox.mobileconfig"`)
	w.Header().Set("Cache-Control", "no-store")
	write(w, trust.Profile(s.site.Load().ca))
}

// toSecure sends a browser to the same address on the secure port.
func (s *Server) toSecure(w http.ResponseWriter, r *http.Request) {
	s.redirect(w, r, r.URL.EscapedPath())
}

func (s *Server) redirect(w http.ResponseWriter, r *http.Request, path string) {
	site := s.site.Load()
	if r.URL.RawQuery != "" {
		path += "?" + r.URL.RawQuery
	}
	// Never a permanent one: browsers keep that for ever, and this box may
	// get another port or address.
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, site.hosts.SecureURL(r.Host, site.port, path), http.StatusFound)
}
