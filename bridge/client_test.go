package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/transport/v5/packetio"
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

// lane is one SSRC that the client receives.
type lane struct {
	video     bool
	keyframes int
	sources   map[uint32]int // packets by what the sender's SSRC was
	arrivals  []arrival
}

// arrival is one packet.
type arrival struct {
	seq       uint16
	timestamp uint32
	vp8       vp8
	tag       tag
	err       error
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
	p.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			close(connected)
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

const allocate = `<conference-modify xmlns='jitsi:colibri2' meeting-id='%s' name='room@muc.meet.jitsi' create='%t'>
 <endpoint id='%s' create='true' stats-id='Quiet-Fox'><capability name='source-names'/>%s
  <media type='audio'>
   <payload-type xmlns='urn:xmpp:jingle:apps:rtp:1' id='111' name='opus' clockrate='48000' channels='2'>
    <parameter name='minptime' value='10'/><parameter name='useinbandfec' value='1'/>
    <rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='transport-cc'/>
   </payload-type>
   <rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='1' uri='urn:ietf:params:rtp-hdrext:ssrc-audio-level'/>
   <rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='5' uri='http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01'/>
   <extmap-allow-mixed xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0'/>
  </media>
  <media type='video'>
   <payload-type xmlns='urn:xmpp:jingle:apps:rtp:1' id='100' name='VP8' clockrate='90000'>
    <rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='ccm' subtype='fir'/>
    <rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='nack'/>
    <rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='nack' subtype='pli'/>
    <rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='transport-cc'/>
   </payload-type>
   <payload-type xmlns='urn:xmpp:jingle:apps:rtp:1' id='96' name='rtx' clockrate='90000'><parameter name='apt' value='100'/></payload-type>
   <rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='3' uri='http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time'/>
   <rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='5' uri='http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01'/>
   <extmap-allow-mixed xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0'/>
  </media>
  <transport ice-controlling='true'>%s</transport>
  <sources/>
 </endpoint>
</conference-modify>`

// negotiate offers the client lines for what it sends, and takes its answer.
func (p *peer) negotiate() {
	p.w.t.Helper()
	err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: p.offer()})
	var answer webrtc.SessionDescription
	if err == nil {
		answer, err = p.pc.CreateAnswer(nil)
	}
	if err == nil {
		err = p.pc.SetLocalDescription(answer)
	}
	if err != nil {
		p.w.t.Fatalf("%s: %v for %s", p.id, err, p.offer())
	}
}

