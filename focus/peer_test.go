package main

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"meetbox.local/appliance/kit/ctl"
	"meetbox.local/signaling/xmpp/disco"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jingle"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/stanza"
)

const nsSM = "urn:xmpp:sm:3"

// peer is a guest with a browser's manners: WebSocket, stream management,
// and a mind of its own only where the test asks for it.
type peer struct {
	t    *testing.T
	w    *world
	room jid.JID
	jid  jid.JID
	info disco.Info
	ssrc uint32 // of its first source

	mu      sync.Mutex
	conn    *websocket.Conn
	sm      string
	counted uint32
	seen    []stanza.Element
	read    int // of seen, what await has passed
	changed chan struct{}
	answers map[string]chan stanza.IQ
	seq     int
	ending  bool
	wg      sync.WaitGroup
}

// Capabilities of three kinds of clients.
func classicJSON() disco.Info {
	return disco.Info{Features: disco.Features(
		jitsimeet.FeatureAudio, jitsimeet.FeatureVideo, jitsimeet.FeatureSCTP, jitsimeet.FeatureRTX, jitsimeet.FeatureTCC, jitsimeet.FeatureJSONSources)}
}

func classicXML() disco.Info {
	return disco.Info{Features: disco.Features(jitsimeet.FeatureAudio, jitsimeet.FeatureVideo, jitsimeet.FeatureRTX, jitsimeet.FeatureREMB)}
}

func rewriting() disco.Info {
	i := classicJSON()
	i.Features = append(i.Features, disco.Features(jitsimeet.FeatureSSRCRewriting)...)
	return i
}

// guest connects somebody who is in no room yet.
func (w *world) guest(ssrc uint32, info disco.Info) *peer {
	w.t.Helper()
	p := &peer{t: w.t, w: w, info: info, ssrc: ssrc, changed: make(chan struct{}), answers: make(map[string]chan stanza.IQ)}
	deadline := time.Now().Add(patience)
	for p.connect() != nil {
		if time.Now().After(deadline) {
			w.t.Fatalf("no connection with signaling: %v", p.connect())
		}
	}
	w.t.Cleanup(p.quit)
	return p
}

func (p *peer) quit() {
	p.mu.Lock()
	p.ending = true
	p.conn.CloseNow()
	p.mu.Unlock()
	p.wg.Wait()
}

// reached is where web says that peers come in.
const reached = "192.0.2.9"

