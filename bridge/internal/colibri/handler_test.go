package colibri

import (
	"encoding/xml"
	"errors"
	"log/slog"
	"net/netip"
	"testing"

	"github.com/VictoriaMetrics/metrics"
	"meetbox.local/bridge/internal/conference"
	"meetbox.local/bridge/internal/transport"
	"meetbox.local/signaling/xmpp/colibri2"
	"meetbox.local/signaling/xmpp/stanza"
)

// Whatever a conference-modify says: it is answered for the endpoints it
// names, in their order, or refused with a stanza error; the answer is
// well-formed; and after the conference's end nothing of it is left.
func FuzzModify(f *testing.F) {
	const (
		open   = `<conference-modify xmlns='jitsi:colibri2' meeting-id='m' name='r@muc.meet.jitsi' create='true'>`
		create = `<endpoint id='a' create='true' stats-id='s'><capability name='source-names'/><capability name='ssrc-rewriting'/>`
		end    = `</endpoint></conference-modify>`
	)
	for _, s := range []string{
		open + create + `<transport ice-controlling='true'><sctp role='server' port='5000'/></transport>` + end,
		open + create + `<media type='video'><payload-type xmlns='urn:xmpp:jingle:apps:rtp:1' id='100' name='VP8' clockrate='90000'><rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='nack'/></payload-type><rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='5' uri='u'/></media><transport/>` + video + source("7", "") + source("8", "") + group("FID", "7", "8") + end + `</sources>` + end,
		open + create + `<transport><transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='u' pwd='p'><candidate component='1' foundation='1' generation='0' id='1' protocol='udp' type='host' ip='127.0.0.1' port='9' priority='1'/><fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' setup='active'>AA:BB</fingerprint></transport></transport><force-mute audio='true'/><initial-last-n value='3'/>` + end,
		open + `<endpoint id='a' expire='true'/><endpoint id='b'><force-mute audio='true'/></endpoint></conference-modify>`,
		open + `<relay id='r' create='true'/></conference-modify>`,
		`<conference-modify xmlns='jitsi:colibri2' meeting-id='m' expire='true'/>`,
	} {
		f.Add([]byte(s), []byte(`<conference-modify xmlns='jitsi:colibri2' meeting-id='m'><endpoint id='a'><transport ice-restart='true'/></endpoint></conference-modify>`))
	}
	port, err := transport.Open(transport.Config{Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, Readers: 1, Metrics: metrics.NewSet()})
	if err != nil {
		f.Fatal(err)
	}
	ctx := f.Context()
	done := make(chan struct{})
	set := metrics.NewSet()
	log := slog.New(slog.DiscardHandler)
	bridge := conference.New(port, conference.Options{}, log, set)
	go func() { defer close(done); _ = port.Serve(ctx) }()
	f.Cleanup(func() { <-done }) // the context is done before
	h := NewHandler(bridge, "bridge", log, set)
	f.Fuzz(func(t *testing.T, one, two []byte) {
		for _, text := range [][]byte{one, two} {
			var e stanza.Element
			if xml.Unmarshal(text, &e) != nil {
				continue
			}
			m := new(colibri2.Modify)
			if e.Decode(m) != nil || !e.Is(colibri2.NS, "conference-modify") {
				continue
			}
			checkAnswer(t, h, m)
			if c := bridge.Conference(m.MeetingID); c != nil {
				c.Expire()
				if bridge.Conference(m.MeetingID) != nil {
					t.Fatalf("%q is still there", m.MeetingID)
				}
			}
		}
	})
}

func checkAnswer(t *testing.T, h *Handler, m *colibri2.Modify) {
	t.Helper()
	out, err := h.Handle(m)
	if err != nil {
		if se, ok := errors.AsType[*stanza.Error](err); !ok || se.Condition == stanza.InternalServerError {
			t.Fatalf("%+v: %v", m, err)
		}
		return
	}
	text, err := xml.Marshal(out)
	if err != nil {
		t.Fatalf("%+v is answered with what is no XML: %v", m, err)
	}
	var again colibri2.Modified
	if err := xml.Unmarshal(text, &again); err != nil {
		t.Fatalf("%+v is answered with %s: %v", m, text, err)
	}
	if len(again.Endpoints) != len(m.Endpoints) {
		t.Fatalf("%d endpoints are answered with %d", len(m.Endpoints), len(again.Endpoints))
	}
	for i, e := range again.Endpoints {
		if e.ID != m.Endpoints[i].ID || e.Expire != m.Endpoints[i].Expire {
			t.Fatalf("%+v is answered with %+v", m.Endpoints[i], e)
		}
	}
}
