package component

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"meetbox.local/signaling/internal/muc"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/stanza"
	"meetbox.local/signaling/xmpp/tenant"
)

const (
	maxBreakouts = 50
	maxSubject   = 256 // bytes
	// updateDelay gathers changes: who moves leaves one room and joins another,
	// and whoever is told of both at once sees one list.
	updateDelay = 300 * time.Millisecond
	// emptyDelay is how long a meeting with breakout rooms may have nobody in
	// any of its rooms: those who move are in none for a moment.
	emptyDelay = 5 * time.Second
)

// breakouts are the rooms beside a main one.
type breakouts struct {
	Rooms   []breakout `json:"rooms,omitempty"`
	Counter int        `json:"counter,omitempty"` // of rooms ever made, for their names
	Update  time.Time  `json:"update,omitzero"`   // when to tell everybody; zero: nothing to tell
	Empty   time.Time  `json:"empty,omitzero"`    // when to give up; zero: somebody is there
}

// breakout is one of them: a name, and an address that nobody guesses. The
// room itself exists while somebody is in it.
type breakout struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

const (
	actionAdd    = "features/breakout-rooms/add"
	actionRemove = "features/breakout-rooms/remove"
	actionRename = "features/breakout-rooms/rename"
	actionMove   = "features/breakout-rooms/move-to-room"
	eventUpdate  = "features/breakout-rooms/update"
)

// WatchBreakouts names the breakout rooms whose watcher the set is, and which
// are opened where MainOf says.
func (s *Set) WatchBreakouts(rooms *muc.Service) { s.branches = rooms }

// MainOf finds the main room of a breakout room that there may be.
func (s *Set) MainOf(addr jid.JID) *muc.Room { return s.mainOf[addr.Local()] }

// Breakouts are the breakout rooms that there may be, by their ids.
func (s *Set) Breakouts() iter.Seq2[string, *muc.Room] { return maps.All(s.mainOf) }

func (s *Set) addr(b breakout) jid.JID {
	a, err := jid.New(b.ID, s.branches.Domain, "")
	if err != nil {
		return jid.JID{} // a UUID is a good name
	}
	return a
}

// breakOut is a moderator's order.
func (s *Set) breakOut(m muc.Member, st *wire.Stanza) *stanza.Error {
	c, ok := st.Find(stanza.NS, "breakout_rooms")
	if !ok {
		return errBad
	}
	var order struct {
		Type    string `xml:"type,attr"`
		Subject string `xml:"subject,attr"`
		Room    string `xml:"breakoutRoomJid,attr"`
		Who     string `xml:"participantJid,attr"`
		Where   string `xml:"roomJid,attr"`
	}
	if st.Decode(c, &order) != nil || len(order.Subject) > maxSubject {
		return errBad
	}
	o := s.here(m)
	if o == nil {
		return errOutside
	}
	if !o.Moderator() {
		return errNoRight
	}
	main := o.Room().Main()
	switch order.Type {
	case actionAdd:
		return s.addBreakout(main, strings.TrimSpace(order.Subject))
	case actionRemove:
		return s.removeBreakout(main, o, order.Room)
	case actionRename:
		i := s.find(main, order.Room)
		if i < 0 || strings.TrimSpace(order.Subject) == "" {
			return stanza.NewError(stanza.ItemNotFound, "no such breakout room")
		}
		s.meeting(main).Breakouts.Rooms[i].Name = strings.TrimSpace(order.Subject)
		s.listChanged(main)
		return nil
	case actionMove:
		return s.move(main, order.Who, order.Where)
	}
	return errBad
}

func (s *Set) addBreakout(main *muc.Room, name string) *stanza.Error {
	b := &s.meeting(main).Breakouts
	if len(b.Rooms) >= maxBreakouts {
		return stanza.NewError(stanza.ResourceConstraint, "too many breakout rooms")
	}
	if len(b.Rooms) == 0 {
		main.Branch()
	}
	b.Counter++
	r := breakout{ID: s.env.NewID(), Name: name}
	b.Rooms = append(b.Rooms, r)
	s.mainOf[r.ID] = main
	s.listChanged(main)
	return nil
}

// find is the place of a breakout room in its main room's list, or -1.
func (s *Set) find(main *muc.Room, room string) int {
	addr, err := jid.Parse(room)
	if err != nil || !addr.IsBare() || addr.Domain() != s.branches.Domain {
		return -1
	}
	return slices.IndexFunc(s.meeting(main).Breakouts.Rooms, func(b breakout) bool { return b.ID == addr.Local() })
}

func (s *Set) removeBreakout(main *muc.Room, by *muc.Occupant, room string) *stanza.Error {
	i := s.find(main, room)
	if i < 0 {
		return stanza.NewError(stanza.ItemNotFound, "no such breakout room")
	}
	b := &s.meeting(main).Breakouts
	gone := b.Rooms[i]
	b.Rooms = slices.Delete(b.Rooms, i, i+1)
	if r := s.branches.Room(s.addr(gone)); r != nil {
		r.Destroy(by, main.Addr(), "Breakout room removed.")
	}
	delete(s.mainOf, gone.ID)
	s.listChanged(main)
	return nil
}

