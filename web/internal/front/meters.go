package front

import (
	"context"
	"net/http"
	"strconv"

	"github.com/VictoriaMetrics/metrics"
)

// meters are the front's own metrics; the backends have theirs.
type meters struct {
	set     *metrics.Set
	reports *metrics.Counter
	turn    *metrics.Counter
}

func newMeters(set *metrics.Set) meters {
	return meters{set: set, reports: set.NewCounter("web_csp_reports_total"), turn: set.NewCounter("web_turn_connections_total")}
}

// refused counts what was turned away, by reason.
func (m meters) refused(reason string) *metrics.Counter {
	return m.set.GetOrCreateCounter(`web_refused_total{reason="` + reason + `"}`)
}

// count counts the answers on a port by the first digit of their status.
func (s *Server) count(port string, next http.Handler) http.Handler {
	var classes [6]*metrics.Counter
	for i := range classes {
		classes[i] = s.meters.set.GetOrCreateCounter(`web_answers_total{port="` + port + `",class="` + strconv.Itoa(i) + `xx"}`)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &counting{ResponseWriter: w, status: http.StatusOK}
		// Deferred: a proxy ends a broken answer by a panic.
		defer func() { classes[min(c.status/100, len(classes)-1)].Inc() }()
		next.ServeHTTP(c, r)
	})
}

type counting struct {
	http.ResponseWriter
	status int
}

func (c *counting) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

// Unwrap lets the proxy reach the connection, for WebSockets.
func (c *counting) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func withHost(ctx context.Context, host string) context.Context {
	return context.WithValue(ctx, hostKey{}, host)
}

func hostOf(ctx context.Context) string {
	host, _ := ctx.Value(hostKey{}).(string)
	return host
}
