package channel

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

const (
	// MaxText is the longest message taken from a client. Application
	// messages are the longest in practice (a whiteboard's strokes are
	// fetched elsewhere); JVB's WebSocket takes 64 KiB.
	MaxText = 64 << 10

	// maxDepth ends nested arrays before they cost stack.
	maxDepth = 64
)

// Why a message is refused; Reason gives each a short name.
var (
	ErrTooLong      = errors.New("message too long")
	ErrSyntax       = errors.New("not a JSON object")
	ErrDuplicateKey = errors.New("duplicate key")
	ErrUnknownClass = errors.New("unknown colibriClass")
	ErrType         = errors.New("wrong type")
)

// Reason is the error of Decode as one word for a metric's label.
func Reason(err error) string {
	switch {
	case errors.Is(err, ErrTooLong):
		return "too_long"
	case errors.Is(err, ErrSyntax):
		return "syntax"
	case errors.Is(err, ErrDuplicateKey):
		return "duplicate_key"
	case errors.Is(err, ErrUnknownClass):
		return "unknown_class"
	case errors.Is(err, ErrType):
		return "type"
	}
	return "other"
}

// Decode reads one text message. Unknown members are ignored, or kept where
// the message is passed on. Names are case-sensitive.
func Decode(text []byte) (Message, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLong, len(text))
	}
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("%w: invalid UTF-8", ErrSyntax)
	}
	if err := checkKeys(text); err != nil {
		return nil, err
	}
	var o object
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	var class string
	if err := o.get("colibriClass", &class); err != nil {
		return nil, err
	}
	m, err := decodeClass(class, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", class, err)
	}
	return m, nil
}

func decodeClass(class string, o object) (Message, error) {
	switch class {
	case "ClientHello":
		return new(ClientHello), nil
	case "ServerHello":
		m := new(ServerHello)
		return m, o.get("version", &m.Version)
	case "ReceiverVideoConstraints":
		return decodeConstraints(o)
	case "LastNChangedEvent":
		m := new(LastNChangedEvent)
		return m, o.get("lastN", (*integer)(&m.LastN))
	case "ReceiverAudioSubscription":
		return decodeSubscription(o)
	case "SourceVideoTypeMessage":
		m := new(SourceVideoTypeMessage)
		return m, errors.Join(o.need("sourceName", &m.SourceName), o.need("videoType", &m.VideoType), o.get("endpointId", &m.EndpointID))
	case "VideoTypeMessage":
		m := new(VideoTypeMessage)
		return m, o.need("videoType", &m.VideoType)
	case "EndpointMessage":
		m := &EndpointMessage{Rest: o}
		err := errors.Join(o.get("from", &m.From), o.get("to", &m.To))
		o.drop("colibriClass", "from", "to")
		return m, err
	case "EndpointStats":
		m := &EndpointStats{Rest: o}
		err := o.get("from", &m.From)
		o.drop("colibriClass", "from")
		return m, err
	case "SenderSourceConstraints":
		m := new(SenderSourceConstraints)
		return m, errors.Join(o.need("sourceName", &m.SourceName), o.need("maxHeight", (*integer)(&m.MaxHeight)))
	case "ForwardedSources":
		m := new(ForwardedSources)
		return m, o.get("forwardedSources", &m.ForwardedSources)
	case "DominantSpeakerEndpointChangeEvent":
		m := new(DominantSpeaker)
		return m, errors.Join(o.need("dominantSpeakerEndpoint", &m.Endpoint), o.get("previousSpeakers", &m.Previous), o.get("silence", &m.Silence))
	case "EndpointConnectivityStatusChangeEvent":
		m := new(ConnectivityStatus)
		return m, errors.Join(o.need("endpoint", &m.Endpoint), o.need("active", &m.Active))
	case "ConnectionStats":
		m := new(ConnectionStats)
		return m, o.get("estimatedDownlinkBandwidth", &m.EstimatedDownlinkBandwidth)
	case "VideoSourcesMap":
		m := new(VideoSourcesMap)
		return m, o.get("mappedSources", &m.MappedSources)
	case "AudioSourcesMap":
		m := new(AudioSourcesMap)
		return m, o.get("mappedSources", &m.MappedSources)
	case "SyntheticSourceSendingChangeEvent":
		m := new(SyntheticSourceSending)
		return m, errors.Join(o.need("sourceName", &m.SourceName), o.get("sending", &m.Sending), o.get("timestamp", &m.Timestamp))
	case "AddReceiver":
		m := new(AddReceiver)
		return m, errors.Join(o.need("bridgeId", &m.BridgeID), o.need("sourceName", &m.SourceName), o.get("videoConstraints", &m.Constraints))
	case "VideoThinnedEvent":
		m := new(VideoThinned)
		return m, errors.Join(o.need("step", (*integer)(&m.Step)), o.get("reason", &m.Reason))
	case "RemoveReceiver":
		m := new(RemoveReceiver)
		return m, errors.Join(o.need("bridgeId", &m.BridgeID), o.need("endpointId", &m.EndpointID))
	}
	return nil, ErrUnknownClass
}

