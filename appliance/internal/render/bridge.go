package render

import (
	"net/netip"

	"meetbox.local/appliance/internal/certs"
	"meetbox.local/appliance/internal/state"
)

type bridgeFile struct {
	ID        string    `json:"id"`
	XMPP      login     `json:"xmpp"`
	Brewery   string    `json:"brewery"`
	Media     media     `json:"media"`
	WebSocket websocket `json:"websocket"`
	TURN      turn      `json:"turn,omitzero"`
}

type turn struct {
	Secret state.Secret `json:"secret"`
}

type media struct {
	Port      int          `json:"port"`
	TCPPort   int          `json:"tcp_port"`
	Addresses []netip.Addr `json:"addresses"`
	Loudest   int          `json:"loudest_voices,omitzero"`
}

type websocket struct {
	Domains []string `json:"domains"`
}

func bridge(in Input) bridgeFile {
	return bridgeFile{
		ID:        in.BridgeID,
		XMPP:      in.login(in.Bridge, in.BridgeID),
		Brewery:   brewery,
		Media:     media{in.MediaPort, in.MediaPort, in.Media, in.Rooms.LoudestVoices},
		WebSocket: websocket{webSocketDomains(in)},
		TURN:      turn{in.TURN},
	}
}

// webSocketDomains are where clients reach the bridge's WebSocket. Upstream
// clients take the first and ignore the rest, so the first has to work from
// everywhere on the network: a name that a certificate from elsewhere is for,
// for it is for no address.
func webSocketDomains(in Input) []string {
	var out []string
	if in.Site != nil {
		if names := certs.Names(*in.Site); len(names) > 0 {
			out = append(out, HostPort(names[0], in.HTTPSPort))
		}
	}
	for _, a := range in.Addresses {
		if !a.IsLoopback() {
			out = append(out, HostPort(a.String(), in.HTTPSPort))
			break
		}
	}
	return append(out, HostPort("localhost", in.HTTPSPort))
}
