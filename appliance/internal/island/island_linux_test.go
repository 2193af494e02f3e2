package island

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/net/dns/dnsmessage"
	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/netnstest"
	"meetbox.local/appliance/internal/ntp"
)

// start serves an island on the link "near".
func start(t *testing.T, dir string, listen time.Duration, w Wanted) (m *Manager, stop func()) {
	t.Helper()
	m = New(dir, func() ntp.Source { return ntp.Source{Stratum: 10} }, slog.New(slog.NewTextHandler(t.Output(), nil)))
	m.again, m.listen = 200*time.Millisecond, listen
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = m.Run(ctx) }()
	ended := false
	stop = func() {
		if !ended {
			ended = true
			cancel()
			<-done
		}
	}
	t.Cleanup(stop)
	m.Set(t.Context(), w)
	return m, stop
}

func until(t *testing.T, m *Manager, what string, want func(api.IslandPortStatus) bool) api.IslandPortStatus {
	t.Helper()
	limit := time.After(15 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		s := m.Status()
		if len(s.Ports) == 1 && want(s.Ports[0]) {
			return s.Ports[0]
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("never: %s; it is %+v", what, s)
		}
	}
}

func wanted() Wanted {
	return Wanted{
		Ports: []Port{{Link: "near", Address: netip.MustParsePrefix("10.77.0.1/24"), More: []netip.Addr{netip.MustParseAddr("fd00:77::1")}}},
		Names: []string{"meetbox.local", "localhost", "meet.example.org"}, Captive: "https://meetbox.local" + api.CaptivePath,
	}
}

func lends(p api.IslandPortStatus) bool { return p.DHCP && len(p.Problems) == 0 }

// A phone, that is Debian's udhcpc, dig and ntpdig, gets all it needs from
// the box, and the box remembers it.
func TestPhone(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		phone := netnstest.NewHost(t)
		netnstest.Cable(t, nil, "near", "10.77.0.1/24 fd00:77::1/64", phone, "far", "")
		netnstest.Capture(t, nil, "10.77.0.0/24", "fd00:77::/64")
		dir := t.TempDir()
		m, stop := start(t, dir, 300*time.Millisecond, wanted())
		until(t, m, "addresses are lent", lends)
		lease := udhcpc(t, phone)
		addr := netip.MustParseAddr(lease["ip"])
		if addr.Less(netip.MustParseAddr("10.77.0.128")) || lease["subnet"] != "255.255.255.0" || lease["router"] != "10.77.0.1" ||
			lease["dns"] != "10.77.0.1" || lease["ntpsrv"] != "10.77.0.1" || lease["lease"] != "43200" || lease["serverid"] != "10.77.0.1" {
			t.Errorf("lease %v", lease)
		}
		if want := fmt.Sprintf("%x", "https://meetbox.local"+api.CaptivePath); lease["opt114"] != want {
			t.Errorf("option 114: %s, want %s", lease["opt114"], want)
		}
		if l := until(t, m, "the lease is shown", func(p api.IslandPortStatus) bool { return len(p.Leases) == 1 }).Leases[0]; l.Address != addr || l.Name != "phone-7" {
			t.Errorf("%+v", l)
		}
		netnstest.Up(t, phone, "far", addr.String()+"/24")
		for _, q := range []struct{ name, kind, status, want string }{
			{"meetbox.local", "A", "NOERROR", "10.77.0.1"},
			{"MEET.example.org", "A", "NOERROR", "10.77.0.1"},
			{"meetbox.local", "AAAA", "NOERROR", "fd00:77::1"},
			{"meetbox.local", "MX", "NOERROR", ""},
			{"connectivitycheck.gstatic.com", "A", "NOERROR", "10.77.0.1"},
			{"captive.apple.com", "A", "NOERROR", "10.77.0.1"},
			{"dns.msftncsi.com", "A", "NOERROR", "131.107.255.255"},
			{"dns.msftncsi.com", "AAAA", "NOERROR", ""},
			{"use-application-dns.net", "A", "NXDOMAIN", ""},
			{"www.example.com", "A", "NXDOMAIN", ""},
			{"localhost", "A", "NXDOMAIN", ""},
			{"1.0.77.10.in-addr.arpa", "PTR", "NOERROR", "meetbox.local."},
		} {
			for _, how := range []string{"+notcp", "+tcp"} {
				out, err := phone.Output(t, "dig", "+tries=1", "+time=3", "+noall", "+comments", "+answer", how, "@10.77.0.1", q.name, q.kind)
				answer := ""
				for line := range strings.Lines(out) {
					if f := strings.Fields(line); len(f) == 5 && !strings.HasPrefix(line, ";") {
						answer = f[4]
					}
				}
				if err != nil || !strings.Contains(out, "status: "+q.status) || answer != q.want {
					t.Errorf("dig %s %s %s: %v, %s, want %s %q", how, q.name, q.kind, err, out, q.status, q.want)
				}
			}
		}
		if out, err := phone.Output(t, "ntpdig", "-t", "3", "-j", "10.77.0.1"); err != nil || !strings.Contains(out, `"stratum":10`) {
			t.Errorf("ntpdig: %v, %s", err, out)
		}

		// After a restart the phone keeps its address, and nobody else gets it.
		stop()
		m, _ = start(t, dir, 300*time.Millisecond, wanted())
		if p := until(t, m, "addresses are lent again", lends); len(p.Leases) != 1 || p.Leases[0].Address != addr {
			t.Errorf("after a restart: %+v", p)
		}
		if again := udhcpc(t, phone); again["ip"] != addr.String() {
			t.Errorf("address %s, before %s", again["ip"], addr)
		}
	})
}