// move asks a participant's client to go to another room.
func (s *Set) move(main *muc.Room, who, where string) *stanza.Error {
	addr, err := jid.Parse(who)
	if err != nil {
		return errBad
	}
	room := s.room(addr.Bare())
	if room == nil || room.Main() != main {
		return stanza.NewError(stanza.ItemNotFound, "no such participant")
	}
	target := room.Occupant(addr.Resource())
	if target == nil || !target.Guest() {
		return stanza.NewError(stanza.ItemNotFound, "no such participant")
	}
	if where != main.Addr().String() && s.find(main, where) < 0 {
		return stanza.NewError(stanza.ItemNotFound, "no such room")
	}
	to, err := jid.Parse(where)
	if err != nil {
		return errBad
	}
	out := s.push(kindBreakout, main, struct {
		Type  string `json:"type"`
		Event string `json:"event"`
		Room  string `json:"roomJid"`
	}{kindBreakout, actionMove, to.String()})
	if out != nil {
		target.Send(out)
	}
	return nil
}

// listChanged has everybody told, soon, if there are breakout rooms.
func (s *Set) listChanged(main *muc.Room) {
	if mt := s.at[main]; mt != nil && mt.Breakouts.Counter > 0 && mt.Breakouts.Update.IsZero() {
		mt.Breakouts.Update = s.env.Now().Add(updateDelay)
		s.wake(mt.Breakouts.Update)
	}
}

// moved follows who comes and goes.
func (s *Set) moved(r *muc.Room) {
	main := r.Main()
	mt := s.at[main]
	if mt == nil || mt.Breakouts.Counter == 0 {
		return
	}
	s.listChanged(main)
	switch empty := s.empty(main); {
	case !empty:
		mt.Breakouts.Empty = time.Time{}
	case mt.Breakouts.Empty.IsZero():
		mt.Breakouts.Empty = s.env.Now().Add(emptyDelay)
		s.wake(mt.Breakouts.Empty)
	}
}

// all are the rooms of a meeting that exist.
func (s *Set) all(main *muc.Room) []*muc.Room {
	rooms := []*muc.Room{main}
	for _, b := range s.meeting(main).Breakouts.Rooms {
		if r := s.branches.Room(s.addr(b)); r != nil {
			rooms = append(rooms, r)
		}
	}
	return rooms
}

func (s *Set) empty(main *muc.Room) bool {
	for _, r := range s.all(main) {
		for o := range r.Occupants() {
			if o.Guest() {
				return false
			}
		}
	}
	return true
}

// close ends the breakout rooms of a main room that has ended, or that nobody
// came back to.
func (s *Set) close(main *muc.Room) {
	mt := s.at[main]
	if mt == nil {
		return
	}
	rooms := mt.Breakouts.Rooms
	mt.Breakouts = breakouts{}
	for _, b := range rooms {
		if r := s.branches.Room(s.addr(b)); r != nil {
			r.Destroy(nil, jid.JID{}, "The meeting has been terminated")
		}
		delete(s.mainOf, b.ID)
	}
	main.Unbranch()
}

// told is what everybody hears of a meeting's rooms.
type told struct {
	ID      string          `json:"id"`
	JID     string          `json:"jid"`
	Name    string          `json:"name"`
	Main    bool            `json:"isMainRoom"`
	Members map[string]seen `json:"participants"`
}

type seen struct {
	JID  string `json:"jid"`
	Role string `json:"role"`
	Name string `json:"displayName,omitempty"`
}

// update tells everybody in all rooms who is where.
func (s *Set) update(main *muc.Room) {
	b := &s.meeting(main).Breakouts
	b.Update = time.Time{}
	_, id := tenant.Split(main.Addr().Local()) // as clients know it
	rooms := map[string]told{
		id: {ID: id, JID: main.Addr().String(), Main: true, Members: members(main)},
	}
	for _, v := range b.Rooms {
		t := told{ID: v.ID, JID: s.addr(v).String(), Name: v.Name, Members: map[string]seen{}}
		if r := s.branches.Room(s.addr(v)); r != nil {
			t.Members = members(r)
		}
		rooms[v.ID] = t
	}
	out := s.push(kindBreakout, main, struct {
		Type    string          `json:"type"`
		Event   string          `json:"event"`
		Counter int             `json:"roomCounter"`
		Rooms   map[string]told `json:"rooms"`
	}{kindBreakout, eventUpdate, b.Counter, rooms})
	if out == nil {
		return
	}
	for _, r := range s.all(main) {
		for o := range r.Occupants() {
			if o.Guest() {
				o.Send(out)
			}
		}
	}
}

func members(r *muc.Room) map[string]seen {
	out := map[string]seen{}
	for o := range r.Occupants() {
		if o.Guest() {
			out[o.Address()] = seen{JID: o.Real().String(), Role: string(o.Role()), Name: o.Name()}
		}
	}
	return out
}

// wake notes that something is due then.
func (s *Set) wake(at time.Time) {
	if s.next.IsZero() || at.Before(s.next) {
		s.next = at
	}
}

// NextExpiry is when Expire has something to do; zero for never.
func (s *Set) NextExpiry() time.Time { return s.next }

// Expire does what is due.
func (s *Set) Expire() {
	now := s.env.Now()
	if s.next.IsZero() || s.next.After(now) {
		return
	}
	s.next = time.Time{}
	var mains []*muc.Room
	for r, mt := range s.at {
		if mt.Breakouts.Counter > 0 {
			mains = append(mains, r)
		}
	}
	slices.SortFunc(mains, func(a, b *muc.Room) int { return strings.Compare(a.Addr().String(), b.Addr().String()) })
	for _, main := range mains {
		b := &s.at[main].Breakouts
		if !b.Update.IsZero() && !b.Update.After(now) {
			s.update(main)
		}
		if !b.Empty.IsZero() && !b.Empty.After(now) {
			s.close(main)
			if main.Ended() {
				delete(s.at, main)
			}
			continue
		}
		for _, at := range []time.Time{b.Update, b.Empty} {
			if !at.IsZero() {
				s.wake(at)
			}
		}
	}
}
