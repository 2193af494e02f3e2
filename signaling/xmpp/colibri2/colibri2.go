// Package colibri2 holds the conversation between a focus and its bridges:
// one pair of elements, conference-modify and conference-modified, in which
// a conference, its endpoints and their media are made, changed and ended.
// Data only.
package colibri2

import (
	"encoding/xml"

	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jingle"
)

// NS is the namespace of everything that is not Jingle's.
const NS = "jitsi:colibri2"

// Capabilities of an endpoint.
const (
	SourceNames                = "source-names"
	SSRCRewriting              = "ssrc-rewriting"
	MIDDemux                   = "rtp-mid-demux"
	PrivateAddressConnectivity = "private-address-connectivity"
)

// Modify is the request.
type Modify struct {
	XMLName   xml.Name   `xml:"jitsi:colibri2 conference-modify"`
	MeetingID string     `xml:"meeting-id,attr"`
	Name      jid.JID    `xml:"name,attr"`
	Create    bool       `xml:"create,attr,omitempty"`
	Expire    bool       `xml:"expire,attr,omitempty"`
	RTCStats  *bool      `xml:"rtcstats-enabled,attr"`
	Endpoints []Endpoint `xml:"jitsi:colibri2 endpoint"`
	Relays    []Relay    `xml:"jitsi:colibri2 relay"`
	Connects  *Connects  `xml:"jitsi:colibri2 connects"`
}

// Modified is the answer.
type Modified struct {
	XMLName   xml.Name   `xml:"jitsi:colibri2 conference-modified"`
	Endpoints []Endpoint `xml:"jitsi:colibri2 endpoint"`
	Relays    []Relay    `xml:"jitsi:colibri2 relay"`
	Sources   *Sources   `xml:"jitsi:colibri2 sources"` // the bridge's own, for feedback
}

// Endpoint is one participant.
type Endpoint struct {
	XMLName      xml.Name             `xml:"jitsi:colibri2 endpoint"`
	ID           string               `xml:"id,attr"`
	Create       bool                 `xml:"create,attr,omitempty"`
	Expire       bool                 `xml:"expire,attr,omitempty"`
	StatsID      string               `xml:"stats-id,attr,omitempty"`
	MUCRole      string               `xml:"muc-role,attr,omitempty"`
	Diarize      bool                 `xml:"diarize,attr,omitempty"`
	Capabilities []Capability         `xml:"jitsi:colibri2 capability"`
	Media        []Media              `xml:"jitsi:colibri2 media"`
	Transport    *Transport           `xml:"jitsi:colibri2 transport"`
	Sources      *Sources             `xml:"jitsi:colibri2 sources"` // nil: unchanged; else all there are
	ForceMute    *ForceMute           `xml:"jitsi:colibri2 force-mute"`
	InitialLastN *jingle.InitialLastN `xml:"jitsi:colibri2 initial-last-n"`
}

// Has tells whether the endpoint has a capability.
func (e Endpoint) Has(capability string) bool {
	for _, c := range e.Capabilities {
		if c.Name == capability {
			return true
		}
	}
	return false
}

// Capability is something an endpoint's client can do.
type Capability struct {
	XMLName xml.Name `xml:"jitsi:colibri2 capability"`
	Name    string   `xml:"name,attr"`
}

// Media is what is offered to the endpoint's client for one medium.
type Media struct {
	XMLName      xml.Name             `xml:"jitsi:colibri2 media"`
	Type         string               `xml:"type,attr"`
	PayloadTypes []jingle.PayloadType `xml:"urn:xmpp:jingle:apps:rtp:1 payload-type"`
	Extensions   []jingle.Extension   `xml:"urn:xmpp:jingle:apps:rtp:rtp-hdrext:0 rtp-hdrext"`
	AllowMixed   *jingle.AllowMixed   `xml:"urn:xmpp:jingle:apps:rtp:rtp-hdrext:0 extmap-allow-mixed"`
}

