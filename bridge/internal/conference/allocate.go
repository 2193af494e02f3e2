package conference

import (
	"slices"

	"meetbox.local/bridge/internal/allocation"
	"meetbox.local/bridge/internal/channel"
	"meetbox.local/bridge/internal/projection"
	"meetbox.local/bridge/internal/rtp"
)

// allocate decides anew what each receiver is sent, and tells everyone
// concerned: receivers which sources they get and under which SSRC, senders
// what is still wanted of them.
func (c *Conference) allocate() {
	order := c.videoOrder()
	var sources []*videoSource
	for _, e := range order {
		sources = append(sources, e.videoSources...)
	}
	described := make([]allocation.Source, len(sources))
	for i, s := range sources {
		described[i] = s.describe()
	}
	for _, e := range sorted(c) {
		c.allocateFor(e, sources, described)
	}
	now := c.bridge.port.now()
	for _, s := range sources {
		if s.unkeyed {
			s.unkeyed = false
			s.refresh()
		}
		s.tell(now)
	}
}

// videoOrder is the endpoints in the order in which their video matters: the
// latest speakers first, those without video last.
func (c *Conference) videoOrder() []*Endpoint {
	order := slices.Clone(c.order)
	slices.SortStableFunc(order, func(a, b *Endpoint) int { return a.withoutVideo() - b.withoutVideo() })
	return order
}

func (e *Endpoint) withoutVideo() int {
	for _, s := range e.videoSources {
		if s.videoType.Enabled() {
			return 0
		}
	}
	return 1
}

// describe is a source as the allocation sees it.
func (s *videoSource) describe() allocation.Source {
	d := allocation.Source{
		Name: s.name, Enabled: s.videoType.Enabled(),
		Desktop: s.videoType == channel.Desktop || s.videoType == channel.DesktopHighFPS,
	}
	s.owner.rx.Lock()
	defer s.owner.rx.Unlock()
	for _, e := range s.encodings {
		d.Layers = e.describe(d.Layers)
	}
	return d
}

// describe appends the layers of an encoding, lowest first. The owner's rx is
// locked.
func (e *encoding) describe(to []allocation.Layer) []allocation.Layer {
	var below int64 // bit rate of the spatial layers that the next builds on
	for sid := range e.spatial {
		x := &e.spatial[sid]
		if sid > 0 && (x.tids == 0 || e.layers > 0 && sid >= int(e.layers)) {
			break
		}
		tids := max(x.tids, 1)
		sum := below
		for tid := range tids {
			sum += x.rates.bitrate[tid]
			l := allocation.Layer{
				Encoding: e.index, SID: sid, TID: tid, Height: int(x.height.Load()),
				FrameRate: 30 / float64(int(1)<<(tids-1-tid)), Bitrate: sum,
			}
			if tid == tids-1 {
				l.TID = projection.AllLayers
			}
			switch {
			case !x.active.Load():
				l.Bitrate = 0
			case sum == below:
				l.Bitrate = guess(l.Height) * int64(tid+1) / int64(tids)
			}
			to = append(to, l)
		}
		if e.stacked {
			below = sum
		}
	}
	return to
}

// allocateFor decides for one receiver.
func (c *Conference) allocateFor(e *Endpoint, all []*videoSource, described []allocation.Source) {
	sources := make([]*videoSource, 0, len(all))
	views := make([]allocation.Source, 0, len(all))
	for i, s := range all {
		if s.owner != e {
			sources, views = append(sources, s), append(views, described[i])
		}
	}
	settings := e.settings
	thin := thinned[c.thinning]
	settings.HeightLimit = thin.height
	if settings.LastN < 0 || thin.lastN > 0 && settings.LastN > thin.lastN {
		settings.LastN = thin.lastN
	}
	if e.cfg.SSRCRewriting && (settings.LastN < 0 || settings.LastN > c.bridge.opts.MaxVideoSlots) {
		settings.LastN = c.bridge.opts.MaxVideoSlots
	}
	order := allocation.Sort(views, settings)
	choices := allocation.Allocate(views, settings, e.line.bandwidth)
	e.line.note(choices)

	if e.cfg.SSRCRewriting && e.asked {
		e.mapVideo(slotOrder(e, sources, views, choices, order))
	}
	forwarded := []string{}
	clear(e.decided) // let go of sources that are gone
	e.decided = e.decided[:0]
	for _, i := range order {
		s, choice := sources[i], choices[i]
		e.decided = append(e.decided, decision{s, choice, settings.Wanted(s.name).MaxHeight})
		s.wants[e] = choice.Constraint.MaxHeight
		if choice.Constraint.Nothing() {
			s.wants[e] = 0
		}
		e.aim(s, choice, views[i].Layers)
		if choice.Target != nil {
			forwarded = append(forwarded, s.name)
		}
	}
	e.tellForwarded(forwarded)
}

// slotOrder is which sources should have a slot: those that are wanted, and
// as long as there is room those that could be.
func slotOrder(e *Endpoint, sources []*videoSource, views []allocation.Source, choices []allocation.Choice, order []int) []*videoSource {
	var wanted, spare []*videoSource
	for _, i := range order {
		switch {
		case !views[i].Enabled:
		case !choices[i].Constraint.Nothing():
			wanted = append(wanted, sources[i])
		default:
			if _, ok := e.videoSlots.Slot(sources[i].primary()); !ok {
				spare = append(spare, sources[i])
			}
		}
	}
	need := 0
	for _, s := range wanted {
		if _, ok := e.videoSlots.Slot(s.primary()); !ok {
			need++
		}
	}
	room := max(0, e.videoSlots.Room()-need)
	return append(wanted, spare[:min(room, len(spare))]...)
}

// aim makes the receiver's lane for a source carry a layer of it, or nothing.
func (e *Endpoint) aim(s *videoSource, c allocation.Choice, layers []allocation.Layer) {
	l := e.lane(s)
	if c.Target != nil && l == nil && !e.cfg.SSRCRewriting {
		l = e.classicLane(s)
	}
	on := c.Target != nil && l != nil
	if e.forwarding[s] != on {
		if on {
			e.forwarding[s] = true
		} else {
			delete(e.forwarding, s)
		}
		e.conf.dirtySubs[s] = true
	}
	if l == nil {
		return
	}
	a := nothing()
	if on {
		t := projection.Target{Encoding: c.Target.Encoding, SID: c.Target.SID, TID: c.Target.TID, Spare: c.Why == allocation.ForBandwidth}
		a = aim{t, t.Encoding, t.SID}
		if *c.Target == *c.Ideal { // not for want of bandwidth
			for _, x := range layers {
				if x.Height <= c.Constraint.MaxHeight || c.Constraint.MaxHeight < 0 {
					a.encodings, a.layers = max(a.encodings, x.Encoding), max(a.layers, x.SID)
				}
			}
			if !s.encodings[t.Encoding].active() {
				a.layers = rtp.MaxSpatial // the first keyframe will tell
			}
		}
	}
	if l.target != a {
		l.target = a
		// A sender that begins to send an encoding does so with a keyframe.
		if l.aim(a) && s.encodings[a.Encoding].active() {
			s.unkeyed = true
		}
	}
}

// tellForwarded sends ForwardedSources when the set has changed.
func (e *Endpoint) tellForwarded(names []string) {
	slices.Sort(names)
	if e.toldAny && slices.Equal(names, e.toldSources) || !e.toldAny && len(names) == 0 {
		return
	}
	e.toldSources, e.toldAny = names, true
	e.send(&channel.ForwardedSources{ForwardedSources: names})
}
