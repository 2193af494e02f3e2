package conference

import (
	"time"

	"meetbox.local/bridge/internal/channel"
)

// untold is told before anybody wanted the source.
const untold = -2

const (
	// fallAfter is how long less has to be wanted of a source before its
	// owner is told. A layer that ends and begins again costs a browser new
	// encoders for all layers, during which nothing is sent, and every receiver
	// a keyframe; and layouts change back.
	fallAfter = int64(5 * time.Second)
	// fallLatest is how long a receiver may keep what is not wanted any more
	// while it waits for a keyframe of what is.
	fallLatest = int64(8 * time.Second)
)

// falling is that less is wanted of a source than its owner was told.
type falling struct {
	to    int
	since int64 // 0: it is not
}

// tell sends the owner of a source what is wanted of it at most, when that
// has changed: more at once, and less when it has lasted and nobody is sent
// the rest any more.
func (s *videoSource) tell(now int64) {
	if len(s.wants) == 0 && s.told == untold {
		return // nobody was ever there to want it
	}
	most := s.most()
	f := &s.falling
	switch {
	case most == s.told:
		f.since = 0
		return
	case s.told == untold || !lower(most, s.told):
	case f.since == 0 || f.to != most:
		f.to, f.since = most, now
		return
	case now-f.since < fallAfter || s.descending() && now-f.since < fallLatest:
		return
	}
	f.since = 0
	s.told = most
	s.owner.send(&channel.SenderSourceConstraints{SourceName: s.name, MaxHeight: most})
}

// most is the largest height that anybody wants, -1 for all there is.
func (s *videoSource) most() (most int) {
	for _, h := range s.wants {
		if h < 0 {
			return -1
		}
		most = max(most, h)
	}
	return most
}

// lower compares heights of which -1 is the largest.
func lower(a, b int) bool { return a >= 0 && (b < 0 || a < b) }

// descending says whether some receiver is still sent better than it wants.
func (s *videoSource) descending() bool {
	for _, l := range *s.subs.Load() {
		if l.descends() {
			return true
		}
	}
	return false
}

// fallen tells those senders of whose sources less is wanted for long enough.
func (c *Conference) fallen(now int64) {
	for _, e := range c.order {
		for _, s := range e.videoSources {
			if s.falling.since != 0 {
				s.tell(now)
			}
		}
	}
}
