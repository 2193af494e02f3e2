package conference

import (
	"errors"
	"net/netip"

	"meetbox.local/bridge/internal/channel"
)

// Errors that callers map to their wire.
var (
	ErrConferenceExists = errors.New("conference exists")
	ErrEndpointExists   = errors.New("endpoint exists")
	ErrExpired          = errors.New("expired")
	ErrVisitorSources   = errors.New("a visitor cannot have sources")
)

// Media tells audio from video.
type Media uint8

// The two media.
const (
	Audio Media = iota + 1
	Video
)

func (m Media) String() string {
	switch m {
	case Audio:
		return "audio"
	case Video:
		return "video"
	}
	return "unknown"
}

// PayloadType is one entry of what the focus offered to a client. Ids are the
// same for all endpoints of a conference and are never translated.
type PayloadType struct {
	ID         uint8
	Media      Media
	Name       string // as signalled; case does not matter
	ClockRate  int
	Channels   int
	Parameters map[string]string // "apt" of rtx, "profile-level-id", …
	Feedback   []Feedback
}

// Feedback is one rtcp-fb entry: {"nack", "pli"}, {"transport-cc", ""}.
type Feedback struct{ Type, Subtype string }

// Extension is one RTP header extension by its local identifier.
type Extension struct {
	ID    uint8
	Media Media
	URI   string
}

// VideoSource is a camera or a shared screen.
type VideoSource struct {
	Name      string            // the id of its media-source: "ab12cd34-v0"
	Type      channel.VideoType // as signalled; zero means camera
	Encodings []Encoding
}

// Encoding is one simulcast encoding, lowest first. Its RTX is 0 without
// retransmission.
type Encoding struct{ SSRC, RTX uint32 }

// AudioSource is a microphone. A synthetic one is only sent to those who ask
// for it by name.
type AudioSource struct {
	Name      string
	SSRC      uint32
	Synthetic bool
}

// EndpointConfig is what must be known of an endpoint at its creation.
type EndpointConfig struct {
	ID            string
	StatsID       string     // for logs only
	Visitor       bool       // is sent media, sends none and is not shown
	SSRCRewriting bool       // learns sources from the bridge's maps
	MIDDemux      bool       // wants the mid extension on rewritten SSRCs; needs SSRCRewriting
	Controlling   bool       // the bridge's ICE role
	SCTP          bool       // offer a data channel
	Reached       netip.Addr // of the box, that the client's signalling came in at; zero if unknown
}
