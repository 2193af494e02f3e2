package component

import (
	"encoding/json"
	"slices"

	"meetbox.local/signaling/internal/muc"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/stanza"
)

// Limits of a meeting's polls: each is sent to everybody who joins.
const (
	maxPolls   = 128
	maxText    = 1024 // bytes of a question or of an answer
	maxAnswers = 64
	maxPollID  = 128
)

// poll is one question. Its JSON is what joiners are told.
type poll struct {
	ID         string   `json:"pollId"`
	SenderID   string   `json:"senderId"`
	SenderName string   `json:"senderName,omitempty"`
	Question   string   `json:"question"`
	Answers    []answer `json:"answers"`
}

type answer struct {
	Name   string  `json:"name"`
	Voters []voter `json:"voters"`
}

type voter struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

const (
	newPoll    = "new-poll"
	answerPoll = "answer-poll"
	oldPolls   = "old-polls"
)

// poll takes a question or a vote. Who asks or votes is who has sent it; what
// the sender says about that is not read.
func (s *Set) poll(m muc.Member, st *wire.Stanza) *stanza.Error {
	text, err := payload(st, "json-message")
	if err != nil {
		return errBad
	}
	o := s.here(m)
	if o == nil {
		return errOutside
	}
	var v struct {
		Type     string          `json:"type"`
		Command  string          `json:"command"`
		ID       string          `json:"pollId"`
		Question string          `json:"question"`
		Answers  json.RawMessage `json:"answers"`
	}
	if json.Unmarshal([]byte(text), &v) != nil || v.Type != kindPolls || v.ID == "" || len(v.ID) > maxPollID {
		return errBad
	}
	switch v.Command {
	case newPoll:
		var names []struct {
			Name string `json:"name"`
		}
		if json.Unmarshal(v.Answers, &names) != nil || len(names) == 0 {
			return errBad
		}
		p := &poll{ID: v.ID, SenderID: o.Nick(), SenderName: o.Name(), Question: v.Question}
		for _, n := range names {
			p.Answers = append(p.Answers, answer{Name: n.Name, Voters: []voter{}})
		}
		return s.ask(o, p)
	case answerPoll:
		var votes []bool
		if json.Unmarshal(v.Answers, &votes) != nil {
			return errBad
		}
		return s.vote(o, v.ID, votes)
	}
	return errBad
}

func (s *Set) ask(o *muc.Occupant, p *poll) *stanza.Error {
	mt := s.meeting(o.Room())
	long := len(p.Question) > maxText || slices.ContainsFunc(p.Answers, func(a answer) bool { return len(a.Name) > maxText })
	switch {
	case long || len(p.Answers) > maxAnswers:
		return stanza.NewError(stanza.NotAllowed, "too long")
	case len(mt.Polls) >= maxPolls:
		return stanza.NewError(stanza.NotAllowed, "too many polls")
	case mt.poll(p.ID) != nil:
		return stanza.NewError(stanza.NotAllowed, "there is a poll of this name")
	}
	mt.Polls = append(mt.Polls, p)
	s.env.Event("poll created", "room", o.Room().Addr().String(), "endpoint", o.Nick())
	type option struct {
		Name string `json:"name"`
	}
	options := make([]option, len(p.Answers))
	for i, a := range p.Answers {
		options[i].Name = a.Name
	}
	s.announce(o.Room(), struct {
		Type       string   `json:"type"`
		Command    string   `json:"command"`
		ID         string   `json:"pollId"`
		SenderID   string   `json:"senderId"`
		SenderName string   `json:"senderName,omitempty"`
		Question   string   `json:"question"`
		Answers    []option `json:"answers"`
	}{kindPolls, newPoll, p.ID, p.SenderID, p.SenderName, p.Question, options})
	return nil
}

// vote replaces what the same voter has said before.
func (s *Set) vote(o *muc.Occupant, id string, votes []bool) *stanza.Error {
	p := s.meeting(o.Room()).poll(id)
	switch {
	case p == nil:
		return stanza.NewError(stanza.ItemNotFound, "no such poll")
	case len(votes) != len(p.Answers):
		return errBad
	}
	for i := range p.Answers {
		a := &p.Answers[i]
		a.Voters = slices.DeleteFunc(a.Voters, func(v voter) bool { return v.ID == o.Nick() })
		if votes[i] {
			a.Voters = append(a.Voters, voter{o.Nick(), o.Name()})
		}
	}
	s.announce(o.Room(), struct {
		Type       string `json:"type"`
		Command    string `json:"command"`
		ID         string `json:"pollId"`
		SenderID   string `json:"senderId"`
		SenderName string `json:"senderName,omitempty"`
		Answers    []bool `json:"answers"`
	}{kindPolls, answerPoll, id, o.Nick(), o.Name(), votes})
	return nil
}

func (mt *meeting) poll(id string) *poll {
	for _, p := range mt.Polls {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// announce tells the people in a room.
func (s *Set) announce(r *muc.Room, v any) {
	out := s.push(kindPolls, r, v)
	if out == nil {
		return
	}
	for o := range r.Occupants() {
		if o.Guest() {
			o.Send(out)
		}
	}
}

func (s *Set) tellPolls(o *muc.Occupant) {
	mt := s.at[o.Room()]
	if mt == nil || len(mt.Polls) == 0 || !o.Guest() {
		return
	}
	out := s.push(kindPolls, o.Room(), struct {
		Type    string  `json:"type"`
		Command string  `json:"command"`
		Polls   []*poll `json:"polls"`
	}{kindPolls, oldPolls, mt.Polls})
	if out != nil {
		o.Send(out)
	}
}
