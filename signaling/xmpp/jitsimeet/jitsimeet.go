// Package jitsimeet holds the elements that Jitsi added to XMPP: between
// clients and the focus, and between the focus and its bridges. Data only.
package jitsimeet

import (
	"encoding/xml"
	"strings"

	"meetbox.local/signaling/xmpp/jid"
)

// Namespaces.
const (
	NSMeet       = "http://jitsi.org/jitmeet"
	NSFocus      = "http://jitsi.org/protocol/focus"
	NSColibri    = "http://jitsi.org/protocol/colibri"
	NSHealth     = "http://jitsi.org/protocol/healthcheck"
	NSStartMuted = "http://jitsi.org/jitmeet/start-muted"
	NSMuteAudio  = "http://jitsi.org/jitmeet/audio"
	NSMuteVideo  = "http://jitsi.org/jitmeet/video"
	NSMuteScreen = "http://jitsi.org/jitmeet/desktop"
	NSVersion    = "jabber:iq:version"
	NSJibri      = "http://jitsi.org/protocol/jibri"
	NSRayo       = "urn:xmpp:rayo:1"
)

// Features that clients list in their capabilities.
const (
	FeatureAudio           = "urn:xmpp:jingle:apps:rtp:audio"
	FeatureVideo           = "urn:xmpp:jingle:apps:rtp:video"
	FeatureSCTP            = "urn:xmpp:jingle:transports:dtls-sctp:1"
	FeatureRTX             = "urn:ietf:rfc:4588"
	FeatureREMB            = "http://jitsi.org/remb"
	FeatureTCC             = "http://jitsi.org/tcc"
	FeatureRED             = "http://jitsi.org/opus-red"
	FeatureJSONSources     = "http://jitsi.org/json-encoded-sources"
	FeatureSourceNames     = "http://jitsi.org/source-name"
	FeatureMultipleStreams = "http://jitsi.org/receive-multiple-video-streams"
	FeatureSSRCRewriting   = "http://jitsi.org/ssrc-rewriting-1"
	FeatureMIDDemux        = "http://jitsi.org/rtp-mid-demux"
	FeatureRestart         = "https://jitsi.org/meet/jicofo/terminate-restart" // of the focus
)

// Conference is the conference request and its answer.
type Conference struct {
	XMLName    xml.Name   `xml:"http://jitsi.org/protocol/focus conference"`
	Room       string     `xml:"room,attr"`
	MachineUID string     `xml:"machine-uid,attr,omitempty"`
	Token      string     `xml:"token,attr,omitempty"`
	SessionID  string     `xml:"session-id,attr,omitempty"`
	Identity   string     `xml:"identity,attr,omitempty"`
	VNode      string     `xml:"vnode,attr,omitempty"`
	Ready      *bool      `xml:"ready,attr"`
	FocusJID   jid.JID    `xml:"focusjid,attr"`
	Properties []Property `xml:"http://jitsi.org/protocol/focus property"`
}

// Property is one setting of a conference request.
type Property struct {
	XMLName xml.Name `xml:"http://jitsi.org/protocol/focus property"`
	Name    string   `xml:"name,attr"`
	Value   string   `xml:"value,attr"`
}

// Property returns the value of a property, and whether it is there.
func (c Conference) Property(name string) (string, bool) {
	for _, p := range c.Properties {
		if p.Name == name {
			return p.Value, true
		}
	}
	return "", false
}

// Logout ends a login with the focus.
type Logout struct {
	XMLName   xml.Name `xml:"http://jitsi.org/protocol/focus logout"`
	SessionID string   `xml:"session-id,attr"`
}

// ConferenceProperties is in the focus's presence. Its pairs are key and
// value, where the request's are name and value.
type ConferenceProperties struct {
	XMLName    xml.Name             `xml:"http://jitsi.org/protocol/focus conference-properties"`
	Properties []ConferenceProperty `xml:"http://jitsi.org/protocol/focus property"`
}

// ConferenceProperty is one of them.
type ConferenceProperty struct {
	XMLName xml.Name `xml:"http://jitsi.org/protocol/focus property"`
	Key     string   `xml:"key,attr"`
	Value   string   `xml:"value,attr"`
}

// BridgeNotAvailable is in the focus's presence while no bridge can be had.
type BridgeNotAvailable struct {
	XMLName xml.Name `xml:"http://jitsi.org/protocol/focus bridgeNotAvailable"`
}

