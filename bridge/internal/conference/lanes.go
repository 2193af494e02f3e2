package conference

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"meetbox.local/bridge/internal/channel"
	"meetbox.local/bridge/internal/projection"
)

// This file is about which lanes exist and what they carry. All of it runs on
// the conference's goroutine.

// newVideoLane makes a lane of the endpoint.
func (e *Endpoint) newVideoLane(ssrc, rtx uint32, mid string) *videoLane {
	l := &videoLane{rtxSSRC: rtx, target: nothing()}
	l.to, l.ssrc, l.mid = e, ssrc, mid
	l.stream = e.stream(ssrc)
	if rtx != 0 {
		l.rtx = e.stream(rtx)
	}
	l.proj = *projection.New()
	return l
}

// retire ends what a lane carries and gives its memory back. Its numbers
// stay.
func (l *videoLane) retire() {
	l.aim(nothing())
	l.mu.Lock()
	defer l.mu.Unlock()
	l.source, l.target, l.sent = nil, nothing(), nil
}

// publishLanes renews the table for the receiver's own RTCP.
func (e *Endpoint) publishLanes() {
	t := &sendLanes{audio: map[uint32]*audioLane{}, video: map[uint32]*videoLane{}}
	for _, l := range e.videoLanes {
		t.video[l.ssrc] = l
		if l.rtxSSRC != 0 {
			t.video[l.rtxSSRC] = l
		}
	}
	for _, l := range e.audioLanes {
		t.audio[l.ssrc] = l
	}
	e.lanes.Store(t)
}

// freeSSRC is one that the endpoint neither sends nor is sent.
func (e *Endpoint) freeSSRC() uint32 {
	for {
		ssrc := randomSSRC()
		_, own := (*e.routes.Load())[ssrc]
		t := e.lanes.Load()
		if !own && t.video[ssrc] == nil && t.audio[ssrc] == nil &&
			ssrc != e.conf.feedbackAudio && ssrc != e.conf.feedbackVideo {
			return ssrc
		}
	}
}

// mapVideo gives slots to the wanted sources, the most wanted first, and
// announces what is new.
func (e *Endpoint) mapVideo(wanted []*videoSource) {
	keys := make([]uint32, len(wanted))
	by := make(map[uint32]*videoSource, len(wanted))
	for i, s := range wanted {
		keys[i] = s.primary()
		by[s.primary()] = s
	}
	changes := e.videoSlots.Want(keys)
	for _, c := range changes {
		l := e.videoBy[c.Slot]
		if c.New {
			mid := ""
			if e.cfg.MIDDemux {
				mid = fmt.Sprintf("v%d", c.Slot)
			}
			ssrc := e.freeSSRC()
			l = e.newVideoLane(ssrc, 0, mid)
			e.videoLanes[ssrc], e.videoBy[c.Slot] = l, l
			e.publishLanes() // so that the next free one differs
			l.rtxSSRC = e.freeSSRC()
			l.rtx = e.stream(l.rtxSSRC)
			e.publishLanes()
		} else if l.source != nil {
			e.conf.dirtySubs[l.source] = true
		}
		l.announced = false
		l.put(by[c.Key])
		e.conf.dirtySubs[by[c.Key]] = true
	}
	for _, s := range wanted {
		slot, ok := e.videoSlots.Slot(s.primary())
		if l := e.videoBy[slot]; ok && l.source != s { // the same SSRC, signalled anew
			l.announced = l.announced && l.source != nil && l.source.name == s.name && l.source.owner == s.owner
			l.put(s)
			e.conf.dirtySubs[s] = true
		}
	}
	e.announceVideo(false)
}

// announceVideo sends the mappings that the client does not know, or all. A
// lane carries nothing before.
func (e *Endpoint) announceVideo(all bool) {
	var m channel.VideoSourcesMap
	var told []*videoLane
	e.videoSlots.All(func(_ uint32, slot int) bool {
		l := e.videoBy[slot]
		if l.source != nil && (all || !l.announced) {
			m.MappedSources = append(m.MappedSources, channel.MappedVideo{
				Source: l.source.name, Owner: l.source.owner.cfg.ID, SSRC: l.ssrc, RTX: l.rtxSSRC,
				VideoType: l.source.videoType, Mid: l.mid,
			})
			told = append(told, l)
		}
		return true
	})
	if len(told) == 0 || !e.send(&m) {
		return
	}
	for _, l := range told {
		if !l.announced {
			l.announced = true
			e.conf.dirtySubs[l.source] = true
		}
	}
}

