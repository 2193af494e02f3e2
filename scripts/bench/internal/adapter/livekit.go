package adapter

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"meetbox.local/scripts/bench/internal/media"
	"meetbox.local/scripts/bench/internal/rtcx"

	lkproto "github.com/livekit/protocol/livekit"
	"github.com/pion/webrtc/v4"
	"google.golang.org/protobuf/proto"
)

const (
	lkKey    = "devkey"
	lkSecret = "sfubench-sfubench-sfubench-sfubench"
)

func livekit() Adapter {
	return Adapter{
		Name: "livekit",
		Server: func(s ServerSpec) (Server, error) {
			udp := "  port_range_start: 50000\n  port_range_end: 60000\n"
			if p := s.Opts["livekit.udp_port"]; p != "" {
				udp = "  udp_port: " + p + "\n"
			}
			dev := ""
			if s.Opts["livekit.pprof"] != "" {
				dev = "debug_handler_port: 6789\n"
			}
			cfg := fmt.Sprintf("port: 7880\nbind_addresses: [%q]\nkeys:\n  %s: %s\n%slogging:\n  level: error\nrtc:\n%s  tcp_port: 7881\n  use_external_ip: false\n  node_ip: %s\n%s",
				s.IP, lkKey, lkSecret, dev, udp, s.IP, s.Opts["livekit.rtc"])
			f := filepath.Join(s.Work, "livekit.yaml")
			if err := os.WriteFile(f, []byte(cfg), 0o600); err != nil {
				return Server{}, err
			}
			return Server{Argv: []string{filepath.Join(s.Peers, "livekit-server"), "--config", f}, Ready: s.IP + ":7880"}, nil
		},
		Client: func(s Spec) Client { return &lkClient{s: s, published: make(chan string, 8)} },
	}
}

type lkClient struct {
	s         Spec
	ws        *wsConn
	pub, sub  *peer
	published chan string
	mu        sync.Mutex
	n         Negotiated
	stop      chan struct{}
}

