package main

import (
	"strings"
	"testing"

	"meetbox.local/signaling/xmpp/stanza"
)

// errorMatrix is the bridge's answers to what a focus must not ask, and to
// what it may ask late or twice.
func errorMatrix(t *testing.T, world *world) {
	w := world.in(t)
	const open = `<conference-modify xmlns='jitsi:colibri2' meeting-id='matrix'`
	create := func(rest string) string {
		return open + `><endpoint id='e2' create='true'>` + rest + `</endpoint></conference-modify>`
	}
	const names = `<capability name='source-names'/>`
	m := w.modify(`%s name='room@muc.meet.jitsi' create='true'><endpoint id='e1' create='true'>%s<transport ice-controlling='true'><sctp role='server' port='5000'/></transport></endpoint><connects><connect id='t' url='wss://x' protocol='mediajson' type='transcriber' audio='true' create='true'/></connects></conference-modify>`, open, names)
	tr := m.Endpoints[0].Transport
	if tr.SCTP == nil || tr.SCTP.Port != 5000 || tr.SCTP.Role != "server" || tr.ICE.RTCPMux == nil || len(tr.ICE.Candidates) == 0 ||
		len(tr.ICE.Fingerprints) != 1 || tr.ICE.Fingerprints[0].Setup != "actpass" || len(tr.ICE.WebSockets) != 2 ||
		!strings.HasPrefix(tr.ICE.WebSockets[0].URL, "wss://localhost:8443/colibri-ws/"+bridgeID+"/") {
		t.Errorf("transport is %+v with %+v", tr, tr.ICE)
	}
	if s := m.Sources; s == nil || len(s.Sources) != 2 || s.Sources[0].ID != "jvb-a0" || s.Sources[1].ID != "jvb-v0" || s.Sources[0].Sources[0].SSRC == 0 {
		t.Errorf("feedback sources are %+v", s)
	}
	for _, c := range []struct {
		name, request string
		want          stanza.Condition
		reason        string
	}{
		{"conference exists", open + ` create='true' name='room@muc.meet.jitsi'/>`, stanza.Conflict, "conference_already_exists"},
		{"conference unknown", `<conference-modify xmlns='jitsi:colibri2' meeting-id='other'/>`, stanza.ItemNotFound, "conference_not_found"},
		{"no meeting", `<conference-modify xmlns='jitsi:colibri2' meeting-id=' ' create='true'/>`, stanza.BadRequest, ""},
		{"bad name", `<conference-modify xmlns='jitsi:colibri2' meeting-id='m' name='@' create='true'/>`, stanza.BadRequest, ""},
		{"bad boolean", `<conference-modify xmlns='jitsi:colibri2' meeting-id='m' create='perhaps'/>`, stanza.BadRequest, ""},
		{"endpoint exists", open + `><endpoint id='e1' create='true'>` + names + `<transport/></endpoint></conference-modify>`, stanza.Conflict, ""},
		{"endpoint unknown", open + `><endpoint id='e9'><transport/></endpoint></conference-modify>`, stanza.ItemNotFound, "unknown_endpoint"},
		{"endpoint without id", open + `><endpoint create='true'>` + names + `<transport/></endpoint></conference-modify>`, stanza.BadRequest, ""},
		{"no transport", create(names), stanza.BadRequest, ""},
		{"no source names", create(`<transport/>`), stanza.BadRequest, ""},
		{"SCTP client", create(names + `<transport><sctp role='client'/></transport>`), stanza.FeatureNotImplemented, "feature_not_implemented"},
		{"SCTP port", create(names + `<transport><sctp port='5001'/></transport>`), stanza.BadRequest, ""},
		{"visitor with sources", open + `><endpoint id='e2' create='true' muc-role='visitor'>` + names + `<transport/><sources><media-source type='audio' id='x'><source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='1'/></media-source></sources></endpoint></conference-modify>`, stanza.BadRequest, ""},
		{"two at a time", open + `><endpoint id='e1'><sources/></endpoint><endpoint id='e2'/></conference-modify>`, stanza.FeatureNotImplemented, "feature_not_implemented"},
		{"relay", open + `><relay id='r' create='true'/></conference-modify>`, stanza.FeatureNotImplemented, "feature_not_implemented"},
		{"unknown request", `<query xmlns='urn:nobody:knows'/>`, stanza.ServiceUnavailable, ""},
		{"shutdown", `<force-shutdown xmlns='http://jitsi.org/protocol/colibri'/>`, stanza.ServiceUnavailable, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.in(t).refused(c.request, c.want, c.reason)
		})
	}

	// What comes late or twice is fine.
	for _, request := range []string{
		open + `><endpoint id='e9' expire='true'/></conference-modify>`,
		open + `><endpoint id='e9'><force-mute audio='true'/></endpoint><endpoint id='e1'><force-mute/></endpoint></conference-modify>`,
		open + `><endpoint id='e1'><sources/></endpoint></conference-modify>`,
		open + `><endpoint id='e1'><sources/></endpoint></conference-modify>`,
		open + `><endpoint id='e1'><transport><transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'><candidate component='1' foundation='1' generation='0' id='1' protocol='udp' type='host' ip='abc.local' port='9' priority='1'/></transport></transport></endpoint></conference-modify>`,
	} {
		if m := w.modify("%s", request); m.Endpoints[0].Transport != nil || m.Sources != nil {
			t.Errorf("%s is answered with %+v", request, m)
		}
	}
	if m := w.modify(`%s><endpoint id='e1'><transport ice-restart='true'/></endpoint></conference-modify>`, open); m.Endpoints[0].Transport == nil || m.Endpoints[0].Transport.ICE.Ufrag != tr.ICE.Ufrag || m.Endpoints[0].Transport.ICE.ICEGeneration != "" {
		t.Errorf("ICE that has not begun yet is restarted: %+v", m)
	}

	// The same id may come back at once.
	w.modify(`%s><endpoint id='e2' create='true'>%s<transport/></endpoint></conference-modify>`, open, names)
	w.modify(`%s><endpoint id='e2' expire='true'/></conference-modify>`, open)
	w.modify(`%s><endpoint id='e2' create='true'>%s<transport/></endpoint></conference-modify>`, open, names)
	if m := w.modify(`%s expire='true'/>`, open); len(m.Endpoints) != 0 {
		t.Errorf("expiry is answered with %+v", m)
	}
	w.refused(open+`><endpoint id='e1'><sources/></endpoint></conference-modify>`, stanza.ItemNotFound, "conference_not_found")

	if _, err := w.ask("get", `<healthcheck xmlns='http://jitsi.org/protocol/healthcheck'/>`); err != nil {
		t.Errorf("health check: %v", err)
	}
	if e, err := w.ask("get", `<query xmlns='jabber:iq:version'/>`); err != nil || !strings.Contains(string(e.Inner), "Meetbox") {
		t.Errorf("version: %s, %v", e.Inner, err)
	}
	if e, err := w.ask("get", `<query xmlns='http://jabber.org/protocol/disco#info'/>`); err != nil || !strings.Contains(string(e.Inner), "urn:xmpp:jingle:apps:dtls:0") {
		t.Errorf("disco: %s, %v", e.Inner, err)
	}
}
