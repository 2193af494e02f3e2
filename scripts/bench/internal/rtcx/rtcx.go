// Package rtcx makes the pion PeerConnections of the load generator. All
// adapters use the same factory, so every server meets the same client:
// browser-like codecs, header extensions and RTCP feedback, host candidates on
// one interface, and large socket buffers.
package rtcx

import (
	"encoding/binary"
	"errors"
	"net"
	"reflect"
	"sync/atomic"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/stdnet"
	"github.com/pion/webrtc/v4"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// Counters counts the RTCP the clients send.
type Counters struct {
	NACKedPackets, NACKs, PLIs, TWCC, RR, SocketBufErr atomic.Int64
}

// Factory makes PeerConnections.
type Factory struct {
	api   *webrtc.API
	opts  Options
	C     Counters
	light atomic.Uint64
}

// Options is what the Factory was made with.
func (f *Factory) Options() Options { return f.opts }

// LightPackets is how many RTP packets light clients counted and dropped.
func (f *Factory) LightPackets() uint64 { return f.light.Load() }

// Options of a Factory.
type Options struct {
	SRTP   string // "auto" (GCM-128 preferred, CM-80 offered), "gcm128" or "cm80"
	NoTWCC bool   // neither offer nor send transport-wide feedback
	NoRTX  bool
	// Light makes clients that count RTP at the socket, undecrypted, after the
	// first packets of each SSRC, so that the generator can load a server far
	// beyond what it could decrypt itself. Light clients offer neither NACK nor
	// TWCC, since they could not honour them.
	Light bool
	// GRO lets light clients take what the server sends as one message of
	// several packets (UDP GSO) as one. On a veth pair the kernel otherwise cuts
	// it up inside the server's system call, which a network card does itself.
	GRO     bool
	Verbose bool
}

// New makes a Factory.
func New(o Options) (*Factory, error) {
	f := &Factory{opts: o}
	var me webrtc.MediaEngine
	fb := []webrtc.RTCPFeedback{{Type: "goog-remb"}, {Type: "ccm", Parameter: "fir"}, {Type: "nack", Parameter: "pli"}}
	if o.Light {
		o.NoTWCC, o.NoRTX = true, true
	} else {
		fb = append(fb, webrtc.RTCPFeedback{Type: "nack"})
	}
	afb := []webrtc.RTCPFeedback{}
	if !o.NoTWCC {
		fb = append(fb, webrtc.RTCPFeedback{Type: "transport-cc"})
		afb = append(afb, webrtc.RTCPFeedback{Type: "transport-cc"})
	}
	codecs := []struct {
		k webrtc.RTPCodecType
		c webrtc.RTPCodecParameters
	}{
		{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecParameters{PayloadType: 111, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1", RTCPFeedback: afb}}},
		{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecParameters{PayloadType: 96, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeVP8, ClockRate: 90000, RTCPFeedback: fb}}},
		{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecParameters{PayloadType: 97, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: "apt=96"}}},
	}
	for i, c := range codecs {
		if i == 2 && o.NoRTX {
			break
		}
		if err := me.RegisterCodec(c.c, c.k); err != nil {
			return nil, err
		}
	}
	both := []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo}
	exts := []struct {
		uri   string
		kinds []webrtc.RTPCodecType
	}{
		{"urn:ietf:params:rtp-hdrext:ssrc-audio-level", both[:1]},
		{"http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", both},
		{"urn:ietf:params:rtp-hdrext:sdes:mid", both},
		{"urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", both[1:]},
		{"urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id", both[1:]},
	}
	for _, e := range exts {
		for _, k := range e.kinds {
			if err := me.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: e.uri}, k); err != nil {
				return nil, err
			}
		}
	}

	var reg interceptor.Registry
	reg.Add(countFactory{&f.C}) // first, so that it sees what the others write
	gen, err := nack.NewGeneratorInterceptor()
	if err != nil {
		return nil, err
	}
	resp, err := nack.NewResponderInterceptor()
	if err != nil {
		return nil, err
	}
	rr, err := report.NewReceiverInterceptor()
	if err != nil {
		return nil, err
	}
	sr, err := report.NewSenderInterceptor()
	if err != nil {
		return nil, err
	}
	for _, x := range []interceptor.Factory{gen, resp, rr, sr} {
		if o.Light && (x == interceptor.Factory(gen) || x == interceptor.Factory(resp)) {
			continue
		}
		reg.Add(x)
	}
	if !o.NoTWCC {
		if err := webrtc.ConfigureTWCCHeaderExtensionSender(&me, &reg); err != nil {
			return nil, err
		}
		if err := webrtc.ConfigureTWCCSender(&me, &reg); err != nil {
			return nil, err
		}
	}

	var se webrtc.SettingEngine
	switch o.SRTP {
	case "gcm128":
		se.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM)
	case "cm80":
		se.SetSRTPProtectionProfiles(dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	default:
		se.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	}
	se.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	se.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	se.DisableActiveTCP(true)
	base, err := stdnet.NewNet()
	if err != nil {
		return nil, err
	}
	se.SetNet(bigNet{base, f, o.Light, o.GRO})
	lf := logging.NewDefaultLoggerFactory()
	lf.DefaultLogLevel = logging.LogLevelDisabled
	if o.Verbose {
		lf.DefaultLogLevel = logging.LogLevelWarn
	}
	se.LoggerFactory = lf
	f.api = webrtc.NewAPI(webrtc.WithMediaEngine(&me), webrtc.WithInterceptorRegistry(&reg), webrtc.WithSettingEngine(se))
	return f, nil
}

