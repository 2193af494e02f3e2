package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"time"

	"meetbox.local/scripts/bench/internal/load"
)

// satLimits say how saturation is looked for and what counts as such.
type satLimits struct {
	shape          *string
	from, to, step *int
	loss           *float64
	p99            *time.Duration
}

func satFlags(fs *flag.FlagSet) satLimits {
	return satLimits{
		fs.String("shape", "", "sat: PUBLISHERSxRECEIVERS of rooms, whose number grows; else one room of N people grows"),
		fs.Int("from", 16, "sat: first N"),
		fs.Int("to", 120, "sat: last N"),
		fs.Int("step", 4, "sat: least step of N; beyond five steps it is a fifth of N"),
		fs.Float64("maxloss", 0.1, "sat: percent of loss that counts as saturated"),
		fs.Duration("maxp99", 100*time.Millisecond, "sat: delay that counts as saturated (queues hide loss at first)"),
	}
}

// growth is what grows until a server is full.
type growth struct {
	scenario func(n int) scenario
	each     int    // people of one N
	figures  string // what is put into the figures' names
}

func (l satLimits) growth() (growth, error) {
	if *l.shape == "" {
		return growth{func(n int) scenario { return scenario{name: fmt.Sprintf("%dx%d", n, n), p: n, s: n} }, 1, "_one_room"}, nil
	}
	shapes, err := parseScenarios(*l.shape)
	if err != nil {
		return growth{}, err
	}
	s := shapes[0]
	each := s.p
	if s.p != s.s {
		each += s.s
	}
	return growth{func(n int) scenario {
		return scenario{name: fmt.Sprintf("%d rooms of %s", n, s.name), p: s.p, s: s.s, rooms: n}
	}, each, ""}, nil
}

// saturate goes up in steps, all peers at each size one after the other, and
// half a step back where one gives up. It ends with the ratio of the people
// that they carried.
func (r *runner) saturate(ctx context.Context, list []string, l satLimits) error {
	grow, err := l.growth()
	if err != nil {
		return err
	}
	best := map[string]int{}
	var nearest *load.Result // of ours, to 80 % of the core
	try := func(p string, n int) bool {
		res, err := r.one(ctx, p, grow.scenario(n), 0)
		show(res, err)
		if err != nil || res == nil || res.FlowsHave != res.FlowsWant {
			return false
		}
		if p == "meetbox" && (nearest == nil || math.Abs(res.ServerCorePct-80) < math.Abs(nearest.ServerCorePct-80)) {
			nearest = res
		}
		ok := res.LossPct < *l.loss && res.P99us < float64(l.p99.Microseconds())
		if ok {
			best[p] = max(best[p], n)
		}
		return ok
	}
	full := map[string]bool{}
	for n, step := *l.from, 0; n <= *l.to && len(full) < len(list); n += step {
		for _, p := range list {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			// Other work on the machine may spoil one window: who fails twice is
			// full.
			if full[p] || try(p, n) || try(p, n) {
				continue
			}
			full[p] = true
			if step > 1 {
				try(p, n-step/2)
			}
		}
		step = max(*l.step, n/5)
	}
	for _, p := range list {
		fmt.Printf("%s: most people with loss below %.2f%% and p99 below %v: %d\n", p, *l.loss, *l.p99, best[p]*grow.each)
	}
	if nearest != nil {
		fmt.Printf("p99 of the delay near 80 %% load: %s, %.0f %% of the core, %.0f packets/s\n", nearest.Scenario, nearest.ServerCorePct, nearest.ForwardedPps)
		fmt.Printf("figure: p99%s_near_80_load %.2f ms\n", grow.figures, nearest.P99us/1e3)
	}
	if best["livekit"] > 0 && best["meetbox"] > 0 {
		fmt.Printf("figure: saturation%s_vs_livekit %.2f ratio\n", grow.figures, float64(best["meetbox"])/float64(best["livekit"]))
	}
	return nil
}
