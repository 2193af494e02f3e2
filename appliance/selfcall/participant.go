package main

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/coder/websocket"
	"github.com/pion/webrtc/v4"

	"meetbox.local/signaling/xmpp/disco"
	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jingle"
	"meetbox.local/signaling/xmpp/jitsimeet"
	"meetbox.local/signaling/xmpp/stanza"
)

const (
	domain      = "meet.jitsi"
	focusDomain = "focus." + domain
	roomDomain  = "muc." + domain
)

// participant is one of the two.
type participant struct {
	door *door
	name string
	room string
	jid  jid.JID
	conn *websocket.Conn
	pc   *webrtc.PeerConnection

	invitation chan jingle.Jingle
	entered    chan error
	lost       chan error    // there will be none
	offer      jingle.Jingle // the invitation that came

	audio, video atomic.Int64

	mu      sync.Mutex
	seq     int
	answers map[string]chan stanza.IQ
}

func newParticipant(d *door, name, room string) *participant {
	return &participant{
		door: d, name: name, room: room,
		invitation: make(chan jingle.Jingle, 1), entered: make(chan error, 1), lost: make(chan error, 1),
		answers: map[string]chan stanza.IQ{},
	}
}

func (p *participant) heard() (audio, video int) { return int(p.audio.Load()), int(p.video.Load()) }

// capabilities are those of a simple client.
func capabilities() disco.Info {
	return disco.Info{Features: disco.Features(jitsimeet.FeatureAudio, jitsimeet.FeatureVideo)}
}

// login opens the stream as a guest (RFC 7395).
func (p *participant) login(ctx context.Context) error {
	q := url.Values{"room": {p.room}}
	if p.door.token != "" {
		q.Set("token", p.door.token)
	}
	conn, err := p.door.socket(ctx, "/xmpp-websocket", q.Encode(), "xmpp")
	if err != nil {
		return err
	}
	p.conn = conn
	const open = `<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="` + domain + `" version="1.0"/>`
	for _, say := range []struct {
		text, want string
		frames     int
	}{
		{open, "features", 2},
		{`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="ANONYMOUS"/>`, "success", 1},
		{open, "features", 2},
	} {
		e, err := p.say(ctx, say.text, say.frames)
		if err != nil {
			return err
		}
		if e.XMLName.Local != say.want {
			return fmt.Errorf("signaling answers with %s %s", e.XMLName.Local, e.Inner)
		}
	}
	e, err := p.say(ctx, `<iq type="set" id="bind" xmlns="jabber:client"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`, 1)
	if err != nil {
		return err
	}
	var bound struct {
		JID jid.JID `xml:"urn:ietf:params:xml:ns:xmpp-bind bind>jid"`
	}
	if err := e.Decode(&bound); err != nil {
		return err
	}
	if bound.JID.Local() == "" {
		return fmt.Errorf("signaling binds no address: %s", e.Inner)
	}
	p.jid = bound.JID
	return nil
}

// say sends a text and returns the last of the elements that answer it.
func (p *participant) say(ctx context.Context, text string, frames int) (e stanza.Element, err error) {
	if err := p.conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		return e, err
	}
	for range frames {
		_, b, err := p.conn.Read(ctx)
		if err != nil {
			return e, fmt.Errorf("signaling ends the connection: %w", err)
		}
		e = stanza.Element{}
		if err := xml.Unmarshal(b, &e); err != nil {
			return e, fmt.Errorf("signaling answers with %.80q: %w", b, err)
		}
	}
	return e, nil
}

// nick is the participant's name in the room.
func (p *participant) nick() string { return p.jid.Local()[:min(8, len(p.jid.Local()))] }

func (p *participant) roomJID() (jid.JID, error) { return jid.Parse(p.room + "@" + roomDomain) }
func (p *participant) occupant() (jid.JID, error) {
	return jid.Parse(p.room + "@" + roomDomain + "/" + p.nick())
}

// receive reads stanzas until the stream ends, and then ends the call.
func (p *participant) receive(ctx context.Context, cancel context.CancelCauseFunc) {
	for {
		_, b, err := p.conn.Read(ctx)
		if err != nil {
			if ctx.Err() == nil {
				cancel(fmt.Errorf("signaling ended the connection: %w", err))
			}
			return
		}
		var e stanza.Element
		if err := xml.Unmarshal(b, &e); err != nil {
			cancel(fmt.Errorf("signaling sent %.80q: %w", b, err))
			return
		}
		if e.XMLName.Space == "" {
			e.XMLName.Space = stanza.NS
		}
		if err := p.take(ctx, e); err != nil {
			cancel(err)
			return
		}
	}
}

func (p *participant) take(ctx context.Context, e stanza.Element) error {
	switch e.XMLName.Local {
	case "iq":
		var q stanza.IQ
		if err := e.Decode(&q); err != nil {
			return err
		}
		return p.iq(ctx, q)
	case "presence":
		var pr stanza.Presence
		if err := e.Decode(&pr); err != nil {
			return err
		}
		none, err := stanza.Child[jitsimeet.BridgeNotAvailable](pr.Children)
		if err != nil {
			return err
		}
		if none != nil && pr.From.Resource() == "focus" {
			tell(p.lost, errors.New("it finds no bridge"))
		}
		own, err := p.occupant()
		if err != nil || pr.From != own {
			return err
		}
		switch pr.Type {
		case "":
			tell(p.entered, nil)
		case stanza.Failed:
			tell(p.entered, fmt.Errorf("refused: %v", pr.Error))
		case stanza.Unavailable:
			return errors.New("the room sent a participant away")
		}
	}
	return nil
}

