package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pion/rtcp"
	"meetbox.local/appliance/kit/ctl"
	"meetbox.local/bridge/internal/channel"
	"meetbox.local/signaling/xmpp/stanza"
)

func get(t *testing.T, socket, path string) string {
	t.Helper()
	r, err := ctl.Client(socket).Get("http://ctl" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// hears is whether the client was told something.
func (p *peer) hears(is func(channel.Message) bool) func() bool {
	return func() bool {
		return slices.ContainsFunc(p.messages, is)
	}
}

// gets is whether the client receives, on one lane, at least n packets that
// the other sent with one of these SSRCs.
func (p *peer) gets(n int, ssrcs ...uint32) func() bool {
	return func() bool {
		for _, l := range p.lanes {
			sum := 0
			for _, s := range ssrcs {
				sum += l.sources[s]
			}
			if sum >= n {
				return true
			}
		}
		return false
	}
}

func (p *peer) videoSSRCs() []uint32 {
	var out []uint32
	for _, e := range p.video {
		out = append(out, e.ssrc)
	}
	return out
}

// A whole meeting, in one world for all: three in the classic mode and three
// with SSRC rewriting at once; one of each has no data channel, one of each
// sends simulcast.
func TestMeetings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	t.Run("meetings", func(t *testing.T) {
		for _, mode := range []struct {
			name      string
			rewriting bool
		}{{"classic", false}, {"rewriting", true}} {
			t.Run(mode.name, func(t *testing.T) {
				t.Parallel()
				meeting(t, w, mode.name, mode.rewriting)
			})
		}
		t.Run("errors", func(t *testing.T) {
			t.Parallel()
			errorMatrix(t, w)
		})
	})
	afterwards(t, w)
}

func meeting(t *testing.T, world *world, name string, rewriting bool) {
	w := world.in(t)
	b := new(board)
	id := "meeting-" + name
	peers := []*peer{
		w.newPeer(b, "aaaa0001", 1, true, rewriting),
		w.newPeer(b, "bbbb0002", 3, true, rewriting),
		w.newPeer(b, "cccc0003", 1, false, rewriting),
	}
	for i, p := range peers {
		p.join(id, i == 0)
	}
	a, s, ws := peers[0], peers[1], peers[2]
	for _, p := range peers {
		for _, other := range peers {
			if other == p {
				continue
			}
			b.until(t, p.id+" hears "+other.id, p.gets(20, other.audio.ssrc))
			b.until(t, p.id+" sees "+other.id, p.gets(20, other.videoSSRCs()...))
		}
	}
	// Who is loud from the first packet on has a loud background, and does not speak.
	b.Lock()
	s.level = loud
	b.Unlock()
	for _, p := range []*peer{a, ws} {
		b.until(t, p.id+" sees the highest encoding", p.gets(20, s.video[2].ssrc))
		b.until(t, p.id+" is told who speaks", p.hears(func(m channel.Message) bool {
			d, ok := m.(*channel.DominantSpeaker)
			return ok && d.Endpoint == s.id
		}))
		b.until(t, p.id+" is told what it is sent", p.hears(func(m channel.Message) bool {
			f, ok := m.(*channel.ForwardedSources)
			return ok && len(f.ForwardedSources) == 2
		}))
	}
	if rewriting {
		mapped(t, b, a, s)
	}
	messages(t, b, a, s, ws)
	retransmission(t, b, a, ws)
	keyframe(t, b, a, ws)
	constraints(t, b, a, s)
	garbage(t, w, b, a, ws)

	b.Lock()
	for _, p := range peers {
		for ssrc, l := range p.lanes {
			for _, f := range l.faults() {
				t.Errorf("%s, lane %d: %s", p.id, ssrc, f)
			}
		}
	}
	b.Unlock()
	restartICE(t, w, b, id, a, ws) // in which pion, unlike browsers, loses packets
	leave(t, w, b, id, a, s, ws)
}

// mapped checks that what a lane carries is what the map says.
func mapped(t *testing.T, b *board, p, other *peer) {
	t.Helper()
	b.Lock()
	defer b.Unlock()
	audio, video := 0, 0
	for ssrc, l := range p.lanes {
		if m, ok := p.videoMap[ssrc]; ok && m.Source == other.id+"-v0" {
			video++
			foreign := maps.Clone(l.sources)
			for _, e := range other.video {
				delete(foreign, e.ssrc)
			}
			if m.Owner != other.id || m.VideoType != channel.Camera || m.RTX == 0 || len(foreign) > 0 {
				t.Errorf("%+v carries %v", m, l.sources)
			}
		}
		if m, ok := p.audioMap[ssrc]; ok && m.Source == other.id+"-a0" {
			audio++
			if l.sources[other.audio.ssrc] != len(l.arrivals) || m.Owner != other.id {
				t.Errorf("%+v carries %v", m, l.sources)
			}
		}
	}
	if audio != 1 || video != 1 {
		t.Errorf("%s is sent %d audio and %d video lanes of %s", p.id, audio, video, other.id)
	}
}

// messages go between data channels and WebSockets.
func messages(t *testing.T, b *board, a, s, ws *peer) {
	t.Helper()
	from := func(id, payload string) func(channel.Message) bool {
		return func(m channel.Message) bool {
			e, ok := m.(*channel.EndpointMessage)
			return ok && e.From == id && string(e.Rest["msgPayload"]) == payload
		}
	}
	a.tell(`{"colibriClass":"EndpointMessage","to":"","from":"liar","msgPayload":{"n":1}}`)
	b.until(t, "the data channel hears all", s.hears(from(a.id, `{"n":1}`)))
	b.until(t, "the WebSocket hears all", ws.hears(from(a.id, `{"n":1}`)))
	ws.tell(`{"colibriClass":"EndpointMessage","to":"` + a.id + `","msgPayload":{"n":2}}`)
	b.until(t, "the data channel hears the WebSocket", a.hears(from(ws.id, `{"n":2}`)))
	ws.tell(`{"colibriClass":"EndpointStats","bitrate":{"upload":900}}`)
	b.until(t, "statistics are passed on", s.hears(func(m channel.Message) bool {
		e, ok := m.(*channel.EndpointStats)
		return ok && e.From == ws.id
	}))
	b.until(t, "the WebSocket is greeted", ws.hears(func(m channel.Message) bool { _, ok := m.(*channel.ServerHello); return ok }))
	a.tell(`{"colibriClass":"Nonsense"}`)
	a.tell(`{"colibriClass":`)
	b.Lock()
	defer b.Unlock()
	for _, m := range s.messages {
		if e, ok := m.(*channel.EndpointMessage); ok && from(ws.id, `{"n":2}`)(e) {
			t.Error("a private message went to a third")
		}
	}
}

// sees is the lane on which p sees other, once there is one.
func (p *peer) sees(t *testing.T, other *peer) (ssrc uint32, l *lane) {
	t.Helper()
	p.board.until(t, p.id+" sees "+other.id, func() bool {
		ssrc = p.laneOf(other)
		l = p.lanes[ssrc]
		return l != nil
	})
	return ssrc, l
}

func (p *peer) laneOf(other *peer) uint32 {
	for ssrc, l := range p.lanes {
		for _, e := range other.video {
			if l.sources[e.ssrc] > 0 {
				return ssrc
			}
		}
	}
	return 0
}

// retransmission: what is asked for again comes on the RTX SSRC.
func retransmission(t *testing.T, b *board, p, other *peer) {
	t.Helper()
	ssrc, l := p.sees(t, other)
	b.Lock()
	var lost []uint16
	for _, a := range l.arrivals[len(l.arrivals)-3:] {
		lost = append(lost, a.seq)
	}
	slices.Sort(lost)
	nack := &rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(lost)}
	rtx := other.video[0].rtx
	if p.rewriting {
		rtx = p.videoMap[ssrc].RTX
	}
	want := slices.Clone(l.arrivals[len(l.arrivals)-3:])
	b.Unlock()
	if err := p.pc.WriteRTCP([]rtcp.Packet{nack}); err != nil {
		t.Fatal(err)
	}
	b.until(t, "a NACK is answered", func() bool {
		r := p.repairs[rtx]
		for _, a := range want {
			if r == nil || !slices.Contains(r.arrivals, a) {
				return false
			}
		}
		return true
	})
}