// udhcpc asks for an address and returns what it was told.
func udhcpc(t *testing.T, h *netnstest.Host) map[string]string {
	t.Helper()
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n[ \"$1\" = bound ] && env\nexit 0\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	out, err := h.Output(t, "udhcpc", "-i", "far", "-n", "-q", "-f", "-t", "5", "-T", "1", "-x", "hostname:phone-7", "-O", "114", "-O", "ntpsrv", "-s", script)
	if err != nil {
		t.Fatalf("udhcpc: %v: %s", err, out)
	}
	got := map[string]string{}
	for line := range strings.Lines(out) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			got[name] = value
		}
	}
	return got
}

// Where another server lends addresses the box does not, and says whose it
// is; when that one goes, it does.
func TestAnotherServer(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		far := netnstest.NewHost(t)
		netnstest.Cable(t, nil, "near", "10.77.0.1/24", far, "far", "10.77.0.2/24")
		netnstest.Capture(t, nil, "10.77.0.0/24")
		other := netnstest.Dnsmasq(t, far, "far", "--dhcp-range=10.77.0.100,10.77.0.120,5m")
		netnstest.Answers(t, other, "DHCP, IP range")
		m, _ := start(t, t.TempDir(), listenFor, wanted())
		p := until(t, m, "the other one is seen", func(p api.IslandPortStatus) bool { return len(p.Problems) > 0 })
		if p.DHCP || !strings.Contains(p.Problems[0], "10.77.0.2") || !strings.Contains(p.Problems[0], "Another DHCP server") {
			t.Errorf("%+v", p)
		}
		other.Stop()
		until(t, m, "addresses are lent", lends)
	})
}

func message(t *testing.T, mac byte, kind dhcpv4.MessageType, more ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	t.Helper()
	m, err := dhcpv4.New(append([]dhcpv4.Modifier{dhcpv4.WithHwAddr(net.HardwareAddr{2, 0, 0, 0, 0, mac}), dhcpv4.WithMessageType(kind)}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func wish(a string) dhcpv4.Modifier {
	return dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.ParseIP(a)))
}

func chosen(a string) dhcpv4.Modifier {
	return dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.ParseIP(a)))
}

