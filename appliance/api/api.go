// Package api holds the requests and answers of the appliance's admin API:
// HTTP with JSON on the Unix socket appliance.sock.
//
// What can be asked is in /api/v1/openapi.json; appliance/internal/admin says
// how a route is added. Programs on the same machine also get, without
// signing in:
//
//	GET /api/health        Health: every service; 503 while one is missing
//	GET /api/status        Status: names, addresses, URLs, versions
//	GET /api/certificates  Certificates: who vouches for this box, until when
//	GET /api/ca.pem        the authority's certificate, for browsers to trust
//
// The settings are one document of sections (Settings); each section's type
// is in a file of its own with its Validate. Data only; no field is ever
// renamed or given another meaning.
package api

import (
	"net/netip"
	"time"
)

// Health is the answer to GET /api/health.
type Health struct {
	OK       bool      `json:"ok"` // all services are
	Services []Service `json:"services"`
}

// Service is what one process says of itself.
type Service struct {
	Name   string    `json:"name"`
	OK     bool      `json:"ok"`
	Detail string    `json:"detail"`
	Since  time.Time `json:"since,omitzero"` // of this state; zero when nobody answered
	PID    int       `json:"pid,omitempty"`
	// Confined is what keeps an intruder in, and what of it is missing here.
	Confined string `json:"confined,omitempty"`
}

// Status is the answer to GET /api/status.
type Status struct {
	Names     []string     `json:"names"`     // host names, best first
	Addresses []netip.Addr `json:"addresses"` // of the machine, best first
	URLs      []string     `json:"urls"`      // where the start page is, best first
	Console   []string     `json:"console"`   // where the console is, best first
	Scan      string       `json:"scan"`      // the URL for another device's camera; empty without a network
	Authority string       `json:"authority"` // where other devices fetch the CA certificate (plain HTTP)
	Media     []netip.Addr `json:"media"`     // offered for media
	MediaPort int          `json:"media_port"`
	Version   string       `json:"version"`
	Go        string       `json:"go"`
	Schema    int          `json:"schema"` // of the appliance's state
	Started   time.Time    `json:"started"`
	Notes     []string     `json:"notes,omitempty"` // what is wrong, in sentences
	// SetupCode makes whoever reads it on the box's screen its owner. It is
	// never part of an answer.
	SetupCode string `json:"-"`
}

// Certificates is the answer to GET /api/certificates.
type Certificates struct {
	Authority Certificate `json:"authority"`
	Web       Certificate `json:"web"`
	XMPP      Certificate `json:"xmpp"`
}

// Certificate describes one certificate.
type Certificate struct {
	Subject     string       `json:"subject"`
	Names       []string     `json:"names,omitempty"`
	Addresses   []netip.Addr `json:"addresses,omitempty"`
	NotBefore   time.Time    `json:"not_before"`
	NotAfter    time.Time    `json:"not_after"`
	RenewAt     time.Time    `json:"renew_at,omitzero"` // when a new one is made without anyone asking
	Fingerprint string       `json:"sha256"`            // of the whole certificate, upper case hexadecimal with colons
}
