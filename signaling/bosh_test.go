package main

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"meetbox.local/signaling/xmpp/convo"
)

// poster is a client of BOSH that does exactly what it is told.
type poster struct {
	t   *testing.T
	w   *world
	sid string
	rid uint64
}

const creation = ` to="meet.jitsi" wait="60" hold="1" ver="1.6" xmpp:version="1.0" xmlns:xmpp="urn:xmpp:xbosh"`

func (p *poster) raw(method, text string) (status int, answer string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, "http://meet.jitsi/http-bind?room=demo", strings.NewReader(text))
	if err != nil {
		p.t.Error(err)
		return 0, ""
	}
	res, err := p.w.client().Do(req)
	if err != nil {
		p.t.Errorf("%.100s: %v", text, err)
		return 0, ""
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Error(err)
	}
	if got := res.Header.Get("Access-Control-Allow-Origin"); got != "*" {
		p.t.Errorf("%s allows origin %q", method, got)
	}
	return res.StatusCode, string(b)
}

// at makes a request with this rid, say makes the next one.
func (p *poster) at(rid uint64, attrs, content string) string {
	p.t.Helper()
	if p.sid != "" {
		attrs += ` sid="` + p.sid + `"`
	}
	_, answer := p.raw(http.MethodPost, fmt.Sprintf(`<body xmlns="http://jabber.org/protocol/httpbind" rid="%d"%s>%s</body>`, rid, attrs, content))
	return answer
}

// async makes a request and returns where its answer will be.
func (p *poster) async(rid uint64, content string) <-chan string {
	answer := make(chan string, 1)
	go func() { answer <- p.at(rid, "", content) }()
	return answer
}

func (p *poster) say(attrs, content string) string {
	p.t.Helper()
	p.rid++
	return p.at(p.rid, attrs, content)
}

var sidForm = regexp.MustCompile(` sid="([^"]+)"`)

// poster begins a session.
func (w *world) poster(t *testing.T, attrs string) *poster {
	t.Helper()
	p := &poster{t: t, w: w, rid: 4711}
	answer := p.say(creation+attrs, "")
	m := sidForm.FindStringSubmatch(answer)
	if m == nil {
		t.Fatalf("no session: %s", answer)
	}
	p.sid = m[1]
	return p
}

func (p *poster) login() {
	p.t.Helper()
	p.say("", auth)
	p.say(` xmpp:restart="true" xmlns:xmpp="urn:xmpp:xbosh"`, "")
	if answer := p.say("", bind); !strings.Contains(answer, "<jid>") {
		p.t.Fatalf("bind: %s", answer)
	}
}

// TestBOSH is the life of a session as XEP-0124 tells it.
func TestBOSH(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := &poster{t: t, w: w, rid: 100}
	first := p.say(creation+` ack="1"`, "")
	for _, want := range []string{
		`<body xmlns="http://jabber.org/protocol/httpbind" xmlns:xmpp="urn:xmpp:xbosh" xmpp:restartlogic="true" xmpp:version="1.0" sid="`,
		` from="meet.jitsi" wait="25" hold="1" requests="2" inactivity="60" maxpause="120" polling="2" ack="101">`,
		`<stream:features xmlns:stream="http://etherx.jabber.org/streams"><mechanisms `,
	} {
		if !strings.Contains(first, want) {
			t.Errorf("answer %s\nlacks %s", first, want)
		}
	}
	p.sid = sidForm.FindStringSubmatch(first)[1]
	if again := p.at(101, creation+` ack="1"`, ""); again != first {
		t.Errorf("the same request was answered\n%s\nand then\n%s", first, again)
	}
	if got := p.say("", auth); got != `<body xmlns="http://jabber.org/protocol/httpbind"><success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/></body>` {
		t.Errorf("login: %s", got)
	}
	if got := p.say(` xmpp:restart="true" xmlns:xmpp="urn:xmpp:xbosh"`, ""); !strings.Contains(got, "xmpp-bind") || strings.Contains(got, "urn:xmpp:sm:3") {
		t.Errorf("features after the login: %s", got)
	}
	bound := p.say("", bind)
	if !strings.Contains(bound, "<jid>") {
		t.Fatalf("bind: %s", bound)
	}
	const ping = `<iq xmlns="jabber:client" type="get" to="meet.jitsi" id="%s"><ping xmlns="urn:xmpp:ping"/></iq>`
	// Two requests on their way at once, the later one first; then one that
	// waits for nothing until a later one releases it. A pause releases all.
	b := p.async(p.rid+2, fmt.Sprintf(ping, "b"))
	a := p.async(p.rid+1, fmt.Sprintf(ping, "a"))
	p.rid += 2
	all := p.say(` pause="90"`, "")
	all = <-a + <-b + all
	idle := p.async(p.rid+1, "")
	c := p.async(p.rid+2, fmt.Sprintf(ping, "c"))
	p.rid += 2
	all += <-idle
	pause := p.say(` pause="90"`, "")
	for all += <-c + pause; !strings.Contains(all, ` id="c"`); { // the answer may just be on its way to the writer
		all += p.say("", "")
	}
	for _, id := range []string{"a", "b", "c"} {
		_, rest, found := strings.Cut(all, ` id="`+id+`"`)
		if !found || strings.Contains(rest, ` id="`+id+`"`) {
			t.Errorf("the answer to %s comes once, and after those before, in %s", id, all)
		}
		all = rest
	}
	if got := p.say(` pause="90"`, ""); !strings.HasSuffix(got, "/>") {
		t.Errorf("pause: %s", got)
	}
	if got := p.say(` type="terminate"`, `<presence xmlns="jabber:client" type="unavailable"/>`); !strings.Contains(got, ` type="terminate"`) || strings.Contains(got, "condition") {
		t.Errorf("terminate: %s", got)
	}
	if got := p.say("", ""); !strings.Contains(got, ` type="terminate"`) {
		t.Errorf("after the end: %s", got)
	}
}

