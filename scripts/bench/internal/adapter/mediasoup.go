package adapter

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"sync"

	"meetbox.local/scripts/bench/internal/rtcx"

	"github.com/pion/webrtc/v4"
)

func mediasoup() Adapter {
	return Adapter{
		Name: "mediasoup",
		Server: func(s ServerSpec) (Server, error) {
			dir := filepath.Join(s.Peers, "mediasoup")
			return Server{
				Argv: []string{"node", filepath.Join(dir, "server.cjs"), s.IP, "3000"},
				Env: []string{"NODE_PATH=" + filepath.Join(dir, "node_modules"),
					"MEDIASOUP_WORKER_BIN=" + filepath.Join(dir, "node_modules/mediasoup/worker/out/Release/mediasoup-worker")},
				Ready: s.IP + ":3000",
			}, nil
		},
		Client: func(s Spec) Client { return &msClient{s: s} },
	}
}

// mediasoup speaks ORTC, not SDP: the client writes the SDP of both sides.
type (
	msTransport struct {
		ID            string `json:"id"`
		IceParameters struct {
			UsernameFragment string `json:"usernameFragment"`
			Password         string `json:"password"`
		} `json:"iceParameters"`
		IceCandidates []struct {
			Foundation string `json:"foundation"`
			IP         string `json:"ip"`
			Port       int    `json:"port"`
			Priority   int64  `json:"priority"`
			Protocol   string `json:"protocol"`
		} `json:"iceCandidates"`
		DtlsParameters msDTLS `json:"dtlsParameters"`
	}
	msFingerprint struct {
		Algorithm string `json:"algorithm"`
		Value     string `json:"value"`
	}
	msDTLS struct {
		Role         string          `json:"role,omitempty"`
		Fingerprints []msFingerprint `json:"fingerprints"`
	}
	msFB struct {
		Type      string `json:"type"`
		Parameter string `json:"parameter"`
	}
	msCodec struct {
		MimeType     string         `json:"mimeType"`
		PayloadType  int            `json:"payloadType"`
		ClockRate    int            `json:"clockRate"`
		Channels     int            `json:"channels,omitempty"`
		Parameters   map[string]any `json:"parameters"`
		RtcpFeedback []msFB         `json:"rtcpFeedback"`
	}
	msExt struct {
		URI string `json:"uri"`
		ID  int    `json:"id"`
	}
	msSSRC struct {
		SSRC uint32 `json:"ssrc"`
	}
	msEncoding struct {
		SSRC uint32  `json:"ssrc,omitempty"`
		RID  string  `json:"rid,omitempty"`
		RTX  *msSSRC `json:"rtx,omitempty"`
	}
	msRTP struct {
		Mid              string         `json:"mid"`
		Codecs           []msCodec      `json:"codecs"`
		HeaderExtensions []msExt        `json:"headerExtensions"`
		Encodings        []msEncoding   `json:"encodings"`
		RTCP             map[string]any `json:"rtcp"`
	}
	msConsumer struct {
		ID            string `json:"id"`
		ProducerID    string `json:"producerId"`
		Kind          string `json:"kind"`
		RtpParameters msRTP  `json:"rtpParameters"`
	}
)

type msClient struct {
	s        Spec
	pub, sub *peer
	mu       sync.Mutex
	n        Negotiated
	cancel   context.CancelFunc
	cons     []msConsumer
	version  int
}

func (c *msClient) call(ctx context.Context, name string, in, out any) error {
	b, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, "POST", "http://"+c.s.IP+":3000/"+name, bytes.NewReader(b))
	if err != nil {
		return err
	}
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if r.StatusCode != 200 {
		return fmt.Errorf("mediasoup %s: %s", name, body)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(body, out)
}

func (t *msTransport) session(mids []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-lite\r\na=group:BUNDLE %s\r\na=msid-semantic: WMS *\r\n", strings.Join(mids, " "))
	for _, f := range t.DtlsParameters.Fingerprints {
		if f.Algorithm == "sha-256" {
			fmt.Fprintf(&b, "a=fingerprint:%s %s\r\n", f.Algorithm, f.Value)
		}
	}
	return b.String()
}