// keyframe: who asks for one gets one, from the one who sends.
func keyframe(t *testing.T, b *board, p, other *peer) {
	t.Helper()
	ssrc, l := p.sees(t, other)
	b.Lock()
	plis, keyframes := other.plis, l.keyframes
	b.Unlock()
	if err := p.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrc}}); err != nil {
		t.Fatal(err)
	}
	b.until(t, "a PLI reaches the sender", func() bool { return other.plis > plis })
	b.until(t, "a keyframe comes", func() bool { return l.keyframes > keyframes })
}

// constraints: who wants less is sent a lower encoding, on the same lane and
// without a fault; who wants nothing is sent nothing more.
func constraints(t *testing.T, b *board, p, s *peer) {
	t.Helper()
	_, l := p.sees(t, s)
	b.Lock()
	low := l.sources[s.video[0].ssrc]
	b.Unlock()
	p.tell(`{"colibriClass":"ReceiverVideoConstraints","constraints":{"` + s.id + `-v0":{"maxHeight":180}}}`)
	b.until(t, "the lowest encoding is sent", func() bool { return l.sources[s.video[0].ssrc] > low+20 })
	b.Lock()
	high := l.sources[s.video[2].ssrc]
	b.Unlock()
	p.tell(`{"colibriClass":"ReceiverVideoConstraints","constraints":{"` + s.id + `-v0":{"maxHeight":720}}}`)
	b.until(t, "the highest encoding is back", func() bool { return l.sources[s.video[2].ssrc] > high+20 })
	p.tell(`{"colibriClass":"ReceiverVideoConstraints","lastN":0}`)
	b.until(t, "nothing is forwarded", func() bool {
		for i := len(p.messages) - 1; i >= 0; i-- {
			if f, ok := p.messages[i].(*channel.ForwardedSources); ok {
				return len(f.ForwardedSources) == 0
			}
		}
		return false
	})
	p.tell(`{"colibriClass":"ReceiverVideoConstraints","lastN":-1}`)
	b.Lock()
	high = l.sources[s.video[2].ssrc]
	b.Unlock()
	b.until(t, "video is back", func() bool { return l.sources[s.video[2].ssrc] > high+20 })
}

