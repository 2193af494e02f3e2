package router

import (
	"meetbox.local/signaling/internal/muc"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/stanza"
)

// door is the router as rooms ask it who may come in.
type door Router

// Admit implements muc.Door.
func (d *door) Admit(m muc.Member, room jid.JID, open bool) *stanza.Error {
	return (*Router)(d).gate(m, room, open)
}

// Owns implements muc.Door.
func (d *door) Owns(m muc.Member, room jid.JID) bool { return (*Router)(d).owns(m, room) }

// Lasting implements muc.Door.
func (d *door) Lasting(addr jid.JID) bool { return d.im.Known(addr) }

// Introduce implements muc.Door.
func (d *door) Introduce(m muc.Member) (identity, permissions []byte) {
	identity, permissions = introduce(m)
	if permissions == nil && (*Router)(d).shares() {
		permissions = maySend
	}
	return identity, permissions
}

// maySend is what Jitsi Meet must be told before it lets anybody send files.
// Who comes with a token that names features has those only.
var maySend = []byte(`<permissions xmlns="http://jitsi.org/jitmeet"><p name="file-upload" val="true"/></permissions>`)

// Appoints implements muc.Door.
func (d *door) Appoints(m muc.Member, room jid.JID) bool { return (*Router)(d).appoints(m, room) }
