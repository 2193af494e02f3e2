package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// settle is how long changes are gathered: one cable brings a handful of
// events within a moment.
const settle = 500 * time.Millisecond

// fleeting are the states of IPv6 addresses that others should not be told:
// not proven unique yet or ever, on their way out, or there to change daily.
const fleeting = unix.IFA_F_TENTATIVE | unix.IFA_F_DADFAILED | unix.IFA_F_DEPRECATED | unix.IFA_F_TEMPORARY

// Addresses lists the machine's usable addresses, best first.
func Addresses() ([]Address, error) {
	out, err := fromKernel()
	if err != nil { // a sandbox may forbid netlink; the libc way often works
		if out, perr := portable(); perr == nil {
			return out, nil
		}
		return nil, fmt.Errorf("addresses: %w", err)
	}
	return out, nil
}

func fromKernel() ([]Address, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, err
	}
	addrs, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return nil, err
	}
	defaults, err := defaultLinks()
	if err != nil {
		return nil, err
	}
	byIndex := make(map[int]netlink.Link, len(links))
	for _, l := range links {
		byIndex[l.Attrs().Index] = l
	}
	var out []Address
	for _, a := range addrs {
		l, ok := byIndex[a.LinkIndex]
		if !ok || l.Attrs().Flags&net.FlagUp == 0 {
			continue
		}
		ip, _ := netip.AddrFromSlice(a.IP)
		ip = ip.Unmap()
		if !usable(ip) || ip.Is6() && a.Flags&fleeting != 0 {
			continue
		}
		out = append(out, Address{
			Addr:     ip,
			Link:     l.Attrs().Name,
			Default:  defaults[a.LinkIndex],
			Physical: l.Type() == "device",
		})
	}
	return order(out), nil
}

// defaultLinks are the links with a default route, of either family.
func defaultLinks() (map[int]bool, error) {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return nil, err
	}
	out := map[int]bool{}
	for _, r := range routes {
		if ones := prefixLen(r.Dst); ones == 0 && r.LinkIndex != 0 {
			out[r.LinkIndex] = true
		}
	}
	return out, nil
}

func prefixLen(n *net.IPNet) int {
	if n == nil {
		return 0
	}
	ones, _ := n.Mask.Size()
	return ones
}

// Watch calls changed whenever the kernel reports a change of addresses,
// links or routes, at most twice a second. It returns the context's cause, or
// why it cannot watch (any longer); changes may then have been missed.
func Watch(ctx context.Context, changed func()) error {
	done := make(chan struct{})
	defer close(done)
	failed := make(chan error, 3)
	report := func(err error) {
		select {
		case failed <- err:
		default:
		}
	}
	addrs := make(chan netlink.AddrUpdate, 64)
	links := make(chan netlink.LinkUpdate, 64)
	routes := make(chan netlink.RouteUpdate, 64)
	err := errors.Join(
		netlink.AddrSubscribeWithOptions(addrs, done, netlink.AddrSubscribeOptions{ErrorCallback: report}),
		netlink.LinkSubscribeWithOptions(links, done, netlink.LinkSubscribeOptions{ErrorCallback: report}),
		netlink.RouteSubscribeWithOptions(routes, done, netlink.RouteSubscribeOptions{ErrorCallback: report}),
	)
	if err != nil {
		return fmt.Errorf("watch the network: %w", err)
	}
	var timer <-chan time.Time // runs from the first event on: a stream of them must not put it off
	for {
		var ok bool
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-failed:
			return fmt.Errorf("watch the network: %w", err)
		case <-timer:
			timer = nil
			changed()
			continue
		case _, ok = <-addrs:
		case _, ok = <-links:
		case _, ok = <-routes:
		}
		if !ok {
			return errors.New("watch the network: the kernel ended it")
		}
		if timer == nil {
			timer = time.After(settle)
		}
	}
}
