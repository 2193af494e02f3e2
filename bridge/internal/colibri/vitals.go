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
	"meetbox.local/bridge/internal/transport"
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
	port     *transport.Port
	messages func() (received, sent uint64) // over colibri-ws
	log      *slog.Logger
	region   atomic.Pointer[string]
	drain    atomic.Bool   // wants no new conferences
	leaving  atomic.Bool   // takes none, and ends with the last there is
	news     chan struct{} // one element when the presence should not wait

	mu     sync.Mutex
	load   load
	relief relief
	short  string // why video is thinned
}

// NewVitals returns the vitals of a bridge; messages counts the colibri-ws
// texts so far.
func NewVitals(bridge *conference.Bridge, port *transport.Port, messages func() (received, sent uint64), log *slog.Logger, set *metrics.Set) *Vitals {
	v := &Vitals{bridge: bridge, port: port, messages: messages, log: log, news: make(chan struct{}, 1), load: load{cores: runtime.GOMAXPROCS(0)}}
	v.SetRegion("")
	set.GetOrCreateGauge("bridge_stress", func() float64 { return v.current().stress })
	set.GetOrCreateGauge("bridge_thinning_step", func() float64 { return float64(v.bridge.Thinning()) })
	for _, p := range new(load).pressures() {
		set.GetOrCreateGauge(`bridge_overload{reason="`+p.reason+`"}`, func() float64 {
			l := v.current()
			for _, q := range l.pressures() {
				if q.reason == p.reason {
					return q.level
				}
			}
			return 0
		})
		set.GetOrCreateGauge(`bridge_thinned{reason="`+p.reason+`"}`, func() float64 {
			if v.reason() == p.reason {
				return float64(v.bridge.Thinning())
			}
			return 0
		})
	}
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
	s := sample{at: time.Now(), cpu: cpu, stats: v.bridge.Stats(), port: v.port.Totals()}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.load.add(s)
	before := v.bridge.Thinning()
	worst := v.load.worst()
	if step := v.relief.next(worst.level, conference.MostThinning); step != before {
		if step > before {
			v.short = worst.reason
		} else if step == 0 {
			v.short = ""
		}
		v.bridge.SetThinning(step, v.short)
		v.log.Warn("video thinned", "step", step, "of", conference.MostThinning, "reason", worst.reason, "level", worst.level)
	}
}

// reason is what is short while video is thinned.
func (v *Vitals) reason() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.short
}

// overall is the share of all packets, in and out, that was lost.
func overall(s conference.Stats) float64 {
	lost, all := float64(s.Missing)+float64(s.Undelivered), float64(s.Arrived+s.Missing)+float64(s.Delivered+s.Undelivered)
	if all <= 0 {
		return 0
	}
	return lost / all
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
		{"stress_level", decimal(max(l.stress, l.packets))},
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
	l, s, t := v.current(), v.bridge.Stats(), v.port.Totals()
	received, sent := v.messages()
	kbps := func(f float64) int64 { return int64(math.Round(f / 1000)) }
	return map[string]any{
		"average_participant_stress":                 l.participant,
		"bit_rate_download":                          kbps(l.bitsIn),
		"bit_rate_upload":                            kbps(l.bitsOut),
		"conferences":                                s.Conferences,
		"current_timestamp":                          time.Now().UTC().Format(timestamp),
		"drain":                                      v.drain.Load(),
		"dtls_failed_endpoints":                      t.HandshakesFailed,
		"endpoints":                                  s.Endpoints,
		"endpoints_ice_failed":                       t.ICEFailed,
		"endpoints_with_high_outgoing_loss":          s.EndpointsLossy,
		"endpoints_with_suspended_sources":           s.EndpointsSuspended,
		"endpoints_sending_audio":                    s.EndpointsSendingAudio,
		"endpoints_sending_video":                    s.EndpointsSendingVideo,
		"graceful_shutdown":                          v.leaving.Load(),
		"healthy":                                    true,
		"inactive_conferences":                       s.InactiveConferences,
		"inactive_endpoints":                         s.InactiveEndpoints,
		"incoming_loss":                              s.IncomingLoss,
		"largest_conference":                         s.LargestConference,
		"local_active_endpoints":                     s.Endpoints - s.InactiveEndpoints,
		"local_endpoints":                            s.Endpoints,
		"num_eps_oversending":                        s.EndpointsOversending,
		"octo_conferences":                           0,
		"octo_endpoints":                             0,
		"outgoing_loss":                              s.OutgoingLoss,
		"overall_loss":                               overall(s),
		"p2p_conferences":                            0,
		"receive_only_endpoints":                     s.EndpointsReceiveOnly,
		"packet_rate_download":                       int64(math.Round(l.packetsIn)),
		"packet_rate_upload":                         int64(math.Round(l.packetsOut)),
		"participants":                               s.Endpoints,
		"rtt_aggregate":                              s.RTT,
		"shutting_down":                              false,
		"stress_level":                               max(l.stress, l.packets),
		"thinning_reason":                            v.reason(),
		"thinning_step":                              v.bridge.Thinning(),
		"threads":                                    runtime.NumGoroutine(),
		"total_bytes_received":                       s.BytesReceived,
		"total_bytes_sent":                           s.BytesSent,
		"total_colibri_web_socket_messages_received": received,
		"total_colibri_web_socket_messages_sent":     sent,
		"total_data_channel_messages_received":       t.MessagesReceived,
		"total_data_channel_messages_sent":           t.MessagesSent,
		"total_ice_failed":                           t.ICEFailed,
		"total_ice_succeeded":                        t.Connected,
		"total_keyframes_received":                   s.Keyframes,
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
		"GET /conferences":            func(w http.ResponseWriter, _ *http.Request) { v.write(w, v.bridge.Summaries()) },
		"GET /conferences/{meeting}":  v.report,
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

// report is all about one conference.
func (v *Vitals) report(w http.ResponseWriter, r *http.Request) {
	c := v.bridge.Conference(r.PathValue("meeting"))
	if c == nil {
		http.Error(w, "no such conference; GET /conferences lists all", http.StatusNotFound)
		return
	}
	report, err := c.Report()
	if err != nil {
		http.Error(w, "the conference has just ended", http.StatusNotFound)
		return
	}
	v.write(w, report)
}

func (v *Vitals) write(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		v.log.Debug("page not delivered", "err", err)
	}
}
