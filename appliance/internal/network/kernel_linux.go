package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	"meetbox.local/appliance/api"
)

// errVLAN means that this kernel has no VLANs.
var errVLAN = errors.New("the kernel of this box has no VLANs: connect the network to a card of its own, or have the switch untag it")

// isCard says whether the link is a wired card. A veth is what a card looks
// like inside a network namespace.
func isCard(l netlink.Link) bool {
	a := l.Attrs()
	return (l.Type() == "device" || l.Type() == "veth") && a.EncapType == "ether" && a.Flags&net.FlagLoopback == 0 && a.MasterIndex == 0
}

// links are all links of the machine by name, and its cards in order.
func links() (map[string]netlink.Link, []card, error) {
	list, err := netlink.LinkList()
	if err != nil {
		return nil, nil, fmt.Errorf("network cards: %w", err)
	}
	all := map[string]netlink.Link{}
	var cards []card
	for _, l := range list {
		a := l.Attrs()
		all[a.Name] = l
		if isCard(l) {
			cards = append(cards, card{a.Index, a.Name, a.HardwareAddr.String(), a.RawFlags&unix.IFF_LOWER_UP != 0})
		}
	}
	slices.SortFunc(cards, func(a, b card) int { return a.index - b.index })
	return all, cards, nil
}

// tidy removes VLANs of our cards that no port wants.
func tidy(all map[string]netlink.Link, ports []port) error {
	var errs []error
	for name, l := range all {
		v, ok := l.(*netlink.Vlan)
		if !ok || slices.ContainsFunc(ports, func(p port) bool {
			parent := all[p.card]
			return p.name == name && p.vlan == v.VlanId && parent != nil && parent.Attrs().Index == v.ParentIndex
		}) {
			continue
		}
		if err := netlink.LinkDel(l); err != nil {
			errs = append(errs, fmt.Errorf("remove %s: %w", name, err))
		}
		delete(all, name)
	}
	return errors.Join(errs...)
}

// addVLAN makes the link of a VLAN where it is not there yet.
func addVLAN(all map[string]netlink.Link, p port) error {
	if p.vlan == 0 || all[p.name] != nil {
		return nil
	}
	parent := all[p.card]
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.ParentIndex = p.name, parent.Attrs().Index
	err := netlink.LinkAdd(&netlink.Vlan{LinkAttrs: attrs, VlanId: p.vlan})
	if errors.Is(err, unix.EOPNOTSUPP) {
		return errVLAN
	}
	if err != nil {
		return fmt.Errorf("VLAN %d on %s: %w", p.vlan, p.card, err)
	}
	l, err := netlink.LinkByName(p.name)
	if err != nil {
		return fmt.Errorf("VLAN %d on %s: %w", p.vlan, p.card, err)
	}
	all[p.name] = l
	return nil
}

// apply makes one link what it should be, from whatever it is. It returns
// the addresses that are new. Applied twice it changes nothing.
func apply(l netlink.Link, p port) (added []netip.Prefix, err error) {
	a := l.Attrs()
	up := a.Flags&net.FlagUp != 0
	if p.role == api.PortOff {
		if err := addresses(l, port{}, nil); err != nil {
			return nil, err
		}
		if up {
			return nil, wrap("turn off", netlink.LinkSetDown(l))
		}
		return nil, nil
	}
	if a.MTU != p.mtu {
		if err := netlink.LinkSetMTU(l, p.mtu); err != nil {
			return nil, fmt.Errorf("MTU %d: %w (the card may not take it)", p.mtu, err)
		}
	}
	accept := map[bool]string{true: "1", false: "0"}
	errs := []error{
		sysctl(a.Name, "disable_ipv6", accept[!p.ipv6]),
		sysctl(a.Name, "accept_ra", accept[p.slaac]),
		sysctl(a.Name, "autoconf", accept[p.slaac]),
		sysctl(a.Name, "use_tempaddr", "0"), // a server's address does not change daily
	}
	if !up {
		errs = append(errs, wrap("turn on", netlink.LinkSetUp(l)))
	}
	errs = append(errs, wrap("addresses", addresses(l, p, &added)), wrap("gateways", gateways(l, p)))
	return added, errors.Join(errs...)
}

func wrap(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// sysctl sets one of the kernel's IPv6 switches of a link.
func sysctl(link, name, value string) error {
	file := filepath.Join("/proc/sys/net/ipv6/conf", link, name)
	have, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil // a kernel without IPv6, or the link has just gone
	}
	if err != nil || strings.TrimSpace(string(have)) == value {
		return err
	}
	return os.WriteFile(file, []byte(value), 0)
}

