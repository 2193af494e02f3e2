// Package render turns the appliance's state into one strict JSON file per
// service, and into the certificate files that they name.
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
	"meetbox.local/appliance/internal/schedule"
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

type signalingFile struct {
	Domain            string    `json:"domain"`
	AuthDomain        string    `json:"auth_domain"`
	MUCDomain         string    `json:"muc_domain"`
	InternalMUCDomain string    `json:"internal_muc_domain"`
	FocusDomain       string    `json:"focus_domain"`
	TCP               string    `json:"tcp"`
	Certificate       string    `json:"certificate"`
	Key               string    `json:"key"`
	FocusUser         string    `json:"focus_user"`
	Accounts          []account `json:"accounts"`

	Users  []account `json:"users,omitempty"`
	Tokens []key     `json:"tokens,omitempty"`
	Rooms  rooms     `json:"rooms,omitzero"`
	Media  relays    `json:"media,omitzero"`
	LAN    string    `json:"lan,omitempty"`
	Web    home      `json:"web,omitzero"`
}

// relays are where clients find STUN and TURN.
type relays struct {
	Secret state.Secret `json:"secret"`
	TURN   int          `json:"turn"`
	STUN   int          `json:"stun"`
}

// key is one of those that sign tokens.
type key struct {
	ID        string       `json:"id,omitempty"`
	Algorithm string       `json:"algorithm"`
	Secret    state.Secret `json:"secret,omitempty"`
	Public    string       `json:"public,omitempty"`
	Issuers   []string     `json:"issuers,omitempty"`
	Audiences []string     `json:"audiences,omitempty"`
}

// home is where browsers reach the box; host is for clients that came by
// another way.
type home struct {
	Host string `json:"host,omitempty"`
	Port int    `json:"port,omitempty"`
}

type rooms struct {
	Create       string        `json:"create,omitempty"`
	Listed       []string      `json:"listed,omitempty"`
	Schedule     []appointment `json:"schedule,omitempty"`
	Lobby        bool          `json:"lobby,omitempty"`
	MaxOccupants int           `json:"max_occupants,omitempty"`
	History      int           `json:"history,omitempty"`
	Archive      bool          `json:"archive,omitempty"`
	Persistent   bool          `json:"persistent,omitempty"`
	FileBytes    int64         `json:"file_bytes,omitempty"`
	FileQuota    int64         `json:"file_quota,omitempty"`
	FileHours    int           `json:"file_hours,omitempty"`
}

// appointment is a time at which a room opens to everybody, and its own rules.
type appointment struct {
	Room         string    `json:"room"`
	From         time.Time `json:"from"`
	Until        time.Time `json:"until"`
	Password     string    `json:"password,omitempty"`
	Lobby        bool      `json:"lobby,omitempty"`
	MaxOccupants int       `json:"max_occupants,omitempty"`
}

type account struct {
	User  string                      `json:"user"`
	SCRAM map[string]state.Credential `json:"scram"`
}

// login is how focus and bridge reach signaling.
type login struct {
	Address  string       `json:"address"`
	Domain   string       `json:"domain"`
	User     string       `json:"user"`
	Password state.Secret `json:"password"`
	Resource string       `json:"resource"`
	CA       string       `json:"ca"`
}

type focusFile struct {
	XMPP        login  `json:"xmpp"`
	Domain      string `json:"domain"`
	MUCDomain   string `json:"muc_domain"`
	FocusDomain string `json:"focus_domain"`
	Brewery     string `json:"brewery"`

	Rules api.RoomMedia `json:"rules,omitzero"` // by the names that the settings have, too
}

type bridgeFile struct {
	ID        string    `json:"id"`
	XMPP      login     `json:"xmpp"`
	Brewery   string    `json:"brewery"`
	Media     media     `json:"media"`
	WebSocket websocket `json:"websocket"`
	TURN      turn      `json:"turn,omitzero"`
}

type turn struct {
	Secret state.Secret `json:"secret"`
}

type media struct {
	Port      int          `json:"port"`
	TCPPort   int          `json:"tcp_port"`
	Addresses []netip.Addr `json:"addresses"`
	Loudest   int          `json:"loudest_voices,omitzero"`
}

type websocket struct {
	Domains []string `json:"domains"`
}

type webFile struct {
	HTTPS       string   `json:"https"`
	HTTP        string   `json:"http"`
	Admin       string   `json:"admin,omitempty"`
	Site        *pair    `json:"site,omitempty"`
	Certificate string   `json:"certificate"`
	Key         string   `json:"key"`
	CA          string   `json:"ca"`
	Names       []string `json:"names"`
	HTTPSPort   int      `json:"https_port"`
	Domain      string   `json:"domain"`
	MUCDomain   string   `json:"muc_domain"`
	FocusDomain string   `json:"focus_domain"`
	GuestDomain string   `json:"guest_domain,omitempty"` // where guests log in; empty: where all do
	Captive     bool     `json:"captive,omitempty"`
	Frames      []string `json:"frames,omitempty"` // origins whose pages may show a meeting
}

type pair struct {
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
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

func (in Input) xmppAddress() string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(in.XMPPPort))
}

