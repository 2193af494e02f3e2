// Package takeup is what web and signaling agree on beyond WebSockets: how web,
// which still has a client's connection, takes the client's stream up at a
// signaling process that began after the one that had it was gone. The client
// sees a pause, and no reconnection.
//
// A signaling process names itself in its answer to each handshake (Process).
// When it ends without a close frame, web makes the client's handshake again,
// with the name of the process that ended (Process), the stream's XEP-0198
// resumption id (Token), and how many of the server's stanzas the client was
// sent (Sent). The new process answers
//
//   - 101, and as the first message <resumed/> (XEP-0198 §5), whose h tells how
//     many of the client's stanzas were handled; then what was not sent yet;
//   - 409 when it is that very process: it has cut the stream with intent;
//   - 410 when it has no such session, or the client has another connection.
//
// Signaling believes these headers, for nobody but web reaches its socket; web
// removes them from what clients send.
package takeup

import "net/http"

// Headers of handshakes.
const (
	Process = "Meetbox-Process"
	Token   = "Meetbox-Stream"
	Sent    = "Meetbox-Sent"
)

// Strip removes all of them.
func Strip(h http.Header) {
	h.Del(Process)
	h.Del(Token)
	h.Del(Sent)
}
