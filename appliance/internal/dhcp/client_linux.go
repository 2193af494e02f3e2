package dhcp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"meetbox.local/appliance/api"
	"meetbox.local/appliance/internal/arp"
)

// Client gets and keeps an address on one link.
type Client struct {
	Link   string
	Host   string    // what the server should call us
	Old    api.Lease // had before: asked for again
	Report func(State)
	Log    *slog.Logger

	timing timing
}

// received is an answer and the machine it came from.
type received struct {
	*dhcpv4.DHCPv4
	from net.HardwareAddr
}

// run is a Client at work. All of it belongs to the goroutine of Run.
type run struct {
	*Client
	conn    *conn
	arp     *arp.Conn
	in      <-chan received
	state   State
	server  net.HardwareAddr // of the lease
	servers map[netip.Addr]bool
	renew   time.Duration
	rebind  time.Duration
	end     time.Duration
}

var (
	errNAK      = errors.New("the DHCP server refused")
	errConflict = errors.New("somebody else has the address")
)

// Run works until ctx ends or the link is gone.
func (c *Client) Run(ctx context.Context) error {
	if c.timing.shortest == 0 {
		c.timing = usual()
	}
	link, err := net.InterfaceByName(c.Link)
	if err != nil {
		return fmt.Errorf("DHCP on %s: %w", c.Link, err)
	}
	conn, err := listen(c.Link)
	if err != nil {
		return err
	}
	defer conn.Close()
	a, err := arp.Listen(link)
	if err != nil {
		return err
	}
	defer a.Close()
	in := make(chan received, 8)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	wg.Go(func() {
		b := make([]byte, 2048)
		for {
			m, from, err := conn.read(b)
			if err != nil {
				cancel(err)
				return
			}
			select {
			case in <- received{m, from}:
			case <-ctx.Done():
			}
		}
	})
	r := &run{Client: c, conn: conn, arp: a, in: in, state: State{Lease: c.Old}, servers: map[netip.Addr]bool{}}
	r.loop(ctx)
	conn.Close()
	wg.Wait()
	return context.Cause(ctx)
}

// loop goes on for ever between having a lease and not.
func (r *run) loop(ctx context.Context) {
	fresh := false // the lease was confirmed on this network
	for ctx.Err() == nil {
		var err error
		if !fresh {
			err = r.acquire(ctx)
			fresh = err == nil
		} else {
			err = r.keep(ctx)
		}
		switch {
		case errors.Is(err, errNAK), errors.Is(err, errConflict):
			fresh = false
			r.state.Lease = api.Lease{}
			r.report()
			if errors.Is(err, errConflict) {
				wait(ctx, r.timing.declined)
			}
		case err != nil && ctx.Err() == nil:
			fresh = false
			r.say(err.Error())
			wait(ctx, r.timing.answer)
		}
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func (r *run) report() { r.Report(r.state) }

func (r *run) say(problem string) {
	if r.state.Problem != problem {
		r.state.Problem = problem
		if problem != "" {
			r.Log.Warn("DHCP", "link", r.Link, "problem", problem)
		}
		r.report()
	}
}

// message makes one of ours; each has a new number.
func (r *run) message(kind dhcpv4.MessageType, more ...dhcpv4.Modifier) (*dhcpv4.DHCPv4, error) {
	var xid dhcpv4.TransactionID
	rand.Read(xid[:])
	return dhcpv4.New(append([]dhcpv4.Modifier{
		dhcpv4.WithTransactionID(xid), dhcpv4.WithMessageType(kind), dhcpv4.WithHwAddr(r.conn.mac), dhcpv4.WithBroadcast(true),
		dhcpv4.WithOption(dhcpv4.OptHostName(r.Host)),
		dhcpv4.WithRequestedOptions(dhcpv4.OptionSubnetMask, dhcpv4.OptionRouter, dhcpv4.OptionDomainNameServer, dhcpv4.OptionDomainName,
			dhcpv4.OptionNTPServers, dhcpv4.OptionRenewTimeValue, dhcpv4.OptionRebindingTimeValue),
	}, more...)...)
}

// ask sends the message and waits for one of the answers; nil when none came
// in time. Offers of other servers are noted on the way.
func (r *run) ask(ctx context.Context, m *dhcpv4.DHCPv4, from, to netip.Addr, mac net.HardwareAddr, patience time.Duration, want ...dhcpv4.MessageType) (received, error) {
	if err := r.conn.send(m, from, to, mac); err != nil {
		return received{}, err
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return received{}, context.Cause(ctx)
		case <-t.C:
			return received{}, nil
		case a := <-r.in:
			r.note(a)
			if a.TransactionID != m.TransactionID {
				continue
			}
			for _, k := range want {
				if a.MessageType() == k {
					return a, nil
				}
			}
		}
	}
}

func (r *run) note(a received) {
	if a.MessageType() == dhcpv4.MessageTypeOffer {
		r.servers[serverOf(a.DHCPv4)] = true
	}
}

// acquire gets a lease: the old one confirmed, or a new one. It returns when
// it has one that nobody else uses.
func (r *run) acquire(ctx context.Context) error {
	clear(r.servers)
	if old := r.state.Lease.Address.Addr(); old.IsValid() {
		switch ack, err := r.request(ctx, old, netip.Addr{}, r.timing.answer); {
		case err != nil:
			return err
		case ack.DHCPv4 != nil:
			return r.take(ctx, ack)
		}
	}
	// One question, asked again and again: some servers take seconds to
	// answer, and then the answer is still to it.
	question, err := r.question()
	if err != nil {
		return err
	}
	for patience := r.timing.answer; ; patience = min(2*patience, r.timing.last) {
		offer, err := r.ask(ctx, question, netip.Addr{}, netip.Addr{}, nil, patience, dhcpv4.MessageTypeOffer)
		if err != nil {
			return err
		}
		if offer.DHCPv4 == nil {
			if r.state.Lease.Address.IsValid() {
				r.say(fmt.Sprintf("The DHCP server does not answer any more. The box keeps the address %s.", r.state.Lease.Address.Addr()))
			} else {
				r.say("No DHCP server answers on this network: turn one on, give the box a fixed address, or use the port as an island.")
			}
			continue
		}
		addr, _ := netip.AddrFromSlice(offer.YourIPAddr.To4())
		ack, err := r.request(ctx, addr, serverOf(offer.DHCPv4), 2*r.timing.answer, dhcpv4.WithTransactionID(offer.TransactionID))
		if err != nil {
			return err
		}
		if ack.DHCPv4 != nil {
			return r.take(ctx, ack)
		}
	}
}

// question is who would lend us an address, best the one that we had.
func (r *run) question() (*dhcpv4.DHCPv4, error) {
	var more []dhcpv4.Modifier
	if old := r.state.Lease.Address.Addr(); old.IsValid() {
		more = append(more, dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(old.AsSlice())))
	}
	return r.message(dhcpv4.MessageTypeDiscover, more...)
}

