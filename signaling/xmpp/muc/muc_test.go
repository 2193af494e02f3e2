package muc

import (
	"testing"

	"meetbox.local/signaling/xmpp/form"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/xmpptest"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	ann := jid.MustParse("ann@x/r")
	xmpptest.RoundTrip(t, []xmpptest.Row{
		{Name: "join", Value: &Join{Password: "s"}, Text: `<x xmlns="http://jabber.org/protocol/muc"><password xmlns="http://jabber.org/protocol/muc">s</password></x>`},
		{
			Name:  "user",
			Value: &User{Items: []Item{{Affiliation: Owner, Role: Moderator, JID: ann}}, Statuses: []Status{{Code: 110}}},
			Text: `<x xmlns="http://jabber.org/protocol/muc#user"><item xmlns="http://jabber.org/protocol/muc#user" affiliation="owner" role="moderator" jid="ann@x/r"></item>` +
				`<status xmlns="http://jabber.org/protocol/muc#user" code="110"></status></x>`,
		},
		{
			Name:  "admin",
			Value: &AdminQuery{Items: []AdminItem{{Affiliation: Owner, JID: ann.Bare()}}},
			Text:  `<query xmlns="http://jabber.org/protocol/muc#admin"><item xmlns="http://jabber.org/protocol/muc#admin" affiliation="owner" jid="ann@x"></item></query>`,
		},
		{
			Name:  "owner",
			Value: &OwnerQuery{Form: &form.Data{Type: form.Submit, Fields: []form.Field{{Var: "a", Values: []string{"1"}}}}},
			Text: `<query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit"><field xmlns="jabber:x:data" var="a">` +
				`<value xmlns="jabber:x:data">1</value></field></x></query>`,
		},
	})
	if !(User{Statuses: []Status{{Code: 110}}}).Has(StatusSelf) || (User{}).Has(StatusSelf) {
		t.Error("Has is wrong")
	}
}
