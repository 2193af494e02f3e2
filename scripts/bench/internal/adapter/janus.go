package adapter

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"meetbox.local/scripts/bench/internal/rtcx"

	"github.com/pion/webrtc/v4"
)

func janus() Adapter {
	return Adapter{
		Name: "janus",
		Server: func(s ServerSpec) (Server, error) {
			loops := ""
			if n := s.Opts["janus.event_loops"]; n != "" {
				loops = "\tevent_loops = " + n + "\n"
			}
			lib := "/usr/lib/x86_64-linux-gnu/janus/"
			files := map[string]string{
				"janus.jcfg": fmt.Sprintf("general: {\n\tconfigs_folder = %q\n\tplugins_folder = %q\n\ttransports_folder = %q\n\tevents_folder = %q\n\tdebug_level = 3\n\tadmin_secret = \"x\"\n%s}\nmedia: {\n}\nnat: {\n}\nplugins: {\n\tdisable = \"libjanus_audiobridge.so,libjanus_duktape.so,libjanus_echotest.so,libjanus_lua.so,libjanus_nosip.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_streaming.so,libjanus_textroom.so,libjanus_videocall.so,libjanus_voicemail.so\"\n}\ntransports: {\n\tdisable = \"libjanus_http.so,libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so\"\n}\n",
					s.Work, lib+"plugins", lib+"transports", lib+"events", loops),
				"janus.transport.websockets.jcfg": fmt.Sprintf("general: {\n\tjson = \"plain\"\n\tws = true\n\tws_port = 8188\n\tws_ip = %q\n\twss = false\n\tws_logging = \"\"\n}\nadmin: {\n\tadmin_ws = false\n\tadmin_wss = false\n}\n", s.IP),
				"janus.plugin.videoroom.jcfg":     "general: {\n}\n",
			}
			for n, b := range files {
				if err := os.WriteFile(filepath.Join(s.Work, n), []byte(b), 0o644); err != nil {
					return Server{}, err
				}
			}
			return Server{Argv: []string{"/usr/bin/janus", "--disable-colors", "--configs-folder", s.Work}, Dir: s.Work, Ready: s.IP + ":8188"}, nil
		},
		Client: func(s Spec) Client { return &janClient{s: s, wait: map[string]chan janMsg{}} },
	}
}

const janRoom = 1234

type janMsg struct {
	Janus       string `json:"janus"`
	Transaction string `json:"transaction"`
	Sender      uint64 `json:"sender"`
	Data        struct{ ID uint64 }
	Error       json.RawMessage `json:"error"`
	Plugindata  struct {
		Data janData `json:"data"`
	} `json:"plugindata"`
	JSEP *janJSEP `json:"jsep"`
}

type janJSEP struct {
	Type string `json:"type"`
	SDP  string `json:"sdp"`
}

type janData struct {
	VideoRoom  string `json:"videoroom"`
	Publishers []struct {
		ID uint64 `json:"id"`
	} `json:"publishers"`
	ErrorCode  int    `json:"error_code"`
	Error      string `json:"error"`
	Configured string `json:"configured"`
}

// janClient has one publishing handle and, as in Janus's multistream demo, one
// subscribing handle for all remote publishers.
type janClient struct {
	s        Spec
	ws       *wsConn
	session  uint64
	pubH     uint64
	subH     uint64
	pub, sub *peer

	mu    sync.Mutex
	wait  map[string]chan janMsg
	next  int
	n     Negotiated
	feeds chan []uint64
	stop  chan struct{}
}

// call sends a request; plugin messages get their reply after an ack.
func (c *janClient) call(ctx context.Context, m map[string]any) (janMsg, error) {
	c.mu.Lock()
	c.next++
	tx := fmt.Sprintf("t%d", c.next)
	ch := make(chan janMsg, 4)
	c.wait[tx] = ch
	c.mu.Unlock()
	m["transaction"] = tx
	if c.session != 0 {
		m["session_id"] = c.session
	}
	if err := c.ws.sendJSON(m); err != nil {
		return janMsg{}, err
	}
	for {
		select {
		case r := <-ch:
			if r.Janus == "ack" && m["janus"] == "message" {
				continue
			}
			c.mu.Lock()
			delete(c.wait, tx)
			c.mu.Unlock()
			if r.Janus == "error" {
				return r, fmt.Errorf("janus: %s", r.Error)
			}
			if d := r.Plugindata.Data; d.ErrorCode != 0 && d.ErrorCode != 427 { // 427: room exists
				return r, fmt.Errorf("janus videoroom: %d %s", d.ErrorCode, d.Error)
			}
			return r, nil
		case <-ctx.Done():
			return janMsg{}, fmt.Errorf("janus %v: %w", m["body"], ctx.Err())
		}
	}
}

func (c *janClient) message(ctx context.Context, h uint64, body map[string]any, jsep *janJSEP) (janMsg, error) {
	m := map[string]any{"janus": "message", "handle_id": h, "body": body}
	if jsep != nil {
		m["jsep"] = jsep
	}
	return c.call(ctx, m)
}

func (c *janClient) attach(ctx context.Context) (uint64, error) {
	r, err := c.call(ctx, map[string]any{"janus": "attach", "plugin": "janus.plugin.videoroom"})
	return r.Data.ID, err
}