// TestBOSHRefusals: each gets the condition of XEP-0124, and is counted.
func TestBOSHRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := &poster{t: t, w: w}
	for _, tc := range []struct{ name, text, condition string }{
		{"not XML", "hello", "bad-request"},
		{"not a body", `<x rid="1"/>`, "bad-request"},
		{"of another namespace", `<body rid="1"/>`, "bad-request"},
		{"no rid", `<body xmlns="http://jabber.org/protocol/httpbind"/>`, "bad-request"},
		{"rid too large", `<body xmlns="http://jabber.org/protocol/httpbind" rid="9007199254740992"/>`, "bad-request"},
		{"hold no number", `<body xmlns="http://jabber.org/protocol/httpbind" rid="1" hold="-1"/>`, "bad-request"},
		{"document type", `<!DOCTYPE a [<!ENTITY b "b">]><body xmlns="http://jabber.org/protocol/httpbind" rid="1">&b;</body>`, "bad-request"},
		{"unknown session", `<body xmlns="http://jabber.org/protocol/httpbind" rid="1" sid="nobody"/>`, "item-not-found"},
		{"long before the login", `<body xmlns="http://jabber.org/protocol/httpbind" rid="1">` + strings.Repeat("<a/>", 4000) + `</body>`, "policy-violation"},
		{"another host", `<body xmlns="http://jabber.org/protocol/httpbind" rid="1" to="example.org"/>`, "host-unknown"},
	} {
		status, got := p.raw(http.MethodPost, tc.text)
		if status != http.StatusOK || !strings.Contains(got, ` type="terminate"`) || !strings.Contains(got, ` condition="`+tc.condition+`"`) {
			t.Errorf("%s: %d %s, want %s", tc.name, status, got, tc.condition)
		}
	}
	for _, tc := range []struct {
		method string
		status int
	}{{http.MethodGet, 200}, {http.MethodOptions, 204}, {http.MethodPut, 405}} {
		if status, _ := p.raw(tc.method, ""); status != tc.status {
			t.Errorf("%s: %d, want %d", tc.method, status, tc.status)
		}
	}
	for _, tc := range []struct {
		name      string
		misuse    func(p *poster) string
		condition string
	}{
		{"rid far ahead", func(p *poster) string { return p.at(p.rid+9, "", "") }, "item-not-found"},
		{"rid long ago", func(p *poster) string { return p.at(p.rid-3, "", "") }, "item-not-found"},
		{"malformed inside", func(p *poster) string { return p.say("", `<x:message xmlns="jabber:client"/>`) }, "bad-request"},
		{"comment", func(p *poster) string { return p.say("", `<message xmlns="jabber:client"><!-- --></message>`) }, "bad-request"},
		{"unknown element", func(p *poster) string { return p.say("", `<order xmlns="urn:x"/>`) }, "remote-stream-error"},
		{"too long", func(p *poster) string {
			return p.say("", `<message xmlns="jabber:client"><body>`+strings.Repeat("x", 300<<10)+`</body></message>`)
		}, "policy-violation"},
	} {
		p := w.poster(t, "")
		p.login()
		if got := tc.misuse(p); !strings.Contains(got, ` condition="`+tc.condition+`"`) {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.condition)
		}
	}
	// sha1("b") and sha1("a") of XEP-0124's chain: the keys are used backwards.
	p = w.poster(t, ` newkey="86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"`)
	if got := p.say(` key="a"`, auth); !strings.Contains(got, "<success") {
		t.Errorf("right key: %s", got)
	}
	if got := p.say(` key="a"`, ""); !strings.Contains(got, ` condition="item-not-found"`) {
		t.Errorf("wrong key: %s", got)
	}
}

// TestBOSHMeetsWebSocket: two people of one room, each by another way.
func TestBOSHMeetsWebSocket(t *testing.T) {
	t.Parallel()
	convo.PlayText(t, newWorld(t), "mixed", `
focus: tcp focus
ann: bosh
bob: websocket
focus> <presence to="demo@muc.meet.jitsi/focus"><x xmlns="http://jabber.org/protocol/muc"/></presence>
focus< <presence from="demo@muc.meet.jitsi/focus"/>
focus< <message><subject/></message>
ann> <presence to="demo@muc.meet.jitsi/${ann.nick}"><x xmlns="http://jabber.org/protocol/muc"/></presence>
ann< <presence from="demo@muc.meet.jitsi/focus"/>
ann< <presence from="demo@muc.meet.jitsi/${ann.nick}"/>
ann< <message><subject/></message>
bob> <presence to="demo@muc.meet.jitsi/${bob.nick}"><x xmlns="http://jabber.org/protocol/muc"/></presence>
ann< <presence from="demo@muc.meet.jitsi/${bob.nick}"/>
bob< <presence from="demo@muc.meet.jitsi/focus"/>
bob< <presence from="demo@muc.meet.jitsi/${ann.nick}"/>
bob< <presence from="demo@muc.meet.jitsi/${bob.nick}"/>
bob< <message><subject/></message>
bob> <message to="demo@muc.meet.jitsi" type="groupchat" id="m"><body>hello</body></message>
ann< <message type="groupchat" id="m"><body>hello</body></message>
ann: close
bob< <message type="groupchat" id="m"/>
bob< <presence type="unavailable" from="demo@muc.meet.jitsi/${ann.nick}"/>
`)
}
