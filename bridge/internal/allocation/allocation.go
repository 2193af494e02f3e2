// Package allocation decides what a receiver is sent: which of the others'
// video sources, and which layer of each, by what it asked for and by its
// bandwidth. It is pure.
//
// The rules are Jitsi's, so that its clients' layouts work: sources on stage
// come first and climb to a good resolution before others get anything, the
// others take turns, one layer each.
package allocation

import (
	"math"
	"slices"
)

// Unlimited is a bandwidth, or a lastN or height (-1) without limit.
const Unlimited = math.MaxInt64 / 4

const (
	// preferredHeight at preferredRate is what a large picture gets before
	// anything else improves.
	preferredHeight = 360
	preferredRate   = 30
	// small pictures have no preferred layer.
	small = 180
	// oversend is how much a shared screen on stage may exceed the bandwidth
	// rather than not be shown at all.
	oversend = 500_000
)

// Constraint is what a receiver wants of a source at most.
type Constraint struct {
	MaxHeight    int     // of the smaller side; -1 unlimited, 0 nothing
	MaxFrameRate float64 // -1 unlimited; only 0 has an effect: nothing
}

// Nothing says whether the source is not wanted at all.
func (c Constraint) Nothing() bool { return c.MaxHeight == 0 || c.MaxFrameRate == 0 }

// Settings is what a receiver asked for.
type Settings struct {
	LastN             int // -1 unlimited
	HeightLimit       int // of cameras, whatever is asked for; 0 for none
	OnStage, Selected []string
	Default           Constraint
	Constraints       map[string]Constraint // by source name
}

// Wanted is what was asked for of a source.
func (s *Settings) Wanted(name string) Constraint {
	if c, ok := s.Constraints[name]; ok {
		return c
	}
	return s.Default
}

// Layer is one thing that can be sent of a source: of an encoding one spatial
// layer (0 where there are none), up to a temporal layer.
type Layer struct {
	Encoding, SID, TID int
	Height             int
	FrameRate          float64 // 0 is unknown
	Bitrate            int64   // bit/s, with the layers it builds on; 0 is inactive
}

// Source is one video source of another endpoint.
type Source struct {
	Name    string
	Enabled bool // its type is one that can be shown
	Desktop bool
	Layers  []Layer // lowest first
}

// Choice is the outcome for one source.
type Choice struct {
	Constraint Constraint // after lastN; what its sender is told
	Target     *Layer     // nil: nothing is sent
	Ideal      *Layer     // what unlimited bandwidth would give
	Why        Reason
}

// Reason is why a receiver is sent no more of a source, for people who wonder.
type Reason string

// The reasons, the first that applies.
const (
	Satisfied    Reason = ""             // it is sent all that it asked for
	Off          Reason = "off"          // the source shows nothing
	NotAsked     Reason = "not asked"    // the receiver does not want it
	BeyondLastN  Reason = "last-n"       // the receiver wants others first
	TooHigh      Reason = "height limit" // more lines than anybody is sent now
	ForBandwidth Reason = "bandwidth"    // the receiver's line takes no more
	NotSent      Reason = "sender"       // its sender sends nothing, or nothing better
)

// Sort puts the sources in the order in which they are served, given the
// order of their owners: on stage, selected, the other enabled ones, the rest.
// It returns indexes.
func Sort(sources []Source, s Settings) []int {
	rank := func(i int) int {
		src := &sources[i]
		if !src.Enabled {
			return math.MaxInt
		}
		if at := slices.Index(s.OnStage, src.Name); at >= 0 {
			return at
		}
		if at := slices.Index(s.Selected, src.Name); at >= 0 {
			return len(s.OnStage) + at
		}
		return math.MaxInt - 1
	}
	order := make([]int, len(sources))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp(rank(a), rank(b)) })
	return order
}

func cmp(a, b int) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Allocate decides for all sources, which are in the order of their owners.
// The result has the same order.
func Allocate(sources []Source, s Settings, bandwidth int64) []Choice {
	order := Sort(sources, s)
	choices := make([]Choice, len(sources))
	taken := 0
	for _, i := range order {
		src := &sources[i]
		c := s.Wanted(src.Name)
		why := Satisfied
		switch {
		case !src.Enabled:
			c, why = Constraint{}, Off
		case c.Nothing():
			why = NotAsked
		case s.LastN >= 0 && taken >= s.LastN:
			c, why = Constraint{}, BeyondLastN
		}
		if c.MaxFrameRate == 0 {
			c.MaxHeight = 0
		}
		if s.HeightLimit > 0 && !src.Desktop && (c.MaxHeight < 0 || c.MaxHeight > s.HeightLimit) {
			c.MaxHeight, why = s.HeightLimit, TooHigh
		}
		choices[i].Why = why
		if !c.Nothing() {
			taken++
		}
		choices[i].Constraint = c
	}
	var all []single
	for _, i := range order {
		if c := choices[i].Constraint; !c.Nothing() {
			one := candidates(&sources[i], c, slices.Contains(s.OnStage, sources[i].Name))
			one.index = i
			all = append(all, one)
		}
	}
	share(all, bandwidth)
	for _, one := range all {
		c := &choices[one.index]
		c.Target = one.at(one.target)
		c.Ideal = one.at(len(one.layers) - 1)
		c.Why = c.limit()
	}
	return choices
}