func (c *janClient) Join(ctx context.Context) (err error) {
	if c.ws, err = dialWS(ctx, "ws://"+c.s.IP+":8188/", "janus-protocol"); err != nil {
		return err
	}
	c.feeds, c.stop = make(chan []uint64, 100), make(chan struct{})
	go c.read()
	r, err := c.call(ctx, map[string]any{"janus": "create"})
	if err != nil {
		return err
	}
	c.session = r.Data.ID
	go c.keepalive(c.stop)
	if c.pubH, err = c.attach(ctx); err != nil {
		return err
	}
	if c.s.ID == 0 {
		if _, err := c.message(ctx, c.pubH, map[string]any{"request": "create", "room": janRoom, "publishers": 1000, "bitrate": 0, "audiocodec": "opus", "videocodec": "vp8", "transport_wide_cc_ext": true}, nil); err != nil {
			return err
		}
	}
	r, err = c.message(ctx, c.pubH, map[string]any{"request": "join", "ptype": "publisher", "room": janRoom, "display": fmt.Sprintf("p%d", c.s.ID)}, nil)
	if err != nil {
		return err
	}
	if c.s.Receive {
		go c.subscribeLoop(c.stop)
		c.offerFeeds(r.Plugindata.Data)
	}
	if len(c.s.Tracks) == 0 {
		return nil
	}
	if c.pub, err = newPeer(c.s); err != nil {
		return err
	}
	if err := c.pub.publish(c.s.Tracks); err != nil {
		return err
	}
	sdp, err := c.pub.offer()
	if err != nil {
		return err
	}
	r, err = c.message(ctx, c.pubH, map[string]any{"request": "publish"}, &janJSEP{"offer", sdp})
	if err != nil {
		return err
	}
	if r.JSEP == nil {
		return fmt.Errorf("janus: no answer in %+v", r)
	}
	c.mu.Lock()
	c.n.PubSDP = r.JSEP.SDP
	c.mu.Unlock()
	return c.pub.remote(webrtc.SDPTypeAnswer, r.JSEP.SDP)
}

func (c *janClient) offerFeeds(d janData) {
	var ids []uint64
	for _, p := range d.Publishers {
		ids = append(ids, p.ID)
	}
	if len(ids) > 0 {
		c.feeds <- ids
	}
}

// subscribeLoop subscribes to feeds as they come, one negotiation at a time.
func (c *janClient) subscribeLoop(stop chan struct{}) {
	have := map[uint64]bool{}
	for {
		var ids []uint64
		select {
		case ids = <-c.feeds:
		case <-stop:
			return
		}
		for more := true; more; { // take all that are waiting
			select {
			case x := <-c.feeds:
				ids = append(ids, x...)
			default:
				more = false
			}
		}
		var streams []map[string]any
		for _, id := range ids {
			if !have[id] {
				have[id] = true
				streams = append(streams, map[string]any{"feed": id})
			}
		}
		if len(streams) == 0 {
			continue
		}
		if err := c.subscribe(streams); err != nil {
			c.s.Logf("janus p%d: subscribe: %v", c.s.ID, err)
		}
	}
}

func (c *janClient) subscribe(streams []map[string]any) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var r janMsg
	if c.sub == nil {
		if c.subH, err = c.attach(ctx); err != nil {
			return err
		}
		if c.sub, err = newPeer(c.s); err != nil {
			return err
		}
		r, err = c.message(ctx, c.subH, map[string]any{"request": "join", "ptype": "subscriber", "room": janRoom, "streams": streams}, nil)
	} else {
		r, err = c.message(ctx, c.subH, map[string]any{"request": "subscribe", "streams": streams}, nil)
	}
	if err != nil {
		return err
	}
	if r.JSEP == nil {
		return nil
	}
	c.mu.Lock()
	c.n.RecvSDP = r.JSEP.SDP
	c.mu.Unlock()
	a, err := c.sub.answer(r.JSEP.SDP)
	if err != nil {
		return err
	}
	_, err = c.message(ctx, c.subH, map[string]any{"request": "start"}, &janJSEP{"answer", a})
	return err
}

func (c *janClient) keepalive(stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(20 * time.Second):
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			c.call(ctx, map[string]any{"janus": "keepalive"})
			cancel()
		}
	}
}

func (c *janClient) read() {
	for {
		var m janMsg
		if err := c.ws.ReadJSON(&m); err != nil {
			if _, ok := err.(*json.UnmarshalTypeError); ok {
				continue
			}
			return
		}
		c.mu.Lock()
		ch := c.wait[m.Transaction]
		c.mu.Unlock()
		if ch != nil && m.Transaction != "" {
			ch <- m
			continue
		}
		if m.Janus == "event" && m.Sender == c.pubH && c.s.Receive {
			c.offerFeeds(m.Plugindata.Data)
		}
		if m.Janus == "hangup" || m.Janus == "timeout" || strings.Contains(m.Janus, "error") {
			c.s.Logf("janus p%d: %s %s", c.s.ID, m.Janus, m.Error)
		}
	}
}

func (c *janClient) Close() {
	if c.stop != nil {
		close(c.stop)
		c.stop = nil
	}
	if c.ws != nil {
		c.ws.sendJSON(map[string]any{"janus": "destroy", "session_id": c.session, "transaction": "bye"})
		c.ws.Close()
	}
	for _, p := range []*peer{c.pub, c.sub} {
		if p != nil {
			p.Close()
		}
	}
}

func (c *janClient) Negotiated() Negotiated {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range []*peer{c.pub, c.sub} {
		if p != nil {
			c.n.PCs++
			if s := rtcx.SRTPProfile(p.PeerConnection); s != "" {
				c.n.SRTP = s
			}
		}
	}
	return c.n
}
