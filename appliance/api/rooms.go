package api

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Rooms are the rules for meetings.
type Rooms struct {
	// Create says who may begin a meeting: "" for everybody, "users" for who
	// logs in with a user of the box, "listed" for those and everybody in the
	// rooms of Listed, "scheduled" for those and everybody at the time of an
	// appointment. With all but the first, who logs in moderates.
	Create   string        `json:"create,omitempty"`
	Listed   []string      `json:"listed,omitempty"`
	Schedule []Appointment `json:"schedule,omitempty"`
	// Lobby has everybody wait until a moderator lets them in, in all rooms.
	Lobby bool `json:"lobby,omitzero"`
	// HideSchedule keeps what is planned off the page where meetings begin.
	HideSchedule bool `json:"hide_schedule,omitzero"`
	// RememberDays is how long it is remembered who was in a meeting and how good
	// the lines were; 0: thirty days.
	RememberDays int `json:"remember_days,omitzero"`
	// MaxParticipants of one meeting; 0: what the box stands.
	MaxParticipants int `json:"max_participants,omitzero"`
	// LoudestVoices is how many are heard at a time, in meetings that begin from
	// now on; 0: all.
	LoudestVoices int `json:"loudest_voices,omitzero"`
	// History is how many messages who joins late is shown.
	History int `json:"history,omitzero"`
	// Archive lets moderators have a room keep what is written in it.
	Archive bool `json:"archive,omitzero"`
	// Persistent lets moderators keep a room, with its settings, when all have left.
	Persistent bool      `json:"persistent,omitzero"`
	Files      RoomFiles `json:"files,omitzero"`
	Media      RoomMedia `json:"media,omitzero"`
	// Clients opens port 5222 of the network to ordinary XMPP clients.
	Clients bool `json:"clients,omitzero"`
	// Frames are the origins (https://HOST, with a port if it is not the usual
	// one) whose pages may show a meeting within them. The box's own may.
	Frames []string `json:"frames,omitempty"`
	// Issuers may sign tokens (JWT) that open meetings.
	Issuers []Issuer `json:"issuers,omitempty"`
}

