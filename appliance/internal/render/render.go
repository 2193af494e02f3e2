// Package render turns the appliance's state into one strict JSON file per
// service, and into the certificate files that they name. What a service's file
// says is in the source file of its name here.
//
// Files rewrites only what differs and reports whom that concerns: a second
// run with the same input changes nothing and reports nobody.
package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/certs"
	"meetbox.local/appliance/internal/state"
	"meetbox.local/appliance/kit/atomicfile"
)

// The XMPP domains are docker-jitsi-meet's. Clients only see what config.js
// says, so they never change, whatever the box is called.
const (
	Domain         = "meet.jitsi"
	AuthDomain     = "auth.meet.jitsi"
	mucDomain      = "muc.meet.jitsi"
	internalDomain = "internal-muc.meet.jitsi"
	focusDomain    = "focus.meet.jitsi"
	guestDomain    = "guest.meet.jitsi"
	brewery        = "jvbbrewery@" + internalDomain
)

// The accounts that services log in with.
const (
	FocusUser  = "focus"
	BridgeUser = "jvb"
)

// Input is all that the files are made from.
type Input struct {
	Run       string // folder of the rendered files, absolute
	HTTPSPort int
	HTTPPort  int
	AdminPort int // of the console
	XMPPPort  int
	MediaPort int
	Media     []netip.Addr // offered for media
	Names     []string     // host names of the machine, best first
	Addresses []netip.Addr // of the machine, best first
	Captive   bool         // web answers what phones ask to find the internet
	Focus     state.Account
	Bridge    state.Account
	BridgeID  string
	Users     []state.User
	Hosts     bool // people of a directory may begin meetings
	Rooms     api.Rooms
	Planned   []api.Planned // meetings and their rooms' own rules
	Now       time.Time     // which of their times are near
	Tokens    state.Secret  // with which the box signs invitations; empty: it does not
	TURN      state.Secret  // that the credentials of the TURN server are made with; empty: there is none
	Authority state.Pair
	Web, XMPP state.Pair
	Site      *state.Chain // from outside, for its own names only; nil: none
	// Groups of the services where each has its own user: a file that one
	// service reads belongs to its group. Empty: all have the same user.
	Groups map[string]int
}

// secret is who may read a file: its only reader's group.
func (in Input) secret(f file) (mode fs.FileMode, group int) {
	if gid, ok := in.Groups[f.readers[0]]; ok && f.mode == 0o600 {
		return 0o640, gid
	}
	return f.mode, -1
}

// HostPort joins a host and an HTTPS port the way browsers write them: no
// port when it is the usual one, brackets around IPv6.
func HostPort(host string, port int) string {
	if port != 443 {
		return net.JoinHostPort(host, strconv.Itoa(port))
	}
	if a, err := netip.ParseAddr(host); err == nil && a.Is6() {
		return "[" + host + "]"
	}
	return host
}

// Files brings the folder in.Run up to date and returns the services whose
// files were there before and changed: those have to read them again. (A
// service that had no file yet is still waiting for it.)
func Files(in Input) (changed []string, err error) {
	if err := os.MkdirAll(filepath.Join(in.Run, "tls"), 0o700); err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	root, err := os.OpenRoot(in.Run)
	if err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	defer root.Close()
	for _, f := range files(in) {
		var group int
		f.mode, group = in.secret(f)
		differs, existed, err := replace(root, f, group)
		if err != nil {
			return nil, fmt.Errorf("render: %w", err)
		}
		if !differs || !existed {
			continue
		}
		for _, s := range f.readers {
			if !slices.Contains(changed, s) {
				changed = append(changed, s)
			}
		}
	}
	return changed, nil
}

// file is one output and who reads it.
type file struct {
	name    string
	data    []byte
	mode    fs.FileMode
	readers []string
}

// files lists the outputs in the order of writing: what settings name is
// there before the settings are, and a key before its certificate.
func files(in Input) []file {
	ca, _ := certs.PEM(in.Authority)
	webCert, webKey := certs.PEM(in.Web)
	xmppCert, xmppKey := certs.PEM(in.XMPP)
	var site []file
	if in.Site != nil {
		crt, key := certs.ChainPEM(*in.Site)
		site = []file{
			{"tls/site.key", key, 0o600, []string{"web"}},
			{"tls/site.crt", crt, 0o644, []string{"web"}},
		}
	}
	return append(site, []file{
		{"tls/ca.crt", ca, 0o644, []string{"web", "focus", "bridge"}},
		{"tls/xmpp.key", xmppKey, 0o600, []string{"signaling"}},
		{"tls/xmpp.crt", xmppCert, 0o644, []string{"signaling"}},
		{"tls/web.key", webKey, 0o600, []string{"web"}},
		{"tls/web.crt", webCert, 0o644, []string{"web"}},
		{"signaling.json", document(signaling(in)), 0o600, []string{"signaling"}},
		{"focus.json", document(focus(in)), 0o600, []string{"focus"}},
		{"bridge.json", document(bridge(in)), 0o600, []string{"bridge"}},
		{"web.json", document(web(in)), 0o600, []string{"web"}},
	}...)
}

func replace(root *os.Root, f file, group int) (differs, existed bool, err error) {
	old, err := root.ReadFile(f.name)
	existed = err == nil
	if existed && bytes.Equal(old, f.data) {
		return false, true, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, false, err
	}
	return true, existed, atomicfile.WriteGroup(root, f.name, f.data, f.mode, group)
}

func document(v any) []byte {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // plain structs of texts and numbers always encode
	}
	return append(b, '\n')
}

func (in Input) tls(name string) string { return filepath.Join(in.Run, "tls", name) }
