// Package c2s is the clients' side of the server: XMPP over WebSocket
// (RFC 7395), over HTTP (BOSH, XEP-0124) and over TCP with STARTTLS (RFC 6120).
//
// A transport turns what arrives into checked elements and what is queued into
// frames. A stream, the same for all transports, is the way from the first
// element to a session: SASL, bind or resumption, stream management. A link is
// one connection. The few of TCP, and sessions of BOSH, have a goroutine that
// reads; WebSockets, of which there are hundreds, wait together in a waiting room
// (see waitingRoom) and are seated at a desk, a goroutine with what reading and
// dealing with messages needs, for as long as they say something. A few writers
// for all links send what there is (see writers).
//
// Nothing that a client sends is kept before it has logged in; before and
// after, an element has a size, a stream a rate, and a login a time. Whoever
// oversteps is told so by the stream error of the RFC and cut off; others do
// not notice.
package c2s