// limit is why a source that is wanted is not sent better than it is.
func (c *Choice) limit() Reason {
	switch {
	case c.Ideal == nil || c.Ideal.Bitrate == 0:
		return NotSent
	case c.Target == nil || *c.Target != *c.Ideal:
		return ForBandwidth
	case c.Why == Satisfied && c.Constraint.MaxHeight > c.Ideal.Height:
		return NotSent
	}
	return c.Why
}

// share is the rounds of improvement.
func share(all []single, bandwidth int64) {
	remaining := bandwidth
	oversending := false
	for before := remaining + 1; remaining != before && !oversending; {
		before = remaining
		for i := range all {
			one := &all[i]
			remaining -= one.improve(remaining, i == 0)
			oversending = oversending || remaining < 0
			if one.onStage && one.target < one.preferred {
				break
			}
		}
	}
}

// single is the allocation to one source.
type single struct {
	index               int
	onStage             bool
	sharp               bool    // a text that can be read comes before one that scrolls smoothly
	layers              []Layer // candidates
	preferred, oversend int     // indexes in them; -1 for none
	target              int
}

func (o *single) at(i int) *Layer {
	if i < 0 {
		return nil
	}
	return &o.layers[i]
}

func (o *single) bitrate() int64 {
	if o.target < 0 {
		return 0
	}
	return o.layers[o.target].Bitrate
}

// improve takes a better layer where the budget allows it, and returns what
// that costs.
func (o *single) improve(remaining int64, mayOversend bool) int64 {
	if len(o.layers) == 0 {
		return 0
	}
	was := o.bitrate()
	budget := remaining + was
	switch {
	case o.sharp:
		o.sharpen(budget)
	case o.target < 0 && o.onStage:
		for o.target < o.preferred && o.layers[o.target+1].Bitrate <= budget {
			o.target++
		}
	case o.target+1 < len(o.layers) && o.layers[o.target+1].Bitrate < budget:
		o.target++
	}
	if o.target >= 0 {
		for i := o.target + 1; i < len(o.layers); i++ {
			if o.layers[i].Bitrate <= o.layers[o.target].Bitrate {
				o.target = i
			}
		}
	}
	if mayOversend && o.oversend > o.target {
		i := o.oversend
		for i > o.target && (o.layers[i].Bitrate > budget+oversend || o.target >= 0 && o.layers[i].Height == o.layers[o.target].Height) {
			i--
		}
		// Lines are worth it, frames are not.
		for i-1 > o.target && o.layers[i-1].Height == o.layers[i].Height {
			i--
		}
		o.target = i
	}
	return o.bitrate() - was
}

// sharpen takes the next better layer of a shared screen, or on stage the best,
// within a budget: of more lines if any such fits, else of more frames.
func (o *single) sharpen(budget int64) {
	for {
		lines := 0
		if o.target >= 0 {
			lines = o.layers[o.target].Height
		}
		next := slices.IndexFunc(o.layers, func(l Layer) bool { return l.Height > lines && l.Bitrate <= budget })
		if i := o.target + 1; next < 0 && i > 0 && i < len(o.layers) && o.layers[i].Height == lines && o.layers[i].Bitrate <= budget {
			next = i
		}
		if next < 0 {
			return
		}
		if o.target = next; !o.onStage {
			return
		}
	}
}

// candidates are the layers that make sense under a constraint.
func candidates(src *Source, c Constraint, onStage bool) single {
	one := single{onStage: onStage, preferred: -1, oversend: -1, target: -1}
	layers := src.Layers
	if i := slices.IndexFunc(layers, func(l Layer) bool { return l.Bitrate > 0 }); i >= 0 {
		layers = slices.DeleteFunc(slices.Clone(layers), func(l Layer) bool { return l.Bitrate == 0 })
	}
	if len(layers) == 0 {
		return one
	}
	maxHeight := c.MaxHeight
	if maxHeight < 0 {
		maxHeight = math.MaxInt
	}
	if src.Desktop {
		one.desktop(layers, maxHeight)
	} else {
		one.camera(layers, maxHeight)
	}
	return one
}

func lowest(layers []Layer) int {
	h := math.MaxInt
	for _, l := range layers {
		h = min(h, l.Height)
	}
	return h
}

func (o *single) camera(layers []Layer, maxHeight int) {
	floor, height, rate := lowest(layers), -1, -1.0
	if maxHeight > small {
		height, rate = preferredHeight, preferredRate
	}
	for _, l := range layers {
		smooth := l.FrameRate == 0 || l.FrameRate >= rate
		if l.Height < height || l.Height <= maxHeight && smooth || l.Height == floor {
			if l.Height <= max(height, floor) {
				o.preferred = len(o.layers)
			}
			o.layers = append(o.layers, l)
		}
	}
}

func (o *single) desktop(layers []Layer, maxHeight int) {
	o.sharp = true
	maxHeight = max(maxHeight, lowest(layers))
	for _, l := range layers {
		if l.Height <= maxHeight {
			o.layers = append(o.layers, l)
		}
	}
	o.preferred = len(o.layers) - 1
	if !o.onStage || o.preferred < 0 {
		return
	}
	top := o.layers[o.preferred].Height
	o.oversend = slices.IndexFunc(o.layers, func(l Layer) bool { return l.Height == top })
}