// request asks for the address, of one server or (the lease of an earlier
// time) of any. Silence is no error.
func (r *run) request(ctx context.Context, addr, server netip.Addr, patience time.Duration, more ...dhcpv4.Modifier) (received, error) {
	more = append(more, dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(addr.AsSlice())))
	if server.IsValid() {
		more = append(more, dhcpv4.WithOption(dhcpv4.OptServerIdentifier(server.AsSlice())))
	}
	m, err := r.message(dhcpv4.MessageTypeRequest, more...)
	if err != nil {
		return received{}, err
	}
	return r.verdict(r.ask(ctx, m, netip.Addr{}, netip.Addr{}, nil, patience, dhcpv4.MessageTypeAck, dhcpv4.MessageTypeNak))
}

func (r *run) verdict(a received, err error) (received, error) {
	if err == nil && a.DHCPv4 != nil && a.MessageType() == dhcpv4.MessageTypeNak {
		r.Log.Info("lease refused", "link", r.Link, "server", serverOf(a.DHCPv4), "message", a.Message())
		return received{}, errNAK
	}
	return a, err
}

// take makes an acknowledged address ours, unless somebody else has it.
func (r *run) take(ctx context.Context, ack received) error {
	begun := time.Now()
	l, err := read(ack.DHCPv4, begun)
	if err != nil {
		return err
	}
	if l.Address != r.state.Lease.Address { // one that is in use is being watched
		who, err := r.arp.Probe(ctx, l.Address.Addr())
		if err != nil {
			return err
		}
		if who != nil {
			return r.decline(l, ack.from, who)
		}
	}
	if l.Address != r.state.Lease.Address || l.Server != r.state.Lease.Server {
		r.Log.Info("address leased", "link", r.Link, "address", l.Address, "gateway", l.Gateway, "server", l.Server, "life", l.Until.Sub(l.Begun))
	}
	r.renew, r.rebind, r.end = r.timing.times(l.Until.Sub(l.Begun), ack.IPAddressRenewalTime(0), ack.IPAddressRebindingTime(0))
	r.state.Lease, r.server = l, ack.from
	for more := true; more; { // offers that came meanwhile
		select {
		case a := <-r.in:
			r.note(a)
		default:
			more = false
		}
	}
	r.state.Problem = two(l.Server, r.servers)
	if r.state.Problem != "" {
		r.Log.Warn("DHCP", "link", r.Link, "problem", r.state.Problem)
	}
	r.report()
	return r.arp.Announce(l.Address.Addr())
}

