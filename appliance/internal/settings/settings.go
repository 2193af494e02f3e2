// Package settings reads how a person wants Meetbox to run: flags, or
// environment variables of the same meaning, checked before anything starts.
package settings

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Settings are the checked values.
type Settings struct {
	HTTPSPort  int
	HTTPPort   int
	AdminPort  int
	MediaPort  int
	MediaAddrs []netip.Addr // empty: all of the machine's
	XMPPPort   int          // 0: 5222, or a free one where another program has that
}

// DefaultXMPPPort is where XMPP clients expect a server.
const DefaultXMPPPort = 5222

// Raw are the texts as given, flags before environment.
type Raw struct{ values map[string]*string }

// variable is one setting: its environment variable and its flag.
type variable struct{ env, flag, fallback, help string }

var variables = []variable{
	{"MEETBOX_HTTPS_PORT", "https-port", "8443", "TCP `port` of the pages"},
	{"MEETBOX_HTTP_PORT", "http-port", "8080", "TCP `port` that redirects and hands out the CA certificate"},
	{"MEETBOX_ADMIN_PORT", "admin-port", "8444", "TCP `port` of the console"},
	{"MEETBOX_MEDIA_PORT", "media-port", "10000", "UDP `port` of the media"},
	{"MEETBOX_MEDIA_ADDRS", "media-addrs", "", "`addresses` to offer for media, with commas between (default all of the machine's)"},
	{"MEETBOX_XMPP_PORT", "xmpp-port", "", "TCP `port` of signaling on the loopback (default 5222, or a free one)"},
}

// Register adds the flags; their defaults come from the environment.
func Register(fl *flag.FlagSet, getenv func(string) string) *Raw {
	r := &Raw{values: map[string]*string{}}
	for _, v := range variables {
		value := getenv(v.env)
		if value == "" {
			value = v.fallback
		}
		r.values[v.env] = fl.String(v.flag, value, v.help+"; also "+v.env)
	}
	return r
}

// Settings checks the texts. The error names each bad one and says what is
// expected.
func (r *Raw) Settings() (Settings, error) {
	var s Settings
	var errs []error
	port := func(env string, zero bool) int {
		text := strings.TrimSpace(*r.values[env])
		if text == "" && zero {
			return 0
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 65535 {
			errs = append(errs, fmt.Errorf("%s=%q: give a port number from 1 to 65535", env, text))
		}
		return n
	}
	s.HTTPSPort = port("MEETBOX_HTTPS_PORT", false)
	s.HTTPPort = port("MEETBOX_HTTP_PORT", false)
	s.AdminPort = port("MEETBOX_ADMIN_PORT", false)
	s.MediaPort = port("MEETBOX_MEDIA_PORT", false)
	s.XMPPPort = port("MEETBOX_XMPP_PORT", true)
	if s.HTTPSPort == s.HTTPPort {
		errs = append(errs, fmt.Errorf("MEETBOX_HTTPS_PORT and MEETBOX_HTTP_PORT are both %d: give two different ports", s.HTTPPort))
	}
	if s.AdminPort == s.HTTPSPort || s.AdminPort == s.HTTPPort {
		errs = append(errs, fmt.Errorf("MEETBOX_ADMIN_PORT=%d is another port already: give a port of its own", s.AdminPort))
	}
	if s.XMPPPort != 0 && (s.XMPPPort == s.HTTPSPort || s.XMPPPort == s.HTTPPort || s.XMPPPort == s.AdminPort) {
		errs = append(errs, fmt.Errorf("MEETBOX_XMPP_PORT=%d is one of the web ports: give another port", s.XMPPPort))
	}
	for text := range strings.SplitSeq(*r.values["MEETBOX_MEDIA_ADDRS"], ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" || a.IsUnspecified() || a.IsMulticast() {
			errs = append(errs, fmt.Errorf("MEETBOX_MEDIA_ADDRS: %q: give IP addresses with commas between, such as 192.168.1.23,127.0.0.1", text))
			continue
		}
		if a = a.Unmap(); !slices.Contains(s.MediaAddrs, a) {
			s.MediaAddrs = append(s.MediaAddrs, a)
		}
	}
	return s, errors.Join(errs...)
}

// PortsFree says which of the ports another program has, and how to go on.
// The answer holds for this moment only: it is for a person who starts
// Meetbox, before the services fail one by one.
func (s Settings) PortsFree() error {
	errs := []error{
		taken(listen("tcp", s.HTTPSPort), "TCP", s.HTTPSPort, "MEETBOX_HTTPS_PORT"),
		taken(listen("tcp", s.HTTPPort), "TCP", s.HTTPPort, "MEETBOX_HTTP_PORT"),
		taken(listen("tcp", s.AdminPort), "TCP", s.AdminPort, "MEETBOX_ADMIN_PORT"),
		taken(listenUDP(s.MediaPort), "UDP", s.MediaPort, "MEETBOX_MEDIA_PORT"),
	}
	if s.XMPPPort != 0 {
		errs = append(errs, taken(Loopback(s.XMPPPort), "TCP", s.XMPPPort, "MEETBOX_XMPP_PORT"))
	}
	return errors.Join(errs...)
}

func taken(err error, network string, port int, env string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s port %d is in use by another program: stop that one, or set %s to a free port", network, port, env)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s port %d may only be opened by root: set %s to a port above 1023", network, port, env)
	}
	return fmt.Errorf("%s port %d (%s): %w", network, port, env, err)
}

// Loopback says why the TCP port cannot be opened on 127.0.0.1, or nil.
func Loopback(port int) error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return err
	}
	return l.Close()
}

// FreeLoopback finds a TCP port that is free on 127.0.0.1 now.
func FreeLoopback() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

func listen(network string, port int) error {
	l, err := net.Listen(network, ":"+strconv.Itoa(port))
	if err != nil {
		return err
	}
	return l.Close()
}

func listenUDP(port int) error {
	c, err := net.ListenUDP("udp", &net.UDPAddr{Port: port})
	if err != nil {
		return err
	}
	return c.Close()
}
