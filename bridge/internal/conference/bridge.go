package conference

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"meetbox.local/bridge/internal/transport"
)

const (
	sweepEvery = 60 * time.Second
	// emptyFor is how long a conference may be without endpoints: the focus
	// makes it a moment before the first one.
	emptyFor = 20 * time.Second
)

// Options are the settings of a Bridge. The zero value is JVB's.
type Options struct {
	MaxVideoSlots int // rewritten video SSRCs per receiver; 0 means 50
	MaxAudioSlots int // likewise; 0 means 50
	// IgnoreBandwidth takes every line for one that takes all. Otherwise
	// receivers get what theirs take.
	IgnoreBandwidth bool
	// LoudestVoices is how many are heard at a time; 0 means all. See
	// [Bridge.SetLoudestVoices].
	LoudestVoices int
}

// link is an endpoint's transport. It is *transport.Session.
type link interface {
	SendRTCP(out *transport.Batch, compound []byte)
	SendMessage(text []byte) error
	Waiting() int64
	LastActivity() int64
	Close()
}

// port makes transports.
type port struct {
	session func(transport.Options, *Endpoint) (link, func(ssrc uint32) stream, error)
	batch   func() *transport.Batch
	flush   func(*transport.Batch)
	now     func() int64
}

// Bridge holds the conferences of this process.
type Bridge struct {
	opts     Options
	port     port
	log      *slog.Logger
	drops    drops
	totals   totals
	batches  chan *transport.Batch    // free ones, for timers
	running  sync.WaitGroup           // the conferences' goroutines
	thinning atomic.Pointer[thinning] // never nil
	loudest  atomic.Int32

	mu          sync.Mutex
	closed      bool
	conferences map[string]*Conference // by meeting id
	hex         map[string]*Conference
}

// New makes a bridge on a port. Nothing expires before [Bridge.Run].
func New(p *transport.Port, opts Options, log *slog.Logger, set *metrics.Set) *Bridge {
	return newBridge(port{
		session: func(o transport.Options, e *Endpoint) (link, func(uint32) stream, error) {
			s, err := p.NewSession(o, e)
			if err != nil {
				return nil, nil, err
			}
			e.session = s
			return s, func(ssrc uint32) stream { return s.Stream(ssrc) }, nil
		},
		batch: p.NewBatch,
		flush: (*transport.Batch).Flush,
		now:   transport.Now,
	}, opts, log, set)
}

func newBridge(p port, opts Options, log *slog.Logger, set *metrics.Set) *Bridge {
	if opts.MaxVideoSlots == 0 {
		opts.MaxVideoSlots = 50
	}
	if opts.MaxAudioSlots == 0 {
		opts.MaxAudioSlots = 50
	}
	b := &Bridge{
		opts: opts, port: p, log: log,
		batches:     make(chan *transport.Batch, 4),
		conferences: map[string]*Conference{},
		hex:         map[string]*Conference{},
	}
	b.SetThinning(0, "")
	b.SetLoudestVoices(opts.LoudestVoices)
	b.metrics(set)
	return b
}

// SetLoudestVoices changes how many are heard at a time, in conferences that
// begin from now on; 0 means all. Safe for concurrent use.
func (b *Bridge) SetLoudestVoices(n int) { b.loudest.Store(int32(n)) }

// timed runs f with a batch of its own, and sends what f put into it.
func (b *Bridge) timed(f func(*transport.Batch)) {
	var out *transport.Batch
	select {
	case out = <-b.batches:
	default:
		out = b.port.batch()
	}
	f(out)
	b.port.flush(out)
	select {
	case b.batches <- out:
	default:
	}
}

// Run expires conferences and endpoints that nobody uses any more until ctx
// ends; then it expires all and waits for every goroutine of every
// conference. It is called once; conferences may be created before.
func (b *Bridge) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			b.sweep()
			continue
		case <-ctx.Done():
		}
		b.mu.Lock()
		b.closed = true
		b.mu.Unlock()
		for _, c := range b.all() {
			c.Expire()
		}
		b.running.Wait()
		return context.Cause(ctx)
	}
}

func (b *Bridge) sweep() {
	for _, c := range b.all() {
		c.sweep()
		if c.Endpoints() == 0 && time.Since(c.created) > emptyFor {
			c.Expire()
		}
	}
}

func (b *Bridge) all() []*Conference {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]*Conference, 0, len(b.conferences))
	for _, c := range b.conferences {
		list = append(list, c)
	}
	return list
}

// Create makes a conference. name is for logs. ErrConferenceExists, or
// ErrExpired while the bridge ends.
func (b *Bridge) Create(meetingID, name string) (*Conference, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, ErrExpired
	}
	if b.conferences[meetingID] != nil {
		return nil, ErrConferenceExists
	}
	var id [8]byte
	rand.Read(id[:]) // never fails
	c := newConference(b, meetingID, hex.EncodeToString(id[:]), name, b.log.With("room", name))
	b.conferences[meetingID], b.hex[c.hexID] = c, c
	b.totals.conferencesCreated.Add(1)
	b.running.Go(c.run)
	c.log.Info("conference created")
	return c, nil
}

// remove forgets an expired conference.
func (b *Bridge) remove(c *Conference) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conferences[c.meetingID] == c {
		delete(b.conferences, c.meetingID)
		delete(b.hex, c.hexID)
		b.totals.conferencesCompleted.Add(1)
	}
}

// Conference finds a conference by its meeting id; nil when there is none.
func (b *Bridge) Conference(meetingID string) *Conference {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.conferences[meetingID]
}

// ByHexID finds a conference by the id in colibri-ws URLs; nil when there is
// none.
func (b *Bridge) ByHexID(id string) *Conference {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.hex[id]
}

// randomSSRC is an SSRC that is not 0.
func randomSSRC() uint32 {
	var b [4]byte
	for {
		rand.Read(b[:]) // never fails
		if v := binary.BigEndian.Uint32(b[:]); v != 0 {
			return v
		}
	}
}