func decodeConstraints(o object) (Message, error) {
	m := new(ReceiverVideoConstraints)
	var lastN, bandwidth *integer
	err := errors.Join(
		o.get("lastN", &lastN),
		o.get("selectedSources", &m.SelectedSources),
		o.get("onStageSources", &m.OnStageSources),
		o.get("defaultConstraints", &m.DefaultConstraints),
		o.get("constraints", &m.Constraints),
		o.get("assumedBandwidthBps", &bandwidth),
	)
	m.LastN, m.AssumedBandwidth = (*int)(lastN), (*int)(bandwidth)
	return m, err
}

func decodeSubscription(o object) (Message, error) {
	m := new(ReceiverAudioSubscription)
	if _, old := o["mode"]; !old {
		return m, errors.Join(o.get("all", &m.All), o.get("include", &m.Include), o.get("exclude", &m.Exclude))
	}
	var mode string
	var list []string
	if err := errors.Join(o.get("mode", &mode), o.get("list", &list)); err != nil {
		return nil, err
	}
	switch {
	case strings.EqualFold(mode, "All"):
		m.All = true
	case strings.EqualFold(mode, "None"):
	case strings.EqualFold(mode, "Include"):
		m.Include = list
	case strings.EqualFold(mode, "Exclude"):
		m.All, m.Exclude = true, list
	default:
		return nil, fmt.Errorf("%w: mode %q", ErrType, mode)
	}
	return m, nil
}

// UnmarshalJSON takes any numbers; an absent maxHeight means no limit.
func (c *Constraints) UnmarshalJSON(b []byte) error {
	var o object
	if err := json.Unmarshal(b, &o); err != nil {
		return err
	}
	*c = Constraints{MaxHeight: -1, MaxFrameRate: -1}
	return errors.Join(o.get("maxHeight", (*integer)(&c.MaxHeight)), o.get("maxFrameRate", &c.MaxFrameRate))
}

// integer is an int written as any JSON number: JavaScript computes heights.
type integer int

func (i *integer) UnmarshalJSON(b []byte) error {
	var f float64
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	*i = integer(math.Trunc(min(max(f, math.MinInt32), math.MaxInt32)))
	return nil
}

// object is a JSON object with the case of its keys kept.
type object map[string]json.RawMessage

// get decodes one member; absent and null leave the value alone.
func (o object) get(key string, v any) error {
	raw, ok := o[key]
	if !ok || string(raw) == "null" {
		return nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("%w of %q: %w", ErrType, key, err)
	}
	return nil
}

// need is get for a member that must be there.
func (o object) need(key string, v any) error {
	if raw, ok := o[key]; !ok || string(raw) == "null" {
		return fmt.Errorf("%w: no %q", ErrType, key)
	}
	return o.get(key, v)
}

func (o object) drop(keys ...string) {
	for _, k := range keys {
		delete(o, k)
	}
}

// checkKeys refuses what is not one object, and a key said twice in any
// object: two readers would see two different messages.
func checkKeys(text []byte) error {
	type level struct {
		keys  map[string]bool // nil in an array
		value bool            // the next token is the value of a key
	}
	var open []level
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	for first := true; first || len(open) > 0; first = false {
		t, err := d.Token()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrSyntax, err)
		}
		delim, _ := t.(json.Delim)
		if first && delim != '{' {
			return ErrSyntax
		}
		if n := len(open); n > 0 && delim != '}' && delim != ']' {
			if top := &open[n-1]; top.keys == nil || top.value {
				top.value = false
			} else if key := t.(string); top.keys[key] { // the decoder lets nothing else through here
				return fmt.Errorf("%w %q", ErrDuplicateKey, key)
			} else {
				top.keys[key], top.value = true, true
			}
		}
		switch delim {
		case '{':
			open = append(open, level{keys: map[string]bool{}})
		case '[':
			open = append(open, level{})
		case '}', ']':
			open = open[:len(open)-1]
		}
		if len(open) > maxDepth {
			return fmt.Errorf("%w: nested too deep", ErrSyntax)
		}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: more than one value", ErrSyntax)
	}
	return nil
}
