// Bench measures what it costs an SFU to forward the same media: Meetbox's
// bridge beside other servers, in one interleaved run.
//
//	bench run    -peers meetbox,livekit,janus,limit -scenarios 4x4,8x8 -reps 3
//	bench sat    -peers meetbox,livekit -from 16 -step 4 -light
//	bench sizes                     what the bridge costs by people and by rooms
//	bench report RESULTS.jsonl...
//
// run and sat start each server pinned to core 0 in a network namespace of
// its own, and themselves, as "bench gen", pinned to core 1 in another.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"meetbox.local/scripts/bench/internal/load"
	"meetbox.local/scripts/bench/internal/media"
	"meetbox.local/scripts/bench/internal/netlab"
	"meetbox.local/scripts/bench/internal/rtcx"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: bench run|sat|sizes|gen|report FILE...")

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	switch args[0] {
	case "run":
		return bench(ctx, args[1:], false)
	case "sat":
		return bench(ctx, args[1:], true)
	case "sizes":
		return sizes(ctx, args[1:])
	case "relay":
		return relay(ctx, args[1:])
	case "gen":
		return gen(ctx, args[1:])
	case "report":
		return report(os.Stdout, args[1:])
	}
	return errUsage
}

// shared flags of gen, passed through by bench.
type genFlags struct {
	fs       *flag.FlagSet
	window   *time.Duration
	settle   *time.Duration
	gap      *time.Duration
	srtp     *string
	notwcc   *bool
	layers   *int
	scale    *float64
	perFrame *int
	opts     *string
	light    *bool
	gro      *bool
}

func newGenFlags(name string) genFlags {
	fs := flag.NewFlagSet(name, flag.ExitOnError)
	return genFlags{fs,
		fs.Duration("window", 20*time.Second, "measured window"),
		fs.Duration("settle", 4*time.Second, "between full mesh and window"),
		fs.Duration("gap", 150*time.Millisecond, "between joins"),
		fs.String("srtp", "auto", "SRTP profiles the clients offer: auto, gcm128, cm80"),
		fs.Bool("notwcc", false, "do not offer transport-wide congestion control"),
		fs.Int("layers", 1, "1, or 3 for simulcast"),
		fs.Float64("scale", 1, "scale of the video packet rate"),
		fs.Int("perframe", media.DefaultProfile.PerFrame, "video packets a frame"),
		fs.String("opts", "", "adapter options, k=v;k=v"),
		fs.Bool("light", false, "all clients but the first count RTP at the socket, undecrypted"),
		fs.Bool("gro", false, "light clients take segmented messages (UDP GSO) whole, as if a network card had sent them"),
	}
}

func (g genFlags) args() []string {
	var a []string
	for _, n := range []string{"window", "settle", "gap", "srtp", "notwcc", "layers", "scale", "perframe", "opts", "light", "gro"} {
		a = append(a, "-"+n+"="+g.fs.Lookup(n).Value.String())
	}
	return a
}

func parseOpts(s string) map[string]string {
	m := map[string]string{}
	for _, kv := range strings.Split(s, ";") {
		if k, v, ok := strings.Cut(kv, "="); ok {
			m[k] = v
		}
	}
	return m
}

func gen(ctx context.Context, args []string) error {
	g := newGenFlags("gen")
	peer := g.fs.String("peer", "", "adapter")
	pubs := g.fs.Int("p", 4, "publishers")
	subs := g.fs.Int("s", 4, "receivers")
	rooms := g.fs.Int("rooms", 1, "rooms of so many each")
	control := g.fs.String("ctl", "", "control socket of the server, if it is one of ours")
	pid := g.fs.Int("pid", 0, "server process")
	ip := g.fs.String("ip", netlab.ServerIP, "server address")
	out := g.fs.String("out", "", "result file (JSON)")
	neg := g.fs.String("neg", "", "file for the negotiated SDPs")
	g.fs.Parse(args)
	p := media.DefaultProfile
	p.Layers, p.Scale, p.PerFrame = *g.layers, *g.scale, *g.perFrame
	c := load.Config{Peer: *peer, Publishers: *pubs, Receivers: *subs, Profile: p,
		RTC:   rtcx.Options{SRTP: *g.srtp, NoTWCC: *g.notwcc, GRO: *g.gro, Verbose: os.Getenv("SFUBENCH_DEBUG") != ""},
		Rooms: *rooms, Control: *control, IP: *ip, ServerPID: *pid, Settle: *g.settle, Window: *g.window, JoinGap: *g.gap, Light: *g.light, Opts: parseOpts(*g.opts)}
	res, n, err := load.Run(ctx, c, func(f string, a ...any) { fmt.Fprintf(os.Stderr, "  "+f+"\n", a...) })
	if res != nil && *out != "" {
		if err != nil {
			res.Notes = append(res.Notes, "error: "+err.Error())
		}
		b, _ := json.Marshal(res)
		if werr := os.WriteFile(*out, b, 0o644); err == nil {
			err = werr
		}
	}
	if *neg != "" && n.RecvSDP+n.PubSDP != "" {
		os.WriteFile(*neg, []byte("SRTP: "+n.SRTP+"\n\n--- publisher: the server's description\n"+n.PubSDP+"\n--- receiver: the server's description\n"+n.RecvSDP), 0o644)
	}
	return err
}
