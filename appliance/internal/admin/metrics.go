package admin

import (
	"bufio"
	"bytes"
	"strings"
	"sync"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/kit/ctl"
)

func metricsRoutes(p *Parts) []Route {
	return []Route{
		download("/api/v1/metrics", api.Viewer, "The numbers of all services in Prometheus' text format, for a token with the scope metrics:read; also at /metrics.", "text/plain; version=0.0.4; charset=utf-8", p.getMetrics),
	}
}

// getMetrics puts the services' numbers together. One that does not answer has
// meetbox_up 0.
func (p *Parts) getMetrics(c *Call) (File, error) {
	parts := make([][]byte, len(p.Services))
	var wg sync.WaitGroup
	for i, s := range p.Services {
		wg.Go(func() {
			if b, err := ctl.Fetch(c.Context(), p.Control(s), "/metrics"); err == nil {
				parts[i] = b
			}
		})
	}
	wg.Wait()
	var out bytes.Buffer
	for i, s := range p.Services {
		up := "0"
		if parts[i] != nil {
			up = "1"
		}
		out.WriteString(`meetbox_up{service="` + s + `"} ` + up + "\n")
	}
	for i, s := range p.Services {
		label(&out, parts[i], s)
	}
	return File{Body: &out}, nil
}

// label copies numbers with the service's name among their labels: several
// services have numbers of the same name.
func label(out *bytes.Buffer, text []byte, service string) {
	mark := `service="` + service + `"`
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		line := s.Text()
		space := strings.LastIndexByte(line, ' ')
		if space < 0 || strings.HasPrefix(line, "#") {
			continue // a comment on a name would be there once for each service
		}
		name, value := line[:space], line[space:]
		if bare, labels, ok := strings.Cut(name, "{"); ok {
			name = bare + "{" + mark + "," + labels
		} else {
			name += "{" + mark + "}"
		}
		out.WriteString(name + value + "\n")
	}
}
