package uplink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	lookEvery = time.Second // for cards and cables
	answer    = 3 * time.Second
	tries     = 3
	metric    = 100 // of the default route: room for better and worse ones
)

// Run keeps the box on the network until ctx ends. It never gives up.
func Run(ctx context.Context, log *slog.Logger) {
	u := &uplink{log: log}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := u.step(ctx); err != nil && ctx.Err() == nil {
			u.say(err)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

type uplink struct {
	log   *slog.Logger
	index int // of the card in use; 0: none
	lease *nclient4.Lease
	due   time.Time // of the next question to the server
	last  string    // what was said last, not to say it each second
}

func (u *uplink) say(err error) {
	if text := err.Error(); text != u.last {
		u.log.Warn("no address yet", "err", err)
		u.last = text
	}
}

// step looks once after cards, cable and lease.
func (u *uplink) step(ctx context.Context) error {
	cards, err := cards()
	if err != nil {
		return err
	}
	c, ok := choose(cards, u.index)
	if !ok {
		u.index, u.lease = 0, nil
		return errors.New("no network card has a cable")
	}
	if c.index != u.index {
		u.index, u.lease, u.due = c.index, nil, time.Time{}
		u.log.Info("network card chosen", "card", c.name)
	}
	if time.Now().Before(u.due) {
		return nil
	}
	lease, err := u.ask(ctx, c.name)
	if err != nil {
		if u.lease != nil {
			u.due = time.Now().Add(shortestLife / 2) // the old one stays meanwhile
		}
		return err
	}
	l, err := read(lease)
	if err != nil {
		return err
	}
	if err := apply(c, l); err != nil {
		return err
	}
	if u.lease == nil || !u.lease.ACK.YourIPAddr.Equal(lease.ACK.YourIPAddr) {
		u.log.Info("address leased", "card", c.name, "address", l.Address, "router", l.Router, "server", l.Server, "life", l.Life)
	}
	u.lease, u.due, u.last = lease, l.Begun.Add(l.renewAt()), ""
	return nil
}

// ask renews the lease, or gets one.
func (u *uplink) ask(ctx context.Context, name string) (*nclient4.Lease, error) {
	client, err := nclient4.New(name, nclient4.WithTimeout(answer), nclient4.WithRetry(tries))
	if err != nil {
		return nil, fmt.Errorf("DHCP on %s: %w", name, err)
	}
	defer client.Close()
	host := dhcpv4.WithOption(dhcpv4.OptHostName("meetbox"))
	if u.lease != nil {
		lease, err := client.Renew(ctx, u.lease, host)
		if err == nil {
			return lease, nil
		}
		u.log.Info("lease not renewed, asking for a new one", "err", err)
	}
	lease, err := client.Request(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("DHCP on %s: %w", name, err)
	}
	return lease, nil
}

func read(lease *nclient4.Lease) (Lease, error) {
	ack := lease.ACK
	l := Lease{Begun: lease.CreationTime, Life: ack.IPAddressLeaseTime(2 * shortestLife)}
	addr, _ := netip.AddrFromSlice(ack.YourIPAddr.To4())
	mask := ack.SubnetMask()
	if mask == nil {
		mask = ack.YourIPAddr.DefaultMask()
	}
	ones, bits := mask.Size()
	if !addr.IsValid() || addr.IsUnspecified() || addr.IsLoopback() || addr.IsMulticast() || bits != 32 {
		return l, errLease
	}
	l.Address = netip.PrefixFrom(addr, ones)
	if r := ack.Router(); len(r) > 0 {
		l.Router, _ = netip.AddrFromSlice(r[0].To4())
	}
	l.Server, _ = netip.AddrFromSlice(ack.ServerIdentifier().To4())
	return l, nil
}

// cards lists the network cards, and brings up those that are down: a cable
// shows only on a card that is up.
func cards() ([]card, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("network cards: %w", err)
	}
	var out []card
	var errs []error
	for _, l := range links {
		a := l.Attrs()
		c := card{index: a.Index, name: a.Name}
		// veth is what a card looks like inside a network namespace.
		c.wired = (l.Type() == "device" || l.Type() == "veth") && a.EncapType == "ether" && a.Flags&net.FlagLoopback == 0
		if c.wired && a.Flags&net.FlagUp == 0 {
			if err := netlink.LinkSetUp(l); err != nil {
				errs = append(errs, fmt.Errorf("network card %s: %w", a.Name, err))
			}
		}
		c.cable = a.RawFlags&unix.IFF_LOWER_UP != 0
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, errors.Join(errs...)
	}
	return out, nil
}

// apply makes the lease's address the card's only IPv4 address, and its
// router the way out. Applied twice it changes nothing.
func apply(c card, l Lease) error {
	link, err := netlink.LinkByIndex(c.index)
	if err != nil {
		return fmt.Errorf("network card %s: %w", c.name, err)
	}
	want := &netlink.Addr{IPNet: &net.IPNet{IP: l.Address.Addr().AsSlice(), Mask: net.CIDRMask(l.Address.Bits(), 32)}}
	have, err := netlink.AddrList(link, netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("addresses of %s: %w", c.name, err)
	}
	found := false
	for _, a := range have {
		if a.Equal(*want) {
			found = true
			continue
		}
		if err := netlink.AddrDel(link, &a); err != nil {
			return fmt.Errorf("remove address %s from %s: %w", a.IPNet, c.name, err)
		}
	}
	if !found {
		if err := netlink.AddrReplace(link, want); err != nil {
			return fmt.Errorf("address %s on %s: %w", l.Address, c.name, err)
		}
	}
	if !l.Router.IsValid() {
		return nil
	}
	route := &netlink.Route{
		LinkIndex: c.index,
		Dst:       &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)},
		Gw:        l.Router.AsSlice(),
		Priority:  metric,
		Protocol:  unix.RTPROT_DHCP,
	}
	if err := netlink.RouteReplace(route); err != nil {
		return fmt.Errorf("router %s on %s: %w", l.Router, c.name, err)
	}
	return nil
}
