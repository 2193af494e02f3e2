package api

import (
	"fmt"
	"net/netip"
	"slices"
)

// Egress is the hosts outside that the box may speak to; none, when empty. The
// time servers of section clock, the authority of section certificates and the
// servers of section directory need no line here.
type Egress struct {
	Hosts []EgressHost `json:"hosts,omitempty"`
}

// EgressHost is one host and what for.
type EgressHost struct {
	Use  EgressUse `json:"use"`
	Host string    `json:"host"`          // name or address
	Port int       `json:"port,omitzero"` // 0: the usual one
}

// EgressUse is a purpose; it says which protocol and port are meant.
type EgressUse string

// The purposes.
const (
	EgressNTP    EgressUse = "ntp"
	EgressACME   EgressUse = "acme"
	EgressLDAP   EgressUse = "ldap"
	EgressOIDC   EgressUse = "oidc"
	EgressSyslog EgressUse = "syslog"
	EgressSMTP   EgressUse = "smtp"
)

// Values are all uses.
func (EgressUse) Values() []string {
	return []string{string(EgressNTP), string(EgressACME), string(EgressLDAP), string(EgressOIDC), string(EgressSyslog), string(EgressSMTP)}
}

// UsualPort is the port when the host does not name one.
func (u EgressUse) UsualPort() int {
	switch u {
	case EgressNTP:
		return 123
	case EgressLDAP:
		return 636
	case EgressSyslog:
		return 6514
	case EgressSMTP:
		return 587
	}
	return 443
}

// UDP says whether the use speaks UDP; the others speak TCP.
func (u EgressUse) UDP() bool { return u == EgressNTP }

// Validate says what is wrong with which field.
func (e Egress) Validate() error {
	f := FieldErrors{}
	if len(e.Hosts) > 64 {
		f.Add("hosts", "Give at most 64 hosts.")
	}
	for i, h := range e.Hosts {
		at := fmt.Sprintf("hosts.%d.", i)
		if !slices.Contains(h.Use.Values(), string(h.Use)) {
			f.Add(at+"use", `Give "ntp", "acme", "ldap", "oidc", "syslog" or "smtp".`)
		}
		a, err := netip.ParseAddr(h.Host)
		if err != nil && (len(h.Host) > 253 || !hostName.MatchString(h.Host)) || err == nil && (a.IsUnspecified() || a.IsMulticast() || a.Zone() != "") {
			f.Add(at+"host", "Give a host name in lower case or an IP address, such as ldap.example.org or 192.168.1.1.")
		}
		if h.Port < 0 || h.Port > 65535 {
			f.Add(at+"port", "Give a port from 1 to 65535, or 0 for the usual one.")
		}
	}
	return f.Err()
}
