// Package jingle holds Jingle (XEP-0166) as Jitsi speaks it: RTP content
// (XEP-0167) with feedback, header extensions, source attributes, ICE-UDP and
// DTLS-SRTP, SCTP, grouping, and Jitsi's own children. Data only.
//
// Every element is written with its own literal xmlns, because the client
// compares that attribute as text. Reading is more liberal: children whose
// namespace went missing, or that sit one level too high, are taken for what
// their name says.
package jingle

import (
	"encoding/xml"

	"meetbox.local/signaling/xmpp/jitsimeet"
)

// Namespaces.
const (
	NS          = "urn:xmpp:jingle:1"
	NSErrors    = "urn:xmpp:jingle:errors:1"
	NSRTP       = "urn:xmpp:jingle:apps:rtp:1"
	NSFeedback  = "urn:xmpp:jingle:apps:rtp:rtcp-fb:0"
	NSExtension = "urn:xmpp:jingle:apps:rtp:rtp-hdrext:0"
	NSSources   = "urn:xmpp:jingle:apps:rtp:ssma:0"
	NSGrouping  = "urn:xmpp:jingle:apps:grouping:0"
	NSICE       = "urn:xmpp:jingle:transports:ice-udp:1"
	NSDTLS      = "urn:xmpp:jingle:apps:dtls:0"
	NSSCTP      = "urn:xmpp:jingle:transports:dtls-sctp:1"
)

// Action is what a jingle element orders.
type Action string

// Actions that Jitsi uses.
const (
	SessionInitiate  Action = "session-initiate"
	SessionAccept    Action = "session-accept"
	SessionInfo      Action = "session-info"
	SessionTerminate Action = "session-terminate"
	TransportInfo    Action = "transport-info"
	TransportReplace Action = "transport-replace"
	TransportAccept  Action = "transport-accept"
	TransportReject  Action = "transport-reject"
	SourceAdd        Action = "source-add"
	SourceRemove     Action = "source-remove"
	ContentModify    Action = "content-modify"
	AddSource        Action = "addsource"    // an old name of SourceAdd
	RemoveSource     Action = "removesource" // an old name of SourceRemove
)

// Jingle is the payload of every Jingle iq.
type Jingle struct {
	XMLName       xml.Name                 `xml:"urn:xmpp:jingle:1 jingle"`
	Action        Action                   `xml:"action,attr"`
	SID           string                   `xml:"sid,attr"`
	Initiator     string                   `xml:"initiator,attr,omitempty"`
	Responder     string                   `xml:"responder,attr,omitempty"`
	Contents      []Content                `xml:"urn:xmpp:jingle:1 content"`
	Groups        []Group                  `xml:"urn:xmpp:jingle:apps:grouping:0 group"`
	Reason        *Reason                  `xml:"urn:xmpp:jingle:1 reason"`
	StartMuted    *jitsimeet.StartMuted    `xml:"http://jitsi.org/jitmeet/start-muted startmuted"`
	BridgeSession *jitsimeet.BridgeSession `xml:"http://jitsi.org/protocol/focus bridge-session"`
	ICEState      *jitsimeet.ICEState      `xml:"http://jitsi.org/protocol/focus ice-state"`
	JSON          *jitsimeet.JSONMessage   `xml:"http://jitsi.org/jitmeet json-message"`
}

// UnmarshalXML implements xml.Unmarshaler: it reads liberally.
func (j *Jingle) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	type plain Jingle
	return xml.NewTokenDecoder(&liberal{d: d, first: &start}).Decode((*plain)(j))
}

// Group bundles contents into one transport.
type Group struct {
	XMLName   xml.Name       `xml:"urn:xmpp:jingle:apps:grouping:0 group"`
	Semantics string         `xml:"semantics,attr"`
	Contents  []GroupContent `xml:"urn:xmpp:jingle:apps:grouping:0 content"`
}

// GroupContent names one of them.
type GroupContent struct {
	XMLName xml.Name `xml:"urn:xmpp:jingle:apps:grouping:0 content"`
	Name    string   `xml:"name,attr"`
}

// Content is one medium, or the data channel.
type Content struct {
	XMLName      xml.Name      `xml:"urn:xmpp:jingle:1 content"`
	Creator      string        `xml:"creator,attr,omitempty"`
	Senders      string        `xml:"senders,attr,omitempty"`
	Name         string        `xml:"name,attr"`
	InitialLastN *InitialLastN `xml:"jitsi:colibri2 initial-last-n"`
	Description  *Description  `xml:"urn:xmpp:jingle:apps:rtp:1 description"`
	Transport    *Transport    `xml:"urn:xmpp:jingle:transports:ice-udp:1 transport"`
	Sources      []Source      `xml:"urn:xmpp:jingle:apps:rtp:ssma:0 source"`     // misplaced by some clients
	SourceGroups []SourceGroup `xml:"urn:xmpp:jingle:apps:rtp:ssma:0 ssrc-group"` // likewise
}

