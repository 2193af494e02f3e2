package component

import (
	"strconv"
	"time"

	"meetbox.local/signaling/internal/muc"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/stanza"
)

// Limits of what is kept of a meeting's speakers.
const (
	maxSpeakers  = 1000
	maxLandmarks = 200
)

// stats is who has spoken in a meeting.
type stats struct {
	Users map[string]*speaker `json:"users,omitempty"` // by endpoint; those who left, too
	Who   string              `json:"who,omitempty"`   // speaks
	Since time.Time           `json:"since,omitzero"`
}

// speaker is one of them, as it is told to joiners.
type speaker struct {
	DisplayName string     `json:"displayName,omitempty"`
	Total       int64      `json:"totalDominantSpeakerTime"` // ms
	Landmarks   []landmark `json:"faceLandmarks"`
}

type landmark struct {
	Duration   int64  `json:"duration"`
	Expression string `json:"faceExpression"`
	Timestamp  int64  `json:"timestamp"`
}

// spoke takes a client's word that it, itself, has become the dominant
// speaker, or what its face shows.
func (s *Set) spoke(m muc.Member, st *wire.Stanza) *stanza.Error {
	if c, ok := st.Find(nsJitmeet, "speakerstats"); ok {
		var v struct {
			Room    string `xml:"room,attr"`
			Silence string `xml:"silence,attr"`
		}
		if st.Decode(c, &v) != nil {
			return errBad
		}
		o := s.in(m, v.Room)
		if o == nil {
			return errOutside
		}
		s.dominant(o, v.Silence == "true")
		return nil
	}
	if c, ok := st.Find(nsJitmeet, "faceLandmarks"); ok {
		var v struct {
			Room       string `xml:"room,attr"`
			Expression string `xml:"faceExpression,attr"`
			Timestamp  string `xml:"timestamp,attr"`
			Duration   string `xml:"duration,attr"`
		}
		if st.Decode(c, &v) != nil || len(v.Expression) > 32 {
			return errBad
		}
		o := s.in(m, v.Room)
		if o == nil {
			return errOutside
		}
		duration, err := strconv.ParseInt(v.Duration, 10, 64)
		if err != nil {
			return errBad
		}
		timestamp, err := strconv.ParseInt(v.Timestamp, 10, 64)
		if err != nil {
			return errBad
		}
		if u := s.meeting(o.Room()).Stats.user(o); u != nil && len(u.Landmarks) < maxLandmarks {
			u.Landmarks = append(u.Landmarks, landmark{duration, v.Expression, timestamp})
		}
		return nil
	}
	return errBad
}

// user is the entry of an occupant; nil when there are too many.
func (t *stats) user(o *muc.Occupant) *speaker {
	u := t.Users[o.Nick()]
	if u == nil {
		if len(t.Users) >= maxSpeakers {
			return nil
		}
		if t.Users == nil {
			t.Users = map[string]*speaker{}
		}
		u = &speaker{Landmarks: []landmark{}}
		t.Users[o.Nick()] = u
	}
	if o.Name() != "" {
		u.DisplayName = o.Name()
	}
	return u
}

// dominant stops the clock of one speaker and starts that of another.
func (s *Set) dominant(o *muc.Occupant, silence bool) {
	t := &s.meeting(o.Room()).Stats
	u := t.user(o)
	if t.Who == o.Nick() && !silence || t.Who != o.Nick() && silence {
		return // nothing new, or the silence of one who was followed already
	}
	t.stop(s.env.Now())
	if u != nil && !silence {
		t.Who, t.Since = o.Nick(), s.env.Now()
	}
}

func (t *stats) stop(now time.Time) {
	if u := t.Users[t.Who]; u != nil {
		u.Total += now.Sub(t.Since).Milliseconds()
	}
	t.Who, t.Since = "", time.Time{}
}

// silenced stops the clock of one who left.
func (s *Set) silenced(o *muc.Occupant) {
	mt := s.at[o.Room()]
	if mt == nil {
		return
	}
	if mt.Stats.Who == o.Nick() {
		mt.Stats.stop(s.env.Now())
	}
}

// tellStats says how long everybody has spoken until now.
func (s *Set) tellStats(o *muc.Occupant) {
	mt := s.at[o.Room()]
	if mt == nil || len(mt.Stats.Users) == 0 || !o.Guest() {
		return
	}
	users := make(map[string]speaker, len(mt.Stats.Users))
	for nick, u := range mt.Stats.Users {
		v := *u
		if nick == mt.Stats.Who {
			v.Total += s.env.Now().Sub(mt.Stats.Since).Milliseconds()
		}
		users[nick] = v
	}
	out := s.push(kindStats, o.Room(), struct {
		Type  string             `json:"type"`
		Users map[string]speaker `json:"users"`
	}{kindStats, users})
	if out != nil {
		o.Send(out)
	}
}
