package router

import (
	"encoding/json"
	"fmt"
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

// Who may begin a meeting.
const (
	CreateAnyone    = ""          // everybody
	CreateUsers     = "users"     // who has logged in
	CreateListed    = "listed"    // and everybody in rooms that are listed
	CreateScheduled = "scheduled" // and everybody at the time of an appointment
)

// Config is what may change while the server runs and decides what it does:
// it is an event, so that a replay knows it.
type Config struct {
	Users []string `json:"users,omitempty"` // accounts of people
	Rooms Rooms    `json:"rooms,omitzero"`
	Media Media    `json:"media,omitzero"`
	Web   Web      `json:"web,omitzero"`
}

// Rooms are the rules for all of them.
type Rooms struct {
	Create       string        `json:"create,omitempty"`
	Listed       []string      `json:"listed,omitempty"`
	Schedule     []Appointment `json:"schedule,omitempty"`
	Lobby        bool          `json:"lobby,omitempty"` // every room has one from its first moderator on
	MaxOccupants int           `json:"max_occupants,omitempty"`
	History      int           `json:"history,omitempty"` // messages that late joiners are told
	Archive      bool          `json:"archive,omitempty"` // rooms may keep what is said
	Persistent   bool          `json:"persistent,omitempty"`
	FileBytes    int64         `json:"file_bytes,omitempty"` // of one file; 0: no files
	FileQuota    int64         `json:"file_quota,omitempty"` // of all files
	FileHours    int           `json:"file_hours,omitempty"` // until one is deleted
}

// Appointment is when a room may be opened by everybody, and what it has of
// its own then.
type Appointment struct {
	Room         string    `json:"room"`
	From         time.Time `json:"from"`
	Until        time.Time `json:"until"`
	Password     string    `json:"password,omitempty"`
	Lobby        bool      `json:"lobby,omitempty"`
	MaxOccupants int       `json:"max_occupants,omitempty"`
}

const (
	// early is how long before an appointment its room opens.
	early = 10 * time.Minute
	// A room that is opened this long before an appointment, or this long
	// after it, is for the same people.
	before, after = 12 * time.Hour, time.Hour
)

// preset is what a room, by the local part of its address, has of its own now:
// by the appointment that is on, or the next one.
func (p Rooms) preset(room string, now time.Time) muc.Preset {
	found := Appointment{}
	for _, a := range p.Schedule {
		if !tenant.Same(a.Room, tenant.Path(room)) || now.Before(a.From.Add(-before)) || now.After(a.Until.Add(after)) {
			continue
		}
		if over := now.After(a.Until); found.Room == "" || !over && (now.After(found.Until) || a.From.Before(found.From)) {
			found = a
		}
	}
	// The box's calls to itself have nobody who would let anybody in.
	everywhere := p.Lobby && !strings.HasPrefix(room, "selfcall-")
	return muc.Preset{Password: found.Password, Lobby: found.Lobby || everywhere, Max: found.MaxOccupants}
}

// Check tells what is wrong with rules.
func (p Rooms) Check() error {
	switch p.Create {
	case CreateAnyone, CreateUsers, CreateListed, CreateScheduled:
		return nil
	}
	return fmt.Errorf("rooms: who may create them: %q is none of users, listed, scheduled", p.Create)
}

// secure tells whether it matters who somebody is.
func (p Rooms) secure() bool { return p.Create != CreateAnyone }

// opens tells whether everybody may open a room now, by the local part of its
// address.
func (p Rooms) opens(room string, now time.Time) bool {
	switch p.Create {
	case CreateAnyone:
		return true
	case CreateListed:
		return slices.ContainsFunc(p.Listed, func(l string) bool { return tenant.Same(l, tenant.Path(room)) })
	case CreateScheduled:
		return slices.ContainsFunc(p.Schedule, func(a Appointment) bool {
			return tenant.Same(a.Room, tenant.Path(room)) && !now.Before(a.From.Add(-early)) && now.Before(a.Until)
		})
	}
	return false
}

// Configure takes over new rules and accounts.
func (r *Router) Configure(c Config) error {
	if err := c.Rooms.Check(); err != nil {
		return err
	}
	b, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("rooms: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, err := json.Marshal(r.config); err == nil && string(old) == string(b) {
		return nil
	}
	r.begin(record{Kind: evConfig, Payload: b})
	r.configure(c)
	r.settle()
	return nil
}

func (r *Router) configure(c Config) {
	r.config = c
	r.im.SetNames(c.Users)
	r.rooms.Rules = muc.Rules{
		MaxOccupants: c.Rooms.MaxOccupants, History: c.Rooms.History, Archive: c.Rooms.Archive, Persistent: c.Rooms.Persistent,
		Preset: func(room jid.JID) muc.Preset { return r.config.Rooms.preset(room.Local(), r.now) },
	}
	for _, s := range r.inOrder() { // whose account is gone
		if s.pass.User && !slices.Contains(c.Users, s.addr.Local()) {
			r.doom(s, "not-authorized")
		}
	}
}

// GuestsHere tells whether guests may log in at the domain itself.
func (r *Router) GuestsHere() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.config.Rooms.secure()
}