// decline tells the server that the address it lent has another owner.
func (r *run) decline(l api.Lease, server, who net.HardwareAddr) error {
	m, err := r.message(dhcpv4.MessageTypeDecline,
		dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(l.Address.Addr().AsSlice())),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(l.Server.AsSlice())))
	if err == nil {
		err = r.conn.send(m, netip.Addr{}, netip.Addr{}, nil)
	}
	if err != nil {
		return err
	}
	r.state.Lease = api.Lease{}
	r.say(fmt.Sprintf("The DHCP server %s lent the address %s, but the device %s uses it already. The box asks for another one: find that device, or take its address out of the server's range.", l.Server, l.Address.Addr(), who))
	return errConflict
}

// keep holds a lease until it has to be got anew.
func (r *run) keep(parent context.Context) error {
	ctx, cancel := context.WithCancel(parent)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	lease := r.state.Lease
	conflict := make(chan net.HardwareAddr, 1)
	wg.Go(func() {
		if who, err := r.arp.Watch(ctx, lease.Address.Addr()); err == nil && who != nil {
			conflict <- who
		}
	})
	begun := lease.Begun
	for {
		now := time.Since(begun)
		next := r.renew
		switch {
		case now >= r.end: // anybody may lend us another one now
			if next = now + r.timing.last; r.state.Problem == "" {
				r.say(fmt.Sprintf("The DHCP server %s does not answer any more. The box keeps the address %s.", lease.Server, lease.Address.Addr()))
			}
		case now >= r.renew: // RFC 2131, 4.4.5: after half of what is left
			limit := r.rebind
			if now >= r.rebind {
				limit = r.end
			}
			next = now + max((limit-now)/2, min(r.timing.shortest/2, r.timing.last))
		}
		t := time.NewTimer(next - now)
		select {
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		case who := <-conflict:
			t.Stop()
			return r.decline(lease, r.server, who)
		case a := <-r.in:
			t.Stop()
			r.note(a)
			continue
		case <-t.C:
		}
		ack, err := r.extend(ctx, lease, time.Since(begun))
		if err != nil {
			return err
		}
		if ack.DHCPv4 != nil {
			return r.take(ctx, ack)
		}
	}
}

// extend asks for more time: the lease's server, later any, and at last for
// whatever there is.
func (r *run) extend(ctx context.Context, l api.Lease, age time.Duration) (received, error) {
	own := l.Address.Addr()
	m, err := r.message(dhcpv4.MessageTypeRequest, dhcpv4.WithClientIP(own.AsSlice()), dhcpv4.WithBroadcast(false))
	if err != nil {
		return received{}, err
	}
	to, mac := l.Server, r.server
	if age >= r.rebind {
		to, mac = netip.Addr{}, nil
	}
	ack, err := r.verdict(r.ask(ctx, m, own, to, mac, 2*r.timing.answer, dhcpv4.MessageTypeAck, dhcpv4.MessageTypeNak))
	if err != nil || ack.DHCPv4 != nil || age < r.end {
		return ack, err
	}
	if m, err = r.question(); err != nil {
		return received{}, err
	}
	offer, err := r.ask(ctx, m, netip.Addr{}, netip.Addr{}, nil, 4*r.timing.answer, dhcpv4.MessageTypeOffer)
	if err != nil || offer.DHCPv4 == nil {
		return received{}, err
	}
	addr, _ := netip.AddrFromSlice(offer.YourIPAddr.To4())
	return r.request(ctx, addr, serverOf(offer.DHCPv4), 2*r.timing.answer, dhcpv4.WithTransactionID(offer.TransactionID))
}

// Servers asks who lends addresses on the link, and returns them all.
func Servers(ctx context.Context, link string, patience time.Duration) ([]netip.Addr, error) {
	conn, err := listen(link)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	r := &run{Client: &Client{Link: link, Host: "meetbox"}, conn: conn}
	m, err := r.message(dhcpv4.MessageTypeDiscover)
	if err == nil {
		err = conn.send(m, netip.Addr{}, netip.Addr{}, nil)
	}
	if err != nil {
		return nil, err
	}
	var out []netip.Addr
	if err := conn.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return nil, fmt.Errorf("DHCP on %s: %w", link, err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	seen := map[netip.Addr]bool{}
	for b := make([]byte, 2048); ; {
		a, _, err := conn.read(b)
		if err != nil {
			return out, context.Cause(ctx) // the time is over
		}
		if s := serverOf(a); a.TransactionID == m.TransactionID && a.MessageType() == dhcpv4.MessageTypeOffer && !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
}
