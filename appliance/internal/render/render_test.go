package render

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/certs"
	"meetbox.local/appliance/internal/state"
	"meetbox.local/appliance/kit/conf"
)

func input(t *testing.T) Input {
	t.Helper()
	ca, err := certs.NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	a, err := certs.Load(ca)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := a.Issue(time.Now(), []string{"meetbox.local"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	scram := map[string]state.Credential{"SCRAM-SHA-256": {Salt: []byte("salt"), Iterations: 4096, StoredKey: []byte("stored"), ServerKey: []byte("server")}}
	return Input{
		Run:       filepath.Join(t.TempDir(), "run"),
		HTTPSPort: 8443,
		HTTPPort:  8080,
		XMPPPort:  5222,
		MediaPort: 10000,
		Media:     []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.168.1.23")},
		Names:     []string{"meetbox.local", "localhost"},
		Addresses: []netip.Addr{netip.MustParseAddr("192.168.1.23"), netip.MustParseAddr("fd00::2"), netip.MustParseAddr("127.0.0.1")},
		Focus:     state.Account{User: "focus", Password: "secret-f", SCRAM: scram},
		Bridge:    state.Account{User: "jvb", Password: "secret-b", SCRAM: scram},
		BridgeID:  "bridge-1a2b3c4d",
		TURN:      "secret-t",
		Rooms:     api.Rooms{LoudestVoices: 3},
		Authority: ca,
		Web:       leaf,
		XMPP:      leaf,
	}
}

// want is what the services' owners were promised: names, nesting, values.
var want = map[string]string{
	"signaling.json": `{"domain":"meet.jitsi","auth_domain":"auth.meet.jitsi","muc_domain":"muc.meet.jitsi",
		"internal_muc_domain":"internal-muc.meet.jitsi","focus_domain":"focus.meet.jitsi",
		"tcp":"127.0.0.1:5222","certificate":"RUN/tls/xmpp.crt","key":"RUN/tls/xmpp.key","focus_user":"focus",
		"accounts":[
			{"user":"focus","scram":{"SCRAM-SHA-256":{"salt":"c2FsdA==","iterations":4096,"stored_key":"c3RvcmVk","server_key":"c2VydmVy"}}},
			{"user":"jvb","scram":{"SCRAM-SHA-256":{"salt":"c2FsdA==","iterations":4096,"stored_key":"c3RvcmVk","server_key":"c2VydmVy"}}}],
		"media":{"secret":"secret-t","turn":8443,"stun":10000},"web":{"host":"192.168.1.23","port":8443}}`,
	"focus.json": `{"xmpp":{"address":"127.0.0.1:5222","domain":"auth.meet.jitsi","user":"focus","password":"secret-f","resource":"focus","ca":"RUN/tls/ca.crt"},
		"domain":"meet.jitsi","muc_domain":"muc.meet.jitsi","focus_domain":"focus.meet.jitsi","brewery":"jvbbrewery@internal-muc.meet.jitsi"}`,
	"bridge.json": `{"id":"bridge-1a2b3c4d",
		"xmpp":{"address":"127.0.0.1:5222","domain":"auth.meet.jitsi","user":"jvb","password":"secret-b","resource":"bridge-1a2b3c4d","ca":"RUN/tls/ca.crt"},
		"brewery":"jvbbrewery@internal-muc.meet.jitsi",
		"media":{"port":10000,"tcp_port":10000,"addresses":["127.0.0.1","192.168.1.23"],"loudest_voices":3},
		"websocket":{"domains":["192.168.1.23:8443","localhost:8443"]},"turn":{"secret":"secret-t"}}`,
	"web.json": `{"https":":8443","http":":8080","certificate":"RUN/tls/web.crt","key":"RUN/tls/web.key","ca":"RUN/tls/ca.crt",
		"names":["meetbox.local","localhost","192.168.1.23","fd00::2","127.0.0.1"],"https_port":8443,
		"domain":"meet.jitsi","muc_domain":"muc.meet.jitsi","focus_domain":"focus.meet.jitsi"}`,
}

func TestFiles(t *testing.T) {
	t.Parallel()
	in := input(t)
	changed, err := Files(in)
	if err != nil || len(changed) > 0 {
		t.Fatalf("first Files = %v, %v, want nobody: they all still wait", changed, err)
	}
	for name, text := range want {
		got, err := conf.Load[any](filepath.Join(in.Run, name))
		if err != nil {
			t.Error(err)
			continue
		}
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		if g, w := canonical(t, got), canonical(t, place(value, in.Run)); g != w {
			t.Errorf("%s:\ngot  %s\nwant %s", name, g, w)
		}
		mode(t, filepath.Join(in.Run, name), 0o600)
	}
	for name, perm := range map[string]os.FileMode{"web.key": 0o600, "xmpp.key": 0o600, "web.crt": 0o644, "xmpp.crt": 0o644, "ca.crt": 0o644} {
		mode(t, filepath.Join(in.Run, "tls", name), perm)
	}
}

func mode(t *testing.T, name string, want os.FileMode) {
	t.Helper()
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
		t.Errorf("%s: mode %v, %v, want %v", name, info, err, want)
	}
}

func canonical(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v) // sorts the keys
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// place puts the real folder where the expected text says RUN.
func place(v any, run string) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = place(v[k], run)
		}
	case []any:
		for i := range v {
			v[i] = place(v[i], run)
		}
	case string:
		if len(v) > 4 && v[:4] == "RUN/" {
			return run + v[3:]
		}
	}
	return v
}

