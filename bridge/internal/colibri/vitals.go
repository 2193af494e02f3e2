package colibri

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"meetbox.local/bridge/internal/conference"
	"meetbox.local/signaling/xmpp/jitsimeet"
)

const (
	// Name and Version are what the bridge says of itself. A focus mixes
	// bridges of one version only, so Version changes with what they must
	// agree on, not with each build.
	Name    = "Meetbox bridge"
	Version = "meetbox-1"

	// publishEvery is how often Jicofo expects a bridge's presence.
	publishEvery = 5 * time.Second

	timestamp = "2006-01-02 15:04:05.000"
)

// Vitals measures the bridge and tells of it. Its methods are safe for
// concurrent use.
type Vitals struct {
	bridge   *conference.Bridge
	messages func() (received, sent uint64) // over colibri-ws
	log      *slog.Logger
	region   atomic.Pointer[string]
	drain    atomic.Bool   // wants no new conferences
	leaving  atomic.Bool   // takes none, and ends with the last there is
	news     chan struct{} // one element when the presence should not wait

	mu     sync.Mutex
	load   load
	relief relief
}

// NewVitals returns the vitals of a bridge; messages counts the colibri-ws
// texts so far.
func NewVitals(bridge *conference.Bridge, messages func() (received, sent uint64), log *slog.Logger, set *metrics.Set) *Vitals {
	v := &Vitals{bridge: bridge, messages: messages, log: log, news: make(chan struct{}, 1), load: load{cores: runtime.GOMAXPROCS(0)}}
	v.SetRegion("")
	set.GetOrCreateGauge("bridge_stress", func() float64 { return v.current().stress })
	set.GetOrCreateGauge("bridge_thinning_step", func() float64 { return float64(v.bridge.Thinning()) })
	set.GetOrCreateGauge("bridge_drain", func() float64 {
		if v.drain.Load() {
			return 1
		}
		return 0
	})
	return v
}

// SetRegion changes where the bridge says that it is; "" is nowhere.
func (v *Vitals) SetRegion(name string) {
	v.region.Store(&name)
	v.tell()
}

// Leaving tells whether the bridge takes no new conferences any more.
func (v *Vitals) Leaving() bool { return v.leaving.Load() }

// tell has the presence sent at once.
func (v *Vitals) tell() {
	select {
	case v.news <- struct{}{}:
	default: // it is about to be
	}
}

var errLeft = errors.New("shut down as asked, with the last meeting over")

