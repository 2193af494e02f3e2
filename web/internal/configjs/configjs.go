// Package configjs writes /config.js, the first thing a Jitsi client reads:
// plain JavaScript that assigns one global, config, which survives
// JSON.stringify.
//
// It is made for each request, because the addresses in it must be those
// under which the client found the box; no name of the box is canonical.
// Switches of features that the box does not have are off, so that upstream
// apps hide their buttons.
package configjs

import (
	"encoding/json"
	"fmt"
	"strings"

	"meetbox.local/appliance/api"
)

// Domains are the XMPP addresses that clients use.
type Domains struct {
	Domain string // of <open/>, disco and pings
	MUC    string // of rooms
	Focus  string // of conference requests
	Guests string // where guests log in; empty: where all do
}

// Options are what is the same for all names of the box.
type Options struct {
	Domains   Domains
	Frames    []string // origins that may show meetings within their pages
	FileBytes int64    // of one file; 0: none are shared
	Directory bool     // its people sign in at [api.HostPath]
}

// filesPath is where signaling takes files from Jitsi Meet.
const filesPath = "/upload"

type config struct {
	Hosts                 hosts         `json:"hosts"`
	WebSocket             string        `json:"websocket"`
	BOSH                  string        `json:"bosh"` // where WebSockets fail: iPhones that do not trust the box
	WebSocketKeepAlive    int           `json:"websocketKeepAlive"`
	EnableWebSocketResume bool          `json:"enableWebsocketResume"`
	XMPPPing              ping          `json:"xmppPing"`
	P2P                   enabled       `json:"p2p"`
	BridgeChannel         bridgeChannel `json:"bridgeChannel"`
	Flags                 flags         `json:"flags"`
	VideoQuality          videoQuality  `json:"videoQuality"`
	ChannelLastN          int           `json:"channelLastN"`
	StartAudioMuted       int           `json:"startAudioMuted"`
	StartVideoMuted       int           `json:"startVideoMuted"`
	EnableRemb            bool          `json:"enableRemb"`
	EnableTcc             bool          `json:"enableTcc"`
	EnableOpusRed         bool          `json:"enableOpusRed"`
	EnableIceRestart      bool          `json:"enableIceRestart"`
	UseTurnUDP            bool          `json:"useTurnUdp"`
	E2EPing               enabled       `json:"e2eping"`

	PrejoinConfig     enabled       `json:"prejoinConfig"`
	BreakoutRooms     breakoutRooms `json:"breakoutRooms"`
	HideAddRoomButton bool          `json:"hideAddRoomButton"`
	DisablePolls      bool          `json:"disablePolls"`
	RecordingService  enabled       `json:"recordingService"`
	LiveStreaming     enabled       `json:"liveStreaming"`
	Transcription     enabled       `json:"transcription"`
	Whiteboard        whiteboard    `json:"whiteboard"`
	FileSharing       fileSharing   `json:"fileSharing"`
	Giphy             enabled       `json:"giphy"`
	SecurityUI        securityUI    `json:"securityUi"`

	// Nothing a client does may leave the box's network.
	DisableThirdPartyRequests bool            `json:"disableThirdPartyRequests"`
	DisableDeepLinking        bool            `json:"disableDeepLinking"`
	Analytics                 disabled        `json:"analytics"`
	Gravatar                  disabled        `json:"gravatar"`
	Embedding                 embedding       `json:"embedding"`
	HostURL                   string          `json:"hostUrl,omitempty"` // our own pages': gives people of the directory a token
	DeploymentInfo            json.RawMessage `json:"deploymentInfo"`
}

