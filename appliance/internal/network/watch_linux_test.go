package network

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"meetbox.local/appliance/internal/netnstest"
)

// An address that comes is reported, and listed afterwards.
func TestWatch(t *testing.T) { netnstest.Run(t, watchInside) }

func watchInside(t *testing.T) {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	changed := make(chan struct{}, 100)
	done := make(chan error, 1)
	go func() { done <- Watch(ctx, func() { changed <- struct{}{} }) }()
	// Whether Watch listens already cannot be seen from outside, so that the
	// first event may pass unheard: change again now and then.
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	want := netip.MustParseAddr("192.0.2.77")
	address := &netlink.Addr{IPNet: &net.IPNet{IP: want.AsSlice(), Mask: net.CIDRMask(32, 32)}}
	for heard := false; !heard; {
		if err := netlink.AddrReplace(lo, address); err != nil {
			t.Fatal(err)
		}
		select {
		case <-changed:
			heard = true
		case err := <-done:
			t.Fatalf("Watch: %v", err)
		case <-again.C:
			address.ValidLft, address.PreferedLft = address.ValidLft+1000, address.PreferedLft+1000
		}
	}
	got, err := Addresses()
	if err != nil || !slices.ContainsFunc(got, func(a Address) bool { return a.Addr == want }) {
		t.Errorf("Addresses = %v, %v, want %v among them", got, err, want)
	}
	cancel(enough)
	if err := <-done; !errors.Is(err, enough) {
		t.Errorf("Watch = %v, want %v", err, enough)
	}
}