// connect logs in, or resumes.
func (p *peer) connect() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	url := "ws://signaling/xmpp-websocket?room=x"
	if p.sm != "" {
		url += "&previd=" + p.sm
	}
	conn, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{ // there is none
		HTTPClient: &http.Client{Transport: ctl.Client(p.w.path("signaling.sock")).Transport}, Subprotocols: []string{"xmpp"},
		HTTPHeader: http.Header{"X-Local-Address": {reached}},
	})
	if err != nil {
		return err
	}
	conn.SetReadLimit(1 << 20)
	say := func(text string, frames int) (last string, err error) {
		if err := conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			return "", err
		}
		for range frames {
			_, b, err := conn.Read(ctx)
			if err != nil {
				return "", err
			}
			last = string(b)
		}
		return last, nil
	}
	const open = `<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="meet.jitsi" version="1.0"/>`
	resume := `<resume xmlns="` + nsSM + `" h="` + strconv.Itoa(int(p.counted)) + `" previd="` + p.sm + `"/>`
	_, err = say(open, 2)
	if err == nil {
		_, err = say(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="ANONYMOUS"/>`, 1)
	}
	if err == nil {
		_, err = say(open, 2)
	}
	if err == nil && p.sm != "" {
		var answer string
		if answer, err = say(resume, 1); err == nil && !strings.HasPrefix(answer, "<resumed") {
			err = errors.New(answer)
		}
	} else if err == nil {
		err = p.bind(say)
	}
	if err != nil {
		conn.CloseNow()
		return err
	}
	p.mu.Lock()
	p.conn = conn
	p.mu.Unlock()
	p.wg.Go(func() { p.receive(conn) })
	return nil
}

func (p *peer) bind(say func(string, int) (string, error)) error {
	text, err := say(`<iq type="set" id="b" xmlns="jabber:client"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`, 1)
	if err != nil {
		return err
	}
	var v struct {
		JID jid.JID `xml:"urn:ietf:params:xml:ns:xmpp-bind bind>jid"`
	}
	if err := xml.Unmarshal([]byte(text), &v); err != nil {
		return err
	}
	p.jid = v.JID
	if text, err = say(`<enable xmlns="`+nsSM+`" resume="true"/>`, 1); err != nil {
		return err
	}
	var e stanza.Element
	if err := xml.Unmarshal([]byte(text), &e); err != nil {
		return err
	}
	p.sm = e.Attribute("id")
	return nil
}

func (p *peer) nick() string { return p.jid.Local()[:8] }

// occupant is the peer's own address in the room.
func (p *peer) occupant() jid.JID { return jid.MustParse(p.room.String() + "/" + p.nick()) }

func (p *peer) focus() jid.JID { return jid.MustParse(p.room.String() + "/focus") }

// receive reads until the connection ends, and resumes it unless the peer
// has quit.
func (p *peer) receive(conn *websocket.Conn) {
	for {
		_, b, err := conn.Read(context.Background())
		if err != nil {
			break
		}
		var e stanza.Element
		if err := xml.Unmarshal(b, &e); err != nil {
			p.t.Errorf("%s got %s: %v", p.nick(), b, err)
			return
		}
		p.take(e)
	}
	for {
		p.mu.Lock()
		ending := p.ending
		p.mu.Unlock()
		if ending {
			return
		}
		if p.connect() == nil {
			return
		}
	}
}

func (p *peer) take(e stanza.Element) {
	if e.XMLName.Space == nsSM {
		if e.XMLName.Local == "r" {
			p.mu.Lock()
			n := p.counted
			p.mu.Unlock()
			p.write([]byte(`<a xmlns="` + nsSM + `" h="` + strconv.Itoa(int(n)) + `"/>`))
		}
		return
	}
	if e.XMLName.Local == "iq" && e.XMLName.Space == "" {
		e.XMLName.Space = stanza.NS
	}
	var q stanza.IQ
	if e.XMLName.Local == "iq" {
		if err := e.Decode(&q); err != nil {
			p.t.Errorf("%s: %v", p.nick(), err)
		}
	}
	p.mu.Lock()
	p.counted++
	p.seen = append(p.seen, e)
	close(p.changed)
	p.changed = make(chan struct{})
	answer := p.answers[q.ID]
	p.mu.Unlock()
	switch q.Type {
	case stanza.Result, stanza.Failed:
		if answer != nil {
			answer <- q
		}
	case stanza.Get, stanza.Set:
		a := stanza.IQ{To: q.From, ID: q.ID, Type: stanza.Result}
		if q.Payload().Is(disco.NSInfo, "query") {
			info := p.info
			info.Node = q.Payload().Attribute("node")
			a.Children = p.encode(info)
		}
		p.send(a)
	}
}

func (p *peer) encode(v ...any) []stanza.Element {
	out, err := stanza.Encode(v...)
	if err != nil {
		p.t.Error(err)
	}
	return out
}

func (p *peer) send(v any) {
	b, err := xml.Marshal(v)
	if err != nil {
		p.t.Error(err)
		return
	}
	p.write(b)
}

func (p *peer) write(b []byte) {
	p.mu.Lock()
	conn := p.conn
	p.mu.Unlock()
	conn.Write(context.Background(), websocket.MessageText, b) // the reader notices
}

// ask sends an iq and returns its answer.
func (p *peer) ask(to jid.JID, typ string, payload any) stanza.IQ {
	p.t.Helper()
	p.mu.Lock()
	p.seq++
	id := p.nick() + strconv.Itoa(p.seq)
	ch := make(chan stanza.IQ, 1)
	p.answers[id] = ch
	p.mu.Unlock()
	p.send(stanza.IQ{To: to, ID: id, Type: typ, Children: p.encode(payload)})
	select {
	case a := <-ch:
		return a
	case <-time.After(patience):
		p.t.Fatalf("%s: no answer to %+v", p.nick(), payload)
		return stanza.IQ{}
	}
}

// refused asks and wants this condition, or success when it is empty.
func (p *peer) refused(want stanza.Condition, to jid.JID, payload any) {
	p.t.Helper()
	a := p.ask(to, stanza.Set, payload)
	var got stanza.Condition
	if a.Error != nil {
		got = a.Error.Condition
	}
	if got != want {
		p.t.Errorf("%s: answer to %+v is %q (%v), want %q", p.nick(), payload, got, a.Error, want)
	}
}

// await returns the first stanza, of those not passed yet, that the test
// likes; those before it are passed.
func (p *peer) await(what string, like func(stanza.Element) bool) stanza.Element {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		p.mu.Lock()
		for p.read < len(p.seen) {
			e := p.seen[p.read]
			p.read++
			if like(e) {
				p.mu.Unlock()
				return e
			}
		}
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-deadline:
			p.t.Fatalf("%s: %s did not come", p.nick(), what)
		}
	}
}

// never checks that nothing of the kind is among what came since the start.
func (p *peer) never(what string, like func(stanza.Element) bool) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.seen {
		if like(e) {
			p.t.Errorf("%s: %s came: %s %v %s", p.nick(), what, e.XMLName.Local, e.Attr, e.Inner)
		}
	}
}

// jingle waits for the next Jingle of an action.
func (p *peer) jingle(a jingle.Action) jingle.Jingle {
	p.t.Helper()
	e := p.await("jingle "+string(a), func(e stanza.Element) bool { return e.XMLName.Local == "iq" && actionOf(e) == a })
	var q stanza.IQ
	var j jingle.Jingle
	if err := errors.Join(e.Decode(&q), q.Payload().Decode(&j)); err != nil {
		p.t.Fatal(err)
	}
	if q.From != p.focus() || q.To != p.jid {
		p.t.Errorf("%s: jingle from %s to %s", p.nick(), q.From, q.To)
	}
	return j
}

func actionOf(e stanza.Element) jingle.Action {
	var q stanza.IQ
	if e.Decode(&q) != nil || !q.Payload().Is(jingle.NS, "jingle") {
		return ""
	}
	return jingle.Action(q.Payload().Attribute("action"))
}

// join asks for the conference and enters its room.
func (p *peer) join(room string, props ...jitsimeet.Property) {
	p.t.Helper()
	p.enter(room+"@"+mucDomain, props...)
}

// enter is join, for a room of any domain.
func (p *peer) enter(room string, props ...jitsimeet.Property) {
	p.t.Helper()
	p.room = jid.MustParse(room)
	p.request(props...)
	caps := disco.Caps{Hash: "sha-1", Node: "https://jitsi.org/jitsi-meet", Ver: p.info.Ver()}
	children := append([]stanza.Element{{XMLName: xml.Name{Space: "http://jabber.org/protocol/muc", Local: "x"}}}, p.encode(caps)...)
	p.send(stanza.Presence{To: p.occupant(), Children: children})
	p.await("its own presence", func(e stanza.Element) bool {
		return e.XMLName.Local == "presence" && e.Attribute("from") == p.occupant().String()
	})
}

// request asks for the conference until the focus is there.
func (p *peer) request(props ...jitsimeet.Property) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		a := p.ask(jid.MustParse("focus.meet.jitsi"), stanza.Set, jitsimeet.Conference{Room: p.room.String(), Properties: props})
		var c jitsimeet.Conference
		if a.Error == nil {
			if err := a.Payload().Decode(&c); err != nil {
				p.t.Fatal(err)
			}
			if c.Ready != nil && *c.Ready {
				if c.FocusJID != jid.MustParse("focus@auth.meet.jitsi") {
					p.t.Errorf("focusjid %s", c.FocusJID)
				}
				return
			}
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("no conference: %+v", a)
		}
	}
}

// content is a camera of one layer with retransmission, or a microphone.
func (p *peer) content(media string, ssrc uint32) jingle.Content {
	name := p.nick() + "-" + media[:1] + "0"
	source := func(ssrc uint32) jingle.Source {
		return jingle.Source{SSRC: ssrc, Name: name, Parameters: []jingle.SourceParameter{{Name: "msid", Value: fmt.Sprintf("s%d t-%s", p.ssrc, media)}}}
	}
	d := &jingle.Description{Media: media, Sources: []jingle.Source{source(ssrc)}}
	if media == "video" {
		d.Sources = append(d.Sources, source(ssrc+1))
		d.Groups = []jingle.SourceGroup{{Semantics: jingle.SemanticsFID, Sources: []jingle.GroupSource{{SSRC: ssrc}, {SSRC: ssrc + 1}}}}
	}
	return jingle.Content{Creator: "responder", Name: media, Description: d, Transport: &jingle.Transport{
		Ufrag: "of" + p.nick(), Pwd: "x", Fingerprints: []jingle.Fingerprint{{Hash: "sha-256", Setup: "active", Value: "BB"}},
	}}
}

// accept answers an offer with a camera and a microphone.
func (p *peer) accept(offer jingle.Jingle) {
	p.t.Helper()
	video := p.content("video", p.ssrc)
	video.InitialLastN = &jingle.InitialLastN{Value: 7}
	p.refused("", p.focus(), jingle.Jingle{
		Action: jingle.SessionAccept, SID: offer.SID, Contents: []jingle.Content{p.content("audio", p.ssrc+10), video},
	})
}

// leave goes, politely.
func (p *peer) leave() {
	p.send(stanza.Presence{To: p.occupant(), Type: stanza.Unavailable})
	p.await("its own leave", func(e stanza.Element) bool {
		return e.XMLName.Local == "presence" && e.Attribute("type") == stanza.Unavailable && e.Attribute("from") == p.occupant().String()
	})
}
