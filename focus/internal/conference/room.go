package conference

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"

	"meetbox.local/signaling/xmpp/disco"
	"meetbox.local/signaling/xmpp/form"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/muc"
	"meetbox.local/signaling/xmpp/stanza"
)

// enter joins the room, or joins it again after the focus was away.
func (c *Conference) enter() {
	if c.state == ended {
		return
	}
	c.state = outside
	c.doubtModeration()
	for _, m := range c.members {
		m.present = false
		stop(&m.gone)
	}
	c.sendPresence(true)
	stop(&c.timers.join)
	c.timers.join = c.after(joinTimeout, func() {
		if c.state == outside && c.timers.join != nil {
			c.log.Warn("room does not let the focus in")
			c.answer(false)
			if len(c.members) == 0 {
				c.end()
				return
			}
			c.enter()
		}
	})
}

// sendPresence shows the focus, and with it the conference's properties, to
// the room.
func (c *Conference) sendPresence(join bool) {
	info := Info()
	children := []any{}
	if join {
		none := 0
		children = append(children, muc.Join{History: &muc.History{MaxStanzas: &none}, Continue: &muc.Continue{}})
	}
	bridges := "0"
	if c.bridge != nil && c.bridge.Created {
		bridges = "1"
	}
	children = append(children,
		disco.Caps{Hash: "sha-1", Node: "https://meetbox.local/focus", Ver: info.Ver()},
		jitsimeet.Versions{Components: []jitsimeet.Component{{Name: "focus", Version: Version}}},
		jitsimeet.ConferenceProperties{Properties: []jitsimeet.ConferenceProperty{
			{Key: "support-terminate-restart", Value: "true"},
			{Key: "bridge-count", Value: bridges},
			{Key: "visitors-enabled", Value: "false"},
			{Key: "audio-limit-reached", Value: strconv.FormatBool(c.full.audio)},
			{Key: "video-limit-reached", Value: strconv.FormatBool(c.full.video)},
		}},
	)
	if c.missing {
		children = append(children, jitsimeet.BridgeNotAvailable{})
	}
	list, err := stanza.Encode(children...)
	if err != nil {
		c.log.Error("presence not written", "err", err)
		return
	}
	c.then(func() { c.sent(c.f.x.Send(stanza.Presence{To: c.self, Children: list})) })
}

// sent logs what could not be sent. The session is lost then, and all of it
// is made up for when the focus is back.
func (c *Conference) sent(err error) {
	if err != nil {
		c.log.Debug("not sent", "err", err)
	}
}

// inside runs when the room has named its occupants and let the focus in.
func (c *Conference) inside(x muc.User) {
	if c.state != outside {
		return
	}
	c.state = entered
	stop(&c.timers.join)
	c.settleModeration()
	if i := slices.IndexFunc(x.Items, func(i muc.Item) bool { return i.Affiliation != "" }); i >= 0 && x.Items[i].Affiliation != muc.Owner {
		c.log.Warn("focus is not the room's owner", "affiliation", string(x.Items[i].Affiliation))
	}
	if x.Has(muc.StatusCreated) {
		c.configure()
	}
	for _, m := range c.sorted() {
		if !m.present {
			c.await(m)
		}
	}
	c.ask(c.room, stanza.Get, disco.Info{}, func(q stanza.IQ, err error) {
		if c.state == entered {
			c.described(q, err)
		}
	})
}

// described reads the room's form; without one the conference still works.
func (c *Conference) described(q stanza.IQ, err error) {
	var info disco.Info
	if err == nil {
		err = q.Payload().Decode(&info)
	}
	if err != nil {
		c.log.Warn("room form not read", "err", err)
	}
	if c.meeting == "" {
		for _, f := range info.Forms {
			if id, ok := f.Value("muc#roominfo_meetingId"); ok && id != "" {
				c.meeting = id
			}
		}
	}
	if c.meeting == "" {
		c.meeting = newUUID()
	}
	c.state = ready
	c.dirty = true
	c.answer(true)
	c.verify()
	c.maintain()
}

// lostSession notes that the focus is offline.
func (c *Conference) lostSession() {
	if c.state == ended {
		return
	}
	c.state = outside
	stop(&c.timers.join)
	c.answer(false) // who asked can ask again
	for _, m := range c.members {
		stop(&m.gone)
		if m.session != nil && m.session.phase != active {
			m.session.unsure = true
		}
	}
}

// configure opens a room that signaling made just now and keeps locked until
// its owner has said how it should be.
func (c *Conference) configure() {
	c.ask(c.room, stanza.Set, roomForm(), func(_ stanza.IQ, err error) {
		if err != nil {
			c.log.Warn("room not configured", "err", err)
		}
	})
}

// roomForm is how the focus wants its rooms: everybody's real address is
// visible, because clients recognise the focus by it.
func roomForm() muc.OwnerQuery {
	return muc.OwnerQuery{Form: &form.Data{Type: form.Submit, Fields: []form.Field{
		{Var: "FORM_TYPE", Type: "hidden", Values: []string{"http://jabber.org/protocol/muc#roomconfig"}},
		{Var: "muc#roomconfig_whois", Values: []string{"anyone"}},
		{Var: "muc#roomconfig_persistentroom", Values: []string{"0"}},
	}}}
}

// newUUID is a random UUID (version 4).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
