package router

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"meetbox.local/signaling/internal/guesses"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/stanza"
)

// nsSlow is of the element that tells our page how long to wait.
const nsSlow = "https://meetbox.local/slow-down"

// patience is how long somebody has to wait before a password of a meeting is
// looked at; zero for all that is no such password. It is asked before the event
// is one: addresses are not in the journal.
func (r *Router) patience(s *Session, st *wire.Stanza) time.Duration {
	if st.To.Domain() != r.MUC || s.strange(st.To) {
		return 0
	}
	right, hangs := r.rooms.Guess(s, st)
	if !hangs {
		return 0
	}
	guess, wait := r.guesses.Try(s.peer, st.To.Bare().String(), time.Now())
	if wait == 0 && right {
		guess.Right()
	}
	return wait
}

// hold answers a join whose password is not looked at.
func (r *Router) hold(s *Session, st *wire.Stanza, seconds int) {
	if s.counting {
		s.in++
	}
	r.meter.in[st.Kind].Inc()
	(*env)(r).Event("join refused", "room", st.To.Bare().String(), "jid", s.addr.String(), "endpoint", st.To.Resource(),
		"condition", string(stanza.PolicyViolation), "reason", "too many wrong passwords")
	e := stanza.NewError(stanza.PolicyViolation, guesses.Text(time.Duration(seconds)*time.Second))
	e.Type = stanza.Wait // RFC 6120 §8.3.3.12: or modify
	var c stanza.Element
	c.XMLName.Space, c.XMLName.Local = nsSlow, "slow-down"
	c.Inner = []byte(strconv.Itoa(seconds))
	e.Specific = append(e.Specific, c)
	r.refuseWith(s, st, e)
}

// held is a stanza that was answered by hold, in the journal.
type held struct {
	seconds int
	raw     []byte
}

func (h held) payload() []byte {
	return append(strconv.AppendInt(nil, int64(h.seconds), 10), append([]byte{'\n'}, h.raw...)...)
}

func heldOf(payload []byte) (h held, err error) {
	seconds, raw, ok := bytes.Cut(payload, []byte{'\n'})
	if !ok {
		return h, fmt.Errorf("a stanza that was held back has no time")
	}
	h.raw = raw
	h.seconds, err = strconv.Atoi(string(seconds))
	return h, err
}