// addresses makes the port's addresses the only ones of the link, but for
// those that IPv6 makes by itself.
func addresses(l netlink.Link, p port, added *[]netip.Prefix) error {
	have, err := netlink.AddrList(l, netlink.FAMILY_ALL)
	if err != nil {
		return err
	}
	missing := slices.Clone(p.addrs)
	var errs []error
	for _, a := range have {
		ip, _ := netip.AddrFromSlice(a.IP)
		ip = ip.Unmap()
		ones, _ := a.Mask.Size()
		prefix := netip.PrefixFrom(ip, ones)
		if i := slices.Index(missing, prefix); i >= 0 {
			missing = slices.Delete(missing, i, i+1)
			continue
		}
		made := ip.Is6() && (ip.IsLinkLocalUnicast() && p.ipv6 || p.slaac && a.Flags&unix.IFA_F_PERMANENT == 0)
		if made {
			continue
		}
		if err := netlink.AddrDel(l, &a); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
			errs = append(errs, fmt.Errorf("remove %s: %w", prefix, err))
		}
	}
	for _, m := range missing {
		a := &netlink.Addr{IPNet: &net.IPNet{IP: m.Addr().AsSlice(), Mask: net.CIDRMask(m.Bits(), m.Addr().BitLen())}}
		if err := netlink.AddrReplace(l, a); err != nil {
			errs = append(errs, fmt.Errorf("add %s: %w", m, err))
			continue
		}
		*added = append(*added, m)
	}
	return errors.Join(errs...)
}

// gateways makes the port's gateways the only ones of the link, but for those
// that routers announce.
func gateways(l netlink.Link, p port) error {
	filter := &netlink.Route{LinkIndex: l.Attrs().Index}
	have, err := netlink.RouteListFiltered(netlink.FAMILY_ALL, filter, netlink.RT_FILTER_OIF)
	if err != nil {
		return err
	}
	missing := slices.Clone(p.gateways)
	var errs []error
	for _, r := range have {
		if prefixLen(r.Dst) != 0 || r.Gw == nil || r.Protocol == unix.RTPROT_RA {
			continue
		}
		gw, _ := netip.AddrFromSlice(r.Gw)
		if i := slices.Index(missing, gw.Unmap()); i >= 0 && r.Priority == p.metric {
			missing = slices.Delete(missing, i, i+1)
			continue
		}
		if err := netlink.RouteDel(&r); err != nil && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, fmt.Errorf("remove %s: %w", gw, err))
		}
	}
	for _, gw := range missing {
		all := &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}
		if gw.Is6() {
			all = &net.IPNet{IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)}
		}
		r := &netlink.Route{LinkIndex: l.Attrs().Index, Dst: all, Gw: gw.AsSlice(), Priority: p.metric, Protocol: unix.RTPROT_STATIC}
		if err := netlink.RouteReplace(r); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", gw, err))
		}
	}
	return errors.Join(errs...)
}

// look describes a link as it is.
func look(l netlink.Link, p port) (api.PortStatus, error) {
	a := l.Attrs()
	s := api.PortStatus{
		Name: p.name, Card: a.HardwareAddr.String(), VLAN: p.vlan, Role: p.role, Named: p.named,
		Cable: a.RawFlags&unix.IFF_LOWER_UP != 0, MTU: a.MTU,
	}
	if text, err := os.ReadFile(filepath.Join("/sys/class/net", a.Name, "speed")); err == nil && s.Cable {
		if n, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && n > 0 {
			s.Mbits = n
		}
	}
	if st := a.Statistics; st != nil {
		s.Received, s.Sent, s.Errors = st.RxBytes, st.TxBytes, st.RxErrors+st.TxErrors
	}
	addrs, err := netlink.AddrList(l, netlink.FAMILY_ALL)
	if err != nil {
		return s, err
	}
	for _, x := range addrs {
		ip, _ := netip.AddrFromSlice(x.IP)
		ones, _ := x.Mask.Size()
		s.Addresses = append(s.Addresses, netip.PrefixFrom(ip.Unmap(), ones))
		if x.Flags&unix.IFA_F_DADFAILED != 0 {
			s.Problems = append(s.Problems, fmt.Sprintf("Another device has the address %s already: give the box another one.", ip))
		}
	}
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{LinkIndex: a.Index}, netlink.RT_FILTER_OIF)
	if err != nil {
		return s, err
	}
	for _, r := range routes {
		if gw, ok := netip.AddrFromSlice(r.Gw); ok && prefixLen(r.Dst) == 0 {
			s.Gateways = append(s.Gateways, gw.Unmap())
		}
	}
	return s, nil
}

type link = netlink.Link

func hasCable(l link) bool { return l.Attrs().RawFlags&unix.IFF_LOWER_UP != 0 }
