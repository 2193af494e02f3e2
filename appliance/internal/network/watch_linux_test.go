package network

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// insideEnv is set in the copy of this test that runs in a network of its own.
const insideEnv = "MEETBOX_TEST_NETWORK"

// An address that comes is reported, and listed afterwards. The kernel's real
// network is used, but not the machine's: the test runs itself once more in
// an empty network namespace, where it may change everything.
func TestWatch(t *testing.T) {
	if os.Getenv(insideEnv) != "" {
		watchInside(t)
		return
	}
	t.Parallel()
	cmd := exec.Command(os.Args[0], "-test.run=^TestWatch$", "-test.v")
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNET | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skip("needs a system that lets its users make network namespaces")
	}
	if err != nil {
		t.Fatalf("in a network of its own: %v\n%s", err, out)
	}
}

func watchInside(t *testing.T) {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
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