// host tells whether somebody may open a room and moderates it.
func (r *Router) host(s *Session, room jid.JID) bool {
	t := s.pass.Token
	return s.pass.User || s.vouched != "" || t != nil && !t.Guest && t.For(room.Local())
}

const permitFor = time.Minute

var (
	errLogin = stanza.NewError(stanza.NotAuthorized, "log in to begin this meeting, or wait for who does")
	errToken = stanza.NewError(stanza.NotAllowed, "Room and token mismatched")
	// errTenant is for who writes [TENANT]ROOM and did not come below /TENANT/.
	errTenant = stanza.NewError(stanza.NotAllowed, "this room belongs to another tenant: use the address that begins with its name")
)

// Gate implements muc.Gate: whether somebody may enter a room, which is open if
// somebody has entered it who may open it.
func (r *Router) gate(m muc.Member, room jid.JID, open bool) *stanza.Error {
	s, ok := m.(*Session)
	switch {
	case !ok || s.rank != muc.Guest:
		return nil
	case s.pass.Token != nil && !s.pass.Token.For(room.Local()):
		return errToken
	case open, r.config.Rooms.opens(room.Local(), r.now), r.host(s, room), r.permits[room].After(r.now):
		return nil
	}
	e := stanza.NewError(stanza.NotAllowed, "log in to begin this meeting, or wait for who does")
	var c stanza.Element
	c.XMLName.Space, c.XMLName.Local = "http://jitsi.org/jitmeet", "authentication-required"
	e.Specific = append(e.Specific, c)
	return e
}

// standing is who moderates a room from the beginning: where people log in,
// everybody who does.
func (r *Router) owns(m muc.Member, room jid.JID) bool {
	s, ok := m.(*Session)
	if !ok || s.rank != muc.Guest {
		return false
	}
	if t := s.pass.Token; t != nil && t.Moderator && t.For(room.Local()) {
		return true
	}
	return r.config.Rooms.secure() && r.host(s, room)
}

// introduce renders what a token says of somebody: the names are the signer's,
// not the client's.
func introduce(m muc.Member) (identity, permissions []byte) {
	s, ok := m.(*Session)
	if !ok || s.pass.Token == nil {
		return nil, nil
	}
	t := s.pass.Token
	b := []byte("<identity><user>")
	for _, f := range []struct{ name, value string }{{"id", t.ID}, {"name", t.Name}, {"email", t.Email}} {
		if f.value != "" {
			b = fmt.Appendf(b, "<%s>%s</%s>", f.name, wire.Escape(f.value), f.name)
		}
	}
	b = append(b, "</user>"...)
	if t.Group != "" {
		b = fmt.Appendf(b, "<group>%s</group>", wire.Escape(t.Group))
	}
	identity = append(b, "</identity>"...)
	if len(t.Features) > 0 {
		permissions = []byte(`<permissions xmlns="http://jitsi.org/jitmeet">`)
		for _, name := range slices.Sorted(maps.Keys(t.Features)) {
			permissions = fmt.Appendf(permissions, `<p name="%s" val="%t"/>`, wire.Escape(name), t.Features[name])
		}
		permissions = append(permissions, "</permissions>"...)
	}
	return identity, permissions
}

// appoints tells whether the focus may make somebody moderator: where people
// log in it is not whoever comes first.
func (r *Router) appoints(m muc.Member, room jid.JID) bool {
	return !r.config.Rooms.secure() || r.owns(m, room)
}

const nsFocus = "http://jitsi.org/protocol/focus"

// conference is what is read of a request for one.
type conference struct {
	Room    string `xml:"room,attr"`
	Session string `xml:"session-id,attr"`
	Machine string `xml:"machine-uid,attr"`
}

// ticket is what somebody gets who has logged in beside a meeting, for the
// guest that it is in the meeting.
type ticket struct {
	User    string    `json:"user"`
	Machine string    `json:"machine"`
	Until   time.Time `json:"until"`
}

const ticketFor = 24 * time.Hour

