// Package diagnostics looks for the first broken link in the chain from the
// cable to a call.
//
// The links are in an order in which each needs some of those before it. What
// depends on a broken one is not tried: the first broken link is the one to
// mend.
package diagnostics

import (
	"context"
	"slices"
	"time"

	"meetbox.local/appliance/api"
)

// Link is one link of the chain.
type Link struct {
	Name  string
	Needs []string
	// Look says how the link is. It ends with ctx.
	Look func(ctx context.Context) Finding
	// Time is how long it may take; zero: linkTime.
	Time time.Duration
}

// Finding is what a link looks like.
type Finding struct {
	State        api.CheckState
	Text, Advice string
}

const linkTime = 10 * time.Second

// OK, Broken, Unclear and Skipped are findings.
func OK(text string) Finding { return Finding{State: api.CheckOK, Text: text} }

// Broken is a link to mend.
func Broken(text, advice string) Finding { return Finding{api.CheckBroken, text, advice} }

// Unclear is a link of which nothing could be found out.
func Unclear(text, advice string) Finding { return Finding{api.CheckUnclear, text, advice} }

// Skipped is a link that this box does not have.
func Skipped(text string) Finding { return Finding{State: api.CheckSkipped, Text: text} }

// Run looks at the links in their order.
func Run(ctx context.Context, links []Link) api.Diagnostics {
	out := api.Diagnostics{Checks: make([]api.Check, 0, len(links))}
	var bad []string
	for _, l := range links {
		c := api.Check{Name: l.Name}
		i := slices.IndexFunc(l.Needs, func(n string) bool { return slices.Contains(bad, n) })
		if i >= 0 {
			c.State, c.Text = api.CheckSkipped, "Not tried, because of: "+l.Needs[i]+"."
			bad = append(bad, l.Name) // so that a chain of them is not tried either
			out.Checks = append(out.Checks, c)
			continue
		}
		begin := time.Now()
		f := look(ctx, l)
		c.State, c.Text, c.Advice, c.Took = f.State, f.Text, f.Advice, time.Since(begin).Milliseconds()
		if f.State == api.CheckBroken {
			bad = append(bad, l.Name)
			if out.Broken == "" {
				out.Broken = l.Name
			}
		}
		out.Checks = append(out.Checks, c)
	}
	return out
}

func look(ctx context.Context, l Link) Finding {
	limit := l.Time
	if limit == 0 {
		limit = linkTime
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return l.Look(ctx)
}