// Appointment is a time at which everybody may begin a meeting in a room.
type Appointment struct {
	Room  string    `json:"room"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// RoomFiles is how files are shared in meetings; with MaxMB 0 they are not.
type RoomFiles struct {
	MaxMB   int `json:"max_mb,omitzero"`   // of one file
	TotalMB int `json:"total_mb,omitzero"` // of all; 0: ten of the largest
	Hours   int `json:"hours,omitzero"`    // until a file is deleted; 0: a day
}

// RoomMedia is how meetings begin and how much of them is sent, in all rooms; a
// room's moderators may say less for theirs. Zero values say nothing.
type RoomMedia struct {
	Codecs          []string `json:"codecs,omitempty"`           // VideoCodecs, best first; others are not used
	LastN           int      `json:"last_n,omitzero"`            // videos that one is sent who has not said how many
	AudioSenders    int      `json:"audio_senders,omitzero"`     // who may speak at once
	VideoSenders    int      `json:"video_senders,omitzero"`     // who may show a picture at once
	StartAudioMuted int      `json:"start_audio_muted,omitzero"` // from which participant on
	StartVideoMuted int      `json:"start_video_muted,omitzero"`
}

// VideoCodecs are the codecs of meetings' pictures, by their names in RTP.
func VideoCodecs() []string { return []string{"AV1", "VP9", "VP8", "H264"} }

func (m RoomMedia) check(f FieldErrors) {
	for i, c := range m.Codecs {
		if !slices.Contains(VideoCodecs(), c) || slices.Contains(m.Codecs[:i], c) {
			f.Add(fmt.Sprintf("media.codecs.%d", i), "Name each of "+strings.Join(VideoCodecs(), ", ")+" once at most.")
		}
	}
	if len(m.Codecs) > 0 && !slices.Contains(m.Codecs, "VP8") && !slices.Contains(m.Codecs, "H264") {
		f.Add("media.codecs", "Keep VP8 or H264: a browser may know no other.")
	}
	for field, v := range map[string]int{
		"last_n": m.LastN, "audio_senders": m.AudioSenders, "video_senders": m.VideoSenders,
		"start_audio_muted": m.StartAudioMuted, "start_video_muted": m.StartVideoMuted,
	} {
		if v < 0 || v > 1000 {
			f.Add("media."+field, "Give a number from 0 to 1000.")
		}
	}
}

// Issuer is somebody whose tokens are believed.
type Issuer struct {
	ID        string   `json:"id,omitempty"`        // "kid" in the tokens' headers; empty: tokens without
	Algorithm string   `json:"algorithm"`           // RS256, PS256, ES256 or EdDSA; no other is taken
	Public    string   `json:"public"`              // key or certificate, PEM
	Issuers   []string `json:"issuers,omitempty"`   // "iss" that are good; empty: any
	Audiences []string `json:"audiences,omitempty"` // "aud" that are good; empty: any
}

var roomName = regexp.MustCompile(`^[^\s/@<>&'":\\]+$`)

// frameOrigin is an origin as browsers write it, and nothing that could end the
// directive of a policy.
var frameOrigin = regexp.MustCompile(`^https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$`)

// tenantName is what may stand before a room's name and a slash.
var tenantName = regexp.MustCompile(`^[^\s/@<>&'":\\.\[\]?#!$()*+,;=]+$`)

// RoomName tells whether name can be that of a room, ROOM or TENANT/ROOM.
func RoomName(name string) bool {
	tenant, room := SplitRoom(name)
	return (name == room || tenantName.MatchString(tenant)) && roomName.MatchString(room) && utf8.ValidString(name) && name == strings.ToLower(name)
}

func checkRoom(f FieldErrors, field, name string) {
	if !RoomName(name) || len(name) > 200 {
		f.Add(field, "Give the room's name as in its address: lower case, no blanks, none of @ < > & ' \" : \\, and one / at most, behind a tenant's name.")
	}
}

// RoomPath is where a room is found, by its name in rules: ROOM or TENANT/ROOM.
func RoomPath(name string) string {
	tenant, room := SplitRoom(name)
	if tenant != "" {
		return "/" + url.PathEscape(tenant) + "/" + url.PathEscape(room)
	}
	return "/" + url.PathEscape(room)
}

// SplitRoom takes a room's name in rules apart; most have no tenant.
func SplitRoom(name string) (tenant, room string) {
	if tenant, room, ok := strings.Cut(name, "/"); ok {
		return tenant, room
	}
	return "", name
}

// Validate says what is wrong with which field.
func (r Rooms) Validate() error {
	f := FieldErrors{}
	switch r.Create {
	case "", "users", "listed", "scheduled":
	default:
		f.Add("create", "Choose one of users, listed and scheduled, or nothing for everybody.")
	}
	if len(r.Listed) > 500 {
		f.Add("listed", "Give at most 500 rooms.")
	}
	for i, name := range r.Listed {
		checkRoom(f, fmt.Sprintf("listed.%d", i), name)
	}
	if len(r.Schedule) > 1000 {
		f.Add("schedule", "Give at most 1000 appointments.")
	}
	for i, a := range r.Schedule {
		checkRoom(f, fmt.Sprintf("schedule.%d.room", i), a.Room)
		if !a.From.Before(a.Until) {
			f.Add(fmt.Sprintf("schedule.%d.until", i), "Give a time after the beginning.")
		}
	}
	for field, v := range map[string]struct{ value, most int }{
		"max_participants": {r.MaxParticipants, 1000}, "loudest_voices": {r.LoudestVoices, 100}, "history": {r.History, 100}, "remember_days": {r.RememberDays, 366},
		"files.max_mb": {r.Files.MaxMB, 1024}, "files.total_mb": {r.Files.TotalMB, 100_000}, "files.hours": {r.Files.Hours, 24 * 90},
	} {
		if v.value < 0 || v.value > v.most {
			f.Add(field, fmt.Sprintf("Give a number from 0 to %d.", v.most))
		}
	}
	if r.Files.TotalMB > 0 && r.Files.TotalMB < r.Files.MaxMB {
		f.Add("files.total_mb", "Give at least as much as for one file.")
	}
	r.Media.check(f)
	if len(r.Frames) > 50 {
		f.Add("frames", "Give at most 50.")
	}
	for i, origin := range r.Frames {
		if !frameOrigin.MatchString(origin) {
			f.Add(fmt.Sprintf("frames.%d", i), "Give an origin without a path, as in https://intranet.example or http://10.0.0.5:8000.")
		}
	}
	if len(r.Issuers) > 20 {
		f.Add("issuers", "Give at most 20.")
	}
	seen := map[string]bool{}
	for i, k := range r.Issuers {
		field := fmt.Sprintf("issuers.%d", i)
		if seen[k.ID+" "+k.Algorithm] || k.ID == BoxKey {
			f.Add(field+".id", "Another key has this id.")
		}
		seen[k.ID+" "+k.Algorithm] = true
		switch k.Algorithm {
		case "RS256", "PS256", "ES256", "EdDSA":
		default:
			f.Add(field+".algorithm", "Choose one of RS256, PS256, ES256 and EdDSA.")
		}
		if why := checkPublic(k.Public); why != "" {
			f.Add(field+".public", why)
		}
	}
	return f.Err()
}

// BoxKey is the id of the key with which the box itself signs invitations.
const BoxKey = "box"

func checkPublic(text string) string {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return "Give a public key or a certificate as PEM text: -----BEGIN PUBLIC KEY----- and so on."
	}
	var err error
	if block.Type == "CERTIFICATE" {
		_, err = x509.ParseCertificate(block.Bytes)
	} else {
		_, err = x509.ParsePKIXPublicKey(block.Bytes)
	}
	if err != nil {
		return "This key cannot be read. Give a public key or a certificate as PEM text."
	}
	return ""
}

// Invitation asks for a token that opens a room.
type Invitation struct {
	Room      string `json:"room"`
	Name      string `json:"name,omitempty"` // of the guest
	Moderator bool   `json:"moderator,omitzero"`
	Hours     int    `json:"hours,omitzero"` // until it expires; 0: a day
}

// Validate says what is wrong with which field.
func (i Invitation) Validate() error {
	f := FieldErrors{}
	checkRoom(f, "room", i.Room)
	if len(i.Name) > 200 {
		f.Add("name", "Take at most 200 characters.")
	}
	if i.Hours < 0 || i.Hours > 24*366 {
		f.Add("hours", "Give a number from 0 to 8784.")
	}
	return f.Err()
}

// Invited is a token that opens a room.
type Invited struct {
	Token   string    `json:"token"`
	Path    string    `json:"path"` // of the room, with the token
	Expires time.Time `json:"expires"`
}
