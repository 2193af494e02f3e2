package router

import (
	"time"

	"meetbox.local/signaling/internal/muc"
)

// Enable turns stream management on, with resumption if token is not empty.
func (r *Router) Enable(s *Session, link Link, token, answer string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.ended || s.link != link {
		return ErrGone
	}
	if s.counting {
		return ErrEnabled
	}
	r.begin(record{Kind: evEnable, Session: s.num, Payload: []byte(token)})
	r.enable(s, token, answer)
	return nil
}

func (r *Router) enable(s *Session, token, answer string) {
	s.Box.Enable(answer)
	s.counting, s.in, s.token = true, 0, token
	if token != "" {
		r.byToken[token] = s
	}
}

// Ack takes in that the client has handled h stanzas.
func (r *Router) Ack(s *Session, h uint32) error {
	if err := s.Box.Ack(h); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s.acked = h
	if !s.ackDirty && r.journal != nil {
		s.ackDirty = true
		r.acks = append(r.acks, s) // into the journal with the next event
	}
	return nil
}

// Handled is how many stanzas of the session have been handled.
func (r *Router) Handled(s *Session) uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return s.in
}

// owns tells whether a session is that of who has logged in. A guest has
// nothing but the token to show, and some clients name that only after they
// were given a new name; so among guests it is enough. Who came with a JSON Web
// Token comes back with one for the same person.
func (a Account) owns(s *Session) bool {
	mine, theirs := a.Pass.Token, s.pass.Token
	switch {
	case a.Domain != s.addr.Domain() || a.Pass.User != s.pass.User || (mine == nil) != (theirs == nil):
		return false
	case mine != nil:
		return mine.ID == theirs.ID
	}
	return !a.Pass.User && s.rank == muc.Guest || a.User == s.addr.Local()
}

// Resume gives the session of a token to another connection of its owner,
// after everything the client has not got.
func (r *Router) Resume(a Account, token string, h uint32, link Link, answer func(in uint32) string) (*Session, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.byToken[token]
	if s == nil || !a.owns(s) {
		return nil, ErrNotFound
	}
	old := s.link
	if err := s.Box.Resume(link, h, answer(s.in)); err != nil {
		r.begin(record{Kind: evEnd, Session: s.num, Payload: []byte("bad resume")})
		r.end(s, "undefined-condition", "bad resume")
		r.settle()
		return nil, err
	}
	if old != nil {
		old.Stop("conflict")
	}
	r.meter.resumed.Inc()
	r.back(s, link)
	return s, nil
}

// TakeUp gives the session of a token to a connection that its client has had
// since before this process began, and on which it was sent that many stanzas.
// A session that has a connection keeps it.
func (r *Router) TakeUp(token string, sent uint32, link Link, answer func(in uint32) string) (*Session, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.byToken[token]
	if s == nil || s.link != nil {
		return nil, ErrNotFound
	}
	if err := s.Box.TakeUp(link, sent, answer(s.in)); err != nil {
		return nil, err
	}
	r.meter.takenUp.Inc()
	r.back(s, link)
	return s, nil
}

func (r *Router) back(s *Session, link Link) {
	s.link, s.peer, s.reached, s.deadline = link, link.Peer(), link.Reached(), time.Time{}
	r.logger().Info("session resumed", "jid", s.addr.String())
	r.tell(s, "connection back")
}

// Waiting tells whether the session of a token waits for a connection.
func (r *Router) Waiting(token string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.byToken[token]
	return s != nil && s.link == nil
}

// UserOf returns the name of a session that can be resumed, so that a guest who
// comes back is who it was. The account of somebody who has logged in by a
// password is not for anybody who knows a token.
func (r *Router) UserOf(token, domain string, pass Pass) (user string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.byToken[token]; s != nil && (Account{Domain: domain, Pass: pass}).owns(s) {
		return s.addr.Local(), true
	}
	return "", false
}

// Detach tells that a connection is gone. A session that can be resumed
// hibernates, only briefly if its page was closed; any other ends.
func (r *Router) Detach(s *Session, link Link, reason string, brief bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.ended || s.link != link {
		return
	}
	if s.token == "" {
		r.begin(record{Kind: evEnd, Session: s.num, Payload: []byte(reason)})
		r.end(s, "", reason)
		r.settle()
		return
	}
	s.Box.Detach(link)
	s.link = nil
	patience := r.Hibernate
	if brief {
		patience = min(patience, r.Reload)
	}
	s.deadline = time.Now().Add(patience)
	r.poke()
	r.logger().Info("session hibernates", "jid", s.addr.String(), "reason", reason)
	r.tell(s, "connection interrupted", "reason", reason)
}

// End ends a session at its own wish, or because of what it did.
func (r *Router) End(s *Session, link Link, condition, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.ended || s.link != link {
		return
	}
	r.begin(record{Kind: evEnd, Session: s.num, Payload: []byte(reason)})
	r.end(s, condition, reason)
	r.settle()
}

// end takes a session out of everything.
func (r *Router) end(s *Session, condition, reason string) {
	if s.ended {
		return
	}
	// Not sent its own departures: what they would say, the end says.
	s.ended = true
	delete(r.sessions, s.addr)
	delete(r.byNum, s.num)
	if s.token != "" {
		delete(r.byToken, s.token)
	}
	bare := s.addr.Bare()
	rest := r.byUser[bare][:0:0]
	for _, o := range r.byUser[bare] {
		if o != s {
			rest = append(rest, o)
		}
	}
	if r.byUser[bare] = rest; len(rest) == 0 {
		delete(r.byUser, bare)
	}
	if condition == "resource-constraint" {
		s.Box.Drop() // it is not reading; only the error is worth a try
	}
	if s.link != nil {
		s.link.Stop(condition)
		s.link = nil
	} else {
		s.Box.Drop()
	}
	if s.rank == muc.FocusBot && r.focus() == nil {
		r.focusLost = r.now
	}
	r.im.Gone(s)
	r.breakout.Gone(s, reason)
	r.rooms.Gone(s, reason)
	r.lobby.Gone(s, reason)
	r.internal.Gone(s, reason)
	r.poke()
	r.logger().Info("session ended", "jid", s.addr.String(), "reason", reason, "condition", condition)
}

// doom marks a session to be ended after this event.
func (r *Router) doom(s *Session, condition string) {
	if s.doomed == "" && !r.replaying { // a replay finds the end in the journal
		s.doomed = condition
		r.doomed = append(r.doomed, s)
	}
}

// settle ends the sessions that this event has doomed; their departures may
// doom others.
func (r *Router) settle() {
	for len(r.doomed) > 0 {
		s := r.doomed[0]
		r.doomed = r.doomed[1:]
		if s.ended {
			continue
		}
		reason := "server's mistake"
		if s.doomed == "resource-constraint" {
			r.meter.drop("slow_reader")
			reason = "does not read what it is sent"
		}
		r.begin(record{Kind: evEnd, Session: s.num, Payload: []byte(reason)})
		r.end(s, s.doomed, reason)
	}
	if next := r.parts.NextExpiry(); next != r.partsNext {
		r.partsNext = next
		r.poke()
	}
	r.rotate()
}