// BridgeSession is a direct child of jingle: which session on which bridge.
type BridgeSession struct {
	XMLName    xml.Name `xml:"http://jitsi.org/protocol/focus bridge-session"`
	ID         string   `xml:"id,attr"`
	Region     string   `xml:"region,attr,omitempty"`
	Restart    bool     `xml:"restart,attr,omitempty"`
	ICERestart bool     `xml:"ice-restart,attr,omitempty"`
}

// ICEState is an old client's word on its transport, in a session-info.
type ICEState struct {
	XMLName xml.Name `xml:"http://jitsi.org/protocol/focus ice-state"`
	State   string   `xml:",chardata"`
}

// StartMuted tells a joining client, or the room, who begins muted.
type StartMuted struct {
	XMLName xml.Name `xml:"http://jitsi.org/jitmeet/start-muted startmuted"`
	Audio   bool     `xml:"audio,attr"`
	Video   bool     `xml:"video,attr"`
}

// JSONMessage carries JSON in a message, or the sources of an offer.
type JSONMessage struct {
	XMLName xml.Name `xml:"http://jitsi.org/jitmeet json-message"`
	Room    string   `xml:"room,attr,omitempty"`
	Text    string   `xml:",chardata"`
}

// SSRCInfo names the owner of a source.
type SSRCInfo struct {
	XMLName xml.Name `xml:"http://jitsi.org/jitmeet ssrc-info"`
	Owner   string   `xml:"owner,attr"`
}

// WebSocket, in a transport, is where the bridge channel may be opened.
type WebSocket struct {
	XMLName xml.Name `xml:"http://jitsi.org/protocol/colibri web-socket"`
	URL     string   `xml:"url,attr"`
	Active  bool     `xml:"active,attr,omitempty"`
}

// Versions says, in the focus's presence, what runs here.
type Versions struct {
	XMLName    xml.Name    `xml:"http://jitsi.org/jitmeet versions"`
	Components []Component `xml:"http://jitsi.org/jitmeet component"`
}

// Component is one program and its version.
type Component struct {
	XMLName xml.Name `xml:"http://jitsi.org/jitmeet component"`
	Name    string   `xml:"name,attr"`
	Version string   `xml:",chardata"`
}

// RoomDoesNotExist tells a client to ask for the conference first.
type RoomDoesNotExist struct {
	XMLName xml.Name `xml:"http://jitsi.org/jitmeet room-does-not-exist"`
}

// Mute orders a participant to mute; the namespace says which medium. Its
// XMLName has no tag because it is one of three.
type Mute struct {
	XMLName xml.Name
	JID     jid.JID `xml:"jid,attr"`
	Actor   jid.JID `xml:"actor,attr"`
	Value   string  `xml:",chardata"`
}

// IsMute tells whether a child element is a Mute.
func IsMute(name xml.Name) bool {
	return name.Local == "mute" && (name.Space == NSMuteAudio || name.Space == NSMuteVideo || name.Space == NSMuteScreen)
}

// On tells whether the order is to mute, as opposed to unmute.
func (m Mute) On() bool { return strings.EqualFold(strings.TrimSpace(m.Value), "true") }

// Stats is a bridge's presence in the brewery.
type Stats struct {
	XMLName xml.Name `xml:"http://jitsi.org/protocol/colibri stats"`
	Stats   []Stat   `xml:"http://jitsi.org/protocol/colibri stat"`
}

// Stat is one name and value of a bridge.
type Stat struct {
	XMLName xml.Name `xml:"http://jitsi.org/protocol/colibri stat"`
	Name    string   `xml:"name,attr"`
	Value   string   `xml:"value,attr"`
}

// Stat returns the value of a statistic, and whether it is there.
func (s Stats) Stat(name string) (string, bool) {
	for _, v := range s.Stats {
		if v.Name == name {
			return v.Value, true
		}
	}
	return "", false
}

// HealthCheck asks a bridge for an empty result.
type HealthCheck struct {
	XMLName xml.Name `xml:"http://jitsi.org/protocol/healthcheck healthcheck"`
}

// Version asks for, or tells, a program's version (XEP-0092).
type Version struct {
	XMLName xml.Name `xml:"jabber:iq:version query"`
	Name    string   `xml:"jabber:iq:version name,omitempty"`
	Version string   `xml:"jabber:iq:version version,omitempty"`
	OS      string   `xml:"jabber:iq:version os,omitempty"`
}

// SourceInfo is the value of the presence child of that name: what a
// participant says of each of its sources.
type SourceInfo map[string]SourceState

// SourceState is one source's entry.
type SourceState struct {
	Muted     bool   `json:"muted"`
	VideoType string `json:"videoType,omitempty"`
}