func lkToken(identity, room string) string {
	e := base64.RawURLEncoding
	h := e.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`))
	claims, _ := json.Marshal(map[string]any{
		"iss": lkKey, "sub": identity, "nbf": time.Now().Add(-time.Minute).Unix(), "exp": time.Now().Add(time.Hour).Unix(),
		"video": map[string]any{"roomJoin": true, "room": room, "canPublish": true, "canSubscribe": true},
	})
	b := h + "." + e.EncodeToString(claims)
	m := hmac.New(sha256.New, []byte(lkSecret))
	m.Write([]byte(b))
	return b + "." + e.EncodeToString(m.Sum(nil))
}

func (c *lkClient) send(m *lkproto.SignalRequest) error {
	b, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	return c.ws.sendBinary(b)
}

func (c *lkClient) Join(ctx context.Context) (err error) {
	q := url.Values{"access_token": {lkToken(fmt.Sprintf("p%d", c.s.ID), c.s.Room)}, "protocol": {"15"}, "sdk": {"go"}, "version": {"2.0.0"}}
	q.Set("auto_subscribe", "0")
	if c.s.Receive {
		q.Set("auto_subscribe", "1")
	}
	if c.pub, err = newPeer(c.s); err != nil {
		return err
	}
	if c.sub, err = newPeer(c.s); err != nil {
		return err
	}
	if c.ws, err = dialWS(ctx, "ws://"+c.s.IP+":7880/rtc?"+q.Encode()); err != nil {
		return err
	}
	joined := make(chan error, 1)
	c.stop = make(chan struct{})
	go c.read(joined)
	go func(stop chan struct{}) {
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Second):
				c.send(&lkproto.SignalRequest{Message: &lkproto.SignalRequest_PingReq{PingReq: &lkproto.Ping{Timestamp: time.Now().UnixMilli()}}})
			}
		}
	}(c.stop)
	select {
	case err := <-joined:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	if len(c.s.Tracks) == 0 {
		return nil
	}
	var layers []*lkproto.VideoLayer
	cids := map[string]bool{}
	simulcast := len(c.s.Tracks) > 2
	for i, q := range []lkproto.VideoQuality{lkproto.VideoQuality_LOW, lkproto.VideoQuality_MEDIUM, lkproto.VideoQuality_HIGH} {
		if simulcast {
			layers = append(layers, &lkproto.VideoLayer{Quality: q, Width: 320 << i, Height: 180 << i, Bitrate: uint32(300_000 << i)})
		} else if q == lkproto.VideoQuality_HIGH {
			layers = append(layers, &lkproto.VideoLayer{Quality: q, Width: 1280, Height: 720, Bitrate: 1_300_000})
		}
	}
	for _, t := range c.s.Tracks {
		if cids[t.ID()] {
			continue
		}
		cids[t.ID()] = true
		r := &lkproto.AddTrackRequest{Cid: t.ID(), Name: t.ID(), Type: lkproto.TrackType_AUDIO, Source: lkproto.TrackSource_MICROPHONE, DisableRed: true}
		if t.Kind == media.Video {
			r.Type, r.Source, r.Width, r.Height, r.Layers = lkproto.TrackType_VIDEO, lkproto.TrackSource_CAMERA, 1280, 720, layers
			r.SimulcastCodecs = []*lkproto.SimulcastCodec{{Codec: "vp8", Cid: t.ID(), Layers: layers}}
		}
		if err := c.send(&lkproto.SignalRequest{Message: &lkproto.SignalRequest_AddTrack{AddTrack: r}}); err != nil {
			return err
		}
	}
	for range cids {
		select {
		case <-c.published:
		case <-ctx.Done():
			return fmt.Errorf("waiting for TrackPublished: %w", ctx.Err())
		}
	}
	if err := c.pub.publish(c.s.Tracks); err != nil {
		return err
	}
	sdp, err := c.pub.offer()
	if err != nil {
		return err
	}
	return c.send(&lkproto.SignalRequest{Message: &lkproto.SignalRequest_Offer{Offer: &lkproto.SessionDescription{Type: "offer", Sdp: sdp}}})
}

func (c *lkClient) read(joined chan<- error) {
	for {
		_, b, err := c.ws.ReadMessage()
		if err != nil {
			select {
			case joined <- err:
			default:
			}
			return
		}
		var m lkproto.SignalResponse
		if err := proto.Unmarshal(b, &m); err != nil {
			c.s.Logf("livekit: %v", err)
			continue
		}
		switch x := m.Message.(type) {
		case *lkproto.SignalResponse_Join:
			joined <- nil
		case *lkproto.SignalResponse_TrackPublished:
			c.published <- x.TrackPublished.Cid
		case *lkproto.SignalResponse_Answer:
			c.mu.Lock()
			c.n.PubSDP = x.Answer.Sdp
			c.mu.Unlock()
			if err := c.pub.remote(webrtc.SDPTypeAnswer, x.Answer.Sdp); err != nil {
				c.s.Logf("livekit p%d: answer: %v", c.s.ID, err)
			}
		case *lkproto.SignalResponse_Offer:
			c.mu.Lock()
			c.n.RecvSDP = x.Offer.Sdp
			c.mu.Unlock()
			a, err := c.sub.answer(x.Offer.Sdp)
			if err != nil {
				c.s.Logf("livekit p%d: offer: %v", c.s.ID, err)
				continue
			}
			c.send(&lkproto.SignalRequest{Message: &lkproto.SignalRequest_Answer{Answer: &lkproto.SessionDescription{Type: "answer", Sdp: a, Id: x.Offer.Id}}})
		case *lkproto.SignalResponse_Trickle:
			var i webrtc.ICECandidateInit
			if json.Unmarshal([]byte(x.Trickle.CandidateInit), &i) == nil {
				if x.Trickle.Target == lkproto.SignalTarget_PUBLISHER {
					c.pub.candidate(i)
				} else {
					c.sub.candidate(i)
				}
			}
		case *lkproto.SignalResponse_StreamStateUpdate:
			for _, s := range x.StreamStateUpdate.StreamStates {
				c.s.Logf("livekit p%d: stream %s is now %v", c.s.ID, s.TrackSid, s.State)
			}
		case *lkproto.SignalResponse_Leave:
			c.s.Logf("livekit p%d: told to leave: %v", c.s.ID, x.Leave.Reason)
		}
	}
}

func (c *lkClient) Close() {
	if c.stop != nil {
		close(c.stop)
		c.stop = nil
	}
	if c.ws != nil {
		c.ws.Close()
	}
	for _, p := range []*peer{c.pub, c.sub} {
		if p != nil {
			p.Close()
		}
	}
}

func (c *lkClient) Negotiated() Negotiated {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n.PCs = 2
	c.n.SRTP = rtcx.SRTPProfile(c.sub.PeerConnection)
	return c.n
}
