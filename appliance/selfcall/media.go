package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/rtp"
	"github.com/pion/transport/v5/packetio"
	"github.com/pion/webrtc/v4"

	"meetbox.local/signaling/xmpp/jid"
	"meetbox.local/signaling/xmpp/jingle"
)

const (
	politeness = 2 * time.Second
	audioEvery = 20 * time.Millisecond
	videoEvery = 2 // audio packets

	uriLevel = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	level    = 10 // dB below full scale: somebody speaks
)

// sent is a track of ours.
type sent struct {
	track *webrtc.TrackLocalStaticRTP
	ssrc  uint32
	pt    uint8
}

// connect answers the invitation, and sends once the connection stands. Its
// goroutines end with ctx, or when the participant leaves.
func (p *participant) connect(ctx context.Context, wg *sync.WaitGroup) error {
	o, err := readOffer(p.offer)
	if err != nil {
		return err
	}
	if p.pc, err = p.newClient(o); err != nil {
		return err
	}
	audio, err := p.track(webrtc.MimeTypeOpus, o.audio)
	if err != nil {
		return err
	}
	video, err := p.track(webrtc.MimeTypeVP8, o.video)
	if err != nil {
		return err
	}
	states := make(chan webrtc.PeerConnectionState, 8)
	p.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) { tell(states, s) })
	if err := p.negotiate(ctx, o); err != nil {
		return err
	}
	focus, err := jid.Parse(p.room + "@" + roomDomain + "/focus")
	if err != nil {
		return err
	}
	accept, err := o.accept(p.pc.LocalDescription().SDP, p.nick(), audio.ssrc, video.ssrc)
	if err != nil {
		return err
	}
	if _, err := p.ask(ctx, focus, accept); err != nil {
		return err
	}
	for {
		s, err := await(ctx, "connection: the bridge offers "+o.addresses()+", and none of these answers", states)
		if err != nil {
			return err
		}
		if s == webrtc.PeerConnectionStateConnected {
			break
		}
		if s == webrtc.PeerConnectionStateFailed {
			return fmt.Errorf("none of the bridge's addresses answers: %s", o.addresses())
		}
	}
	if err := p.channel(ctx, wg, o); err != nil {
		return err
	}
	wg.Go(func() { speak(ctx, audio, video, o.levelID) })
	return nil
}

func (p *participant) newClient(o *offer) (*webrtc.PeerConnection, error) {
	m := new(webrtc.MediaEngine)
	opus := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	vp8 := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}
	if err := errors.Join(
		m.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: opus, PayloadType: webrtc.PayloadType(o.audio)}, webrtc.RTPCodecTypeAudio),
		m.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: vp8, PayloadType: webrtc.PayloadType(o.video)}, webrtc.RTPCodecTypeVideo),
		m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uriLevel}, webrtc.RTPCodecTypeAudio),
	); err != nil {
		return nil, err
	}
	var s webrtc.SettingEngine
	s.LoggerFactory = &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}
	s.SetIncludeLoopbackCandidate(true) // a box without a network has nothing else
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	// What comes is counted where it was decrypted, before anybody asks which
	// track it is for: so nothing has to be negotiated for receiving it.
	s.BufferFactory = func(kind packetio.BufferPacketType, _ uint32) io.ReadWriteCloser {
		if kind != packetio.RTPBufferPacket {
			return ownBuffer{packetio.NewBuffer()}
		}
		return &sink{p: p, o: o, closed: make(chan struct{})}
	}
	a := webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(new(interceptor.Registry)), webrtc.WithSettingEngine(s))
	return a.NewPeerConnection(webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle})
}

func (p *participant) track(mime string, pt uint8) (sent, error) {
	t, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, mime[:5], p.nick())
	if err != nil {
		return sent{}, err
	}
	tr, err := p.pc.AddTransceiverFromTrack(t, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return sent{}, err
	}
	return sent{t, uint32(tr.Sender().GetParameters().Encodings[0].SSRC), pt}, nil
}

func (p *participant) negotiate(ctx context.Context, o *offer) error {
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: o.sdp()}); err != nil {
		return fmt.Errorf("the bridge's offer cannot be used: %w", err)
	}
	answer, err := p.pc.CreateAnswer(nil)
	if err == nil {
		err = p.pc.SetLocalDescription(answer)
	}
	if err != nil {
		return err
	}
	_, err = await(ctx, "address of this machine", gathered)
	return err
}

