package adapter

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pion/webrtc/v4"
	"meetbox.local/scripts/bench/internal/media"
)

// Header extension ids, as Jicofo offers them.
const (
	mbExtLevel    = 1
	mbExtSendTime = 3
	mbExtTWCC     = 5
	mbURILevel    = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	mbURISendTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
	mbURITWCC     = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
)

// mbAllocate asks the bridge for an endpoint.
func mbAllocate(id string, rewriting, twcc bool) string {
	capability, fb, ext := `<capability name="source-names"/>`, "", ""
	if rewriting {
		capability += `<capability name="ssrc-rewriting"/>`
	}
	if twcc {
		fb = `<rtcp-fb xmlns="urn:xmpp:jingle:apps:rtp:rtcp-fb:0" type="transport-cc"/>`
		ext = fmt.Sprintf(`<rtp-hdrext xmlns="urn:xmpp:jingle:apps:rtp:rtp-hdrext:0" id="%d" uri="%s"/>`, mbExtTWCC, mbURITWCC)
	}
	return fmt.Sprintf(`<endpoint id="%s" create="true">%s
<media type="audio">
 <payload-type xmlns="urn:xmpp:jingle:apps:rtp:1" id="111" name="opus" clockrate="48000" channels="2">%s</payload-type>
 <rtp-hdrext xmlns="urn:xmpp:jingle:apps:rtp:rtp-hdrext:0" id="%d" uri="%s"/>%s
</media>
<media type="video">
 <payload-type xmlns="urn:xmpp:jingle:apps:rtp:1" id="96" name="VP8" clockrate="90000">
  <rtcp-fb xmlns="urn:xmpp:jingle:apps:rtp:rtcp-fb:0" type="ccm" subtype="fir"/>
  <rtcp-fb xmlns="urn:xmpp:jingle:apps:rtp:rtcp-fb:0" type="nack"/>
  <rtcp-fb xmlns="urn:xmpp:jingle:apps:rtp:rtcp-fb:0" type="nack" subtype="pli"/>%s
 </payload-type>
 <payload-type xmlns="urn:xmpp:jingle:apps:rtp:1" id="97" name="rtx" clockrate="90000"><parameter name="apt" value="96"/></payload-type>
 <rtp-hdrext xmlns="urn:xmpp:jingle:apps:rtp:rtp-hdrext:0" id="%d" uri="%s"/>%s
</media>
<transport ice-controlling="true"><sctp/></transport><sources/></endpoint>`,
		id, capability, fb, mbExtLevel, mbURILevel, ext, fb, mbExtSendTime, mbURISendTime, ext)
}

// mbTransport is the client's side of the transport, from its description.
func mbTransport(sdp string) string {
	value := map[string]string{}
	var candidates strings.Builder
	for l := range strings.SplitSeq(sdp, "\r\n") {
		k, v, _ := strings.Cut(strings.TrimPrefix(l, "a="), ":")
		if _, ok := value[k]; !ok {
			value[k] = v
		}
		if f := strings.Fields(v); k == "candidate" && len(f) >= 8 && f[1] == "1" {
			fmt.Fprintf(&candidates, `<candidate component="1" foundation="%s" generation="0" id="%s" network="1" protocol="%s" type="%s" ip="%s" port="%s" priority="%s"/>`, f[0], f[0], f[2], f[7], f[4], f[5], f[3])
		}
	}
	hash, print, _ := strings.Cut(value["fingerprint"], " ")
	return fmt.Sprintf(`<transport><transport xmlns="urn:xmpp:jingle:transports:ice-udp:1" ufrag="%s" pwd="%s"><fingerprint xmlns="urn:xmpp:jingle:apps:dtls:0" hash="%s" setup="%s">%s</fingerprint>%s</transport></transport>`,
		value["ice-ufrag"], value["ice-pwd"], hash, value["setup"], print, &candidates)
}

// mbSources is what the client sends, for the bridge.
func mbSources(sources []mbSource) string {
	var b strings.Builder
	b.WriteString("<sources>")
	for _, s := range sources {
		const ssma = `xmlns="urn:xmpp:jingle:apps:rtp:ssma:0"`
		kind := [2]string{"audio", "video"}[s.kind]
		fmt.Fprintf(&b, `<media-source type="%s" id="%s">`, kind, s.name)
		var sim strings.Builder
		for _, x := range append(append([]uint32(nil), s.ssrc...), s.rtx...) {
			fmt.Fprintf(&b, `<source %s ssrc="%d" name="%s"/>`, ssma, x, s.name)
		}
		for _, x := range s.ssrc {
			fmt.Fprintf(&sim, `<source ssrc="%d"/>`, x)
		}
		if len(s.ssrc) > 1 {
			fmt.Fprintf(&b, `<ssrc-group %s semantics="SIM">%s</ssrc-group>`, ssma, &sim)
		}
		for i, x := range s.rtx {
			fmt.Fprintf(&b, `<ssrc-group %s semantics="FID"><source ssrc="%d"/><source ssrc="%d"/></ssrc-group>`, ssma, s.ssrc[i], x)
		}
		b.WriteString("</media-source>")
	}
	b.WriteString("</sources>")
	return b.String()
}

// mbOffer is the bridge's side as one offer: a line for each thing the client
// sends, one for the data channel, one for each remote source.
type mbOffer struct {
	version   int
	transport string   // ICE and DTLS lines
	sending   []int    // kinds of what the client sends
	own       []string // the bridge's feedback SSRCs, by kind
	twcc      bool
	remote    []mbSource
}

