package router

import (
	"encoding/xml"
	"slices"
	"testing"

	"github.com/pion/turn/v5"
	"meetbox.local/signaling/internal/sm"
)

// TestServices: clients are told the box's own TURN under the name that they
// know it by, with credentials that a TURN server takes.
func TestServices(t *testing.T) {
	t.Parallel()
	r := open(t, "")
	if err := r.Configure(Config{Media: Media{Secret: "not a secret", TURN: 443, STUN: 10000}}); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		host string
		want []string
	}{
		{"meetbox.local", []string{"stun meetbox.local:10000 udp", "turns meetbox.local:443 tcp", "turn meetbox.local:443 tcp", "turn meetbox.local:10000 udp"}},
		{"[2001:db8::1]", []string{"stun [2001:db8::1]:10000 udp", "turns [2001:db8::1]:443 tcp", "turn [2001:db8::1]:443 tcp", "turn [2001:db8::1]:10000 udp"}},
		{`x"/><y a="`, []string{`stun x"/><y a=":10000 udp`, `turns x"/><y a=":443 tcp`, `turn x"/><y a=":443 tcp`, `turn x"/><y a=":10000 udp`}},
		{"", nil},
	} {
		p := &peer{t: t, r: r, sc: NewScanner()}
		var err error
		if p.s, err = r.Bind(Account{User: "ann", Domain: "meet.jitsi", Pass: Pass{Host: tc.host}}, "1", p, sm.New(r.QueueBytes, p)); err != nil {
			t.Fatal(err)
		}
		if err := p.say(`<iq type="get" to="meet.jitsi" id="1"><services xmlns="urn:xmpp:extdisco:2"/></iq>`); err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Services []struct {
				Type      string `xml:"type,attr"`
				Host      string `xml:"host,attr"`
				Port      string `xml:"port,attr"`
				Transport string `xml:"transport,attr"`
				Username  string `xml:"username,attr"`
				Password  string `xml:"password,attr"`
			} `xml:"services>service"`
		}
		for _, text := range p.hear() {
			if err := xml.Unmarshal([]byte(text), &answer); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		}
		var got []string
		for _, s := range answer.Services {
			got = append(got, s.Type+" "+s.Host+":"+s.Port+" "+s.Transport)
			if s.Type == "stun" {
				continue
			}
			check := turn.LongTermTURNRESTAuthHandler("not a secret", nil)
			_, key, ok := check(&turn.RequestAttributes{Username: s.Username, Realm: "meetbox"})
			if want := turn.GenerateAuthKey(s.Username, "meetbox", s.Password); !ok || !slices.Equal(key, want) {
				t.Errorf("%s: the server does not take %s and %s", tc.host, s.Username, s.Password)
			}
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("host %q: %q, want %q", tc.host, got, tc.want)
		}
	}
}
