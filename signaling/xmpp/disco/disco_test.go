package disco

import (
	"testing"

	"meetbox.local/signaling/xmpp/form"
)

// The two examples of XEP-0115 §5.2 and §5.3.
func TestVer(t *testing.T) {
	t.Parallel()
	simple := Info{
		Identities: []Identity{{Category: "client", Type: "pc", Name: "Exodus 0.9.1"}},
		Features:   Features("http://jabber.org/protocol/caps", "http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items", "http://jabber.org/protocol/muc"),
	}
	complex := Info{
		Identities: []Identity{
			{Category: "client", Type: "pc", Lang: "en", Name: "Psi 0.11"},
			{Category: "client", Type: "pc", Lang: "el", Name: "Ψ 0.11"},
		},
		Features: simple.Features,
		Forms: []form.Data{{Type: form.Result, Fields: []form.Field{
			{Var: "FORM_TYPE", Type: "hidden", Values: []string{"urn:xmpp:dataforms:softwareinfo"}},
			{Var: "ip_version", Values: []string{"ipv6", "ipv4"}},
			{Var: "os", Values: []string{"Mac"}},
			{Var: "os_version", Values: []string{"10.5.1"}},
			{Var: "software", Values: []string{"Psi"}},
			{Var: "software_version", Values: []string{"0.11"}},
		}}},
	}
	for _, tc := range []struct {
		name, want string
		info       Info
	}{
		{"simple", "QgayPKawpkPSDYmwT/WM94uAlu0=", simple},
		{"with a form", "q07IKJEyjvHSyhy//CH0CxmKi8w=", complex},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := tc.info.Ver(); got != tc.want {
				t.Errorf("Ver(%+v) = %q, want %q", tc.info, got, tc.want)
			}
		})
	}
	if !simple.Has("http://jabber.org/protocol/muc") || simple.Has("muc") {
		t.Error("Has is wrong")
	}
}
