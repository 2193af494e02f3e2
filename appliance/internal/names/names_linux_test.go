package names

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"meetbox.local/appliance/internal/netnstest"
)

// box is a responder on a machine.
type box struct {
	*Responder
	t       *testing.T
	renamed chan struct{}
	stop    func()
}

func start(t *testing.T, h *netnstest.Host) *box {
	t.Helper()
	b := &box{t: t, renamed: make(chan struct{}, 100)}
	var err error
	h.Do(func() {
		b.Responder, err = Open(func() { b.renamed <- struct{}{} }, slog.New(slog.NewTextHandler(t.Output(), nil)))
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = b.Run(ctx) }()
	stopped := false
	b.stop = func() {
		if !stopped {
			stopped = true
			cancel()
			<-done
		}
	}
	t.Cleanup(b.stop)
	return b
}

// on announces a name and addresses on one link.
func (b *box) on(h *netnstest.Host, link, host string, addrs ...string) {
	b.t.Helper()
	l := Link{Name: link}
	h.Do(func() {
		i, err := net.InterfaceByName(link)
		if err != nil {
			b.t.Fatal(err)
		}
		l.Index = i.Index
	})
	for _, a := range addrs {
		l.Addrs = append(l.Addrs, netip.MustParsePrefix(a))
	}
	b.Set(b.t.Context(), Wanted{Host: host, Links: []Link{l}, HTTPSPort: 443, HTTPPort: 80})
}

// called waits until the responder has the name.
func (b *box) called(want string) {
	b.t.Helper()
	limit := time.NewTimer(15 * time.Second)
	defer limit.Stop()
	for {
		if name, _, active := b.Name(); name == want && active {
			return
		}
		select {
		case <-b.renamed:
		case <-limit.C:
			name, conflict, active := b.Name()
			b.t.Fatalf("called %s (%s, %v), want %s", name, conflict, active, want)
		}
	}
}

// Two boxes on one switch start with one name: one keeps it, the other takes
// the next; after it is gone, the name is free again.
func TestTwoBoxes(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		far := netnstest.NewHost(t)
		netnstest.Cable(t, nil, "near", "192.0.2.7/24 2001:db8::7/64", far, "far", "192.0.2.8/24 2001:db8::8/64")
		netnstest.Capture(t, nil, "192.0.2.0/24", "2001:db8::/32")
		a, b := start(t, nil), start(t, far)
		a.on(nil, "near", "", "192.0.2.7/24", "2001:db8::7/64")
		b.on(far, "far", "", "192.0.2.8/24", "2001:db8::8/64")
		names := map[string]bool{}
		both := func() bool {
			clear(names)
			for _, x := range []*box{a, b} {
				if n, _, active := x.Name(); active {
					names[n] = true
				}
			}
			return names["meetbox.local"] && names["meetbox-2.local"]
		}
		for limit := time.After(15 * time.Second); !both(); {
			select {
			case <-a.renamed:
			case <-b.renamed:
			case <-limit:
				t.Fatalf("names %v", names)
			}
		}
		first, second, host := a, b, far
		link, addr := "far", "192.0.2.8/24"
		if n, _, _ := a.Name(); n != "meetbox.local" {
			first, second, host, link, addr = b, a, nil, "near", "192.0.2.7/24"
		}
		if _, conflict, _ := second.Name(); !strings.Contains(conflict, "has the name meetbox.local") {
			t.Errorf("conflict %q", conflict)
		}
		// Another name, and no conflict any more.
		second.on(host, link, "office", addr)
		second.called("office.local")
		if _, conflict, _ := second.Name(); conflict != "" {
			t.Errorf("conflict %q stays", conflict)
		}
		first.stop()
		second.on(host, link, "meetbox", addr)
		second.called("meetbox.local")
	})
}

// Debian's avahi finds the box, its addresses and services, hears of a change
// at once, and of the end.
func TestAvahi(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		far := netnstest.NewHost(t)
		netnstest.Cable(t, nil, "near", "192.0.2.7/24", far, "far", "192.0.2.8/24")
		netnstest.Capture(t, nil, "192.0.2.0/24")
		avahi := daemon(t, far, "watcher")
		b := start(t, nil)
		b.on(nil, "near", "", "192.0.2.7/24", "2001:db8::7/64")
		b.called("meetbox.local")
		for _, q := range []struct{ name, kind, want string }{
			{"meetbox.local", "A", "192.0.2.7\n"}, {"meetbox.local", "AAAA", "2001:db8::7\n"}, {"MeetBox.local", "A", "192.0.2.7\n"},
			{"_https._tcp.local", "PTR", "meetbox._https._tcp.local.\n"}, {"meetbox._https._tcp.local", "SRV", "0 0 443 meetbox.local.\n"},
		} {
			out, err := far.Output(t, "dig", "+short", "+tries=1", "+time=3", "-p", "5353", "@192.0.2.7", q.name, q.kind)
			if err != nil || out != q.want {
				t.Errorf("dig %s %s: %q, %v, want %q", q.name, q.kind, out, err, q.want)
			}
		}
		avahi.eventually(t, "192.0.2.7", "avahi-resolve", "-4", "-n", "meetbox.local")
		avahi.eventually(t, "2001:db8::7", "avahi-resolve", "-6", "-n", "meetbox.local")
		avahi.eventually(t, "meetbox.local;192.0.2.7;443", "avahi-browse", "-prt", "_https._tcp")
		avahi.eventually(t, "meetbox.local;192.0.2.7;80", "avahi-browse", "-prt", "_http._tcp")
		netnstest.Up(t, nil, "near", "192.0.2.9/24")
		begun := time.Now()
		b.on(nil, "near", "", "192.0.2.9/24")
		avahi.eventually(t, "192.0.2.9", "avahi-resolve", "-4", "-n", "meetbox.local")
		if d := time.Since(begun); d > 5*time.Second {
			t.Errorf("the new address took %v", d)
		}
		b.stop()
		for { // the goodbye empties avahi's cache
			out, _ := far.Output(t, "env", avahi.bus, "avahi-browse", "-pct", "_https._tcp")
			if !strings.Contains(out, "meetbox") {
				break
			}
		}
	})
}