type (
	hosts struct {
		Domain string `json:"domain"`
		MUC    string `json:"muc"`
		Focus  string `json:"focus"`
		Guests string `json:"anonymousdomain,omitempty"`
	}
	ping struct {
		Interval  int `json:"interval"`
		Timeout   int `json:"timeout"`
		Threshold int `json:"threshold"`
	}
	enabled struct {
		Enabled bool `json:"enabled"`
	}
	disabled struct {
		Disabled bool `json:"disabled"`
	}
	embedding struct {
		Origins []string `json:"origins"` // whose pages may steer a meeting in a frame
	}
	bridgeChannel struct {
		PreferSCTP bool `json:"preferSctp"`
	}
	flags struct {
		SourceNameSignaling         bool `json:"sourceNameSignaling"`
		SendMultipleVideoStreams    bool `json:"sendMultipleVideoStreams"`
		ReceiveMultipleVideoStreams bool `json:"receiveMultipleVideoStreams"`
		SSRCRewritingEnabled        bool `json:"ssrcRewritingEnabled"`
	}
	videoQuality struct {
		CodecPreferenceOrder       []string `json:"codecPreferenceOrder"`
		MobileCodecPreferenceOrder []string `json:"mobileCodecPreferenceOrder"`
	}
	breakoutRooms struct {
		HideAddRoomButton bool `json:"hideAddRoomButton"`
	}
	fileSharing struct {
		Enabled     bool   `json:"enabled"`
		APIURL      string `json:"apiUrl,omitempty"`
		MaxFileSize int64  `json:"maxFileSize,omitempty"` // bytes
	}
	whiteboard struct {
		Enabled bool   `json:"enabled"`
		Server  string `json:"collabServerBaseUrl"` // of Socket.IO, below /socket.io/
	}
	securityUI struct {
		HideLobbyButton bool `json:"hideLobbyButton"`
	}
)

// Place is where a client reached the box.
type Place struct {
	Host   string // as [policy.Hosts.Own] spells it, port included
	Tenant string // as [policy.Tenant] spells it; empty: none
}

// muc is the domain of rooms: those of a tenant have one of their own, which
// signaling knows.
func (p Place) muc(domain string) string {
	if p.Tenant == "" {
		return domain
	}
	first, rest, _ := strings.Cut(domain, ".")
	return first + "." + p.Tenant + "." + rest
}

// Script returns the file for a client that reached the box there.
func Script(p Place, o Options) ([]byte, error) {
	host, path := p.Host, "/"
	if p.Tenant != "" {
		path += p.Tenant + "/"
	}
	domains := o.Domains
	domains.MUC = p.muc(domains.MUC)
	codecs := []string{"VP8", "VP9", "H264", "AV1"}
	c := config{
		Hosts:                 hosts(domains),
		WebSocket:             "wss://" + host + path + "xmpp-websocket",
		BOSH:                  "https://" + host + path + "http-bind",
		WebSocketKeepAlive:    60_000,
		EnableWebSocketResume: true,
		XMPPPing:              ping{Interval: 10_000, Timeout: 5_000, Threshold: 2},
		// A client takes a missing p2p as "on", and two people talking past
		// the bridge hide that it is broken until the third one joins.
		P2P:           enabled{false},
		BridgeChannel: bridgeChannel{PreferSCTP: true},
		Flags: flags{
			SourceNameSignaling:         true,
			SendMultipleVideoStreams:    true,
			ReceiveMultipleVideoStreams: true,
			SSRCRewritingEnabled:        true,
		},
		VideoQuality:    videoQuality{codecs, codecs},
		ChannelLastN:    -1,
		StartAudioMuted: 10,
		StartVideoMuted: 10,
		EnableRemb:      true,
		EnableTcc:       true,
		// A phone that leaves the Wi-Fi keeps its session.
		EnableIceRestart: true,

		PrejoinConfig: enabled{true},
		Whiteboard:    whiteboard{true, "https://" + host},

		DisableThirdPartyRequests: true,
		DisableDeepLinking:        true,
		Analytics:                 disabled{true},
		Gravatar:                  disabled{true},
		Embedding:                 embedding{append([]string{}, o.Frames...)},
		DeploymentInfo:            json.RawMessage("{}"),
	}
	if o.Directory {
		c.HostURL = "https://" + host + path + strings.TrimPrefix(api.HostPath, "/")
	}
	if o.FileBytes > 0 {
		c.FileSharing = fileSharing{Enabled: true, APIURL: "https://" + host + filesPath, MaxFileSize: o.FileBytes}
	}
	// Marshal escapes <, >, & and the two line separators, so the text means
	// the same as a script, inside a script element and as JSON.
	b, err := json.MarshalIndent(c, "", "\t")
	if err != nil {
		return nil, fmt.Errorf("config.js: %w", err)
	}
	return append(append([]byte("var config = "), b...), ";\n"...), nil
}