// garbage on the port is counted and touches nobody.
func garbage(t *testing.T, w *world, b *board, p, other *peer) {
	t.Helper()
	c := p.remote.ICE.Candidates[0]
	conn, err := net.Dial("udp", net.JoinHostPort(c.IP, strconv.Itoa(int(c.Port))))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for n := range 300 {
		b := make([]byte, n*5)
		rand.Read(b)
		if n > 20 {
			switch n % 4 { // what passes for STUN, DTLS, RTP and RTCP
			case 0:
				copy(b, []byte{0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42})
			case 1:
				b[0] = 22
			case 2:
				b[0], b[1] = 0x80, 100
			case 3:
				b[0], b[1] = 0x80, 200
			}
		}
		if _, err := conn.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	_, l := p.sees(t, other)
	b.Lock()
	before := len(l.arrivals)
	b.Unlock()
	b.until(t, "video goes on beside garbage", func() bool { return len(l.arrivals) > before+20 })
	if n := w.metric("bridge_udp_dropped_total"); n == 0 {
		t.Error("garbage is not counted")
	}
}

// leave: endpoints expire one by one, and the conference with the last.
func leave(t *testing.T, w *world, b *board, id string, a, s, ws *peer) {
	t.Helper()
	expire := func(p *peer) {
		t.Helper()
		m := w.modify(`<conference-modify xmlns='jitsi:colibri2' meeting-id='%s'><endpoint id='%s' expire='true'/></conference-modify>`, id, p.id)
		if len(m.Endpoints) != 1 || m.Endpoints[0].ID != p.id || !m.Endpoints[0].Expire || m.Sources != nil {
			t.Errorf("expiry is answered with %+v", m)
		}
	}
	expire(ws)
	b.until(t, "the WebSocket is closed", ws.hears(func(m channel.Message) bool {
		e, ok := m.(*channel.EndpointMessage)
		return ok && e.From == "close" && e.To == "1001 endpoint closed"
	}))
	expire(ws) // again is fine
	w.refused(fmt.Sprintf(`<conference-modify xmlns='jitsi:colibri2' meeting-id='%s'><endpoint id='%s'><sources/></endpoint></conference-modify>`, id, ws.id),
		stanza.ItemNotFound, "unknown_endpoint")
	w.modify(`<conference-modify xmlns='jitsi:colibri2' meeting-id='%s'><endpoint id='%s'><force-mute audio='true'/></endpoint></conference-modify>`, id, ws.id)

	// Mute at the bridge: the others' lanes stand still.
	w.modify(`<conference-modify xmlns='jitsi:colibri2' meeting-id='%s'><endpoint id='%s'><force-mute audio='true'/></endpoint></conference-modify>`, id, s.id)
	b.Lock()
	muted := a.audioOf(s)
	b.Unlock()
	expect := func() int { b.Lock(); defer b.Unlock(); return a.audioOf(s) }
	video := func() int { b.Lock(); defer b.Unlock(); return a.videoOf(s) }
	from := video()
	b.until(t, "video goes on beside mute", func() bool { return a.videoOf(s) > from+20 })
	if n := expect() - muted; n > 3 { // on their way
		t.Errorf("%d packets of a muted microphone", n)
	}
	expire(a)
	expire(s)
	w.refused(fmt.Sprintf(`<conference-modify xmlns='jitsi:colibri2' meeting-id='%s'><endpoint id='%s'><sources/></endpoint></conference-modify>`, id, s.id),
		stanza.ItemNotFound, "conference_not_found")
}

func (p *peer) audioOf(other *peer) int {
	n := 0
	for _, l := range p.lanes {
		n += l.sources[other.audio.ssrc]
	}
	return n
}

func (p *peer) videoOf(other *peer) int {
	n := 0
	for _, l := range p.lanes {
		for _, e := range other.video {
			n += l.sources[e.ssrc]
		}
	}
	return n
}

// afterwards nothing is left, and the pages say what has been.
func afterwards(t *testing.T, w *world) {
	t.Helper()
	var stats map[string]any
	if err := json.Unmarshal([]byte(w.page("/colibri/stats")), &stats); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"conferences": 0.0, "endpoints": 0.0, "total_conferences_created": 3.0, "healthy": true, "drain": false} {
		if stats[key] != want {
			t.Errorf("%s is %v, want %v", key, stats[key], want)
		}
	}
	for _, key := range []string{"total_packets_received", "total_packets_sent", "total_dominant_speaker_changes", "total_colibri_web_socket_messages_sent"} {
		if n, ok := stats[key].(float64); !ok || n == 0 {
			t.Errorf("%s is %v", key, stats[key])
		}
	}
	if h := w.page("/health"); !strings.Contains(h, `"ok":true`) {
		t.Errorf("health is %s", h)
	}
	w.post("/colibri/drain/enable")
	w.await("drain=true in the presence", func(s map[string]string) bool { return s["drain"] == "true" })

	// New settings are followed, bad ones are not.
	w.write("bridge.json", map[string]any{"nonsense": true})
	w.post("/reload")
	w.settings([]string{"127.0.0.1", "::1"}, "192.0.2.1")
	w.post("/reload")
	for n := 0; ; n++ {
		w.modify(`<conference-modify xmlns='jitsi:colibri2' meeting-id='reload' name='r@muc.meet.jitsi' create='true'/>`)
		m := w.modify(`<conference-modify xmlns='jitsi:colibri2' meeting-id='reload'><endpoint id='e' create='true'><capability name='source-names'/><transport/></endpoint></conference-modify>`)
		w.modify(`<conference-modify xmlns='jitsi:colibri2' meeting-id='reload' expire='true'/>`)
		ice := m.Endpoints[0].Transport.ICE
		if len(ice.WebSockets) == 1 && strings.HasPrefix(ice.WebSockets[0].URL, "wss://192.0.2.1/colibri-ws/") && len(ice.Candidates) == 2 {
			break
		}
		if n == 1000 {
			t.Fatalf("after new settings a transport is %+v", ice)
		}
	}

	// A bridge that lost its focus is there again by itself.
	w.restart()
	w.await("the bridge after a restart of signaling", func(s map[string]string) bool { return s["drain"] == "true" })
	leaving(w)
}