// avahi has the name: the box takes the next, which avahi sees.
func TestAvahiConflict(t *testing.T) {
	netnstest.Run(t, func(t *testing.T) {
		far := netnstest.NewHost(t)
		netnstest.Cable(t, nil, "near", "192.0.2.7/24", far, "far", "192.0.2.8/24")
		netnstest.Capture(t, nil, "192.0.2.0/24")
		avahi := daemon(t, far, "meetbox")
		avahi.eventually(t, "192.0.2.8", "avahi-resolve", "-4", "-n", "meetbox.local")
		b := start(t, nil)
		b.on(nil, "near", "", "192.0.2.7/24")
		b.called("meetbox-2.local")
		avahi.eventually(t, "192.0.2.7", "avahi-resolve", "-4", "-n", "meetbox-2.local")
	})
}

type avahi struct {
	host *netnstest.Host
	bus  string
}

func daemon(t *testing.T, h *netnstest.Host, name string) avahi {
	t.Helper()
	dir := t.TempDir()
	conf := "[server]\nhost-name=" + name + "\nuse-ipv4=yes\nuse-ipv6=yes\nallow-interfaces=far\n[publish]\npublish-hinfo=no\npublish-workstation=no\n"
	// In a user namespace there is nobody but root, not even avahi.
	for name, text := range map[string]string{"avahi.conf": conf, "passwd": "root:x:0:0::/:/bin/sh\navahi:x:0:0::/:/bin/sh\n", "group": "root:x:0:\navahi:x:0:\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	bus := "DBUS_SYSTEM_BUS_ADDRESS=unix:path=" + filepath.Join(dir, "bus")
	h.Start(t, "dbus-daemon", "--session", "--nofork", "--nopidfile", "--address=unix:path="+filepath.Join(dir, "bus"))
	h.Start(t, "unshare", "-m", "sh", "-c", `mount -t tmpfs none /run && mkdir /run/avahi-daemon
mount --bind "$2/passwd" /etc/passwd && mount --bind "$2/group" /etc/group
until [ -S "$2/bus" ]; do :; done
exec env "$1" avahi-daemon --no-drop-root --no-chroot --no-rlimits -f "$2/avahi.conf"`, "sh", bus, dir)
	return avahi{h, bus}
}

// eventually runs a tool until it says so.
func (a avahi) eventually(t *testing.T, want, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	for {
		out, err := a.host.Output(t, "env", append([]string{a.bus, "timeout", "2", name}, args...)...)
		if strings.Contains(out, want) {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%s %v said %q, %v, want %q", name, args, out, err, want)
		}
	}
}

func TestRecords(t *testing.T) {
	t.Parallel()
	text := Records([]string{"meet.example.org"}, []netip.Addr{netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::7"), netip.MustParseAddr("127.0.0.1")})
	for _, want := range []string{
		"meet.example.org. 300 IN A 192.0.2.7\n", "meet.example.org. 300 IN AAAA 2001:db8::7\n", "host-record=meet.example.org,192.0.2.7\n",
		`local-data: "meet.example.org. 300 IN A 192.0.2.7"`, "-ZoneName example.org -Name meet -AAAA -IPv6Address 2001:db8::7",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "127.0.0.1") {
		t.Error("the loopback is told to others")
	}
}

func TestNumbered(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 63)
	for n, want := range map[int]string{0: long, 1: long, 2: long[:61] + "-2", 12: long[:60] + "-12"} {
		if got := numbered(long, n); got != want {
			t.Errorf("numbered(%d) = %s, want %s", n, got, want)
		}
	}
}

// Whatever comes in is read or refused, and answered with what can be packed.
func FuzzHear(f *testing.F) {
	l := Link{Index: 1, Addrs: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/24")}}
	w := Wanted{Host: "meetbox", HTTPSPort: 443}
	own := records("meetbox", l, w)
	f.Add((&Responder{wanted: w}).response(own, nil, full))
	f.Add(pack(dnsmessage.Message{Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName("meetbox.local."), Type: dnsmessage.TypeALL, Class: unique}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := read(b)
		if err != nil {
			return
		}
		for _, r := range h.records {
			_ = contradicts(r, own)
		}
		for _, q := range h.questions {
			if later(own, h.proposed, q.Name.String()) != -later(h.proposed, own, q.Name.String()) {
				t.Errorf("%x: both win", b)
			}
			a, more := answers(q, own)
			if len(a) == 0 && len(more) > 0 || len(a) > 0 && (&Responder{}).response(a, more, full) == nil {
				t.Errorf("%x: %v and %v", b, a, more)
			}
		}
	})
}
