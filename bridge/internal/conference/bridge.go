package conference

import (
	"context"
	"log/slog"

	"github.com/VictoriaMetrics/metrics"
	"meetbox.local/bridge/internal/transport"
)

// Options are the settings of a Bridge. The zero value is JVB's.
type Options struct {
	MaxVideoSlots int // rewritten video SSRCs per receiver; 0 means 50
	MaxAudioSlots int // likewise; 0 means 50
}

// Bridge holds the conferences of this process.
type Bridge struct{}

// New makes a bridge on a port. Nothing happens before [Bridge.Run].
func New(port *transport.Port, opts Options, log *slog.Logger, set *metrics.Set) *Bridge {
	return &Bridge{}
}

// Run expires conferences and endpoints that nobody uses any more until ctx
// ends; then it expires all and waits for every goroutine of every
// conference. It is called once; conferences may be created before.
func (b *Bridge) Run(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }

// Create makes a conference. name is for logs. ErrConferenceExists.
func (b *Bridge) Create(meetingID, name string) (*Conference, error) { return &Conference{}, nil }

// Conference finds a conference by its meeting id; nil when there is none.
func (b *Bridge) Conference(meetingID string) *Conference { return nil }

// ByHexID finds a conference by the id in colibri-ws URLs; nil when there is
// none.
func (b *Bridge) ByHexID(id string) *Conference { return nil }

// Stats sums up the bridge for its presence and its statistics page.
func (b *Bridge) Stats() Stats { return Stats{} }

// Stats is one look at the whole bridge. Totals grow continuously.
type Stats struct {
	Conferences, Endpoints, Visitors, LargestConference    int
	EndpointsSendingAudio, EndpointsSendingVideo           int
	PacketsReceived, PacketsSent, BytesReceived, BytesSent uint64 // RTP
	ConferencesCreated, ConferencesCompleted               uint64
	EndpointsCreated, DominantSpeakerChanges               uint64
	RTT                                                    float64 // mean over endpoints that have one, ms
	IncomingLoss, OutgoingLoss                             float64 // fractions since the previous Stats' tick
}