// hearsSource says whether the endpoint wants an audio source.
func (e *Endpoint) hearsSource(s *audioSource) bool {
	switch {
	case slices.Contains(e.hears.Exclude, s.Name):
		return false
	case slices.Contains(e.hears.Include, s.Name):
		return true
	}
	return e.hears.All && !s.Synthetic && s.owner != e
}

// audioIdle is how long a source is silent before its slot may go to another.
const audioIdle = int64(500 * time.Millisecond)

// mapAudio gives an audio source a slot, the least recently heard one if none
// is free; nil when all are in use.
func (e *Endpoint) mapAudio(s *audioSource) *audioLane {
	if slot, ok := e.audioSlots.Slot(s.SSRC); ok {
		l := e.audioBy[slot]
		if l.source != s { // the same SSRC, signalled anew
			l.announced = l.announced && l.source != nil && l.source.Name == s.Name && l.source.owner == s.owner
			l.put(s)
		}
		return l
	}
	if e.audioSlots.Room() == 0 && e.conf.bridge.port.now()-e.orderAudio() < audioIdle {
		return nil
	}
	c := e.audioSlots.Want([]uint32{s.SSRC})[0]
	l := e.audioBy[c.Slot]
	if c.New {
		l = new(audioLane)
		if e.cfg.MIDDemux {
			l.mid = fmt.Sprintf("a%d", c.Slot)
		}
		l.to, l.ssrc = e, e.freeSSRC()
		l.stream = e.stream(l.ssrc)
		e.audioLanes[l.ssrc], e.audioBy[c.Slot] = l, l
		e.publishLanes()
	} else if l.source != nil {
		e.conf.dirtySubs[l.source] = true
		l.source.wanted.Store(true) // when it speaks again, it needs another
	}
	l.announced = false
	l.put(s)
	return l
}

// orderAudio touches the slots in the order in which their sources spoke, so
// that the one that has been silent the longest is given away. It returns when
// that one last spoke.
func (e *Endpoint) orderAudio() int64 {
	type spoke struct {
		key uint32
		at  int64
	}
	var list []spoke
	e.audioSlots.All(func(key uint32, slot int) bool {
		var at int64
		if s := e.audioBy[slot].source; s != nil {
			s.owner.rx.Lock()
			at = s.last
			s.owner.rx.Unlock()
		}
		list = append(list, spoke{key, at})
		return true
	})
	slices.SortFunc(list, func(a, b spoke) int {
		switch {
		case a.at > b.at:
			return -1
		case a.at < b.at:
			return 1
		}
		return 0
	})
	keys := make([]uint32, len(list))
	for i, x := range list {
		keys[i] = x.key
	}
	e.audioSlots.Want(keys)
	return list[len(list)-1].at
}

// announceAudio sends the mappings that the client does not know, or all.
func (e *Endpoint) announceAudio(all bool) {
	var m channel.AudioSourcesMap
	var told []*audioLane
	e.audioSlots.All(func(_ uint32, slot int) bool {
		l := e.audioBy[slot]
		if l.source != nil && (all || !l.announced) {
			m.MappedSources = append(m.MappedSources, channel.MappedAudio{
				Source: l.source.Name, Owner: l.source.owner.cfg.ID, SSRC: l.ssrc, Mid: l.mid,
			})
			told = append(told, l)
		}
		return true
	})
	if len(told) == 0 || !e.send(&m) {
		return
	}
	for _, l := range told {
		if !l.announced {
			l.announced = true
			e.conf.dirtySubs[l.source] = true
		}
	}
}

// audioWanted gives a source that has begun to speak a slot at each receiver
// that has none for it.
func (c *Conference) audioWanted(s *audioSource) {
	for _, e := range *c.members.Load() {
		if !e.cfg.SSRCRewriting || !e.hearsSource(s) {
			continue
		}
		if e.mapAudio(s) == nil {
			s.wanted.Store(true) // the next packet tries again
		}
		e.announceAudio(false)
	}
	c.dirtySubs[s] = true
}