// The server's answers, one after the other, to a few devices.
func TestPool(t *testing.T) {
	t.Parallel()
	own := netip.MustParsePrefix("10.0.0.1/29") // .4, .5 and .6 are lent
	first, last, ok := span(own, api.Island{})
	if !ok || first.String() != "10.0.0.4" || last.String() != "10.0.0.6" {
		t.Fatalf("span %v–%v, %v", first, last, ok)
	}
	p := newPool(own.Addr(), first, last)
	terms := terms{own: own, life: time.Hour}
	now := time.Unix(1e9, 0)
	const none = dhcpv4.MessageTypeNone
	steps := []struct {
		what  string
		after time.Duration
		m     *dhcpv4.DHCPv4
		kind  dhcpv4.MessageType
		addr  string
	}{
		{"a wish", 0, message(t, 1, dhcpv4.MessageTypeDiscover, wish("10.0.0.5")), dhcpv4.MessageTypeOffer, "10.0.0.5"},
		{"taken", 0, message(t, 1, dhcpv4.MessageTypeRequest, wish("10.0.0.5"), chosen("10.0.0.1")), dhcpv4.MessageTypeAck, "10.0.0.5"},
		{"from another server", 0, message(t, 1, dhcpv4.MessageTypeRequest, wish("10.0.0.5"), chosen("10.0.0.9")), none, ""},
		{"somebody else's", 0, message(t, 2, dhcpv4.MessageTypeRequest, wish("10.0.0.5"), chosen("10.0.0.1")), dhcpv4.MessageTypeNak, "0.0.0.0"},
		{"our own", 0, message(t, 2, dhcpv4.MessageTypeRequest, wish("10.0.0.1")), dhcpv4.MessageTypeNak, "0.0.0.0"},
		{"of another network", 0, message(t, 2, dhcpv4.MessageTypeRequest, wish("192.0.2.5")), dhcpv4.MessageTypeNak, "0.0.0.0"},
		{"had before us", 0, message(t, 2, dhcpv4.MessageTypeRequest, wish("10.0.0.6")), dhcpv4.MessageTypeAck, "10.0.0.6"},
		{"a wish that is taken", 0, message(t, 3, dhcpv4.MessageTypeDiscover, wish("10.0.0.5")), dhcpv4.MessageTypeOffer, "10.0.0.4"},
		{"full", 0, message(t, 4, dhcpv4.MessageTypeDiscover), none, ""},
		{"an offer that nobody took", 2 * time.Minute, message(t, 4, dhcpv4.MessageTypeDiscover), dhcpv4.MessageTypeOffer, "10.0.0.4"},
		{"renewed", 50 * time.Minute, message(t, 1, dhcpv4.MessageTypeRequest, dhcpv4.WithClientIP(net.IPv4(10, 0, 0, 5))), dhcpv4.MessageTypeAck, "10.0.0.5"},
		{"found in use", 0, message(t, 1, dhcpv4.MessageTypeDecline, wish("10.0.0.5"), chosen("10.0.0.1")), none, ""},
		{"not that one again", 0, message(t, 1, dhcpv4.MessageTypeDiscover, wish("10.0.0.5")), dhcpv4.MessageTypeOffer, "10.0.0.4"},
		{"given back", 0, message(t, 2, dhcpv4.MessageTypeRelease, dhcpv4.WithClientIP(net.IPv4(10, 0, 0, 6)), chosen("10.0.0.1")), none, ""},
		{"the same again", 0, message(t, 2, dhcpv4.MessageTypeDiscover), dhcpv4.MessageTypeOffer, "10.0.0.6"},
		{"only a question", 0, message(t, 9, dhcpv4.MessageTypeInform, dhcpv4.WithClientIP(net.IPv4(10, 0, 0, 2))), dhcpv4.MessageTypeAck, "0.0.0.0"},
	}
	for _, s := range steps {
		now = now.Add(s.after)
		r, _ := p.answer(s.m, terms, now)
		kind, addr := none, ""
		if r != nil {
			kind, addr = r.MessageType(), r.YourIPAddr.String()
		}
		if kind != s.kind || addr != s.addr {
			t.Errorf("%s: %v %s, want %v %s", s.what, kind, addr, s.kind, s.addr)
		}
	}
}

