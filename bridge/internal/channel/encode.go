package channel

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Encode writes a message as one JSON text. It cannot fail for messages that
// were decoded here or made of valid values; anything else is a bug of the
// caller and panics.
func Encode(m Message) []byte {
	var body any = m
	switch m := m.(type) {
	case *EndpointMessage:
		body = passedOn(m.Rest, map[string]string{"from": m.From, "to": m.To})
	case *EndpointStats:
		body = passedOn(m.Rest, map[string]string{"from": m.From})
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"colibriClass":%q`, m.class())
	head := b.Len()
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(body); err != nil {
		panic(fmt.Sprintf("encode %s: %v", m.class(), err))
	}
	text := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if text[head+1] != '}' {
		text[head] = ',' // instead of the body's own brace
		return text
	}
	return append(text[:head], '}')
}

// passedOn is the members of a client's message with the bridge's own set
// over them.
func passedOn(rest map[string]json.RawMessage, own map[string]string) map[string]any {
	out := make(map[string]any, len(rest)+len(own))
	for k, v := range rest {
		out[k] = v
	}
	for k, v := range own {
		out[k] = v
	}
	delete(out, "colibriClass")
	return out
}