// Media is the kind of content: the description's, or else its name.
func (c Content) Media() string {
	if c.Description != nil && c.Description.Media != "" {
		return c.Description.Media
	}
	return c.Name
}

// AllSources are the sources of the description and of the content itself.
func (c Content) AllSources() ([]Source, []SourceGroup) {
	if c.Description == nil {
		return c.Sources, c.SourceGroups
	}
	return append(c.Description.Sources[:len(c.Description.Sources):len(c.Description.Sources)], c.Sources...),
		append(c.Description.Groups[:len(c.Description.Groups):len(c.Description.Groups)], c.SourceGroups...)
}

// InitialLastN is how many videos a client wants before it has a bridge
// channel to say so. Its namespace is that of Colibri2.
type InitialLastN struct {
	XMLName xml.Name `xml:"jitsi:colibri2 initial-last-n"`
	Value   int      `xml:"value,attr"`
}

// Description is what is sent over RTP.
type Description struct {
	XMLName      xml.Name      `xml:"urn:xmpp:jingle:apps:rtp:1 description"`
	Media        string        `xml:"media,attr"`
	MaxPTime     string        `xml:"maxptime,attr,omitempty"`
	PayloadTypes []PayloadType `xml:"urn:xmpp:jingle:apps:rtp:1 payload-type"`
	Extensions   []Extension   `xml:"urn:xmpp:jingle:apps:rtp:rtp-hdrext:0 rtp-hdrext"`
	AllowMixed   *AllowMixed   `xml:"urn:xmpp:jingle:apps:rtp:rtp-hdrext:0 extmap-allow-mixed"`
	Sources      []Source      `xml:"urn:xmpp:jingle:apps:rtp:ssma:0 source"`
	Groups       []SourceGroup `xml:"urn:xmpp:jingle:apps:rtp:ssma:0 ssrc-group"`
	RTCPMux      *RTCPMux      `xml:"urn:xmpp:jingle:apps:rtp:1 rtcp-mux"`
}

// PayloadType is one codec.
type PayloadType struct {
	XMLName    xml.Name    `xml:"urn:xmpp:jingle:apps:rtp:1 payload-type"`
	ID         uint8       `xml:"id,attr"`
	Name       string      `xml:"name,attr,omitempty"`
	ClockRate  uint32      `xml:"clockrate,attr,omitempty"`
	Channels   uint8       `xml:"channels,attr,omitempty"`
	Parameters []Parameter `xml:"urn:xmpp:jingle:apps:rtp:1 parameter"`
	Feedback   []Feedback  `xml:"urn:xmpp:jingle:apps:rtp:rtcp-fb:0 rtcp-fb"`
}

// Parameter is one of a codec's format parameters; RED's has no name.
type Parameter struct {
	XMLName xml.Name `xml:"urn:xmpp:jingle:apps:rtp:1 parameter"`
	Name    string   `xml:"name,attr,omitempty"`
	Value   string   `xml:"value,attr"`
}

// Feedback is one kind of RTCP feedback (XEP-0293).
type Feedback struct {
	XMLName xml.Name `xml:"urn:xmpp:jingle:apps:rtp:rtcp-fb:0 rtcp-fb"`
	Type    string   `xml:"type,attr"`
	Subtype string   `xml:"subtype,attr,omitempty"`
}

// Extension is one RTP header extension (XEP-0294).
type Extension struct {
	XMLName xml.Name `xml:"urn:xmpp:jingle:apps:rtp:rtp-hdrext:0 rtp-hdrext"`
	ID      uint8    `xml:"id,attr"`
	URI     string   `xml:"uri,attr"`
}

// AllowMixed permits one- and two-byte extensions in one stream.
type AllowMixed struct {
	XMLName xml.Name `xml:"urn:xmpp:jingle:apps:rtp:rtp-hdrext:0 extmap-allow-mixed"`
}

// RTCPMux puts RTP and RTCP on one port; it must be in each description.
type RTCPMux struct {
	XMLName xml.Name `xml:"urn:xmpp:jingle:apps:rtp:1 rtcp-mux"`
}

