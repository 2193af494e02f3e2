package channel

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Message is one of the message types of this package, always a pointer.
type Message interface{ class() string }

// ClientHello asks for a ServerHello on the same channel.
type ClientHello struct{}

// ServerHello greets on an opened WebSocket and answers ClientHello.
type ServerHello struct {
	Version string `json:"version,omitempty"`
}

// Constraints is what a receiver wants of one video source.
type Constraints struct {
	MaxHeight    int     `json:"maxHeight"`    // of the smaller dimension; -1 unlimited, 0 do not send
	MaxFrameRate float64 `json:"maxFrameRate"` // -1 unlimited, 0 do not send
}

// ReceiverVideoConstraints is what a receiver wants to see. A nil field was
// absent and leaves what was said before; a list or map replaces it whole.
type ReceiverVideoConstraints struct {
	LastN              *int                   `json:"lastN,omitempty"` // -1 unlimited
	SelectedSources    []string               `json:"selectedSources,omitzero"`
	OnStageSources     []string               `json:"onStageSources,omitzero"` // also selected, with a higher priority
	DefaultConstraints *Constraints           `json:"defaultConstraints,omitempty"`
	Constraints        map[string]Constraints `json:"constraints,omitzero"` // by source name
	AssumedBandwidth   *int                   `json:"assumedBandwidthBps,omitempty"`
}

// LastNChangedEvent is ReceiverVideoConstraints with only lastN.
type LastNChangedEvent struct {
	LastN int `json:"lastN"`
}

// ReceiverAudioSubscription is what a receiver wants to hear; Exclude wins
// over Include, which wins over All. The old mode/list form is decoded into
// this one.
type ReceiverAudioSubscription struct {
	All     bool     `json:"all"`
	Include []string `json:"include,omitempty"`
	Exclude []string `json:"exclude,omitempty"`
}

// SourceVideoTypeMessage says what a video source shows from now on.
type SourceVideoTypeMessage struct {
	SourceName string    `json:"sourceName"`
	VideoType  VideoType `json:"videoType"`
	EndpointID string    `json:"endpointId,omitempty"` // between bridges only
}

// VideoTypeMessage is the old form of SourceVideoTypeMessage, for the source
// "<endpoint>-v0".
type VideoTypeMessage struct {
	VideoType VideoType `json:"videoType"`
}

// EndpointMessage goes from one client to another, or to all others when To
// is empty. Rest is every other member (msgPayload among them), passed on as
// it came.
type EndpointMessage struct {
	From, To string
	Rest     map[string]json.RawMessage
}

// EndpointStats goes from one client to all others.
type EndpointStats struct {
	From string
	Rest map[string]json.RawMessage
}

// SenderSourceConstraints tells the owner of a source the most that anybody
// wants of it: -1 unlimited, 0 nothing.
type SenderSourceConstraints struct {
	SourceName string `json:"sourceName"`
	MaxHeight  int    `json:"maxHeight"`
}

// ForwardedSources is the set of video sources that the receiver is sent.
type ForwardedSources struct {
	ForwardedSources List[string] `json:"forwardedSources"`
}

// DominantSpeaker is DominantSpeakerEndpointChangeEvent.
type DominantSpeaker struct {
	Endpoint string       `json:"dominantSpeakerEndpoint"`
	Previous List[string] `json:"previousSpeakers"` // latest first, without Endpoint
	Silence  bool         `json:"silence"`
}

// ConnectivityStatus is EndpointConnectivityStatusChangeEvent.
type ConnectivityStatus struct {
	Endpoint string   `json:"endpoint"`
	Active   TextBool `json:"active"`
}

// VideoThinned tells everybody that the bridge has too much to do, and sends
// less video than is asked for; sound is not concerned. It is Meetbox's own:
// Jitsi's clients pass over what they do not know.
type VideoThinned struct {
	Step   int    `json:"step"`             // 0: all is sent again
	Reason string `json:"reason,omitempty"` // "cpu", "packet rate", "send queues"
}

// ConnectionStats tells a receiver what the bridge thinks of its line.
type ConnectionStats struct {
	EstimatedDownlinkBandwidth int64 `json:"estimatedDownlinkBandwidth"` // bit/s
}

// VideoSourcesMap announces rewritten video SSRCs: new and changed ones, or
// all after the channel opened.
type VideoSourcesMap struct {
	MappedSources List[MappedVideo] `json:"mappedSources"`
}

// MappedVideo is one slot of a receiver: from now on SSRC carries Source.
type MappedVideo struct {
	Source    string    `json:"source"`
	Owner     string    `json:"owner"`
	SSRC      uint32    `json:"ssrc"`
	RTX       uint32    `json:"rtx"`
	VideoType VideoType `json:"videoType"`
	Mid       string    `json:"mid,omitempty"`
}

// AudioSourcesMap announces rewritten audio SSRCs.
type AudioSourcesMap struct {
	MappedSources List[MappedAudio] `json:"mappedSources"`
}

