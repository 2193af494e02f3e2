package front

import (
	"net"
	"net/http"
	"strings"

	"meetbox.local/appliance/api"
)

// probes are what phones ask to find out whether there is the internet, by
// host and path.
type probes map[string]api.Probe

func newProbes() probes {
	p := probes{}
	for _, one := range api.Probes() {
		p[one.Host+one.Path] = one
		p[one.Host] = api.Probe{} // the host is one of them
	}
	return p
}

// captive answers such a question on an island; false: it is none. What one
// of those hosts has besides is for nobody to see here.
func (s *Server) captive(w http.ResponseWriter, r *http.Request) bool {
	if !s.site.Load().captive {
		return false
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	host = strings.ToLower(host)
	if _, ok := s.probes[host]; !ok {
		return false
	}
	w.Header().Set("Cache-Control", "no-store")
	one, ok := s.probes[host+r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return true
	}
	if one.Type != "" {
		w.Header().Set("Content-Type", one.Type)
	}
	if one.Host == "connectivity-check.ubuntu.com" {
		w.Header().Set("X-NetworkManager-Status", "online")
	}
	w.WriteHeader(one.Status)
	if one.Body != "" && r.Method != http.MethodHead {
		write(w, []byte(one.Body))
	}
	return true
}

// getCaptive says that nobody has to sign in here (RFC 8908).
func (s *Server) getCaptive(w http.ResponseWriter, r *http.Request) {
	if !s.site.Load().captive {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/captive+json")
	w.Header().Set("Cache-Control", "private")
	write(w, []byte(`{"captive":false}`))
}
