package island

import (
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"meetbox.local/appliance/api"
)

// captiveURL is DHCP's option for where a network says whether it has a
// captive portal (RFC 8910).
const captiveURL = dhcpv4.GenericOptionCode(114)

// terms are what goes with an address.
type terms struct {
	own     netip.Prefix
	life    time.Duration
	captive string // URL; "": none is named
}

// answer is the DHCP server's decision about one message; nil: nothing is
// said. bound says that a lease was made or ended.
func (p *pool) answer(m *dhcpv4.DHCPv4, t terms, now time.Time) (reply *dhcpv4.DHCPv4, bound bool) {
	if m.OpCode != dhcpv4.OpcodeBootRequest || len(m.ClientHWAddr) != 6 || m.HopCount > 0 || !m.GatewayIPAddr.IsUnspecified() {
		return nil, false // only devices on our own cable
	}
	mac, own := m.ClientHWAddr.String(), t.own.Addr()
	wish, _ := netip.AddrFromSlice(m.RequestedIPAddress().To4())
	current, _ := netip.AddrFromSlice(m.ClientIPAddr.To4())
	server, _ := netip.AddrFromSlice(m.ServerIdentifier().To4())
	if server.IsValid() && server != own {
		return nil, false // it chose another server
	}
	switch m.MessageType() {
	case dhcpv4.MessageTypeDiscover:
		a, ok := p.offer(mac, wish, now)
		if !ok {
			return nil, false
		}
		return t.reply(m, dhcpv4.MessageTypeOffer, a), false
	case dhcpv4.MessageTypeRequest:
		want := wish
		if !want.IsValid() || want.IsUnspecified() {
			want = current
		}
		if !server.IsValid() && t.own.Contains(want) && p.leases[want] == nil && p.inside(want) {
			// From before our memory: it may stay, unless somebody else has it.
			return p.lend(m, mac, want, t, now)
		}
		if l := p.leases[want]; l != nil && l.mac == mac {
			return p.lend(m, mac, want, t, now)
		}
		return t.reply(m, dhcpv4.MessageTypeNak, netip.Addr{}), false
	case dhcpv4.MessageTypeDecline:
		p.decline(mac, wish, now)
		return nil, true
	case dhcpv4.MessageTypeRelease:
		p.release(mac, current, now)
		return nil, true
	case dhcpv4.MessageTypeInform:
		return t.reply(m, dhcpv4.MessageTypeAck, netip.Addr{}), false
	}
	return nil, false
}

func (p *pool) lend(m *dhcpv4.DHCPv4, mac string, a netip.Addr, t terms, now time.Time) (*dhcpv4.DHCPv4, bool) {
	if !p.bind(mac, a, m.HostName(), t.life, now) {
		return t.reply(m, dhcpv4.MessageTypeNak, netip.Addr{}), false
	}
	return t.reply(m, dhcpv4.MessageTypeAck, a), true
}

// reply makes an answer. The box names itself as the router, though it leads
// nowhere: Android does not take a network that has none.
func (t terms) reply(m *dhcpv4.DHCPv4, kind dhcpv4.MessageType, a netip.Addr) *dhcpv4.DHCPv4 {
	own := net.IP(t.own.Addr().AsSlice())
	more := []dhcpv4.Modifier{
		dhcpv4.WithMessageType(kind), dhcpv4.WithServerIP(own), dhcpv4.WithOption(dhcpv4.OptServerIdentifier(own)),
	}
	if kind != dhcpv4.MessageTypeNak {
		more = append(more,
			dhcpv4.WithNetmask(net.CIDRMask(t.own.Bits(), 32)), dhcpv4.WithRouter(own), dhcpv4.WithDNS(own),
			dhcpv4.WithOption(dhcpv4.OptNTPServers(own)),
			dhcpv4.WithOption(dhcpv4.OptBroadcastAddress(api.Last(t.own).AsSlice())))
		if t.captive != "" {
			more = append(more, dhcpv4.WithGeneric(captiveURL, []byte(t.captive)))
		}
	}
	if a.IsValid() {
		more = append(more, dhcpv4.WithYourIP(a.AsSlice()), dhcpv4.WithLeaseTime(uint32(t.life.Seconds())))
	}
	r, err := dhcpv4.NewReplyFromRequest(m, more...)
	if err != nil {
		return nil
	}
	return r
}

// receiver is where an answer goes: to who has an address there, else to all.
func receiver(m, reply *dhcpv4.DHCPv4) *net.UDPAddr {
	if c := m.ClientIPAddr; c != nil && !c.IsUnspecified() && reply.MessageType() != dhcpv4.MessageTypeNak {
		return &net.UDPAddr{IP: c, Port: 68}
	}
	return &net.UDPAddr{IP: net.IPv4bcast, Port: 68}
}
