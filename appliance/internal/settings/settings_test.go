package settings

import (
	"flag"
	"io"
	"net"
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

func read(t *testing.T, args []string, env map[string]string) (Settings, error) {
	t.Helper()
	fl := flag.NewFlagSet("test", flag.ContinueOnError)
	fl.SetOutput(io.Discard)
	raw := Register(fl, func(name string) string { return env[name] })
	if err := fl.Parse(args); err != nil {
		t.Fatal(err)
	}
	return raw.Settings()
}

func TestSettings(t *testing.T) {
	t.Parallel()
	usual := Settings{HTTPSPort: 8443, HTTPPort: 8080, AdminPort: 8444, MediaPort: 10000}
	with := func(change func(*Settings)) Settings {
		s := usual
		change(&s)
		return s
	}
	tests := []struct {
		name  string
		args  []string
		env   map[string]string
		want  Settings
		wrong []string // parts of the error
	}{
		{"nothing", nil, nil, usual, nil},
		{"environment", nil, map[string]string{"MEETBOX_HTTPS_PORT": "9443", "MEETBOX_XMPP_PORT": "5333"},
			with(func(s *Settings) { s.HTTPSPort, s.XMPPPort = 9443, 5333 }), nil},
		{"flag before environment", []string{"-https-port=1"}, map[string]string{"MEETBOX_HTTPS_PORT": "2"},
			with(func(s *Settings) { s.HTTPSPort = 1 }), nil},
		{"addresses", nil, map[string]string{"MEETBOX_MEDIA_ADDRS": " 192.0.2.1, ::1,192.0.2.1,::ffff:192.0.2.2,"},
			with(func(s *Settings) {
				s.MediaAddrs = []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("::1"), netip.MustParseAddr("192.0.2.2")}
			}), nil},
		{"everything wrong at once", []string{"-https-port=x", "-http-port=0", "-media-port=65536", "-media-addrs=here,0.0.0.0,fe80::1%eth0"},
			nil, Settings{}, []string{`MEETBOX_HTTPS_PORT="x"`, "MEETBOX_HTTP_PORT", "MEETBOX_MEDIA_PORT", `"here"`, `"0.0.0.0"`, `"fe80::1%eth0"`}},
		{"one port twice", []string{"-http-port=8443"}, nil, Settings{}, []string{"both 8443"}},
		{"XMPP on a web port", []string{"-xmpp-port=8443"}, nil, Settings{}, []string{"MEETBOX_XMPP_PORT=8443"}},
	}
	for _, tc := range tests {
		got, err := read(t, tc.args, tc.env)
		if len(tc.wrong) == 0 {
			if err != nil || !reflect.DeepEqual(got, tc.want) {
				t.Errorf("%s: got %+v, %v, want %+v", tc.name, got, err, tc.want)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s: no error", tc.name)
			continue
		}
		for _, part := range tc.wrong {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: error %q lacks %q", tc.name, err, part)
			}
		}
	}
}

func TestPortsFree(t *testing.T) {
	t.Parallel()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	udp, err := net.ListenUDP("udp", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	free, err := FreeLoopback()
	if err != nil {
		t.Fatal(err)
	}
	taken := Settings{HTTPSPort: tcp.Addr().(*net.TCPAddr).Port, HTTPPort: free, MediaPort: udp.LocalAddr().(*net.UDPAddr).Port}
	taken.XMPPPort = taken.HTTPSPort
	err = taken.PortsFree()
	for _, part := range []string{"MEETBOX_HTTPS_PORT", "MEETBOX_MEDIA_PORT", "MEETBOX_XMPP_PORT"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("PortsFree = %v, want one that names %s", err, part)
		}
	}
	if err != nil && strings.Contains(err.Error(), "MEETBOX_HTTP_PORT") {
		t.Errorf("PortsFree = %v, but the HTTP port is free", err)
	}
}
