package adapter

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"meetbox.local/scripts/bench/internal/rtcx"

	"github.com/pion/webrtc/v4"
)

func galene() Adapter {
	return Adapter{
		Name: "galene",
		Server: func(s ServerSpec) (Server, error) {
			for _, d := range []string{"groups", "data", "static", "recordings"} {
				if err := os.MkdirAll(filepath.Join(s.Work, d), 0o755); err != nil {
					return Server{}, err
				}
			}
			cfg := `{"wildcard-user": {"password": {"type": "wildcard"}, "permissions": "present"}, "max-clients": 500, "codecs": ["vp8", "opus"]}`
			if err := os.WriteFile(filepath.Join(s.Work, "groups/bench.json"), []byte(cfg), 0o644); err != nil {
				return Server{}, err
			}
			argv := []string{filepath.Join(s.Peers, "galene"), "-insecure", "-http", s.IP + ":8443", "-turn", "",
				"-groups", filepath.Join(s.Work, "groups"), "-data", filepath.Join(s.Work, "data"),
				"-static", filepath.Join(s.Work, "static"), "-recordings", filepath.Join(s.Work, "recordings")}
			if p := s.Opts["galene.udp_range"]; p != "" {
				argv = append(argv, "-udp-range", p)
			}
			return Server{Argv: argv, Dir: s.Work, Ready: s.IP + ":8443"}, nil
		},
		Client: func(s Spec) Client { return &galClient{s: s, down: map[string]*peer{}} },
	}
}

type galMsg struct {
	Type      string                   `json:"type"`
	Kind      string                   `json:"kind,omitempty"`
	Version   []string                 `json:"version,omitempty"`
	ID        string                   `json:"id,omitempty"`
	Group     string                   `json:"group,omitempty"`
	Username  string                   `json:"username,omitempty"`
	Password  string                   `json:"password,omitempty"`
	Label     string                   `json:"label,omitempty"`
	SDP       string                   `json:"sdp,omitempty"`
	Error     string                   `json:"error,omitempty"`
	Request   map[string][]string      `json:"request,omitempty"`
	Candidate *webrtc.ICECandidateInit `json:"candidate,omitempty"`
	Value     any                      `json:"value,omitempty"`
}

// galClient follows galene-protocol.md: one PeerConnection for each stream.
type galClient struct {
	s    Spec
	ws   *wsConn
	up   *peer
	mu   sync.Mutex
	down map[string]*peer
	n    Negotiated
}

func (c *galClient) upID() string { return fmt.Sprintf("stream-%d", c.s.ID) }

func (c *galClient) Join(ctx context.Context) (err error) {
	if c.ws, err = dialWS(ctx, "ws://"+c.s.IP+":8443/ws"); err != nil {
		return err
	}
	user := fmt.Sprintf("p%d", c.s.ID)
	for _, m := range []galMsg{
		{Type: "handshake", Version: []string{"2"}, ID: "client-" + user},
		{Type: "join", Kind: "join", Group: "bench", Username: user, Password: "x"},
	} {
		if err := c.ws.sendJSON(m); err != nil {
			return err
		}
	}
	joined := make(chan error, 1)
	answered := make(chan struct{}, 1)
	go c.read(joined, answered)
	select {
	case err := <-joined:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	if c.s.Receive {
		if err := c.ws.sendJSON(galMsg{Type: "request", Request: map[string][]string{"": {"audio", "video"}}}); err != nil {
			return err
		}
	}
	if len(c.s.Tracks) == 0 {
		return nil
	}
	up, err := newPeer(c.s)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.up = up
	c.mu.Unlock()
	if err := up.publish(c.s.Tracks); err != nil {
		return err
	}
	sdp, err := up.offer()
	if err != nil {
		return err
	}
	if err := c.ws.sendJSON(galMsg{Type: "offer", ID: c.upID(), Label: "camera", Username: user, SDP: sdp}); err != nil {
		return err
	}
	select {
	case <-answered:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for an answer: %w", ctx.Err())
	}
}

func (c *galClient) find(id string) *peer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id == c.upID() {
		return c.up
	}
	return c.down[id]
}

func (c *galClient) read(joined chan<- error, answered chan<- struct{}) {
	for {
		var m galMsg
		if err := c.ws.ReadJSON(&m); err != nil {
			select {
			case joined <- err:
			default:
			}
			return
		}
		switch m.Type {
		case "ping":
			c.ws.sendJSON(galMsg{Type: "pong"})
		case "joined":
			if m.Kind == "join" {
				joined <- nil
			} else if m.Kind == "fail" {
				joined <- fmt.Errorf("join: %v %v", m.Error, m.Value)
			}
		case "offer":
			p := c.find(m.ID)
			if p == nil {
				var err error
				if p, err = newPeer(c.s); err != nil {
					c.s.Logf("galene: %v", err)
					continue
				}
			}
			c.mu.Lock()
			c.down[m.ID] = p
			c.n.RecvSDP = m.SDP
			c.mu.Unlock()
			a, err := p.answer(m.SDP)
			if err != nil {
				c.s.Logf("galene p%d: offer: %v", c.s.ID, err)
				continue
			}
			c.ws.sendJSON(galMsg{Type: "answer", ID: m.ID, SDP: a})
		case "answer":
			c.mu.Lock()
			c.n.PubSDP = m.SDP
			c.mu.Unlock()
			if p := c.find(m.ID); p != nil {
				if err := p.remote(webrtc.SDPTypeAnswer, m.SDP); err != nil {
					c.s.Logf("galene p%d: answer: %v", c.s.ID, err)
				}
			}
			select {
			case answered <- struct{}{}:
			default:
			}
		case "ice":
			if p := c.find(m.ID); p != nil && m.Candidate != nil {
				p.candidate(*m.Candidate)
			}
		case "close": // the server may offer the stream again under the same id
			c.mu.Lock()
			p := c.down[m.ID]
			delete(c.down, m.ID)
			c.mu.Unlock()
			if p != nil {
				p.Close()
			}
		case "abort":
			c.s.Logf("galene p%d: %s of %s", c.s.ID, m.Type, m.ID)
		case "usermessage":
			c.s.Logf("galene p%d: %s %v", c.s.ID, m.Kind, m.Value)
		}
	}
}

func (c *galClient) Close() {
	if c.ws != nil {
		c.ws.Close()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.up != nil {
		c.up.Close()
	}
	for _, p := range c.down {
		p.Close()
	}
}

func (c *galClient) Negotiated() Negotiated {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n.PCs = len(c.down)
	if c.up != nil {
		c.n.PCs++
		c.n.SRTP = rtcx.SRTPProfile(c.up.PeerConnection)
	}
	for _, p := range c.down {
		c.n.SRTP = rtcx.SRTPProfile(p.PeerConnection)
	}
	return c.n
}
