package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"meetbox.local/scripts/bench/internal/load"
	"meetbox.local/scripts/bench/internal/netlab"
)

// Sizes of one room, and numbers of rooms of five. In each room two people
// send, which is about what happens in a large meeting, and all others watch.
var (
	roomSizes  = []int{3, 5, 10, 20, 40, 70, 100}
	roomCounts = []int{1, 5, 10, 20, 35, 50}
)

const (
	senders  = 2
	roomSize = 5
)

// sizes measures what the bridge costs by people in a room, and by rooms, and
// fits straight lines to it.
func sizes(ctx context.Context, args []string) (err error) {
	g := newGenFlags("sizes")
	r := &runner{g: g, tag: "sizes", srvCore: "0", genCore: "1"}
	g.fs.StringVar(&r.peers, "bin", "bin/bench", "folder with the harness's programs")
	g.fs.StringVar(&r.meetbox, "meetbox", "bin", "folder with Meetbox's programs")
	g.fs.StringVar(&r.results, "results", "bin/bench/results", "folder for results")
	g.fs.StringVar(&r.nice, "nice", "-15", "nice value of server and generator; fifo: real-time")
	for name, value := range map[string]string{"light": "true", "gro": "true", "window": "5s", "settle": "3s", "gap": "10ms"} {
		if err := g.fs.Set(name, value); err != nil {
			return err
		}
	}
	if err := g.fs.Parse(args); err != nil {
		return err
	}
	for _, dir := range []*string{&r.peers, &r.meetbox, &r.results} {
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
	if r.file, err = os.Create(filepath.Join(r.results, "sizes.jsonl")); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.file.Close()) }()
	var people, rooms []scenario
	for _, n := range roomSizes {
		people = append(people, scenario{name: fmt.Sprintf("%d in a room", n), p: senders, s: n - senders})
	}
	for _, n := range roomCounts {
		rooms = append(rooms, scenario{name: fmt.Sprintf("%d rooms of %d", n, roomSize), p: senders, s: roomSize - senders, rooms: n})
	}
	byPeople, err := r.grow(ctx, "people", people, func(s scenario) float64 { return float64(s.p + s.s) })
	if err != nil {
		return err
	}
	byRooms, err := r.grow(ctx, "rooms", rooms, func(s scenario) float64 { return float64(s.rooms) })
	if err != nil {
		return err
	}
	fmt.Println()
	fmt.Print(byPeople, "\n", byRooms)
	return nil
}

// grow measures scenarios and makes a table of them with the fitted lines.
func (r *runner) grow(ctx context.Context, by string, list []scenario, size func(scenario) float64) (table string, err error) {
	table = "| | forwarded packets/s | CPU, % of a core | µs a packet | resident MiB | goroutines | threads |\n|---|---|---|---|---|---|---|\n"
	var x []float64
	columns := map[string][]float64{}
	for _, s := range list {
		res, err := r.one(ctx, "meetbox", s, 0)
		show(res, err)
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if err != nil || res == nil || res.FlowsHave != res.FlowsWant {
			continue
		}
		table += row(s.name, res)
		x = append(x, size(s))
		for name, v := range map[string]float64{"CPU, % of a core": res.ServerCorePct, "resident MiB": res.RSSMiB, "goroutines": float64(res.Goroutines)} {
			columns[name] = append(columns[name], v)
		}
	}
	table += "\n"
	for _, name := range []string{"CPU, % of a core", "resident MiB", "goroutines"} {
		a, b, r2 := fit(x, columns[name])
		table += fmt.Sprintf("- %s = %.2f + %.3f × %s (R² %.3f)\n", name, a, b, by, r2)
	}
	return table, nil
}

func row(name string, r *load.Result) string {
	return fmt.Sprintf("| %s | %.0f | %.1f | %.1f | %.0f | %d | %d |\n", name, r.ForwardedPps, r.ServerCorePct, r.UsPerPkt, r.RSSMiB, r.Goroutines, r.Threads)
}

// fit is the straight line a + b·x of least squares, and how much of y's
// variance it explains.
func fit(x, y []float64) (a, b, r2 float64) {
	n := float64(len(x))
	if n < 2 {
		return math.NaN(), math.NaN(), math.NaN()
	}
	var mx, my float64
	for i := range x {
		mx, my = mx+x[i]/n, my+y[i]/n
	}
	var xx, xy, yy float64
	for i := range x {
		xx, xy, yy = xx+(x[i]-mx)*(x[i]-mx), xy+(x[i]-mx)*(y[i]-my), yy+(y[i]-my)*(y[i]-my)
	}
	b = xy / xx
	if yy == 0 {
		return my, 0, 1
	}
	return my - b*mx, b, xy * xy / (xx * yy)
}
