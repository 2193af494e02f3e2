package stanza

import (
	"encoding/xml"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/xmpptest"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	body := "hi <you>"
	xmpptest.RoundTrip(t, []xmpptest.Row{
		{
			Name: "iq",
			Value: &IQ{To: jid.MustParse("a@b/c"), ID: "1", Type: Get, Children: []Element{
				{XMLName: xml.Name{Space: "urn:x", Local: "q"}, Attr: []xml.Attr{{Name: xml.Name{Local: "k"}, Value: "<"}}, Inner: []byte("<z/>")},
			}},
			Text: `<iq xmlns="jabber:client" to="a@b/c" id="1" type="get"><q xmlns="urn:x" k="&lt;"><z/></q></iq>`,
			Also: []string{`<iq xmlns='jabber:client' to='a@b/c' id='1' type='get'> <q k='&#60;' xmlns='urn:x'><z/></q></iq>`},
		},
		{
			Name:  "message",
			Value: &Message{Type: GroupChat, Body: &body},
			Text:  `<message xmlns="jabber:client" type="groupchat"><body xmlns="jabber:client">hi &lt;you&gt;</body></message>`,
		},
		{
			Name:  "presence error",
			Value: &Presence{Type: Failed, Error: &Error{Type: Cancel, Condition: NotAllowed, Text: "no"}},
			Text: `<presence xmlns="jabber:client" type="error"><error xmlns="jabber:client" type="cancel">` +
				`<not-allowed xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"></not-allowed>` +
				`<text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">no</text></error></presence>`,
		},
		{
			Name: "error with more",
			Value: &Error{Type: Cancel, Code: "404", Condition: Gone, Address: "xmpp:x", Specific: []Element{
				{XMLName: xml.Name{Space: "urn:x", Local: "s"}, Inner: []byte{}},
			}},
			Text: `<error xmlns="jabber:client" type="cancel" code="404">` +
				`<gone xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">xmpp:x</gone><s xmlns="urn:x"></s></error>`,
		},
	})
}

func TestChild(t *testing.T) {
	t.Parallel()
	type thing struct {
		XMLName xml.Name `xml:"urn:x thing"`
		A       string   `xml:"a,attr"`
	}
	list, err := Encode(thing{A: "1"}, thing{A: "2"})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := Child[thing](list); err != nil || v == nil || v.A != "1" {
		t.Errorf("Child = %+v, %v", v, err)
	}
	if v, err := Child[thing](nil); v != nil || err != nil {
		t.Errorf("Child of nothing = %+v, %v", v, err)
	}
	if s, ok := Text([]Element{{XMLName: xml.Name{Space: NS, Local: "nick"}, Inner: []byte("a&amp;b")}}, NS, "nick"); !ok || s != "a&b" {
		t.Errorf("Text = %q, %v", s, ok)
	}
}

// Prefixes are legal, if unusual; a payload may declare its own.
func TestPrefix(t *testing.T) {
	t.Parallel()
	type inner struct {
		XMLName xml.Name `xml:"urn:y z"`
	}
	type outer struct {
		XMLName xml.Name `xml:"urn:x q"`
		Z       *inner   `xml:"urn:y z"`
	}
	var q IQ
	if err := xml.Unmarshal([]byte(`<iq xmlns="jabber:client" id="1" type="get"><a:q xmlns:a="urn:x" xmlns:b="urn:y"><b:z/></a:q></iq>`), &q); err != nil {
		t.Fatal(err)
	}
	if v, err := Child[outer](q.Children); err != nil || v == nil || v.Z == nil {
		t.Errorf("Child of %+v = %+v, %v", q.Children, v, err)
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	for _, c := range []Condition{
		BadRequest, Conflict, FeatureNotImplemented, Forbidden, Gone, InternalServerError, ItemNotFound, JIDMalformed,
		NotAcceptable, NotAllowed, NotAuthorized, PolicyViolation, RecipientUnavailable, Redirect, RegistrationRequired,
		RemoteServerNotFound, RemoteServerTimeout, ResourceConstraint, ServiceUnavailable, SubscriptionRequired,
		UndefinedCondition, UnexpectedRequest,
	} {
		if c.Type() == "" {
			t.Errorf("%s has no type", c)
		}
	}
	if !errors.Is(NewError(Gone, "x"), NewError(Gone, "")) || errors.Is(NewError(Gone, ""), NewError(Conflict, "")) {
		t.Error("errors.Is does not compare conditions")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(`<iq xmlns="jabber:client" id="1" type="error"><error type="cancel"><gone xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`)
	f.Add(`<iq xmlns="jabber:client" id="1" type="get" xml:lang="en"><q xmlns="urn:x"><a b="c"/>t</q></iq>`)
	f.Fuzz(func(t *testing.T, s string) {
		var q IQ
		if err := xml.Unmarshal([]byte(s), &q); err != nil {
			return
		}
		b, err := xml.Marshal(q)
		if err != nil {
			t.Fatalf("Marshal(%q): %v", s, err)
		}
		var again IQ
		if err := xml.Unmarshal(b, &again); err != nil {
			return // a prefix that was declared above its element, or a name that only the decoder takes
		}
		if again.Type != q.Type || again.ID != q.ID || again.To != q.To || len(again.Children) != len(q.Children) {
			t.Errorf("%q is read differently as %q:\n%s", s, b, cmp.Diff(q, again))
		}
	})
}
