package channel

// Sender is an open bridge channel towards one endpoint: a WebSocket of this
// package, or a data channel.
type Sender interface {
	// SendMessage queues a copy of one text. It never blocks; it returns an
	// error when the channel is closed, which it is when its reader has
	// fallen behind.
	SendMessage(text []byte) error
}

// Socket is the Sender that Server attaches to an endpoint.
type Socket interface {
	Sender
	// Expire closes the socket with 1001 "endpoint closed". It never blocks.
	Expire()
}

// Endpoint is what Server needs of a conference's endpoint.
type Endpoint interface {
	// Password is the pwd= of this endpoint's colibri-ws URL.
	Password() string
	// HandleMessage takes one text; calls for one socket come one at a time.
	HandleMessage(text []byte)
	// AttachChannel makes the socket the way to this endpoint, in place of
	// an earlier one, and sends what a client has to know first.
	AttachChannel(Socket)
	// DetachChannel forgets the socket, if it is still the attached one.
	DetachChannel(Socket)
}
