package api

// Probe is an address that phones and computers ask, to find out whether
// there is the internet, and the answer that satisfies them.
type Probe struct {
	Host   string
	Path   string
	Status int
	Type   string
	Body   string
}

// Probes are those of Android, Apple, Windows, Firefox and Linux. On an
// island the box answers them itself: a phone that gets no answer leaves the
// network, or opens a window of its own that has no camera.
func Probes() []Probe {
	const (
		html   = "text/html"
		text   = "text/plain"
		apple  = "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"
		online = "NetworkManager is online\n"
	)
	return []Probe{
		{"connectivitycheck.gstatic.com", "/generate_204", 204, "", ""},
		{"connectivitycheck.android.com", "/generate_204", 204, "", ""},
		{"clients3.google.com", "/generate_204", 204, "", ""},
		{"clients1.google.com", "/generate_204", 204, "", ""},
		{"play.googleapis.com", "/generate_204", 204, "", ""},
		{"connect.rom.miui.com", "/generate_204", 204, "", ""},
		{"connectivitycheck.platform.hicloud.com", "/generate_204", 204, "", ""},
		{"captive.apple.com", "/hotspot-detect.html", 200, html, apple},
		{"captive.apple.com", "/", 200, html, apple},
		{"www.msftconnecttest.com", "/connecttest.txt", 200, text, "Microsoft Connect Test"},
		{"ipv6.msftconnecttest.com", "/connecttest.txt", 200, text, "Microsoft Connect Test"},
		{"www.msftncsi.com", "/ncsi.txt", 200, text, "Microsoft NCSI"},
		{"detectportal.firefox.com", "/success.txt", 200, text, "success\n"},
		{"detectportal.firefox.com", "/canonical.html", 200, html, `<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>`},
		{"nmcheck.gnome.org", "/check_network_status.txt", 200, text, online},
		{"network-test.debian.org", "/nm", 200, text, online},
		{"connectivity-check.ubuntu.com", "/", 204, "", ""},
	}
}

// CaptivePath is where the box says that it has no captive portal (RFC 8908).
const CaptivePath = "/captive-portal/api"
