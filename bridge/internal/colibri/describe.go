package colibri

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"meetbox.local/bridge/internal/conference"
	"meetbox.local/bridge/internal/transport"
	"meetbox.local/signaling/xmpp/colibri2"
	"meetbox.local/signaling/xmpp/jingle"
	"meetbox.local/signaling/xmpp/jitsimeet"
)

// describe is the bridge's side of an endpoint's transport. That of a restart
// names its generation, which the client's answer repeats.
func (h *Handler) describe(conf *conference.Conference, ep *conference.Endpoint, local transport.Description, sctp bool) *colibri2.Transport {
	ice := &jingle.Transport{Ufrag: local.Ufrag, Pwd: local.Password, RTCPMux: new(jingle.TransportMux)}
	if local.Generation > 0 {
		ice.ICEGeneration = strconv.Itoa(local.Generation)
	}
	for i, c := range local.Candidates {
		ice.Candidates = append(ice.Candidates, candidate(i, c))
	}
	for _, f := range local.Fingerprints {
		ice.Fingerprints = append(ice.Fingerprints, jingle.Fingerprint{Hash: f.Hash, Setup: f.Setup.String(), Value: f.Value})
	}
	for _, d := range *h.domains.Load() {
		ice.WebSockets = append(ice.WebSockets, jitsimeet.WebSocket{
			URL: "wss://" + d + "/colibri-ws/" + h.id + "/" + conf.HexID() + "/" + url.PathEscape(ep.ID()) + "?pwd=" + ep.Password(),
		})
	}
	t := &colibri2.Transport{ICE: ice}
	if sctp {
		t.SCTP = &colibri2.SCTP{Port: sctpPort, Role: "server"}
	}
	return t
}

func candidate(i int, c transport.Candidate) jingle.Candidate {
	out := jingle.Candidate{
		Foundation: c.Foundation,
		Component:  "1",
		Protocol:   "udp",
		Priority:   c.Priority,
		IP:         c.Addr.Addr().String(),
		Port:       c.Addr.Port(),
		Type:       c.Type.String(),
		Generation: "0",
		ID:         "c" + strconv.Itoa(i+1),
		Network:    "0",
	}
	if c.TCP {
		out.Protocol, out.TCPType = "tcp", "passive"
	}
	if c.Related.IsValid() {
		out.RelAddr, out.RelPort = c.Related.Addr().String(), strconv.Itoa(int(c.Related.Port()))
	}
	return out
}

// setRemote takes what a client says of its transport. What cannot be used is
// left out: a client reaches the bridge without any candidate of its own.
func (h *Handler) setRemote(ep *conference.Endpoint, t *jingle.Transport) {
	d := transport.Description{Ufrag: t.Ufrag, Password: t.Pwd}
	if t.ICEGeneration != "" {
		n, err := strconv.Atoi(t.ICEGeneration)
		if err != nil || n < 0 {
			h.log.Warn("unknown generation of ICE", "endpoint", ep.ID(), "generation", t.ICEGeneration)
			return
		}
		d.Generation = n
	}
	for _, f := range t.Fingerprints {
		var setup transport.Setup
		if err := setup.UnmarshalText([]byte(f.Setup)); err != nil && f.Setup != "" {
			h.log.Warn("unknown DTLS role", "endpoint", ep.ID(), "err", err)
		}
		d.Fingerprints = append(d.Fingerprints, transport.Fingerprint{Hash: f.Hash, Value: strings.TrimSpace(f.Value), Setup: setup})
	}
	for _, c := range t.Candidates {
		if r, ok := remoteCandidate(c); ok {
			d.Candidates = append(d.Candidates, r)
		}
	}
	if err := ep.Transport().SetRemote(d); err != nil {
		h.log.Warn("transport of the client not taken", "endpoint", ep.ID(), "err", err)
	}
}

// remoteCandidate is false for what the bridge cannot reach: TCP, RTCP's own
// component, host names (mDNS).
func remoteCandidate(c jingle.Candidate) (transport.Candidate, bool) {
	addr, err := netip.ParseAddr(c.IP)
	if err != nil || c.Port == 0 || !strings.EqualFold(c.Protocol, "udp") || c.Component != "1" && c.Component != "" {
		return transport.Candidate{}, false
	}
	out := transport.Candidate{Foundation: c.Foundation, Priority: c.Priority, Addr: netip.AddrPortFrom(addr.Unmap().WithZone(""), c.Port)}
	if err := out.Type.UnmarshalText([]byte(c.Type)); err != nil {
		return transport.Candidate{}, false
	}
	return out, true
}
