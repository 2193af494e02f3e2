package conference

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"meetbox.local/bridge/internal/channel"
	"meetbox.local/bridge/internal/rtcp"
	"meetbox.local/bridge/internal/rtp"
	"meetbox.local/bridge/internal/transport"
)

// What the focus offers to everybody.
const (
	opus, vp8, vp8RTX, h264                          = 111, 100, 96, 107
	levelID, sendTimeID, sequenceID, midID, orientID = 1, 3, 5, 10, 13
)

func offer() ([]PayloadType, []Extension) {
	video := []Feedback{{"ccm", "fir"}, {"nack", ""}, {"nack", "pli"}, {"transport-cc", ""}}
	return []PayloadType{
			{ID: opus, Media: Audio, Name: "opus", ClockRate: 48000, Channels: 2},
			{ID: vp8, Media: Video, Name: "VP8", ClockRate: 90000, Feedback: video},
			{ID: h264, Media: Video, Name: "H264", ClockRate: 90000, Feedback: video},
			{ID: vp8RTX, Media: Video, Name: "rtx", ClockRate: 90000, Parameters: map[string]string{"apt": "100"}},
		}, []Extension{
			{ID: levelID, Media: Audio, URI: uriLevel},
			{ID: sequenceID, Media: Video, URI: uriSequence},
			{ID: sendTimeID, Media: Video, URI: uriSendTime},
			{ID: midID, Media: Video, URI: uriMid},
			{ID: orientID, Media: Video, URI: uriOrientation},
		}
}

// room is a conference on a transport that only notes what is sent, in a
// bubble of fake time.
type room struct {
	t testing.TB
	*Conference
	bridge *Bridge
	set    *metrics.Set
}

// inRoom runs a test in a room.
func inRoom(t *testing.T, opts Options, f func(*testing.T, *room)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRoom(t, opts)
		defer stop()
		f(t, r)
	})
}

func newRoom(t testing.TB, opts Options) (*room, func()) {
	start := time.Now()
	set := metrics.NewSet()
	b := newBridge(port{
		session: func(_ transport.Options, e *Endpoint) (link, func(uint32) stream, error) {
			l := &fakeLink{streams: map[uint32]*fakeStream{}}
			return l, l.stream, nil
		},
		batch: func() *transport.Batch { return nil },
		flush: func(*transport.Batch) {},
		now:   func() int64 { return int64(time.Since(start) + time.Hour) },
	}, opts, slog.New(slog.DiscardHandler), set)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { b.Run(ctx) })
	c, err := b.Create("meeting", "room@muc.meet.jitsi")
	if err != nil {
		t.Fatal(err)
	}
	return &room{t, c, b, set}, func() { cancel(); wg.Wait() }
}

type fakeLink struct {
	mu       sync.Mutex
	quiet    bool // count only
	full     bool // the data channel takes no more
	streams  map[uint32]*fakeStream
	rtcp     [][]byte
	messages []channel.Message
	activity int64
	closed   bool
}

func (l *fakeLink) stream(ssrc uint32) stream {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.streams[ssrc]
	if s == nil {
		s = &fakeStream{link: l}
		l.streams[ssrc] = s
	}
	return s
}

func (l *fakeLink) SendRTCP(_ *transport.Batch, b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.quiet {
		l.rtcp = append(l.rtcp, slices.Clone(b))
	}
}

func (l *fakeLink) SendMessage(text []byte) error {
	m, err := channel.Decode(text)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full {
		return transport.ErrQueueFull
	}
	l.messages = append(l.messages, m)
	return nil
}

func (l *fakeLink) Waiting() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full {
		return 1
	}
	return 0
}

func (l *fakeLink) LastActivity() int64 { l.mu.Lock(); defer l.mu.Unlock(); return l.activity }
func (l *fakeLink) Close()              { l.mu.Lock(); defer l.mu.Unlock(); l.closed = true }

type fakeStream struct {
	link    *fakeLink
	packets [][]byte
	count   int
}

func (s *fakeStream) Send(_ *transport.Batch, header, payload []byte) {
	s.link.mu.Lock()
	defer s.link.mu.Unlock()
	s.count++
	if !s.link.quiet {
		s.packets = append(s.packets, slices.Concat(header, payload))
	}
}

// member is an endpoint and its client.
type member struct {
	*Endpoint
	r      *room
	link   *fakeLink
	audio  uint32
	video  []Encoding
	seqs   map[uint32]uint16
	number uint16 // transport-wide
	frame  int
	lines  int // of the lowest encoding; 0 is 180
}