// Run samples until ctx ends, or until the bridge was asked to leave and has
// nobody left.
func (v *Vitals) Run(ctx context.Context) error {
	tick := time.NewTicker(publishEvery)
	defer tick.Stop()
	for {
		v.sample()
		if v.leaving.Load() && v.bridge.Stats().Endpoints == 0 {
			return errLeft
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

func (v *Vitals) sample() {
	cpu, err := cpuUsed()
	if err != nil {
		v.log.Warn("load not measured", "err", err)
		return
	}
	s := sample{at: time.Now(), cpu: cpu, stats: v.bridge.Stats()}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.load.add(s)
	before := v.bridge.Thinning()
	if step := v.relief.next(v.load.stress, conference.MostThinning); step != before {
		v.bridge.SetThinning(step)
		v.log.Warn("video thinned for want of processor time", "step", step, "of", conference.MostThinning, "stress", v.load.stress)
	}
}

// current is the latest measurement.
func (v *Vitals) current() load {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.load
}

// presence is what the focus reads to choose a bridge. Without drain=false
// it takes a bridge for draining.
func (v *Vitals) presence() jitsimeet.Stats {
	l := v.current()
	var out jitsimeet.Stats
	for _, s := range [][2]string{
		{"stress_level", decimal(l.stress)},
		{"average_participant_stress", decimal(max(l.participant, defaultParticipantStress/10))},
		{"healthy", "true"},
		{"drain", strconv.FormatBool(v.drain.Load())},
		{"graceful_shutdown", strconv.FormatBool(v.leaving.Load())},
		{"shutting_down", "false"},
		{"version", Version},
		{"current_timestamp", time.Now().UTC().Format(timestamp)},
	} {
		out.Stats = append(out.Stats, jitsimeet.Stat{Name: s[0], Value: s[1]})
	}
	if region := *v.region.Load(); region != "" {
		out.Stats = append(out.Stats, jitsimeet.Stat{Name: "region", Value: region})
	}
	return out
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', 4, 64) }

// statistics are the members of JVB's /colibri/stats that exist here.
func (v *Vitals) statistics() map[string]any {
	l, s := v.current(), v.bridge.Stats()
	received, sent := v.messages()
	kbps := func(f float64) int64 { return int64(math.Round(f / 1000)) }
	return map[string]any{
		"average_participant_stress": l.participant,
		"bit_rate_download":          kbps(l.bitsIn),
		"bit_rate_upload":            kbps(l.bitsOut),
		"conferences":                s.Conferences,
		"current_timestamp":          time.Now().UTC().Format(timestamp),
		"drain":                      v.drain.Load(),
		"endpoints":                  s.Endpoints,
		"endpoints_sending_audio":    s.EndpointsSendingAudio,
		"endpoints_sending_video":    s.EndpointsSendingVideo,
		"graceful_shutdown":          v.leaving.Load(),
		"healthy":                    true,
		"largest_conference":         s.LargestConference,
		"local_endpoints":            s.Endpoints,
		"packet_rate_download":       int64(math.Round(l.packetsIn)),
		"packet_rate_upload":         int64(math.Round(l.packetsOut)),
		"participants":               s.Endpoints,
		"rtt_aggregate":              s.RTT,
		"shutting_down":              false,
		"stress_level":               l.stress,
		"thinning_step":              v.bridge.Thinning(),
		"threads":                    runtime.NumGoroutine(),
		"total_bytes_received":       s.BytesReceived,
		"total_bytes_sent":           s.BytesSent,
		"total_colibri_web_socket_messages_received": received,
		"total_colibri_web_socket_messages_sent":     sent,
		"total_conference_seconds":                   int64(l.conferenceSeconds),
		"total_conferences_completed":                s.ConferencesCompleted,
		"total_conferences_created":                  s.ConferencesCreated,
		"total_dominant_speaker_changes":             s.DominantSpeakerChanges,
		"total_packets_received":                     s.PacketsReceived,
		"total_packets_sent":                         s.PacketsSent,
		"region":                                     *v.region.Load(),
		"total_participants":                         s.EndpointsCreated,
		"version":                                    Version,
		"visitors":                                   s.Visitors,
	}
}

// Pages are those of JVB's private HTTP interface that exist here, by
// ServeMux pattern. They belong on the control socket.
func (v *Vitals) Pages() map[string]http.HandlerFunc {
	drain := func(on bool) http.HandlerFunc {
		return func(http.ResponseWriter, *http.Request) {
			v.drain.Store(on)
			v.tell()
		}
	}
	return map[string]http.HandlerFunc{
		"GET /colibri/stats":          func(w http.ResponseWriter, _ *http.Request) { v.write(w, v.statistics()) },
		"GET /colibri/drain":          func(w http.ResponseWriter, _ *http.Request) { v.write(w, map[string]bool{"drain": v.drain.Load()}) },
		"POST /colibri/drain/enable":  drain(true),
		"POST /colibri/drain/disable": drain(false),
		"POST /colibri/shutdown": func(http.ResponseWriter, *http.Request) {
			// Whatever the body says: to end at once there are signals.
			v.leaving.Store(true)
			v.tell()
			v.log.Info("leaving when the last meeting is over")
		},
		"GET /about/health": func(http.ResponseWriter, *http.Request) {}, // who can answer is healthy
		"GET /about/version": func(w http.ResponseWriter, _ *http.Request) {
			v.write(w, map[string]string{"name": Name, "version": Version, "os": runtime.GOOS})
		},
	}
}

func (v *Vitals) write(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		v.log.Debug("page not delivered", "err", err)
	}
}
