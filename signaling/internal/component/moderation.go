package component

import (
	"encoding/xml"
	"maps"
	"slices"

	"meetbox.local/signaling/internal/muc"
	"meetbox.local/signaling/internal/wire"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/stanza"
)

// moderation of one medium that is on: only moderators, and who is on the
// list, may unmute it.
type moderation struct {
	Actor   string   `json:"actor"`             // address in the room
	Allowed []string `json:"allowed,omitempty"` // nicks
}

// media that can be moderated.
func media() []string { return []string{"audio", "desktop", "video"} }

// moderate is a moderator's order.
func (s *Set) moderate(m muc.Member, st *wire.Stanza) *stanza.Error {
	c, ok := st.Find(stanza.NS, "av_moderation")
	if !ok {
		return errBad
	}
	var order struct {
		XMLName  xml.Name
		Enable   string `xml:"enable,attr"`
		Medium   string `xml:"mediaType,attr"`
		Allow    string `xml:"jidToWhitelist,attr"`
		Disallow string `xml:"jidToBlacklist,attr"`
	}
	if st.Decode(c, &order) != nil || !slices.Contains(media(), order.Medium) {
		return errBad
	}
	o := s.here(m)
	if o == nil {
		return errOutside
	}
	if !o.Moderator() {
		return errNoRight
	}
	switch {
	case order.Enable == "true":
		s.enable(o, order.Medium)
		return nil
	case order.Enable == "false":
		s.disable(o, order.Medium)
		return nil
	case order.Enable != "":
		return errBad
	case order.Allow != "":
		return s.allow(o, order.Medium, order.Allow, true)
	case order.Disallow != "":
		return s.allow(o, order.Medium, order.Disallow, false)
	}
	return errBad
}

// toggled is what everybody hears of moderation being on or off.
type toggled struct {
	Type    string `json:"type"`
	Enabled bool   `json:"enabled"`
	Room    string `json:"room"`
	Actor   string `json:"actor"`
	Medium  string `json:"mediaType"`
}

func (s *Set) toggled(r *muc.Room, on bool, actor, medium string) *wire.Out {
	return s.push(kindModeration, r, toggled{kindModeration, on, r.Addr().String(), actor, medium})
}

func (s *Set) enable(o *muc.Occupant, medium string) {
	mt := s.meeting(o.Room())
	if mt.Moderation[medium] != nil {
		return
	}
	if mt.Moderation == nil {
		mt.Moderation = map[string]*moderation{}
	}
	mt.Moderation[medium] = &moderation{Actor: o.Address()}
	s.toggle(o, true, medium)
}

func (s *Set) disable(o *muc.Occupant, medium string) {
	mt := s.meeting(o.Room())
	if mt.Moderation[medium] == nil {
		return
	}
	delete(mt.Moderation, medium)
	s.toggle(o, false, medium)
}

func (s *Set) toggle(o *muc.Occupant, on bool, medium string) {
	s.env.Event("moderation changed", "room", o.Room().Addr().String(), "endpoint", o.Nick(), "medium", medium, "enabled", on)
	if out := s.toggled(o.Room(), on, o.Address(), medium); out != nil {
		o.Room().Broadcast(out)
	}
}

// allow puts somebody on the list of a medium, or off it.
func (s *Set) allow(o *muc.Occupant, medium, who string, yes bool) *stanza.Error {
	r := o.Room()
	mod := s.meeting(r).Moderation[medium]
	addr, err := jid.Parse(who)
	if err != nil {
		return errBad
	}
	target := r.Occupant(addr.Resource())
	switch {
	case mod == nil:
		return stanza.NewError(stanza.UnexpectedRequest, "not moderated")
	case addr.Bare() != r.Addr() || target == nil || !target.Guest():
		return stanza.NewError(stanza.ItemNotFound, "no such participant")
	}
	if slices.Contains(mod.Allowed, target.Nick()) != yes {
		if yes {
			mod.Allowed = append(mod.Allowed, target.Nick())
		} else {
			mod.Allowed = slices.DeleteFunc(mod.Allowed, func(n string) bool { return n == target.Nick() })
		}
		s.listed(r, medium, !yes)
	}
	out := s.push(kindModeration, r, struct {
		Type     string `json:"type"`
		Room     string `json:"room"`
		Approved bool   `json:"approved,omitempty"`
		Removed  bool   `json:"removed,omitempty"`
		Medium   string `json:"mediaType"`
	}{kindModeration, r.Addr().String(), yes, !yes, medium})
	if out != nil {
		target.Send(out)
	}
	return nil
}

// whitelists is what moderators, the focus among them, hear of the lists.
func (s *Set) whitelists(r *muc.Room, medium string, removed bool) *wire.Out {
	lists := map[string][]string{"audio": {}, "video": {}}
	for name, mod := range s.meeting(r).Moderation {
		list := make([]string, len(mod.Allowed))
		for i, nick := range mod.Allowed {
			list[i] = r.Addr().String() + "/" + nick
		}
		lists[name] = list
	}
	return s.push(kindModeration, r, struct {
		Type    string              `json:"type"`
		Room    string              `json:"room"`
		Lists   map[string][]string `json:"whitelists"`
		Medium  string              `json:"mediaType"`
		Removed bool                `json:"removed,omitempty"`
	}{kindModeration, r.Addr().String(), lists, medium, removed})
}

func (s *Set) listed(r *muc.Room, medium string, removed bool) {
	out := s.whitelists(r, medium, removed)
	if out == nil {
		return
	}
	for p := range r.Occupants() {
		if p.Moderator() {
			p.Send(out)
		}
	}
}

// tellModeration says to a joiner what is on.
func (s *Set) tellModeration(o *muc.Occupant) {
	mt := s.at[o.Room()]
	if mt == nil {
		return
	}
	for _, medium := range slices.Sorted(maps.Keys(mt.Moderation)) {
		if out := s.toggled(o.Room(), true, mt.Moderation[medium].Actor, medium); out != nil {
			o.Send(out)
		}
	}
	if o.Moderator() {
		s.tellWhitelists(o)
	}
}

func (s *Set) tellWhitelists(o *muc.Occupant) {
	mt := s.at[o.Room()]
	if mt == nil {
		return
	}
	for _, medium := range slices.Sorted(maps.Keys(mt.Moderation)) {
		if len(mt.Moderation[medium].Allowed) == 0 {
			continue
		}
		if out := s.whitelists(o.Room(), medium, false); out != nil {
			o.Send(out)
		}
	}
}

// disallow takes one who left off the lists: the next one of that nick may be
// somebody else.
func (s *Set) disallow(o *muc.Occupant) {
	mt := s.at[o.Room()]
	if mt == nil {
		return
	}
	for _, medium := range slices.Sorted(maps.Keys(mt.Moderation)) {
		mod := mt.Moderation[medium]
		if i := slices.Index(mod.Allowed, o.Nick()); i >= 0 {
			mod.Allowed = slices.Delete(mod.Allowed, i, i+1)
			s.listed(o.Room(), medium, true)
		}
	}
}
