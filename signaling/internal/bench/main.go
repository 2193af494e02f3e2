// Bench measures what a room costs the XMPP server, beside Debian's prosody:
// make bench-signaling (docs/performance.md says what it means).
//
// A server is a fresh process for each repetition, the two take turns. The
// clients are one process, the same for both: bare WebSockets that look at
// what arrives only as far as to count it and to read its stamp. They join one
// after another, then say something at a fixed rate, all of it told to all.
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"os/signal"
	"slices"
	"strings"
)

// load is what clients do.
type load struct {
	rooms, occupants int     // of each room
	joins, rate      float64 // a second
	updates, chats   int
}

// result is one run.
type result struct {
	join, update, chat phase
	memory             float64 // KiB a session, at the peak, over what the program had when the first guests had left
	once               float64 // KiB that it took for the first guests, and kept
}

type phase struct {
	cpu        float64 // seconds
	deliveries int
	p99        float64 // ms
}

// cpu of everything after the logins.
func (r result) cpu() float64 { return r.join.cpu + r.update.cpu + r.chat.cpu }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	binary := flag.String("signaling", "bin/signaling", "our server")
	reps := flag.Int("reps", 3, "repetitions")
	only := flag.String("only", "", "measure just this server: meetbox or prosody")
	growth := flag.Bool("growth", false, "a table from 10 to 500 occupants and from 1 to 200 rooms instead")
	flag.Parse()
	if *growth {
		return grow(ctx, *binary, *only)
	}
	l := load{rooms: 1, occupants: 100, joins: 10, rate: 10, updates: 100, chats: 100}
	var ours, theirs []result
	for i := range *reps {
		for _, name := range order(i) {
			if *only != "" && name != *only {
				continue
			}
			r, err := measure(ctx, name, *binary, l)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			fmt.Printf("repetition %d, %-7s: join %.3f s, %d presence updates %.3f s, %d messages %.3f s of CPU; %.1f KiB a session, %.0f once; p99 %.1f and %.1f ms\n",
				i+1, name, r.join.cpu, l.updates, r.update.cpu, l.chats, r.chat.cpu, r.memory, r.once, r.update.p99, r.chat.p99)
			if name == "prosody" {
				theirs = append(theirs, r)
			} else {
				ours = append(ours, r)
			}
		}
	}
	if *only != "" {
		return nil
	}
	ratio := func(of func(result) float64) float64 {
		var all []float64
		for i := range ours {
			all = append(all, of(ours[i])/of(theirs[i]))
		}
		return median(all)
	}
	var p99 []float64
	for _, r := range ours {
		p99 = append(p99, max(r.update.p99, r.chat.p99))
	}
	fmt.Printf("\nratio of CPU: join %.3f, presence updates %.3f, messages %.3f\n",
		ratio(func(r result) float64 { return r.join.cpu }), ratio(func(r result) float64 { return r.update.cpu }), ratio(func(r result) float64 { return r.chat.cpu }))
	fmt.Printf("figure: cpu_vs_prosody_100 %.3f ratio\n", ratio(result.cpu))
	fmt.Printf("figure: mem_vs_prosody_session %.3f ratio\n", ratio(func(r result) float64 { return r.memory }))
	fmt.Printf("figure: fanout_p99 %.2f ms\n", median(p99))
	return nil
}

// order lets the two take turns in being first.
func order(i int) []string {
	names := []string{"meetbox", "prosody"}
	if i%2 == 1 {
		slices.Reverse(names)
	}
	return names
}

func median(all []float64) float64 {
	if len(all) == 0 {
		return math.NaN()
	}
	all = slices.Sorted(slices.Values(all))
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// grow prints how cost grows. Prosody takes part as far as one core can.
func grow(ctx context.Context, binary, only string) error {
	fmt.Println("| server | rooms | occupants of each | CPU of a join, ms | CPU of a delivery, µs | KiB a session | p99, ms |")
	fmt.Println("|" + strings.Repeat("---|", 7))
	for _, l := range []load{
		{1, 10, 20, 20, 100, 100}, {1, 50, 20, 10, 50, 50}, {1, 100, 20, 5, 25, 25}, {1, 200, 20, 5, 25, 25}, {1, 500, 20, 5, 25, 25},
		{10, 5, 50, 50, 200, 200}, {50, 5, 50, 50, 200, 200}, {100, 5, 50, 50, 200, 200}, {200, 5, 50, 50, 200, 200},
	} {
		for _, name := range order(0) {
			if only != "" && name != only || name == "prosody" && l.occupants > 100 {
				continue // its joins alone would take more than there is
			}
			r, err := measure(ctx, name, binary, l)
			if err != nil {
				return fmt.Errorf("%s, %+v: %w", name, l, err)
			}
			fmt.Printf("| %s | %d | %d | %.2f | %.1f | %.0f | %.1f |\n", name, l.rooms, l.occupants,
				1e3*r.join.cpu/float64(l.rooms*l.occupants), 1e6*(r.update.cpu+r.chat.cpu)/float64(r.update.deliveries+r.chat.deliveries),
				r.memory, max(r.update.p99, r.chat.p99))
		}
	}
	return nil
}
