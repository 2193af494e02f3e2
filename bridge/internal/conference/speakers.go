package conference

import (
	"slices"

	"meetbox.local/bridge/internal/channel"
	"meetbox.local/bridge/internal/speech"
)

// recentSpeakers is how many speakers before the dominant one are told.
const recentSpeakers = 10

// speakers decides who is the dominant speaker.
func (c *Conference) speakers(now int64) {
	var voices []*Endpoint
	var scores []speech.Scores
	current := -1
	for _, e := range c.order {
		e.rx.Lock()
		spoke := e.receiving.spoke
		var s speech.Scores
		if spoke {
			s = e.receiving.voice.Scores(now)
		}
		e.rx.Unlock()
		if !spoke {
			continue
		}
		if e == c.dominant {
			current = len(voices)
		}
		voices, scores = append(voices, e), append(scores, s)
	}
	if i := speech.Dominant(scores, current); i >= 0 && voices[i] != c.dominant {
		c.becomeDominant(voices[i])
	}
}

func (c *Conference) becomeDominant(e *Endpoint) {
	if c.dominant != nil {
		c.dominant.floor.Store(false)
	}
	e.floor.Store(true)
	c.dominant = e
	c.bridge.totals.dominantChanges.Add(1)
	c.order = append([]*Endpoint{e}, slices.DeleteFunc(c.order, func(x *Endpoint) bool { return x == e })...)
	c.recent = slices.DeleteFunc(c.recent, func(id string) bool { return id == e.cfg.ID })
	c.recent = slices.Insert(c.recent, 0, e.cfg.ID)
	if len(c.recent) > recentSpeakers+1 {
		c.recent = c.recent[:recentSpeakers+1]
	}
	c.dirty = true
	c.everyone(c.dominantSpeaker(), nil)
}

// forget takes an endpoint that left out of the speakers.
func (c *Conference) forget(e *Endpoint) {
	before := len(c.recent)
	c.recent = slices.DeleteFunc(c.recent, func(id string) bool { return id == e.cfg.ID })
	if c.dominant == e {
		c.dominant = nil // the next decision finds another
		return
	}
	if len(c.recent) != before && c.dominant != nil {
		c.everyone(c.dominantSpeaker(), nil)
	}
}

func (c *Conference) dominantSpeaker() *channel.DominantSpeaker {
	m := &channel.DominantSpeaker{Endpoint: c.dominant.cfg.ID}
	for _, id := range c.recent {
		if id != m.Endpoint {
			m.Previous = append(m.Previous, id)
		}
	}
	return m
}
