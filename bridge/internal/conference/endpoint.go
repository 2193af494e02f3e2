package conference

import (
	"meetbox.local/bridge/internal/channel"
	"meetbox.local/bridge/internal/transport"
)

// Endpoint is one client. It implements transport.Peer and channel.Endpoint.
// All methods may be called from any goroutine; those of an endpoint that is
// expired do nothing.
type Endpoint struct{}

// ID is the endpoint's id, the nick of its occupant in the room.
func (e *Endpoint) ID() string { return "" }

// Transport is the endpoint's ICE, DTLS and SRTP.
func (e *Endpoint) Transport() *transport.Session { return nil }

// Password is the pwd= of this endpoint's colibri-ws URL.
func (e *Endpoint) Password() string { return "" }

// SetMedia adds payload types and extensions, or changes those with the same
// id; none is ever removed.
func (e *Endpoint) SetMedia(payloadTypes []PayloadType, extensions []Extension) {}

// SetSources replaces all sources of the endpoint. ErrVisitorSources.
func (e *Endpoint) SetSources(video []VideoSource, audio []AudioSource) error { return nil }

// SetForceMute drops what the endpoint sends, whatever the client thinks.
func (e *Endpoint) SetForceMute(audio, video bool) {}

// SetInitialLastN limits the video sources sent to this endpoint until it
// says itself what it wants; -1 is no limit.
func (e *Endpoint) SetInitialLastN(n int) {}

// AttachChannel makes a WebSocket the way to this endpoint, in place of an
// earlier one and of the data channel, and sends what a client has to know
// first.
func (e *Endpoint) AttachChannel(s channel.Socket) {}

// DetachChannel forgets the socket, if it is still the attached one.
func (e *Endpoint) DetachChannel(s channel.Socket) {}

// HandleMessage takes one text from either channel. It never blocks: it only
// queues, and drops the oldest when the client floods.
func (e *Endpoint) HandleMessage(text []byte) {}
