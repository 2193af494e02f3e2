package muc

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/form"
	"meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

// The fields of the configuration form.
const (
	prefix          = "muc#roomconfig_"
	fieldWhois      = prefix + "whois"
	fieldSecret     = prefix + "roomsecret"
	fieldProtected  = prefix + "passwordprotectedroom"
	fieldMembers    = prefix + "membersonly"
	fieldName       = prefix + "roomname"
	fieldDesc       = prefix + "roomdesc"
	fieldModerated  = prefix + "moderatedroom"
	fieldSubject    = prefix + "changesubject"
	fieldMax        = prefix + "maxusers"
	fieldHistory    = "muc#maxhistoryfetch"
	fieldArchive    = prefix + "enablearchiving"
	fieldPersistent = prefix + "persistentroom"
)

// Limits of what owners may say.
const (
	maxTitle  = 256
	maxDesc   = 2048
	maxSecret = 256
	maxPast   = 100 // messages of history
)

// config is what owners have decided.
type config struct {
	Name        string `json:"name,omitempty"`
	Desc        string `json:"desc,omitempty"`
	Password    string `json:"password,omitempty"`
	MembersOnly bool   `json:"members_only,omitempty"`
	Moderated   bool   `json:"moderated,omitempty"` // only who is given a voice may write
	AnySubject  bool   `json:"any_subject,omitempty"`
	Max         int    `json:"max,omitempty"` // occupants; 0: as many as the rules allow
	History     int    `json:"history,omitempty"`
	Archive     bool   `json:"archive,omitempty"`
	Persistent  bool   `json:"persistent,omitempty"`
}