// join adds an endpoint with a microphone and a camera of so many encodings.
func (r *room) join(id string, encodings int, rewriting bool) *member {
	r.t.Helper()
	e, err := r.AddEndpoint(EndpointConfig{ID: id, SSRCRewriting: rewriting, MIDDemux: rewriting, SCTP: true, Controlling: true})
	if err != nil {
		r.t.Fatal(err)
	}
	m := &member{Endpoint: e, r: r, link: e.link.(*fakeLink), seqs: map[uint32]uint16{}}
	base := uint32(id[0]) * 1000
	m.audio = base
	for i := range encodings {
		m.video = append(m.video, Encoding{base + 10 + uint32(i), base + 20 + uint32(i)})
	}
	e.SetMedia(offer())
	if err := e.SetSources(m.describe()); err != nil {
		r.t.Fatal(err)
	}
	e.HandleState(transport.Connected)
	e.HandleState(transport.ChannelOpen)
	r.settled()
	return m
}

func (m *member) describe() ([]VideoSource, []AudioSource) {
	var video []VideoSource
	if len(m.video) > 0 {
		video = []VideoSource{{Name: m.ID() + "-v0", Encodings: m.video}}
	}
	return video, []AudioSource{{Name: m.ID() + "-a0", SSRC: m.audio}}
}

// settled waits until the conference has done what was posted.
func (r *room) settled() { _ = r.call(func() {}) }

func (m *member) tell(format string, args ...any) {
	m.HandleMessage(fmt.Appendf(nil, format, args...))
	m.r.settled()
}

// wants asks for all sources up to a height.
func (m *member) wants(height int) {
	m.tell(`{"colibriClass":"ReceiverVideoConstraints","lastN":-1,"defaultConstraints":{"maxHeight":%d}}`, height)
}

func (m *member) now() int64 { return m.r.bridge.port.now() }

// send is one packet of the client.
func (m *member) send(pt uint8, ssrc, ts uint32, marker bool, elements, payload []byte) {
	m.seqs[ssrc]++
	m.sendAs(pt, ssrc, m.seqs[ssrc], ts, marker, elements, payload)
}

func (m *member) sendAs(pt uint8, ssrc uint32, seq uint16, ts uint32, marker bool, elements, payload []byte) {
	m.HandleRTP(nil, packet(pt, ssrc, seq, ts, marker, elements, payload), m.now())
}

func packet(pt uint8, ssrc uint32, seq uint16, ts uint32, marker bool, elements, payload []byte) []byte {
	b := []byte{0x90, pt}
	if marker {
		b[1] |= 0x80
	}
	b = binary.BigEndian.AppendUint16(b, seq)
	b = binary.BigEndian.AppendUint32(b, ts)
	b = binary.BigEndian.AppendUint32(b, ssrc)
	for len(elements)%4 != 0 {
		elements = append(elements, 0)
	}
	b = append(b, 0xbe, 0xde, 0, byte(len(elements)/4))
	return append(append(b, elements...), payload...)
}

// speak sends audio packets, one each 20 ms.
func (m *member) speak(level byte, n int) {
	for range n {
		ts := uint32(m.seqs[m.audio]+1) * 960
		m.send(opus, m.audio, ts, false, []byte{levelID << 4, level}, []byte(m.ID()))
		time.Sleep(20 * time.Millisecond)
	}
}

// vp8Payload is a packet of a frame; the payload ends in what says whose.
func vp8Payload(start, key bool, picture uint16, tl0 uint8, height int, rest string) []byte {
	b := []byte{0x80, 0xe0, byte(picture>>8) | 0x80, byte(picture), tl0, 0}
	if start {
		b[0] |= 0x10
	}
	frame := []byte{1, 0, 0, 0x9d, 1, 0x2a, byte(height), byte(height >> 8), byte(height), byte(height >> 8)}
	if key {
		frame[0] = 0
	}
	return append(append(b, frame...), rest...)
}

// film sends frames of all encodings, two packets each, one each 40 ms. The
// first is a keyframe if the bridge asked for one.
func (m *member) film(n int) {
	for range n {
		m.frameOf(m.keyframeAsked(), 0, len(m.video))
		time.Sleep(40 * time.Millisecond)
	}
}

