// Package policy says what the front lets in and what it tells browsers:
// which Host names are the box's own, how many connections one address may
// hold, and the security headers of every answer.
//
// It owns no sockets and starts no goroutines.
package policy

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// ErrForeignHost means that a request named a host that is not this box.
var ErrForeignHost = errors.New("not a name or address of this box")

// Hosts is the set of names and addresses under which browsers may open the
// box. The zero value knows none. It is immutable.
type Hosts struct {
	first string
	names map[string]bool
	addrs map[netip.Addr]bool
}

// NewHosts makes the set; the first entry is the one to send strangers to.
func NewHosts(names []string) (Hosts, error) {
	h := Hosts{names: map[string]bool{}, addrs: map[netip.Addr]bool{}}
	for _, n := range names {
		if a, err := netip.ParseAddr(n); err == nil {
			h.addrs[a.Unmap()] = true
		} else if validName(n) {
			h.names[strings.ToLower(n)] = true
		} else {
			return Hosts{}, fmt.Errorf("names: %q is neither a host name nor an address", n)
		}
	}
	if len(names) == 0 {
		return Hosts{}, errors.New("names: none given")
	}
	h.first = names[0]
	return h, nil
}

// Own checks a request's Host header and returns it in one spelling, with
// its port as it was: "meetbox.local:8443", "[fd00::1]". Everything in the
// result is safe inside a URL, a header and a script.
func (h Hosts) Own(host string) (string, error) {
	name, port, err := split(host)
	if err != nil {
		return "", fmt.Errorf("host %q: %w", host, err)
	}
	if a, err := netip.ParseAddr(name); err == nil {
		if a.Zone() != "" || !h.addrs[a.Unmap()] {
			return "", fmt.Errorf("host %q: %w", host, ErrForeignHost)
		}
		return join(a.String(), port), nil
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if !h.names[name] {
		return "", fmt.Errorf("host %q: %w", host, ErrForeignHost)
	}
	return join(name, port), nil
}

// SecureURL returns the https address for a request that came to the plain
// port: the same host if it is ours, otherwise the box's first name.
func (h Hosts) SecureURL(host string, port int, path string) string {
	own, err := h.Own(host)
	if err != nil {
		own = h.first
	}
	name, _, err := split(own)
	if err != nil {
		name = h.first
	}
	if port == 443 {
		return "https://" + join(name, "") + path
	}
	return "https://" + join(name, strconv.Itoa(port)) + path
}

// split parts HOST[:PORT] as RFC 9110 §7.2 writes it.
func split(host string) (name, port string, err error) {
	if a, err := netip.ParseAddr(host); err == nil && a.Is4() {
		return host, "", nil
	}
	if rest, ok := strings.CutPrefix(host, "["); ok && strings.HasSuffix(rest, "]") {
		return strings.TrimSuffix(rest, "]"), "", nil
	}
	if !strings.Contains(host, ":") {
		return host, "", nil
	}
	name, port, err = net.SplitHostPort(host)
	if err != nil {
		return "", "", err
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", "", fmt.Errorf("port %q is not a number from 1 to 65535", port)
	}
	return name, port, nil
}

func join(name, port string) string {
	if port != "" {
		return net.JoinHostPort(name, port)
	}
	if strings.Contains(name, ":") {
		return "[" + name + "]"
	}
	return name
}

// validName accepts what RFC 1123 calls a host name, and underscores, which
// some networks' machine names have.
func validName(n string) bool {
	if n == "" || len(n) > 253 {
		return false
	}
	for label := range strings.SplitSeq(n, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, r := range label {
			if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
				return false
			}
		}
	}
	return true
}
