package conference

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"meetbox.local/focus/internal/choice"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/muc"
)

// Summary is a conference in few words.
type Summary struct {
	Room         jid.JID   `json:"room"`
	Meeting      string    `json:"meeting,omitempty"`
	Participants int       `json:"participants"`
	Sessions     int       `json:"sessions"` // that carry media
	Bridge       string    `json:"bridge,omitempty"`
	Since        time.Time `json:"since"`
	Members      []Member  `json:"members"` // in the order of joining
}

// Member is a participant in few words.
type Member struct {
	Endpoint  string `json:"endpoint"`
	Moderator bool   `json:"moderator"`
	Media     bool   `json:"media"` // its session carries media
}

// summarize is called after each round; others read what it leaves.
func (c *Conference) summarize() {
	s := &Summary{Room: c.room, Meeting: c.meeting, Participants: len(c.members), Since: c.since, Members: []Member{}}
	for _, m := range c.sorted() {
		media := m.session != nil && m.session.phase == active
		if media {
			s.Sessions++
		}
		s.Members = append(s.Members, Member{m.nick, m.role == muc.Moderator, media})
	}
	if c.bridge != nil {
		s.Bridge = c.bridge.JID.Resource()
	}
	c.summary.Store(s)
}

// List returns all conferences, the oldest first.
func (f *Focus) List() []Summary {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := []Summary{}
	for _, c := range f.rooms {
		if s := c.summary.Load(); s != nil {
			out = append(out, *s)
		}
	}
	slices.SortFunc(out, func(a, b Summary) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Room.String(), b.Room.String()))
	})
	return out
}

// Participants counts those of all conferences.
func (f *Focus) Participants() int {
	n := 0
	for _, s := range f.List() {
		n += s.Participants
	}
	return n
}

// Bridge is one bridge and what it has to do.
type Bridge struct {
	Name        string  `json:"name"`
	Region      string  `json:"region,omitempty"`
	Version     string  `json:"version,omitempty"`
	Stress      float64 `json:"stress"`
	Draining    bool    `json:"draining"`
	Leaving     bool    `json:"leaving"`
	Usable      bool    `json:"usable"`
	Conferences int     `json:"conferences"`
}

// Bridges are all in the brewery.
func (f *Focus) Bridges() []Bridge {
	used := make(map[string]int)
	for _, s := range f.List() {
		used[s.Bridge]++
	}
	out := []Bridge{}
	for _, b := range f.bridges.List() {
		out = append(out, Bridge{
			Name: b.JID.Resource(), Region: b.Region, Version: b.Version, Stress: b.Load(), Draining: b.Drain,
			Leaving: b.Graceful || b.Stopping, Usable: b.Usable(), Conferences: used[b.JID.Resource()],
		})
	}
	return out
}

// Errors of Evacuate.
var (
	ErrNotDraining = errors.New("the bridge takes new conferences, too: make it drain first")
	ErrNoBridge    = errors.New("no other bridge takes conferences: start one first")
)

// Evacuate moves all conferences away from a bridge that drains.
func (f *Focus) Evacuate(name string) error {
	list := f.bridges.List()
	if i := slices.IndexFunc(list, func(b choice.Bridge) bool { return b.JID.Resource() == name }); i < 0 || !list[i].Drain && !list[i].Graceful {
		return ErrNotDraining
	}
	if b, ok := f.bridges.Pick(""); !ok || b.JID.Resource() == name {
		return ErrNoBridge
	}
	f.each(func(c *Conference) {
		if c.bridge != nil && c.bridge.JID.Resource() == name {
			c.lose("it is to be empty")
		}
	})
	return nil
}

// Pages are for the control socket, by ServeMux pattern.
func (f *Focus) Pages() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /conferences":             func(w http.ResponseWriter, _ *http.Request) { f.write(w, f.List()) },
		"GET /events":                  f.acts.serve,
		"POST /conferences/{room}/end": f.order(func(c *Conference, _ *http.Request) error { return c.finish() }),
		"POST /conferences/{room}/members/{endpoint}/remove": f.order(func(c *Conference, r *http.Request) error { return c.remove(r.PathValue("endpoint")) }),
		"POST /conferences/{room}/members/{endpoint}/mute": f.order(func(c *Conference, r *http.Request) error {
			return c.silence(r.PathValue("endpoint"), r.URL.Query().Get("medium"))
		}),
		"GET /bridges": func(w http.ResponseWriter, _ *http.Request) { f.write(w, f.Bridges()) },
		"POST /bridges/{name}/evacuate": func(w http.ResponseWriter, r *http.Request) {
			if err := f.Evacuate(r.PathValue("name")); err != nil {
				http.Error(w, err.Error(), http.StatusConflict)
			}
		},
	}
}

func (f *Focus) write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		f.log.Debug("page not delivered", "err", err)
	}
}
