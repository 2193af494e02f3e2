package admin

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/certs"
	"meetbox.local/appliance/internal/diagnostics"
	"meetbox.local/appliance/internal/logs"
)

const (
	logLines    = 500
	maxLogLines = 5000
	// callWait is what the box's call to itself may take.
	callWait = 2 * time.Minute
)

// Ports are web's, as this machine opens them.
type Ports struct{ HTTPS, HTTP, Admin int }

func diagnosticsRoutes(p *Parts) []Route {
	return []Route{
		get("/api/v1/logs", api.Viewer, "What the services printed last (service=, level=, text=, since=, limit=).", p.getLogs),
		download("/api/v1/logs.txt", api.Viewer, "The same, as a file.", "text/plain; charset=utf-8", p.downloadLogs),
		send(http.MethodPost, "/api/v1/diagnostics", api.Viewer, "Tries every link from the cable to a call, and names the first broken one. With call=false without the call.", p.diagnose),
	}
}

func (p *Parts) filter(c *Call) (f logs.Filter, err error) {
	f = logs.Filter{Services: p.Services, Level: strings.ToUpper(c.Query("level")), Text: c.Query("text"), Limit: logLines}
	bad := api.FieldErrors{}
	if s := c.Query("service"); s != "" {
		if !slices.Contains(p.Services, s) {
			bad.Add("service", "There are "+strings.Join(p.Services, ", ")+".")
		}
		f.Services = []string{s}
	}
	if f.Level != "" && !logs.Level(f.Level) {
		bad.Add("level", "There are debug, info, warn and error.")
	}
	if s := c.Query("since"); s != "" {
		if f.Since, err = time.Parse(time.RFC3339, s); err != nil {
			bad.Add("since", "Give a time as in 2026-11-30T10:00:00Z.")
		}
	}
	if n, err := c.Number("limit"); err != nil || n > maxLogLines {
		bad.Add("limit", fmt.Sprintf("Give 1 to %d.", maxLogLines))
	} else if n > 0 {
		f.Limit = int(n)
	}
	return f, bad.Err()
}

func (p *Parts) getLogs(c *Call) (out api.Log, err error) {
	f, err := p.filter(c)
	if err != nil {
		return out, err
	}
	return p.tail(f)
}

func (p *Parts) tail(f logs.Filter) (out api.Log, err error) {
	folder, err := os.OpenRoot(p.LogDir)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil // nothing was printed yet, or somebody else keeps it
	}
	if err != nil {
		return out, err
	}
	defer folder.Close()
	return logs.Tail(folder, f)
}

func (p *Parts) downloadLogs(c *Call) (File, error) {
	all, err := p.getLogs(c)
	if err != nil {
		return File{}, err
	}
	return File{Name: "meetbox-log.txt", Body: strings.NewReader(logText(all))}, nil
}

func logText(l api.Log) string {
	var b strings.Builder
	for _, l := range l.Lines {
		fmt.Fprintf(&b, "%s %-5s %-9s %s\n", l.At.Format(time.RFC3339Nano), l.Level, l.Service, l.Text)
	}
	return b.String()
}

func (p *Parts) diagnose(c *Call, _ None) (api.Diagnostics, error) {
	c.Audited() // nothing changes
	links := []diagnostics.Link{
		{Name: "link", Look: p.lookLink},
		{Name: "address", Needs: []string{"link"}, Look: p.lookAddress},
		{Name: "gateway", Needs: []string{"address"}, Look: func(ctx context.Context) diagnostics.Finding {
			return diagnostics.Gateway(ctx, p.gateways())
		}},
		{Name: "dns", Needs: []string{"gateway"}, Look: func(ctx context.Context) diagnostics.Finding {
			var servers []netip.Addr
			if p.Network != nil {
				servers = p.Network.Status().DNS
			}
			return diagnostics.DNS(ctx, servers, p.boxName())
		}},
		{Name: "clock", Look: p.lookClock},
		{Name: "certificate", Needs: []string{"clock"}, Look: p.lookCertificate},
		{Name: "services", Look: p.lookServices},
		{Name: "ports", Needs: []string{"certificate", "services"}, Look: p.lookPorts},
	}
	if p.SelfCall != nil && c.Query("call") != "false" {
		links = append(links, diagnostics.Link{Name: "call", Needs: []string{"services", "ports"}, Time: callWait, Look: p.lookCall})
	}
	return diagnostics.Run(c.Context(), links), nil
}