func signaling(in Input) signalingFile {
	f := services(in)
	for _, u := range in.Users {
		f.Users = append(f.Users, account{u.Name, u.SCRAM})
	}
	if in.Tokens != "" {
		f.Tokens = append(f.Tokens, key{ID: api.BoxKey, Algorithm: "HS256", Secret: in.Tokens, Issuers: []string{api.BoxKey}})
	}
	for _, i := range in.Rooms.Issuers {
		f.Tokens = append(f.Tokens, key{ID: i.ID, Algorithm: i.Algorithm, Public: i.Public, Issuers: i.Issuers, Audiences: i.Audiences})
	}
	f.Web = home{in.host(), in.HTTPSPort}
	r := in.Rooms
	f.Rooms = rooms{
		Create: r.Create, Listed: r.Listed, Schedule: appointments(in), Lobby: r.Lobby, MaxOccupants: r.MaxParticipants,
		History: r.History, Archive: r.Archive, Persistent: r.Persistent,
	}
	if r.Files.MaxMB > 0 {
		f.Rooms.FileBytes, f.Rooms.FileQuota, f.Rooms.FileHours = int64(r.Files.MaxMB)<<20, int64(r.Files.TotalMB)<<20, r.Files.Hours
		if f.Rooms.FileQuota == 0 {
			f.Rooms.FileQuota = 10 * f.Rooms.FileBytes
		}
		if f.Rooms.FileHours == 0 {
			f.Rooms.FileHours = 24
		}
	}
	if in.TURN != "" {
		f.Media = relays{in.TURN, in.HTTPSPort, in.MediaPort}
	}
	if r.Clients {
		f.LAN = ":" + strconv.Itoa(in.XMPPPort)
	}
	return f
}

// appointments are the times from yesterday to the end of next week, by whole
// days, so that the file changes once a day and not with each meeting.
func appointments(in Input) (out []appointment) {
	for _, a := range in.Rooms.Schedule {
		out = append(out, appointment{Room: a.Room, From: a.From, Until: a.Until})
	}
	day := in.Now.UTC().Truncate(24 * time.Hour)
	for _, p := range in.Planned {
		m := p.Meeting
		for _, o := range schedule.Occurrences(m, day.AddDate(0, 0, -1), day.AddDate(0, 0, 8), 10) {
			out = append(out, appointment{m.Room, o.Begin, o.End, m.Password, m.Lobby, m.MaxParticipants})
		}
	}
	return out
}

// host is one of the box's that work from everywhere on the network: the first
// address, else the first name.
func (in Input) host() string {
	for _, a := range in.Addresses {
		if !a.IsLoopback() && a.Is4() {
			return a.String()
		}
	}
	if len(in.Names) > 0 {
		return in.Names[0]
	}
	return "localhost"
}

// services is the part of signaling's file that the box needs itself.
func services(in Input) signalingFile {
	return signalingFile{
		Domain:            Domain,
		AuthDomain:        AuthDomain,
		MUCDomain:         mucDomain,
		InternalMUCDomain: internalDomain,
		FocusDomain:       focusDomain,
		TCP:               in.xmppAddress(),
		Certificate:       in.tls("xmpp.crt"),
		Key:               in.tls("xmpp.key"),
		FocusUser:         in.Focus.User,
		Accounts: []account{
			{in.Focus.User, in.Focus.SCRAM},
			{in.Bridge.User, in.Bridge.SCRAM},
		},
	}
}

func (in Input) login(a state.Account, resource string) login {
	return login{
		Address:  in.xmppAddress(),
		Domain:   AuthDomain,
		User:     a.User,
		Password: a.Password,
		Resource: resource,
		CA:       in.tls("ca.crt"),
	}
}

func focus(in Input) focusFile {
	return focusFile{
		XMPP:        in.login(in.Focus, "focus"),
		Domain:      Domain,
		MUCDomain:   mucDomain,
		FocusDomain: focusDomain,
		Brewery:     brewery,
		Rules:       in.Rooms.Media,
	}
}

func bridge(in Input) bridgeFile {
	return bridgeFile{
		ID:        in.BridgeID,
		XMPP:      in.login(in.Bridge, in.BridgeID),
		Brewery:   brewery,
		Media:     media{in.MediaPort, in.MediaPort, in.Media, in.Rooms.LoudestVoices},
		WebSocket: websocket{webSocketDomains(in)},
		TURN:      turn{in.TURN},
	}
}

// webSocketDomains are where clients reach the bridge's WebSocket. Upstream
// clients take the first and ignore the rest, so the first has to work from
// everywhere on the network: a name that a certificate from elsewhere is for,
// for it is for no address.
func webSocketDomains(in Input) []string {
	var out []string
	if in.Site != nil {
		if names := certs.Names(*in.Site); len(names) > 0 {
			out = append(out, HostPort(names[0], in.HTTPSPort))
		}
	}
	for _, a := range in.Addresses {
		if !a.IsLoopback() {
			out = append(out, HostPort(a.String(), in.HTTPSPort))
			break
		}
	}
	return append(out, HostPort("localhost", in.HTTPSPort))
}

func web(in Input) webFile {
	names := slices.Clone(in.Names)
	for _, a := range in.Addresses {
		names = append(names, a.String())
	}
	if in.Site != nil {
		for _, n := range certs.Names(*in.Site) {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	admin := ""
	if in.AdminPort != 0 {
		admin = ":" + strconv.Itoa(in.AdminPort)
	}
	guests := ""
	if in.Rooms.Create != "" {
		guests = guestDomain
	}
	return webFile{
		GuestDomain: guests,
		Captive:     in.Captive,
		Frames:      in.Rooms.Frames,
		Admin:       admin,
		HTTPS:       ":" + strconv.Itoa(in.HTTPSPort),
		HTTP:        ":" + strconv.Itoa(in.HTTPPort),
		Certificate: in.tls("web.crt"),
		Key:         in.tls("web.key"),
		CA:          in.tls("ca.crt"),
		Names:       names,
		HTTPSPort:   in.HTTPSPort,
		Domain:      Domain,
		MUCDomain:   mucDomain,
		FocusDomain: focusDomain,
	}
}
