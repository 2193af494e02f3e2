package configjs

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestScript(t *testing.T) {
	t.Parallel()
	b, err := Script(Place{Host: "192.168.1.23:8443"}, Options{
		Domains: Domains{Domain: "meet.jitsi", MUC: "muc.meet.jitsi", Focus: "focus.meet.jitsi"},
		Frames:  []string{"https://intranet.example"}, FileBytes: 1000, Directory: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	body, ok := strings.CutPrefix(string(b), "var config = ")
	body, end := strings.CutSuffix(body, ";\n")
	if !ok || !end {
		t.Fatalf("not one assignment: %s", b)
	}
	var got struct {
		Hosts     map[string]string
		WebSocket string
		BOSH      string
		HostURL   string
		P2P       *struct{ Enabled bool }
		Flags     map[string]bool
		Embedding struct{ Origins []string }

		FileSharing struct {
			Enabled     bool
			APIURL      string
			MaxFileSize int
		}
		Whiteboard struct {
			Enabled             bool
			CollabServerBaseURL string
		}
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if w := got.Whiteboard; !w.Enabled || w.CollabServerBaseURL != "https://192.168.1.23:8443" {
		t.Errorf("whiteboard %+v", w)
	}
	if len(got.Embedding.Origins) != 1 || got.Embedding.Origins[0] != "https://intranet.example" {
		t.Errorf("embedding = %+v", got.Embedding)
	}
	if got.WebSocket != "wss://192.168.1.23:8443/xmpp-websocket" {
		t.Errorf("websocket = %q", got.WebSocket)
	}
	if got.HostURL != "https://192.168.1.23:8443/host.json" {
		t.Errorf("hostUrl = %q", got.HostURL)
	}
	if f := got.FileSharing; !f.Enabled || f.APIURL != "https://192.168.1.23:8443/upload" || f.MaxFileSize != 1000 {
		t.Errorf("fileSharing = %+v", f)
	}
	if got.BOSH != "https://192.168.1.23:8443/http-bind" {
		t.Errorf("bosh = %q", got.BOSH)
	}
	if got.Hosts["domain"] != "meet.jitsi" || got.Hosts["muc"] != "muc.meet.jitsi" || got.Hosts["focus"] != "focus.meet.jitsi" {
		t.Errorf("hosts = %v", got.Hosts)
	}
	if got.P2P == nil || got.P2P.Enabled {
		t.Errorf("p2p = %v, want it there and off", got.P2P)
	}
	if !got.Flags["ssrcRewritingEnabled"] {
		t.Errorf("flags = %v, want ssrcRewritingEnabled", got.Flags)
	}
}

// TestEscaping: names come from settings, and none may end the script.
func TestEscaping(t *testing.T) {
	t.Parallel()
	b, err := Script(Place{Host: "localhost"}, Options{Domains: Domains{Domain: "</script>\u2028\";alert(1)//", MUC: "m", Focus: "f"}})
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(string(b), "<>\u2028") || strings.Contains(string(b), `";alert`) && !strings.Contains(string(b), `\";alert`) {
		t.Errorf("not escaped: %s", b)
	}
}

// TestTenant: below a tenant's name the rooms have a domain of their own, and
// the connection says whose client it is of.
func TestTenant(t *testing.T) {
	t.Parallel()
	b, err := Script(Place{Host: "box", Tenant: "b%c3%bcro"}, Options{Directory: true, Domains: Domains{Domain: "meet.jitsi", MUC: "muc.meet.jitsi", Focus: "focus.meet.jitsi"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"muc": "muc.b%c3%bcro.meet.jitsi"`, `"domain": "meet.jitsi"`, `"focus": "focus.meet.jitsi"`,
		`"wss://box/b%c3%bcro/xmpp-websocket"`, `"https://box/b%c3%bcro/http-bind"`,
		`"https://box/b%c3%bcro/host.json"`,
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in %s", want, b)
		}
	}
}