func TestSpan(t *testing.T) {
	t.Parallel()
	a := netip.MustParseAddr
	tests := []struct {
		prefix      string
		s           api.Island
		first, last string
	}{
		{"10.77.0.1/24", api.Island{}, "10.77.0.128", "10.77.0.254"},
		{"10.77.0.1/16", api.Island{}, "10.77.128.0", "10.77.255.254"},
		{"10.77.0.1/30", api.Island{}, "10.77.0.2", "10.77.0.2"},
		{"10.77.0.1/31", api.Island{}, "", ""},
		{"10.77.0.1/24", api.Island{First: a("10.77.0.10"), Last: a("10.77.0.20")}, "10.77.0.10", "10.77.0.20"},
		{"10.77.0.1/24", api.Island{First: a("10.77.0.0"), Last: a("10.77.0.255")}, "10.77.0.1", "10.77.0.254"},
		{"10.78.0.1/24", api.Island{First: a("10.77.0.10"), Last: a("10.77.0.20")}, "10.78.0.128", "10.78.0.254"},
	}
	for _, tc := range tests {
		first, last, ok := span(netip.MustParsePrefix(tc.prefix), tc.s)
		if ok != (tc.first != "") || ok && (first.String() != tc.first || last.String() != tc.last) {
			t.Errorf("span(%s, %+v) = %v–%v, %v, want %s–%s", tc.prefix, tc.s, first, last, ok, tc.first, tc.last)
		}
	}
}

// Whatever devices send, no two have one address, and none has ours.
func FuzzPool(f *testing.F) {
	f.Add([]byte{1, 1, 4, 1, 3, 4, 2, 1, 4, 2, 3, 5, 2, 3, 4})
	f.Fuzz(func(t *testing.T, script []byte) {
		own := netip.MustParsePrefix("10.0.0.1/28")
		first, last, _ := span(own, api.Island{})
		p := newPool(own.Addr(), first, last)
		now := time.Unix(1e9, 0)
		has := map[string]string{} // by device, while its lease lasts
		for ; len(script) >= 3; script = script[3:] {
			mac, kind, host := script[0]%8, dhcpv4.MessageType(script[1]%9), script[2]
			m, err := dhcpv4.New(dhcpv4.WithHwAddr(net.HardwareAddr{2, 0, 0, 0, 0, mac}), dhcpv4.WithMessageType(kind), dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.IPv4(10, 0, 0, host))))
			if err != nil {
				t.Fatal(err)
			}
			r, _ := p.answer(m, terms{own: own, life: time.Hour}, now)
			now = now.Add(time.Second)
			name := fmt.Sprint(mac)
			switch {
			case r != nil && r.MessageType() == dhcpv4.MessageTypeAck && !r.YourIPAddr.IsUnspecified():
				a := r.YourIPAddr.String()
				for other, b := range has {
					if other != name && a == b {
						t.Fatalf("%s for %s and %s", a, name, other)
					}
				}
				if a == "10.0.0.1" || !own.Contains(netip.MustParseAddr(a)) {
					t.Fatalf("%s lent", a)
				}
				has[name] = a
			case kind == dhcpv4.MessageTypeDecline, kind == dhcpv4.MessageTypeRelease:
				delete(has, name)
			}
		}
	})
}

// Whatever is asked, the answer can be read and is to the question.
func FuzzDNS(f *testing.F) {
	z := newZone([]netip.Addr{netip.MustParseAddr("10.77.0.1")}, []string{"meetbox.local"}, true)
	for _, name := range []string{"meetbox.local.", "captive.apple.com.", "x."} {
		m := dnsmessage.Message{Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
		b, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a := z.answer(b)
		if a == nil {
			return
		}
		var m dnsmessage.Message
		if err := m.Unpack(a); err != nil || !m.Response || m.ID != uint16(b[0])<<8|uint16(b[1]) {
			t.Errorf("%x: %x, %v", b, a, err)
		}
	})
}