// judge says why a request for a conference goes no further.
func (r *Router) judge(s *Session, st *wire.Stanza) *stanza.Error {
	c, ok := st.Find(nsFocus, "conference")
	if !ok || st.Type != stanza.Set {
		return nil
	}
	var ask conference
	if st.Decode(c, &ask) != nil {
		return stanza.NewError(stanza.BadRequest, "")
	}
	room, err := jid.Parse(ask.Room)
	if err != nil || room.Domain() != r.MUC {
		return nil // the focus knows what to say; a breakout room is its main room's affair
	}
	if s.strange(room) {
		return errTenant
	}
	if ask.Session != "" && r.config.Rooms.secure() && !s.pass.User {
		t, ok := r.tickets[ask.Session]
		if !ok || t.Machine != ask.Machine || t.Until.Before(r.now) || !r.im.Known(jid.MustParse(t.User)) {
			e := stanza.NewError(stanza.NotAcceptable, "")
			var c stanza.Element
			c.XMLName.Space, c.XMLName.Local = nsFocus, "session-invalid"
			e.Specific = append(e.Specific, c)
			return e
		}
		s.vouched = t.User
		r.rooms.Promote(s, room)
	}
	main := r.rooms.Room(room)
	if e := r.gate(s, room, main != nil && main.Open()); e != nil {
		if e == errToken {
			return e
		}
		return errLogin
	}
	for other, until := range r.permits {
		if until.Before(r.now) {
			delete(r.permits, other)
		}
	}
	if r.config.Rooms.secure() && (r.host(s, room) || r.config.Rooms.opens(room.Local(), r.now)) {
		r.permits[room] = r.now.Add(permitFor)
		if s.pass.User && ask.Machine != "" {
			s.ticket = r.newID()
			r.tickets[s.ticket] = ticket{s.addr.Bare().String(), ask.Machine, r.now.Add(ticketFor)}
			for id, t := range r.tickets {
				if t.Until.Before(r.now) {
					delete(r.tickets, id)
				}
			}
		}
	}
	return nil
}

// forStranger answers the focus, which asks by a request of its own whether
// somebody who came by HTTP, and has not logged in, may begin a meeting.
func (r *Router) forStranger(focus *Session, st *wire.Stanza) {
	e := stanza.NewError(stanza.BadRequest, "")
	var ask conference
	c, ok := st.Find(nsFocus, "conference")
	if ok && st.Decode(c, &ask) == nil {
		if room, err := jid.Parse(ask.Room); err == nil {
			main := r.rooms.Room(room)
			open := main != nil && main.Open() || r.config.Rooms.opens(room.Local(), r.now) || r.permits[room].After(r.now)
			if open || room.Domain() != r.MUC {
				focus.Send(wire.Result(st, wire.Escape(r.Focus)))
				return
			}
			e = errLogin
		}
	}
	focus.Send(wire.Failure(st, wire.Escape(r.Focus), e))
}

// welcome adds to the focus' answer what it does not know: that people can log
// in here, and who has.
func (r *Router) welcome(s *Session, st *wire.Stanza) *wire.Out {
	out := wire.Forward(st, wire.Escape(r.Focus))
	c, ok := st.Find(nsFocus, "conference")
	if !ok || st.Type != stanza.Result || !r.config.Rooms.secure() {
		return out
	}
	const tag = "<conference"
	element := string(st.Bytes(c))
	rest, ok := strings.CutPrefix(element, tag)
	end := strings.IndexByte(rest, '>')
	if !ok || end < 1 || len(st.Children()) != 1 {
		return out
	}
	b := []byte(tag)
	if s.ticket != "" && !strings.Contains(rest[:end], " session-id=") {
		b = fmt.Appendf(b, ` session-id="%s"`, s.ticket)
	}
	if user := s.vouched; s.pass.User || user != "" {
		if s.pass.User {
			user = s.addr.Bare().String()
		}
		b = fmt.Appendf(b, ` identity="%s"`, wire.Escape(user))
	}
	property := `<property name="authentication" value="true"/>`
	if rest[end-1] == '/' {
		b = append(append(append(b, rest[:end-1]...), '>'), property+"</conference>"...)
	} else {
		b = append(append(append(b, rest[:end+1]...), property...), rest[end+1:]...)
	}
	return &wire.Out{Head: out.Head, Body: append(b, "</iq>"...)}
}

// logout forgets a ticket.
func (r *Router) logout(s *Session, st *wire.Stanza) bool {
	c, ok := st.Find(nsFocus, "logout")
	if !ok || st.Type != stanza.Set || !r.config.Rooms.secure() {
		return false
	}
	var ask conference
	if st.Decode(c, &ask) == nil {
		delete(r.tickets, ask.Session)
	}
	s.vouched = ""
	s.Send(wire.Result(st, wire.Escape(r.Focus), []byte(`<logout xmlns="`+nsFocus+`"/>`)))
	return true
}