// form shows the configuration. Clients read from it which fields there are.
func (r *Room) form() *form.Data {
	c := r.config
	f := &form.Data{Type: form.Ask, Title: "Configuration of " + r.addr.String(), Fields: []form.Field{
		{Var: "FORM_TYPE", Type: "hidden", Values: []string{muc.NS + "#roomconfig"}},
		{Var: fieldName, Type: "text-single", Label: "Name", Values: []string{c.Name}},
		{Var: fieldDesc, Type: "text-single", Label: "Description", Values: []string{c.Desc}},
		{Var: fieldWhois, Type: "list-single", Values: []string{"anyone"}, Options: []form.Option{{Value: "anyone"}}},
		{Var: fieldSecret, Type: "text-private", Values: []string{c.Password}},
		{Var: fieldProtected, Type: "boolean", Values: []string{flag(c.Password != "")}},
		{Var: fieldMembers, Type: "boolean", Values: []string{flag(c.MembersOnly)}},
		{Var: fieldModerated, Type: "boolean", Values: []string{flag(c.Moderated)}},
		{Var: fieldSubject, Type: "boolean", Values: []string{flag(c.AnySubject)}},
		{Var: fieldMax, Type: "text-single", Values: []string{strconv.Itoa(r.limit())}},
		{Var: fieldHistory, Type: "text-single", Values: []string{strconv.Itoa(r.past())}},
	}}
	if r.service.Rules.Archive {
		f.Fields = append(f.Fields, form.Field{Var: fieldArchive, Type: "boolean", Label: "Keep what is written", Values: []string{flag(c.Archive)}})
	}
	if r.service.Rules.Persistent {
		f.Fields = append(f.Fields, form.Field{Var: fieldPersistent, Type: "boolean", Label: "Keep the room", Values: []string{flag(c.Persistent)}})
	}
	f.Fields = append(f.Fields, r.facts()...)
	return f
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

func isTrue(v string) bool { return v == "1" || v == "true" }

// limit is how many may be in the room.
func (r *Room) limit() int {
	n := r.service.MaxOccupants
	for _, m := range []int{r.service.Rules.MaxOccupants, r.config.Max} {
		if m > 0 && m < n {
			n = m
		}
	}
	return n
}

// past is how many messages who joins is told.
func (r *Room) past() int {
	if r.config.History > 0 {
		return r.config.History
	}
	return min(r.service.Rules.History, maxPast)
}

// read takes over a submitted form. Fields that are absent keep their value,
// and so does the password when the form only says that there is one.
func (c config) read(f *form.Data, rules Rules) (config, *stanza.Error) {
	bad := func(format string, args ...any) (config, *stanza.Error) {
		return c, stanza.NewError(stanza.NotAcceptable, fmt.Sprintf(format, args...))
	}
	text := func(name string, v *string, most int) bool {
		if t, ok := f.Value(name); ok {
			*v = t
		}
		return len(*v) <= most && utf8.ValidString(*v)
	}
	truth := func(name string, v *bool) {
		if t, ok := f.Value(name); ok {
			*v = isTrue(t)
		}
	}
	number := func(name string, v *int, most int) bool {
		t, ok := f.Value(name)
		if !ok || t == "" || t == "none" {
			return true
		}
		n, err := strconv.Atoi(t)
		*v = n
		return err == nil && n >= 0 && n <= most
	}
	if v, ok := f.Value(fieldWhois); ok && v != "anyone" {
		return bad("addresses are shown to everybody")
	}
	if !text(fieldName, &c.Name, maxTitle) || !text(fieldDesc, &c.Desc, maxDesc) || !text(fieldSecret, &c.Password, maxSecret) {
		return bad("names have up to %d bytes, descriptions %d, passwords %d", maxTitle, maxDesc, maxSecret)
	}
	if v, ok := f.Value(fieldProtected); ok && !isTrue(v) {
		c.Password = ""
	}
	truth(fieldMembers, &c.MembersOnly)
	truth(fieldModerated, &c.Moderated)
	truth(fieldSubject, &c.AnySubject)
	truth(fieldArchive, &c.Archive)
	truth(fieldPersistent, &c.Persistent)
	switch {
	case !number(fieldMax, &c.Max, 100_000):
		return bad("how many may come is a number")
	case !number(fieldHistory, &c.History, maxPast):
		return bad("up to %d messages are shown to who joins", maxPast)
	case c.Archive && !rules.Archive:
		return bad("nothing is kept of what is written here")
	case c.Persistent && !rules.Persistent:
		return bad("rooms end when all have left")
	}
	return c, nil
}

// configure takes in a submitted form.
func (r *Room) configure(o *Occupant, st *wire.Stanza, f *form.Data) *stanza.Error {
	if kind := f.Kind(); f.Type != form.Submit || kind != "" && kind != muc.NS+"#roomconfig" {
		return stanza.NewError(stanza.BadRequest, "")
	}
	before := r.config
	after, e := before.read(f, r.service.Rules)
	if e != nil {
		return e
	}
	if r.main != nil && after != before {
		return stanza.NewError(stanza.NotAcceptable, "a breakout room is as its main room is")
	}
	r.config = after
	closing, opening := after.MembersOnly && !before.MembersOnly, !after.MembersOnly && r.lobby != nil
	if closing {
		r.openLobby()
	}
	o.send(wire.Result(st, r.escaped))
	if after == before {
		return nil
	}
	r.save()
	r.service.env.Event("room configured", "room", r.addr.String(), "endpoint", o.nick,
		"password", after.Password != "", "members_only", after.MembersOnly, "persistent", after.Persistent)
	r.notice(muc.StatusConfigChanged)
	if closing {
		r.removeStrangers(o)
	}
	if before.Moderated != after.Moderated {
		r.giveVoices(o)
	}
	if r.service.Lobby != nil && (closing || opening) {
		r.announce(o.member, "LOBBY-ENABLED", closing, "")
	}
	if w := r.service.Watcher; w != nil && (closing || opening) {
		w.Closed(r, closing)
	}
	if opening {
		r.closeLobby(true)
	}
	if before.Persistent && !after.Persistent && len(r.nicks) == 0 && !r.kept() {
		r.service.close(r)
	}
	return nil
}

// giveVoices gives everybody the role that a room has for them which has become
// moderated, or is not any more.
func (r *Room) giveVoices(by *Occupant) {
	for _, p := range append([]*Occupant(nil), r.occupants...) {
		if role := r.roleOf(p.affiliation()); p.role != muc.Moderator && role != p.role && role != muc.Moderator {
			p.appoint(role, note{actor: by.nick})
		}
	}
}

// roleOf is what an affiliation brings along in this room.
func (r *Room) roleOf(a muc.Affiliation) muc.Role {
	if role := defaultRole(a); role != muc.Participant || !r.config.Moderated || a == muc.Member {
		return role
	}
	return muc.Visitor
}