// MappedAudio is one slot of a receiver: from now on SSRC carries Source.
type MappedAudio struct {
	Source string `json:"source"`
	Owner  string `json:"owner"`
	SSRC   uint32 `json:"ssrc"`
	Mid    string `json:"mid,omitempty"`
}

// SyntheticSourceSending is SyntheticSourceSendingChangeEvent.
type SyntheticSourceSending struct {
	SourceName string `json:"sourceName"`
	Sending    bool   `json:"sending"`
	Timestamp  uint32 `json:"timestamp"`
}

// AddReceiver asks another bridge for a source.
type AddReceiver struct {
	BridgeID    string      `json:"bridgeId"`
	SourceName  string      `json:"sourceName"`
	Constraints Constraints `json:"videoConstraints"`
}

// RemoveReceiver is known to bridges, and used by none.
type RemoveReceiver struct {
	BridgeID   string `json:"bridgeId"`
	EndpointID string `json:"endpointId"`
}

func (*ClientHello) class() string               { return "ClientHello" }
func (*ServerHello) class() string               { return "ServerHello" }
func (*ReceiverVideoConstraints) class() string  { return "ReceiverVideoConstraints" }
func (*LastNChangedEvent) class() string         { return "LastNChangedEvent" }
func (*ReceiverAudioSubscription) class() string { return "ReceiverAudioSubscription" }
func (*SourceVideoTypeMessage) class() string    { return "SourceVideoTypeMessage" }
func (*VideoTypeMessage) class() string          { return "VideoTypeMessage" }
func (*EndpointMessage) class() string           { return "EndpointMessage" }
func (*EndpointStats) class() string             { return "EndpointStats" }
func (*SenderSourceConstraints) class() string   { return "SenderSourceConstraints" }
func (*ForwardedSources) class() string          { return "ForwardedSources" }
func (*DominantSpeaker) class() string           { return "DominantSpeakerEndpointChangeEvent" }
func (*ConnectivityStatus) class() string        { return "EndpointConnectivityStatusChangeEvent" }
func (*ConnectionStats) class() string           { return "ConnectionStats" }
func (*VideoSourcesMap) class() string           { return "VideoSourcesMap" }
func (*AudioSourcesMap) class() string           { return "AudioSourcesMap" }
func (*SyntheticSourceSending) class() string    { return "SyntheticSourceSendingChangeEvent" }
func (*AddReceiver) class() string               { return "AddReceiver" }
func (*RemoveReceiver) class() string            { return "RemoveReceiver" }
func (*VideoThinned) class() string              { return "VideoThinnedEvent" }

// VideoType is what a video source shows. The zero value is none of them.
type VideoType uint8

// The video types; Disabled and None take a source out of the allocation.
const (
	Camera VideoType = iota + 1
	Desktop
	DesktopHighFPS
	Disabled
	None
)

var videoTypes = [...]string{"", "CAMERA", "DESKTOP", "DESKTOP_HIGH_FPS", "DISABLED", "NONE"}

func (t VideoType) String() string {
	if int(t) < len(videoTypes) && t != 0 {
		return videoTypes[t]
	}
	return fmt.Sprintf("VideoType(%d)", uint8(t))
}

// Enabled says whether a source of this type can be shown.
func (t VideoType) Enabled() bool { return t >= Camera && t <= DesktopHighFPS }

// ParseVideoType reads a video type in any letter case.
func ParseVideoType(s string) (VideoType, error) {
	i := slices.IndexFunc(videoTypes[1:], func(n string) bool { return strings.EqualFold(n, s) })
	if i < 0 {
		return 0, fmt.Errorf("unknown video type %q", s)
	}
	return VideoType(i + 1), nil
}

// MarshalText writes the upper-case name, as JVB does; clients fold it. A
// source nobody said anything of is a camera.
func (t VideoType) MarshalText() ([]byte, error) {
	return []byte(max(t, Camera).String()), nil
}

// UnmarshalText reads a video type in any letter case.
func (t *VideoType) UnmarshalText(b []byte) (err error) {
	*t, err = ParseVideoType(string(b))
	return err
}

// List is a slice that is an array in JSON even when nil: lib-jitsi-meet
// refuses null.
type List[T any] []T

// MarshalJSON writes an array.
func (l List[T]) MarshalJSON() ([]byte, error) {
	if l == nil {
		return []byte("[]"), nil
	}
	return json.Marshal([]T(l))
}

// TextBool is a boolean that is the text "true" or "false" in JSON.
type TextBool bool

// MarshalText writes "true" or "false".
func (b TextBool) MarshalText() ([]byte, error) { return fmt.Append(nil, bool(b)), nil }

// UnmarshalText reads what MarshalText writes.
func (b *TextBool) UnmarshalText(t []byte) error {
	switch string(t) {
	case "true":
		*b = true
	case "false":
		*b = false
	default:
		return fmt.Errorf("%q is neither true nor false", t)
	}
	return nil
}
