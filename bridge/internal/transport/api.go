package transport

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"

	"github.com/VictoriaMetrics/metrics"
)

// Config is what [Open] needs.
type Config struct {
	Port      int          // UDP port; 0 lets the kernel pick one (tests)
	TCPPort   int          // for clients without UDP; 0 for none, -1 lets the kernel pick one
	Addresses []netip.Addr // to offer, best first; those not of this machine are offered as seen from outside a port forward
	Readers   int          // sockets, and so readers, per address; 0 means one per core
	Log       *slog.Logger
	Metrics   *metrics.Set
}

// Options are the choices for one session.
type Options struct {
	Controlling bool         // the ICE role; with Jitsi's focus always true for endpoints
	SCTP        bool         // serve the data channel
	Reached     netip.Addr   // of ours that the client's signalling came in at, if known: offered first
	Log         *slog.Logger // with the endpoint's keys already set
}

// Peer receives what a session's remote side sends. The conference's endpoint
// implements it.
//
// HandleRTP and HandleRTCP run on a reader's goroutine and must not block;
// for one session they never overlap. HandleMessage and HandleState run on
// another goroutine, the session's own, one at a time and in order. All of
// them may call any method of any session except [Session.Wait].
type Peer interface {
	// HandleRTP gets one authenticated packet, decrypted in place. packet is
	// valid, and may be changed, until HandleRTP returns. now is the time of
	// arrival on the clock of [Now].
	HandleRTP(out *Batch, packet []byte, now int64)
	// HandleRTCP gets one authenticated compound under the same rules.
	HandleRTCP(out *Batch, packet []byte, now int64)
	// HandleMessage gets one text message of the data channel. text is the
	// peer's to keep.
	HandleMessage(text []byte)
	HandleState(State)
}

// State is a step in a session's life. Each is reported at most once, except
// that a channel may close and, after Closed, nothing follows.
type State int

const (
	Connected     State = iota + 1 // ICE has a pair and DTLS has keys: media flows both ways
	ChannelOpen                    // the client opened the data channel
	ChannelClosed                  // it is gone; the session may live on
	Failed                         // ICE or DTLS gave up; the session is of no more use and wants to be closed
	Closed                         // always the last
)

func (s State) String() string {
	names := [...]string{"new", "connected", "channel open", "channel closed", "failed", "closed"}
	if s < 0 || int(s) >= len(names) {
		return fmt.Sprintf("state %d", int(s))
	}
	return names[s]
}

// Description is what one side tells the other of its transport. Remote
// descriptions may come in parts: empty fields say nothing new.
type Description struct {
	Generation      int // of ICE; 0 is the first
	Ufrag, Password string
	Candidates      []Candidate
	Fingerprints    []Fingerprint
	SCTPPort        int // 0: no data channel
}

// Candidate is one ICE candidate of component 1.
type Candidate struct {
	Foundation string
	Priority   uint32
	Addr       netip.AddrPort // remote candidates without an address (mDNS names) are ignored
	Type       CandidateType
	TCP        bool           // passive (RFC 6544); only we have such
	Related    netip.AddrPort // of server-reflexive candidates; may be zero
}

// CandidateType is RFC 8445's type of a candidate.
type CandidateType int

const (
	Host CandidateType = iota + 1
	ServerReflexive
	PeerReflexive
	Relayed
)

var candidateTypes = []string{"host", "srflx", "prflx", "relay"}

func (t CandidateType) String() string { return enumText(candidateTypes, int(t)) }

// MarshalText gives the word used in SDP and XEP-0176.
func (t CandidateType) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText refuses words it does not know.
func (t *CandidateType) UnmarshalText(b []byte) error {
	i, err := parseEnum("candidate type", candidateTypes, string(b))
	*t = CandidateType(i)
	return err
}

// Fingerprint is the hash of a DTLS certificate, as in XEP-0320.
type Fingerprint struct {
	Hash  string // "sha-256"; case does not matter
	Value string // hex with colons; case does not matter
	Setup Setup  // zero: not said
}

// Setup is the role in the DTLS handshake that a side offers or takes.
type Setup int

const (
	ActPass Setup = iota + 1 // either
	Active                   // client
	Passive                  // server
)

var setups = []string{"actpass", "active", "passive"}

func (s Setup) String() string { return enumText(setups, int(s)) }

// MarshalText gives the word used in SDP and XEP-0320.
func (s Setup) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText refuses words it does not know.
func (s *Setup) UnmarshalText(b []byte) error {
	i, err := parseEnum("setup", setups, string(b))
	*s = Setup(i)
	return err
}

// Errors that callers tell apart.
var (
	ErrClosed      = errors.New("session is closed")
	ErrNoChannel   = errors.New("data channel is not open")
	ErrQueueFull   = errors.New("data channel's queue is full")
	ErrTooLarge    = errors.New("message is too large")
	ErrNoAddress   = errors.New("none of the addresses belongs to this machine")
	ErrPortInUse   = errors.New("UDP port is in use")
	ErrTooMany     = errors.New("too many sessions")
	ErrFingerprint = errors.New("certificate does not match the signalled fingerprints")
)

func enumText(names []string, i int) string {
	if i < 1 || i > len(names) {
		return ""
	}
	return names[i-1]
}

func parseEnum(what string, names []string, s string) (int, error) {
	i := slices.Index(names, strings.ToLower(s))
	if i < 0 {
		return 0, fmt.Errorf("unknown %s %q", what, s)
	}
	return i + 1, nil
}
