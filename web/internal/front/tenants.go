package front

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"meetbox.local/web/internal/configjs"
	"meetbox.local/web/internal/policy"
)

// Below /TENANT/ everything is found that is found below /, so that addresses
// which clients make relative to their page work. Rooms there are other ones:
// signaling and the appliance, where it signs tokens, are told of the tenant,
// and clients are by config.js. Of several
// names in a row the last one counts, as with Jitsi's nginx.

// tenant is below whose name a request came. The zero value is nobody's.
type tenant struct {
	name    string // as policy.Tenant spells it
	written string // as it is in the request's path
	deep    bool   // others stood before it
}

// path is where the tenant's rooms are.
func (t tenant) path() string {
	if t.name == "" {
		return "/"
	}
	return "/" + t.written + "/"
}

type tenantKey struct{}

func tenantOf(ctx context.Context) tenant {
	t, _ := ctx.Value(tenantKey{}).(tenant)
	return t
}

func placeOf(ctx context.Context) configjs.Place {
	return configjs.Place{Host: hostOf(ctx), Tenant: tenantOf(ctx).name}
}

// taken is a mux that remembers what its paths begin with: no tenant can be
// called like that.
type taken struct {
	*http.ServeMux
	names map[string]bool
}

func newTaken() *taken { return &taken{http.NewServeMux(), map[string]bool{}} }

// Handle is http.ServeMux's.
func (m *taken) Handle(pattern string, h http.Handler) {
	_, path, _ := strings.Cut(pattern, "/")
	first, _, _ := strings.Cut(path, "/")
	if !strings.HasPrefix(first, "{") {
		m.names[first] = true
	}
	m.ServeMux.Handle(pattern, h)
}

// HandleFunc is http.ServeMux's.
func (m *taken) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	m.Handle(pattern, http.HandlerFunc(h))
}

// tenants takes the tenant out of a request's path. What begins like a path of
// the box's own is left as it is.
func (s *Server) tenants(next http.Handler, names map[string]bool) http.Handler {
	refused := s.meters.refused("tenant")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var t tenant
		rest := strings.TrimPrefix(r.URL.EscapedPath(), "/")
		for {
			first, after, ok := strings.Cut(rest, "/")
			if !ok || after == "" || names[first] || s.pages.Has(first) {
				break
			}
			name, ok := policy.Tenant(first)
			if ok && names[name] {
				break
			}
			if !ok {
				refused.Inc()
				http.Error(w, "The part of this address before the meeting's name has signs in it that it cannot have. Use letters, digits, - and _.", http.StatusBadRequest)
				return
			}
			t = tenant{name: name, written: first, deep: t.name != ""}
			rest = after
		}
		if t.name == "" {
			next.ServeHTTP(w, r)
			return
		}
		below := r.Clone(context.WithValue(r.Context(), tenantKey{}, t))
		// Its whole path could be unescaped, so this part can.
		below.URL.Path, _ = url.PathUnescape("/" + rest)
		below.URL.RawPath = "/" + rest
		next.ServeHTTP(w, below)
	})
}

// withPrefix tells a service of the tenant, as Jitsi's nginx tells prosody: in
// front of the query, where nothing that the client has written comes before.
func withPrefix(service http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if t := tenantOf(r.Context()); t.name != "" {
			r.URL.RawQuery = "prefix=" + url.QueryEscape(t.name) + "&" + r.URL.RawQuery
		}
		service.ServeHTTP(w, r)
	})
}
