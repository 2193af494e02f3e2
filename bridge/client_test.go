package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"meetbox.local/appliance/kit/ctl"
	"meetbox.local/bridge/internal/channel"
	"meetbox.local/signaling/xmpp/colibri2"
)

// What Jicofo offers to everybody.
const (
	ptOpus, ptVP8, ptRTX                  = 111, 100, 96
	extLevel, extAbsSendTime, extTWCC     = 1, 3, 5
	uriLevel                              = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	uriAbsSendTime                        = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
	uriTWCC                               = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	loud, quiet                           = 10, 70 // dB below full scale; 127 is digital silence, which nobody is sent
	audioEvery                            = 20 * time.Millisecond
	videoEvery                            = 2 // audio packets
	heightOfLayer0                        = 180
	bytesOfLayer0                         = 300
	samplesPerAudio, ticksPerVideo    int = 960, 2 * 1800
)

// board is where goroutines put up news and the test waits for them.
type board struct {
	sync.Mutex
	next  chan struct{}
	peers []*peer
}

// report says what everybody receives, for a test that failed.
func (b *board) report(t *testing.T) {
	b.Lock()
	defer b.Unlock()
	for _, p := range b.peers {
		t.Logf("%s sends audio %d and video %v, got %d PLIs and %d NACKs", p.id, p.audio.ssrc, p.videoSSRCs(), p.plis, p.nacks)
		for ssrc, l := range p.lanes {
			t.Logf("lane %d: %d packets of %v, %d keyframes; the latest %+v", ssrc, len(l.arrivals), l.sources, l.keyframes, l.arrivals[len(l.arrivals)-1])
		}
	}
}

// post is called with the lock held.
func (b *board) post() {
	if b.next != nil {
		close(b.next)
	}
	b.next = nil
}

// until waits for a condition, which is asked with the lock held.
func (b *board) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	late := time.After(patience)
	for {
		b.Lock()
		done := ok()
		if b.next == nil {
			b.next = make(chan struct{})
		}
		next := b.next
		b.Unlock()
		if done {
			return
		}
		select {
		case <-next:
		case <-late:
			b.report(t)
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// encoding is one that the client sends.
type encoding struct {
	track     *webrtc.TrackLocalStaticRTP
	ssrc, rtx uint32
}

// peer is a participant's client: pion's whole WebRTC stack, told of the
// bridge's side by a description such as lib-jitsi-meet makes from Jingle.
// Only what it receives is taken behind SRTP, before pion asks which track it
// is for: this client wants to see all that comes, told of it or not.
type peer struct {
	w         *world
	id        string
	sctp      bool
	rewriting bool
	board     *board
	pc        *webrtc.PeerConnection
	remote    *colibri2.Transport
	own       map[webrtc.RTPCodecType]uint32 // the bridge's feedback SSRCs
	kinds     []webrtc.RTPCodecType          // of the m-lines
	audio     encoding
	video     []encoding // lowest first

	// Under board's lock.
	level    byte
	needKey  bool
	plis     int
	nacks    int
	lanes    map[uint32]*lane
	repairs  map[uint32]*lane // by RTX SSRC, with the number of the packet each repeats
	messages []channel.Message
	say      func(text string) error // nil until the channel is open
	videoMap map[uint32]channel.MappedVideo
	audioMap map[uint32]channel.MappedAudio
}

func (w *world) newPeer(b *board, id string, encodings int, sctp, rewriting bool) *peer {
	w.t.Helper()
	p := &peer{
		w: w, id: id, sctp: sctp, rewriting: rewriting, board: b, level: quiet, needKey: true,
		lanes: map[uint32]*lane{}, repairs: map[uint32]*lane{}, videoMap: map[uint32]channel.MappedVideo{}, audioMap: map[uint32]channel.MappedAudio{},
	}
	pc, err := p.newAPI().NewPeerConnection(webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle})
	if err != nil {
		w.t.Fatal(err)
	}
	p.pc = pc
	b.peers = append(b.peers, p)
	p.audio = p.addTrack(webrtc.MimeTypeOpus, webrtc.RTPCodecTypeAudio)
	for range encodings {
		p.video = append(p.video, p.addTrack(webrtc.MimeTypeVP8, webrtc.RTPCodecTypeVideo))
	}
	return p
}

func (p *peer) newAPI() *webrtc.API {
	m, r := new(webrtc.MediaEngine), new(interceptor.Registry)
	vp8 := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000, RTCPFeedback: []webrtc.RTCPFeedback{{Type: "ccm", Parameter: "fir"}, {Type: "nack"}, {Type: "nack", Parameter: "pli"}}}
	opus := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	rtx := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: fmt.Sprintf("apt=%d", ptVP8)}
	if err := errors.Join(
		m.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: opus, PayloadType: ptOpus}, webrtc.RTPCodecTypeAudio),
		m.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: vp8, PayloadType: ptVP8}, webrtc.RTPCodecTypeVideo),
		m.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: rtx, PayloadType: ptRTX}, webrtc.RTPCodecTypeVideo),
		m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uriLevel}, webrtc.RTPCodecTypeAudio),
		m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uriAbsSendTime}, webrtc.RTPCodecTypeVideo),
		webrtc.ConfigureNack(m, r),
		webrtc.ConfigureRTCPReports(r),
		webrtc.ConfigureTWCCSender(m, r),
		webrtc.ConfigureTWCCHeaderExtensionSender(m, r),
	); err != nil {
		p.w.t.Fatal(err)
	}
	var s webrtc.SettingEngine
	s.BufferFactory = p.buffer
	s.LoggerFactory = &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}
	s.SetIncludeLoopbackCandidate(true)
	s.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	return webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(r), webrtc.WithSettingEngine(s))
}

