package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"meetbox.local/scripts/bench/internal/load"
)

type cell struct{ scenario, peer string }

// read groups the results of files by scenario and peer; the keys are in the
// order of the scenarios.
func read(files []string) (rows map[cell][]load.Result, keys []cell, err error) {
	rows = map[cell][]load.Result{}
	var order []string
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, nil, err
		}
		s := bufio.NewScanner(f)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			var r load.Result
			if json.Unmarshal(s.Bytes(), &r) != nil || r.ForwardedPkts == 0 {
				continue // it did not come to a measurement
			}
			k := cell{r.Scenario, r.Peer}
			if rows[k] == nil {
				keys = append(keys, k)
			}
			if !slices.Contains(order, r.Scenario) {
				order = append(order, r.Scenario)
			}
			rows[k] = append(rows[k], r)
		}
		if err := errors.Join(s.Err(), f.Close()); err != nil {
			return nil, nil, err
		}
	}
	slices.SortStableFunc(keys, func(a, b cell) int { return slices.Index(order, a.scenario) - slices.Index(order, b.scenario) })
	return rows, keys, nil
}

// median of a value over results, with the least and the most.
func median(rs []load.Result, f func(load.Result) float64) (mid, lo, hi float64) {
	v := make([]float64, len(rs))
	for i, r := range rs {
		v[i] = f(r)
	}
	slices.Sort(v)
	n := len(v)
	mid = v[n/2]
	if n%2 == 0 {
		mid = (v[n/2-1] + v[n/2]) / 2
	}
	return mid, v[0], v[n-1]
}

func cost(r load.Result) float64 { return r.UsPerPkt }

// report prints a Markdown table of medians for each scenario and peer, and
// the figures.
func report(w io.Writer, files []string) error {
	rows, keys, err := read(files)
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "| scenario | SFU | µs CPU/fwd pkt (min–max) | user/sys % | server core % | fwd pkt/s | loss % | p50 / p95 / p99 ms | RSS MiB | ctx sw/s | join ms (first media) | gen core % | reps |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, k := range keys {
		rs := rows[k]
		one := func(f func(load.Result) float64) float64 { x, _, _ := median(rs, f); return x }
		us, lo, hi := median(rs, cost)
		fmt.Fprintf(w, "| %s | %s | **%.1f** (%.1f–%.1f) | %.0f/%.0f | %.0f | %.0f | %.3f | ",
			k.scenario, k.peer, us, lo, hi,
			one(func(r load.Result) float64 { return 100 * r.ServerUserS / r.ServerCPUs }),
			one(func(r load.Result) float64 { return 100 * r.ServerSysS / r.ServerCPUs }),
			one(func(r load.Result) float64 { return r.ServerCorePct }),
			one(func(r load.Result) float64 { return r.ForwardedPps }),
			one(func(r load.Result) float64 { return r.LossPct }))
		if k.peer == limitPeer {
			fmt.Fprintf(w, "– | – | – | – | – | %d |\n", len(rs))
			continue
		}
		fmt.Fprintf(w, "%.2f / %.2f / %.2f | %.0f | %.0f | %.0f | %.0f | %d |\n",
			one(func(r load.Result) float64 { return r.P50us / 1e3 }), one(func(r load.Result) float64 { return r.P95us / 1e3 }), one(func(r load.Result) float64 { return r.P99us / 1e3 }),
			one(func(r load.Result) float64 { return r.RSSMiB }),
			one(func(r load.Result) float64 { return r.VolCtxPs + r.InvolCtxPs }),
			one(func(r load.Result) float64 { return r.JoinFirstMediaMs }),
			one(func(r load.Result) float64 { return 100 * r.GenCPUs / r.WindowS }), len(rs))
	}
	fmt.Fprintln(w)
	figures(w, rows, keys)
	return nil
}

// figures prints the bridge's cost as ratios to the others'. Each is the
// median over the repetitions of the ratio within one: what runs a minute
// apart on a shared machine compares better than what runs an hour apart.
func figures(w io.Writer, rows map[cell][]load.Result, keys []cell) {
	for _, k := range keys {
		ours := rows[cell{k.scenario, "meetbox"}]
		if k.peer == "meetbox" || len(ours) == 0 {
			continue
		}
		name := "cpu_vs_" + k.peer
		if k.peer == "meetbox@rw=1" {
			name = "cpu_classic_vs_rewriting"
		}
		var ratios []load.Result
		for _, o := range ours {
			for _, r := range rows[k] {
				if r.Rep == o.Rep && r.UsPerPkt > 0 {
					ratios = append(ratios, load.Result{UsPerPkt: o.UsPerPkt / r.UsPerPkt})
				}
			}
		}
		if len(ratios) > 0 {
			v, _, _ := median(ratios, cost)
			fmt.Fprintf(w, "figure: %s_%s %.2f ratio\n", name, k.scenario, v)
		}
	}
}