// channel tells the bridge that all pictures are wanted.
func (p *participant) channel(ctx context.Context, wg *sync.WaitGroup, o *offer) error {
	if o.socket == "" {
		return errors.New("the bridge offers no WebSocket")
	}
	path, query, _ := strings.Cut(hostPart(o.socket), "?")
	c, err := p.door.socket(ctx, path, query, "")
	if err != nil {
		return fmt.Errorf("the bridge's WebSocket: %w", err)
	}
	const wanted = `{"colibriClass":"ReceiverVideoConstraints","lastN":-1,"defaultConstraints":{"maxHeight":720}}`
	if err := c.Write(ctx, websocket.MessageText, []byte(wanted)); err != nil {
		c.CloseNow()
		return fmt.Errorf("the bridge's WebSocket: %w", err)
	}
	wg.Go(func() {
		defer c.CloseNow()
		for {
			if _, _, err := c.Read(ctx); err != nil {
				return
			}
		}
	})
	return nil
}

// speak is microphone and camera.
func speak(ctx context.Context, audio, video sent, levelID uint8) {
	tick := time.NewTicker(audioEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		a := &rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: audio.pt, SequenceNumber: uint16(n), Timestamp: uint32(n * 960)}, Payload: make([]byte, 60)}
		if levelID > 0 {
			if a.Header.SetExtension(levelID, []byte{level}) != nil {
				return
			}
		}
		audio.track.WriteRTP(a) // fails while it is closed
		if n%videoEvery == 0 {
			video.track.WriteRTP(&rtp.Packet{
				Header:  rtp.Header{Version: 2, PayloadType: video.pt, SequenceNumber: uint16(n / videoEvery), Timestamp: uint32(n * 1800), Marker: true},
				Payload: picture(n / videoEvery),
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// picture is the head of a VP8 keyframe in one packet (RFC 7741), and noise.
func picture(n int) []byte {
	const width, height = 320, 180
	b := []byte{0x90, 0x80, 0x80 | byte(n>>8), byte(n)} // begins a partition; a picture number of 15 bits
	b = append(b, 0x10, 0, 0, 0x9d, 0x01, 0x2a)         // keyframe, shown
	b = binary.LittleEndian.AppendUint16(b, width)
	b = binary.LittleEndian.AppendUint16(b, height)
	return append(b, make([]byte, 200)...)
}

// ownBuffer is pion's own behind the interface of a foreign one.
type ownBuffer struct{ *packetio.Buffer }

func (b ownBuffer) Read(p []byte) (int, error) {
	n, _, err := b.Buffer.Read(p, nil)
	return n, err
}

func (b ownBuffer) Write(p []byte) (int, error) { return b.Buffer.Write(p, nil) }

// sink counts what was received from one source.
type sink struct {
	p      *participant
	o      *offer
	closed chan struct{}
	once   sync.Once
}

func (s *sink) Write(b []byte) (int, error) {
	var h rtp.Header
	if _, err := h.Unmarshal(b); err == nil {
		switch h.PayloadType {
		case s.o.audio:
			s.p.audio.Add(1)
		case s.o.video:
			s.p.video.Add(1)
		}
	}
	return len(b), nil
}

func (s *sink) Read([]byte) (int, error) {
	<-s.closed
	return 0, io.EOF
}

func (s *sink) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// offer is what is needed of the bridge's.
type offer struct {
	sid          string
	audio, video uint8 // payload types
	levelID      uint8
	own          [2]uint32 // the bridge's own sources, 0: none
	transport    jingle.Transport
	socket       string
}

func readOffer(j jingle.Jingle) (*offer, error) {
	o := &offer{sid: j.SID}
	for _, c := range j.Contents {
		if c.Transport != nil && (len(c.Transport.Candidates) > 0 || o.transport.Ufrag == "") {
			o.transport = *c.Transport
		}
		if c.Transport != nil && len(c.Transport.WebSockets) > 0 {
			o.socket = c.Transport.WebSockets[0].URL
		}
		if c.Description == nil {
			continue
		}
		kind := 0
		if c.Media() == "video" {
			kind = 1
		}
		if all, _ := c.AllSources(); len(all) > 0 {
			o.own[kind] = all[0].SSRC
		}
		for _, t := range c.Description.PayloadTypes {
			switch strings.ToLower(t.Name) {
			case "opus":
				o.audio = t.ID
			case "vp8":
				o.video = t.ID
			}
		}
		for _, e := range c.Description.Extensions {
			if e.URI == uriLevel {
				o.levelID = e.ID
			}
		}
	}
	switch {
	case o.audio == 0 || o.video == 0:
		return nil, errors.New("the focus offers no Opus or no VP8")
	case o.transport.Ufrag == "" || len(o.transport.Fingerprints) == 0:
		return nil, errors.New("the bridge offers no transport")
	case len(o.transport.Candidates) == 0:
		return nil, errors.New("the bridge offers no address")
	}
	return o, nil
}

// addresses of the bridge, for people.
func (o *offer) addresses() string {
	var out []string
	for _, c := range o.transport.Candidates {
		out = append(out, fmt.Sprintf("%s %s port %d", c.Protocol, c.IP, c.Port))
	}
	return strings.Join(out, ", ")
}

// sdp is the offer as WebRTC wants it.
func (o *offer) sdp() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	b.WriteString("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n")
	for mid, m := range []struct {
		media, codec string
		pt           uint8
	}{{"audio", "opus/48000/2", o.audio}, {"video", "VP8/90000", o.video}} {
		line("m=%s 9 UDP/TLS/RTP/SAVPF %d", m.media, m.pt)
		line("c=IN IP4 0.0.0.0")
		line("a=mid:%d", mid)
		line("a=rtcp-mux")
		line("a=recvonly")
		line("a=rtpmap:%d %s", m.pt, m.codec)
		if o.levelID > 0 && mid == 0 {
			line("a=extmap:%d %s", o.levelID, uriLevel)
		}
		if o.own[mid] != 0 {
			line("a=ssrc:%d cname:bridge", o.own[mid])
		}
		for _, c := range o.transport.Candidates {
			if mid == 0 && strings.EqualFold(c.Protocol, "udp") {
				line("a=candidate:%s 1 udp %d %s %d typ %s", c.Foundation, c.Priority, c.IP, c.Port, c.Type)
			}
		}
		f := o.transport.Fingerprints[0]
		line("a=ice-ufrag:%s", o.transport.Ufrag)
		line("a=ice-pwd:%s", o.transport.Pwd)
		line("a=fingerprint:%s %s", f.Hash, f.Value)
		line("a=setup:%s", f.Setup)
	}
	return b.String()
}

// accept is our answer, made from our description.
func (o *offer) accept(sdp, nick string, audio, video uint32) (jingle.Jingle, error) {
	value := map[string]string{}
	t := jingle.Transport{ICEGeneration: o.transport.ICEGeneration}
	for l := range strings.SplitSeq(sdp, "\r\n") {
		k, v, _ := strings.Cut(strings.TrimPrefix(l, "a="), ":")
		if _, ok := value[k]; !ok {
			value[k] = v
		}
		f := strings.Fields(v)
		if k != "candidate" || len(f) < 8 || f[1] != "1" {
			continue
		}
		c := jingle.Candidate{Foundation: f[0], Component: f[1], Protocol: f[2], IP: f[4], Type: f[7], Generation: "0", ID: f[0], Network: "1"}
		if _, err := fmt.Sscan(f[3]+" "+f[5], &c.Priority, &c.Port); err != nil {
			return jingle.Jingle{}, fmt.Errorf("own candidate %q: %w", l, err)
		}
		t.Candidates = append(t.Candidates, c)
	}
	t.Ufrag, t.Pwd = value["ice-ufrag"], value["ice-pwd"]
	hash, print, _ := strings.Cut(value["fingerprint"], " ")
	t.Fingerprints = []jingle.Fingerprint{{Hash: hash, Setup: value["setup"], Value: print}}
	content := func(media string, ssrc uint32) jingle.Content {
		name := nick + "-" + media[:1] + "0"
		s := jingle.Source{SSRC: ssrc, Name: name, Parameters: []jingle.SourceParameter{{Name: "msid", Value: nick + " " + name}}}
		if media == "video" {
			s.VideoType = "camera"
		}
		return jingle.Content{Creator: "responder", Name: media, Senders: "both", Transport: &t,
			Description: &jingle.Description{Media: media, Sources: []jingle.Source{s}}}
	}
	return jingle.Jingle{Action: jingle.SessionAccept, SID: o.sid, Contents: []jingle.Content{content("audio", audio), content("video", video)}}, nil
}