func (p *peer) addTrack(mime string, kind webrtc.RTPCodecType) encoding {
	p.w.t.Helper()
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, fmt.Sprintf("%v%d", kind, len(p.kinds)), p.id)
	if err != nil {
		p.w.t.Fatal(err)
	}
	tr, err := p.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		p.w.t.Fatal(err)
	}
	go p.feedback(tr.Sender())
	p.kinds = append(p.kinds, kind)
	e := tr.Sender().GetParameters().Encodings[0]
	return encoding{track, uint32(e.SSRC), uint32(e.RTX.SSRC)}
}

// feedback reads what comes back to one of our encodings.
func (p *peer) feedback(s *webrtc.RTPSender) {
	for {
		packets, _, err := s.ReadRTCP()
		if err != nil {
			return
		}
		p.board.Lock()
		for _, c := range packets {
			switch c.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				p.plis++
				p.needKey = true
			case *rtcp.TransportLayerNack:
				p.nacks++
			}
		}
		p.board.post()
		p.board.Unlock()
	}
}

// join is what a client and its focus do together until media flows.
func (p *peer) join(meeting string, create bool) {
	w := p.w
	w.t.Helper()
	capability, sctp := "", ""
	if p.rewriting {
		capability = `<capability name='ssrc-rewriting'/>`
	}
	if p.sctp {
		sctp = "<sctp/>"
	}
	answer := w.modify(allocate, meeting, create, p.id, capability, sctp)
	if len(answer.Endpoints) != 1 || answer.Endpoints[0].Transport == nil || answer.Endpoints[0].Transport.ICE == nil || answer.Sources == nil {
		w.t.Fatalf("allocation is answered with %+v", answer)
	}
	p.remote = answer.Endpoints[0].Transport
	p.own = map[webrtc.RTPCodecType]uint32{
		webrtc.RTPCodecTypeAudio: answer.Sources.Sources[0].Sources[0].SSRC,
		webrtc.RTPCodecTypeVideo: answer.Sources.Sources[1].Sources[0].SSRC,
	}
	if (p.remote.SCTP != nil) != p.sctp {
		w.t.Fatalf("SCTP is %+v", p.remote.SCTP)
	}
	connected := make(chan struct{})
	once := sync.OnceFunc(func() { close(connected) }) // a restart of ICE tells again
	p.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			once()
		}
	})
	if p.sctp {
		protocol := "http://jitsi.org/protocols/colibri"
		dc, err := p.pc.CreateDataChannel("JVB data channel", &webrtc.DataChannelInit{Protocol: &protocol})
		if err != nil {
			w.t.Fatal(err)
		}
		dc.OnOpen(func() { p.opened(dc.SendText) })
		dc.OnMessage(func(m webrtc.DataChannelMessage) { p.hear(m.Data) })
	}
	gathered := webrtc.GatheringCompletePromise(p.pc)
	p.negotiate()
	<-gathered
	w.modify(`<conference-modify xmlns='jitsi:colibri2' meeting-id='%s'><endpoint id='%s' stats-id='Quiet-Fox'>%s%s</endpoint></conference-modify>`,
		meeting, p.id, p.transportXML(), p.sourcesXML())
	select {
	case <-connected:
	case <-time.After(patience):
		w.t.Fatalf("%s is not connected but %v", p.id, p.pc.ConnectionState())
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { p.send(ctx) })
	if !p.sctp {
		wg.Go(func() { p.webSocket(ctx) })
	}
	w.t.Cleanup(func() {
		cancel()
		wg.Wait()
		p.pc.Close()
	})
}