// section writes one m-section of the server's side.
func (t *msTransport) section(mid, kind, dir, setup string, codecs []msCodec, exts []msExt) string {
	var b strings.Builder
	fmt.Fprintf(&b, "m=%s 9 UDP/TLS/RTP/SAVPF", kind)
	for _, c := range codecs {
		fmt.Fprintf(&b, " %d", c.PayloadType)
	}
	fmt.Fprintf(&b, "\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=%s\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=setup:%s\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\n",
		mid, dir, setup, t.IceParameters.UsernameFragment, t.IceParameters.Password)
	for _, k := range t.IceCandidates {
		fmt.Fprintf(&b, "a=candidate:%s 1 %s %d %s %d typ host\r\n", k.Foundation, k.Protocol, k.Priority, k.IP, k.Port)
	}
	b.WriteString("a=end-of-candidates\r\n")
	for _, c := range codecs {
		_, name, _ := strings.Cut(c.MimeType, "/")
		ch := ""
		if c.Channels > 1 {
			ch = fmt.Sprintf("/%d", c.Channels)
		}
		fmt.Fprintf(&b, "a=rtpmap:%d %s/%d%s\r\n", c.PayloadType, name, c.ClockRate, ch)
		var ps []string
		for k, v := range c.Parameters {
			ps = append(ps, fmt.Sprintf("%s=%v", k, v))
		}
		sort.Strings(ps)
		if len(ps) > 0 {
			fmt.Fprintf(&b, "a=fmtp:%d %s\r\n", c.PayloadType, strings.Join(ps, ";"))
		}
		for _, f := range c.RtcpFeedback {
			fmt.Fprintf(&b, "a=rtcp-fb:%d %s\r\n", c.PayloadType, strings.TrimSpace(f.Type+" "+f.Parameter))
		}
	}
	for _, e := range exts {
		fmt.Fprintf(&b, "a=extmap:%d %s\r\n", e.ID, e.URI)
	}
	return b.String()
}

var msFP = regexp.MustCompile(`a=fingerprint:(\S+) (\S+)`)

func localDTLS(sdp string) msDTLS {
	m := msFP.FindStringSubmatch(sdp)
	role := "client"
	if strings.Contains(sdp, "a=setup:passive") {
		role = "server"
	}
	return msDTLS{Role: role, Fingerprints: []msFingerprint{{m[1], m[2]}}}
}

func (c *msClient) Join(ctx context.Context) error {
	bg, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	if c.s.Receive {
		var t msTransport
		if err := c.call(ctx, "transport", struct{}{}, &t); err != nil {
			return err
		}
		go c.follow(bg, t)
	}
	if len(c.s.Tracks) == 0 {
		return nil
	}
	return c.produce(ctx)
}

