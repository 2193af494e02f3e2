package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/netnstest"
	"meetbox.local/appliance/kit/ctl"
)

// goneAtMost is how long a meeting may be without sound and pictures when the
// box gets another address.
const goneAtMost = 5 * time.Second

// The box gets another address while two people meet: all services are real,
// in a network of their own, and all that happens is that the kernel takes
// one address away and has another one. Certificate and status follow, and
// the meeting goes on.
func TestBoxMoves(t *testing.T) {
	bin, err := build() // here, where there is a network to build with, and time
	if err != nil {
		t.Fatal(err)
	}
	built := os.Getenv(binEnv)
	t.Cleanup(func() { os.Setenv(binEnv, built) })
	os.Setenv(binEnv, bin)
	netnstest.Run(t, func(t *testing.T) {
		box := netnstest.NewHost(t)
		netnstest.Cable(t, nil, "client", "192.0.2.100/24", box, "eth0", "192.0.2.7/24")
		netnstest.Capture(t, nil, "192.0.2.0/24")
		dir := services5(t, box)
		both := meet(t, dir, "https://192.0.2.7:8443")

		before := make([][2]int, len(both))
		move(t, box, "eth0", "192.0.2.7/24", "192.0.2.8/24")
		begun := time.Now()
		for i, p := range both {
			before[i][0], before[i][1] = p.heard()
		}
		late := time.After(patience)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		more := func(want int) bool {
			for i, p := range both {
				audio, video := p.heard()
				if audio < before[i][0]+want || video < before[i][1]+want {
					return false
				}
			}
			return true
		}
		for !more(2 * enough) { // what was under way is less
			select {
			case <-tick.C:
			case <-late:
				t.Fatal("the media did not come back")
			}
		}
		d := time.Since(begun)
		t.Logf("media was back %v after the change", d)
		if d > goneAtMost {
			t.Errorf("media was away for %v, want %v at most", d, goneAtMost)
		}
		want := netip.MustParseAddr("192.0.2.8")
		for !slices.Contains(ask[api.Certificates](t, dir, "certificates").Web.Addresses, want) || !slices.Contains(ask[api.Status](t, dir, "status").Addresses, want) {
			<-tick.C
			if time.Since(begun) > goneAtMost {
				t.Fatalf("after %v: %+v", time.Since(begun), ask[api.Status](t, dir, "status"))
			}
		}
	})
}

// services5 starts all services on the machine.
func services5(t *testing.T, h *netnstest.Host) (dir string) {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	if dir, err = os.MkdirTemp("", "mb"); err != nil { // t.TempDir is too long for a socket
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w := &world{t: t, dir: dir, processes: map[string]*exec.Cmd{}}
	for _, s := range services {
		args := []string{"-run", dir}
		if s == "appliance" || s == "signaling" {
			args = append(args, "-state", dir)
		}
		h.Start(t, filepath.Join(bin, s), args...)
		w.processes[s] = nil // the test's end stops it, not w
	}
	for _, s := range services {
		w.await(s)
	}
	return dir
}

// meet has two participants meet, and returns them when they hear each other.
func meet(t *testing.T, dir, url string) []*participant {
	t.Helper()
	pem, err := os.ReadFile(filepath.Join(dir, "tls", "web.crt"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDoor(url, pem)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	both := []*participant{newParticipant(d, "one", "moving"), newParticipant(d, "two", "moving")}
	var wg sync.WaitGroup
	t.Cleanup(func() {
		for _, p := range both {
			p.leave()
		}
		cancel(nil)
		wg.Wait()
	})
	login := func(p *participant, ctx context.Context) error {
		err := p.login(ctx)
		if err == nil {
			wg.Go(func() { p.receive(ctx, cancel) })
		}
		return err
	}
	connect := func(p *participant, ctx context.Context) error { return p.connect(ctx, &wg) }
	for _, step := range []func(*participant, context.Context) error{login, (*participant).request, (*participant).enter, (*participant).invited, connect} {
		if err := each(both, step)(ctx); err != nil {
			t.Fatalf("%v, %v", err, context.Cause(ctx))
		}
	}
	if err := flowing(ctx, both); err != nil {
		t.Fatal(err)
	}
	return both
}

// move takes one address from a link and gives it another.
func move(t *testing.T, h *netnstest.Host, link, old, fresh string) {
	t.Helper()
	h.Do(func() {
		l, err := netlink.LinkByName(link)
		if err != nil {
			t.Fatal(err)
		}
		a, err := netlink.ParseAddr(old)
		if err != nil {
			t.Fatal(err)
		}
		if err := netlink.AddrDel(l, a); err != nil {
			t.Fatal(err)
		}
	})
	netnstest.Up(t, h, link, fresh)
}

// ask asks the appliance as a program on the same machine.
func ask[T any](t *testing.T, dir, what string) (out T) {
	t.Helper()
	client := ctl.Client(filepath.Join(dir, "appliance.sock"))
	defer client.CloseIdleConnections()
	resp, err := client.Get("http://appliance/api/" + what)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.NewDecoder(bytes.NewReader(b)).Decode(&out)
	}
	if err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return out
}