// opened tells the bridge what this client wants to see.
func (p *peer) opened(say func(text string) error) {
	p.board.Lock()
	p.say = say
	p.board.post()
	p.board.Unlock()
	p.tell(`{"colibriClass":"ReceiverVideoConstraints","lastN":-1,"defaultConstraints":{"maxHeight":720}}`)
}

// tell sends a text once the channel is open.
func (p *peer) tell(text string) {
	p.w.t.Helper()
	p.board.until(p.w.t, p.id+" opens its channel", func() bool { return p.say != nil })
	if err := p.say(text); err != nil {
		p.w.t.Errorf("%s says %s: %v", p.id, text, err)
	}
}

// hear takes a text of the bridge.
func (p *peer) hear(text []byte) {
	m, err := channel.Decode(text)
	if err != nil {
		p.w.t.Errorf("%s hears %s: %v", p.id, text, err)
		return
	}
	p.board.Lock()
	defer p.board.Unlock()
	p.messages = append(p.messages, m)
	switch m := m.(type) {
	case *channel.VideoSourcesMap:
		for _, s := range m.MappedSources {
			p.videoMap[s.SSRC] = s
		}
	case *channel.AudioSourcesMap:
		for _, s := range m.MappedSources {
			p.audioMap[s.SSRC] = s
		}
	}
	p.board.post()
}

func (p *peer) webSocket(ctx context.Context) {
	u, err := url.Parse(p.remote.ICE.WebSockets[0].URL)
	if err != nil {
		p.w.t.Error(err)
		return
	}
	c, _, err := websocket.Dial(ctx, "ws://bridge"+u.RequestURI(), &websocket.DialOptions{
		HTTPClient: ctl.Client(p.w.path("bridge.sock")),
		HTTPHeader: http.Header{"Origin": {"https://elsewhere.example"}},
	})
	if err != nil {
		p.w.t.Errorf("%s: %v", p.id, err)
		return
	}
	defer c.CloseNow()
	p.opened(func(text string) error { return c.Write(ctx, websocket.MessageText, []byte(text)) })
	for {
		_, text, err := c.Read(ctx)
		if err != nil {
			if e, ok := errors.AsType[websocket.CloseError](err); ok {
				p.board.Lock()
				p.messages = append(p.messages, &channel.EndpointMessage{From: "close", To: fmt.Sprint(int(e.Code), " ", e.Reason)})
				p.board.post()
				p.board.Unlock()
			}
			return
		}
		p.hear(text)
	}
}

// send is the client's microphone and camera.
func (p *peer) send(ctx context.Context) {
	tick := time.NewTicker(audioEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		p.sendAudio(n)
		if n%videoEvery == 0 {
			p.sendVideo(n / videoEvery)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (p *peer) sendAudio(n int) {
	p.board.Lock()
	level := p.level
	p.board.Unlock()
	packet := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: uint32(n * samplesPerAudio)}}
	if err := packet.Header.SetExtension(extLevel, []byte{level}); err != nil {
		p.w.t.Error(err)
	}
	packet.Payload = append(tag{p.audio.ssrc, uint32(n), 0}.append(nil), make([]byte, 60)...)
	p.audio.track.WriteRTP(packet) // fails while the client closes
}

func (p *peer) sendVideo(n int) {
	p.board.Lock()
	key := p.needKey
	p.needKey = false
	p.board.Unlock()
	for i, e := range p.video {
		height := uint16(heightOfLayer0 << i)
		for part := range uint8(2) {
			d := vp8{start: part == 0, picture: uint16(n+100*i) & 0x7fff, tl0: uint8(n), key: key}
			payload := d.append(nil, height*16/9, height)
			payload = tag{e.ssrc, uint32(n), part}.append(payload)
			payload = append(payload, make([]byte, bytesOfLayer0<<i)...)
			e.track.WriteRTP(&rtp.Packet{
				Header:  rtp.Header{Version: 2, SequenceNumber: uint16(2*n) + uint16(part) + uint16(1000*i), Timestamp: uint32(n*ticksPerVideo + 1_000_003*i), Marker: part == 1},
				Payload: payload,
			})
		}
	}
}
