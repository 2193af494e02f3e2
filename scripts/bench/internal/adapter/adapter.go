// Package adapter teaches the harness how to start each SFU and how a client
// of it joins. To add an SFU, write one file with a function that returns an
// Adapter, and name it in All.
//
// An adapter's Server writes a configuration under ServerSpec.Work and says
// what to run; the harness starts it in the server's namespace, pinned to the
// server's core, waits until Ready accepts TCP, and measures that process and
// its children. Its Client publishes Spec.Tracks (nil: receive only) and, if
// Spec.Receive is set, asks for everyone else's audio and video. Every
// PeerConnection is made with newPeer, so that all servers meet the same
// client; the harness finds out by itself what arrives.
package adapter

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"meetbox.local/scripts/bench/internal/media"
	"meetbox.local/scripts/bench/internal/rtcx"

	"github.com/gorilla/websocket"
	"github.com/pion/webrtc/v4"
)

// Server says how to run a server. The harness runs Argv pinned to the server
// core inside the server's network namespace, then waits for Ready (a TCP
// address) to accept.
type Server struct {
	Argv   []string
	Beside [][]string // processes the server needs but that are not it; started before it, on the other core, not measured
	Env    []string
	Dir    string
	Ready  string
	// Control is the control socket of one of our own services.
	Control string
}

// ServerSpec is what an adapter needs to configure its server.
type ServerSpec struct {
	IP      string // address of the server, reachable by the clients
	Work    string // scratch directory
	Peers   string // directory with the peers' binaries
	Meetbox string // directory with Meetbox's
	Opts    map[string]string
}

// Spec is what one participant shall do.
type Spec struct {
	ID      int
	Room    string
	IP      string // the server
	Tracks  []*media.Track
	Receive bool
	PCs     *rtcx.Factory
	OnTrack func(*webrtc.TrackRemote, *webrtc.RTPReceiver)
	Opts    map[string]string
	Logf    func(string, ...any)
}

// Client is one participant.
type Client interface {
	// Join connects, starts publishing and asks for everyone's media. It may
	// return before media flows; the harness checks delivery itself.
	Join(ctx context.Context) error
	Close()
	// Negotiated describes the session: SRTP profile and the SDPs seen.
	Negotiated() Negotiated
}

// Negotiated is what was agreed with the server.
type Negotiated struct {
	SRTP    string
	PCs     int
	PubSDP  string // the server's description for publishing
	RecvSDP string // the server's description for receiving
}

// Adapter is one SFU.
type Adapter struct {
	Name   string
	Server func(ServerSpec) (Server, error)
	Client func(Spec) Client
}

// All is every SFU there is an adapter for.
func All() []Adapter { return []Adapter{meetbox(), livekit(), janus(), mediasoup(), galene()} }

// Get returns the SFU of that name.
func Get(name string) (Adapter, error) {
	for _, a := range All() {
		if a.Name == name {
			return a, nil
		}
	}
	return Adapter{}, fmt.Errorf("no adapter for %q", name)
}

// wsConn is a WebSocket with serialised writes.
type wsConn struct {
	*websocket.Conn
	mu sync.Mutex
}

func dialWS(ctx context.Context, url string, protocols ...string) (*wsConn, error) {
	d := websocket.Dialer{Subprotocols: protocols, HandshakeTimeout: 10 * time.Second}
	c, _, err := d.DialContext(ctx, url, nil)
	if err != nil {
		return nil, err
	}
	return &wsConn{Conn: c}, nil
}

func (w *wsConn) sendJSON(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.WriteMessage(websocket.TextMessage, b)
}

func (w *wsConn) sendBinary(b []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.WriteMessage(websocket.BinaryMessage, b)
}

// peer is a PeerConnection that holds candidates until it can use them.
type peer struct {
	*webrtc.PeerConnection
	mu      sync.Mutex
	pending []webrtc.ICECandidateInit
	set     bool
}

func newPeer(s Spec) (*peer, error) {
	pc, err := s.PCs.NewPC(s.OnTrack)
	if err != nil {
		return nil, err
	}
	if os.Getenv("SFUBENCH_DEBUG") != "" {
		pc.OnConnectionStateChange(func(st webrtc.PeerConnectionState) { s.Logf("p%d: pc %v", s.ID, st) })
	}
	return &peer{PeerConnection: pc}, nil
}

func (p *peer) candidate(c webrtc.ICECandidateInit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.set {
		p.pending = append(p.pending, c)
		return
	}
	p.AddICECandidate(c)
}

func (p *peer) remote(typ webrtc.SDPType, sdp string) error {
	if err := p.SetRemoteDescription(webrtc.SessionDescription{Type: typ, SDP: sdp}); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set = true
	for _, c := range p.pending {
		p.AddICECandidate(c)
	}
	p.pending = nil
	return nil
}

// publish adds the tracks, sendonly; simulcast layers become one sender.
func (p *peer) publish(tracks []*media.Track) error {
	var video *webrtc.RTPSender
	for _, t := range tracks {
		if t.Layer > 0 {
			if err := video.AddEncoding(media.Local{Track: t}); err != nil {
				return err
			}
			go t.ReadRTCP(video, t.RID())
			continue
		}
		tr, err := p.AddTransceiverFromTrack(media.Local{Track: t}, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		if err != nil {
			return err
		}
		if t.Kind == media.Video {
			video = tr.Sender()
		}
		go t.ReadRTCP(tr.Sender(), t.RID())
	}
	return nil
}

// offer makes a complete (not trickled) offer.
func (p *peer) offer() (string, error) {
	o, err := p.CreateOffer(nil)
	if err != nil {
		return "", err
	}
	done := webrtc.GatheringCompletePromise(p.PeerConnection)
	if err := p.SetLocalDescription(o); err != nil {
		return "", err
	}
	<-done
	return p.LocalDescription().SDP, nil
}

// answer takes an offer and makes a complete answer.
func (p *peer) answer(offer string) (string, error) {
	if err := p.remote(webrtc.SDPTypeOffer, offer); err != nil {
		return "", err
	}
	a, err := p.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	done := webrtc.GatheringCompletePromise(p.PeerConnection)
	if err := p.SetLocalDescription(a); err != nil {
		return "", err
	}
	<-done
	return p.LocalDescription().SDP, nil
}
