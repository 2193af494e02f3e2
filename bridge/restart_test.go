package main

import (
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"meetbox.local/signaling/xmpp/stanza"
)

// restartICE gives a client other credentials, as its focus does when the
// client has come to another network. Media goes on in the meantime, in the
// same streams.
func restartICE(t *testing.T, w *world, b *board, meeting string, p, other *peer) {
	for _, want := range []string{"1", "2"} {
		old := p.remote.ICE
		m := w.modify(`<conference-modify xmlns='jitsi:colibri2' meeting-id='%s'><endpoint id='%s'><transport ice-restart='true'/></endpoint></conference-modify>`, meeting, p.id)
		next := m.Endpoints[0].Transport
		if next == nil || next.ICE.ICEGeneration != want || next.ICE.Ufrag == old.Ufrag || len(next.ICE.Candidates) == 0 || next.ICE.Fingerprints[0].Value != old.Fingerprints[0].Value {
			t.Fatalf("restart is answered with %+v", m)
		}
		b.until(t, "media on the old way", p.gets(20, other.audio.ssrc))
		b.until(t, "video on the old way", p.gets(20, other.videoSSRCs()...))
		p.remote.ICE = next.ICE
		gathered := webrtc.GatheringCompletePromise(p.pc)
		p.negotiate()
		<-gathered
		w.modify(`<conference-modify xmlns='jitsi:colibri2' meeting-id='%s'><endpoint id='%s'>%s</endpoint></conference-modify>`, meeting, p.id, p.transportXML())
		b.until(t, "the new way", func() bool { return w.metric(`bridge_ice_restarts_total{step="connected"}`) > 0 })
		b.until(t, "media on the new way", p.gets(20, other.audio.ssrc))
		b.until(t, "video on the new way", p.gets(20, other.videoSSRCs()...))
		b.until(t, "media of the restarted", other.gets(20, p.audio.ssrc))
	}
}

// leaving has the bridge shut down: it takes no new meeting, and ends with the
// last that it has.
func leaving(w *world) {
	w.t.Helper()
	const open = `<conference-modify xmlns='jitsi:colibri2' meeting-id='last'`
	w.modify(open + ` name='r@muc.meet.jitsi' create='true'><endpoint id='e' create='true'><capability name='source-names'/><transport/></endpoint></conference-modify>`)
	w.post("/colibri/shutdown")
	w.await("graceful_shutdown in the presence", func(s map[string]string) bool { return s["graceful_shutdown"] == "true" })
	w.refused(`<conference-modify xmlns='jitsi:colibri2' meeting-id='new' name='r@muc.meet.jitsi' create='true'/>`, stanza.ServiceUnavailable, "graceful_shutdown")
	w.modify(open + `><endpoint id='f' create='true'><capability name='source-names'/><transport/></endpoint></conference-modify>`)
	w.modify(open + ` expire='true'/>`)
	select {
	case <-w.ended:
	case <-time.After(patience):
		w.t.Error("the bridge does not leave")
	}
}
