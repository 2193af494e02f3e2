package main

import (
	"testing"

	"github.com/pion/webrtc/v4"
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