func (m *member) frameOf(key bool, from, to int) {
	m.frame++
	for i := from; i < to; i++ {
		ssrc := m.video[i].SSRC
		ts := uint32(m.frame*3600 + i*1_000_000)
		for part := range 2 {
			m.number++
			x := []byte{sequenceID<<4 | 1, byte(m.number >> 8), byte(m.number), 3<<4 | 2, 1, 2, 3}
			pl := vp8Payload(part == 0, key, uint16(m.frame+100*i)&0x7fff, uint8(m.frame), cmp.Or(m.lines, 180)<<i, fmt.Sprint(m.ID(), ".", i, ".", m.frame, ".", part))
			m.send(vp8, ssrc, ts, part == 1, x, pl)
		}
	}
}

// keyframeAsked says whether the client was asked for a keyframe, and forgets
// it.
func (m *member) keyframeAsked() bool { return m.took(rtcp.PSFB, rtcp.FormatPLI) > 0 }

// took counts and takes RTCP packets of a type that the client was sent.
func (m *member) took(typ, format uint8) int {
	return len(m.takeRTCP(typ, format))
}

func (m *member) takeRTCP(typ, format uint8) (got []rtcp.Packet) {
	m.link.mu.Lock()
	defer m.link.mu.Unlock()
	m.link.rtcp = slices.DeleteFunc(m.link.rtcp, func(b []byte) bool {
		p, _ := rtcp.Next(b)
		is := p.Type() == typ && (p.Count() == format || typ == rtcp.SR || typ == rtcp.RR)
		if is {
			got = append(got, p)
		}
		return is
	})
	return got
}

// received is a packet that the client was sent.
type received struct {
	rtp.Header
	payload  []byte
	text     string // after the VP8 descriptor and frame header
	frame    rtp.Frame
	elements map[uint8][]byte
}

// gets takes what the client was sent on an SSRC.
func (m *member) gets(ssrc uint32) (list []received) {
	m.r.t.Helper()
	m.link.mu.Lock()
	defer m.link.mu.Unlock()
	s := m.link.streams[ssrc]
	if s == nil {
		return nil
	}
	for _, b := range s.packets {
		h, err := rtp.Parse(b)
		if err != nil || h.SSRC != ssrc {
			m.r.t.Fatalf("%s gets %x on %d: %v", m.ID(), b, ssrc, err)
		}
		x := received{Header: h, payload: h.Payload(b), elements: map[uint8][]byte{}}
		for w := h.Elements(b); ; {
			e, ok := w.Next()
			if !ok {
				break
			}
			x.elements[e.ID] = e.Data(b)
		}
		if h.PayloadType == vp8 && len(x.payload) > 16 {
			x.frame, _ = rtp.ParseFrame(rtp.VP8, x.payload)
			x.text = string(x.payload[16:])
		}
		list = append(list, x)
	}
	s.packets = nil
	return list
}

// hears takes the messages of one type that the client was sent.
func hears[M channel.Message](m *member) (list []M) {
	m.r.settled()
	m.link.mu.Lock()
	defer m.link.mu.Unlock()
	m.link.messages = slices.DeleteFunc(m.link.messages, func(x channel.Message) bool {
		y, ok := x.(M)
		if ok {
			list = append(list, y)
		}
		return ok
	})
	return list
}

// asJSON is for messages in failures.
func asJSON(v any) string {
	var b strings.Builder
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(b.String())
}

// continuous checks that packets make one stream for a decoder.
func continuous(t *testing.T, what string, list []received) {
	t.Helper()
	for i := 1; i < len(list); i++ {
		a, b := list[i-1], list[i]
		if b.SequenceNumber != a.SequenceNumber+1 {
			t.Errorf("%s: sequence number %d after %d (%s, %s)", what, b.SequenceNumber, a.SequenceNumber, a.text, b.text)
		}
		if b.frame.Start {
			if b.frame.PictureID != (a.frame.PictureID+1)&0x7fff || int32(b.Timestamp-a.Timestamp) <= 0 || b.frame.TL0 != a.frame.TL0+1 {
				t.Errorf("%s: picture %+v at %d after %+v at %d", what, b.frame, b.Timestamp, a.frame, a.Timestamp)
			}
		} else if b.frame.PictureID != a.frame.PictureID || b.Timestamp != a.Timestamp {
			t.Errorf("%s: picture %d at %d within %d at %d", what, b.frame.PictureID, b.Timestamp, a.frame.PictureID, a.Timestamp)
		}
	}
}