func (c *msClient) produce(ctx context.Context) (err error) {
	var t msTransport
	if err := c.call(ctx, "transport", struct{}{}, &t); err != nil {
		return err
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
	var mids []string
	var body strings.Builder
	var prods []map[string]any
	for _, tr := range c.pub.GetTransceivers() {
		p := tr.Sender().GetParameters()
		mid, kind := tr.Mid(), tr.Kind().String()
		mids = append(mids, mid)
		r := msRTP{Mid: mid, RTCP: map[string]any{"cname": fmt.Sprintf("c%d", c.s.ID)}}
		for _, k := range p.Codecs {
			mc := msCodec{MimeType: k.MimeType, PayloadType: int(k.PayloadType), ClockRate: int(k.ClockRate), Channels: int(k.Channels), Parameters: map[string]any{}, RtcpFeedback: []msFB{}}
			if strings.EqualFold(k.MimeType, webrtc.MimeTypeRTX) {
				mc.Parameters["apt"] = 96
			} else {
				for _, f := range k.RTCPFeedback {
					mc.RtcpFeedback = append(mc.RtcpFeedback, msFB{f.Type, f.Parameter})
				}
			}
			r.Codecs = append(r.Codecs, mc)
		}
		for _, e := range p.HeaderExtensions {
			r.HeaderExtensions = append(r.HeaderExtensions, msExt{e.URI, e.ID})
		}
		for _, e := range p.Encodings {
			x := msEncoding{SSRC: uint32(e.SSRC)}
			if e.RID != "" {
				x = msEncoding{RID: e.RID}
			} else if e.RTX.SSRC != 0 {
				x.RTX = &msSSRC{uint32(e.RTX.SSRC)}
			}
			r.Encodings = append(r.Encodings, x)
		}
		body.WriteString(t.section(mid, kind, "recvonly", "passive", r.Codecs, r.HeaderExtensions))
		if len(p.Encodings) > 1 {
			for _, e := range p.Encodings {
				fmt.Fprintf(&body, "a=rid:%s recv\r\n", e.RID)
			}
			body.WriteString("a=simulcast:recv q;h;f\r\n")
		}
		prods = append(prods, map[string]any{"id": t.ID, "kind": kind, "rtpParameters": r, "client": c.s.ID})
	}
	answer := t.session(mids) + body.String()
	c.mu.Lock()
	c.n.PubSDP = answer
	c.mu.Unlock()
	if err := c.call(ctx, "connect", map[string]any{"id": t.ID, "dtlsParameters": localDTLS(sdp)}, nil); err != nil {
		return err
	}
	if err := c.pub.remote(webrtc.SDPTypeAnswer, answer); err != nil {
		return err
	}
	for _, p := range prods {
		if err := c.call(ctx, "produce", p, nil); err != nil {
			return err
		}
	}
	return nil
}

// follow consumes every producer that appears.
func (c *msClient) follow(ctx context.Context, t msTransport) {
	have := 0
	var caps map[string]any
	if err := c.call(ctx, "caps", struct{}{}, &caps); err != nil {
		return
	}
	for ctx.Err() == nil {
		var list []struct {
			ID     string `json:"id"`
			Client int    `json:"client"`
		}
		if err := c.call(ctx, "producers", map[string]any{"have": have}, &list); err != nil {
			return
		}
		have += len(list)
		var ids []string
		for _, p := range list {
			if p.Client != c.s.ID {
				ids = append(ids, p.ID)
			}
		}
		if len(ids) == 0 {
			continue
		}
		if err := c.consume(ctx, t, ids, caps); err != nil && ctx.Err() == nil {
			c.s.Logf("mediasoup p%d: %v", c.s.ID, err)
		}
	}
}

func (c *msClient) consume(ctx context.Context, t msTransport, ids []string, caps map[string]any) error {
	var cons []msConsumer
	if err := c.call(ctx, "consume", map[string]any{"id": t.ID, "producers": ids, "rtpCapabilities": caps}, &cons); err != nil {
		return err
	}
	first := c.sub == nil
	if first {
		p, err := newPeer(c.s)
		if err != nil {
			return err
		}
		c.sub = p
	}
	c.cons = append(c.cons, cons...)
	var mids []string
	var body strings.Builder
	for i, k := range c.cons {
		mid := fmt.Sprint(i)
		mids = append(mids, mid)
		body.WriteString(t.section(mid, k.Kind, "sendonly", "actpass", k.RtpParameters.Codecs, k.RtpParameters.HeaderExtensions))
		e := k.RtpParameters.Encodings[0]
		fmt.Fprintf(&body, "a=msid:%s %s\r\na=ssrc:%d cname:x\r\n", k.ProducerID, k.ID, e.SSRC)
		if e.RTX != nil {
			fmt.Fprintf(&body, "a=ssrc:%d cname:x\r\na=ssrc-group:FID %d %d\r\n", e.RTX.SSRC, e.SSRC, e.RTX.SSRC)
		}
	}
	c.version++
	offer := strings.Replace(t.session(mids), "o=- 1 1", fmt.Sprintf("o=- 1 %d", c.version), 1) + body.String()
	c.mu.Lock()
	c.n.RecvSDP = offer
	c.mu.Unlock()
	a, err := c.sub.answer(offer)
	if err != nil {
		return err
	}
	if first {
		if err := c.call(ctx, "connect", map[string]any{"id": t.ID, "dtlsParameters": localDTLS(a)}, nil); err != nil {
			return err
		}
	}
	var rs []string
	for _, k := range cons {
		rs = append(rs, k.ID)
	}
	return c.call(ctx, "resume", map[string]any{"consumers": rs}, nil)
}

func (c *msClient) Close() {
	if c.cancel != nil {
		c.cancel()
	}
	for _, p := range []*peer{c.pub, c.sub} {
		if p != nil {
			p.Close()
		}
	}
}

func (c *msClient) Negotiated() Negotiated {
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
