package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"meetbox.local/scripts/bench/internal/load"
	"meetbox.local/scripts/bench/internal/netlab"
)

// bench runs scenarios, or with sat looks for how many people each peer carries.
func bench(ctx context.Context, args []string, sat bool) (err error) {
	g := newGenFlags("bench")
	peers := g.fs.String("peers", "meetbox,meetbox@rw=1,livekit,janus,limit", "who is measured, interleaved; name@k=v;k=v gives options")
	scen := g.fs.String("scenarios", "4x4,8x8,12x12,1x40", "PUBLISHERSxRECEIVERS; NxN means everyone does both")
	reps := g.fs.Int("reps", 3, "repetitions")
	r := &runner{g: g}
	g.fs.StringVar(&r.peers, "bin", "bin/bench", "folder with the peers' programs")
	g.fs.StringVar(&r.meetbox, "meetbox", "bin", "folder with Meetbox's programs")
	g.fs.StringVar(&r.results, "results", "bin/bench/results", "folder for results")
	g.fs.StringVar(&r.tag, "tag", "base", "name of this run; results go to TAG.jsonl, which is made anew")
	g.fs.StringVar(&r.srvCore, "servercore", "0", "core(s) of the server")
	g.fs.StringVar(&r.genCore, "gencore", "1", "core(s) of the generator")
	g.fs.StringVar(&r.nice, "nice", "-15", "nice value of server and generator, against other work on the machine; fifo: real-time (not for sat)")
	g.fs.StringVar(&r.hook, "hook", "", "shell command run beside each generator, with SERVER_PID, SERVER_WORK, PEER, SCENARIO set")
	limits := satFlags(g.fs)
	if err := g.fs.Parse(args); err != nil {
		return err
	}
	scenarios, err := parseScenarios(*scen)
	if err != nil {
		return err
	}
	for _, dir := range []*string{&r.peers, &r.meetbox, &r.results} { // servers run elsewhere
		if *dir, err = filepath.Abs(*dir); err != nil {
			return err
		}
	}
	down, err := netlab.Up()
	if err != nil {
		return err
	}
	defer down()
	if err := os.MkdirAll(r.results, 0o755); err != nil {
		return err
	}
	file := filepath.Join(r.results, r.tag+".jsonl")
	if r.file, err = os.Create(file); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.file.Close()) }()
	list := strings.Split(*peers, ",")
	if sat {
		return r.saturate(ctx, list, limits)
	}
	for rep := 1; rep <= *reps; rep++ {
		for _, s := range scenarios {
			for _, p := range list {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				res, err := r.one(ctx, p, s, rep)
				if !errors.Is(err, errShape) {
					show(res, err)
				}
			}
		}
	}
	fmt.Println()
	return report(os.Stdout, []string{file})
}

// show is one line for one measurement.
func show(res *load.Result, err error) {
	if res == nil {
		fmt.Println("  FAILED:", err)
		return
	}
	fmt.Printf("%-22s %-6s rep %d: %6.2f us/pkt  %5.1f%% core  %6.0f pps  loss %.3f%% (worst %.2f%%)  p50 %.0f p95 %.0f p99 %.0f us  RSS %.0f MiB  ctx %.0f/s  join %.0f ms  gen %.0f%%  waited %.2f/%.2fs steal %.2fs %s\n",
		res.Peer, res.Scenario, res.Rep, res.UsPerPkt, res.ServerCorePct, res.ForwardedPps, res.LossPct, res.WorstFlowLossPct,
		res.P50us, res.P95us, res.P99us, res.RSSMiB, res.VolCtxPs+res.InvolCtxPs, res.JoinFirstMediaMs, 100*res.GenCPUs/max(res.WindowS, 1), res.ServerWaitS, res.GenWaitS, res.StealS, res.SRTP)
	if err != nil {
		fmt.Println("  error:", err)
	}
}
