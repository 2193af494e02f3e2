package board

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
)

// Kinds of Engine.IO 4 packets that are used here: the first byte of a text
// frame. A binary frame is an attachment and has no such byte.
const (
	enginePing    = '2'
	enginePong    = '3'
	engineMessage = '4'
)

// Kinds of Socket.IO 5 packets, after the byte of Engine.IO.
const (
	socketConnect    = '0'
	socketDisconnect = '1'
	socketEvent      = '2'
	socketBinary     = '5' // an event with attachments
)

// Limits of a packet's text. Events are short: what is long is attached.
const (
	maxText        = 4 << 10 // bytes
	maxAttachments = 2
)

var (
	errPacket    = errors.New("not a packet of Socket.IO")
	errNamespace = errors.New("there is one namespace only")
)

// packet is one of Socket.IO, without its attachments.
type packet struct {
	kind        byte
	attachments int
	event       string            // of events
	args        []json.RawMessage // after its name
}

// parse reads what follows the byte of Engine.IO in a text frame:
//
//	KIND [ATTACHMENTS-] [/NAMESPACE,] [ID] [JSON]
//
// An id asks for an acknowledgement, which no event here has.
func parse(text []byte) (packet, error) {
	if len(text) == 0 || len(text) > maxText {
		return packet{}, errPacket
	}
	p := packet{kind: text[0]}
	text = text[1:]
	if p.kind == socketBinary {
		count, rest, ok := bytes.Cut(text, []byte{'-'})
		n, err := strconv.ParseUint(string(count), 10, 8)
		if !ok || err != nil || n > maxAttachments {
			return packet{}, errPacket
		}
		p.attachments, text = int(n), rest
	}
	if len(text) > 0 && text[0] == '/' {
		return packet{}, errNamespace
	}
	text = bytes.TrimLeft(text, "0123456789")
	switch p.kind {
	case socketConnect, socketDisconnect: // what may come along is for other servers
		return p, nil
	case socketEvent, socketBinary:
		return p, p.readEvent(text)
	}
	return packet{}, errPacket
}

func (p *packet) readEvent(text []byte) error {
	var list []json.RawMessage
	if json.Unmarshal(text, &list) != nil || len(list) == 0 || json.Unmarshal(list[0], &p.event) != nil || p.event == "" {
		return errPacket
	}
	p.args = list[1:]
	return nil
}

// text is an argument that is one; "" where it is not.
func (p packet) text(i int) string {
	var s string
	if i >= len(p.args) || json.Unmarshal(p.args[i], &s) != nil {
		return ""
	}
	return s
}

// attached tells whether the arguments from the i-th on are the attachments,
// each once and in order.
func (p packet) attached(i int) bool {
	if len(p.args) != i+p.attachments {
		return false
	}
	for n, arg := range p.args[i:] {
		var a struct {
			Placeholder bool `json:"_placeholder"`
			Num         int  `json:"num"`
		}
		if json.Unmarshal(arg, &a) != nil || !a.Placeholder || a.Num != n {
			return false
		}
	}
	return true
}

// event is the text frame of an event without attachments.
func event(name string, args ...any) []byte {
	b, err := json.Marshal(append([]any{name}, args...))
	if err != nil {
		panic(err) // names and ids
	}
	return append([]byte{engineMessage, socketEvent}, b...)
}

// drawn is the text frame before the two attachments of what somebody sent.
const drawn = `452-["client-broadcast",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`