// NewPC makes a PeerConnection; onTrack may be nil.
func (f *Factory) NewPC(onTrack func(*webrtc.TrackRemote, *webrtc.RTPReceiver)) (*webrtc.PeerConnection, error) {
	pc, err := f.api.NewPeerConnection(webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle})
	if err != nil {
		return nil, err
	}
	if onTrack != nil {
		pc.OnTrack(onTrack)
	}
	return pc, nil
}

// SRTPProfile names the negotiated SRTP profile of a connected pc ("" if
// unknown). pion does not export it, so this reads a private field.
func SRTPProfile(pc *webrtc.PeerConnection) (name string) {
	defer func() { recover() }()
	t := pc.SCTP().Transport()
	v := reflect.ValueOf(t).Elem().FieldByName("srtpProtectionProfile")
	switch v.Uint() {
	case 1:
		return "AES_CM_128_HMAC_SHA1_80"
	case 7:
		return "AEAD_AES_128_GCM"
	case 8:
		return "AEAD_AES_256_GCM"
	}
	return ""
}

type bigNet struct {
	*stdnet.Net
	f     *Factory
	light bool
	gro   bool
}

// ListenUDP gives every socket an 8 MiB receive buffer, so that loss measured
// at a client is the server's.
func (n bigNet) ListenUDP(network string, a *net.UDPAddr) (transport.UDPConn, error) {
	c, err := net.ListenUDP(network, a)
	if err != nil {
		return nil, err
	}
	if c.SetReadBuffer(8<<20) != nil {
		n.f.C.SocketBufErr.Add(1)
	}
	c.SetWriteBuffer(4 << 20)
	if n.light {
		return newLightConn(c, &n.f.light, n.gro)
	}
	return c, nil
}

// udpGRO is linux/udp.h's UDP_GRO: of the socket's options, and of the message
// that says how large each packet is.
const udpGRO = 104

// lightConn reads in batches and hands pion only what is not bulk RTP.
type lightConn struct {
	*net.UDPConn
	pc    *ipv4.PacketConn
	msgs  []ipv4.Message
	next  int
	have  int
	rest  []byte // of a message of several packets
	size  int    // of each
	seen  map[uint32]int
	count *atomic.Uint64
}

const lightPass = 25 // RTP packets of each SSRC that reach pion

func newLightConn(c *net.UDPConn, count *atomic.Uint64, gro bool) (*lightConn, error) {
	l := &lightConn{UDPConn: c, pc: ipv4.NewPacketConn(c), msgs: make([]ipv4.Message, 32), seen: map[uint32]int{}, count: count}
	size := 1600
	if gro {
		raw, err := c.SyscallConn()
		if err != nil {
			return nil, err
		}
		var set error
		if err := raw.Control(func(fd uintptr) { set = unix.SetsockoptInt(int(fd), unix.SOL_UDP, udpGRO, 1) }); err != nil || set != nil {
			return nil, errors.Join(err, set)
		}
		size = 1 << 16
	}
	for i := range l.msgs {
		l.msgs[i].Buffers = [][]byte{make([]byte, size)}
		l.msgs[i].OOB = make([]byte, 64)
	}
	return l, nil
}

// packet takes the next packet of what was read; nil: there is none.
func (l *lightConn) packet() []byte {
	if len(l.rest) == 0 {
		if l.next == l.have {
			return nil
		}
		m := &l.msgs[l.next]
		l.next++
		l.rest = m.Buffers[0][:m.N]
		l.size = len(l.rest)
		if list, err := unix.ParseSocketControlMessage(m.OOB[:m.NN]); err == nil {
			for _, c := range list {
				if c.Header.Level == unix.SOL_UDP && c.Header.Type == udpGRO && len(c.Data) >= 2 {
					l.size = int(binary.NativeEndian.Uint16(c.Data))
				}
			}
		}
	}
	n := max(1, min(l.size, len(l.rest)))
	p := l.rest[:n]
	l.rest = l.rest[n:]
	return p
}

// ReadFrom implements net.PacketConn; one goroutine calls it.
func (l *lightConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		for p := l.packet(); p != nil; p = l.packet() {
			if len(p) >= 12 && p[0] >= 128 && p[0] < 192 && (p[1] < 192 || p[1] > 223) {
				ssrc := uint32(p[8])<<24 | uint32(p[9])<<16 | uint32(p[10])<<8 | uint32(p[11])
				n := l.seen[ssrc]
				if n < lightPass {
					l.seen[ssrc] = n + 1
				} else {
					if p[0]&0x20 == 0 { // not padding
						l.count.Add(1)
					}
					continue
				}
			}
			return copy(b, p), l.msgs[l.next-1].Addr, nil
		}
		n, err := l.pc.ReadBatch(l.msgs, 0)
		if err != nil {
			return 0, nil, err
		}
		l.next, l.have = 0, n
	}
}

type countFactory struct{ c *Counters }

func (f countFactory) NewInterceptor(string) (interceptor.Interceptor, error) {
	return &counter{c: f.c}, nil
}

type counter struct {
	interceptor.NoOp
	c *Counters
}

func (n *counter) BindRTCPWriter(w interceptor.RTCPWriter) interceptor.RTCPWriter {
	return interceptor.RTCPWriterFunc(func(pkts []rtcp.Packet, a interceptor.Attributes) (int, error) {
		for _, p := range pkts {
			switch p := p.(type) {
			case *rtcp.TransportLayerNack:
				n.c.NACKs.Add(1)
				for i := range p.Nacks {
					n.c.NACKedPackets.Add(int64(len(p.Nacks[i].PacketList())))
				}
			case *rtcp.PictureLossIndication:
				n.c.PLIs.Add(1)
			case *rtcp.TransportLayerCC:
				n.c.TWCC.Add(1)
			case *rtcp.ReceiverReport:
				n.c.RR.Add(1)
			}
		}
		return w.Write(pkts, a)
	})
}