// tell gives a value to whom is waiting; one is enough.
func tell[T any](ch chan T, v T) {
	select {
	case ch <- v:
	default:
	}
}

func (p *participant) iq(ctx context.Context, q stanza.IQ) error {
	if q.Type == stanza.Result || q.Type == stanza.Failed {
		p.mu.Lock()
		answer := p.answers[q.ID]
		p.mu.Unlock()
		if answer != nil {
			tell(answer, q)
		}
		return nil
	}
	a := stanza.IQ{To: q.From, ID: q.ID, Type: stanza.Result}
	payload := q.Payload()
	if payload.Is(disco.NSInfo, "query") {
		info := capabilities()
		info.Node = payload.Attribute("node")
		var err error
		if a.Children, err = stanza.Encode(info); err != nil {
			return err
		}
	}
	if err := p.send(ctx, a); err != nil {
		return err
	}
	if payload.Is(jingle.NS, "jingle") {
		var j jingle.Jingle
		if err := payload.Decode(&j); err != nil {
			return fmt.Errorf("the focus sent an invitation that cannot be read: %w", err)
		}
		switch j.Action {
		case jingle.SessionInitiate:
			tell(p.invitation, j)
		case jingle.SessionTerminate:
			return errors.New("the focus ended the call")
		}
	}
	return nil
}

func (p *participant) send(ctx context.Context, v any) error {
	b, err := xml.Marshal(v)
	if err != nil {
		return err
	}
	return p.conn.Write(ctx, websocket.MessageText, b)
}

// ask sends an iq and returns its answer.
func (p *participant) ask(ctx context.Context, to jid.JID, payload any) (stanza.IQ, error) {
	children, err := stanza.Encode(payload)
	if err != nil {
		return stanza.IQ{}, err
	}
	answer := make(chan stanza.IQ, 1)
	p.mu.Lock()
	p.seq++
	id := "self" + strconv.Itoa(p.seq)
	p.answers[id] = answer
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.answers, id)
	}()
	if err := p.send(ctx, stanza.IQ{To: to, ID: id, Type: stanza.Set, Children: children}); err != nil {
		return stanza.IQ{}, err
	}
	q, err := await(ctx, "answer from "+to.String(), answer)
	if err == nil && q.Type == stanza.Failed {
		err = fmt.Errorf("%s refuses: %v", to, q.Error)
	}
	return q, err
}

// request asks the focus for the meeting.
func (p *participant) request(ctx context.Context) error {
	room, err := p.roomJID()
	if err != nil {
		return err
	}
	to, err := jid.Parse(focusDomain)
	if err != nil {
		return err
	}
	q, err := p.ask(ctx, to, jitsimeet.Conference{Room: room.String()})
	if err != nil {
		return err
	}
	var c jitsimeet.Conference
	if err := q.Payload().Decode(&c); err != nil {
		return err
	}
	if c.Ready == nil || !*c.Ready {
		return errors.New("it is not ready")
	}
	return nil
}

// enter goes into the room.
func (p *participant) enter(ctx context.Context) error {
	own, err := p.occupant()
	if err != nil {
		return err
	}
	caps := disco.Caps{Hash: "sha-1", Node: "https://meetbox.local/selfcall", Ver: capabilities().Ver()}
	children, err := stanza.Encode(caps)
	if err != nil {
		return err
	}
	children = append(children, stanza.Element{XMLName: xml.Name{Space: "http://jabber.org/protocol/muc", Local: "x"}})
	if err := p.send(ctx, stanza.Presence{To: own, Children: children}); err != nil {
		return err
	}
	refused, err := await(ctx, "answer from the room", p.entered)
	return errors.Join(err, refused)
}

// invited waits for the focus's offer.
func (p *participant) invited(ctx context.Context) error {
	select {
	case p.offer = <-p.invitation:
		return nil
	case err := <-p.lost:
		return err
	case <-ctx.Done():
		return &waitError{"invitation", ctx.Err()}
	}
}

// leave closes all that is open.
func (p *participant) leave() {
	if p.pc != nil {
		p.pc.Close()
	}
	if p.conn != nil {
		if own, err := p.occupant(); err == nil && p.jid.Local() != "" {
			b, err := xml.Marshal(stanza.Presence{To: own, Type: stanza.Unavailable})
			if err == nil {
				// Politely, if signaling is still there: the room is gone at once.
				ctx, cancel := context.WithTimeout(context.Background(), politeness)
				err = p.conn.Write(ctx, websocket.MessageText, b)
				cancel()
			}
			if err == nil {
				p.conn.Close(websocket.StatusNormalClosure, "")
			}
		}
		p.conn.CloseNow()
	}
}

// hostPart is what follows the host in a bridge's WebSocket address: the host
// is the one that the call goes to anyway.
func hostPart(address string) string {
	_, rest, _ := strings.Cut(address, "://")
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		return rest[i:]
	}
	return "/"
}
