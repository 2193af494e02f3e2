package channel

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, in string
		want     Message
	}{
		{"hello", `{"colibriClass":"ClientHello"}`, &ClientHello{}},
		{"all constraints",
			`{"colibriClass":"ReceiverVideoConstraints","lastN":8,"selectedSources":["c-v0"],"onStageSources":[],
			"defaultConstraints":{"maxHeight":180},"constraints":{"a-v0":{"maxHeight":720.9,"maxFrameRate":30}},"assumedBandwidthBps":-1,"x":{}}`,
			&ReceiverVideoConstraints{LastN: new(8), SelectedSources: []string{"c-v0"}, OnStageSources: []string{},
				DefaultConstraints: &Constraints{180, -1}, Constraints: map[string]Constraints{"a-v0": {720, 30}}, AssumedBandwidth: new(-1)}},
		{"no constraints", `{"colibriClass":"ReceiverVideoConstraints","lastN":null}`, &ReceiverVideoConstraints{}},
		{"height out of range", `{"colibriClass":"SenderSourceConstraints","sourceName":"a","maxHeight":1e300}`, &SenderSourceConstraints{"a", 1<<31 - 1}},
		{"old subscription", `{"colibriClass":"ReceiverAudioSubscription","mode":"exclude","list":["d-a0"]}`, &ReceiverAudioSubscription{All: true, Exclude: []string{"d-a0"}}},
		{"subscription without all", `{"colibriClass":"ReceiverAudioSubscription","include":["b-a0"]}`, &ReceiverAudioSubscription{Include: []string{"b-a0"}}},
		{"video type", `{"colibriClass":"SourceVideoTypeMessage","sourceName":"a-v0","videoType":"Desktop_High_FPS"}`, &SourceVideoTypeMessage{"a-v0", DesktopHighFPS, ""}},
		{"message", `{"colibriClass":"EndpointMessage","to":"b","from":"liar","msgPayload":{"n":1},"msgpayload":2}`,
			&EndpointMessage{From: "liar", To: "b", Rest: map[string]json.RawMessage{"msgPayload": []byte(`{"n":1}`), "msgpayload": []byte(`2`)}}},
		{"status", `{"colibriClass":"EndpointConnectivityStatusChangeEvent","endpoint":"d","active":"false"}`, &ConnectivityStatus{"d", false}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := Decode([]byte(tc.in))
			if err != nil {
				t.Fatalf("Decode(%s): %v", tc.in, err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("Decode(%s) (-want +got):\n%s", tc.in, diff)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, in string
		want     error
	}{
		{"empty", "", ErrSyntax},
		{"array", `[{"colibriClass":"ClientHello"}]`, ErrSyntax},
		{"scalar", `7`, ErrSyntax},
		{"two values", `{"colibriClass":"ClientHello"}{}`, ErrSyntax},
		{"cut", `{"colibriClass":"ClientHello"`, ErrSyntax},
		{"number key", `{1:2}`, ErrSyntax},
		{"not UTF-8", "{\"colibriClass\":\"ClientHello\",\"a\":\"\xff\"}", ErrSyntax},
		{"deep", `{"colibriClass":"ClientHello","a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`, ErrSyntax},
		{"no class", `{"to":""}`, ErrUnknownClass},
		{"class in other case", `{"colibriclass":"ClientHello"}`, ErrUnknownClass},
		{"unknown class", `{"colibriClass":"Bogus"}`, ErrUnknownClass},
		{"class is a number", `{"colibriClass":1}`, ErrType},
		{"class twice", `{"colibriClass":"ClientHello","colibriClass":"EndpointMessage"}`, ErrDuplicateKey},
		{"escaped twin", `{"colibriClass":"EndpointMessage","to":"a","t\u006f":"b"}`, ErrDuplicateKey},
		{"twice inside", `{"colibriClass":"EndpointMessage","msgPayload":{"a":[{"b":1,"b":2}]}}`, ErrDuplicateKey},
		{"lastN is text", `{"colibriClass":"LastNChangedEvent","lastN":"5"}`, ErrType},
		{"active is boolean", `{"colibriClass":"EndpointConnectivityStatusChangeEvent","endpoint":"d","active":true}`, ErrType},
		{"video type unknown", `{"colibriClass":"VideoTypeMessage","videoType":"hologram"}`, ErrType},
		{"source missing", `{"colibriClass":"SourceVideoTypeMessage","videoType":"camera"}`, ErrType},
		{"mode unknown", `{"colibriClass":"ReceiverAudioSubscription","mode":"some"}`, ErrType},
		{"long", `{"colibriClass":"EndpointMessage","a":"` + strings.Repeat("x", MaxText) + `"}`, ErrTooLong},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m, err := Decode([]byte(tc.in))
			if !errors.Is(err, tc.want) {
				t.Errorf("Decode(%.80s) = %v, %v; want error %v", tc.in, m, err, tc.want)
			}
			if r := Reason(err); r == "other" {
				t.Errorf("Reason(%v) = %q", err, r)
			}
		})
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		in   Message
		want string
	}{
		{"hello", &ServerHello{}, `{"colibriClass":"ServerHello"}`},
		{"hello with version", &ServerHello{"1<2"}, `{"colibriClass":"ServerHello","version":"1<2"}`},
		{"sender constraints", &SenderSourceConstraints{"a-v0", 0}, `{"colibriClass":"SenderSourceConstraints","sourceName":"a-v0","maxHeight":0}`},
		{"nothing forwarded", &ForwardedSources{}, `{"colibriClass":"ForwardedSources","forwardedSources":[]}`},
		{"speaker", &DominantSpeaker{Endpoint: "c"}, `{"colibriClass":"DominantSpeakerEndpointChangeEvent","dominantSpeakerEndpoint":"c","previousSpeakers":[],"silence":false}`},
		{"active", &ConnectivityStatus{"d", true}, `{"colibriClass":"EndpointConnectivityStatusChangeEvent","endpoint":"d","active":"true"}`},
		{"no video", &VideoSourcesMap{}, `{"colibriClass":"VideoSourcesMap","mappedSources":[]}`},
		{"video", &VideoSourcesMap{List[MappedVideo]{{"c-v0", "c", 777, 778, Camera, ""}}},
			`{"colibriClass":"VideoSourcesMap","mappedSources":[{"source":"c-v0","owner":"c","ssrc":777,"rtx":778,"videoType":"CAMERA"}]}`},
		{"audio", &AudioSourcesMap{List[MappedAudio]{{"c-a0", "c", 4294967295, "a0"}}},
			`{"colibriClass":"AudioSourcesMap","mappedSources":[{"source":"c-a0","owner":"c","ssrc":4294967295,"mid":"a0"}]}`},
		{"message", &EndpointMessage{From: "c", Rest: map[string]json.RawMessage{"msgPayload": []byte(`{"big":12345678901234567890}`), "from": []byte(`"x"`), "colibriClass": []byte(`"y"`)}},
			`{"colibriClass":"EndpointMessage","from":"c","msgPayload":{"big":12345678901234567890},"to":""}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := string(Encode(tc.in)); got != tc.want {
				t.Errorf("Encode(%+v)\n got %s\nwant %s", tc.in, got, tc.want)
			}
		})
	}
}

// What Decode takes, Encode writes as one well-formed text that means the
// same and is stable.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"colibriClass":"ReceiverVideoConstraints","lastN":8,"selectedSources":["c-v0"],"constraints":{"a":{"maxHeight":1,"maxFrameRate":0}}}`,
		`{"colibriClass":"EndpointMessage","to":"","msgPayload":{"type":"reaction","n":[1,{}]},"é":null}`,
		`{"colibriClass":"EndpointStats","bitrate":{"upload":900}}`,
		`{"colibriClass":"VideoSourcesMap","mappedSources":[{"source":"c","owner":"c","ssrc":1,"rtx":2,"videoType":"camera"}]}`,
		`{"colibriClass":"ReceiverAudioSubscription","mode":"All"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := Decode(text)
		if err != nil {
			if Reason(err) == "other" {
				t.Fatalf("Decode(%q): %v has no reason", text, err)
			}
			return
		}
		once := Encode(m)
		if len(once) > MaxText {
			return // escapes may lengthen what was just short enough
		}
		again, err := Decode(once)
		if err != nil {
			t.Fatalf("Decode(%q) encodes to %q: %v", text, once, err)
		}
		if twice := Encode(again); !bytes.Equal(once, twice) {
			t.Fatalf("Decode(%q) encodes to %q, then to %q", text, once, twice)
		}
	})
}
