package load

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"meetbox.local/scripts/bench/internal/adapter"
	"meetbox.local/scripts/bench/internal/media"
	"meetbox.local/scripts/bench/internal/proc"
	"meetbox.local/scripts/bench/internal/rtcx"

	"github.com/pion/webrtc/v4"
)

// Config is one run.
type Config struct {
	Peer       string
	Publishers int // participants that publish
	Receivers  int // participants that receive; if equal to Publishers, everyone does both
	Profile    media.Profile
	RTC        rtcx.Options
	IP         string
	ServerPID  int
	Settle     time.Duration
	Window     time.Duration
	JoinGap    time.Duration
	Rooms      int    // of so many each; 0 is one
	Control    string // the server's control socket, if it is a Go program of ours: its goroutines are counted
	Light      bool   // all clients but the first are light; see rtcx.Options
	Opts       map[string]string
}

// Result is what one run measured.
type Result struct {
	Peer                  string
	Publishers, Receivers int
	WindowS               float64
	Rep                   int
	Scenario              string

	FlowsWant, FlowsHave int // (receiver, source, kind) triples
	Sent                 uint64
	Expected             uint64
	Delivered            uint64 // unique, sent within the window
	Dups                 uint64
	LossPct              float64
	WorstFlowLossPct     float64
	ForwardedPkts        uint64 // arrivals within the window
	OtherPkts            uint64
	ForwardedPps         float64
	GoodputMbps          float64

	ServerCPUs      float64 // seconds of CPU in the window
	ServerUserS     float64
	ServerSysS      float64
	ServerCorePct   float64 // of one core
	ServerCoreBusyS float64 // everything on the server core, softirq included
	GenCoreBusyS    float64 // sampled by tick: rough
	GenCPUs         float64 // the generator's own CPU seconds in the window
	StealS          float64
	ServerWaitS     float64 // server threads runnable but waiting for the core
	GenWaitS        float64 // the same for the generator
	UsPerPkt        float64
	RSSMiB          float64
	PeakRSSMiB      float64
	Threads         int
	Goroutines      int
	Rooms           int
	VolCtxPs        float64
	InvolCtxPs      float64

	P50us, P95us, P99us, P999us                float64
	AudioP50us, AudioP99us                     float64
	JoinFirstMediaMs, JoinAudioMs, JoinVideoMs float64 // medians over clients that joined a room with media
	JoinMaxMs                                  float64
	MeshMs                                     float64 // last join to full mesh
	ClientNACKed, ClientNACKs, ClientPLIs      int64
	ClientTWCC, ClientRR                       int64
	PubPLIs, PubNACKs, WriteErrs               uint64
	SRTP                                       string
	PCsPerClient                               int
	Layers                                     map[string]uint64 // packets per simulcast layer in the window
	Notes                                      []string
}