func newMBOffer(answer element, tracks []*media.Track, twcc bool) mbOffer {
	o := mbOffer{twcc: twcc, own: []string{"", ""}}
	have := map[string]bool{}
	for _, t := range tracks {
		if !have[t.ID()] { // simulcast layers share an id
			have[t.ID()] = true
			o.sending = append(o.sending, t.Kind)
		}
	}
	for _, s := range answer.all("media-source") {
		kind := media.Audio
		if s.attr("type") == "video" {
			kind = media.Video
		}
		o.own[kind] = s.first("source").attr("ssrc")
	}
	var b strings.Builder
	for _, t := range answer.all("transport") {
		if t.attr("ufrag") == "" {
			continue
		}
		for _, c := range t.all("candidate") {
			fmt.Fprintf(&b, "a=candidate:%s 1 udp %s %s %s typ %s\r\n", c.attr("foundation"), c.attr("priority"), c.attr("ip"), c.attr("port"), c.attr("type"))
		}
		f := t.first("fingerprint")
		fmt.Fprintf(&b, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:%s %s\r\na=setup:%s\r\n", t.attr("ufrag"), t.attr("pwd"), f.attr("hash"), f.Text, f.attr("setup"))
	}
	o.transport = b.String()
	return o
}

// String is the next version of the offer.
func (o *mbOffer) String() string {
	o.version++
	var body strings.Builder
	var mids []string
	line := func(media, protocol, formats, direction string) {
		mid := fmt.Sprint(len(mids))
		mids = append(mids, mid)
		fmt.Fprintf(&body, "m=%s 9 %s %s\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=%s\r\n%s", media, protocol, formats, mid, direction, o.transport)
	}
	rtp := func(kind int, direction string) {
		if kind == media.Audio {
			line("audio", "UDP/TLS/RTP/SAVPF", "111", direction)
			body.WriteString("a=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n")
			fmt.Fprintf(&body, "a=extmap:%d %s\r\n", mbExtLevel, mbURILevel)
			if o.twcc {
				fmt.Fprintf(&body, "a=rtcp-fb:111 transport-cc\r\na=extmap:%d %s\r\n", mbExtTWCC, mbURITWCC)
			}
			return
		}
		line("video", "UDP/TLS/RTP/SAVPF", "96 97", direction)
		body.WriteString("a=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 ccm fir\r\n")
		fmt.Fprintf(&body, "a=extmap:%d %s\r\n", mbExtSendTime, mbURISendTime)
		if o.twcc {
			fmt.Fprintf(&body, "a=rtcp-fb:96 transport-cc\r\na=extmap:%d %s\r\n", mbExtTWCC, mbURITWCC)
		}
	}
	for _, kind := range o.sending {
		rtp(kind, "recvonly")
		fmt.Fprintf(&body, "a=ssrc:%s cname:jvb\r\n", o.own[kind])
	}
	line("application", "UDP/DTLS/SCTP", "webrtc-datachannel", "sendrecv")
	body.WriteString("a=sctp-port:5000\r\n")
	for _, s := range o.remote {
		rtp(s.kind, "sendonly")
		fmt.Fprintf(&body, "a=msid:%s %s\r\n", s.name, s.name)
		for i, x := range s.ssrc[:1] { // one encoding at a time comes, under the first SSRC
			fmt.Fprintf(&body, "a=ssrc:%d cname:x\r\n", x)
			if i < len(s.rtx) {
				fmt.Fprintf(&body, "a=ssrc:%d cname:x\r\na=ssrc-group:FID %d %d\r\n", s.rtx[i], x, s.rtx[i])
			}
		}
	}
	return fmt.Sprintf("v=0\r\no=- 1 %d IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE %s\r\na=msid-semantic: WMS *\r\n", o.version, strings.Join(mids, " ")) + body.String()
}

// openChannel makes the bridge's data channel, on which the client asks for
// everything at full height, and hears which SSRCs carry what.
func (c *mbClient) openChannel() error {
	protocol := "http://jitsi.org/protocols/colibri"
	dc, err := c.pc.CreateDataChannel("JVB data channel", &webrtc.DataChannelInit{Protocol: &protocol})
	if err != nil {
		return err
	}
	dc.OnOpen(func() {
		if c.s.Receive {
			if err := dc.SendText(`{"colibriClass":"ReceiverVideoConstraints","lastN":-1,"defaultConstraints":{"maxHeight":720}}`); err != nil {
				c.s.Logf("meetbox %s: %v", c.id(), err)
			}
		}
	})
	if !c.rewriting {
		return nil
	}
	dc.OnMessage(func(m webrtc.DataChannelMessage) {
		var v struct {
			Class   string `json:"colibriClass"`
			Sources []struct {
				Source string          `json:"source"`
				SSRC   uint32          `json:"ssrc"`
				RTX    json.RawMessage `json:"rtx"`
			} `json:"mappedSources"`
		}
		if err := json.Unmarshal(m.Data, &v); err != nil || v.Class != "VideoSourcesMap" && v.Class != "AudioSourcesMap" {
			return
		}
		var sources []mbSource
		for _, s := range v.Sources {
			x := mbSource{name: s.Source, kind: media.Audio, ssrc: []uint32{s.SSRC}}
			if v.Class == "VideoSourcesMap" {
				x.kind = media.Video
				var rtx uint32
				if json.Unmarshal(s.RTX, &rtx) == nil && rtx != 0 {
					x.rtx = []uint32{rtx}
				}
			}
			sources = append(sources, x)
		}
		if err := c.add(sources); err != nil {
			c.s.Logf("meetbox %s: %v", c.id(), err)
		}
	})
	return nil
}
