package main

import (
	"crypto/x509"
	"slices"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/admin"
	"meetbox.local/appliance/internal/render"
	"meetbox.local/appliance/internal/state"
)

// publish makes the input visible in the admin API.
func (d *daemon) publish(in render.Input) {
	leaves := admin.Leaves{}
	for _, l := range []struct {
		to   **x509.Certificate
		from state.Pair
	}{{&leaves.Authority, in.Authority}, {&leaves.Web, in.Web}, {&leaves.XMPP, in.XMPP}} {
		c, err := x509.ParseCertificate(l.from.Certificate)
		if err != nil {
			panic(err) // it was parsed or signed a moment ago
		}
		*l.to = c
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.leaves = leaves
	s := &d.status
	s.Names, s.Addresses, s.Media, s.MediaPort = in.Names, in.Addresses, in.Media, in.MediaPort
	s.URLs, s.Console, s.Scan, s.Authority = nil, nil, "", ""
	local := "https://" + render.HostPort("localhost", in.HTTPSPort)
	for _, a := range in.Addresses {
		if a.IsLoopback() {
			continue
		}
		url := "https://" + render.HostPort(a.String(), in.HTTPSPort)
		s.URLs = append(s.URLs, url)
		s.Console = append(s.Console, "https://"+render.HostPort(a.String(), in.AdminPort))
		if s.Scan == "" {
			s.Scan = url
			s.Authority = "http://" + httpHostPort(a.String(), in.HTTPPort) + "/ca.crt"
		}
	}
	s.URLs = append(s.URLs, local)
	s.Console = append(s.Console, "https://"+render.HostPort("localhost", in.AdminPort))
}

func httpHostPort(host string, port int) string {
	if port == 80 {
		return render.HostPort(host, 443) // as browsers write it: without the usual port
	}
	return render.HostPort(host, port)
}

// Status implements admin.Source.
func (d *daemon) Status() api.Status {
	code, err := d.people.SetupCode()
	if err != nil {
		d.log.Error("no setup code", "err", err)
	}
	notes := d.notes()
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.status
	s.SetupCode, s.Notes = code, notes
	s.Names, s.Addresses, s.URLs, s.Media = slices.Clone(s.Names), slices.Clone(s.Addresses), slices.Clone(s.URLs), slices.Clone(s.Media)
	s.Console = slices.Clone(s.Console)
	return s
}

// notes are what is wrong with the state and the machine, in sentences.
func (d *daemon) notes() []string {
	out := slices.Clone(d.store.Notes())
	if b := d.machine; b != nil {
		out = slices.Concat(out, b.care.notes(), b.lan.notes(), b.notes)
	}
	return out
}

// Certificates implements admin.Source.
func (d *daemon) Certificates() admin.Leaves {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.leaves
}