// Source is one SSRC (XEP-0339).
type Source struct {
	XMLName    xml.Name            `xml:"urn:xmpp:jingle:apps:rtp:ssma:0 source"`
	SSRC       uint32              `xml:"ssrc,attr,omitempty"`
	RID        string              `xml:"rid,attr,omitempty"`
	Name       string              `xml:"name,attr,omitempty"`
	VideoType  string              `xml:"videoType,attr,omitempty"`
	Info       *jitsimeet.SSRCInfo `xml:"http://jitsi.org/jitmeet ssrc-info"`
	Parameters []SourceParameter   `xml:"urn:xmpp:jingle:apps:rtp:ssma:0 parameter"`
}

// Parameter returns the value of a source's parameter, or "".
func (s Source) Parameter(name string) string {
	for _, p := range s.Parameters {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// SourceParameter is one attribute of a source, above all its msid.
type SourceParameter struct {
	XMLName xml.Name `xml:"urn:xmpp:jingle:apps:rtp:ssma:0 parameter"`
	Name    string   `xml:"name,attr"`
	Value   string   `xml:"value,attr,omitempty"`
}

// SourceGroup ties SSRCs together: layers (SIM), retransmission (FID).
type SourceGroup struct {
	XMLName   xml.Name      `xml:"urn:xmpp:jingle:apps:rtp:ssma:0 ssrc-group"`
	Semantics string        `xml:"semantics,attr"`
	Sources   []GroupSource `xml:"urn:xmpp:jingle:apps:rtp:ssma:0 source"`
}

// Semantics of source groups.
const (
	SemanticsSIM = "SIM"
	SemanticsFID = "FID"
)

// GroupSource is one member of a group.
type GroupSource struct {
	XMLName xml.Name `xml:"urn:xmpp:jingle:apps:rtp:ssma:0 source"`
	SSRC    uint32   `xml:"ssrc,attr"`
}

// Transport is ICE-UDP (XEP-0176) with what rides on it.
type Transport struct {
	XMLName       xml.Name              `xml:"urn:xmpp:jingle:transports:ice-udp:1 transport"`
	Ufrag         string                `xml:"ufrag,attr,omitempty"`
	Pwd           string                `xml:"pwd,attr,omitempty"`
	ICEGeneration string                `xml:"ice-generation,attr,omitempty"`
	RTCPMux       *TransportMux         `xml:"urn:xmpp:jingle:transports:ice-udp:1 rtcp-mux"`
	Fingerprints  []Fingerprint         `xml:"urn:xmpp:jingle:apps:dtls:0 fingerprint"`
	Candidates    []Candidate           `xml:"urn:xmpp:jingle:transports:ice-udp:1 candidate"`
	SCTPMap       *SCTPMap              `xml:"urn:xmpp:jingle:transports:dtls-sctp:1 sctpmap"`
	WebSockets    []jitsimeet.WebSocket `xml:"http://jitsi.org/protocol/colibri web-socket"`
}

// TransportMux is what Colibri2 writes for one port for RTP and RTCP.
type TransportMux struct {
	XMLName xml.Name `xml:"urn:xmpp:jingle:transports:ice-udp:1 rtcp-mux"`
}

// Fingerprint is a DTLS certificate's digest and the sender's role.
type Fingerprint struct {
	XMLName xml.Name `xml:"urn:xmpp:jingle:apps:dtls:0 fingerprint"`
	Hash    string   `xml:"hash,attr"`
	Setup   string   `xml:"setup,attr,omitempty"`
	Cryptex bool     `xml:"cryptex,attr,omitempty"`
	Value   string   `xml:",chardata"`
}

// Candidate is one address to try. Numbers stay text where nobody computes
// with them: clients have sent odd ones.
type Candidate struct {
	XMLName    xml.Name `xml:"urn:xmpp:jingle:transports:ice-udp:1 candidate"`
	Foundation string   `xml:"foundation,attr"`
	Component  string   `xml:"component,attr"`
	Protocol   string   `xml:"protocol,attr"`
	Priority   uint32   `xml:"priority,attr"`
	IP         string   `xml:"ip,attr"`
	Port       uint16   `xml:"port,attr"`
	Type       string   `xml:"type,attr"`
	RelAddr    string   `xml:"rel-addr,attr,omitempty"`
	RelPort    string   `xml:"rel-port,attr,omitempty"`
	TCPType    string   `xml:"tcptype,attr,omitempty"`
	Generation string   `xml:"generation,attr,omitempty"`
	ID         string   `xml:"id,attr,omitempty"`
	Network    string   `xml:"network,attr,omitempty"`
}

// SCTPMap offers the data channel.
type SCTPMap struct {
	XMLName  xml.Name `xml:"urn:xmpp:jingle:transports:dtls-sctp:1 sctpmap"`
	Number   uint16   `xml:"number,attr"`
	Protocol string   `xml:"protocol,attr"`
	Streams  uint16   `xml:"streams,attr"`
}