// Run joins the participants, waits for the full mesh, measures one window.
func Run(ctx context.Context, c Config, logf func(string, ...any)) (*Result, adapter.Negotiated, error) {
	var neg adapter.Negotiated
	ad, err := adapter.Get(c.Peer)
	if err != nil {
		return nil, neg, err
	}
	pcs, err := rtcx.New(c.RTC)
	if err != nil {
		return nil, neg, err
	}
	var lightPCs *rtcx.Factory
	if c.Light {
		o := c.RTC
		o.Light = true
		if lightPCs, err = rtcx.New(o); err != nil {
			return nil, neg, err
		}
	}
	res := &Result{Peer: c.Peer, Publishers: c.Publishers, Receivers: c.Receivers, Layers: map[string]uint64{}}
	var notesMu sync.Mutex
	note := func(f string, a ...any) {
		notesMu.Lock()
		defer notesMu.Unlock()
		if len(res.Notes) < 40 {
			res.Notes = append(res.Notes, fmt.Sprintf(f, a...))
		}
		logf(f, a...)
	}

	var win media.Window
	each := max(c.Publishers, c.Receivers)
	if c.Publishers != c.Receivers { // one-to-many: publishers only publish
		each = c.Publishers + c.Receivers
	}
	res.Rooms = max(1, c.Rooms)
	total := each * res.Rooms
	var clients []adapter.Client
	var recvs []*Receiver
	var recvOf = map[int]*Receiver{}
	var tracks []*media.Track
	joinAt := make([]int64, total)
	defer func() {
		for _, cl := range clients {
			go cl.Close()
		}
		time.Sleep(300 * time.Millisecond)
	}()

	paceCtx, stopPace := context.WithCancel(ctx)
	defer stopPace()
	// Tracks exist, and tick, from the start; they send once they are bound.
	perClient := make([][]*media.Track, total)
	for i := range total {
		if i%each < c.Publishers {
			perClient[i] = media.NewTracks(i, c.Profile, &win)
			tracks = append(tracks, perClient[i]...)
		}
	}
	go media.Pace(paceCtx, tracks)

	for i := range total {
		receive := c.Publishers == c.Receivers || i%each >= c.Publishers
		r := NewReceiver(i, &win)
		if receive {
			recvs = append(recvs, r)
			recvOf[i] = r
		}
		fac := pcs
		if c.Light && i > 0 {
			fac = lightPCs
		}
		cl := ad.Client(adapter.Spec{ID: i, Room: fmt.Sprint("bench", i/each), IP: c.IP, Tracks: perClient[i], Receive: receive, PCs: fac,
			OnTrack: func(t *webrtc.TrackRemote, rx *webrtc.RTPReceiver) { go drainRTCP(rx); readTrack(t, r) },
			Opts:    c.Opts, Logf: note})
		clients = append(clients, cl)
		joinAt[i] = media.Now()
		jctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		err := cl.Join(jctx)
		cancel()
		if err != nil {
			return res, neg, fmt.Errorf("client %d: %w", i, err)
		}
		// The next one joins when this one hears someone, as people do.
		for t := time.Now(); receive && i%each > 0 && r.has() == 0 && time.Since(t) < 5*time.Second; {
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(c.JoinGap)
	}

	// Full mesh.
	want := func(id int) int {
		n := c.Publishers
		if id%each < c.Publishers {
			n--
		}
		return 2 * n
	}
	t0 := media.Now()
	for {
		res.FlowsWant, res.FlowsHave = 0, 0
		for _, r := range recvs {
			res.FlowsWant += want(r.ID)
			res.FlowsHave += r.has()
		}
		if res.FlowsHave >= res.FlowsWant {
			break
		}
		if media.Now()-t0 > 25e9 || ctx.Err() != nil {
			note("mesh incomplete: %d of %d flows", res.FlowsHave, res.FlowsWant)
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	res.MeshMs = float64(media.Now()-t0) / 1e6
	var first, fa, fv []float64
	for i := range total {
		r := recvOf[i]
		if r == nil || (i%each == 0 && c.Publishers == c.Receivers) {
			continue
		}
		r.mu.Lock()
		a, v := r.firstAny[0], r.firstAny[1]
		r.mu.Unlock()
		if a != 0 {
			fa = append(fa, float64(a-joinAt[i])/1e6)
		}
		if v != 0 {
			fv = append(fv, float64(v-joinAt[i])/1e6)
		}
		if m := minNonZero(a, v); m != 0 {
			first = append(first, float64(m-joinAt[i])/1e6)
		}
	}
	res.JoinFirstMediaMs, res.JoinAudioMs, res.JoinVideoMs = median(first), median(fa), median(fv)
	for _, x := range first {
		res.JoinMaxMs = max(res.JoinMaxMs, x)
	}
	logf("joined %d, %d/%d flows; first media %.0f ms", total, res.FlowsHave, res.FlowsWant, res.JoinFirstMediaMs)
	sleep(ctx, c.Settle)

	// The window.
	sum := func() (a, b, o uint64) {
		for _, r := range recvs {
			x, y, z := r.counts()
			if c.Light && r.ID > 0 {
				x = 0 // counted by lightPCs
			}
			a, b, o = a+x, b+y, o+z
		}
		if c.Light {
			a += lightPCs.LightPackets()
		}
		return
	}
	p0 := proc.Take(c.ServerPID)
	own0, g0 := proc.Take(os.Getpid()), ownCPU()
	a0, b0, o0 := sum()
	w0 := media.Now()
	win.From.Store(w0)
	sleep(ctx, c.Window)
	w1 := media.Now()
	win.To.Store(w1)
	a1, b1, o1 := sum()
	res.GenCPUs = ownCPU() - g0
	own1 := proc.Take(os.Getpid())
	p1 := proc.Take(c.ServerPID)
	if c.Control != "" {
		res.Goroutines = goroutines(c.Control)
	}
	time.Sleep(700 * time.Millisecond) // let the tail arrive

	secs := float64(w1-w0) / 1e9
	res.WindowS = secs
	res.ForwardedPkts, res.OtherPkts = a1-a0, o1-o0
	res.ForwardedPps = float64(a1-a0) / secs
	res.GoodputMbps = float64(b1-b0) * 8 / secs / 1e6
	res.ServerUserS, res.ServerSysS = p1.User-p0.User, p1.Sys-p0.Sys
	res.ServerCPUs = res.ServerUserS + res.ServerSysS
	res.ServerCorePct = 100 * res.ServerCPUs / secs
	if n := len(p1.CoreBusy); n > 1 {
		res.ServerCoreBusyS = p1.CoreBusy[0] - p0.CoreBusy[0]
		res.GenCoreBusyS = p1.CoreBusy[1] - p0.CoreBusy[1]
		res.StealS = p1.CoreSteal[0] - p0.CoreSteal[0] + p1.CoreSteal[1] - p0.CoreSteal[1]
	}
	if a1 > a0 {
		res.UsPerPkt = res.ServerCPUs * 1e6 / float64(a1-a0)
	}
	res.RSSMiB, res.PeakRSSMiB, res.Threads = float64(p1.RSSKiB)/1024, float64(p1.PeakRSSKiB)/1024, p1.Threads
	res.VolCtxPs = float64(p1.VolCtx-p0.VolCtx) / secs
	res.ServerWaitS = p1.Wait - p0.Wait
	res.GenWaitS = own1.Wait - own0.Wait
	res.InvolCtxPs = float64(p1.InvolCtx-p0.InvolCtx) / secs

	sent := map[[3]int]uint64{}
	top := uint8(c.Profile.Layers - 1)
	for _, t := range tracks {
		n := uint64(t.SentInWindow.Load())
		sent[[3]int{t.Source, t.Kind, t.Layer}] = n
		res.Sent += n
		res.PubPLIs += uint64(t.PLIs.Load())
		res.PubNACKs += uint64(t.NACKs.Load())
		res.WriteErrs += uint64(t.WriteErrs.Load())
	}
	var all, audio Hist
	for _, r := range recvs {
		r.mu.Lock()
		all.Merge(&r.hist[0])
		all.Merge(&r.hist[1])
		audio.Merge(&r.hist[0])
		for k, f := range r.flows {
			res.Dups += f.Dups
			if k[1] == media.Video {
				res.Layers[fmt.Sprint(k[2])] += f.InWindow
			}
		}
		room := r.ID / each * each
		for src := room; src < room+c.Publishers; src++ {
			if src == r.ID {
				continue
			}
			for kind := range 2 {
				layer := 0
				if kind == media.Video {
					layer = int(top)
				}
				k := [3]int{src, kind, layer}
				var got uint64
				if f := r.flows[k]; f != nil {
					got = f.InWindow
				}
				res.Expected += sent[k]
				res.Delivered += got
				if sent[k] > 0 {
					res.WorstFlowLossPct = max(res.WorstFlowLossPct, 100*(1-float64(got)/float64(sent[k])))
				}
			}
		}
		r.mu.Unlock()
	}
	if c.Light { // light flows are counted by arrival
		res.Delivered, res.WorstFlowLossPct = res.ForwardedPkts, 0
	}
	if res.Expected > 0 {
		res.LossPct = 100 * (1 - float64(res.Delivered)/float64(res.Expected))
	}
	us := func(h *Hist, q float64) float64 { return float64(h.Quantile(q)) / 1e3 }
	res.P50us, res.P95us, res.P99us, res.P999us = us(&all, .5), us(&all, .95), us(&all, .99), us(&all, .999)
	res.AudioP50us, res.AudioP99us = us(&audio, .5), us(&audio, .99)
	res.ClientNACKed, res.ClientNACKs, res.ClientPLIs = pcs.C.NACKedPackets.Load(), pcs.C.NACKs.Load(), pcs.C.PLIs.Load()
	res.ClientTWCC, res.ClientRR = pcs.C.TWCC.Load(), pcs.C.RR.Load()
	neg = clients[len(clients)-1].Negotiated()
	if neg.PubSDP == "" {
		neg.PubSDP = clients[0].Negotiated().PubSDP
	}
	res.SRTP, res.PCsPerClient = neg.SRTP, neg.PCs
	return res, neg, nil
}

// goroutines asks one of our own services; 0 when it does not say.
func goroutines(socket string) (n int) {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	r, err := client.Get("http://ctl/metrics")
	if err != nil {
		return 0
	}
	defer r.Body.Close()
	for s := bufio.NewScanner(r.Body); s.Scan(); {
		if v, ok := strings.CutPrefix(s.Text(), "go_goroutines "); ok {
			n, _ = strconv.Atoi(v) // 0 is unknown
		}
	}
	return n
}

func ownCPU() float64 {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return float64(r.Utime.Nano()+r.Stime.Nano()) / 1e9
}

func minNonZero(a, b int64) int64 {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func drainRTCP(rx *webrtc.RTPReceiver) {
	b := make([]byte, 1500)
	for {
		if _, _, err := rx.Read(b); err != nil {
			return
		}
	}
}

func readTrack(t *webrtc.TrackRemote, r *Receiver) {
	b := make([]byte, 1600)
	for {
		n, _, err := t.Read(b)
		if err != nil {
			if os.Getenv("SFUBENCH_DEBUG") != "" {
				fmt.Fprintln(os.Stderr, "track:", err)
			}
			return
		}
		r.Packet(b[:n])
	}
}
