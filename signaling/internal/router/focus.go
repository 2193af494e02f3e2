package router

import (
	"time"

	"meetbox.local/signaling/internal/muc"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/stanza"
)

const (
	// focusBack is how long requests to a focus that has just died wait for
	// its next process: clients take an error for the end of their meeting,
	// and our focus is back in a second.
	focusBack = 5 * time.Second
	// maxWaiting bounds them.
	maxWaiting = 500
)

// request waits for the focus.
type request struct {
	from    uint32    // the session
	ask     *wire.Out // to the focus
	refusal *wire.Out // to the session, if no focus comes
}

// toFocus passes an iq to the focus' session as if it came from an address
// below the focus' own, which says who asks; the answer to that address is
// passed back. Thus a focus that is an ordinary client, Jicofo too, serves
// clients that only know focus.DOMAIN.
func (r *Router) toFocus(s *Session, st *wire.Stanza) {
	if s.rank == muc.FocusBot {
		if st.Type == stanza.Set && st.To.IsBare() {
			r.forStranger(s, st)
		} else {
			r.fromFocus(st)
		}
		return
	}
	if st.Kind != wire.IQ || !st.To.IsBare() || st.To.Local() != "" {
		r.refuse(s, st, stanza.ServiceUnavailable)
		return
	}
	if r.logout(s, st) {
		return
	}
	if e := r.judge(s, st); e != nil {
		r.meter.drop("refused")
		r.logger().Info("conference refused", "jid", s.addr.String(), "condition", string(e.Condition))
		s.Send(wire.Failure(st, wire.Escape(r.Focus), e))
		return
	}
	from := append(append(wire.Escape(r.Focus), '/'), s.escaped...)
	if focus := r.focus(); focus != nil {
		focus.Send(wire.Forward(st, from))
		return
	}
	if !st.Answerable() || r.focusLost.IsZero() || r.now.Sub(r.focusLost) > focusBack || len(r.waiting) >= maxWaiting {
		r.refuse(s, st, stanza.ServiceUnavailable)
		return
	}
	r.waiting = append(r.waiting, request{
		from: s.num, ask: wire.Forward(st, from),
		refusal: wire.Failure(st, wire.Escape(r.Focus), stanza.NewError(stanza.ServiceUnavailable, "")),
	})
	r.poke()
}

// fromFocus is an answer, or a request, of the focus to a client.
func (r *Router) fromFocus(st *wire.Stanza) {
	client, err := jid.Parse(st.To.Resource())
	if err != nil || st.Kind != wire.IQ {
		r.meter.drop("ignored")
		return
	}
	if to := r.sessions[client]; to != nil {
		to.Send(r.welcome(to, st))
	} else {
		r.meter.drop("recipient_gone")
	}
}

// focus is the newest session of the focus' account.
func (r *Router) focus() *Session {
	addr, err := jid.New(r.FocusUser, r.AuthDomain, "")
	if err != nil {
		return nil
	}
	if l := r.byUser[addr]; len(l) > 0 {
		return l[len(l)-1]
	}
	return nil
}

// giveWaiting hands over what has waited, once a new focus has said its first
// word: before that it has not read the answer to its bind.
func (r *Router) giveWaiting(focus *Session) {
	for _, w := range r.waiting {
		if r.byNum[w.from] != nil {
			focus.Send(w.ask)
		}
	}
	r.waiting, r.focusLost = nil, time.Time{}
}

// refuseWaiting gives up on the focus.
func (r *Router) refuseWaiting() {
	if len(r.waiting) == 0 || r.now.Sub(r.focusLost) < focusBack {
		return
	}
	for _, w := range r.waiting {
		if s := r.byNum[w.from]; s != nil {
			s.Send(w.refusal)
		}
	}
	r.waiting = nil
}

// nextRefusal is when refuseWaiting has something to do.
func (r *Router) nextRefusal() time.Time {
	if len(r.waiting) == 0 {
		return time.Time{}
	}
	return r.focusLost.Add(focusBack)
}

type requestState struct {
	From    uint32       `json:"from"`
	Ask     muc.OutState `json:"ask"`
	Refusal muc.OutState `json:"refusal"`
}

func (r *Router) waitingState() (out []requestState) {
	for _, w := range r.waiting {
		out = append(out, requestState{w.from, muc.StateOf(w.ask), muc.StateOf(w.refusal)})
	}
	return out
}
