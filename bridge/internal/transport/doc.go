// Package transport is the one UDP port of the bridge and the sessions behind
// it: ICE, DTLS, SRTP and the SCTP data channel of every endpoint.
//
// A [Port] owns the sockets. Its readers take datagrams in batches and sort
// them: STUN goes to the ICE agent of the session it names, DTLS to the
// session's handshake, RTP and RTCP are opened in place and handed to the
// session's [Peer] on the reader's own goroutine, together with a [Batch].
// What the peer forwards, it seals straight into that batch with
// [Stream.Send]; the reader sends the whole batch with few system calls when
// it has worked off what it read. So a packet that is forwarded passes no
// queue, no lock shared between receivers, and allocates nothing.
//
// Only an address that has answered one of our own connectivity checks may
// send DTLS, RTP or RTCP. Everything else is dropped and counted by reason
// (bridge_udp_dropped_total).
//
// A [Session] lives from [Port.NewSession] to [Session.Close]; the last thing
// its peer hears is [Closed]. [Port.Serve] waits for every goroutine of every
// session before it returns.
package transport
