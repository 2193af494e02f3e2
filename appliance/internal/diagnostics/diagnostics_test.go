package diagnostics

import (
	"context"
	"fmt"
	"net"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"meetbox.local/appliance/api"
)

func TestRun(t *testing.T) {
	t.Parallel()
	var tried []string
	link := func(name string, f Finding, needs ...string) Link {
		return Link{Name: name, Needs: needs, Look: func(context.Context) Finding {
			tried = append(tried, name)
			return f
		}}
	}
	got := Run(t.Context(), []Link{
		link("link", OK("1000 Mbit/s")),
		link("address", Broken("none", "plug in"), "link"),
		link("gateway", OK(""), "address"),
		link("dns", OK(""), "gateway"),
		link("clock", Unclear("?", "")),
		link("call", Broken("no", ""), "clock"),
	})
	var text []string
	for _, c := range got.Checks {
		s, err := c.State.MarshalText()
		text = append(text, c.Name+" "+string(s))
		if err != nil {
			t.Error(err)
		}
	}
	want := "link ok, address broken, gateway skipped, dns skipped, clock unclear, call broken"
	if s := strings.Join(text, ", "); s != want || got.Broken != "address" {
		t.Errorf("%s; broken %q", s, got.Broken)
	}
	if s := strings.Join(tried, " "); s != "link address clock call" {
		t.Errorf("tried %s", s)
	}
}

func TestReach(t *testing.T) {
	t.Parallel()
	loopback := netip.MustParseAddr("127.0.0.1")
	if f := Gateway(t.Context(), []netip.Addr{loopback}); f.State != api.CheckOK { // it refuses
		t.Errorf("a gateway that refuses: %+v", f)
	}
	if f := Gateway(t.Context(), nil); f.State != api.CheckSkipped {
		t.Errorf("no gateway: %+v", f)
	}
	if f := DNS(t.Context(), nil, "meetbox.local"); f.State != api.CheckSkipped {
		t.Errorf("no DNS server: %+v", f)
	}
	srv := httptest.NewTLSServer(nil)
	defer srv.Close()
	port := srv.Listener.Addr().(*net.TCPAddr).Port
	if f := Plain(t.Context(), port); f.State != api.CheckOK {
		t.Errorf("an open port: %+v", f)
	}
	if f := Secure(t.Context(), port, nil, time.Now()); f.State != api.CheckBroken || !strings.Contains(f.Text, "certificate") {
		t.Errorf("a certificate of nobody: %+v", f)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if f := Secure(t.Context(), closed, nil, time.Now()); f.State != api.CheckBroken || !strings.Contains(f.Text, fmt.Sprint(closed)) {
		t.Errorf("a closed port: %+v", f)
	}
}
