package router

import (
	"encoding/json"
	"maps"
	"slices"

	"meetbox.local/signaling/internal/im"
	"meetbox.local/signaling/internal/muc"
	"meetbox.local/signaling/internal/store"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/jid"
)

// What is stored is read beside the events, by the store's goroutine: no
// meeting waits for a disk. A question waits in asked until its answer comes,
// which is an event of its own, so that a replay need not read again.

// question is one that the store has been asked.
type question struct {
	session uint32
	find    func(store.Reader) []*wire.Out
}

// answered is the payload of evPush.
type answered struct {
	ID   uint64         `json:"id"`
	Outs []muc.OutState `json:"outs"`
}

// Stamp implements im.Env.
func (e *env) Stamp() uint32 {
	e.ids++
	return uint32(e.event)<<8 | e.ids&0xff
}

// Write implements im.Env.
func (e *env) Write(ops ...store.Op) { e.Store.Write(ops...) }

// Ask implements im.Env.
func (e *env) Ask(m im.Member, find func(store.Reader) []*wire.Out) {
	s, ok := m.(*Session)
	if !ok {
		return
	}
	e.lastAsk++
	q := question{s.num, find}
	e.asked[e.lastAsk] = q
	if !e.replaying {
		(*Router)(e).ask(e.lastAsk, q)
	}
}

func (r *Router) ask(id uint64, q question) {
	r.Store.Read(func(rd store.Reader) { r.answer(id, q.find(rd)) })
}

// answer sends what the store has said.
func (r *Router) answer(id uint64, outs []*wire.Out) {
	a := answered{ID: id}
	for _, o := range outs {
		a.Outs = append(a.Outs, muc.StateOf(o))
	}
	b, err := json.Marshal(a) // before the lock: a page of an archive is long
	if err != nil {
		return // bytes: cannot happen
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	q, ok := r.asked[id]
	s := r.byNum[q.session]
	if !ok || s == nil {
		delete(r.asked, id)
		return
	}
	r.begin(record{Kind: evPush, Session: s.num, Payload: b})
	r.push(s, a)
	r.settle()
}

func (r *Router) push(s *Session, a answered) {
	delete(r.asked, a.ID)
	for _, o := range a.Outs {
		s.Send(o.Out())
	}
}

// askAgain asks what a former process was asked and did not answer.
func (r *Router) askAgain() {
	for _, id := range slices.Sorted(maps.Keys(r.asked)) {
		r.ask(id, r.asked[id])
	}
}

// Stranger implements im.Env.
func (e *env) Stranger(full jid.JID) im.Member {
	if s := e.sessions[full]; s != nil && s.rank == muc.Guest && !s.pass.User {
		return s
	}
	return nil
}