func (p *Parts) lookLink(context.Context) diagnostics.Finding {
	if p.Network == nil {
		return diagnostics.Skipped("This copy runs on somebody's computer, which looks after its network itself.")
	}
	ports := p.Network.Status().Ports
	for _, port := range ports {
		if port.Cable && port.Mbits > 0 && port.Mbits < 100 {
			return diagnostics.Unclear(fmt.Sprintf("%s runs at %d Mbit/s only.", port.Name, port.Mbits), "Try another cable, or another port of the switch.")
		}
		if port.Cable {
			return diagnostics.OK(fmt.Sprintf("%s has a cable (%d Mbit/s).", port.Name, port.Mbits))
		}
	}
	if len(ports) == 0 {
		return diagnostics.Broken("The machine has no network card that the box knows.", "Use one with an Intel or Realtek chip.")
	}
	return diagnostics.Broken("No cable is plugged in, or what is at its other end is off.", "Look at the lamps beside the plug.")
}

func (p *Parts) lookAddress(context.Context) diagnostics.Finding {
	var own []string
	for _, a := range p.Source.Status().Addresses {
		if !a.IsLoopback() && !a.IsLinkLocalUnicast() {
			own = append(own, a.String())
		}
	}
	if own == nil {
		return diagnostics.Broken("The box has no address.", "Is there a DHCP server in this network? If not, give the box an address of its own, on its screen or on the page on the network.")
	}
	return diagnostics.OK(strings.Join(own, ", "))
}

func (p *Parts) gateways() (out []netip.Addr) {
	if p.Network == nil {
		return nil
	}
	for _, port := range p.Network.Status().Ports {
		out = append(out, port.Gateways...)
	}
	return out
}

func (p *Parts) lookClock(context.Context) diagnostics.Finding {
	now := p.now()
	if leaf := p.Source.Certificates().Authority; leaf != nil && now.Before(leaf.NotBefore) {
		return diagnostics.Broken("It says "+now.UTC().Format(time.DateTime)+", which cannot be.", "Set it from this browser, on the page on the clock.")
	}
	if p.Clock == nil {
		return diagnostics.OK("It says " + now.UTC().Format(time.DateTime) + " UTC.")
	}
	s := p.Clock.Status()
	text := "It says " + now.UTC().Format(time.DateTime) + " UTC."
	if !s.Trusted {
		return diagnostics.Unclear(text+" Nobody has confirmed that.", "Set it from this browser, on the page on the clock, or name a time server there.")
	}
	if s.Problem != "" {
		return diagnostics.Unclear(text+" "+s.Problem, "")
	}
	return diagnostics.OK(text)
}

func (p *Parts) lookCertificate(context.Context) diagnostics.Finding {
	now, web := p.now(), p.Source.Certificates().Web
	if now.Before(web.NotBefore) || now.After(web.NotAfter) {
		return diagnostics.Broken("It is good from "+web.NotBefore.Format(time.DateOnly)+" to "+web.NotAfter.Format(time.DateOnly)+", and not now.", "Look at the clock.")
	}
	for _, a := range p.Source.Status().Addresses {
		if !slices.Contains(certs.Addresses(web), a) {
			return diagnostics.Broken("It is not for the address "+a.String()+".", "Wait a few seconds; a new one is made.")
		}
	}
	if p.SiteProblem != nil {
		if s := p.SiteProblem(); s != "" {
			return diagnostics.Unclear(s, "Look at the page on certificates.")
		}
	}
	return diagnostics.OK("It is good until " + web.NotAfter.Format(time.DateOnly) + ".")
}

func (p *Parts) lookServices(ctx context.Context) diagnostics.Finding {
	all := Ask(ctx, p.Services, p.Control)
	for _, s := range all.Services {
		if !s.OK {
			return diagnostics.Broken(s.Name+": "+s.Detail, "Look at its log. It is started again by itself; if that does not help, restart the box.")
		}
	}
	return diagnostics.OK("All are well.")
}

func (p *Parts) lookPorts(ctx context.Context) diagnostics.Finding {
	roots := x509.NewCertPool()
	roots.AddCert(p.Source.Certificates().Authority)
	var texts []string
	for _, port := range []int{p.Ports.HTTPS, p.Ports.Admin} {
		f := diagnostics.Secure(ctx, port, roots, p.now())
		if f.State != api.CheckOK {
			return f
		}
		texts = append(texts, f.Text)
	}
	f := diagnostics.Plain(ctx, p.Ports.HTTP)
	f.Text = strings.Join(append(texts, f.Text), " ")
	return f
}

func (p *Parts) lookCall(ctx context.Context) diagnostics.Finding {
	r, err := p.SelfCall(ctx)
	switch {
	case err != nil:
		return diagnostics.Broken("The box could not call itself: "+err.Error(), "Look at the logs.")
	case !r.OK:
		return diagnostics.Broken(r.Error, "Look at the logs.")
	}
	return diagnostics.OK("Two participants on the box saw and heard each other.")
}
