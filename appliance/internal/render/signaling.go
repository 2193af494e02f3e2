package render

import (
	"net"
	"strconv"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/schedule"
	"meetbox.local/appliance/internal/state"
)

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

func (in Input) xmppAddress() string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(in.XMPPPort))
}