// What holds in all meetings is said to the focus, by the names it reads.
func TestRules(t *testing.T) {
	t.Parallel()
	in := input(t)
	in.Rooms.Media = api.RoomMedia{
		Codecs: []string{"VP9", "VP8"}, LastN: 20, AudioSenders: 50, VideoSenders: 9, StartAudioMuted: 10, StartVideoMuted: 5,
	}
	if _, err := Files(in); err != nil {
		t.Fatal(err)
	}
	got, err := conf.Load[map[string]any](filepath.Join(in.Run, "focus.json"))
	want := `{"audio_senders":50,"codecs":["VP9","VP8"],"last_n":20,"start_audio_muted":10,"start_video_muted":5,"video_senders":9}`
	if err != nil || canonical(t, got["rules"]) != want {
		t.Errorf("rules %v, %v, want %s", got["rules"], err, want)
	}
}

// Only those whom a change concerns hear of it, and a second run is silent.
func TestChanges(t *testing.T) {
	t.Parallel()
	in := input(t)
	tests := []struct {
		name   string
		change func()
		want   []string
	}{
		{"nothing was there", func() {}, nil},
		{"nothing", func() {}, nil},
		{"web certificate", func() { in.Web = input(t).Web }, []string{"web"}},
		{"XMPP certificate", func() { in.XMPP = input(t).XMPP }, []string{"signaling"}},
		{"start muted", func() { in.Rooms.Media.StartAudioMuted = 10 }, []string{"focus"}},
		{"media address", func() { in.Media = in.Media[:1] }, []string{"bridge"}},
		{"address that people see", func() { in.Addresses = in.Addresses[1:] }, []string{"bridge", "signaling", "web"}},
		{"XMPP port", func() { in.XMPPPort = 5333 }, []string{"bridge", "focus", "signaling"}},
		{"authority", func() { in.Authority = input(t).Authority }, []string{"bridge", "focus", "web"}},
		{"a file was damaged", func() {
			if err := os.WriteFile(filepath.Join(in.Run, "focus.json"), []byte("{"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, []string{"focus"}},
		{"a file was lost", func() {
			if err := os.Remove(filepath.Join(in.Run, "focus.json")); err != nil {
				t.Fatal(err)
			}
		}, nil},
	}
	for _, tc := range tests {
		tc.change()
		got, err := Files(in)
		slices.Sort(got)
		if err != nil || !slices.Equal(got, tc.want) {
			t.Errorf("%s: Files = %v, %v, want %v", tc.name, got, err, tc.want)
		}
		if again, err := Files(in); err != nil || len(again) > 0 {
			t.Errorf("%s, once more: Files = %v, %v", tc.name, again, err)
		}
	}
}

func TestHostPort(t *testing.T) {
	t.Parallel()
	tests := []struct {
		host string
		port int
		want string
	}{
		{"localhost", 8443, "localhost:8443"},
		{"fd00::2", 8443, "[fd00::2]:8443"},
		{"meetbox.local", 443, "meetbox.local"},
		{"192.0.2.1", 443, "192.0.2.1"},
		{"fd00::2", 443, "[fd00::2]"},
	}
	for _, tc := range tests {
		if got := HostPort(tc.host, tc.port); got != tc.want {
			t.Errorf("HostPort(%s, %d) = %s, want %s", tc.host, tc.port, got, tc.want)
		}
	}
}

// A certificate from elsewhere is for names, and a browser wants the one it
// gets at the bridge's WebSocket to fit.
func TestWebSocketDomains(t *testing.T) {
	t.Parallel()
	in := input(t)
	in.Site = &state.Chain{Certificates: [][]byte{in.Web.Certificate}, Key: in.Web.Key}
	if got, want := webSocketDomains(in), []string{"meetbox.local:8443", "192.168.1.23:8443", "localhost:8443"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// It is in files of its own, which web has to be told of.
func TestSiteCertificate(t *testing.T) {
	t.Parallel()
	in := input(t)
	if f := web(in); f.Site != nil {
		t.Errorf("without one: %+v", f.Site)
	}
	in.Site = &state.Chain{Certificates: [][]byte{in.Web.Certificate}, Key: in.Web.Key}
	want := pair{filepath.Join(in.Run, "tls", "site.crt"), filepath.Join(in.Run, "tls", "site.key")}
	if f := web(in); f.Site == nil || *f.Site != want {
		t.Errorf("site %+v, want %+v", f.Site, want)
	}
}
