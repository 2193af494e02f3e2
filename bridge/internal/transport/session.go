package transport

// Session is the transport of one endpoint. All methods may be called from
// any goroutine.
type Session struct{}

// Local describes our side, for the signalling. It never changes in a
// session's life.
func (s *Session) Local() Description { return Description{} }

// SetRemote tells what the signalling said of the remote side; it may be
// called again with more. The first user fragment and password, and the first
// setup role, stay; fingerprints replace the earlier ones until the handshake
// is done; candidates are added. It does not block.
func (s *Session) SetRemote(Description) error { return errNotYet }

// Stream is the outgoing SRTP state (rollover counter) of one SSRC, the same
// for the same ssrc. Look it up once and keep it: this takes a lock.
func (s *Session) Stream(ssrc uint32) *Stream { return nil }

// SendRTCP seals a compound packet into the batch. It does nothing before
// Connected.
func (s *Session) SendRTCP(out *Batch, compound []byte) {}

// SendMessage queues one text message for the data channel. It never blocks.
func (s *Session) SendMessage(text []byte) error { return errNotYet }

// LastActivity is when the remote side last proved to be there (authentic
// RTP, RTCP or connectivity check), on the clock of [Now]; 0 is never.
func (s *Session) LastActivity() int64 { return 0 }

// Close ends the session and returns at once. Closed is the last the peer
// hears, from the session's goroutine; calls of HandleRTP that are under way
// may still end after Close returns.
func (s *Session) Close() {}

// Wait blocks until the peer has been told Closed and nothing of the session
// runs any more. It must not be called from the Peer's methods.
func (s *Session) Wait() {}

// Stream is the outgoing SRTP state of one SSRC towards one session. It may
// be used by several goroutines.
type Stream struct{}

// Send seals header and payload as one SRTP packet into the batch, without
// another copy. header is the RTP header with CSRCs and extensions, its SSRC
// the stream's; payload includes any padding. Neither is changed or kept. It
// does nothing before Connected.
//
// A sequence number may be sent again (retransmission) as long as it is at
// most 32,767 behind the newest. It must then be the very same packet, header
// extensions included: GCM under one nonce must never see two plaintexts. A
// packet that has to differ goes out as RTX on its own SSRC.
func (st *Stream) Send(out *Batch, header, payload []byte) {}
