package main

import (
	"fmt"
	"strings"

	"github.com/pion/webrtc/v4"
)

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
	return fmt.Sprintf(`<transport><transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='%s' pwd='%s' ice-generation='%s'>
	 <fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='%s' setup='%s'>%s</fingerprint>%s</transport></transport>`,
		value["ice-ufrag"], value["ice-pwd"], p.remote.ICE.ICEGeneration, hash, value["setup"], print, candidates.String())
}

func (p *peer) sourcesXML() string {
	var s strings.Builder
	const ssma = "xmlns='urn:xmpp:jingle:apps:rtp:ssma:0'"
	fmt.Fprintf(&s, `<sources><media-source type='audio' id='%[1]s-a0'><source %[2]s ssrc='%[3]d' name='%[1]s-a0'/></media-source>`, p.id, ssma, p.audio.ssrc)
	fmt.Fprintf(&s, `<media-source type='video' id='%s-v0'>`, p.id)
	var sim strings.Builder
	for _, e := range p.video {
		fmt.Fprintf(&s, `<source %[1]s ssrc='%[2]d' name='%[4]s-v0' videoType='camera'/><source %[1]s ssrc='%[3]d' name='%[4]s-v0'/>`, ssma, e.ssrc, e.rtx, p.id)
		sim.WriteString(fmt.Sprintf(`<source ssrc='%d'/>`, e.ssrc))
	}
	if len(p.video) > 1 {
		fmt.Fprintf(&s, `<ssrc-group %s semantics='SIM'>%s</ssrc-group>`, ssma, sim.String())
	}
	for _, e := range p.video {
		fmt.Fprintf(&s, `<ssrc-group %s semantics='FID'><source ssrc='%d'/><source ssrc='%d'/></ssrc-group>`, ssma, e.ssrc, e.rtx)
	}
	s.WriteString(`</media-source></sources>`)
	return s.String()
}