func (p *peer) offer() string {
	var s, mids strings.Builder
	for i, kind := range p.kinds {
		fmt.Fprintf(&mids, " %d", i)
		if kind == webrtc.RTPCodecTypeAudio {
			fmt.Fprintf(&s, "m=audio 9 UDP/TLS/RTP/SAVPF %d\r\n", ptOpus)
		} else {
			fmt.Fprintf(&s, "m=video 9 UDP/TLS/RTP/SAVPF %d %d\r\n", ptVP8, ptRTX)
		}
		// The bridge's own source is there as the focus signals it. Without
		// one pion would guess that the first unknown SSRC belongs here.
		fmt.Fprintf(&s, "c=IN IP4 0.0.0.0\r\na=mid:%d\r\na=rtcp-mux\r\na=recvonly\r\na=ssrc:%d cname:jvb\r\n", i, p.own[kind])
		p.transportLines(&s, i == 0)
		if kind == webrtc.RTPCodecTypeAudio {
			fmt.Fprintf(&s, "a=rtpmap:%d opus/48000/2\r\na=extmap:%d %s\r\n", ptOpus, extLevel, uriLevel)
			continue
		}
		fmt.Fprintf(&s, "a=rtpmap:%d VP8/90000\r\na=rtpmap:%d rtx/90000\r\na=fmtp:%d apt=%d\r\n", ptVP8, ptRTX, ptRTX, ptVP8)
		fmt.Fprintf(&s, "a=rtcp-fb:%[1]d nack\r\na=rtcp-fb:%[1]d nack pli\r\na=rtcp-fb:%[1]d ccm fir\r\na=rtcp-fb:%[1]d transport-cc\r\n", ptVP8)
		fmt.Fprintf(&s, "a=extmap:%d %s\r\na=extmap:%d %s\r\n", extAbsSendTime, uriAbsSendTime, extTWCC, uriTWCC)
	}
	if p.sctp {
		mids.WriteString(" data")
		fmt.Fprintf(&s, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:data\r\na=sctp-port:%d\r\na=sendrecv\r\n", p.remote.SCTP.Port)
		p.transportLines(&s, false)
	}
	return "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE" + mids.String() + "\r\n" + s.String()
}

// transportLines is the bridge's side; its candidates in one line of a bundle
// are enough.
func (p *peer) transportLines(s *strings.Builder, candidates bool) {
	ice := p.remote.ICE
	for _, c := range ice.Candidates {
		if candidates {
			fmt.Fprintf(s, "a=candidate:%s 1 udp %d %s %d typ %s\r\n", c.Foundation, c.Priority, c.IP, c.Port, c.Type)
		}
	}
	fmt.Fprintf(s, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:%s %s\r\na=setup:%s\r\n", ice.Ufrag, ice.Pwd, ice.Fingerprints[0].Hash, ice.Fingerprints[0].Value, ice.Fingerprints[0].Setup)
}

// transportXML is the client's side, from its own description.
func (p *peer) transportXML() string {
	value := map[string]string{}
	var candidates strings.Builder
	for l := range strings.SplitSeq(p.pc.LocalDescription().SDP, "\r\n") {
		k, v, _ := strings.Cut(strings.TrimPrefix(l, "a="), ":")
		if _, ok := value[k]; !ok {
			value[k] = v
		}
		if f := strings.Fields(v); k == "candidate" && len(f) >= 8 && f[1] == "1" {
			fmt.Fprintf(&candidates, `<candidate component='1' foundation='%s' generation='0' id='%s' network='1' protocol='%s' type='%s' ip='%s' port='%s' priority='%s'/>`, f[0], f[0], f[2], f[7], f[4], f[5], f[3])
		}
	}
	hash, print, _ := strings.Cut(value["fingerprint"], " ")
	return fmt.Sprintf(`<transport><transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='%s' pwd='%s'>
	 <fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='%s' setup='%s'>%s</fingerprint>%s</transport></transport>`,
		value["ice-ufrag"], value["ice-pwd"], hash, value["setup"], print, candidates.String())
}

func (p *peer) sourcesXML() string {
	var s strings.Builder
	const ssma = "xmlns='urn:xmpp:jingle:apps:rtp:ssma:0'"
	fmt.Fprintf(&s, `<sources><media-source type='audio' id='%[1]s-a0'><source %[2]s ssrc='%[3]d' name='%[1]s-a0'/></media-source>`, p.id, ssma, p.audio.ssrc)
	fmt.Fprintf(&s, `<media-source type='video' id='%s-v0'>`, p.id)
	sim := ""
	for _, e := range p.video {
		fmt.Fprintf(&s, `<source %[1]s ssrc='%[2]d' name='%[4]s-v0' videoType='camera'/><source %[1]s ssrc='%[3]d' name='%[4]s-v0'/>`, ssma, e.ssrc, e.rtx, p.id)
		sim += fmt.Sprintf(`<source ssrc='%d'/>`, e.ssrc)
	}
	if len(p.video) > 1 {
		fmt.Fprintf(&s, `<ssrc-group %s semantics='SIM'>%s</ssrc-group>`, ssma, sim)
	}
	for _, e := range p.video {
		fmt.Fprintf(&s, `<ssrc-group %s semantics='FID'><source ssrc='%d'/><source ssrc='%d'/></ssrc-group>`, ssma, e.ssrc, e.rtx)
	}
	s.WriteString(`</media-source></sources>`)
	return s.String()
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

// buffer is where pion's SRTP puts what it has opened of one SSRC.
func (p *peer) buffer(typ packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser {
	if typ != packetio.RTPBufferPacket {
		return plain{packetio.NewBuffer()}
	}
	return &sink{p: p, ssrc: ssrc, closed: make(chan struct{})}
}

// plain is pion's own buffer behind the interface of a foreign one.
type plain struct{ *packetio.Buffer }

func (b plain) Read(p []byte) (int, error) {
	n, _, err := b.Buffer.Read(p, nil)
	return n, err
}

func (b plain) Write(p []byte) (int, error) { return b.Buffer.Write(p, nil) }

// sink hands packets to the peer instead of to pion's tracks.
type sink struct {
	p      *peer
	ssrc   uint32
	closed chan struct{}
	once   sync.Once
}

func (s *sink) Write(b []byte) (int, error) {
	s.p.receive(s.ssrc, b)
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

// receive is the client's loudspeaker and screen.
func (p *peer) receive(ssrc uint32, b []byte) {
	packet := new(rtp.Packet)
	if err := packet.Unmarshal(slices.Clone(b)); err != nil {
		p.w.t.Errorf("%s: %v", p.id, err)
		return
	}
	p.board.Lock()
	defer p.board.Unlock()
	defer p.board.post()
	into := p.lanes
	if packet.PayloadType == ptRTX {
		if len(packet.Payload) < 2 {
			return // padding
		}
		packet.SequenceNumber = binary.BigEndian.Uint16(packet.Payload)
		packet.Payload = packet.Payload[2:]
		into = p.repairs
	}
	l := into[ssrc]
	if l == nil {
		l = &lane{sources: map[uint32]int{}}
		into[ssrc] = l
	}
	l.take(packet)
}

func (l *lane) take(packet *rtp.Packet) {
	a := arrival{seq: packet.SequenceNumber, timestamp: packet.Timestamp}
	payload := packet.Payload
	if packet.PayloadType != ptOpus {
		l.video = true
		if len(payload) == 0 {
			return // padding
		}
		if a.vp8, payload, a.err = parseVP8(payload); a.err != nil {
			l.arrivals = append(l.arrivals, a)
			return
		}
	}
	a.tag, a.err = parseTag(payload)
	l.arrivals = append(l.arrivals, a)
	l.sources[a.tag.source]++
	if a.vp8.start && a.vp8.key {
		l.keyframes++
	}
}

// faults are what a decoder would stumble over, in the packets' own order: the
// network may reorder, and lose a few, even here when the machine is busy.
func (l *lane) faults() (list []string) {
	fault := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	in := slices.Clone(l.arrivals)
	slices.SortStableFunc(in, func(a, b arrival) int { return int(int16(a.seq - b.seq)) })
	in = slices.CompactFunc(in, func(a, b arrival) bool { return a.seq == b.seq })
	if l.video && !(in[0].vp8.start && in[0].vp8.key) {
		fault("begins with %+v, which is no keyframe", in[0])
	}
	missing, picture := 0, -1
	for i, a := range in {
		if a.err != nil {
			fault("packet %d: %v", a.seq, a.err)
			continue
		}
		if i > 0 {
			last := in[i-1]
			if gap := int(a.seq - last.seq - 1); gap > 0 {
				missing += gap
				picture = -1
			}
			if int32(a.timestamp-last.timestamp) < 0 {
				fault("packet %d has timestamp %d after %d", a.seq, a.timestamp, last.timestamp)
			}
		}
		if a.vp8.start {
			if picture >= 0 && int(a.vp8.picture) != (picture+1)&0x7fff {
				fault("packet %d has picture %d after %d", a.seq, a.vp8.picture, picture)
			}
			picture = int(a.vp8.picture)
		}
	}
	if missing > len(in)/50+2 {
		fault("%d packets of %d are missing", missing, len(in)+missing)
	}
	return list
}