// Transport is asked for with ice-controlling and perhaps SCTP, answered with
// the bridge's side, and updated with the client's. Reached is not Jitsi's: the
// box's address that the client's signalling came in at, which the bridge
// offers first; bridges that do not know it keep their order.
type Transport struct {
	XMLName        xml.Name          `xml:"jitsi:colibri2 transport"`
	ICEControlling bool              `xml:"ice-controlling,attr,omitempty"`
	UseUniquePort  bool              `xml:"use-unique-port,attr,omitempty"`
	ICERestart     bool              `xml:"ice-restart,attr,omitempty"`
	ICE            *jingle.Transport `xml:"urn:xmpp:jingle:transports:ice-udp:1 transport"`
	SCTP           *SCTP             `xml:"jitsi:colibri2 sctp"`
	Reached        string            `xml:"https://meetbox.local/focus reached,omitempty"`
}

// SCTP is the data channel's association.
type SCTP struct {
	XMLName xml.Name `xml:"jitsi:colibri2 sctp"`
	Port    uint16   `xml:"port,attr,omitempty"`
	Role    string   `xml:"role,attr,omitempty"`
}

// Sources is a complete list; an empty one clears.
type Sources struct {
	XMLName xml.Name      `xml:"jitsi:colibri2 sources"`
	Sources []MediaSource `xml:"jitsi:colibri2 media-source"`
}

// MediaSource is one named source with all its SSRCs.
type MediaSource struct {
	XMLName   xml.Name             `xml:"jitsi:colibri2 media-source"`
	Type      string               `xml:"type,attr"`
	ID        string               `xml:"id,attr"`
	Synthetic bool                 `xml:"synthetic,attr,omitempty"`
	Sources   []jingle.Source      `xml:"urn:xmpp:jingle:apps:rtp:ssma:0 source"`
	Groups    []jingle.SourceGroup `xml:"urn:xmpp:jingle:apps:rtp:ssma:0 ssrc-group"`
}

// ForceMute sets both flags each time; a missing one is false.
type ForceMute struct {
	XMLName xml.Name `xml:"jitsi:colibri2 force-mute"`
	Audio   bool     `xml:"audio,attr,omitempty"`
	Video   bool     `xml:"video,attr,omitempty"`
}

// Relay is another bridge of the same meeting.
type Relay struct {
	XMLName   xml.Name   `xml:"jitsi:colibri2 relay"`
	ID        string     `xml:"id,attr"`
	Create    bool       `xml:"create,attr,omitempty"`
	Expire    bool       `xml:"expire,attr,omitempty"`
	MeshID    string     `xml:"mesh-id,attr,omitempty"`
	Media     []Media    `xml:"jitsi:colibri2 media"`
	Transport *Transport `xml:"jitsi:colibri2 transport"`
	Endpoints *Endpoints `xml:"jitsi:colibri2 endpoints"`
}

// Endpoints are the participants behind a relay.
type Endpoints struct {
	XMLName   xml.Name   `xml:"jitsi:colibri2 endpoints"`
	Endpoints []Endpoint `xml:"jitsi:colibri2 endpoint"`
}

// Connects are outgoing connections to recorders and transcribers.
type Connects struct {
	XMLName  xml.Name  `xml:"jitsi:colibri2 connects"`
	Connects []Connect `xml:"jitsi:colibri2 connect"`
}

// Connect is one of them.
type Connect struct {
	XMLName  xml.Name `xml:"jitsi:colibri2 connect"`
	ID       string   `xml:"id,attr,omitempty"`
	URL      string   `xml:"url,attr,omitempty"`
	Protocol string   `xml:"protocol,attr,omitempty"`
	Type     string   `xml:"type,attr,omitempty"`
	Audio    bool     `xml:"audio,attr,omitempty"`
	Video    bool     `xml:"video,attr,omitempty"`
	Create   bool     `xml:"create,attr,omitempty"`
	Expire   bool     `xml:"expire,attr,omitempty"`
}

// Reasons of Error.
const (
	ConferenceNotFound      = "conference_not_found"
	ConferenceAlreadyExists = "conference_already_exists"
	UnknownEndpoint         = "unknown_endpoint"
	GracefulShutdown        = "graceful_shutdown"
	NotImplemented          = "feature_not_implemented"
)

// Error is the application-specific condition of a refused request; beside
// it, UnknownEndpoint's error names the Endpoint.
type Error struct {
	XMLName xml.Name `xml:"jitsi:colibri2 error"`
	Reason  string   `xml:"reason,attr"`
}
