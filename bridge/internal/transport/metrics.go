package transport

import "github.com/VictoriaMetrics/metrics"

// reason is why something was dropped; each has a counter.
type reason int

const (
	dropGarbage       reason = iota // neither STUN, DTLS, RTP nor RTCP, or cut short
	dropTruncated                   // larger than a receive buffer
	dropSTUNMalformed               // STUN by its first byte, not by its structure
	dropSTUNUser                    // names no session of ours
	dropSTUNIntegrity               // names a session but does not know its password
	dropSTUNStray                   // response to no request of ours, or not from where it went
	dropSTUNRate                    // asks for its address, and too many do
	dropSTUNFlood                   // a session's queue or its number of remote addresses is full
	dropDTLSStranger                // DTLS from an address that ICE has not validated
	dropDTLSFlood                   // the session's DTLS queue is full
	dropMediaStranger               // RTP or RTCP from such an address
	dropMediaEarly                  // before the keys are there
	dropMediaMalformed
	dropMediaReplayed
	dropMediaAuth
	dropSendEarly    // to be sent, but there are no keys yet
	dropSendPath     // no address to send to
	dropSendSize     // larger than a datagram may be
	dropSendIndex    // SRTP index used up, or a sequence number from before the stream's start
	dropSendBuffer   // the socket did not take it in time
	dropSendError    // the kernel refused it
	dropTURNOff      // for a TURN server, and there is none
	dropTURNStranger // data of a TURN channel that nobody made, or too many new clients
	dropTURNFlood    // the TURN server's queue is full
	dropTCPMany      // a TCP connection more than there may be
	reasons
)

var reasonNames = [reasons]string{
	"garbage", "truncated", "stun_malformed", "stun_unknown_user", "stun_integrity", "stun_stray", "stun_rate", "stun_flood",
	"dtls_stranger", "dtls_flood", "media_stranger", "media_before_keys", "media_malformed", "media_replayed",
	"media_authentication", "send_before_keys", "send_no_path", "send_too_large", "send_index", "send_buffer_full",
	"send_error", "turn_off", "turn_stranger", "turn_flood", "tcp_too_many",
}

// gauges are the port's counters.
type gauges struct {
	dropped                    [reasons]*metrics.Counter
	packetsIn, packetsOut      *metrics.Counter
	bytesIn, bytesOut          *metrics.Counter
	readCalls, writeCalls      *metrics.Counter
	sessions, tcp              *metrics.Counter // up and down
	sessionsTotal              *metrics.Counter
	handshakes                 [handshakeResults]*metrics.Counter
	iceFailed, moved           *metrics.Counter
	restarts, restarted        *metrics.Counter
	channels                   *metrics.Counter
	messagesIn, messagesOut    *metrics.Counter
	messagesLost, extraChannel *metrics.Counter
}

type handshakeResult int

const (
	handshakeOK handshakeResult = iota
	handshakeLate
	handshakeFingerprint
	handshakeError
	handshakeResults
)

func newGauges(set *metrics.Set) *gauges {
	g := &gauges{
		packetsIn:     set.GetOrCreateCounter(`bridge_udp_packets_total{direction="in"}`),
		packetsOut:    set.GetOrCreateCounter(`bridge_udp_packets_total{direction="out"}`),
		bytesIn:       set.GetOrCreateCounter(`bridge_udp_bytes_total{direction="in"}`),
		bytesOut:      set.GetOrCreateCounter(`bridge_udp_bytes_total{direction="out"}`),
		readCalls:     set.GetOrCreateCounter(`bridge_udp_calls_total{direction="in"}`),
		writeCalls:    set.GetOrCreateCounter(`bridge_udp_calls_total{direction="out"}`),
		sessions:      set.GetOrCreateCounter(`bridge_sessions`),
		tcp:           set.GetOrCreateCounter(`bridge_tcp_connections`),
		sessionsTotal: set.GetOrCreateCounter(`bridge_sessions_total`),
		iceFailed:     set.GetOrCreateCounter(`bridge_ice_failed_total`),
		moved:         set.GetOrCreateCounter(`bridge_ice_moved_total`),
		restarts:      set.GetOrCreateCounter(`bridge_ice_restarts_total{step="begun"}`),
		restarted:     set.GetOrCreateCounter(`bridge_ice_restarts_total{step="connected"}`),
		channels:      set.GetOrCreateCounter(`bridge_datachannels_total`),
		messagesIn:    set.GetOrCreateCounter(`bridge_datachannel_messages_total{direction="in"}`),
		messagesOut:   set.GetOrCreateCounter(`bridge_datachannel_messages_total{direction="out"}`),
		messagesLost:  set.GetOrCreateCounter(`bridge_datachannel_dropped_total{reason="queue_full"}`),
		extraChannel:  set.GetOrCreateCounter(`bridge_datachannel_dropped_total{reason="second_channel"}`),
	}
	for i, name := range reasonNames {
		g.dropped[i] = set.GetOrCreateCounter(`bridge_udp_dropped_total{reason="` + name + `"}`)
	}
	for i, name := range [handshakeResults]string{"ok", "timeout", "fingerprint", "error"} {
		g.handshakes[i] = set.GetOrCreateCounter(`bridge_dtls_handshakes_total{result="` + name + `"}`)
	}
	return g
}

// Totals is what has happened since the start.
type Totals struct {
	Connected, HandshakesFailed, ICEFailed uint64
	MessagesReceived, MessagesSent         uint64 // of data channels
	Sent, Unsent                           uint64 // packets; Unsent found a socket's buffer full
}

// Totals counts.
func (p *Port) Totals() Totals {
	g := p.gauges
	return Totals{
		Connected:        g.handshakes[handshakeOK].Get(),
		HandshakesFailed: g.handshakes[handshakeLate].Get() + g.handshakes[handshakeFingerprint].Get() + g.handshakes[handshakeError].Get(),
		ICEFailed:        g.iceFailed.Get(),
		MessagesReceived: g.messagesIn.Get(), MessagesSent: g.messagesOut.Get(),
		Sent: g.packetsOut.Get(), Unsent: g.dropped[dropSendBuffer].Get(),
	}
}

func (g *gauges) drop(r reason) { g.dropped[r].Inc() }