// subscribe makes the list of the lanes that a source goes out on.
func (s *audioSource) subscribe() {
	var list []*audioLane
	included := false
	for _, e := range sorted(s.owner.conf) {
		included = included || slices.Contains(e.hears.Include, s.Name)
		if !e.connected || !e.hearsSource(s) {
			continue
		}
		var l *audioLane
		if e.cfg.SSRCRewriting {
			if slot, ok := e.audioSlots.Slot(s.SSRC); ok {
				l = e.audioBy[slot]
			}
			if l == nil {
				s.wanted.Store(true)
				continue
			}
			if !l.announced {
				continue
			}
		} else if l = e.audioLanes[s.SSRC]; l == nil {
			l = new(audioLane)
			l.to, l.ssrc, l.stream = e, s.SSRC, e.stream(s.SSRC)
			e.audioLanes[s.SSRC] = l
			e.publishLanes()
		}
		if l.source != s || !slices.Contains(*s.subs.Load(), l) {
			l.put(s)
		}
		list = append(list, l)
	}
	s.included.Store(included)
	s.subs.Store(&list)
}

// subscribe makes the list of the lanes that a source goes out on, and asks
// for a keyframe for those that are new.
func (s *videoSource) subscribe() {
	c := s.owner.conf
	var list []*videoLane
	fresh := false
	for _, e := range sorted(c) {
		if !e.connected || !e.forwarding[s] {
			continue
		}
		l := e.lane(s)
		if l == nil || e.cfg.SSRCRewriting && !l.announced {
			continue
		}
		fresh = fresh || !slices.Contains(*s.subs.Load(), l)
		list = append(list, l)
	}
	s.subs.Store(&list)
	if fresh {
		s.refresh()
	}
}

// lane is the endpoint's lane for a source; nil when there is none.
func (e *Endpoint) lane(s *videoSource) *videoLane {
	if !e.cfg.SSRCRewriting {
		if l := e.videoLanes[s.primary()]; l != nil && l.source == s {
			return l
		}
		return nil
	}
	if slot, ok := e.videoSlots.Slot(s.primary()); ok && e.videoBy[slot].source == s {
		return e.videoBy[slot]
	}
	return nil
}

// classicLane is the lane of a source under the source's own SSRC.
func (e *Endpoint) classicLane(s *videoSource) *videoLane {
	l := e.videoLanes[s.primary()]
	if l == nil {
		l = e.newVideoLane(s.primary(), s.encodings[0].rtx, "")
		e.videoLanes[s.primary()] = l
		e.publishLanes()
	}
	if rtx := s.encodings[0].rtx; l.rtxSSRC != rtx { // signalled anew
		l.retransmitAs(rtx)
		e.publishLanes()
	}
	if l.source != s {
		l.put(s)
	}
	return l
}

// retransmitAs changes the SSRC of a lane's retransmissions; 0 for none.
func (l *videoLane) retransmitAs(ssrc uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rtxSSRC, l.rtx = ssrc, nil
	if ssrc != 0 {
		l.rtx = l.to.stream(ssrc)
	}
}

// abandon forgets an endpoint that left: its slots are not used again.
func (e *Endpoint) abandon(gone *Endpoint) {
	for slot, l := range e.videoBy {
		if l.source == nil || l.source.owner != gone {
			continue
		}
		e.videoSlots.Abandon(l.source.primary())
		l.retire()
		e.former.add(&l.egress)
		delete(e.videoBy, slot)
		delete(e.videoLanes, l.ssrc)
	}
	for slot, l := range e.audioBy {
		if l.source == nil || l.source.owner != gone {
			continue
		}
		e.audioSlots.Abandon(l.source.SSRC)
		l.put(nil)
		e.former.add(&l.egress)
		delete(e.audioBy, slot)
		delete(e.audioLanes, l.ssrc)
	}
	if !e.cfg.SSRCRewriting {
		for _, l := range e.audioLanes {
			if l.source != nil && l.source.owner == gone {
				l.put(nil)
			}
		}
	}
	maps.DeleteFunc(e.forwarding, func(s *videoSource, _ bool) bool { return s.owner == gone })
	e.publishLanes()
}

// sorted are the members in a fixed order.
func sorted(c *Conference) []*Endpoint {
	members := *c.members.Load()
	list := make([]*Endpoint, 0, len(members))
	for _, id := range slices.Sorted(maps.Keys(members)) {
		list = append(list, members[id])
	}
	return list
}
